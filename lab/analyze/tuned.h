/* Tuned: the learning rate that searches chose, against the global batch, and the rule that it
 * follows. Rules are told apart by AICc; none is assumed, not even a monotone one (Surge, methods
 * 5). */
#ifndef LAB_ANALYZE_TUNED_H
#define LAB_ANALYZE_TUNED_H

#include "lab/analyze/lines.h"
#include "lab/analyze/response.h"
#include "lab/analyze/table.h"

typedef enum {
    RULE_CONSTANT,  /* eta */
    RULE_SQRT,      /* eta sqrt(B) */
    RULE_LINEAR,    /* eta B */
    RULE_POWER,     /* eta B^p */
    RULE_SATURATES, /* eta_max / (1 + B_n / B), McCandlish et al. 2018 */
    RULE_SURGE,     /* eta_max / (1/2 (sqrt(B_n/B) + sqrt(B/B_n))), arXiv 2405.14578 */
    RULE_N
} LrRule;

const char *lr_rule_name(LrRule rule); /* "constant", "square root", ... */

/* Rates are peak rates: the searched base rate times its scaling rule's factor at this batch. */
typedef struct TunedPoint {
    const Cell *cell;
    double batch;
    double winner;    /* of the search */
    double optimum;   /* of the response */
    Interval in;      /* of the optimum */
    double effective; /* optimum / (1 - momentum of the winner); NaN without momentum */
    bool curved;      /* Response.curved */
    bool edge;        /* at an end of its range: a bound, not an optimum; left out of the fits */
} TunedPoint;

typedef struct LrFit {
    bool fitted;      /* enough points for its parameters */
    double log_scale; /* log of eta, or of eta_max */
    double shape;     /* p, or B_n; NaN of the others */
    double rss;       /* weighted residuals of log rate, weights of mean 1 */
    double aicc;
} LrFit;

typedef struct TunedLine {
    const Line *line;
    int n, n_fitted;   /* points, and those of them that are not at an edge */
    TunedPoint *point; /* (n) by batch */
    LrFit fit[RULE_N];
    int best;            /* LrRule of the least AICc, -1: none */
    bool told;           /* no other rule is within TUNED_CLOSE of it */
    const char *missing; /* why there is no rule, NULL when there is one */
} TunedLine;

#define TUNED_CLOSE 2.0 /* AICc: rules that differ by less cannot be told apart */

typedef struct Tuned {
    int n;
    TunedLine *line; /* (n) one a line of `lines`, empty where nothing was searched */
} Tuned;

Tuned tuned_make(const Lines *lines, Arena *arena);

/* Least squares of log `rate` on the rule's form, weights 1 / sd^2 (any unit). */
LrFit lr_fit(LrRule rule, const double *batch, const double *rate, const double *sd, int n);
/* What a fitted rule says at a batch. */
double lr_fit_at(LrRule rule, const LrFit *fit, double batch);

/* "lr = 0.0012 B", "lr = 0.2 at its largest, B = 256, ..." */
const char *lr_fit_text(LrRule rule, const LrFit *fit, Arena *arena);

/* One row a line and rule: tables/tuned_lr_fits.tsv. */
Table *tuned_fits(const Tuned *tuned, Arena *arena);

/* "momentum, tuned: lr 0.05 at B = 64, 0.4 at B = 1,024; follows ..." NULL when nothing was
 * searched. */
const char *tuned_sentence(const TunedLine *line, Arena *arena);

#endif
