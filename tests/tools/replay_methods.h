/* From the fixtures' words (method key in the case's name, hyper keys) to an optimizer and its
 * settings. */
#ifndef TESTS_TOOLS_REPLAY_METHODS_H
#define TESTS_TOOLS_REPLAY_METHODS_H

#include "optim/optim.h"
#include "tests/tools/replay.h"

/* The first prefix that fits. Settings are those that the method's name stands for; an absent decay
 * is none in the SGD family, as in torch. */
static const struct {
    const char *prefix, *settings;
} replay_methods[] = {
    {"sgd_mom_caffe", "{\"name\": \"momentum\", \"form\": \"caffe\", \"weight_decay\": 0}"},
    {"sgd_mom_ema", "{\"name\": \"momentum\", \"form\": \"ema\", \"weight_decay\": 0}"},
    {"sgd_mom", "{\"name\": \"momentum\", \"weight_decay\": 0}"},
    {"sgd_nesterov_caffe",
     "{\"name\": \"momentum\", \"form\": \"caffe\", \"nesterov\": true, \"weight_decay\": 0}"},
    {"sgd_nesterov", "{\"name\": \"momentum\", \"nesterov\": true, \"weight_decay\": 0}"},
    {"sgd_wd_after_momentum", "{\"name\": \"sgdw\", \"weight_decay\": 0}"},
    {"sgdw_paper", "{\"name\": \"sgdw\", \"preset\": \"paper\", \"weight_decay\": 0}"},
    {"sgdw", "{\"name\": \"sgdw\", \"weight_decay\": 0}"},
    {"sgd", "{\"name\": \"sgd\"}"},
    {"adamw_paper", "{\"name\": \"adamw\", \"decay_by\": \"alone\"}"},
    {"adamw", "{\"name\": \"adamw\"}"},
    {"adam_no_bias_correction", "{\"name\": \"adam\", \"bias_correction\": false}"},
    {"adam_eps_hat", "{\"name\": \"adam\", \"eps_placement\": \"hat\"}"},
    {"adam", "{\"name\": \"adam\"}"},
    {"lars_mlperf_tf2", "{\"name\": \"lars\", \"preset\": \"mlperf-tf2\"}"},
    {"lars_timm", "{\"name\": \"lars\", \"preset\": \"timm\"}"},
    {"lars_bolts", "{\"name\": \"lars\", \"preset\": \"bolts\"}"},
    {"lars_simclr_postmomentum", "{\"name\": \"lars\", \"preset\": \"simclr-late\"}"},
    {"lars_simclr", "{\"name\": \"lars\", \"preset\": \"simclr\"}"},
    {"lars", "{\"name\": \"lars\"}"},
    {"larc_apex", "{\"name\": \"lars\", \"preset\": \"apex-larc\"}"},
    {"larc_nvcaffe017", "{\"name\": \"lars\", \"preset\": \"nvcaffe-0.17\"}"},
    {"larc_nvcaffe", "{\"name\": \"lars\", \"preset\": \"nvcaffe\"}"},
    {"lamb_no_bias_correction", "{\"name\": \"lamb\", \"bias_correction\": false}"},
    {"lamb", "{\"name\": \"lamb\"}"},
    {"lans_mxnet", "{\"name\": \"lans\", \"preset\": \"mxnet\"}"},
    {"lans", "{\"name\": \"lans\"}"},
    {"lion", "{\"name\": \"lion\"}"},
};

/* A hyper key with one value is one or two settings with one value each; `value` NULL: any number
 * is copied. */
typedef struct HyperWord {
    const char *optimizer, *key, *value; /* value as canonical JSON */
    const char *settings; /* what it means, as JSON; NULL: the value under the name in `as` */
    const char *as;
} HyperWord;

