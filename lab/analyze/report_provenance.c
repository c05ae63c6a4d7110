/* Where the numbers came from. */
#include "lab/analyze/report.h"

#include "lab/analyze/format.h"
#include "lab/analyze/html.h"

#include <stdlib.h>
#include <string.h>

#define MAX_VALUES 4 /* different values of one key that are spelt out */

/* What the runs say about one key. */
typedef struct Said {
    int n;
    const char *value[MAX_VALUES];
    int runs[MAX_VALUES];
    int n_more; /* runs with yet another value */
} Said;

static const char *value_text(const Json *value, Arena *arena) {
    return value->kind == JSON_TEXT ? value->text : json_canonical(value, arena);
}

static void hear(Said *said, const char *value) {
    for (int i = 0; i < said->n; i++)
        if (strcmp(said->value[i], value) == 0) {
            said->runs[i]++;
            return;
        }
    if (said->n == MAX_VALUES) {
        said->n_more++;
        return;
    }
    said->value[said->n] = value;
    said->runs[said->n++] = 1;
}

static void begin_row(Text *out, const char *key) {
    text_add(out, "<tr><td class=\"wrap\">");
    for (const char *c = key; *c; c++)
        html_text(out, (char[2]){*c == '_' ? ' ' : *c, 0});
    text_add(out, "</td><td class=\"wrap\">");
}

static void add_row(Text *out, const char *key, const char *value) {
    begin_row(out, key);
    html_text(out, value);
    text_add(out, "</td></tr>\n");
}

static void add_said(Text *out, const char *key, const Said *said, Arena *arena) {
    begin_row(out, key);
    for (int i = 0; i < said->n; i++) {
        html_text(out, said->value[i]);
        if (said->n > 1)
            text_add(out, " (%s)%s", format_plural(said->runs[i], "run", arena),
                     i + 1 < said->n ? "; " : "");
    }
    if (said->n_more)
        text_add(out, "; other values in %s", format_plural(said->n_more, "run", arena));
    text_add(out, "</td></tr>\n");
}

/* Times differ in every run: only the first start and the last end are told. */
static bool is_time(const char *key) {
    return strcmp(key, "start_utc") == 0 || strcmp(key, "end_utc") == 0;
}

/* Keys in the order of the first run that has any. */
static void add_keys(Text *out, const Results *results, Arena *arena) {
    const Json *first = NULL;
    for (int i = 0; i < results->n_runs && !first; i++)
        first = results->runs[i].header.provenance;
    if (!first)
        return;
    JSON_EACH (key, first) {
        if (is_time(key->key))
            continue;
        Said said = {0};
        for (int i = 0; i < results->n_runs; i++) {
            const Json *provenance = results->runs[i].header.provenance;
            const Json *value = provenance ? json_find(provenance, key->key) : NULL;
            if (value)
                hear(&said, value_text(value, arena));
        }
        add_said(out, key->key, &said, arena);
    }
}

static void add_times(Text *out, const Results *results) {
    const char *start = NULL, *end = NULL; /* ISO times compare as texts */
    for (int i = 0; i < results->n_runs; i++) {
        const RunRecord *run = &results->runs[i];
        const Json *began =
            run->header.provenance ? json_find(run->header.provenance, "start_utc") : NULL;
        if (began && began->kind == JSON_TEXT && (!start || strcmp(began->text, start) < 0))
            start = began->text;
        if (run->end_utc[0] && (!end || strcmp(run->end_utc, end) > 0))
            end = run->end_utc;
    }
    if (start)
        add_row(out, "first run began", start);
    if (end)
        add_row(out, "last run ended", end);
}

static void add_work(Text *out, const Results *results, Arena *arena) {
    int n_full = 0;
    for (int i = 0; i < results->n_runs; i++)
        n_full += results->runs[i].header.mode == RUN_FULL;
    add_row(out, "runs",
            arena_print(arena, "%d full, %d verify", n_full, results->n_runs - n_full));
    const RunHeader *header = &results->runs[0].header;
    add_row(out, "work",
            arena_print(arena, "%s on %s, %s weights, %s training examples", header->model,
                        header->dataset, format_count((double)header->n_weights, arena),
                        format_count((double)header->n_train, arena)));
}

void report_provenance(Text *out, const Results *results, Arena *arena) {
    text_add(out, "<section id=\"provenance\">\n<h2>Where this comes from</h2>\n<div "
                  "class=\"scroll\"><table><tbody>\n");
    if (results->n_runs)
        add_work(out, results, arena);
    add_times(out, results);
    add_keys(out, results, arena);
    text_add(out, "</tbody></table></div>\n<p>To make these results again:</p>\n<pre>");
    html_text(out, arena_print(arena, "./batchlab run results/%s/experiment.json", results->name));
    text_add(out, "</pre>\n<p class=\"note\">The same command finishes an interrupted study; "
                  "finished runs are not "
                  "repeated. tables/*.tsv hold every number of the figures, the .h5 file every row "
                  "of every run.</p>\n"
                  "</section>\n");
}
