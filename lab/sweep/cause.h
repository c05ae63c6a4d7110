/* Internal to lab/sweep: what mpirun says on stderr. The words of its ranks pass through, line by
 * line. Its own, which stand between two lines of dashes, are kept: they name the rank that died
 * first, and are nobody's concern when a job ends as it should. */
#ifndef LAB_SWEEP_CAUSE_H
#define LAB_SWEEP_CAUSE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Cause {
    char line[1024]; /* being read */
    size_t n_line;
    bool framed;     /* between two lines of dashes */
    char kept[4096]; /* mpirun's own lines, the first that fit */
    size_t n_kept;
} Cause;

/* Takes what mpirun wrote; n = 0: the end. */
void cause_take(Cause *cause, const char *bytes, size_t n);

/* "rank 1 on node7 was killed by signal 9", "rank 0 ended with exit code 3"; false when nothing
 * names a rank. */
#define CAUSE_ROOM 200
bool cause_rank(const Cause *cause, char out[CAUSE_ROOM]);

#endif
