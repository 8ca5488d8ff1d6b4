/* Record ids of several parts: columns besides the record id that name a record together with it.
 */
#pragma once

#include "core/base/buf.h"
#include "core/row/row.h"

/* The parts of the current row; zeroed is ready. */
struct parts {
    struct buf texts[ROW_PARTS_MAX];
    struct buf joined;
    uint32_t given; /* a bit for each part that the row has */
};

void parts_release(struct parts *parts);

/* Returns which part a column or a member of that name is; shape->part_count: none. */
size_t parts_find(const struct row_shape *shape, struct span name);

void parts_begin(struct parts *parts);

/* Takes a part, and reports it where no request can carry it. */
void parts_take(struct parts *parts, const struct row_shape *shape, size_t index, struct span text,
                struct violations *violations);

/* Makes the record id of the row: the parts and its own id, percent-encoded, with slashes between
 * them. Reports parts that are missing. */
void parts_end(struct parts *parts, const struct row_shape *shape, struct row *row,
               struct violations *violations);

/* Returns a part of a record id that was joined, or for shape->part_count its own id: as it is, or
 * decoded into scratch. */
struct span parts_pick(const struct row_shape *shape, struct span record_id, size_t index,
                       struct buf *scratch);

/* Appends a record id that is made of `count` texts. */
void parts_join(const struct span *texts, size_t count, struct buf *out);
