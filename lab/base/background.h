/* Background: jobs done by a thread of its own, one after another, while the caller computes. For
 * waiting on the disk. */
#ifndef LAB_BASE_BACKGROUND_H
#define LAB_BASE_BACKGROUND_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

typedef struct Background Background;
/* A job owns `data`. Its error is told by background_wait. */
typedef Error *BackgroundJob(void *data);

#define BACKGROUND_MOST 64 /* jobs that wait; the next one waits for room */

/* Errors: no thread can be started. */
Error *background_new(Background **out, Arena *arena);
void background_add(Background *background, BackgroundJob *job, void *data);
/* The first error of a job since the last call, NULL when there was none. Does not wait. */
Error *background_look(Background *background);
/* Waits until every job is done; then as background_look. */
Error *background_wait(Background *background);
/* Waits, and ends the thread. NULL is allowed. */
Error *background_end(Background *background);

#endif
