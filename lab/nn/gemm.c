/* The only file that knows oneDNN and OpenBLAS. */
#include "lab/nn/gemm.h"

#include <assert.h>
#include <cblas.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>

enum { NARROW_COLUMNS = 16, SMALL_PRODUCT = 1000000 };

#define KERNEL(isa, op, shape, library) [GEMM_##isa][GEMM_##op][GEMM_##shape] = GEMM_##library,
static const GemmLibrary kernels[GEMM_ISA_N][GEMM_OP_N][GEMM_SHAPE_N] = {
#include "lab/nn/kernels.def"
};
#undef KERNEL

/* A missing line would silently mean the first library. */
#define KERNEL(isa, op, shape, library) +1
_Static_assert((0
#include "lab/nn/kernels.def"
                ) == GEMM_ISA_N * GEMM_OP_N * GEMM_SHAPE_N,
               "one line in kernels.def for each instruction set, operation and shape class");
#undef KERNEL

GemmIsa gemm_isa(void) {
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    if ((isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core)
        return GEMM_AVX512;
    return (isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2 ? GEMM_AVX2 : GEMM_BASE;
}

GemmShape gemm_shape(int m, int n, int k) {
    if (m == 1 || n == 1)
        return GEMM_NARROW;
    if ((double)m * n * k > SMALL_PRODUCT)
        return GEMM_LARGE;
    return n <= NARROW_COLUMNS ? GEMM_NARROW : GEMM_SMALL;
}

GemmLibrary gemm_library(GemmIsa isa, GemmOp op, GemmShape shape) {
    return kernels[isa][op][shape];
}

static void product(GemmLibrary library, GemmOp op, int m, int n, int k, GemmRows a, GemmRows b,
                    float *c, int c_stride, bool accumulate) {
    bool transpose_a = op == GEMM_TN, transpose_b = op == GEMM_NT;
    float beta = accumulate ? 1.0F : 0.0F;
    if (library == GEMM_OPENBLAS) {
        cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                    transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1.0F, a.at, a.stride, b.at,
                    b.stride, beta, c, c_stride);
        return;
    }
    dnnl_status_t status = dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k,
                                      1.0F, a.at, a.stride, b.at, b.stride, beta, c, c_stride);
    assert(status == dnnl_success);
    (void)status;
}

void gemm_by(GemmLibrary library, GemmOp op, int m, int n, int k, const float *a, const float *b,
             float *c, bool accumulate) {
    product(library, op, m, n, k, (GemmRows){a, op == GEMM_TN ? m : k},
            (GemmRows){b, op == GEMM_NT ? k : n}, c, n, accumulate);
}

void gemm_rows(bool transpose_a, bool transpose_b, int m, int n, int k, GemmRows a, GemmRows b,
               float *c, int c_stride, bool accumulate) {
    assert(!(transpose_a && transpose_b));
    GemmOp op = transpose_a ? GEMM_TN : transpose_b ? GEMM_NT : GEMM_NN;
    product(gemm_library(gemm_isa(), op, gemm_shape(m, n, k)), op, m, n, k, a, b, c, c_stride,
            accumulate);
}

void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, const float *b,
          float *c, bool accumulate) {
    assert(!(transpose_a && transpose_b));
    assert(!accumulate || k <= GEMM_MAX_ACCUMULATE);
    GemmOp op = transpose_a ? GEMM_TN : transpose_b ? GEMM_NT : GEMM_NN;
    gemm_by(gemm_library(gemm_isa(), op, gemm_shape(m, n, k)), op, m, n, k, a, b, c, accumulate);
}

const char *gemm_isa_name(GemmIsa isa) {
    static const char *const name[GEMM_ISA_N] = {"base", "avx2", "avx512"};
    return name[isa];
}

const char *gemm_op_name(GemmOp op) {
    static const char *const name[GEMM_OP_N] = {"NT", "NN", "TN"};
    return name[op];
}

const char *gemm_library_name(GemmLibrary library) {
    static const char *const name[GEMM_LIBRARY_N] = {"openblas", "onednn"};
    return name[library];
}

void gemm_onednn_version(char out[GEMM_VERSION_ROOM]) {
    const dnnl_version_t *version = dnnl_version();
    snprintf(out, GEMM_VERSION_ROOM, "oneDNN %d.%d.%d", version->major, version->minor,
             version->patch);
}

const char *gemm_openblas_core(void) {
    return openblas_get_corename();
}

const char *gemm_openblas_config(void) {
    return openblas_get_config();
}
