/* Proposes the kernel table: OpenBLAS against oneDNN on the products of dense layers, one thread,
 * in alternation.
 *
 *   taskset -c 0 bench_gemm [rounds]
 *   OPENBLAS_CORETYPE=Haswell ONEDNN_MAX_CPU_ISA=AVX2 taskset -c 0 bench_gemm
 *
 * Prints microseconds of both and time of OpenBLAS over time of oneDNN per layer and mini-batch,
 * then the library with the larger geometric mean for each line of lab/nn/kernels.def. A person
 * commits it, after test_gemm: not every library accumulates with the bits of a separate add. */
#include "lab/base/clock.h"
#include "lab/base/rng.h"
#include "lab/base/stats.h"
#include "lab/nn/gemm.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_ROUNDS = 101, ROOM = 1 << 21 };

typedef struct Proposal { /* per line of the table */
    double log_ratio;     /* summed */
    int n;
} Proposal;

typedef struct Bench {
    float *a, *b, *c; /* each (ROOM) */
    int rounds;
    Proposal proposal[GEMM_OP_N][GEMM_SHAPE_N];
} Bench;

static double time_s(const Bench *bench, GemmLibrary library, GemmOp op, int m, int n, int k) {
    double flops = 2.0 * m * n * k;
    int repeat = 1 + (int)fmin(200, 4e6 / flops);
    double start_s = clock_s();
    for (int i = 0; i < repeat; i++)
        gemm_by(library, op, m, n, k, bench->a, bench->b, bench->c, false);
    return (clock_s() - start_s) / repeat;
}

static void compare(Bench *bench, GemmOp op, int m, int n, int k) {
    double taken_s[GEMM_LIBRARY_N][MAX_ROUNDS];
    for (int r = 0; r < bench->rounds; r++)
        for (int library = 0; library < GEMM_LIBRARY_N; library++)
            taken_s[library][r] = time_s(bench, (GemmLibrary)library, op, m, n, k);
    double openblas_s = stats_median(taken_s[GEMM_OPENBLAS], bench->rounds);
    double onednn_s = stats_median(taken_s[GEMM_ONEDNN], bench->rounds);
    Proposal *line = &bench->proposal[op][gemm_shape(m, n, k)];
    line->log_ratio += log(openblas_s / onednn_s);
    line->n++;
    printf(" | %s %8.2f %8.2f %5.2f", gemm_op_name(op), 1e6 * openblas_s, 1e6 * onednn_s,
           openblas_s / onednn_s);
}

static void layer(Bench *bench, int n_in, int n_out, int b) {
    printf("%5d -> %4d  b = %3d", n_in, n_out, b);
    compare(bench, GEMM_NT, b, n_out, n_in);
    compare(bench, GEMM_NN, b, n_in, n_out);
    compare(bench, GEMM_TN, n_out, n_in, b);
    printf("\n");
}

static void propose(const Bench *bench) {
    static const char *const shape[GEMM_SHAPE_N] = {"NARROW", "SMALL", "LARGE"};
    printf("\nwould be fastest for %s (geometric mean of OpenBLAS / oneDNN):\n",
           gemm_isa_name(gemm_isa()));
    for (int op = 0; op < GEMM_OP_N; op++)
        for (int s = 0; s < GEMM_SHAPE_N; s++) {
            const Proposal *line = &bench->proposal[op][s];
            double ratio = exp(line->log_ratio / line->n);
            printf("  %s %-6s %-8s %.2f   table: %s\n", gemm_op_name((GemmOp)op), shape[s],
                   gemm_library_name(ratio > 1 ? GEMM_ONEDNN : GEMM_OPENBLAS), ratio,
                   gemm_library_name(gemm_library(gemm_isa(), (GemmOp)op, (GemmShape)s)));
        }
}

static float *fill(uint64_t index) {
    Rng rng = rng_new(1, RNG_TEST, index);
    float *x = calloc(ROOM, sizeof *x);
    if (!x)
        exit(1);
    for (int i = 0; i < ROOM; i++)
        x[i] = (float)rng_uniform(&rng) - 0.5F;
    return x;
}

int main(int argc, char **argv) {
    static const int width[][2] = {{784, 10},   {784, 32},  {784, 64},  {784, 128},  {784, 512},
                                   {784, 1024}, {16, 10},   {64, 10},   {128, 10},   {512, 10},
                                   {1024, 10},  {32, 32},   {64, 64},   {128, 64},   {128, 128},
                                   {256, 128},  {256, 256}, {512, 512}, {1024, 1024}};
    static const int mini_batch[] = {1, 4, 8, 16, 32, 64, 128};
    Bench bench = {.rounds = argc > 1 ? atoi(argv[1]) : 15};
    if (bench.rounds < 1 || bench.rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: bench_gemm [rounds, 1..%d]\n", MAX_ROUNDS);
        return 2;
    }
    omp_set_num_threads(1);
    bench.a = fill(1), bench.b = fill(2), bench.c = fill(3);
    printf("%s, OpenBLAS core %s; microseconds of OpenBLAS, of oneDNN, ratio\n",
           gemm_isa_name(gemm_isa()), gemm_openblas_core());
    for (size_t l = 0; l < sizeof width / sizeof *width; l++)
        for (size_t i = 0; i < sizeof mini_batch / sizeof *mini_batch; i++)
            layer(&bench, width[l][0], width[l][1], mini_batch[i]);
    propose(&bench);
    free(bench.a), free(bench.b), free(bench.c);
    return 0;
}
