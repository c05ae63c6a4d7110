#include "lab/sweep/campaign.h"

#include "lab/base/clock.h"
#include "lab/base/say.h"
#include "lab/nn/gemm.h"
#include "lab/store/checkpoints.h"
#include "lab/store/h5_mould.h"
#include "lab/store/provenance.h"
#include "lab/sweep/claim.h"
#include "lab/sweep/grow.h"
#include "lab/sweep/isa.h"
#include "lab/sweep/rungs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the header of a run */

static const char *const noise_unit_names[] = {"example", "shard"};

static Error *fill_model(RunHeader *header, const PlannedTrial *trial, Arena *arena) {
    const TrialSettings *settings = &trial->settings;
    const Dataset *data = trial->data;
    ModelInput input = trial_input(data);
    Model *model;
    PASS(model_new(&model, settings->model, settings->model_settings, &input,
                   (int)settings->mini_batch, arena));
    const char **names = ARENA_ARRAY(arena, const char *, model->n_segments);
    for (int i = 0; i < model->n_segments; i++)
        names[i] = model->segments[i].name;
    header->n_layers = model->n_segments;
    header->layer_names = names;
    header->n_weights = model->n_weights;
    header->n_running = model->n_stats;
    header->flops_per_example = model->flops_per_example;
    header->noise_unit = noise_unit_names[model->noise_unit];
    return NULL;
}

static Json *provenance_of(const Plan *plan, const char *mpi, int hosts, Arena *arena) {
    Json *provenance = provenance_make(mpi, hosts, arena);
    if (plan->session)
        json_add_text(provenance, "session", plan->session, arena);
    return provenance;
}

static Error *make_header(RunHeader *out, const Plan *plan, const Phase *phase,
                          const PlannedRun *run, int hosts, const char *mpi, Arena *arena) {
    const Experiment *experiment = plan->experiment;
    const PlannedTrial *trial = run->trial;
    const TrialSettings *settings = &trial->settings;
    int64_t digest_step = experiment->layouts.steps;
    *out = (RunHeader){
        .experiment = experiment->name,
        .question = experiment->question,
        .run_id = run->id,
        .trial_id = trial->id,
        .config = trial->config,
        .model = settings->model->kind.name,
        .dataset = settings->dataset->kind.name,
        .optimizer = settings->optimizer->kind.name,
        .collective = experiment->layouts.collective->kind.name,
        .global_batch = settings->global_batch,
        .mini_batch = settings->mini_batch,
        .n_train = trial->data->n[SPLIT_TRAIN],
        .best_loss = trial->data->best_loss > 0 ? trial->data->best_loss : NAN,
        .total_steps = trial->total_steps,
        .seed = trial->seed,
        .replicas = run->replicas,
        .threads = run->threads,
        .hosts = hosts,
        .bucket_kib = run->bucket_kib,
        .label = run->label,
        .mode = run->mode,
        .verify_steps = digest_step < trial->total_steps ? digest_step : trial->total_steps,
        .oversubscribed = run->replicas * run->threads > plan->cores * hosts,
        .alone = phase->alone,
        .canonical = experiment->layouts.collective->canonical,
        .target = settings->stop.has_target ? settings->stop.target : NAN,
        .search = trial->cell ? search_entry(trial->cell, trial->point, trial->role, arena) : NULL,
        .metric = settings->stop.has_target ? metric_name((Metric)settings->stop.metric) : NULL,
        .provenance = provenance_of(plan, mpi, hosts, arena),
    };
    return fill_model(out, trial, arena);
}

/* ---- one run */

/* Runs shorter than this are brought to the disk while the next one trains, longer ones before. */
#define OVERLAP_S 1.0

typedef struct Watched { /* a recorder that also tells how far it is */
    Recorder inner;
    const CampaignWatch *watch;
    const PlannedRun *run;
    double told_s;
} Watched;

static Error *watched_step(void *self, const StepRow *row) {
    Watched *watched = self;
    PASS(watched->inner.step(watched->inner.self, row));
    double now = clock_s();
    if (watched->watch->at && now - watched->told_s > 0.25) {
        watched->told_s = now;
        watched->watch->at(watched->watch->self, watched->run, row->step);
    }
    return NULL;
}

static Error *watched_eval(void *self, const EvalRow *row, const LayerRow *layers, int n_layers) {
    Watched *watched = self;
    return watched->inner.eval(watched->inner.self, row, layers, n_layers);
}

static Error *watched_curvature(void *self, const CurvatureRow *row) {
    Watched *watched = self;
    return watched->inner.curvature(watched->inner.self, row);
}

static Error *watched_digest(void *self, int64_t step, const float *weights, int64_t n_weights) {
    Watched *watched = self;
    return watched->inner.digest(watched->inner.self, step, weights, n_weights);
}

