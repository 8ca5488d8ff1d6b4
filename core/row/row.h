/* One record of an input file on its way to being a job. */
#ifndef ROWFERRY_ROW_ROW_H
#define ROWFERRY_ROW_ROW_H

#include "core/base/str.h"
#include "core/row/dialect.h"
#include "core/row/json.h"
#include "core/row/violation.h"

#include <stdbool.h>
#include <stdint.h>

/* Everything points into memory of the reader and is valid until its next call. A bad row is a
 * value too: its violations say why, and what could be read of it is filled in. */
struct row {
    uint32_t row_no;       /* data rows from 1 */
    uint64_t line_no;      /* physical line on which the row begins, from 1 */
    struct span raw;       /* the bytes of the file, line end included where there is one */
    struct span record_id; /* empty where there is none */
    bool has_version;
    int64_t version;
    struct span tags;      /* a JSON array of strings, or empty: the row names none */
    struct span fields;    /* a JSON object, digits as in the file */
    struct json_tape tape; /* tokens of fields, tokens[0] the object; empty when fields is */
};

enum {
    ROW_SIZE_MAX = 1 << 20, /* bytes of one row, as UTF-8; a longer one is a bad row, and is
                                 skipped. A schema file that allows longer cells adds them. */
    ROW_COLUMNS_MAX = 2000,
    ROW_COUNT_MAX = 999999999, /* rows of a file; a job id has nine digits for the row */
};

enum row_step {
    ROW_STEP_ROW,   /* row is filled; violations holds what is wrong with its form */
    ROW_STEP_END,   /* the file is read to its end */
    ROW_STEP_ERROR, /* err says why the file as a whole is refused (ERR_INPUT), file and line named
                     */
};

enum row_format { ROW_FORMAT_NONE, ROW_FORMAT_CSV, ROW_FORMAT_NDJSON };

/* What a cell may become: a set of these, from the property's `type`. */
enum row_type {
    ROW_NULL = 1,
    ROW_BOOLEAN = 2,
    ROW_INTEGER = 4,
    ROW_NUMBER = 8,
    ROW_STRING = 16,
    ROW_ARRAY = 32,
    ROW_OBJECT = 64,
    ROW_ANY = 127,
    ROW_WORDS = 128, /* next to these: a cell is a string only if it is nothing else of them, for
                        its values are listed and no string among them looks like another */
};

/* A property that a CSV column may fill. Owned by the schema. */
struct row_property {
    struct span name;
    unsigned types; /* set of enum row_type; ROW_ANY where nothing is said: the cell is a string */
};

/* What the readers must know of a schema; owned by it and constant. */
struct row_shape {
    const char *schema_name;
    const struct row_property *properties;
    size_t count;
    bool version_required; /* x-rowferry `version` is `required`: a row without one is rejected */
    bool version_fetched;  /* ... is `fetch` or `known`: a version in a row is ignored */
    bool version_known;    /* ... is `known`: what notifications report of its records is stored */
    bool write_replaces;   /* x-rowferry `write` is `replace`, not `merge` */
    bool trim;             /* blanks (str_trim) go off record ids, tags and cells without quotes */
    struct row_dialect dialect;
};

/* Record ids: docs/guide.md#input-files. */
enum { ROW_RECORD_ID_MAX = 512 };

enum { ROW_FAULT_SIZE = 160 };

/* NULL, or why no request could carry this record id, or why nobody could see which record it
 * addresses; a text of fault or a constant one. */
const char *row_record_id_fault(struct span record_id, char fault[ROW_FAULT_SIZE]);

/* A version: a JSON integer of 0 or more that fits int64, in digits alone. */
bool row_version_read(struct span text, int64_t *version);

void row_check_record_id(const struct row *row, struct violations *violations);

/* A version that is none; shown is how the message shows it. */
void row_refuse_version(const char *shown, struct violations *violations);

/* A row without a version, where the schema wants one. */
void row_miss_version(struct violations *violations);

/* A fault of the row as a whole. */
void row_refuse(struct violations *violations, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* NUL bytes in a row: how many, and where in the file the first is. */
void row_refuse_nul(size_t count, uint64_t first, struct violations *violations);

/* A line longer than row_max. */
void row_refuse_length(size_t row_max, struct violations *violations);

#endif
