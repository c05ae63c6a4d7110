#include "lab/data/augment.h"

#include "lab/base/rng.h"
#include "lab/base/vec.h"

#include <string.h>

const Param augment_rows[] = {
    PARAM(COUNT, AugmentSettings, pad, "0", 0, 1024, "pixels",
          "zeros on each side, out of which a window of the image's extent is cut at random, 0: "
          "none"),
    PARAM(FLAG, AugmentSettings, flip, "false", 0, 0, "1",
          "mirrors left and right with probability 1/2"),
    PARAM(COUNT, AugmentSettings, cutout, "0", 0, 1024, "pixels",
          "side of a square set to 0, its centre anywhere in the image, 0: none"),
    PARAM_END,
};

bool augment_is_on(const AugmentSettings *settings) {
    return settings->pad > 0 || settings->flip || settings->cutout > 0;
}

Error *augment_check(const AugmentSettings *settings, const Dataset *data) {
    int height = data->shape[1], width = data->shape[2], least = height < width ? height : width;
    if (!augment_is_on(settings))
        return NULL;
    if (data->text || data->text_bytes > 0 || least < 2)
        return error_hint(
            error_new(CODE_USAGE, "trial.augment is for images, but examples of '%s' are %s",
                      data->type->kind.name, data->text_bytes > 0 ? "texts" : "plain features"),
            "leave trial.augment out, or use images such as 'tiles' or 'cifar10'");
    if (settings->pad >= least)
        return error_hint(error_new(CODE_USAGE,
                                    "trial.augment.pad is %lld, but images of '%s' are %d x %d",
                                    (long long)settings->pad, data->type->kind.name, height, width),
                          "0 to %d leave something to see; 4 is common for 32 x 32", least - 1);
    if (settings->cutout >= 2 * least)
        return error_hint(
            error_new(CODE_USAGE, "trial.augment.cutout is %lld, but images of '%s' are %d x %d",
                      (long long)settings->cutout, data->type->kind.name, height, width),
            "0 to %d leave something to see; 16 is common for 32 x 32", 2 * least - 1);
    return NULL;
}

/* What happens to one image; every number is drawn whether it is used or not, so that one setting
 * does not change what another does. */
typedef struct {
    int64_t down, right; /* source pixel of the new upper left one */
    bool flip;
    int64_t centre_row, centre_column; /* of the square */
} Draw;

static Draw draw_make(const AugmentSettings *settings, const int shape[3], uint64_t seed,
                      int64_t place) {
    Rng rng = rng_new(seed, RNG_AUGMENT, (uint64_t)place);
    uint32_t span = 2 * (uint32_t)settings->pad + 1;
    Draw draw = {0};
    draw.flip = rng_word(&rng) & 1 && settings->flip;
    draw.centre_row = rng_below(&rng, (uint32_t)shape[1]);
    draw.centre_column = rng_below(&rng, (uint32_t)shape[2]);
    draw.down = (int64_t)rng_below(&rng, span) - settings->pad;
    draw.right = (int64_t)rng_below(&rng, span) - settings->pad;
    return draw;
}

VEC_CLONES
static void mirror_row(float *restrict to, const float *restrict from, int64_t width) {
    for (int64_t i = 0; i < width; i++)
        to[i] = from[width - 1 - i];
}

static void cover(float *row, int64_t width, int64_t centre, int64_t side) {
    int64_t begin = centre - side / 2, end = begin + side;
    begin = begin < 0 ? 0 : begin;
    end = end > width ? width : end;
    for (int64_t i = begin; i < end; i++)
        row[i] = 0;
}

int64_t augment_scratch(const AugmentSettings *settings, const int shape[3]) {
    int64_t width = shape[2], stride = width + 2 * settings->pad;
    return (int64_t)shape[0] * shape[1] * stride + width;
}

/* An image out of itself: its rows go between zeros, from where each new one is a copy. */
static void move(float *x, const int shape[3], const Draw *draw, int64_t pad, float *scratch) {
    int64_t height = shape[1], width = shape[2], rows = shape[0] * height, stride = width + 2 * pad;
    const float *zeros = scratch + rows * stride;
    for (int64_t r = 0; r < rows; r++)
        memcpy(scratch + r * stride + pad, x + r * width, (size_t)width * sizeof *x);
    for (int64_t r = 0; r < rows; r++) {
        int64_t source = r % height + draw->down;
        const float *from = source < 0 || source >= height
                                ? zeros
                                : scratch + (r + draw->down) * stride + pad + draw->right;
        if (draw->flip)
            mirror_row(x + r * width, from, width);
        else
            memcpy(x + r * width, from, (size_t)width * sizeof *x);
    }
}

void augment(float *x, int n, const int shape[3], const AugmentSettings *settings, uint64_t seed,
             int64_t first, float *scratch) {
    int64_t height = shape[1], width = shape[2], plane = height * width;
    for (int64_t i = 0; i < n; i++, x += shape[0] * plane) {
        Draw draw = draw_make(settings, shape, seed, first + i);
        if (draw.flip || draw.down != 0 || draw.right != 0)
            move(x, shape, &draw, settings->pad, scratch);
        int64_t top = draw.centre_row - settings->cutout / 2, below = top + settings->cutout;
        top = top < 0 ? 0 : top;
        below = below > height ? height : below;
        for (int64_t c = 0; c < shape[0]; c++)
            for (int64_t row = top; row < below; row++)
                cover(x + c * plane + row * width, width, draw.centre_column, settings->cutout);
    }
}
