/* Verdicts for people and machines. */
#include "lab/analyze/format.h"
#include "lab/analyze/verdict.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

static bool fails(const Verdict *verdict) {
    return verdict->kind == GATE_SLOWER || verdict->kind == GATE_FASTER ||
           verdict->kind == GATE_MISSED;
}

int verdicts_failed(const Verdict *verdicts, int n) {
    int failed = 0;
    for (int i = 0; i < n; i++)
        failed += fails(&verdicts[i]);
    return failed;
}

static const char *provenance_text(const Reference *reference, const char *key) {
    const Json *value = reference->provenance ? json_find(reference->provenance, key) : NULL;
    return value && value->kind == JSON_TEXT ? value->text : "unknown";
}

const char *verdicts_summary(const Verdict *verdicts, int n, const Reference *reference,
                             double margin, Arena *arena) {
    Text out = text_new(arena);
    int n_bits = 0, n_kind[GATE_UNKNOWN + 1] = {0};
    for (int i = 0; i < n; i++) {
        n_bits += verdicts[i].same_bits;
        n_kind[verdicts[i].kind]++;
    }
    text_add(&out, "%s:", format_plural(n, "cell", arena));
    for (int kind = 0; kind <= GATE_UNKNOWN; kind++)
        if (n_kind[kind])
            text_add(&out, " %d %s,", n_kind[kind], gate_name((GateKind)kind));
    text_add(&out, " margin %s", format_percent(margin, arena));
    if (n_bits < n)
        text_add(&out, ", unchanged training fails one check in %.0f", 1 / GATE_ALARM);
    text_add(&out, "; reference of %s, ", provenance_text(reference, "start_utc"));
    if (reference->provenance && json_find(reference->provenance, "imported_from"))
        text_add(&out, "imported from %s", provenance_text(reference, "imported_from"));
    else
        text_add(&out, "commit %s, on %s", provenance_text(reference, "git_commit"),
                 provenance_text(reference, "cpu"));
    return out.data;
}

Json *verdict_json(const Verdict *verdict, Arena *arena) {
    const Gate *gate = &verdict->gate;
    Json *one = json_object(arena);
    json_add_text(one, "series", verdict->series, arena);
    json_add_number(one, "global_batch", (double)verdict->global_batch, arena);
    json_add_text(one, "verdict", gate_name(verdict->kind), arena);
    json_add_flag(one, "same_bits", verdict->same_bits, arena);
    json_add_flag(one, "other_bits", verdict->other_bits, arena);
    json_add_flag(one, "interpolated", verdict->against == AGAINST_BETWEEN, arena);
    bool compared = gate->n_checked > 0;
    json_add_number(one, "margin", compared ? gate->margin : NAN, arena);
    json_add_number(one, "slowdown", compared ? gate->slowdown : NAN, arena);
    json_add_number(one, "slowdown_lo", compared ? gate->low : NAN, arena);
    json_add_number(one, "slowdown_hi", compared ? gate->high : NAN, arena);
    json_add_number(one, "examples_lo", compared ? gate->pass_low : NAN, arena);
    json_add_number(one, "examples_hi", compared ? gate->pass_high : NAN, arena);
    json_add_number(one, "detectable", compared ? gate->detectable : NAN, arena);
    json_add_number(one, "missed", compared ? (double)gate->missed : NAN, arena);
    json_add_text(one, "sentence", verdict->sentence, arena);
    return one;
}

Json *verdicts_json(const char *experiment, const Verdict *verdicts, int n, Arena *arena) {
    Json *root = json_object(arena);
    json_add_text(root, "experiment", experiment, arena);
    json_add_number(root, "failed", verdicts_failed(verdicts, n), arena);
    Json *list = json_add(root, "cells", json_array(arena), arena);
    for (int i = 0; i < n; i++)
        json_add(list, NULL, verdict_json(&verdicts[i], arena), arena);
    return root;
}

/* ---- JUnit */

/* For content and quoted attributes. XML knows five entities and no HTML ones, and most control
 * characters not even escaped. */
static const char *escape(const char *raw, Arena *arena) {
    Text out = text_new(arena);
    for (const char *c = raw; *c; c++)
        switch (*c) {
        case '&':
            text_add(&out, "&amp;");
            break;
        case '<':
            text_add(&out, "&lt;");
            break;
        case '>':
            text_add(&out, "&gt;");
            break;
        case '"':
            text_add(&out, "&quot;");
            break;
        default:
            text_add_n(&out, (unsigned char)*c < 0x20 ? " " : c, 1);
        }
    return out.data;
}

/* With the band that passes, for whoever reads the dashboard only. */
static const char *message(const Verdict *verdict, Arena *arena) {
    const Gate *gate = &verdict->gate;
    if (gate->n_checked == 0 || !isfinite(gate->pass_low))
        return escape(verdict->sentence, arena);
    return escape(arena_print(arena, "%s; expected %s to %s examples", verdict->sentence,
                              format_count(gate->pass_low, arena),
                              format_count(gate->pass_high, arena)),
                  arena);
}

static void add_case(Text *out, const char *suite, const Verdict *verdict, Arena *arena) {
    const char *text = message(verdict, arena);
    text_add(out, "  <testcase classname=\"%s\" name=\"%s, B = %lld\" time=\"%.3f\">\n    ", suite,
             escape(verdict->series, arena), (long long)verdict->global_batch, verdict->compute_s);
    if (fails(verdict))
        text_add(out, "<failure type=\"%s\" message=\"%s\"></failure>", gate_name(verdict->kind),
                 text);
    else if (verdict->kind == GATE_UNKNOWN)
        text_add(out, "<skipped message=\"%s\"></skipped>", text);
    else
        text_add(out, "<system-out>%s</system-out>", text);
    text_add(out, "\n  </testcase>\n");
}

const char *verdicts_junit(const char *experiment, const Verdict *verdicts, int n, Arena *arena) {
    Text out = text_new(arena);
    int n_unknown = 0;
    double seconds = 0;
    for (int i = 0; i < n; i++) {
        n_unknown += verdicts[i].kind == GATE_UNKNOWN;
        seconds += verdicts[i].compute_s;
    }
    const char *suite = escape(experiment, arena);
    text_add(&out,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" "
             "time=\"%.3f\">\n",
             suite, n, verdicts_failed(verdicts, n), n_unknown, seconds);
    for (int i = 0; i < n; i++)
        add_case(&out, suite, &verdicts[i], arena);
    text_add(&out, "</testsuite>\n");
    return out.data;
}
