#include "lab/sweep/site.h"

#include "lab/sweep/experiment.h"

#include <string.h>

const Param site_rows[] = {
    PARAM(TEXT, Site, name, "null", 0, 0, "1", "name of the job, null: batchlab-EXPERIMENT"),
    PARAM(COUNT, Site, nodes, "0", 0, 65536, "nodes",
          "0: as many as the experiment's largest layout needs"),
    PARAM(COUNT, Site, ranks_per_node, "0", 0, 1024, "ranks",
          "0: as many as a node has cores for, or those of the largest layout"),
    PARAM(COUNT, Site, cores_per_node, "0", 0, 1024, "cores", "of one node, 0: not known"),
    PARAM(COUNT, Site, memory_per_node_mb, "0", 0, 1e8, "MB", "of one node, 0: not known"),
    PARAM(TEXT, Site, walltime, "null", 0, 0, "1",
          "90m, 2h, 02:30:00, 1-12:00:00; null: twice what `plan` estimates"),
    PARAM(COUNT, Site, lead_s, "120", 5, 86400, "s",
          "how long before the end a job is asked for its checkpoint"),
    PARAM(FLAG, Site, array, "false", 0, 0, "1",
          "an array with one trial an element instead of one allocation"),
    PARAM(COUNT, Site, parallel, "0", 0, 65536, "1",
          "elements of the array, or trials of a tuning job, at a time; 0: all of them, or four"),
    PARAM(TEXT, Site, program, "null", 0, 0, "1",
          "path of batchlab there, null: this one; in an image `batchlab`"),
    PARAM(TEXT, Site, image, "\"batchlab:latest\"", 0, 0, "1", "container image, one for all"),
    PARAM(TEXT, Site, experiments, "\"/usr/local/share/batchlab/experiments\"", 0, 0, "1",
          "folder of experiment files in the container"),
    PARAM(TEXT, Site, results, "null", 0, 0, "1",
          "folder of results, null: `results`, in a container /results"),
    PARAM(TEXT, Site, pull, "null", 0, 0, "1",
          "sh command that brings earlier results before the run; null: none"),
    PARAM(TEXT, Site, push, "null", 0, 0, "1",
          "sh command that takes results away after it, also when it was stopped; null: none"),
    PARAM(TEXT, Site, data, "null", 0, 0, "1", "folder of datasets, BATCHLAB_DATA there"),
    PARAM_END,
};

const Json *site_where(const Site *site, const char *dotted) {
    const Json *value = json_get(site->where, dotted);
    return value ? value : site->where;
}

/* Open MPI's launchers set these themselves (specs A.2, A.3: the operators refuse them). */
static const char *const reserved[] = {
    "OMPI_MCA_orte_default_hostfile",
    "OMPI_MCA_orte_keep_fqdn_hostnames",
    "OMPI_MCA_plm_rsh_args",
    "OMPI_MCA_orte_set_default_slots",
};

static Error *check_variable(const Json *variable) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    const char *name = variable->key;
    if (!*name || strspn(name, letters) != strlen(name) || (*name >= '0' && *name <= '9'))
        return error_hint(json_error(variable, "is no name of an environment variable"),
                          "letters, digits and _, not a digit first");
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(name, reserved[i]) == 0)
            return error_hint(json_error(variable, "is set by the engine itself"),
                              "leave it out; any other OMPI_MCA_ variable may stand here");
    if (variable->kind != JSON_TEXT)
        return error_hint(
            json_error(variable, "is %s, but should be a text", json_kind_name(variable->kind)),
            "quote it: \"1\"");
    return NULL;
}

static Error *read_env(Site *out, const Json *env, Arena *arena) {
    if (!env)
        return NULL;
    if (env->kind != JSON_OBJECT)
        return error_hint(
            json_error(env, "is %s, but should be an object", json_kind_name(env->kind)),
            "for example {\"OMP_WAIT_POLICY\": \"passive\"}");
    out->env_name = ARENA_ARRAY(arena, const char *, env->n);
    out->env_value = ARENA_ARRAY(arena, const char *, env->n);
    JSON_EACH (variable, env) {
        PASS(check_variable(variable));
        out->env_name[out->n_env] = variable->key;
        out->env_value[out->n_env++] = variable->text;
    }
    return NULL;
}

static Error *read_sections(Site *out, const Json *root, Arena *arena) {
    for (int i = 0; i < TARGET_N; i++) {
        const TargetType *target = (const TargetType *)target_table[i];
        const Json *section = json_find(root, target->section);
        out->section[i] = arena_alloc(arena, target->kind.settings_bytes + 1);
        if (section && section->kind != JSON_OBJECT)
            return error_hint(json_error(section, "is %s, but should be an object",
                                         json_kind_name(section->kind)),
                              "`batchlab explain %s` shows its settings", target->kind.name);
        if (target->kind.params)
            PASS(param_read(out->section[i], target->kind.params, section, NULL, arena));
    }
    return NULL;
}

Error *site_load(Site *out, const char *path, const char *const *settings, int n_settings,
                 Arena *arena) {
    const char *known[TARGET_N + 3] = {"env", "$schema"};
    Json *root;
    *out = (Site){0};
    TRY(json_load(&root, path, arena), "reading the site's settings");
    for (int i = 0; i < n_settings; i++) {
        if (!strchr(settings[i], '='))
            return error_hint(error_new(CODE_USAGE, "--set is '%s'", settings[i]),
                              "KEY=VALUE, for example --set nodes=4");
        PASS(experiment_override(root, settings[i], arena));
    }
    for (int i = 0; i < TARGET_N; i++)
        known[2 + i] = ((const TargetType *)target_table[i])->section;
    PASS(param_read(out, site_rows, root, known, arena));
    out->where = root;
    PASS(read_env(out, json_find(root, "env"), arena));
    return read_sections(out, root, arena);
}
