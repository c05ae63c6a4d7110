#include "lab/base/clock.h"

#include <time.h>

double clock_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void clock_utc(char out[CLOCK_UTC_ROOM]) {
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, CLOCK_UTC_ROOM, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
