/* The two JSON texts of a journal: what was known before the run, and how it ended. */
#ifndef LAB_STORE_RUN_JSON_H
#define LAB_STORE_RUN_JSON_H

#include "lab/store/run.h"

/* The header as one object, with schema_version and the columns of each group. */
Json *run_json_header(const RunHeader *header, Arena *arena);
/* Back again; absent settings become NULL, 0 or NaN. Errors: no run id, wrong types. */
Error *run_json_read_header(RunHeader *out, const Json *object, Arena *arena);

/* Outcome, summary numbers (NaN as null), hashes and end_utc of a record. */
Json *run_json_final(const RunRecord *run, Arena *arena);
/* Fills summary, hashes and end_utc of `out`. Errors: an outcome that this program does not know.
 */
Error *run_json_read_final(RunRecord *out, const Json *object);

#endif
