/* Clipping, label smoothing and the variances of initial weights. */
#ifndef TESTS_TOOLS_REPLAY_MISC_H
#define TESTS_TOOLS_REPLAY_MISC_H

#include "lab/nn/init.h"
#include "lab/nn/smoothing.h"
#include "optim/clip.h"
#include "tests/tools/replay_optimizers.h"

static inline double replay_sumsq(const Json *value) {
    double sum = 0;
    if (value->kind == JSON_NUMBER)
        return value->number * value->number;
    JSON_EACH (child, value)
        sum += replay_sumsq(child);
    return sum;
}

/* grads times factor, nested lists and all */
static inline void replay_scaled(Replay *replay, const Json *grad, double factor,
                                 const Json *expected) {
    if (!expected || expected->kind != grad->kind || expected->n != grad->n) {
        replay_malformed(replay, "another shape of", grad->key ? grad->key : "a list");
        return;
    }
    if (grad->kind == JSON_NUMBER)
        replay_compare(replay, factor * grad->number, expected->number, 0);
    for (const Json *a = grad->first, *b = expected->first; a && b; a = a->next, b = b->next)
        replay_scaled(replay, a, factor, b);
}

static inline void replay_clips(Replay *replay, const Json *group) {
    const Json *grads = json_find(group, "grads");
    JSON_EACH (item, group) {
        if (item == grads)
            continue;
        replay_begin(replay, "misc global_norm_clip", item->key);
        double limit = replay_number_in(item->key, "_max", NAN);
        bool is_torch = replay_has_prefix(item->key, "torch_max");
        if (!grads || isnan(limit) || item->kind != JSON_OBJECT ||
            !(is_torch || replay_has_prefix(item->key, "tf_") ||
              replay_has_prefix(item->key, "optax_")))
            replay_unsupported(replay, "clip", item->key);
        else {
            double norm = sqrt(replay_sumsq(grads)),
                   factor = clip_factor(is_torch ? CLIP_TORCH : CLIP_TF, norm, limit);
            replay_number(replay, norm, json_find(item, "norm"));
            replay_number(replay, factor, json_find(item, "coef"));
            JSON_EACH (tensor, grads)
                replay_scaled(replay, tensor, factor, json_find(item, tensor->key));
        }
        replay_end(replay);
    }
}

/* Cross-entropy against the smoothed target, and its gradient. */
static inline void replay_smoothed(Replay *replay, const Json *group, const double *log_prob,
                                   int n) {
    double eps = json_find(group, "eps")->number;
    int right = (int)json_find(group, "target")->number;
    double loss[2] = {0, 0}, entropy = 0;
    for (int j = 0; j < n; j++) {
        double all = smoothing_weight(SMOOTHING_ALL, eps, n, j == right);
        loss[0] -= all * log_prob[j];
        loss[1] -= smoothing_weight(SMOOTHING_OTHERS, eps, n, j == right) * log_prob[j];
        entropy -= all > 0 ? all * log(all) : 0;
    }
    JSON_EACH (item, group) {
        const Json *each = item->first;
        if (item->kind == JSON_ARRAY && item->n != n)
            replay_malformed(replay, "a list of another length:", item->key);
        if (replay_has_prefix(item->key, "uniform_over_K_minus_1"))
            replay_number(replay, loss[1], item);
        else if (replay_has_prefix(item->key, "uniform_over_K"))
            replay_number(replay, loss[0], item);
        else if (strcmp(item->key, "ce") == 0)
            replay_number(replay, -log_prob[right], item);
        else if (strcmp(item->key, "entropy_floor_uniform_over_K") == 0)
            replay_number(replay, entropy, item);
        else if (strcmp(item->key, "log_probs") == 0)
            for (int j = 0; j < n && each; j++, each = each->next)
                replay_number(replay, log_prob[j], each);
        else if (strcmp(item->key, "grad_logits_uniform_over_K") == 0)
            for (int j = 0; j < n && each; j++, each = each->next)
                replay_number(
                    replay, exp(log_prob[j]) - smoothing_weight(SMOOTHING_ALL, eps, n, j == right),
                    each);
        else if (strcmp(item->key, "logits") != 0 && strcmp(item->key, "target") != 0 &&
                 strcmp(item->key, "eps") != 0)
            replay_unsupported(replay, "smoothing", item->key);
    }
}

