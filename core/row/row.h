/* One row of an input file, and what readers need to know of its schema. */
#pragma once

#include "core/base/str.h"
#include "core/row/dialect.h"
#include "core/row/json.h"
#include "core/row/violation.h"

#include <stdbool.h>
#include <stdint.h>

/* Everything points into memory of the reader and is valid until its next call. A rejected row has
 * what could be read of it. */
struct row {
    uint32_t row_no;       /* data rows from 1 */
    uint64_t line_no;      /* physical line on which the row begins, from 1 */
    struct span raw;       /* the bytes of the file, including the line end */
    struct span record_id; /* empty: there is none */
    bool has_version;
    int64_t version;
    bool is_undo;          /* of a file that `export --undo` wrote: the schema file does not apply,
                              because the record held these fields */
    struct span tags;      /* a JSON array of strings; empty: the row has no tags */
    struct span fields;    /* a JSON object, digits as in the file */
    struct json_tape tape; /* tokens of fields, tokens[0] the object; empty if fields is */
};

enum {
    ROW_SIZE_MAX = 1 << 20, /* bytes of a row, as UTF-8; a longer one is rejected. A schema file
                               that allows longer cells adds their size. */
    ROW_COLUMNS_MAX = 2000,
    ROW_COUNT_MAX = 999999999, /* of a file; a job id has nine digits for the row */
};

enum row_step {
    ROW_STEP_ROW,   /* row is filled; violations has what is wrong with its form */
    ROW_STEP_END,   /* the file is read completely */
    ROW_STEP_ERROR, /* err (ERR_INPUT) says why the file is refused, with name and line */
};

enum row_format { ROW_FORMAT_NONE, ROW_FORMAT_CSV, ROW_FORMAT_NDJSON };

/* What a cell can become: a set of these, from the `type` of the property. */
enum row_type {
    ROW_NULL = 1,
    ROW_BOOLEAN = 2,
    ROW_INTEGER = 4,
    ROW_NUMBER = 8,
    ROW_STRING = 16,
    ROW_ARRAY = 32,
    ROW_OBJECT = 64,
    ROW_ANY = 127,
    ROW_WORDS = 128, /* in addition: a cell is a string only if it fits no other type, because the
                        values are listed and no string among them looks like another type */
};

/* A property that a CSV column can fill. Owned by the schema. */
struct row_property {
    struct span name;
    unsigned types; /* set of enum row_type; ROW_ANY if there is no type: the cell is a string */
};

/* What readers need to know of a schema; owned by it and constant. */
struct row_shape {
    const char *schema_name;
    const struct row_property *properties;
    size_t count;
    bool version_required; /* x-rowferry `version` is `required`: a row without one is rejected */
    bool version_fetched;  /* ... is `fetch` or `known`: a version in a row is ignored */
    bool version_known;    /* ... is `known`: what is known of its records is stored, and used */
    int64_t known_for_ms;  /* ... for that long (`knownFor`); 0: for ever */
    bool sends_unchanged;  /* x-rowferry `unchanged` is `send`, not `skip` */
    bool write_replaces;   /* x-rowferry `write` is `replace`, not `merge` */
    bool keeps_before; /* x-rowferry `keepBefore`: what a record held before an update is stored */
    const struct span *parts; /* columns that name a record together with the record id (parts.h) */
    size_t part_count;
    bool trim; /* record ids, tags and cells without quotes are trimmed (str_trim) */
    struct row_dialect dialect;
};

/* Record ids: docs/guide.md#input-files. */
enum { ROW_RECORD_ID_MAX = 512, ROW_PARTS_MAX = 16 };

enum { ROW_FAULT_SIZE = 160 };

/* True for `record_id`, `version` and `tags`, which are not fields of the record. */
static inline bool row_is_reserved(struct span name)
{
    return span_is(name, "record_id") || span_is(name, "version") || span_is(name, "tags");
}

/* Returns why a request cannot carry this record id, or why nobody can see which record it
 * addresses, or NULL. The text is in fault or constant. */
const char *row_record_id_fault(struct span record_id, char fault[ROW_FAULT_SIZE]);

/* Reads a version: a JSON integer of 0 or more that fits int64, only digits. */
bool row_version_read(struct span text, int64_t *version);

void row_check_record_id(const struct row *row, struct violations *violations);

/* Reports an invalid version; shown is how the message shows it. */
void row_refuse_version(const char *shown, struct violations *violations);

/* Reports a row without the required version. */
void row_miss_version(struct violations *violations);

/* Reports a fault of the row as a whole. */
void row_refuse(struct violations *violations, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reports NUL bytes in a row. first: the offset of the first in the file. */
void row_refuse_nul(size_t count, uint64_t first, struct violations *violations);

/* Reports a line longer than row_max. */
void row_refuse_length(size_t row_max, struct violations *violations);
