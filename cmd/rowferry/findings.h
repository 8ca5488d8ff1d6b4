/* Violations counted by field and rule, for the end of `validate`. */
#ifndef ROWFERRY_CMD_FINDINGS_H
#define ROWFERRY_CMD_FINDINGS_H

#include "core/base/buf.h"
#include "core/row/violation.h"

#include <stddef.h>
#include <stdint.h>

enum {
    FINDINGS_MAX = 1000, /* kinds that are told apart; rows choose the names of fields */
    FINDINGS_SHOWN = 20,
};

struct finding {
    char *field, *rule;
    uint64_t rows;
};

/* Zeroed means empty. */
struct findings {
    struct finding *items;
    size_t count, capacity;
    uint64_t others; /* rows of kinds beyond FINDINGS_MAX */
};

/* One row's violations; each pair of field and rule counts once. */
void findings_add(struct findings *findings, const struct violations *violations);
void findings_release(struct findings *findings);

/* Appends a table, the most frequent first. */
void findings_print(struct findings *findings, struct buf *out);

#endif
