#include "lab/nn/model.h"

#include "lab/nn/gemm.h"

#include <assert.h>
#include <omp.h>

#define MODEL(name) extern const ModelType model_##name;
#include "lab/nn/models.def"
#undef MODEL

const Kind *const model_table[MODEL_N] = {
#define MODEL(name) &model_##name.kind,
#include "lab/nn/models.def"
#undef MODEL
};

/* What every user of a model relies on. */
static void check_segments(const Model *model) {
    int64_t offset = 0;
    assert(model->n_segments > 0);
    for (int i = 0; i < model->n_segments; i++) {
        const Segment *segment = &model->segments[i];
        int64_t n = 1;
        for (int d = 0; d < segment->n_dims; d++)
            n *= segment->shape[d];
        assert(segment->offset == offset && segment->n == n && n > 0);
        offset += n;
    }
    assert(offset == model->n_weights);
}

Error *model_new(Model **out, const ModelType *type, const void *settings, const ModelInput *input,
                 int mini_batch, Arena *arena) {
    assert(mini_batch > 0);
    Model *model = ARENA_NEW(arena, Model);
    *model = (Model){
        .type = type,
        .settings = settings,
        .n_features = input->n_features,
        .n_classes = input->n_classes,
        .shape = {input->shape[0], input->shape[1], input->shape[2]},
        .n_labels = input->n_labels > 0 ? input->n_labels : 1,
        .mini_batch = mini_batch,
    };
    int threads = omp_get_max_threads();
    omp_set_num_threads(1); /* primitives made with more threads have other bits (platform.md 0) */
    Error *error = type->make(model, arena);
    omp_set_num_threads(threads);
    if (error)
        return error_wrap(error, "making the model '%s'", type->kind.name);
    check_segments(model);
    *out = model;
    return NULL;
}

void *model_workspace(const Model *model, int max_examples, Arena *arena) {
    const ModelType *type = model->type;
    void *workspace = arena_alloc(arena, type->workspace_bytes(model, max_examples));
    int threads = omp_get_max_threads();
    omp_set_num_threads(1); /* as in model_new */
    if (type->prepare)
        type->prepare(model, workspace, arena);
    omp_set_num_threads(threads);
    return workspace;
}

const char *model_kernel_version(void) {
    return GEMM_KERNELS_VERSION;
}
