#include "lab/nn/libraries.h"

#include <cblas.h>

const char *libraries_blas(void) {
    return openblas_get_config();
}

const char *libraries_blas_core(void) {
    return openblas_get_corename();
}
