#include "lab/store/run_rows.h"

#include "lab/base/io.h"
#include "lab/store/digest.h"

#include <string.h>

/* True when the rows up to `step` are all there and have this hash; cuts the record off behind
 * them. */
static bool cut_at(RunRecord *run, int64_t step, const char *rows_sha256) {
    Digest digest = digest_new();
    int64_t steps = 0;
    int evals = 0;
    for (; steps < run->n_steps && steps < step; steps++) {
        digest_step(&digest, &run->steps[steps]);
        for (; evals < run->n_evals && run->evals[evals].step == run->steps[steps].step; evals++)
            digest_eval(&digest, &run->evals[evals], run->layers + evals * run->header.n_layers,
                        run->header.n_layers);
    }
    char hex[HASH_ROOM];
    hash_hex(&digest.rows, hex);
    if (steps != step || strcmp(hex, rows_sha256) != 0)
        return false;
    run->n_steps = steps;
    run->n_evals = evals;
    while (run->n_curvatures > 0 && run->curvatures[run->n_curvatures - 1].step > step)
        run->n_curvatures--;
    return true;
}

static bool has_eval_at(const RunRecord *run, int64_t step) {
    for (int i = 0; i < run->n_evals; i++)
        if (run->evals[i].step == step)
            return true;
    return false;
}

static void cut_digests(RunRecord *run, int64_t step) {
    int n = 0;
    for (int i = 0; i < run->n_digests; i++) {
        int64_t at = run->digests[i].step;
        if (at <= step && (at == run->header.verify_steps || has_eval_at(run, at)))
            run->digests[n++] = run->digests[i];
    }
    run->n_digests = n;
}

Error *run_rows_before(RunRecord *out, bool *found, const char *run_folder, int64_t step,
                       const char *rows_sha256, Arena *arena) {
    *found = false;
    char **names = NULL;
    int n = 0;
    error_end(io_list(&names, &n, run_folder, arena)); /* no folder: not found */
    for (int i = 0; i < n && !*found; i++) {
        bool journal = strcmp(names[i], "journal") == 0,
             aside = strncmp(names[i], "journal.interrupted-", 20) == 0;
        if (!journal && !aside)
            continue;
        bool is_there = false;
        Error *error = run_load_journal(out, &is_there,
                                        arena_print(arena, "%s/%s", run_folder, names[i]), arena);
        if (error)
            error_end(error); /* damaged: maybe another one has them */
        else
            *found = is_there && cut_at(out, step, rows_sha256);
    }
    if (*found)
        cut_digests(out, step);
    return NULL;
}
