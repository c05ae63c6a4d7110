#include "lab/sweep/target.h"

#include "lab/sweep/spec.h"

#include <string.h>

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

Error *target_check(const TargetType *target, const char *text, const char *label,
                    const char *schema_path, Arena *arena) {
    Json *object, *schema;
    TRY(json_load(&schema, schema_path, arena), "reading what %s takes", target->kind.name);
    PASS(json_parse(&object, text, strlen(text), label, arena));
    TRY(spec_check(object, schema, arena), "%s would refuse the job", target->kind.name);
    if (target->rules)
        TRY(target->rules(object, arena), "%s would refuse the job", target->kind.name);
    return NULL;
}
