/* The answer: what the results say to the experiment's question, in sentences with numbers. */
#ifndef LAB_ANALYZE_ANSWER_H
#define LAB_ANALYZE_ANSWER_H

#include "lab/analyze/lines.h"
#include "lab/analyze/results.h"

typedef struct Answer {
    const char *headline;
    int n;
    const char **sentence; /* (n) one per line of the first figure, then the machine's side */
} Answer;

Answer answer_make(const Results *results, Arena *arena);

/* A batch pays while it needs at most this many times the examples of the smallest one (methods 2,
 * 20 % overhead). */
#define ANSWER_OVERHEAD 1.2

/* What one line says. Cells are NULL where there is none. */
typedef struct LineFacts {
    const Cell *base; /* smallest global batch whose median trial reached the target */
    const Cell
        *pays; /* largest in an unbroken run from `base` within ANSWER_OVERHEAD of its examples */
    const Cell *largest; /* largest whose median trial reached the target */
} LineFacts;

LineFacts answer_facts(const Line *line);

/* ---- what searches add, in a file of its own */

/* "The global batch", or "With lr tuned at every batch (12 points each), the global batch". */
const char *answer_subject(const Results *results, Arena *arena);
/* " (lr 0.0316)" of a searched cell, "" of others. */
const char *answer_settings(const Cell *cell, Arena *arena);
/* The edge warnings of a line in one sentence, NULL: none. */
const char *answer_edges(const Line *line, Arena *arena);
/* In how many cells there is one, NULL: in none. */
const char *answer_edge_count(const Cells *cells, Arena *arena);

#endif
