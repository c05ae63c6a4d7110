/* Kind: what every registered thing (optimizer, schedule, model, dataset, collective, figure,
 * command) says of itself. A type struct begins with it; a registry is an array of pointers made
 * from a .def list. */
#ifndef LAB_BASE_KIND_H
#define LAB_BASE_KIND_H

#include "lab/base/param.h"

/* A named set of settings, as a framework or a paper has them: `"preset": NAME` stands for them in
 * an experiment, and what is given beside it wins. Resolved settings (and so trial ids) are
 * explicit: they name no preset. */
typedef struct Preset {
    const char *name;
    const char *summary;
    const char *settings; /* JSON object */
} Preset;

#define PRESET_END                                                                                 \
    { NULL, NULL, NULL }

typedef struct Kind {
    const char *name;
    const char *summary;   /* one line */
    const char *detail;    /* formula and remarks, plain text, may be NULL */
    const char *reference; /* paper or source, may be NULL */
    size_t settings_bytes;
    const Param *params;   /* NULL: no settings */
    const Preset *presets; /* ends with PRESET_END; NULL: none */
} Kind;

/* Finds a name; the error (code 2) names the nearest and the command that lists them. `what` is the
 * singular noun, "optimizer"; `where` is the value the name was read from, may be NULL. */
Error *kind_find(const Kind **out, const Kind *const *table, int n, const char *name,
                 const char *what, const Json *where);

/* Reads {"name": NAME, ...settings...} (or just "NAME"): finds the kind and parses its settings
 * into fresh arena memory. `others` are further keys that stand beside the kind's own (read
 * elsewhere); where the kind has presets, "preset" is one more key. */
Error *kind_read(const Kind **out, void **settings, const Json *object, const Kind *const *table,
                 int n, const char *what, const char *const *others, Arena *arena);

/* {"name": NAME, ...every setting...} */
Json *kind_write(const Kind *kind, const void *settings, Arena *arena);

#endif
