/* The share of elements that Deep Gradient Compression sends. */
#ifndef LAB_COMM_DGC_RATIO_H
#define LAB_COMM_DGC_RATIO_H

/* ratio^((e + 1) / (warmup + 1)) in epoch number e of the warmup, then ratio. */
double dgc_ratio(double ratio, double warmup_epochs, double epoch);

#endif
