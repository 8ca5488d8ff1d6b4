/* NDJSON files: one strict RFC 8259 object per line (docs/guide.md#input-files). Private to the
 * reader. */
#pragma once

#include "core/row/parts.h"
#include "core/row/row.h"
#include "core/row/source.h"

struct ndjson {
    const struct row_shape *shape;
    struct parts parts;
    struct json_tape tape; /* of the whole line */
    struct buf record_id, scratch, tags;
    bool version_ignored; /* a row had a version, and the shape says that versions are fetched */
    bool outcome_ignored; /* a row has the outcome of an earlier batch */
    bool undoes;          /* the first line has `undo`, so that each line needs it */
};

/* Looks at the first line without taking it. ERR_INPUT: the file is another kind of JSON. Call
 * release also after an error. */
bool ndjson_init(struct ndjson *ndjson, struct source *source, const struct row_shape *shape,
                 struct err *err);
void ndjson_release(struct ndjson *ndjson);

/* Reads the next row as reader_next does, without row_no. */
enum row_step ndjson_next(struct ndjson *ndjson, struct source *source, struct row *row,
                          struct violations *violations, struct err *err);

/* As source_skip_to, for an offset between rows; also notes evidence from the skipped lines. */
bool ndjson_skip_to(struct ndjson *ndjson, struct source *source, uint64_t bytes, struct err *err);
