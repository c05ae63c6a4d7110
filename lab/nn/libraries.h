/* The BLAS library that computes a model, for provenance. Texts live as long as the process. */
#ifndef LAB_NN_LIBRARIES_H
#define LAB_NN_LIBRARIES_H

const char *libraries_blas(void);      /* OpenBLAS's configuration: version, threading, limits */
const char *libraries_blas_core(void); /* core type it chose at run time: "SkylakeX" */

#endif
