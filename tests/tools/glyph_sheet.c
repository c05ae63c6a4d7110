/* glyph_sheet FILE.png [DIFFICULTY] [PER_CLASS]: a contact sheet of the glyphs dataset, one class a
 * row, for a person to look at. The first PER_CLASS test examples of each class, enlarged twice. */
#include "lab/data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ZOOM 2
#define GAP 2 /* pixels between images, before enlarging */

typedef struct {
    int width, height;
    uint8_t *pixels; /* (height, 1 + width): each row begins with PNG's filter byte 0 */
} Sheet;

static void put_word(uint8_t *to, uint32_t word) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(word >> (24 - 8 * i));
}

static void write_chunk(FILE *file, const char *kind, const uint8_t *bytes, size_t n) {
    uint8_t length[4], sum[4];
    uLong crc = crc32(crc32(0, (const Bytef *)kind, 4), bytes, (uInt)n);
    put_word(length, (uint32_t)n);
    put_word(sum, (uint32_t)crc);
    fwrite(length, 1, 4, file);
    fwrite(kind, 1, 4, file);
    fwrite(bytes, 1, n, file);
    fwrite(sum, 1, 4, file);
}

static int write_png(const char *path, const Sheet *sheet, Arena *arena) {
    uLong n = (uLong)sheet->height * (uLong)(sheet->width + 1);
    uLongf packed_n = compressBound(n);
    uint8_t *packed = arena_alloc(arena, packed_n);
    uint8_t head[13] = {[8] = 8}; /* 8-bit grey */
    FILE *file = fopen(path, "wb");
    if (!file || compress(packed, &packed_n, sheet->pixels, n) != Z_OK) {
        perror(path);
        return 1;
    }
    put_word(head, (uint32_t)sheet->width);
    put_word(head + 4, (uint32_t)sheet->height);
    fwrite("\x89PNG\r\n\x1a\n", 1, 8, file);
    write_chunk(file, "IHDR", head, sizeof head);
    write_chunk(file, "IDAT", packed, packed_n);
    write_chunk(file, "IEND", head, 0);
    return fclose(file) != 0;
}

static void paste(Sheet *sheet, int left, int top, const uint8_t *image, int side) {
    for (int y = 0; y < side * ZOOM; y++)
        for (int x = 0; x < side * ZOOM; x++)
            sheet->pixels[(top + y) * (sheet->width + 1) + 1 + left + x] =
                image[y / ZOOM * side + x / ZOOM];
}

static Sheet sheet_make(const Dataset *data, int per_class, Arena *arena) {
    int side = data->shape[1], step = (side + GAP) * ZOOM;
    Sheet sheet = {.width = per_class * step, .height = data->n_classes * step};
    int *used = ARENA_ARRAY(arena, int, data->n_classes);
    sheet.pixels = ARENA_ARRAY(arena, uint8_t, (size_t)sheet.height * (size_t)(sheet.width + 1));
    memset(sheet.pixels, 90, (size_t)sheet.height * (size_t)(sheet.width + 1));
    for (int y = 0; y < sheet.height; y++)
        sheet.pixels[y * (sheet.width + 1)] = 0;
    for (int64_t i = 0; i < data->n[SPLIT_TEST]; i++) {
        int64_t row = data->first[SPLIT_TEST] + i;
        int class = data->labels[row];
        if (used[class] < per_class)
            paste(&sheet, used[class]++ * step, class * step, data->pixels + row * data->n_features,
                  side);
    }
    return sheet;
}

int main(int argc, char **argv) {
    Arena *arena = arena_new();
    if (argc < 2) {
        fprintf(stderr, "usage: glyph_sheet FILE.png [DIFFICULTY] [PER_CLASS]\n");
        return 2;
    }
    int per_class = argc > 3 ? atoi(argv[3]) : 16;
    Json *wish = json_object(arena);
    json_add_text(wish, "name", "glyphs", arena);
    json_add_number(wish, "difficulty", argc > 2 ? atof(argv[2]) : 1, arena);
    json_add_number(wish, "train", 1, arena);
    json_add_number(wish, "valid", 1, arena);
    json_add_number(wish, "test", 10 * per_class, arena);

    const Kind *kind;
    void *settings;
    Dataset data;
    Error *error =
        kind_read(&kind, &settings, wish, dataset_table, DATASET_N, "dataset", NULL, arena);
    if (!error)
        error = dataset_load(&data, (const DatasetType *)kind, settings, NULL, arena);
    if (error) {
        error_print(error, stderr);
        return error_code(error);
    }
    Sheet sheet = sheet_make(&data, per_class, arena);
    int status = write_png(argv[1], &sheet, arena);
    arena_end(arena);
    return status;
}
