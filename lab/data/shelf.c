#include "lab/data/shelf.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_ROOM = 17, NAME_ROOM = 96, PAGE = 4096, PIECE = 1 << 22 };

typedef enum { PIXELS, VALUES, LABELS, TEXT, N_ARRAYS } ArrayId;

/* The first page of a file; the arrays follow, each from a page on. */
typedef struct Head {
    char format[16];
    uint64_t head_bytes;
    Dataset data; /* its pointers mean nothing */
    uint64_t at[N_ARRAYS], bytes[N_ARRAYS];
} Head;

#define FORMAT "batchlab data 1"
_Static_assert(sizeof(Head) <= PAGE, "arrays begin on the second page");

typedef struct Item Item;
struct Item {
    Item *next;
    const char *key;
    Dataset data;
    int fd; /* held open for others to find; -1: none */
    void *memory;
    size_t bytes;
};

struct Shelf {
    Arena *arena;
    Item *items;
    long from_pid;                                  /* 0: none */
    char from_token[TOKEN_ROOM], token[TOKEN_ROOM]; /* what only this shelf's files are called */
    bool loaded;                                    /* something is found here only */
};

Shelf *shelf_new(const char *from, Arena *arena) {
    Shelf *shelf = ARENA_NEW(arena, Shelf);
    unsigned long long random = 0;
    shelf->arena = arena;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (unsigned long long)getpid();
    snprintf(shelf->token, sizeof shelf->token, "%016llx", random);
    if (!from || sscanf(from, "%ld-%16[0-9a-f]", &shelf->from_pid, shelf->from_token) != 2)
        shelf->from_pid = 0;
    return shelf;
}

void shelf_place(const Shelf *shelf, char out[SHELF_PLACE_ROOM]) {
    bool passed_on = shelf->from_pid && !shelf->loaded;
    snprintf(out, SHELF_PLACE_ROOM, "%ld-%s", passed_on ? shelf->from_pid : (long)getpid(),
             passed_on ? shelf->from_token : shelf->token);
}

/* Of a dataset's file. */
static void write_name(char out[NAME_ROOM], const char *token, const char *key) {
    char hex[HASH_ROOM];
    hash_of(key, strlen(key), hex);
    snprintf(out, NAME_ROOM, "batchlab-%s-%.32s", token, hex);
}

static void item_end(void *what) {
    Item *item = what;
    munmap(item->memory, item->bytes);
    close(item->fd);
}

static void set_pointers(Item *item) {
    const Head *head = item->memory;
    const char *at[N_ARRAYS];
    for (int i = 0; i < N_ARRAYS; i++)
        at[i] = head->bytes[i] ? (const char *)item->memory + head->at[i] : NULL;
    item->data.pixels = (const uint8_t *)at[PIXELS];
    item->data.values = (const float *)(const void *)at[VALUES];
    item->data.labels = (const int32_t *)(const void *)at[LABELS];
    item->data.text = (const uint8_t *)at[TEXT];
}

/* ---- putting up */

