#include "lab/base/clock.h"

#include <math.h>
#include <time.h>

double clock_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void clock_nap(double seconds) {
    struct timespec length = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    nanosleep(&length, NULL);
}

void clock_utc(char out[CLOCK_UTC_ROOM]) {
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, CLOCK_UTC_ROOM, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

double clock_utc_read(const char *text) {
    struct tm utc = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return end && !*end ? (double)timegm(&utc) : NAN;
}
