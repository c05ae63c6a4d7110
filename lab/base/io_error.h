/* Internal to lab/base: what the files of io.h have in common. Every error is made from errno and
 * names the path. */
#ifndef LAB_BASE_IO_ERROR_H
#define LAB_BASE_IO_ERROR_H

#include "lab/base/error.h"

#include <stddef.h>

/* "`doing` 'path': reason", with a hint where the user can help: code 66 when it is missing, else
 * 74. */
Error *io_failed(const char *doing, const char *path);
/* A missing folder is an I/O failure when we meant to write. */
Error *io_cannot(const char *doing, const char *path);
Error *io_cannot_write(const char *path);

/* Every byte, whatever interrupts; -1 and errno when that cannot be. */
int io_write_all(int fd, const void *bytes, size_t n);

#endif
