#include "lab/cli/command.h"

#include "lab/base/hash.h"
#include "lab/base/io.h"
#include "lab/base/rng.h"
#include "lab/comm/comm.h"
#include "lab/nn/gemm.h"
#include "lab/store/h5.h"
#include "lab/store/provenance.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One finding a line: what was looked at, whether it is good, what was seen, what helps. */
typedef struct Finding {
    const char *what;
    bool good;
    const char *seen, *hint;
} Finding;

/* First line that a shell command prints, "" when it fails. The command is ours, never a user's
 * text. */
static const char *ask(const char *command, Arena *arena) {
    char line[512] = "";
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return "";
    if (!fgets(line, sizeof line, pipe))
        line[0] = '\0';
    while (fgetc(pipe) != EOF) /* to the end, or the command meets a closed pipe */
        ;
    if (pclose(pipe) != 0)
        return "";
    line[strcspn(line, "\n")] = '\0';
    return arena_copy(arena, line);
}

static Finding check_known_answers(Arena *arena) {
    (void)arena;
    char hex[HASH_ROOM];
    hash_of("abc", 3, hex);
    uint32_t word[4], zero[4] = {0};
    rng_block(word, zero, zero);
    bool good = strncmp(hex, "ba7816bf8f01cfea", 16) == 0 && word[0] == 0x6627e8d5;
    return (Finding){"known answers", good,
                     good ? "SHA-256 and Philox agree with their vectors" : "wrong bits",
                     "the compiler or the machine is broken: nothing measured here can be trusted"};
}

/* A product whose exact result is known: entries are small whole numbers. */
static Finding check_product(Arena *arena) {
    enum { N = 64 };
    float *a = ARENA_ARRAY(arena, float, N *N), *b = ARENA_ARRAY(arena, float, N *N),
          *c = ARENA_ARRAY(arena, float, N *N);
    for (int i = 0; i < N * N; i++) {
        a[i] = (float)(i % 7 - 3);
        b[i] = (float)(i % 5 - 2);
    }
    int n_wrong = 0;
    omp_set_num_threads(1);
    for (int library = 0; library < GEMM_LIBRARY_N; library++) {
        gemm_by((GemmLibrary)library, GEMM_NN, N, N, N, a, b, c, false);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                float sum = 0;
                for (int k = 0; k < N; k++)
                    sum += a[i * N + k] * b[k * N + j];
                n_wrong += sum != c[i * N + j];
            }
    }
    char onednn[GEMM_VERSION_ROOM];
    gemm_onednn_version(onednn);
    return (Finding){"matrix products", n_wrong == 0,
                     arena_print(arena, "OpenBLAS %s, %s, %s", gemm_openblas_core(), onednn,
                                 gemm_isa_name(gemm_isa())),
                     "reinstall libopenblas-openmp-dev and libdnnl-dev"};
}

static Finding check_mpi(Arena *arena) {
    const char *root =
        geteuid() == 0 ? "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 " : "";
    const char *seen =
        ask(arena_print(
                arena,
                "%smpirun -n 2 --oversubscribe --bind-to none echo started 2>/dev/null </dev/null",
                root),
            arena);
    bool good = strcmp(seen, "started") == 0;
    return (Finding){
        "mpirun", good, good ? "starts two ranks here" : "does not start two ranks",
        "install openmpi-bin; in a container give it more than one process and /dev/shm"};
}

static Finding check_gnuplot(Arena *arena) {
    const char *seen = ask("gnuplot --version 2>/dev/null", arena);
    return (Finding){"gnuplot", *seen != '\0', *seen ? seen : "is not there",
                     "apt-get install gnuplot-nox"};
}

static Finding check_threads(Arena *arena) {
    int processors = omp_get_num_procs(), cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return (Finding){"processors", processors == cores,
                     arena_print(arena, "OpenMP sees %d of %d", processors, cores),
                     "this shell is bound to a part of the machine (taskset, a container limit): "
                     "timings are of that part"};
}

static Finding check_folder(Arena *arena) {
    const char *path = "results/.doctor";
    Error *error = io_folder("results");
    if (!error)
        error = io_write(path, "x", 1);
    bool good = !error;
    const char *seen = good ? "can be written" : arena_copy(arena, error_root(error));
    error_end(error);
    unlink(path);
    return (Finding){"results folder", good, seen, "choose another with --results DIR"};
}

static Finding check_hdf5(Arena *arena) {
    return (Finding){"HDF5", true, arena_print(arena, "library %s", h5_library()), ""};
}

static Error *run_doctor(const CommandLine *line, int *code, Arena *arena) {
    Finding (*const check[])(Arena *) = {check_known_answers, check_product, check_mpi,
                                         check_hdf5,          check_gnuplot, check_threads,
                                         check_folder};
    Json *list = json_array(arena);
    int n_bad = 0;
    for (size_t i = 0; i < sizeof check / sizeof *check; i++) {
        Finding finding = check[i](arena);
        n_bad += !finding.good;
        Json *one = json_add(list, NULL, json_object(arena), arena);
        json_add_text(one, "what", finding.what, arena);
        json_add_flag(one, "good", finding.good, arena);
        json_add_text(one, "seen", finding.seen, arena);
        if (!command_option(line, "--json"))
            printf("%-4s %-16s %s\n%s%s%s", finding.good ? "ok" : "BAD", finding.what, finding.seen,
                   finding.good ? "" : "     hint: ", finding.good ? "" : finding.hint,
                   finding.good ? "" : "\n");
    }
    if (command_option(line, "--json"))
        printf("%s", json_pretty(list, arena));
    else
        printf("build %.16s\n", provenance_build());
    *code = n_bad ? CODE_INTERNAL : CODE_OK;
    return NULL;
}

static const Option options[] = {{"--json", NULL, "for machines"}, OPTION_END};

COMMAND_TYPE(doctor) = {
    .kind = {.name = "doctor",
             .summary = "is this machine able: MPI, BLAS, HDF5, gnuplot, binding, known answers"},
    .usage = "",
    .options = options,
    .run = run_doctor,
};
