/* Clocks. */
#ifndef LAB_BASE_CLOCK_H
#define LAB_BASE_CLOCK_H

#define CLOCK_UTC_ROOM 32

double clock_s(void);                     /* monotonic seconds */
void clock_utc(char out[CLOCK_UTC_ROOM]); /* now, "2026-11-21T20:28:10Z" */

/* Gives the core away for about so long: short enough for a message, long enough that looking takes
 * little from those who compute. */
#define CLOCK_SHORT_NAP_S 5e-4
void clock_nap(double seconds);

/* Seconds since 1970 of a text in that form, NaN of any other. */
double clock_utc_read(const char *text);

#endif