static Error *watched_checkpoint(void *self, int64_t step, const StateArray *arrays, int n) {
    Watched *watched = self;
    return watched->inner.checkpoint(watched->inner.self, step, arrays, n);
}

/* On rank 0: opens the run's journal, which begins with the rows before the checkpoint when there
 * is one to continue from. */
static Error *begin(RunWriter **writer, const char **resume, const Plan *plan, RunHeader *header,
                    int64_t pause, Arena *arena) {
    Arena *scratch = arena_new(); /* the rows before */
    Resume found = {0};
    Error *error = NULL;
    if (header->mode == RUN_FULL && header->canonical)
        error = checkpoints_find(&found, plan->folder, header, scratch);
    if (pause > 0 && found.step >= pause) /* left by a writer that died while it paused: from */
        found = (Resume){0};              /* there the run would train on past the rung */
    header->resumed_from = found.step;
    if (!error && found.path) {
        *resume = arena_copy(arena, found.path);
        error = run_continue(writer, plan->folder, header, &found.before, arena);
    } else if (!error) {
        error = run_begin(writer, plan->folder, header, arena);
    }
    arena_end(scratch);
    return error;
}

static Error *run_one(const Plan *plan, const Phase *phase, const PlannedRun *run, Comm *group,
                      const volatile sig_atomic_t *stop, const CampaignWatch *watch,
                      const RunAside *aside, RunSummary *summary, Arena *arena) {
    const PlannedTrial *trial = run->trial;
    double start_s = clock_s();
    bool root = comm_rank(group) == 0;
    RunHeader header;
    RunWriter *writer = NULL;
    const char *mpi = comm_size(group) > 1 || comm_launched() ? comm_library() : "none";
    Error *error = make_header(&header, plan, phase, run, comm_hosts(group), mpi, arena);
    const char *resume = NULL;
    if (!error && root)
        error = begin(&writer, &resume, plan, &header, rungs_pause(plan, phase, run), arena);
    PASS(comm_agree(group, error));
    if (root && aside->background)
        run_in_background(writer, aside);
    if (root && watch->start)
        watch->start(watch->self, run, header.resumed_from);
    Watched watched = {.watch = watch, .run = run};
    Recorder recorder = {.self = &watched,
                         .step = watched_step,
                         .eval = watched_eval,
                         .curvature = watched_curvature,
                         .digest = watched_digest};
    if (root)
        watched.inner = run_recorder(writer);
    if (watched.inner.checkpoint)
        recorder.checkpoint = watched_checkpoint;
    TrialLayout layout = {
        .comm = group,
        .threads = run->threads,
        .collective = plan->experiment->layouts.collective,
        .bucket_bytes = 1024 * run->bucket_kib,
        .stop_after_steps = run->mode == RUN_VERIFY ? run->steps : 0,
        .digest_step = header.verify_steps,
        .max_seconds = plan->experiment->layouts.max_seconds,
        .checkpoint_s = plan->experiment->layouts.checkpoint_s,
        .resume = resume,
        .pause_after_steps = rungs_pause(plan, phase, run),
        .stop_flag = root ? stop : NULL,
    };
    error = trial_run(summary, &trial->settings, trial->seed, trial->data, &layout,
                      root ? &recorder : NULL);
    if (root && error)
        run_abandon(writer);
    if (root && !error)
        error = run_finish(writer, summary);
    if (root && !error && aside->background && clock_s() - start_s > OVERLAP_S)
        error = background_wait(aside->background);
    return comm_agree(group, error);
}

/* *Collective*: one run when it can be had. */
static Error *take_run(Plan *plan, const Phase *phase, PlannedRun *run, Comm *group,
                       const volatile sig_atomic_t *stop, const CampaignWatch *watch,
                       const RunAside *aside) {
    Arena *arena = arena_new();
    IoLock *lock = NULL;
    bool root = comm_rank(group) == 0;
    Error *error = root ? claim_take(&lock, plan, phase, run, arena) : NULL;
    error = comm_agree(group, error);
    char ours = lock != NULL;
    comm_bcast(group, &ours, 1);
    if (!error && ours) {
        error = run_one(plan, phase, run, group, stop, watch, aside, &run->summary, arena);
        run->outcome = run->summary.outcome;
        run->reached_steps = run->summary.steps_run;
        run->done = !error && run->outcome != OUTCOME_INTERRUPTED;
        if (root && !error && watch->end)
            watch->end(watch->self, run, run->outcome);
    }
    io_unlock(lock);
    arena_end(arena);
    return error ? error_wrap(error, "the run %s", run->id) : NULL;
}

