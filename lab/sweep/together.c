#include "lab/sweep/together.h"

Error *together_prepare(Comm *comm, const char *from, TogetherPrepare *prepare, void *self,
                        Arena *arena) {
    bool first = comm_local_rank(comm) == 0;
    char place[SHELF_PLACE_ROOM] = "";
    Error *error = NULL;
    if (first) {
        Shelf *shelf = shelf_new(from, arena);
        error = prepare(self, shelf);
        shelf_place(shelf, place);
    }
    PASS(comm_agree(comm, error));
    comm_bcast_host(comm, place, sizeof place);
    if (!first)
        error = prepare(self, shelf_new(place, arena));
    return comm_agree(comm, error);
}
