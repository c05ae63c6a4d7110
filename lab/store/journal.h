/* The frames of a journal, the record of truth of a run. Append-only; a reader keeps the longest
 * whole prefix.
 *
 *   magic u32 | type u32 | length u32 | payload (length bytes) | length u32 | crc32 u32
 * little-endian
 *
 * The crc (zlib) covers type, length and payload. The length stands on both sides, so that the last
 * frame is found from the end of the file. */
#ifndef LAB_STORE_JOURNAL_H
#define LAB_STORE_JOURNAL_H

#include "lab/base/json.h"
#include "lab/store/schema.h"

#define JOURNAL_HEAD 12 /* bytes before the payload */
#define JOURNAL_TAIL 8  /* bytes after it */

typedef enum {                      /* values stand in files: never renumber */
               FRAME_HEADER = 1,    /* JSON text, with the column names of the row frames */
               FRAME_STEP = 2,      /* one StepRow */
               FRAME_EVAL = 3,      /* one EvalRow, then n_layers LayerRows */
               FRAME_DIGEST = 4,    /* step int64, 64 hex digits */
               FRAME_FINAL = 5,     /* JSON text: outcome and summary; nothing follows */
               FRAME_CURVATURE = 6, /* one CurvatureRow */
} FrameType;

typedef struct Frame {
    uint32_t type; /* a FrameType, or one that a newer program knows */
    const uint8_t *payload;
    size_t n;
    size_t end;   /* offset just behind the frame */
    uint32_t crc; /* of what it holds */
} Frame;

/* ---- writing */
/* Closes a frame whose `n` payload bytes already stand at frame + JOURNAL_HEAD; returns its whole
 * size. */
size_t journal_seal(uint8_t *frame, FrameType type, size_t n);
/* Writes a row's columns in schema.def order, 8 bytes each; returns the byte behind them. */
uint8_t *journal_pack(uint8_t *to, SchemaGroup group, const void *row);
void journal_put64(uint8_t *to, uint64_t value);
uint64_t journal_get64(const uint8_t *from);

/* ---- reading */
/* The whole frame at `offset`; false when it is torn, corrupt or absent. */
bool journal_next(Frame *out, const uint8_t *bytes, size_t n, size_t offset);
/* The whole frame that ends at the last byte; false when there is none. */
bool journal_last(Frame *out, const uint8_t *bytes, size_t n);

/* How rows of one group are stored in one journal, which an older or newer program may have
 * written. */
typedef struct JournalColumns {
    SchemaGroup group;
    int n;
    const Column **column; /* (n) NULL: a column that this program does not know */
    ColumnType *type;      /* (n) as stored */
} JournalColumns;

/* ["step:int64", "lr:double", ...] of one group, as this program writes it. */
Json *journal_columns_write(SchemaGroup group, Arena *arena);
/* Errors: not a list of NAME:TYPE. NULL reads as no columns. */
Error *journal_columns_read(JournalColumns *out, SchemaGroup group, const Json *list, Arena *arena);
/* Fills a row from columns->n packed values; a column that is not stored becomes NaN or 0. */
void journal_unpack(void *row, const JournalColumns *columns, const uint8_t *from);

#endif
