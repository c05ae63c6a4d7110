#include "lab/cli/page.h"

#include "lab/base/text.h"
#include "lab/sweep/search.h"
#include "optim/schedule.h"

#include <stdio.h>
#include <string.h>

/* {"eps": 1e-8, "skip": "wd"} as "eps 1e-8, skip wd" */
static const char *preset_text(const Preset *preset, Arena *arena) {
    Text text = text_new(arena);
    for (const char *c = preset->settings; *c; c++)
        if (!strchr("{}\":", *c))
            text_add(&text, "%c", *c);
    return *text.data ? text.data : "the defaults";
}

static const char *unit_text(const Param *row) {
    return strcmp(row->unit, "1") == 0 ? "" : row->unit;
}

static int widest_key(const Kind *kind) {
    int width = 14;
    for (const Param *row = kind->params; row && row->key; row++)
        width = (int)strlen(row->key) > width ? (int)strlen(row->key) : width;
    return width;
}

static void print_settings(const Kind *kind, Arena *arena) {
    int width = widest_key(kind);
    if (kind->params && kind->params->key)
        printf("\nsettings: default (legal), unit, meaning\n");
    for (const Param *row = kind->params; row && row->key; row++)
        printf("  %-*s %s%s%s\n  %-*s %s\n", width, row->key, param_range(row, arena),
               *unit_text(row) ? ", " : "", unit_text(row), width, "", row->help);
}

void page_print(const Kind *kind, const char *noun, Arena *arena) {
    printf("%s: %s\n  %s\n", noun, kind->name, kind->summary);
    if (kind->detail)
        printf("\n%s\n", kind->detail);
    print_settings(kind, arena);
    if (kind->presets)
        printf("\npresets: \"preset\": NAME stands for settings; those given beside it win\n");
    for (const Preset *preset = kind->presets; preset && preset->name; preset++)
        printf("  %-16s %s\n  %-16s %s\n", preset->name, preset->summary, "",
               preset_text(preset, arena));
    if (kind->reference)
        printf("\nreference: %s\n", kind->reference);
}

/* ---- Markdown */

/* A cell of a table: bars would end it, and stars would set it in italics. */
static const char *cell(const char *words, Arena *arena) {
    Text text = text_new(arena);
    for (const char *c = words; *c; c++)
        text_add(&text, strchr("|*_", *c) ? "\\%c" : "%c", *c);
    return text.data;
}

void page_print_markdown(const Kind *kind, Arena *arena) {
    printf("\n### %s\n\n%c%s.\n", cell(kind->name, arena),
           kind->summary[0] >= 'a' ? kind->summary[0] - 'a' + 'A' : kind->summary[0],
           cell(kind->summary, arena) + 1);
    if (kind->detail)
        printf("\n```text\n%s\n```\n", kind->detail);
    if (kind->params && kind->params->key)
        printf("\n| setting | default (legal) | meaning |\n|---|---|---|\n");
    for (const Param *row = kind->params; row && row->key; row++)
        printf("| `%s` | %s%s%s | %s |\n", row->key, cell(param_range(row, arena), arena),
               *unit_text(row) ? ", " : "", unit_text(row), cell(row->help, arena));
    if (kind->presets)
        printf("\n| preset | as in | settings |\n|---|---|---|\n");
    for (const Preset *preset = kind->presets; preset && preset->name; preset++)
        printf("| `%s` | %s | %s |\n", preset->name, cell(preset->summary, arena),
               cell(preset_text(preset, arena), arena));
    if (kind->reference)
        printf("\nReference: %s.\n", cell(kind->reference, arena));
}

void page_lr(Kind pages[PAGE_LR_N]) {
    pages[0] = (Kind){
        .name = "lr",
        .summary = "the learning rate of an update",
        .detail = "lr = base * scaling(k) * schedule(x)     once the warmup is over\n"
                  "k = global_batch / base_batch, x = examples seen\n"
                  "\n"
                  "{\"base\": 0.1, \"base_batch\": 256, \"scaling\": \"linear\",\n"
                  " \"warmup\": {\"epochs\": 5}, \"schedule\": {\"name\": \"cosine\"}}\n"
                  "\n"
                  "Everything is a function of examples seen, so that it means the same at every\n"
                  "batch, and goes on when the batch changes during a trial. The rate is that of\n"
                  "the update: it is evaluated before it.\n"
                  "Companions, for Adam-like optimizers: beta2_half_life takes beta2^k, so that v\n"
                  "forgets half in the same number of examples; malladi takes 1 - k (1 - beta)\n"
                  "for both betas and eps / sqrt(k), and goes with scaling sqrt.",
        .params = lr_rows(),
        .reference =
            "Goyal et al. 2017 (arXiv 1706.02677); Malladi et al. 2022 (arXiv 2205.10287)"};
    pages[1] = (Kind){
        .name = "warmup",
        .summary = "how the rate rises to its peak, over T updates t = 0 .. T - 1",
        .detail =
            "linear     peak * (t + 1) / T                    no dead first update\n"
            "mlperf     peak * t / T                          the first update has rate 0\n"
            "goyal      base + (peak - base) * t / T\n"
            "horovod    base + (peak - base) * (t + 1) / T\n"
            "quadratic  base + (peak - base) * (t / T)^2      NVCaffe\n"
            "constant   base, then the peak                   Goyal's inferior variant\n"
            "factor     start + (1 - start) * t / T, times the schedule meanwhile (Detectron)\n"
            "peak = base * scaling(k)\n"
            "\n"
            "Give one length. In epochs, examples or as a share it is rounded up to whole\n"
            "updates. A rate of 0 at the first update loses that gradient for ever in the\n"
            "Caffe form of momentum and in LARS.",
        .params = lr_warmup_rows(),
        .reference = "Goyal et al. 2017, section 2.2; mlcommons; Horovod; Detectron; NVCaffe"};
}

