/* Internal to lab/base: leases, for file systems that have no locks. A lock PATH is then held by
 * files beside it, PATH.lease-x-TOKEN (alone) and PATH.lease-s-TOKEN (shared), each of one process,
 * which writes it anew every LEASE_BEAT_S. Who wants the lock makes its own file first and looks at
 * the others' then, so of two at least one sees the other and goes; nobody ever touches the file of
 * another process that may live, and there is no moment at which two can take over from a dead one.
 *
 * A file counts no more when its process is known to have ended (same host, boot and process
 * namespace) or when it was not written for LEASE_DEAD_S by the file system's own clock. A process
 * that stood still for LEASE_LATE_S, or finds its file gone, ends at once with exit code 5, as if
 * killed: its work may be another's by then. */
#ifndef LAB_BASE_LEASE_H
#define LAB_BASE_LEASE_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <stdbool.h>

#define LEASE_BEAT_S 5
#define LEASE_LATE_S 20
#define LEASE_DEAD_S 30

typedef struct Lease Lease;

/* *out = NULL without an error when somebody else holds it. Starts a thread, which blocks all
 * signals. Errors: the folder cannot be written. */
Error *lease_take(Lease **out, const char *path, bool shared, Arena *arena);
Error *lease_share(Lease *lease);     /* alone to shared */
bool lease_is_held(const char *path); /* this process included */
void lease_tidy(const char *path);    /* removes those that count no more */
/* What the thread does every LEASE_BEAT_S; ends the process when the lease may be another's. */
void lease_renew(Lease *lease);
void lease_end(Lease *lease);

#endif
