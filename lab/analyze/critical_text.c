/* The critical batch in sentences. */
#include "lab/analyze/critical.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>

const char *critical_text(const Critical *critical, Arena *arena) {
    const Hyperbola *fit = &critical->fit;
    if (critical->missing)
        return arena_print(arena, "unknown, because %s", critical->missing);
    Interval in = fit->b_crit_in;
    if (!fit->unidentified)
        return arena_print(arena, "%s examples (90 %% interval %s to %s)",
                           format_number(fit->b_crit, arena), format_number(in.low, arena),
                           format_number(in.high, arena));
    if (isfinite(in.low))
        return arena_print(arena, "unidentified, somewhere above %s", format_number(in.low, arena));
    if (isfinite(in.high))
        return arena_print(arena, "unidentified, somewhere below %s",
                           format_number(in.high, arena));
    return "unidentified";
}

const char *critical_headline(const Criticals *criticals, Arena *arena) {
    Text text = text_new(arena);
    int n = 0;
    for (int i = 0; i < criticals->n; i++) {
        const Critical *critical = &criticals->critical[i];
        const Hyperbola *fit = &critical->fit;
        if (critical->missing)
            continue;
        text_add(&text, "%s ", n++ ? ";" : "Critical batch by the fit:");
        if (fit->unidentified)
            text_add(&text, "%s with %s", critical_text(critical, arena), critical->label);
        else
            text_add(&text, "%s (90 %% interval %s to %s) with %s",
                     format_number(fit->b_crit, arena), format_number(fit->b_crit_in.low, arena),
                     format_number(fit->b_crit_in.high, arena), critical->label);
    }
    text_add(&text, ".");
    return n ? text.data : NULL;
}

/* The three regimes of Shallue et al. 2019; their borders are where log steps fall with log batch
 * by a slope of 0.9 and 0.1, a ninth and nine times the critical batch. */
static void add_regimes(Text *text, const Critical *critical, Arena *arena) {
    const Hyperbola *fit = &critical->fit;
    double perfect = hyperbola_border(fit, REGIME_PERFECT),
           maximal = hyperbola_border(fit, REGIME_DIMINISHING);
    text_add(text,
             " Scaling is perfect up to B = %s, with diminishing returns up to %s, and flat "
             "beyond; measured were %s to %s.",
             format_number(perfect, arena), format_number(maximal, arena),
             format_number(critical->smallest, arena), format_number(critical->largest, arena));
}

static void add_known(Text *text, const Critical *critical, Arena *arena) {
    const Hyperbola *fit = &critical->fit;
    text_add(text, "%s, by the fit: critical batch %s; at least %s examples and %s steps;",
             critical->label, critical_text(critical, arena), format_number(fit->e_min, arena),
             format_number(fit->s_min, arena));
    text_add(text, " 20 %% more examples than at B = %s are reached at B = %s.",
             format_number(critical->smallest, arena),
             format_number(hyperbola_overhead20(fit, critical->smallest), arena));
    add_regimes(text, critical, arena);
}

const char *critical_sentence(const Critical *critical, Arena *arena) {
    const Hyperbola *fit = &critical->fit;
    Text text = text_new(arena);
    if (critical->missing)
        return NULL;
    if (fit->unidentified)
        text_add(&text, "%s, by the fit: critical batch %s, because %s.", critical->label,
                 critical_text(critical, arena), fit->unidentified);
    else
        add_known(&text, critical, arena);
    for (int i = 0; i < fit->n_warnings; i++)
        text_add(&text, "%s%s", i ? "; " : " Caution: ", fit->warning[i]);
    if (fit->n_warnings)
        text_add(&text, ".");
    return text.data;
}