static size_t whole_pages(size_t bytes) {
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

static Head make_head(const Dataset *data) {
    uint64_t rows = (uint64_t)(data->first[SPLIT_TEST] + data->n[SPLIT_TEST]);
    uint64_t cells = rows * (uint64_t)data->n_features, at = PAGE;
    Head head = {.format = FORMAT,
                 .head_bytes = sizeof head,
                 .data = *data,
                 .bytes = {[PIXELS] = data->pixels ? cells : 0,
                           [VALUES] = data->values ? cells * sizeof *data->values : 0,
                           [LABELS] = data->labels ? rows * sizeof *data->labels : 0,
                           [TEXT] = data->text ? (uint64_t)data->text_bytes : 0}};
    for (int i = 0; i < N_ARRAYS; i++) {
        head.at[i] = at;
        at += whole_pages(head.bytes[i]);
    }
    return head;
}

/* The source's pages go as they are copied, so that memory never holds the data twice. Nobody reads
 * them again: they belong to an arena that ends. */
static void move_bytes(char *to, const void *source, size_t n) {
    const char *from = source;
    for (size_t at = 0; at < n; at += PIECE) {
        size_t piece = n - at < PIECE ? n - at : PIECE;
        memcpy(to + at, from + at, piece);
        uintptr_t first = whole_pages((uintptr_t)(from + at)),
                  last = (uintptr_t)(from + at + piece) / PAGE * PAGE;
        if (first < last)
            madvise((void *)first, last - first, MADV_DONTNEED); /* only saves memory */
    }
}

/* New kernels can be told to refuse files that do not say whether they may hold a program; old ones
 * refuse the word. */
static int new_file(const char *name) {
#ifdef MFD_NOEXEC_SEAL
    unsigned no_program = MFD_NOEXEC_SEAL;
#else
    unsigned no_program = 8;
#endif
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | no_program);
    return fd >= 0 ? fd : memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* False when this system has no such files, or no memory for one. The seals say that it is whole.
 */
static bool put_up(Item *item, const char *name, const Dataset *data) {
    Head head = make_head(data);
    const void *source[N_ARRAYS] = {data->pixels, data->values, data->labels, data->text};
    item->bytes = head.at[N_ARRAYS - 1] + whole_pages(head.bytes[N_ARRAYS - 1]);
    item->fd = new_file(name);
    if (item->fd < 0)
        return false;
    item->memory = MAP_FAILED;
    if (ftruncate(item->fd, (off_t)item->bytes) == 0)
        item->memory = mmap(NULL, item->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, item->fd, 0);
    if (item->memory == MAP_FAILED) {
        close(item->fd);
        return false;
    }
    memcpy(item->memory, &head, sizeof head);
    for (int i = 0; i < N_ARRAYS; i++)
        if (head.bytes[i])
            move_bytes((char *)item->memory + head.at[i], source[i], head.bytes[i]);
    mprotect(item->memory, item->bytes, PROT_READ);
    fcntl(item->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    item->data = *data;
    set_pointers(item);
    return true;
}

static void end_arena(void *arena) {
    arena_end(arena);
}

static Error *load_item(Item *item, Shelf *shelf, const DatasetType *type, const void *settings,
                        DataPaths paths) {
    char name[NAME_ROOM];
    Arena *own = arena_new();
    Error *error = dataset_load(&item->data, type, settings, paths, own);
    if (error) {
        arena_end(own);
        return error;
    }
    Dataset loaded = item->data;
    write_name(name, shelf->token, item->key);
    shelf->loaded = true;
    if (put_up(item, name, &loaded)) {
        arena_at_end(shelf->arena, item_end, item);
        arena_end(own);
    } else {
        arena_at_end(shelf->arena, end_arena, own);
    }
    return NULL;
}

/* ---- finding */

/* A descriptor of the process's file of that name, -1: none. Looked up by name, which no other file
 * has, because a process of that number on this host may be anybody's. */
static int open_named(long pid, const char *name) {
    char folder[64], path[384], link[NAME_ROOM + 32], wanted[NAME_ROOM + 32];
    snprintf(folder, sizeof folder, "/proc/%ld/fd", pid);
    snprintf(wanted, sizeof wanted, "/memfd:%s (deleted)", name);
    DIR *list = opendir(folder);
    int fd = -1;
    for (struct dirent *entry; list && fd < 0 && (entry = readdir(list));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        ssize_t n = readlink(path, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        if (strcmp(link, wanted) == 0)
            fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (list)
        closedir(list);
    return fd;
}

static bool is_whole(const Item *item) {
    const Head *head = item->memory;
    if (memcmp(head->format, FORMAT, sizeof FORMAT) != 0 || head->head_bytes != sizeof *head)
        return false;
    for (int i = 0; i < N_ARRAYS; i++)
        if (head->at[i] > item->bytes || head->bytes[i] > item->bytes - head->at[i])
            return false;
    return true;
}

/* All pages at once: a training step would wait for each that it touches first. */
static bool map_item(Item *item, const Shelf *shelf) {
    char name[NAME_ROOM];
    struct stat info;
    write_name(name, shelf->from_token, item->key);
    item->fd = open_named(shelf->from_pid, name);
    if (item->fd < 0)
        return false;
    item->memory = MAP_FAILED;
    int seals = fcntl(item->fd, F_GET_SEALS);
    if (seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(item->fd, &info) == 0 &&
        info.st_size >= PAGE) {
        item->bytes = (size_t)info.st_size;
        item->memory = mmap(NULL, item->bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, item->fd, 0);
    }
    if (item->memory != MAP_FAILED && is_whole(item)) {
        item->data = ((const Head *)item->memory)->data;
        set_pointers(item);
        return true;
    }
    if (item->memory != MAP_FAILED)
        munmap(item->memory, item->bytes);
    close(item->fd);
    return false;
}

Error *shelf_load(Dataset *out, Shelf *shelf, const char *key, const DatasetType *type,
                  const void *settings, DataPaths paths, Arena *arena) {
    if (!shelf)
        return dataset_load(out, type, settings, paths, arena);
    Item *item = shelf->items;
    while (item && strcmp(item->key, key) != 0)
        item = item->next;
    if (!item) {
        item = ARENA_NEW(shelf->arena, Item);
        item->key = arena_copy(shelf->arena, key);
        if (shelf->from_pid && map_item(item, shelf))
            arena_at_end(shelf->arena, item_end, item);
        else
            PASS(load_item(item, shelf, type, settings, paths));
        item->data.type = type;
        item->next = shelf->items;
        shelf->items = item;
    }
    *out = item->data;
    return NULL;
}
