/* Arena: memory that is given back all at once. Arenas live as long as the process, an experiment
 * or a trial; a training step allocates nothing. */
#ifndef LAB_BASE_ARENA_H
#define LAB_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

typedef struct Arena Arena;

/* A new empty arena. Running out of memory ends the process with a message and exit code 1. */
Arena *arena_new(void);

/* Gives back everything allocated from `arena`, and the arena itself. NULL is allowed. */
void arena_end(Arena *arena);

/* `bytes` of zeroed memory, aligned to 64 bytes, valid until arena_end. Never NULL. */
void *arena_alloc(Arena *arena, size_t bytes);
/* The same, but large ones take their pages when they are touched first: for what may stay unused.
 */
void *arena_alloc_late(Arena *arena, size_t bytes);

/* Calls end(what) when the arena ends, the latest first, before any memory goes: for what a library
 * made and must take back. */
void arena_at_end(Arena *arena, void (*end)(void *what), void *what);

/* A copy of `text` (or of its first `n` bytes, terminated). */
char *arena_copy(Arena *arena, const char *text);
char *arena_copy_n(Arena *arena, const char *text, size_t n);

/* printf into the arena. */
char *arena_print(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprint(Arena *arena, const char *format, va_list args);

#define ARENA_NEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define ARENA_ARRAY(arena, Type, n) ((Type *)arena_alloc((arena), sizeof(Type) * (size_t)(n)))

#endif
