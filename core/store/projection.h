/* What records would hold after rows that were compared with them, for later rows of the same
 * records. In a temporary table, so that memory has a ceiling however many rows there are. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct projections;

/* NULL with ERR_STORE. */
struct projections *projections_open(struct store *store, struct err *err);
void projections_close(struct projections *projections);

/* One record. Zeroed before its first use. */
struct projection {
    bool is_there; /* rows of it were compared; the rest counts */
    int64_t state; /* of the caller's */
    int64_t version;
    int64_t source;        /* the file of the rows, by the caller's count */
    int64_t first_version; /* of the first row in that file; -1: it has none */
    int64_t returned;      /* by an update of that file, as it would be; -1: nothing */
    struct buf fields;     /* JSON; freed by the caller */
};

/* Fills *projection, whose buffer is used again. */
bool projection_find(struct projections *projections, struct span schema, struct span record_id,
                     struct projection *projection, struct err *err);

/* Stores it, in place of an earlier one. */
bool projection_keep(struct projections *projections, struct span schema, struct span record_id,
                     const struct projection *projection, struct err *err);