static const HyperWord replay_words[] = {
    {"momentum", "goyal", "true", "{\"form\": \"caffe\", \"correction\": \"goyal\"}", NULL},
    {"momentum", "goyal", "false", "{\"correction\": \"none\"}", NULL},
    {"adam", "eps_hat", "true", "{\"eps_placement\": \"hat\"}", NULL},
    {"adam", "eps_hat", "false", "{\"eps_placement\": \"outside\"}", NULL},
    {"lars", "trust_coefficient", NULL, NULL, "eta"},
    {"lars", "larc_eta", NULL, NULL, "eta"},
    {"lars", "flavour", "\"timm\"", "{\"preset\": \"timm\"}", NULL},
    {"lars", "flavour", "\"bolts\"", "{\"preset\": \"bolts\"}", NULL},
    {"lars", "flavour", "\"flash\"", "{\"preset\": \"bolts\"}", NULL},
    {"lars", "version", "\"0.16\"", "{\"preset\": \"nvcaffe\"}", NULL},
    {"lars", "version", "\"0.17\"", "{\"preset\": \"nvcaffe-0.17\"}", NULL},
    {"lars", "trust_clip", "true", "{\"mode\": \"clip\"}", NULL},
    {"lars", "trust_clip", "false", "{\"mode\": \"scale\"}", NULL},
    {"lars", "clip", "true", "{\"mode\": \"clip\"}", NULL},
    {"lars", "clip", "false", "{\"mode\": \"scale\"}", NULL},
    {"lars", "policy", "\"clip\"", "{\"mode\": \"clip\"}", NULL},
    {"lars", "policy", "\"scale\"", "{\"mode\": \"scale\"}", NULL},
    {"lars", "classic_momentum", "true", "{}", NULL},
    {"lars", "classic_momentum", "false", "{\"preset\": \"simclr-late\"}", NULL},
    {"lars", "always_adapt", "true", "{\"skip\": \"none\"}", NULL},
    {"lars", "always_adapt", "false", "{}", NULL},
    {"lars", "adapt_all", "true", "{\"skip\": \"none\"}", NULL},
    {"lars", "adapt_all", "false", "{}", NULL},
    {"lamb", "adapt_all", "true", "{\"skip\": \"none\"}", NULL},
    {"lamb", "adapt_all", "false", "{}", NULL},
    {"lamb", "always_adapt", "true", "{\"skip\": \"none\"}", NULL},
    {"lamb", "always_adapt", "false", "{}", NULL},
    {"lamb", "always_normalise", NULL, NULL, "normalise_grad"},
    {"lamb", "trust_clip", "true", "{\"ratio_max\": 1}", NULL},
    {"lamb", "trust_clip", "false", "{}", NULL},
    {"lamb", "mode", "\"l2\"", "{\"decay\": \"l2\"}", NULL},
    {"lamb", "mode", "\"keras_decoupled\"", "{\"decay\": \"outside\"}", NULL},
    {"lans", "flavour", "\"apex\"", "{\"step_form\": \"apex\"}", NULL},
    {"lans", "flavour", "\"mxnet_step\"", "{\"step_form\": \"mxnet\"}", NULL},
    {"", "wd", NULL, NULL, "weight_decay"},
    {"", "b1", NULL, NULL, "beta1"},
    {"", "b2", NULL, NULL, "beta2"},
};

/* What a trace is replayed with. */
typedef struct ReplayMethod {
    const OptimType *type;
    void *settings;
    double lr_factor; /* the `lrs` column times this is our learning rate */
} ReplayMethod;

static inline bool replay_is_row(const Kind *kind, const char *key) {
    for (const Param *row = kind->params; row && row->key; row++)
        if (strcmp(row->key, key) == 0)
            return true;
    return false;
}

/* Settings of a word, value checked. */
static inline bool replay_word(Replay *replay, Json *settings, const char *optimizer,
                               const Json *hyper) {
    const char *value = json_canonical(hyper, replay->arena);
    for (size_t i = 0; i < sizeof replay_words / sizeof *replay_words; i++) {
        const HyperWord *word = &replay_words[i];
        if ((*word->optimizer && strcmp(word->optimizer, optimizer) != 0) ||
            strcmp(word->key, hyper->key) != 0)
            continue;
        if (word->value && strcmp(word->value, value) != 0)
            continue;
        if (word->as)
            replay_set(replay, settings, word->as, hyper);
        else
            JSON_EACH (setting, replay_parse(replay, word->settings))
                replay_set(replay, settings, setting->key, setting);
        return true;
    }
    return false;
}

/* "phi": [low, high] */
static inline void replay_limits(Replay *replay, Json *settings, const Json *pair, const char *low,
                                 const char *high) {
    bool good = pair->kind == JSON_ARRAY && pair->n == 2 && pair->first->kind == JSON_NUMBER &&
                pair->last->kind == JSON_NUMBER && pair->first->number >= 0 &&
                pair->last->number > 0;
    if (!good) {
        replay_unsupported(replay,
                           "limits other than two numbers, the upper one above 0:", pair->key);
        return;
    }
    replay_set(replay, settings, low, pair->first);
    replay_set(replay, settings, high, pair->last);
}