/* *Collective*: ranks whose libraries choose other kernels would make other bits (DESIGN 5). */
static Error *same_kernels(Comm *group) {
    enum { ROOM = 64 };
    char mine[ROOM] = "";
    Arena *scratch = arena_new();
    char *all = arena_alloc(scratch, ROOM * (size_t)comm_size(group));
    snprintf(mine, sizeof mine, "%s, OpenBLAS %s", gemm_isa_name(gemm_isa()), gemm_openblas_core());
    comm_gather(group, mine, ROOM, all);
    Error *error = NULL;
    for (int i = 1; i < comm_size(group) && comm_rank(group) == 0 && !error; i++)
        if (strcmp(all + ROOM * i, all) != 0)
            error = error_hint(
                error_new(CODE_USAGE,
                          "the ranks have different instruction sets: rank 0 %s, rank %d %s", all,
                          i, all + ROOM * i),
                "pin what all of them have: trial.isa=avx2");
    arena_end(scratch);
    return comm_agree(group, error);
}

static Error *take_runs(Plan *plan, const Phase *phase, Comm *group, int first, int stride,
                        const volatile sig_atomic_t *stop, const CampaignWatch *watch,
                        const RunAside *aside) {
    for (int i = first; i < phase->n; i += stride) {
        char wanted = plan_run_is_left(plan, phase, phase->run[i]) && !(stop && *stop);
        comm_bcast(group, &wanted, 1);
        if (wanted)
            PASS(take_run(plan, phase, phase->run[i], group, stop, watch, aside));
    }
    char stopped = stop && *stop;
    comm_bcast(group, &stopped, 1);
    return stopped ? error_new(CODE_STOPPED, "stopped on request") : NULL;
}

/* Waits for the runs that end in the background, and for their names in the folder of runs. */
static Error *settle(const Plan *plan, Background *background) {
    Error *error = background_end(background);
    Arena *scratch = arena_new();
    if (!error)
        error = io_sync_folder(arena_print(scratch, "%s/runs", plan->folder));
    arena_end(scratch);
    return error;
}

Error *campaign_phase(Plan *plan, const Phase *phase, Comm *group, int first, int stride,
                      const volatile sig_atomic_t *stop, const CampaignWatch *watch) {
    PASS(comm_agree(group, isa_check(phase->isa)));
    PASS(same_kernels(group));
    bool root = comm_rank(group) == 0;
    Arena *arena = arena_new();
    RunAside aside = {0}; /* nothing beside a run whose time is measured */
    Error *error = root && !phase->alone ? background_new(&aside.background, arena) : NULL;
    aside.moulds = h5_moulds_new(arena);
    error = comm_agree(group, error);
    if (!error)
        error = take_runs(plan, phase, group, first, stride, stop, watch, &aside);
    Error *settling = root ? settle(plan, aside.background) : NULL;
    arena_end(arena);
    if (error && settling)
        error_end(settling);
    return comm_agree(group, error ? error : settling);
}

static Error *record_failure(const Plan *plan, const Phase *phase, const PlannedRun *run,
                             const char *cause, Arena *arena) {
    RunHeader header;
    RunWriter *writer;
    RunSummary summary = run_summary_new(OUTCOME_FAILED);
    PASS(make_header(&header, plan, phase, run, run->hosts ? run->hosts : 1, "none", arena));
    Json *provenance = json_copy(header.provenance, arena);
    json_add_text(provenance, "cause", cause, arena);
    header.provenance = provenance;
    PASS(run_begin(&writer, plan->folder, &header, arena));
    return run_finish(writer, &summary);
}

Error *campaign_mark_failed(const Plan *plan, const Phase *phase, PlannedRun *run,
                            const char *cause) {
    Arena *arena = arena_new();
    IoLock *lock = NULL; /* somebody else may have taken the trial over, or even ended it */
    Error *error = claim_take(&lock, plan, phase, run, arena);
    if (!error && lock)
        error = record_failure(plan, phase, run, cause, arena);
    io_unlock(lock);
    arena_end(arena);
    return error;
}

static Error *mark_one(const Plan *plan, PlannedRun *run) {
    Arena *scratch = arena_new();
    IoLock *lock = NULL;
    Error *error = claim_hold(&lock, plan, run, scratch);
    if (!error && lock) {
        error = run_mark_pruned(plan_run_folder(plan, run, scratch), run->summary.pruned_at_step);
        checkpoints_forget(plan->folder, run->trial->id);
        run->marked = !error;
    }
    io_unlock(lock);
    arena_end(scratch);
    return error;
}

Error *campaign_mark_pruned(const Plan *plan) {
    for (int i = 0; i < plan->n_first_runs; i++)
        if (plan->runs[i].pruned && !plan->runs[i].marked)
            PASS(mark_one(plan, &plan->runs[i]));
    return NULL;
}
