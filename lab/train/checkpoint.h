/* Checkpoints: the state of a trial between two steps, as a list of named arrays, and the file that
 * holds one. It knows nothing of layouts: any number of replicas and threads continues from it,
 * with the same bits. Which arrays there are is the trainer's business (state.c).
 *
 *   CheckpointHead | text (JSON, what the caller wants to know about it) | table | arrays, each
 *   at a multiple of 64 bytes
 *
 * The head holds a SHA-256 over everything else (of arrays over the hashes of their blocks, which
 * is fast: hash_add_blocks), so a torn or damaged file is known as such. */
#ifndef LAB_TRAIN_CHECKPOINT_H
#define LAB_TRAIN_CHECKPOINT_H

#include "lab/base/arena.h"
#include "lab/base/error.h"
#include "lab/base/io.h"

#include <stdint.h>

typedef enum { /* values stand in files: never renumber */
               STATE_FLOAT = 1,
               STATE_DOUBLE = 2,
               STATE_INT64 = 3,
               STATE_WORDS =
                   4, /* structs of doubles and 64-bit integers, counted in words of 8 bytes */
} StateKind;

/* One piece of a trial's state, where it lives. */
typedef struct StateArray {
    const char *name; /* shorter than CHECKPOINT_NAME_ROOM */
    StateKind kind;
    int64_t n; /* elements */
    void *data;
} StateArray;

#define CHECKPOINT_NAME_ROOM 40
#define CHECKPOINT_MAX_ARRAYS 256

size_t state_bytes(const StateArray *array);

/* Writes PATH aside, fsyncs it, renames it, fsyncs the folder. `text` is a JSON object. */
Error *checkpoint_write(const char *path, int64_t step, const char *text, const StateArray *arrays,
                        int n);

/* Its first half, up to the fsync: the file's name so far is `aside`, for io_publish. */
Error *checkpoint_write_aside(char aside[IO_PATH_ROOM], const char *path, int64_t step,
                              const char *text, const StateArray *arrays, int n);

/* What stands in a checkpoint besides its arrays. */
typedef struct Checkpoint {
    const char *path;
    int64_t step;
    const char *text;
} Checkpoint;

/* Reads a file to its end and checks its hash. Errors (code 74): missing, no checkpoint, another
 * version, shorter than it should be, damaged. */
Error *checkpoint_check(Checkpoint *out, const char *path, Arena *arena);

/* Fills `arrays` from a file that checkpoint_check has accepted. Errors: one of them is missing or
 * has another kind or size, or the file holds one that is not asked for: another program's state.
 */
Error *checkpoint_read(const char *path, const StateArray *arrays, int n);

#endif
