/* Activations of dense layers, each pass over memory fused with what else must be done there. */
#ifndef LAB_NN_ACTIVATION_H
#define LAB_NN_ACTIVATION_H

#include <stdbool.h>

typedef struct Activation {
    const char *name;
    bool rectifies;   /* weights below it start with He's variance, else Glorot's */
    bool keeps_slope; /* forward stores the derivative in `slope`; else backward finds it from the
                         output */
    /* h (n, width): in h = x W^T, out f(h + bias); slope (n, width) = f'(h + bias), may be NULL. */
    void (*forward)(float *h, float *slope, const float *bias, int n, int width);
    /* delta (width) *= f' for one example; `h` is its output or, when keeps_slope, its slope. */
    void (*backward)(float *delta, const float *h, int width);
} Activation;

extern const Activation activation_identity; /* the output layer */
extern const Activation activation_relu;
extern const Activation activation_gelu; /* exact: x times the normal distribution function at x */
extern const Activation activation_tanh;

/* What `choices` of a setting and its table are made from. */
enum { ACTIVATION_RELU, ACTIVATION_GELU, ACTIVATION_TANH, ACTIVATION_N };
extern const Activation *const activation_table[ACTIVATION_N];

/* Turns dL/d(output) into dL/d(input of the activation) in place and gathers what the layer needs
 * of it, example by example while it is in cache. delta (n, width); h as in `backward`, (n, width);
 * column (width): out, sum over examples (the bias gradient); row_sumsq (n): out, |delta_i|^2, NULL
 * when not wanted. */
void activation_delta(const Activation *activation, float *delta, const float *h, float *column,
                      double *row_sumsq, int n, int width);

#endif