Kind page_augment(void) {
    return (Kind){
        .name = "augment",
        .summary = "random changes of the training images",
        .detail = "{\"pad\": 4, \"flip\": true, \"cutout\": 16}\n"
                  "\n"
                  "pad     zeros around the image; a window of the old extent is cut out of that,\n"
                  "        each of the (2 pad + 1)^2 as likely\n"
                  "flip    mirrors left and right with probability 1/2\n"
                  "cutout  a square of zeros whose centre is any pixel, cut at the border\n"
                  "\n"
                  "In this order. Zero is the value after the dataset's centring, so the mean\n"
                  "colour. What happens to an image is a function of (seed, place in the sample\n"
                  "stream): the same pixels for any replicas, threads and mini_batch, after a\n"
                  "resume, and at every global_batch. Validation and test images stay as they\n"
                  "are. Off by default, and then no part of a trial's id.",
        .params = augment_rows,
        .reference = "He et al. 2016, arXiv 1512.03385, section 4.2 (crop, flip); DeVries and "
                     "Taylor 2017, arXiv 1708.04552 (cutout)"};
}

Kind page_search(void) {
    return (Kind){
        .name = "search",
        .summary = "tuning inside every cell of the sweep",
        .detail =
            "{\"algorithm\": \"halton\", \"trials\": 16, \"rerun_seeds\": 5,\n"
            " \"space\": {\"lr.base\": {\"min\": 1e-3, \"max\": 1, \"scale\": \"log\"},\n"
            "           \"optimizer.momentum\": {\"min\": 0.8, \"max\": 0.99, \"scale\": "
            "\"reverse_log\"},\n"
            "           \"lr.schedule\": {\"values\": [\"constant\", \"cosine\"]}},\n"
            " \"spaces\": {\"lamb\": {\"lr.base\": {\"min\": 1e-4, \"max\": 0.1, \"scale\": "
            "\"log\"},\n"
            "                     \"optimizer.momentum\": null}},\n"
            " \"goal\": {\"metric\": \"valid_loss\"}}\n"
            "\n"
            "A cell is what the sweep makes of the trial. First every cell is trained with every\n"
            "point of its space, at the first of `seeds`, on one replica: a trial's numbers are "
            "the\n"
            "same on every layout. When all points of a cell ended, the best is trained again "
            "with\n"
            "rerun_seeds fresh seeds (the rest of `seeds`, then the numbers that follow the "
            "first),\n"
            "on the layouts of the experiment. A point is a function of (seed, its number): any\n"
            "order of workers gives the same trials, more trials keep the earlier ones, and cells\n"
            "with the same space get the same points.\n"
            "\n"
            "space    by dotted name below trial: min, max and scale (linear; log; reverse_log, "
            "even\n"
            "         in log(1 - x), for a momentum), or a list of values; points: of a grid\n"
            "spaces   by optimizer: axes that replace those of space or are added; null takes one\n"
            "         away\n"
            "goal     metric examples_to_target, valid_accuracy or valid_loss (the best of all\n"
            "         evaluations), direction auto, minimize or maximize. Without: fewest "
            "examples\n"
            "         to the target where there is one, else the best metric. Points that missed "
            "the\n"
            "         target come behind those that reached it; then pruned, diverged and failed "
            "ones.\n"
            "         Equals: the better metric, then the smaller number.\n"
            "prune    {\"rule\": \"median\" or \"halving\", \"rungs\": [0.1, 0.3], \"keep\": 0.5}: "
            "all "
            "points of\n"
            "         a cell run to a rung (fractions of the budget, or examples); then, at that "
            "step,\n"
            "         those stop that are not in the better half of all points (median) or not "
            "among\n"
            "         the best `keep` of those that came this far (halving). The others go on "
            "from\n"
            "         their checkpoints, with the same bits as if they had never paused\n"
            "algorithm  halton, random or grid: `batchlab explain halton`\n"
            "\n"
            "Numbers of an axis have six significant digits; settings that count are rounded to\n"
            "whole numbers, and points that become equal are one trial.",
        .params = search_rows(),
        .reference = "Shallue et al. 2019 (arXiv 1811.03600), section 4; Owen 2017 (arXiv "
                     "1706.02808)"};
}
