/* Invented branches off the runs of fixture_runs.h, whose losses are known. Header-only. */
#ifndef TESTS_UNIT_FIXTURE_BRANCHES_H
#define TESTS_UNIT_FIXTURE_BRANCHES_H

#include "tests/unit/fixture_runs.h"

#define FIXTURE_BRANCH_EXAMPLES 8192
#define FIXTURE_BRANCH_SHARED 2048 /* examples between the evaluations that all branches have */

typedef struct FixtureBranch {
    FixtureRun trunk;
    int64_t at_examples, factor;
    double excess; /* nat above the loss of a branch with factor 1 */
    bool diverged;
} FixtureBranch;

/* The trunk's config with a branch and without a target. */
static inline const char *fixture_branch_config(const FixtureBranch *branch, Arena *arena) {
    const char *trunk = fixture_config(&branch->trunk, arena), *stop = strstr(trunk, "\"stop\":");
    return arena_print(arena,
                       "{\"branch\":{\"at_examples\":%ld,\"examples\":%d,\"factor\":%ld,"
                       "\"lr_power\":1},%.*s\"stop\":{}}",
                       (long)branch->at_examples, FIXTURE_BRANCH_EXAMPLES, (long)branch->factor,
                       (int)(stop - trunk) - 1, trunk + 1);
}

/* Loss of a branch after `seen` of its examples. */
static inline double fixture_branch_loss(const FixtureBranch *branch, int64_t seen) {
    return 1 + branch->excess - 0.5 * (double)seen / FIXTURE_BRANCH_EXAMPLES;
}

/* Trunk and branch evaluate every FIXTURE_BRANCH_SHARED examples of theirs; small batches also in
 * between, where their loss is far off. */
static inline void fixture_branch_evals(RunRecord *out, const FixtureBranch *branch,
                                        int64_t begin) {
    if (begin > 0)
        out->evals[out->n_evals++] = (EvalRow){.examples = begin, .valid_loss = 9};
    for (int64_t seen = FIXTURE_BRANCH_SHARED; seen <= FIXTURE_BRANCH_EXAMPLES;
         seen += FIXTURE_BRANCH_SHARED) {
        if (branch->factor < 8)
            out->evals[out->n_evals++] =
                (EvalRow){.examples = begin + seen - 1024, .valid_loss = 5};
        out->evals[out->n_evals++] =
            (EvalRow){.examples = begin + seen, .valid_loss = fixture_branch_loss(branch, seen)};
    }
}

static inline RunRecord fixture_branch(const FixtureBranch *branch, Arena *arena) {
    RunRecord out = {0};
    fixture_header(&out, &branch->trunk, arena);
    RunHeader *header = &out.header;
    header->config = fixture_branch_config(branch, arena);
    header->run_id = header->trial_id = arena_print(
        arena, "%s-%ld-%ld", header->trial_id, (long)branch->at_examples, (long)branch->factor);
    header->metric = NULL;
    header->target = NAN;
    Json *config = NULL;
    Error *error = json_parse(&config, header->config, strlen(header->config), NULL, arena);
    if (error)
        error_print(error, stderr);
    out.config = config;
    int64_t small = header->global_batch, large = branch->factor * small;
    int64_t begin = (branch->at_examples + small - 1) / small * small;
    out.steps = ARENA_ARRAY(arena, StepRow, begin / small + FIXTURE_BRANCH_EXAMPLES / large + 1);
    out.evals =
        ARENA_ARRAY(arena, EvalRow, 2 * FIXTURE_BRANCH_EXAMPLES / FIXTURE_BRANCH_SHARED + 1);
    for (int64_t seen = 0; seen < begin + FIXTURE_BRANCH_EXAMPLES;) {
        int64_t batch = seen < begin ? small : large;
        seen += batch;
        out.steps[out.n_steps++] =
            (StepRow){.step = out.n_steps,
                      .examples = seen,
                      .global_batch = batch,
                      .train_loss = seen <= begin ? 7 : fixture_branch_loss(branch, seen - begin)};
    }
    fixture_branch_evals(&out, branch, begin);
    out.finished = true;
    out.summary.outcome = branch->diverged ? OUTCOME_DIVERGED : OUTCOME_BUDGET_SPENT;
    return out;
}

/* Branches of 1 to 32 times B = 32 off the trunk of one optimizer, `n_seeds` each, at two points.
 * The loss rises with the square of the doublings: by 0.004 nat after 4,096 examples, so that k* is
 * 2 with a tolerance of 0.01, and by 0.001 after 16,384, so that it is 8. */
static inline int fixture_branches(RunRecord *out, int optimizer, int n_seeds, Arena *arena) {
    int n = 0;
    for (int point = 0; point < 2; point++)
        for (int s = 0; s < n_seeds; s++)
            for (int doubled = 0; doubled <= 5; doubled++) {
                FixtureBranch branch = {
                    .trunk = {.optimizer = fixture_optimizers[optimizer],
                              .global_batch = 32,
                              .seed = (uint64_t)s,
                              .replicas = 1,
                              .mode = RUN_FULL},
                    .at_examples = point ? 16384 : 4090, /* rounded up to whole updates: 4,096 */
                    .factor = 1 << doubled,
                    .excess = (point ? 0.001 : 0.004) * doubled * doubled};
                out[n++] = fixture_branch(&branch, arena);
            }
    return n;
}

#endif