static inline double replay_hyper(const Json *hyper, const char *key, double standard) {
    const Json *value = json_find(hyper, key);
    return value && value->kind == JSON_NUMBER ? value->number : standard;
}

/* Which of Adam's rules a decay makes, and by what `eta` multiplies it. */
static inline void replay_adam_decay(Replay *replay, Json *settings, const Json *hyper) {
    const Json *decay = json_find(hyper, "decay");
    const char *kind = decay ? (decay->kind == JSON_TEXT ? decay->text : "?") : NULL;
    if (kind && (strcmp(kind, "decoupled") == 0 || strcmp(kind, "paper") == 0)) {
        replay_set_text(replay, settings, "name", "adamw");
        replay_set_text(replay, settings, "decay_by", strcmp(kind, "paper") == 0 ? "alone" : "lr");
    } else if (kind && (strcmp(kind, "l2") == 0 || strcmp(kind, "coupled") == 0)) {
        replay_set_text(replay, settings, "name", "adam");
    } else if (kind) {
        replay_unsupported(replay, "decay", kind);
    }
    const Json *by = json_find(settings, "decay_by");
    bool is_alone = by && strcmp(by->text, "alone") == 0;
    if (json_find(hyper, "eta") && !is_alone)
        replay_unsupported(replay, "a decay with lr and", "eta");
    if (is_alone && !json_find(hyper, "wd"))
        replay_unsupported(replay, "the paper's decay without", "wd");
}

/* Optimizer and settings of a case; says why not when it cannot. */
static inline Json *replay_settings(Replay *replay, const Json *hyper) {
    Json *settings = NULL;
    for (size_t i = 0; i < sizeof replay_methods / sizeof *replay_methods && !settings; i++)
        if (replay_has_prefix(replay->name, replay_methods[i].prefix))
            settings = replay_parse(replay, replay_methods[i].settings);
    if (!settings) {
        replay_unsupported(replay, "no method for", replay->name);
        return NULL;
    }
    const char *name = json_find(settings, "name")->text;
    bool is_adam = replay_has_prefix(name, "adam");
    if (strcmp(name, "sgd") == 0 && json_find(hyper, "momentum"))
        settings = replay_parse(replay, "{\"name\": \"momentum\", \"weight_decay\": 0}");
    if (is_adam)
        replay_adam_decay(replay, settings, hyper);
    name = json_find(settings, "name")->text;
    const OptimType *type = optim_find(name);
    JSON_EACH (item, hyper) {
        if (item->kind == JSON_NULL)
            continue; /* as if absent */
        if (is_adam && (strcmp(item->key, "decay") == 0 || strcmp(item->key, "eta") == 0))
            continue;
        if (strcmp(name, "lamb") == 0 && strcmp(item->key, "phi") == 0)
            replay_limits(replay, settings, item, "phi_min", "phi_max");
        else if (strcmp(name, "lamb") == 0 && strcmp(item->key, "ratio_clip") == 0)
            replay_limits(replay, settings, item, "ratio_min", "ratio_max");
        else if (!replay_word(replay, settings, is_adam ? "adam" : name, item)) {
            if (!type ||
                (!replay_is_row(&type->kind, item->key) && strcmp(item->key, "preset") != 0))
                replay_unsupported(replay, "hyper key or value",
                                   arena_print(replay->arena, "%s: %s", item->key,
                                               json_canonical(item, replay->arena)));
            else
                replay_set(replay, settings, item->key, item);
        }
    }
    if (is_adam && json_find(hyper, "eta") && replay_is_open(replay))
        replay_set_number(replay, settings, "weight_decay",
                          replay_hyper(hyper, "wd", 0) * replay_hyper(hyper, "eta", 1));
    return settings;
}

static inline void replay_method(Replay *replay, ReplayMethod *out, const Json *hyper) {
    Json *settings = replay_settings(replay, hyper);
    const Kind *kind = NULL;
    if (!replay_is_open(replay))
        return;
    Error *error = kind_read(&kind, &out->settings, settings, optim_table, OPTIM_N, "optimizer",
                             NULL, replay->arena);
    if (error) {
        replay_unsupported(replay, "settings:", error_text(error));
        error_end(error);
        return;
    }
    out->type = (const OptimType *)kind;
    /* the paper's column holds the schedule alone */
    out->lr_factor =
        replay_has_prefix(replay->name, "sgdw_paper") ? replay_hyper(hyper, "alpha", 1) : 1;
}

#endif
