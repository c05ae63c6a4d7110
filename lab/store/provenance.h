/* Where a number came from: build, machine, libraries. */
#ifndef LAB_STORE_PROVENANCE_H
#define LAB_STORE_PROVENANCE_H

#include "lab/base/json.h"

/* An object of texts and numbers: program version, git commit, compiler, flags, CPU model, ISA,
 * cores, hosts, MPI, BLAS (config, core type), oneDNN, HDF5 versions, binding, start_utc. `mpi` is
 * the MPI library's name, `n_hosts` the number of hosts. */
Json *provenance_make(const char *mpi, int n_hosts, Arena *arena);

/* Identifies the build, for `--rerun stale`: a hash over compiler, flags and the sources that a
 * measurement runs through (so not over reports, commands or documents). It stands in provenance as
 * "build". */
const char *provenance_build(void);

/* "batchlab 0.1.0, commit 0123456789ab, Release": version, git commit ("-dirty" when files were
 * changed, "unknown" without git) and build type. */
const char *provenance_version(void);

#endif
