#include "lab/store/run_disk.h"

#include "lab/store/checkpoints.h"
#include "lab/store/h5.h"
#include "lab/store/h5_mould.h"

#include <stdatomic.h>

struct RunDisk {
    Arena *arena; /* its own: it outlives the writer */
    const char *experiment_folder, *folder, *trial_id;
    IoSync *sync;
    Background *background;
    H5Moulds *moulds;
    atomic_bool asked; /* a sync waits to begin, which will serve later rows too */
    bool forget_checkpoints;
};

Error *run_disk_new(RunDisk **out, const IoLog *log, const char *experiment_folder,
                    const char *run_id, const char *trial_id) {
    Arena *arena = arena_new();
    RunDisk *disk = ARENA_NEW(arena, RunDisk);
    disk->arena = arena;
    disk->experiment_folder = arena_copy(arena, experiment_folder);
    disk->folder = arena_print(arena, "%s/runs/%s", experiment_folder, run_id);
    disk->trial_id = arena_copy(arena, trial_id);
    Error *error = io_sync_new(&disk->sync, log, arena);
    if (error)
        arena_end(arena);
    else
        *out = disk;
    return error;
}

void run_disk_in_background(RunDisk *disk, const RunAside *aside) {
    disk->background = aside->background;
    disk->moulds = aside->moulds;
}

static Error *sync_now(void *data) {
    RunDisk *disk = data;
    atomic_store(&disk->asked, false);
    return io_sync(disk->sync);
}

Error *run_disk_sync(RunDisk *disk) {
    if (!disk->background)
        return sync_now(disk);
    if (!atomic_exchange(&disk->asked, true))
        background_add(disk->background, sync_now, disk);
    return background_look(disk->background);
}

static Error *write_hdf5(const RunDisk *disk, const RunRecord *run, const char *path) {
    return disk->moulds ? h5_moulds_write(disk->moulds, run, path) : h5_write_run(run, path);
}

static Error *derive_hdf5(const RunDisk *disk) {
    const char *folder = disk->folder;
    Arena *arena = arena_new();
    RunRecord run;
    bool found = false;
    Error *error = run_load(&run, &found, folder, arena);
    if (!error && found)
        error = write_hdf5(disk, &run, arena_print(arena, "%s/run.h5", folder));
    arena_end(arena);
    return error ? error_wrap(error, "run '%s' is complete, but its HDF5 file is not", folder)
                 : NULL;
}

static void end(RunDisk *disk) {
    io_sync_end(disk->sync);
    arena_end(disk->arena);
}

static Error *finish_now(void *data) {
    RunDisk *disk = data;
    Error *error = io_sync(disk->sync);
    if (error)
        error = error_wrap(error, "cannot finish run '%s'", disk->folder);
    if (!error && disk->forget_checkpoints)
        checkpoints_forget(disk->experiment_folder, disk->trial_id);
    if (!error)
        error = derive_hdf5(disk);
    if (!error)
        error = io_sync_folder(disk->folder); /* the names of both files */
    end(disk);
    return error;
}

Error *run_disk_finish(RunDisk *disk, bool forget_checkpoints, bool wait) {
    Background *background = disk->background;
    disk->forget_checkpoints = forget_checkpoints;
    if (!background)
        return finish_now(disk);
    background_add(background, finish_now, disk);
    return wait ? background_wait(background) : background_look(background);
}

void run_disk_leave(RunDisk *disk) {
    if (disk->background)
        error_end(background_wait(disk->background));
    error_end(io_sync(disk->sync));
    end(disk);
}
