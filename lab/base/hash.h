/* SHA-256 (FIPS 180-4), incremental. The state is a plain struct: copying it copies the digest so
 * far. */
#ifndef LAB_BASE_HASH_H
#define LAB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct Hash {
    uint32_t state[8];
    uint64_t n_bytes;
    uint8_t block[64];
} Hash;

#define HASH_ROOM 65 /* 64 hex digits and a terminator */

Hash hash_new(void);
void hash_add(Hash *hash, const void *bytes, size_t n);
void hash_hex(const Hash *hash, char out[HASH_ROOM]); /* leaves `hash` usable */
void hash_of(const void *bytes, size_t n, char out[HASH_ROOM]);

/* Adds the raw SHA-256 of every block of HASH_BLOCK bytes (the last may be shorter) to `list`: what
 * is hashed is the list of hashes. As strong as hash_add and several times as fast, because sixteen
 * blocks are hashed side by side. In pieces: all but the last must be whole blocks. */
#define HASH_BLOCK 4096
void hash_add_blocks(Hash *list, const void *bytes, size_t n);

#endif
