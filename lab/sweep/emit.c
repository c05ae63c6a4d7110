#include "lab/sweep/emit.h"

void emit_add(Json *list, const char *text, Arena *arena) {
    json_add(list, NULL, json_text(text, arena), arena);
}

Json *emit_list(const char *const *texts, Arena *arena) {
    Json *list = json_array(arena);
    for (; *texts; texts++)
        emit_add(list, *texts, arena);
    return list;
}

void emit_command(Json *list, const Job *job, int first, Arena *arena) {
    for (int i = first; i < job->n_words; i++)
        emit_add(list, job->word[i], arena);
}

Json *emit_variable_map(const Job *job, Arena *arena) {
    const Site *site = job->site;
    Json *map = json_object(arena);
    if (site->data)
        json_add_text(map, "BATCHLAB_DATA", site->data, arena);
    for (int i = 0; i < site->n_env; i++)
        json_add_text(map, site->env_name[i], site->env_value[i], arena);
    return map;
}

Json *emit_variables(const Job *job, Arena *arena) {
    Json *list = json_array(arena);
    JSON_EACH (variable, emit_variable_map(job, arena)) {
        Json *one = json_add(list, NULL, json_object(arena), arena);
        json_add_text(one, "name", variable->key, arena);
        json_add_text(one, "value", variable->text, arena);
    }
    return list;
}

Json *emit_mpirun(const Job *job, Arena *arena) {
    const char *const head[] = {"-n",
                                arena_print(arena, "%d", job->ranks),
                                "--bind-to",
                                "none",
                                "--mca",
                                "odls_base_sigkill_timeout",
                                arena_print(arena, "%lld", (long long)job->grace_s),
                                NULL};
    Json *args = emit_list(head, arena);
    JSON_EACH (variable, emit_variable_map(job, arena)) {
        emit_add(args, "-x", arena);
        emit_add(args, variable->key, arena);
    }
    emit_command(args, job, 0, arena);
    return args;
}

Json *emit_entry(const Job *job, const char *engine, Arena *arena) {
    int64_t limit_s = job->walltime_s - job->lead_s;
    const char *const head[] = {engine, arena_print(arena, "%d", job->ranks_per_node),
                                arena_print(arena, "%lld", (long long)job->grace_s),
                                arena_print(arena, "%lld", (long long)limit_s), NULL};
    Json *args = emit_list(head, arena);
    emit_command(args, job, 0, arena);
    return args;
}
