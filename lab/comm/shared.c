#include "lab/comm/shared.h"

#include "lab/base/clock.h"
#include "lab/base/say.h"
#include "lab/comm/mpi.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum { LINE = 64, LOOKS = 300 /* before the core is given away: some 20 microseconds */ };

/* At the start of rank 0's memory; arrivals and the number of the round on cache lines of their
 * own. */
typedef struct Gate {
    _Alignas(LINE) atomic_int arrived;
    _Alignas(LINE) atomic_uint round;
} Gate;

struct Shared {
    MPI_Win window;
    int rank, size;
    char **memory; /* (size) */
    Gate *gate;
};

static size_t whole_lines(size_t bytes) {
    return (bytes + LINE - 1) / LINE * LINE;
}

/* Where Open MPI keeps shared windows. A file there that outgrows it would end the job at the first
 * touch, without a word. */
static bool has_room(size_t bytes) {
    struct statvfs space;
    const char *wanted = getenv("BATCHLAB_SHARED_MEMORY");
    if (wanted && strcmp(wanted, "0") == 0)
        return false;
    if (statvfs("/dev/shm", &space) != 0)
        return true; /* not there: the library uses its own folder */
    return (double)space.f_bavail * (double)space.f_frsize > 1.1 * (double)bytes;
}

/* *Collective* over the host's ranks, which must agree. */
static bool all_fit(MPI_Comm local, int rank, size_t bytes, const char *instead) {
    unsigned long mine = bytes, total = 0;
    MPI_Reduce(&mine, &total, 1, MPI_UNSIGNED_LONG, MPI_SUM, 0, local);
    int fits = rank == 0 ? has_room(total) : 0;
    MPI_Bcast(&fits, 1, MPI_INT, 0, local);
    if (!fits && rank == 0)
        say("note: no shared memory for %.0f MB of gradients and weights (/dev/shm too small, or "
            "BATCHLAB_SHARED_MEMORY=0): %s instead",
            (double)total * 1e-6, instead);
    return fits;
}

static bool allocate(Shared *shared, MPI_Comm local, size_t bytes) {
    MPI_Info info;
    MPI_Info_create(&info);
    MPI_Info_set(info, "alloc_shared_noncontig", "true"); /* each rank's pages near its core */
    MPI_Comm_set_errhandler(local, MPI_ERRORS_RETURN);
    char *mine;
    int bad = MPI_Win_allocate_shared((MPI_Aint)bytes, 1, info, local, &mine, &shared->window) !=
              MPI_SUCCESS;
    MPI_Info_free(&info);
    MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_MAX, local);
    MPI_Comm_set_errhandler(local, MPI_ERRORS_ARE_FATAL);
    return !bad;
}

Error *shared_new(Shared **out, Comm *comm, size_t bytes, const char *instead, Arena *arena) {
    *out = NULL;
    if (comm_local_size(comm) == 1)
        return NULL;
    MPI_Comm local = comm_local_handle(comm);
    Shared *shared = ARENA_NEW(arena, Shared);
    shared->size = comm_local_size(comm);
    shared->rank = comm_local_rank(comm);
    size_t head = shared->rank == 0 ? sizeof(Gate) : 0, mine = head + whole_lines(bytes) + LINE;
    if (!all_fit(local, shared->rank, mine, instead) || !allocate(shared, local, mine))
        return NULL;
    MPI_Win_lock_all(MPI_MODE_NOCHECK, shared->window);
    shared->memory = ARENA_ARRAY(arena, char *, shared->size);
    for (int i = 0; i < shared->size; i++) {
        MPI_Aint n;
        int unit;
        char *base;
        MPI_Win_shared_query(shared->window, i, &n, &unit, &base);
        base = (char *)(((uintptr_t)base + LINE - 1) / LINE * LINE); /* as far in every process */
        shared->memory[i] = i == 0 ? base + sizeof(Gate) : base;
    }
    shared->gate = (Gate *)(void *)(shared->memory[0] - sizeof(Gate));
    if (shared->rank == 0) {
        atomic_init(&shared->gate->arrived, 0);
        atomic_init(&shared->gate->round, 0);
    }
    MPI_Barrier(local);
    *out = shared;
    return NULL;
}

void shared_end(Shared *shared) {
    if (!shared)
        return;
    MPI_Win_unlock_all(shared->window);
    MPI_Win_free(&shared->window);
}

int shared_size(const Shared *shared) {
    return shared->size;
}

int shared_rank(const Shared *shared) {
    return shared->rank;
}

void *shared_memory(const Shared *shared, int rank) {
    return shared->memory[rank];
}

static void pause_a_little(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

void shared_wait(Shared *shared, const atomic_bool *nap) {
    Gate *gate = shared->gate;
    unsigned round = atomic_load_explicit(&gate->round, memory_order_acquire);
    if (atomic_fetch_add_explicit(&gate->arrived, 1, memory_order_acq_rel) == shared->size - 1) {
        atomic_store_explicit(&gate->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&gate->round, round + 1, memory_order_release);
        return;
    }
    for (int looks = 0; atomic_load_explicit(&gate->round, memory_order_acquire) == round;
         looks++) {
        if (nap && atomic_load_explicit(nap, memory_order_relaxed))
            clock_nap(CLOCK_SHORT_NAP_S);
        else if (looks < LOOKS)
            pause_a_little();
        else
            sched_yield();
    }
}
