#include "lab/base/io_error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

Error *io_failed(const char *doing, const char *path) {
    int reason = errno;
    Error *error = error_new(reason == ENOENT ? CODE_MISSING : CODE_IO, "%s '%s': %s", doing, path,
                             strerror(reason));
    if (reason == ENOSPC || reason == EDQUOT || reason == EFBIG)
        return error_hint(
            error, "free some space and run the same command again; nothing measured is lost");
    if (reason == EACCES || reason == EPERM || reason == EROFS)
        return error_hint(
            error, "the folder is not writable for this user; choose another with --results DIR");
    if (reason == ENOTDIR || reason == ENAMETOOLONG)
        return error_hint(error,
                          "results cannot go there; choose another folder with --results DIR");
    return error;
}

Error *io_cannot(const char *doing, const char *path) {
    if (errno == ENOENT)
        return error_hint(error_new(CODE_IO, "%s '%s': %s", doing, path, strerror(errno)),
                          "results cannot go there; choose another folder with --results DIR");
    return io_failed(doing, path);
}

Error *io_cannot_write(const char *path) {
    return io_cannot("cannot write", path);
}

int io_write_all(int fd, const void *bytes, size_t n) {
    const char *from = bytes;
    while (n > 0) {
        ssize_t done = write(fd, from, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        from += done;
        n -= (size_t)done;
    }
    return 0;
}
