/* Ranks that prepare together: a host loads its data once, whatever the hosts, and all ranks fail
 * with the one that cannot. */
#include "lab/sweep/together.h"

#include <stdio.h>
#include <string.h>

typedef struct Given {
    int rank, fails_on; /* a rank whose preparing fails, -1: none */
    int n_loads;        /* on this rank */
    Dataset data;
    Arena *arena;
} Given;

enum { ROWS = 40, WIDTH = 1000 };

static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    Given *given = *(Given *const *)settings;
    (void)paths;
    given->n_loads++;
    float *values = ARENA_ARRAY(arena, float, ROWS *WIDTH);
    for (int i = 0; i < ROWS * WIDTH; i++)
        values[i] = (float)i / 7;
    *out =
        (Dataset){.n = {30, 5, 5}, .n_features = WIDTH, .shape = {1, 1, WIDTH}, .values = values};
    return NULL;
}

static const DatasetType counted = {.kind = {.name = "counted"}, .probe = load, .load = load};

static Error *prepare(void *self, Shelf *shelf) {
    Given *given = self;
    if (given->rank == given->fails_on)
        return error_new(CODE_MISSING, "rank %d cannot read", given->rank);
    return shelf_load(&given->data, shelf, "counted", &counted, &given, NULL, given->arena);
}

static int check(int ok, int rank, const char *what) {
    if (!ok)
        fprintf(stderr, "FAILED on rank %d: %s\n", rank, what);
    return !ok;
}

static int prepare_all(Comm *comm) {
    Arena *arena = arena_new();
    Given given = {.rank = comm_rank(comm), .fails_on = -1, .arena = arena};
    double loads[64] = {0};
    int n_failed = 0, n_loads = 0, rank = comm_rank(comm);
    Error *error = together_prepare(comm, NULL, prepare, &given, arena);
    n_failed += check(error == NULL, rank, "no error");
    loads[rank] = given.n_loads;
    comm_share(comm, loads, comm_size(comm));
    for (int i = 0; i < comm_size(comm); i++)
        n_loads += (int)loads[i];
    n_failed += check(n_loads == comm_hosts(comm), rank, "every host loads once");
    n_failed += check(given.n_loads == (comm_local_rank(comm) == 0), rank, "its first rank does");
    for (int i = 0; i < ROWS * WIDTH; i++)
        if (given.data.values[i] != (float)i / 7)
            n_failed += check(0, rank, "the values are there");
    arena_end(arena);
    return n_failed;
}

static int fail_together(Comm *comm, int fails_on) {
    Arena *arena = arena_new();
    Given given = {.rank = comm_rank(comm), .fails_on = fails_on, .arena = arena};
    Error *error = together_prepare(comm, NULL, prepare, &given, arena);
    int n_failed = check(error != NULL, comm_rank(comm), "all ranks have the error");
    n_failed += check(error && error_code(error) == CODE_MISSING, comm_rank(comm), "its code");
    error_end(error);
    arena_end(arena);
    return n_failed;
}

/* The hosts of the first 1, 2, ... ranks, on every rank. */
static int span(Comm *comm, int ranks_per_host, Arena *arena) {
    int n_failed = 0, *hosts = ARENA_ARRAY(arena, int, comm_size(comm));
    comm_spans(hosts, comm);
    for (int i = 0; i < comm_size(comm); i++)
        n_failed += check(hosts[i] == i / ranks_per_host + 1, comm_rank(comm), "hosts of ranks");
    n_failed += check(hosts[comm_size(comm) - 1] == comm_hosts(comm), comm_rank(comm), "all hosts");
    return n_failed;
}

int main(void) {
    Arena *arena = arena_new();
    Comm *world, *group, *halves;
    int n_failed = 0;
    Error *error = comm_begin(&world, arena);
    if (!error) /* MPI keeps a copy of the world itself at its end, and the sanitizer says so */
        error = comm_split(&group, world, 0, arena);
    if (!error)
        error = comm_pretend_hosts(&halves, group, 2, arena);
    if (error)
        return 1;
    n_failed += prepare_all(world);
    n_failed += prepare_all(halves);
    n_failed += span(world, comm_size(world), arena);
    n_failed += span(halves, 2, arena);
    n_failed += span(comm_alone(arena), 1, arena);
    for (int rank = 0; rank < comm_size(world); rank++)
        n_failed += fail_together(halves, rank);
    comm_finish(world);
    arena_end(arena);
    return n_failed > 0;
}
