/* Internal to lab/base: the leases of others, as files beside a lock (lease.h). */
#ifndef LAB_BASE_LEASE_LOOK_H
#define LAB_BASE_LEASE_LOOK_H

#include "lab/base/error.h"
#include "lab/base/owner.h"

#include <stdbool.h>

/* The first word of a lease, before its owner's line: wants the lock and looks who has it; has it.
 */
#define LEASE_ASKS "asks  "
#define LEASE_HOLDS "holds "
enum {
    LEASE_WORD = sizeof LEASE_HOLDS - 1,
    LEASE_ROOM = LEASE_WORD + OWNER_ROOM,
    LEASE_NAME_ROOM = 4096,
};

typedef struct LeaseSeen {
    bool held, asked; /* by anybody whose lease rules ours out */
    bool smaller;     /* one that asks has a smaller name than ours: it goes first */
} LeaseSeen;

/* Looks at the leases of the lock `path` that rule out one of kind `shared`; `own` is the name of
 * ours in the folder, or NULL. With `tidy` those that count no more are removed. */
Error *lease_look(LeaseSeen *out, const char *path, const char *own, bool shared, bool tidy);

const char *lease_base(const char *path); /* its name in its folder */

#endif
