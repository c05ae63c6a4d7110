/* Owner: which process of which machine holds something, as one line of text in a file. */
#ifndef LAB_BASE_OWNER_H
#define LAB_BASE_OWNER_H

#include <stdbool.h>
#include <stddef.h>

#define OWNER_ROOM 640

/* This process, with a newline at the end: "process 4242 on node7 since 2026-11-22T06:00:00Z, job
 * 991 (boot ID, pids NAMESPACE, began TICKS)". Since: now. What stands in brackets tells a process
 * from a later one of the same number, and a host from another one of the same name. */
void owner_write(char out[OWNER_ROOM]);

/* Length of the part of a line that is for people: what stands before the brackets. */
size_t owner_length(const char *line);

/* The line is of a process of this boot of this host, which is gone. False for other hosts, whose
 * processes nobody here can see. */
bool owner_is_dead(const char *line);

/* Eight hex digits that tell hosts, boots and process namespaces apart, in which processes may have
 * the same number. */
#define OWNER_PLACE_ROOM 9
void owner_place(char out[OWNER_PLACE_ROOM]);

/* A process of this host that has not ended. */
bool owner_runs(long pid);

#endif
