/* Shelf: datasets in memory that the processes of a host share. Whoever loads one puts it into a
 * file that has no name (memfd), so it is gone with the last process that uses it, however that
 * ends; the others map its pages read-only. Where that is impossible everybody loads for himself:
 * the same bits either way. */
#ifndef LAB_DATA_SHELF_H
#define LAB_DATA_SHELF_H

#include "lab/data/dataset.h"

typedef struct Shelf Shelf;

#define SHELF_PLACE_ROOM 48

/* `from` is the shelf_place of a living process that may be on this host, or "" or NULL. What is
 * on the new shelf is valid until `arena` ends. */
Shelf *shelf_new(const char *from, Arena *arena);

/* Where other processes find what is on the shelf: "PID-TOKEN". The place that it was given when
 * everything came from there. */
void shelf_place(const Shelf *shelf, char out[SHELF_PLACE_ROOM]);

/* dataset_load, unless the shelf or the place it was given has what `key` names: the type and its
 * settings, as text. Without a shelf (NULL): dataset_load. */
Error *shelf_load(Dataset *out, Shelf *shelf, const char *key, const DatasetType *type,
                  const void *settings, DataPaths paths, Arena *arena);

#endif