static inline void replay_smoothing(Replay *replay, const Json *group) {
    const Json *logits = json_find(group, "logits"), *target = json_find(group, "target"),
               *eps = json_find(group, "eps");
    replay_begin(replay, "misc", group->key);
    if (!logits || replay_count(logits) < 2 || !target || target->kind != JSON_NUMBER || !eps ||
        eps->kind != JSON_NUMBER || target->number < 0 || target->number >= logits->n)
        replay_malformed(replay, "no logits, target or eps in", group->key);
    else {
        int n = logits->n;
        real *x = ARENA_ARRAY(replay->arena, real, n);
        replay_copy(x, logits);
        double top = x[0], sum = 0;
        for (int j = 1; j < n; j++)
            top = fmax(top, x[j]);
        for (int j = 0; j < n; j++)
            sum += exp(x[j] - top);
        for (int j = 0; j < n; j++)
            x[j] -= top + log(sum);
        replay_smoothed(replay, group, x, n);
    }
    replay_end(replay);
}

/* "init_conv3x3_64_128": kernel, inputs, outputs. A uniform distribution's bound is sqrt(3)
 * standard deviations; LeCun's variance is half of He's; torch's bound of a convolution has
 * variance 1 / (3 fan_in). */
static inline void replay_init(Replay *replay, const Json *group) {
    double height, width, n_in, n_out;
    replay_begin(replay, "misc", group->key);
    if (sscanf(group->key, "init_conv%lfx%lf_%lf_%lf", &height, &width, &n_in, &n_out) != 4)
        replay_unsupported(replay, "initial weights", group->key);
    else {
        double fan_in = height * width * n_in, fan_out = height * width * n_out,
               truncated = 0.87962566103423978;
        const struct {
            const char *prefix;
            double value;
        } known[] = {
            {"fan_in", fan_in},
            {"fan_out", fan_out},
            {"he_fan_in_std", sqrt(init_he(fan_in))},
            {"he_fan_out_std", sqrt(init_he(fan_out))},
            {"he_fan_in_uniform_bound", sqrt(3) * sqrt(init_he(fan_in))},
            {"glorot_std", sqrt(init_glorot(fan_in, fan_out))},
            {"glorot_uniform_bound", sqrt(3) * sqrt(init_glorot(fan_in, fan_out))},
            {"lecun_std", sqrt(init_he(2 * fan_in))},
            {"torch_conv_default_uniform_bound", sqrt(init_he(2 * fan_in))},
            {"keras_he_normal_pretruncation_stddev", sqrt(init_he(fan_in)) / truncated},
        };
        JSON_EACH (item, group) {
            size_t i = 0, n = sizeof known / sizeof *known;
            while (i < n && !(replay_has_prefix(item->key, known[i].prefix) &&
                              (item->key[strlen(known[i].prefix)] == '\0' ||
                               item->key[strlen(known[i].prefix)] == ' ')))
                i++;
            if (i < n)
                replay_number(replay, known[i].value, item);
            else
                replay_unsupported(replay, "initial weights", item->key);
        }
    }
    replay_end(replay);
}

static inline void replay_misc(Replay *replay, const Json *misc) {
    JSON_EACH (group, misc) {
        if (strcmp(group->key, "global_norm_clip") == 0)
            replay_clips(replay, group);
        else if (replay_has_prefix(group->key, "label_smoothing"))
            replay_smoothing(replay, group);
        else if (replay_has_prefix(group->key, "init_"))
            replay_init(replay, group);
        else {
            replay_begin(replay, "misc", group->key);
            replay_unsupported(replay, "nothing trains with", group->key);
            replay_end(replay);
        }
    }
}

#endif
