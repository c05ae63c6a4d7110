/* optim_replay FILE.json: replays a file of reference numbers (the format of
 * tests/unit/optimizer_fixtures.json) with the optimizers, schedules and formulas that training
 * uses, compiled in double precision. Prints the largest relative difference of every case, and
 * fails when one is above 1e-10 or nothing was replayed. What it does not know is counted as
 * unsupported, with the reason. */
#include "tests/tools/replay_misc.h"
#include "tests/tools/replay_optimizers.h"
#include "tests/tools/replay_schedules.h"

static int replay_file(Replay *replay, const Json *root) {
    JSON_EACH (group, root) {
        if (strcmp(group->key, "optimizers") == 0 && group->kind == JSON_ARRAY)
            replay_optimizers(replay, group);
        else if (strcmp(group->key, "schedules") == 0 && group->kind == JSON_OBJECT)
            replay_schedules(replay, group);
        else if (strcmp(group->key, "misc") == 0 && group->kind == JSON_OBJECT)
            replay_misc(replay, group);
        else if (strcmp(group->key, "meta") != 0) {
            replay_begin(replay, group->key, "*");
            replay_unsupported(replay, "a group of this name:", group->key);
            replay_end(replay);
        }
    }
    printf("%d replayed, %d failed, %d unsupported\n", replay->n_replayed, replay->n_failed,
           replay->n_unsupported);
    return replay->n_failed > 0 || replay->n_replayed == 0;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: optim_replay FILE.json\n");
        return 2;
    }
    Replay replay = {.arena = arena_new()};
    Json *root = NULL;
    Error *error = json_load(&root, argv[1], replay.arena);
    if (error) {
        error_print(error, stderr);
        return 2;
    }
    int code = root->kind == JSON_OBJECT ? replay_file(&replay, root) : 2;
    arena_end(replay.arena);
    return code;
}
