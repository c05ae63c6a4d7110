#include "lab/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 64, ARENA_BLOCK = 1 << 16 };

typedef struct ArenaBlock ArenaBlock;
struct ArenaBlock {
    ArenaBlock *next;
    size_t used, room; /* bytes after the block's header */
    void *memory;      /* that it stands in, to be given back */
};

typedef struct ArenaEnd ArenaEnd;
struct ArenaEnd {
    ArenaEnd *next;
    void (*end)(void *what);
    void *what;
};

struct Arena {
    ArenaBlock *blocks; /* newest first */
    ArenaEnd *ends;     /* the same */
};

static void out_of_memory(size_t bytes) {
    fprintf(stderr, "batchlab: out of memory (asked for %zu bytes)\n", bytes);
    exit(1);
}

Arena *arena_new(void) {
    Arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        out_of_memory(sizeof *arena);
    return arena;
}

void arena_end(Arena *arena) {
    if (!arena)
        return;
    for (ArenaEnd *last = arena->ends; last; last = last->next)
        last->end(last->what);
    for (ArenaBlock *block = arena->blocks; block;) {
        ArenaBlock *next = block->next;
        free(block->memory);
        block = next;
    }
    free(arena);
}

static ArenaBlock *block_in(void *memory, size_t room, size_t bytes) {
    if (!memory)
        out_of_memory(bytes);
    ArenaBlock *block =
        (ArenaBlock *)(((uintptr_t)memory + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN);
    *block = (ArenaBlock){.room = room, .memory = memory};
    return block;
}

static ArenaBlock *block_new(Arena *arena, size_t room) {
    size_t bytes = ARENA_ALIGN + room; /* the header takes one aligned unit */
    ArenaBlock *block = block_in(aligned_alloc(ARENA_ALIGN, bytes), room, bytes);
    memset((char *)block + ARENA_ALIGN, 0, room);
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_alloc_late(Arena *arena, size_t bytes) {
    if (bytes < ARENA_BLOCK || bytes > SIZE_MAX / 2)
        return arena_alloc(arena, bytes);
    size_t whole = bytes + 2 * ARENA_ALIGN;
    ArenaBlock *block = block_in(calloc(1, whole), bytes, whole);
    block->used = bytes;
    ArenaBlock **place = arena->blocks ? &arena->blocks->next : &arena->blocks;
    block->next = *place; /* behind the one that still has room */
    *place = block;
    return (char *)block + ARENA_ALIGN;
}

void *arena_alloc(Arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX / 2)
        out_of_memory(bytes);
    size_t rounded = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (rounded == 0)
        rounded = ARENA_ALIGN;
    ArenaBlock *block = arena->blocks;
    if (!block || block->room - block->used < rounded) {
        size_t room = rounded > ARENA_BLOCK ? rounded : ARENA_BLOCK;
        block = block_new(arena, room);
    }
    void *memory = (char *)block + ARENA_ALIGN + block->used;
    block->used += rounded;
    return memory;
}

void arena_at_end(Arena *arena, void (*end)(void *what), void *what) {
    ArenaEnd *latest = ARENA_NEW(arena, ArenaEnd);
    *latest = (ArenaEnd){arena->ends, end, what};
    arena->ends = latest;
}

char *arena_copy_n(Arena *arena, const char *text, size_t n) {
    char *copy = arena_alloc(arena, n + 1);
    if (n)
        memcpy(copy, text, n);
    return copy;
}

char *arena_copy(Arena *arena, const char *text) {
    return text ? arena_copy_n(arena, text, strlen(text)) : NULL;
}

char *arena_vprint(Arena *arena, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = arena_alloc(arena, (size_t)(n < 0 ? 0 : n) + 1);
    if (n > 0)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

char *arena_print(Arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprint(arena, format, args);
    va_end(args);
    return text;
}
