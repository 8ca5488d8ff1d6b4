/* The records of all schemas, and what happened to each: in memory, by schema and id. */
#ifndef GENESYS_SIM_RECORDS_H
#define GENESYS_SIM_RECORDS_H

#include "cmd/genesys-sim/payload.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One update, as the audit log shows it from visible_ms on. */
struct audit_entry {
    uint64_t seq;
    int64_t version; /* the one the update made */
    int64_t at_ms;
    int64_t visible_ms;
    bool foreign;
    char correlation_id[UUID_TEXT_SIZE]; /* empty: none */
};

/* A record as one update left it. fields and metadata are JSON as it came, owned; fields NULL: {},
 * metadata NULL: none. */
struct record_state {
    int64_t version;
    int64_t since_ms;
    char *fields;
    char *metadata;
    struct record_state *older;
};

/* Texts are owned. Older states are kept for readers that lag. */
struct record {
    char *schema;
    char *id;
    struct record_state now;
    struct audit_entry *audit;
    size_t audit_count;
    size_t audit_capacity;
    uint64_t hash;
    struct record *next;
};

struct records {
    struct record **bucket;
    size_t bucket_count;
    size_t count;
    int64_t base_version; /* of a record never seen */
    bool only_seeded;     /* records never seen do not exist */
    uint64_t audit_seq;
};

void records_init(struct records *records, int64_t base_version, bool only_seeded);
void records_release(struct records *records);

/* Reads seeds: one {"schema", "id", "version", "fields", "metadata"?} a line. err names the line.
 */
bool records_load(struct records *records, const char *path, struct err *err);

/* The record if it was seeded or updated, else NULL. */
struct record *records_find(const struct records *records, const char *schema, const char *id);

/* The version that an update of the record has to name, or -1 when there is no such record. */
int64_t records_version(const struct records *records, const char *schema, const char *id);

/* Replaces fields and metadata (data NULL: none) as a whole, raises the version by 1 and adds the
 * audit entry, whose seq is set here. The record exists: records_version said so. The state of
 * lag_ms ago and all since then are kept. */
void records_update(struct records *records, const char *schema, const char *id, struct span fields,
                    struct span metadata, const struct audit_entry *audit, int64_t lag_ms);

/* The record as it was at at_ms, or the oldest state that is kept. */
const struct record_state *record_at(const struct record *record, int64_t at_ms);

#endif
