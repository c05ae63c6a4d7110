/* Invented runs as a results folder. Include it after cmocka.h. */
#ifndef TESTS_UNIT_FIXTURE_FOLDER_H
#define TESTS_UNIT_FIXTURE_FOLDER_H

#include "lab/base/io.h"
#include "tests/unit/fixture_runs.h"

#include <stdlib.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        Error *must_error_ = (call);                                                               \
        if (must_error_)                                                                           \
            fail_msg("%s", error_text(must_error_));                                               \
    } while (0)

static inline void write_run(const char *folder, const RunRecord *run) {
    Arena *arena = arena_new();
    RunWriter *writer;
    MUST(run_begin(&writer, folder, &run->header, arena));
    Recorder recorder = run_recorder(writer);
    float *weights = ARENA_ARRAY(arena, float, run->header.n_weights);
    int e = 0, d = 0;
    for (int64_t s = 0; s < run->n_steps; s++) {
        MUST(recorder.step(recorder.self, &run->steps[s]));
        for (; e < run->n_evals && run->evals[e].step == s + 1; e++)
            MUST(recorder.eval(recorder.self, &run->evals[e],
                               run->layers + run->header.n_layers * e, run->header.n_layers));
        for (; d < run->n_digests && run->digests[d].step == s + 1; d++)
            MUST(recorder.digest(recorder.self, s + 1, weights, run->header.n_weights));
    }
    MUST(run_finish(writer, &run->summary));
    arena_end(arena);
}

/* A results folder of `n` runs, at `name` below the build tree. */
static inline const char *write_study(const char *name, const RunRecord *runs, int n,
                                      Arena *arena) {
    const char *folder = arena_print(arena, "%s/%s", BINARY_DIR, name);
    const char *clear = arena_print(arena, "rm -rf '%s'", folder);
    assert_int_equal(system(clear), 0);
    MUST(io_folder(folder));
    for (int i = 0; i < n; i++)
        write_run(folder, &runs[i]);
    return folder;
}

static inline char *slurp(const char *folder, const char *name, Arena *arena) {
    char *text;
    size_t n;
    MUST(io_read(&text, &n, arena_print(arena, "%s/%s", folder, name), arena));
    return text;
}

static inline int count(const char *text, const char *part) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

#endif
