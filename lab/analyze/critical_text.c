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

static void add_known(Text *text, const Critical *critical, Arena *arena) {
    const Hyperbola *fit = &critical->fit;
    text_add(text, "%s, by the fit: critical batch %s; at least %s examples and %s steps;",
             critical->label, critical_text(critical, arena), format_number(fit->e_min, arena),
             format_number(fit->s_min, arena));
    text_add(text, " 20 %% more examples than at B = %s are reached at B = %s.",
             format_number(critical->smallest, arena),
             format_number(hyperbola_overhead20(fit, critical->smallest), arena));
    Regime first = hyperbola_regime(fit, critical->smallest),
           last = hyperbola_regime(fit, critical->largest);
    text_add(text, " B = %s %s %s", format_number(critical->smallest, arena),
             first == last ? "to" : "lies in",
             first == last ? format_number(critical->largest, arena)
                           : hyperbola_regime_name(first));
    if (first == last)
        text_add(text, " lie in %s.", hyperbola_regime_name(first));
    else
        text_add(text, ", B = %s in %s.", format_number(critical->largest, arena),
                 hyperbola_regime_name(last));
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
