#include "lab/sweep/prune.h"

#include <math.h>

static const char *const rule_names[] = {"median", "halving", NULL};

static const Param rows[] = {
    PARAM_FROM(Prune, rule, "\"median\"", rule_names,
               "who goes on: the better half of all points, or `keep` of those that came this far"),
    PARAM(NUMBERS, Prune, rungs, NULL, 1e-6, 1e15, "1",
          "where points are compared: fractions of the budget (below 1) or examples"),
    PARAM(NUMBER, Prune, keep, "0.5", 0.01, 0.99, "1", "of halving: the fraction that goes on"),
    PARAM_END,
};

const Param *prune_rows(void) {
    return rows;
}

Error *prune_read(Prune *out, const Json *object, Arena *arena) {
    *out = (Prune){0};
    if (!object)
        return NULL;
    PASS(param_read(out, rows, object, NULL, arena));
    const Json *rungs = json_find(object, "rungs"), *keep = json_find(object, "keep");
    if (rungs->n == 0)
        return error_hint(json_error(rungs, "is an empty list"), "for example [0.1, 0.3]");
    const Json *before = NULL;
    JSON_EACH (rung, rungs) {
        if (before && !(rung->number > before->number))
            return error_hint(json_error(rung, "is %g after %g", rung->number, before->number),
                              "growing, for example [0.1, 0.3]");
        if (before && (rung->number < 1) != (before->number < 1))
            return error_hint(json_error(rung, "is a count of examples after a fraction"),
                              "all below 1, or all examples");
        before = rung;
    }
    if (keep && out->rule != PRUNE_HALVING)
        return error_hint(json_error(keep, "is for rule halving"),
                          "the median keeps the better half");
    return NULL;
}

int64_t prune_step(const Prune *prune, int rung, int64_t total_steps, double total_examples) {
    double at = prune->rungs.value[rung], fraction = at < 1 ? at : at / total_examples;
    return (int64_t)ceil(fraction * (double)total_steps - 1e-9);
}

Error *prune_check(const Prune *prune, const Json *where, int64_t total_steps,
                   double total_examples, int64_t every_examples) {
    for (int i = 0; i < prune->rungs.n; i++) {
        int64_t step = prune_step(prune, i, total_steps, total_examples);
        double examples = (double)step * total_examples / (double)total_steps;
        const Json *rung = json_find(where, "rungs")->first;
        for (int k = 0; k < i; k++)
            rung = rung->next;
        if (step >= total_steps)
            return error_hint(
                json_error(rung, "is step %lld, where the trial ends", (long long)step),
                "a rung lies before the end, step %lld", (long long)total_steps);
        if (examples + 1e-6 < (double)every_examples)
            return error_hint(json_error(rung,
                                         "is after %.0f examples, before the first "
                                         "evaluation after %lld",
                                         examples, (long long)every_examples),
                              "a later rung, or a smaller trial.eval.every_examples");
    }
    return NULL;
}

int prune_keeps(const Prune *prune, int n, int n_alive) {
    int kept =
        prune->rule == PRUNE_MEDIAN ? (n + 1) / 2 : (int)ceil((double)n_alive * prune->keep - 1e-9);
    return kept > 1 ? kept : 1;
}
