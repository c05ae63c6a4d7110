/* Writes small files of CIFAR-10's binary form: record i of batch k has the numbers k and i in its
 * first pixels. */
#ifndef TESTS_UNIT_CIFAR_FILES_H
#define TESTS_UNIT_CIFAR_FILES_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum { CIFAR_FILES = 6, CIFAR_RECORD = 3073, CIFAR_TRAIN = 600, CIFAR_TEST = 60 };

static inline void cifar_path(char out[512], const char *folder, int k) {
    if (k < 5)
        snprintf(out, 512, "%s/data_batch_%d.bin", folder, k + 1);
    else
        snprintf(out, 512, "%s/test_batch.bin", folder);
}

static inline int cifar_records(int k) {
    return k < 5 ? CIFAR_TRAIN / 5 : CIFAR_TEST;
}

/* Batch 2 is short of class 0, as the real ones are not quite balanced either. */
static inline uint8_t cifar_byte(int k, int i, int j) {
    if (j == 0)
        return (uint8_t)(k == 1 && i % 10 == 0 ? 9 : i % 10);
    return (uint8_t)(j == 1 ? k : j == 2 ? i : i * 31 + j * 17);
}

static inline void cifar_write(const char *folder, int k) {
    char path[512];
    cifar_path(path, folder, k);
    FILE *file = fopen(path, "wb");
    assert(file);
    for (int i = 0; i < cifar_records(k); i++)
        for (int j = 0; j < CIFAR_RECORD; j++)
            fputc(cifar_byte(k, i, j), file);
    assert(fclose(file) == 0);
}

static inline void cifar_write_all(const char *folder) {
    for (int k = 0; k < CIFAR_FILES; k++)
        cifar_write(folder, k);
}

static inline void cifar_remove_all(const char *folder) {
    for (int k = 0; k < CIFAR_FILES; k++) {
        char path[512];
        cifar_path(path, folder, k);
        unlink(path);
    }
}

#endif
