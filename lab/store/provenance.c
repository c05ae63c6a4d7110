#include "lab/store/provenance.h"

#include "lab/base/clock.h"
#include "lab/base/text.h"
#include "lab/nn/libraries.h"
#include "lab/store/h5.h"

#include "lab/store/build_info.h" /* BUILD_COMMIT, BUILD_HASH; written by build_info.cmake */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *provenance_build(void) {
    return BUILD_HASH;
}

const char *provenance_version(void) {
    return "batchlab " BATCHLAB_VERSION ", commit " BUILD_COMMIT ", " BATCHLAB_BUILD_TYPE;
}

static const char *cpu_model(Arena *arena) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    const char *model = NULL;
    while (file && !model && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon)
            model = arena_copy_n(arena, colon + 2, strcspn(colon + 2, "\n"));
    }
    if (file)
        fclose(file);
    return model ? model : "unknown";
}

/* The widest vector instructions of this machine. */
static const char *cpu_isa(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") ? "avx512"
           : __builtin_cpu_supports("avx2")  ? "avx2"
           : __builtin_cpu_supports("avx")   ? "avx"
                                             : "sse2";
#elif defined(__aarch64__)
    return "neon";
#else
    return "unknown";
#endif
}

/* "cpus 0-3,6": where this process may run, and what OpenMP was told. */
static const char *binding(Arena *arena) {
    cpu_set_t set;
    Text text = text_new(arena);
    text_add(&text, "cpus");
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        CPU_ZERO(&set);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &set) || (cpu > 0 && CPU_ISSET(cpu - 1, &set)))
            continue;
        size_t last = cpu;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &set))
            last++;
        text_add(&text, text.data[text.n - 1] == 's' ? " %zu" : ",%zu", cpu);
        if (last > cpu)
            text_add(&text, "-%zu", last);
    }
    const char *places = getenv("OMP_PROC_BIND");
    text_add(&text, ", OMP_PROC_BIND %s", places ? places : "unset");
    return text.data;
}

static void add_build(Json *object, Arena *arena) {
    json_add_text(object, "version", BATCHLAB_VERSION, arena);
    json_add_text(object, "git_commit", BUILD_COMMIT, arena);
    json_add_text(object, "build", BUILD_HASH, arena);
    json_add_text(object, "compiler", BATCHLAB_COMPILER, arena);
    json_add_text(object, "flags", BATCHLAB_FLAGS, arena);
}

static void add_machine(Json *object, int n_hosts, Arena *arena) {
    struct utsname system = {0};
    uname(&system);
    json_add_text(object, "cpu", cpu_model(arena), arena);
    json_add_text(object, "isa", cpu_isa(), arena);
    json_add_number(object, "cores", (double)sysconf(_SC_NPROCESSORS_ONLN), arena);
    json_add_text(object, "host", system.nodename, arena);
    json_add_number(object, "hosts", n_hosts, arena);
    json_add_text(object, "system",
                  arena_print(arena, "%s %s %s", system.sysname, system.release, system.machine),
                  arena);
    json_add_text(object, "binding", binding(arena), arena);
}

static void add_libraries(Json *object, const char *mpi, Arena *arena) {
    json_add_text(object, "mpi", mpi ? mpi : "none", arena);
    json_add_text(object, "blas_config", libraries_blas(), arena);
    json_add_text(object, "blas_core", libraries_blas_core(), arena);
    json_add_text(object, "onednn", BATCHLAB_ONEDNN, arena);
    json_add_text(object, "hdf5", h5_library(), arena);
}

Json *provenance_make(const char *mpi, int n_hosts, Arena *arena) {
    Json *object = json_object(arena);
    add_build(object, arena);
    add_machine(object, n_hosts, arena);
    add_libraries(object, mpi, arena);
    char now[CLOCK_UTC_ROOM];
    clock_utc(now);
    json_add_text(object, "start_utc", now, arena);
    return object;
}
