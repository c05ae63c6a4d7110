#include "lab/sweep/target.h"

#define TARGET(name) extern const TargetType target_##name;
#include "lab/sweep/targets.def"
#undef TARGET
#define TARGET(name) &target_##name.kind,
const Kind *const target_table[TARGET_N] = {
#include "lab/sweep/targets.def"
};
#undef TARGET

Error *target_find(const TargetType **out, const char *name) {
    const Kind *kind;
    PASS(kind_find(&kind, target_table, TARGET_N, name, "target", NULL));
    *out = (const TargetType *)kind;
    return NULL;
}
