#include "lab/data/augment.h"

#include "lab/base/rng.h"

#include <string.h>

const Param augment_rows[] = {
    PARAM(COUNT, AugmentSettings, pad, "0", 0, 1024, "pixels",
          "zeros on each side, out of which a window of the image's extent is cut at random, 0: "
          "none"),
    PARAM(FLAG, AugmentSettings, flip, "false", 0, 0, "1", "mirrors left and right with probability 1/2"),
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

/* to (width): the row from (width), `right` pixels further on, zero beyond its ends. */
static void shift_row(float *to, const float *from, int64_t width, int64_t right) {
    int64_t begin = right < 0 ? -right : 0, end = right > 0 ? width - right : width;
    memset(to, 0, (size_t)width * sizeof *to);
    memcpy(to + begin, from + begin + right, (size_t)(end - begin) * sizeof *to);
}

static void mirror_row(float *row, int64_t width) {
    for (int64_t i = 0; i < width / 2; i++) {
        float keep = row[i];
        row[i] = row[width - 1 - i];
        row[width - 1 - i] = keep;
    }
}

static void cover(float *row, int64_t width, int64_t centre, int64_t side) {
    int64_t begin = centre - side / 2, end = begin + side;
    begin = begin < 0 ? 0 : begin;
    end = end > width ? width : end;
    for (int64_t i = begin; i < end; i++)
        row[i] = 0;
}

void augment(float *x, int n, const int shape[3], const AugmentSettings *settings, uint64_t seed,
             int64_t first, float *scratch) {
    int64_t height = shape[1], width = shape[2], plane = height * width;
    for (int64_t i = 0; i < n; i++, x += shape[0] * plane) {
        Draw draw = draw_make(settings, shape, seed, first + i);
        int64_t top = draw.centre_row - settings->cutout / 2;
        bool moved = draw.down != 0 || draw.right != 0;
        if (moved)
            memcpy(scratch, x, (size_t)(shape[0] * plane) * sizeof *x);
        for (int64_t r = 0; r < shape[0] * height; r++) {
            int64_t row = r % height, source = row + draw.down;
            float *to = x + r * width;
            if (moved && (source < 0 || source >= height))
                memset(to, 0, (size_t)width * sizeof *to);
            else if (moved)
                shift_row(to, scratch + (r + draw.down) * width, width, draw.right);
            if (draw.flip)
                mirror_row(to, width);
            if (row >= top && row < top + settings->cutout)
                cover(to, width, draw.centre_column, settings->cutout);
        }
    }
}
