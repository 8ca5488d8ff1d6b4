/* The records of all schemas with their audit entries, in memory, by schema and id. */
#pragma once

#include "cmd/genesys-sim/payload.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One update in the audit log, visible from visible_ms on. */
struct audit_entry {
    uint64_t seq;
    int64_t version; /* after the update */
    int64_t at_ms;
    int64_t visible_ms;
    bool foreign;
    char correlation_id[UUID_TEXT_SIZE]; /* empty: none */
};

/* A record after one update. fields and metadata are owned and JSON as received; fields NULL: {},
 * metadata NULL: none. */
struct record_state {
    int64_t version;
    int64_t since_ms;
    char *fields;
    char *metadata;
    struct record_state *older;
};

/* Owns its texts. Older states are kept for --read-lag-ms. */
struct record {
    char *schema;
    char *id;
    struct record_state now;
    struct audit_entry *audit;
    size_t audit_count;
    size_t audit_capacity;
    uint64_t hash;
};

struct records {
    void *tree; /* of tsearch(3) */
    size_t count;
    int64_t base_version; /* of a record that was neither seeded nor updated */
    bool only_seeded;     /* such records do not exist */
    uint64_t audit_seq;
};

/* Zeroed but for base_version and only_seeded: empty. */
void records_release(struct records *records);

/* Reads seeds: one {"schema", "id", "version", "fields", "metadata"?} per line. */
bool records_load(struct records *records, const char *path, struct err *err);

/* Returns the record if it was seeded or updated, else NULL. */
struct record *records_find(const struct records *records, const char *schema, const char *id);

/* Returns the version that an update must name, or -1 if the record does not exist. */
int64_t records_version(const struct records *records, const char *schema, const char *id);

/* Replaces fields and metadata (data NULL: none), raises the version by 1 and adds the audit entry,
 * whose version and seq are set here. records_version is not -1. States of the last lag_ms are
 * kept. */
void records_update(struct records *records, const char *schema, const char *id, struct span fields,
                    struct span metadata, const struct audit_entry *audit, int64_t lag_ms);

/* Returns the state at at_ms, or the oldest one that is kept. */
const struct record_state *record_at(const struct record *record, int64_t at_ms);
