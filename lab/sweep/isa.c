#include "lab/sweep/isa.h"

#include <stdlib.h>
#include <string.h>

typedef struct Pin {
    const char *isa, *openblas, *onednn;
} Pin;

static const Pin pins[] = {
    {"sse42", "Nehalem", "SSE41"},
    {"avx2", "Haswell", "AVX2"},
    {"avx512", "SkylakeX", "AVX512_CORE"},
};

static const Pin *find(const char *isa) {
    for (size_t i = 0; isa && i < sizeof pins / sizeof *pins; i++)
        if (strcmp(isa, pins[i].isa) == 0)
            return &pins[i];
    return NULL;
}

void isa_set(const char *isa) {
    const Pin *pin = find(isa);
    if (!pin)
        return;
    setenv("OPENBLAS_CORETYPE", pin->openblas, 1);
    setenv("ONEDNN_MAX_CPU_ISA", pin->onednn, 1);
}

static int is_set(const char *name, const char *wanted) {
    const char *value = getenv(name);
    return value && strcmp(value, wanted) == 0;
}

Error *isa_check(const char *isa) {
    const Pin *pin = find(isa);
    if (!pin ||
        (is_set("OPENBLAS_CORETYPE", pin->openblas) && is_set("ONEDNN_MAX_CPU_ISA", pin->onednn)))
        return NULL;
    return error_hint(
        error_new(CODE_USAGE, "trial.isa is '%s', but this process was started without it", isa),
        "start the ranks with OPENBLAS_CORETYPE=%s ONEDNN_MAX_CPU_ISA=%s in their "
        "environment (mpirun -x NAME=VALUE)",
        pin->openblas, pin->onednn);
}
