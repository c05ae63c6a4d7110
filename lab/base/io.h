/* Files: whole-file reads, write-aside-and-rename, append-only logs, locks. Every error names the
 * path; exit code 66 when an input is missing, 74 for everything else. */
#ifndef LAB_BASE_IO_H
#define LAB_BASE_IO_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

Error *io_read(char **out, size_t *n, const char *path,
               Arena *arena); /* terminated with a NUL beyond n */
/* The same from byte `offset` on; n = 0 when the file is no longer than that. */
Error *io_read_from(char **out, size_t *n, const char *path, size_t offset, Arena *arena);

/* Where a file is written before it is renamed: PATH.tmp-PID-PLACE, and `.EXTENSION` unless that is
 * NULL. PLACE is owner_place: containers of several hosts often have the same PID. False when the
 * name is too long. */
#define IO_PATH_ROOM 4096
bool io_aside(char out[IO_PATH_ROOM], const char *path, const char *extension);

/* Writes the file aside, fsyncs it, renames it over `path`, fsyncs the folder. */
Error *io_write(const char *path, const void *bytes, size_t n);

/* The same for a file that is made of several pieces, one behind the other. */
typedef struct IoPiece {
    const void *bytes;
    size_t n;
} IoPiece;
Error *io_write_pieces(const char *path, const IoPiece *pieces, int n);
/* Its first half: writes the file aside and tells its name, for io_publish. */
Error *io_write_aside(char aside[IO_PATH_ROOM], const char *path, const IoPiece *pieces, int n);

/* What a power cut may leave of a file that is written aside and renamed. A kill leaves the old or
 * the new one whole in any case. */
typedef enum {
    IO_DURABLE, /* the new one: file and folder are synced */
    IO_WHOLE,   /* the old or the new one: the folder is not synced */
    IO_DERIVED  /* anything: nothing is synced, because it can be made again */
} IoCare;
Error *io_write_as(IoCare care, const char *path, const void *bytes, size_t n);
/* Syncs the names in a folder. */
Error *io_sync_folder(const char *folder);

/* Makes the last step of it for a file that somebody else (gnuplot) wrote aside. */
Error *io_publish(IoCare care, const char *aside, const char *path);

/* Removes what io_write and its like left in a folder when their process died: only files whose
 * writer is not alive on this host, or that are of another host and a day old, for a folder in
 * which somebody else may work; every one, when the caller holds the lock of the folder (a number
 * of a dead process may be another's by now). */
void io_remove_stale(const char *folder);
void io_remove_asides(const char *folder);

/* Error 74 when the file system of `path` has not `n` bytes to spare. */
Error *io_check_room(const char *path, size_t n);

Error *io_folder(const char *path); /* mkdir -p */
bool io_exists(const char *path);
bool io_is_folder(const char *path);
/* What others made in a folder is seen after this: NFS asks its server when a folder is opened, and
 * may else remember for a minute that a file was not there. A missing folder is no error. */
void io_look_again(const char *path);
/* Names in a folder, sorted, without dot files. */
Error *io_list(char ***names, int *n, const char *folder, Arena *arena);

/* An append-only file. */
typedef struct IoLog IoLog;
Error *io_log_open(IoLog **out, const char *path, bool truncate, Arena *arena);
Error *io_log_add(IoLog *log, const void *bytes, size_t n); /* buffered */
Error *io_log_flush(IoLog *log);                            /* to the kernel */
Error *io_log_sync(IoLog *log);                             /* flush and fdatasync */
Error *io_log_close(IoLog *log);                            /* flush, sync and close */
/* Syncs a log that was opened aside and renames it over `path`, its name from now on. */
Error *io_log_publish(IoLog *log, const char *path);

/* Gives a log up without waiting for the disk: flush and close. For one that an IoSync holds. */
Error *io_log_leave(IoLog *log);

/* A second hold on a log's file, for a thread that waits for the disk. What was flushed before
 * io_sync began is on the disk when it returns. */
typedef struct IoSync IoSync;
Error *io_sync_new(IoSync **out, const IoLog *log, Arena *arena);
Error *io_sync(const IoSync *sync);
void io_sync_end(IoSync *sync);

/* A lock on a file (made when absent) that the kernel drops when the process dies; a lease, which
 * others take over soon after, where the file system has no locks (lease.h). `wait_s` > 0 tries
 * again for that long. *out = NULL without an error when somebody else holds it. It is given up at
 * the latest when the arena ends. */
typedef struct IoLock IoLock;
Error *io_lock(IoLock **out, const char *path, bool shared, double wait_s, Arena *arena);
Error *io_lock_share(IoLock *lock); /* exclusive to shared */
bool io_lock_is_lease(const IoLock *lock);
/* Removes the leases on a lock that processes left which died when nobody else wanted it. */
void io_lock_tidy(const char *path);
/* Somebody holds it, this process included; asking takes nothing and makes no file. */
bool io_lock_is_held(const char *path);
/* Who holds a held lock, for a message: "process 4242 on node7 since 2026-11-22T06:00:00Z", with
 * "and 2 more" when it is shared; "somebody" when nobody signed. */
const char *io_lock_owners(const char *path, Arena *arena);
void io_unlock(IoLock *lock);

#endif
