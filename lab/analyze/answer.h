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

#endif
