/* Targets: what carries a job out. One file each that turns the job plan into what the engine
 * reads, and a line in targets.def. An emitter is a pure function of the job. */
#ifndef LAB_SWEEP_TARGET_H
#define LAB_SWEEP_TARGET_H

#include "lab/base/kind.h"

typedef struct Job Job; /* lab/sweep/job.h */

#define TARGET_MAX_WORDS 24

typedef struct TargetType {
    Kind kind;           /* its settings are those of `section` */
    const char *section; /* of the site file; several targets may share one */
    bool container;      /* runs the image, else the program at its path */
    bool tunes;          /* a job is one point of a search, carried out many times */
    /* Folder of results there; NULL: /results in a container. */
    const char *(*results)(const void *settings, Arena *arena);
    /* One of the two: a script, or a JSON object. */
    Error *(*script)(const char **out, const Job *job, Arena *arena);
    Error *(*object)(Json **out, const Job *job, Arena *arena);
    /* What the engine refuses in an object that its schema (lab/sweep/specs/) lets pass. */
    Error *(*rules)(const Json *object, Arena *arena);
    /* Hands `file` to the engine's client: a command whose words end with NULL and whose stdout is
     * the job's id. */
    Error *(*hand_in)(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                      Arena *arena);
    /* The same without starting anything; NULL: the client has no such thing. */
    Error *(*rehearse)(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                       Arena *arena);
    int64_t (*max_shares)(const void *settings); /* elements of an array; NULL: it has none */
} TargetType;

#define TARGET(name) TARGET_ID_##name,
enum {
#include "lab/sweep/targets.def"
    TARGET_N
};
#undef TARGET
#define TARGET_TYPE(name)                                                                          \
    extern const TargetType target_##name;                                                         \
    _Static_assert(TARGET_ID_##name >= 0, "line in targets.def");                                  \
    const TargetType target_##name

extern const Kind *const target_table[TARGET_N];

/* Checks an object's text against the schema at `schema_path` and the engine's other rules; `label`
 * is the file's name for messages. */
Error *target_check(const TargetType *target, const char *text, const char *label,
                    const char *schema_path, Arena *arena);

Error *target_find(const TargetType **out, const char *name);

#endif
