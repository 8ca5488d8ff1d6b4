/* NDJSON files: one strict RFC 8259 object per line (docs/guide.md#input-files). Private to the
 * reader. */
#ifndef ROWFERRY_ROW_NDJSON_H
#define ROWFERRY_ROW_NDJSON_H

#include "core/row/row.h"
#include "core/row/source.h"

struct ndjson {
    const struct row_shape *shape;
    struct json_tape tape; /* of the whole line */
    struct buf record_id, scratch, tags;
    bool version_ignored; /* some row had one, and the shape has them fetched */
    bool outcome_ignored; /* some row tells what became of an earlier one */
};

/* Looks at the first line, and takes nothing. ERR_INPUT: the file is JSON of another kind. release
 * also after an error. */
bool ndjson_init(struct ndjson *ndjson, struct source *source, const struct row_shape *shape,
                 struct err *err);
void ndjson_release(struct ndjson *ndjson);

/* As reader_next, without row_no. */
enum row_step ndjson_next(struct ndjson *ndjson, struct source *source, struct row *row,
                          struct violations *violations, struct err *err);

/* As source_skip_to, for an offset between rows; notes what the lines before it hold. */
bool ndjson_skip_to(struct ndjson *ndjson, struct source *source, uint64_t bytes, struct err *err);

#endif
