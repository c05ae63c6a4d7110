#include "lab/comm/comm.h"
#include "lab/comm/mpi.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Comm {
    bool mpi; /* false: one rank, no library behind it */
    MPI_Comm handle;
    int rank, size, hosts;
    MPI_Comm local; /* the ranks of this host */
    int local_rank, local_size;
    Comm *leaders; /* of the first rank of every host, NULL elsewhere */
};

MPI_Comm comm_handle(const Comm *comm) {
    assert(comm->mpi);
    return comm->handle;
}

MPI_Comm comm_local_handle(const Comm *comm) {
    assert(comm->mpi);
    return comm->local;
}

Comm *comm_alone(Arena *arena) {
    Comm *comm = ARENA_NEW(arena, Comm);
    comm->size = 1;
    comm->hosts = 1;
    comm->local_size = 1;
    return comm;
}

bool comm_launched(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

static Comm *bare(MPI_Comm handle, Arena *arena) {
    Comm *comm = ARENA_NEW(arena, Comm);
    comm->mpi = true;
    comm->handle = handle;
    MPI_Comm_rank(handle, &comm->rank);
    MPI_Comm_size(handle, &comm->size);
    return comm;
}

/* *Collective*: `local` are the ranks of this one's host. */
static Comm *wrap_hosts(MPI_Comm handle, MPI_Comm local, Arena *arena) {
    Comm *comm = bare(handle, arena);
    MPI_Comm leaders;
    comm->local = local;
    MPI_Comm_rank(local, &comm->local_rank);
    MPI_Comm_size(local, &comm->local_size);
    MPI_Comm_split(handle, comm->local_rank == 0 ? 0 : MPI_UNDEFINED, comm->rank, &leaders);
    if (leaders != MPI_COMM_NULL) {
        comm->leaders = bare(leaders, arena);
        comm->leaders->hosts = comm->leaders->size;
        comm->leaders->local_size = 1;
        comm->hosts = comm->leaders->size;
    }
    MPI_Bcast(&comm->hosts, 1, MPI_INT, 0, handle);
    return comm;
}

static Comm *wrap(MPI_Comm handle, Arena *arena) {
    MPI_Comm local;
    MPI_Comm_split_type(handle, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local);
    return wrap_hosts(handle, local, arena);
}

Error *comm_begin(Comm **out, Arena *arena) {
    int level;
    /* one thread at a time, but not always the same one: buckets.h */
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS)
        return error_new(CODE_INTERNAL, "MPI does not start");
    if (level < MPI_THREAD_SERIALIZED)
        return error_new(CODE_INTERNAL, "the MPI library does not allow threads (level %d)", level);
    *out = wrap(MPI_COMM_WORLD, arena);
    return NULL;
}

void comm_finish(Comm *world) {
    if (world->mpi)
        MPI_Finalize();
}

Error *comm_split(Comm **out, Comm *parent, int color, Arena *arena) {
    *out = NULL;
    if (!parent->mpi) {
        *out = color < 0 ? NULL : parent;
        return NULL;
    }
    MPI_Comm handle;
    if (MPI_Comm_split(parent->handle, color < 0 ? MPI_UNDEFINED : color, parent->rank, &handle) !=
        MPI_SUCCESS)
        return error_new(CODE_INTERNAL, "MPI cannot form the groups");
    if (handle != MPI_COMM_NULL)
        *out = wrap(handle, arena);
    return NULL;
}

Error *comm_pretend_hosts(Comm **out, Comm *parent, int ranks_per_host, Arena *arena) {
    assert(parent->mpi && ranks_per_host > 0);
    MPI_Comm handle, local;
    if (MPI_Comm_dup(parent->handle, &handle) != MPI_SUCCESS ||
        MPI_Comm_split(handle, parent->rank / ranks_per_host, parent->rank, &local) != MPI_SUCCESS)
        return error_new(CODE_INTERNAL, "MPI cannot form the hosts");
    *out = wrap_hosts(handle, local, arena);
    return NULL;
}

int comm_rank(const Comm *comm) {
    return comm->rank;
}

int comm_size(const Comm *comm) {
    return comm->size;
}

int comm_hosts(const Comm *comm) {
    return comm->hosts;
}

int comm_local_rank(const Comm *comm) {
    return comm->local_rank;
}

int comm_local_size(const Comm *comm) {
    return comm->local_size;
}

/* A host's ranks stand in the order of all ranks, so that its first one is the first of all on it.
 */
void comm_spans(int *hosts, Comm *comm) {
    int first = comm->local_rank == 0;
    if (!comm->mpi || comm->size == 1)
        hosts[0] = 1;
    else
        MPI_Allgather(&first, 1, MPI_INT, hosts, 1, MPI_INT, comm->handle);
    for (int i = 1; i < comm->size; i++)
        hosts[i] += hosts[i - 1];
}

Comm *comm_leaders(const Comm *comm) {
    return comm->leaders;
}

Error *comm_agree(Comm *comm, Error *mine) {
    if (!comm->mpi || comm->size == 1)
        return mine;
    struct {
        int failed, rank;
    } local = {mine ? 0 : 1, comm->rank}, first;
    MPI_Allreduce(&local, &first, 1, MPI_2INT, MPI_MINLOC, comm->handle);
    if (first.failed == 1) /* the smallest flag is 1: nobody failed */
        return NULL;
    enum { ROOM = 2048 };
    char text[ROOM] = {0};
    int code = 0;
    if (comm->rank == first.rank) {
        snprintf(text, sizeof text, "%s", error_root(mine));
        code = error_code(mine);
    }
    MPI_Bcast(text, ROOM, MPI_CHAR, first.rank, comm->handle);
    MPI_Bcast(&code, 1, MPI_INT, first.rank, comm->handle);
    return mine ? mine : error_new(code, "rank %d failed: %s", first.rank, text);
}

void comm_bcast(Comm *comm, void *bytes, size_t n) {
    enum { PIECE = 1 << 30 };
    if (!comm->mpi || comm->size == 1)
        return;
    for (size_t at = 0; at < n; at += PIECE)
        MPI_Bcast((char *)bytes + at, (int)(n - at < PIECE ? n - at : PIECE), MPI_BYTE, 0,
                  comm->handle);
}

void comm_bcast_host(Comm *comm, void *bytes, size_t n) {
    assert(n <= INT_MAX);
    if (comm->local_size > 1)
        MPI_Bcast(bytes, (int)n, MPI_BYTE, 0, comm->local);
}

void comm_share(Comm *comm, double *x, int64_t n) {
    if (comm->mpi && comm->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, x, (int)n, MPI_DOUBLE, MPI_SUM, comm->handle);
}

void comm_gather(Comm *comm, const void *mine, size_t n, void *all) {
    if (!comm->mpi || comm->size == 1)
        memcpy(all, mine, n);
    else
        MPI_Gather(mine, (int)n, MPI_BYTE, all, (int)n, MPI_BYTE, 0, comm->handle);
}

const char *comm_library(void) {
    static char text[MPI_MAX_LIBRARY_VERSION_STRING]; /* filled with the same bytes every time */
    int n;
    MPI_Get_library_version(text, &n);
    text[strcspn(text, ",")] = '\0';
    return text;
}
