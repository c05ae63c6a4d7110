/* A job's command and environment as a shell reads them. */
#include "lab/sweep/job.h"

#include "lab/base/text.h"

#include <string.h>

const char *job_quote(const char *word, Arena *arena) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=:,+@%";
    if (*word && strspn(word, plain) == strlen(word))
        return word;
    Text text = text_new(arena);
    text_add(&text, "'");
    for (; *word; word++)
        if (*word == '\'')
            text_add(&text, "'\\''");
        else
            text_add_n(&text, word, 1);
    text_add(&text, "'");
    return text.data;
}

const char *job_command(const Job *job, int first, Arena *arena) {
    Text text = text_new(arena);
    for (int i = first; i < job->n_words; i++)
        text_add(&text, "%s%s", i > first ? " " : "", job_quote(job->word[i], arena));
    return text.data;
}

const char *job_exports(const Job *job, Arena *arena) {
    const Site *site = job->site;
    Text text = text_new(arena);
    if (site->data)
        text_add(&text, "export BATCHLAB_DATA=%s\n", job_quote(site->data, arena));
    for (int i = 0; i < site->n_env; i++)
        text_add(&text, "export %s=%s\n", site->env_name[i], job_quote(site->env_value[i], arena));
    return text.data ? text.data : "";
}
