/* Augmentation: training images shifted, mirrored and partly covered at random. What happens to an
 * example is a function of (seed, place in the sample stream): the same pixels for any number of
 * replicas and threads, any mini-batch, and after any interruption. */
#ifndef LAB_DATA_AUGMENT_H
#define LAB_DATA_AUGMENT_H

#include "lab/data/dataset.h"

typedef struct AugmentSettings {
    int64_t pad; /* pixels around the image of which a window of the old extent is cut; 0: off */
    bool flip;
    int64_t cutout; /* side of the covered square, pixels; 0: off */
} AugmentSettings;

extern const Param augment_rows[];

bool augment_is_on(const AugmentSettings *settings);

/* Error 2: the examples are no images, or too small for the settings (with the legal range). */
Error *augment_check(const AugmentSettings *settings, const Dataset *data);

/* Augments x (n, shape[0], shape[1], shape[2]) in place; the examples stand at `first` and on in
 * the sample stream of `seed`. `scratch` are augment_scratch floats that were zeroed once and that
 * nobody else writes to. What the window or the square
 * leaves without a pixel becomes 0, which is the mean of centred data. Crop and flip: He et al.
 * 2016, section 4.2; cutout: DeVries and Taylor 2017, arXiv 1708.04552. */
int64_t augment_scratch(const AugmentSettings *settings, const int shape[3]);
void augment(float *x, int n, const int shape[3], const AugmentSettings *settings, uint64_t seed,
             int64_t first, float *scratch);

#endif
