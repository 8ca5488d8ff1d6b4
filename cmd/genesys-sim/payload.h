/* The body of an update (PUT): what docs/api.md describes and nothing else. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { UUID_TEXT_SIZE = 37, BODY_MAX = 512000 };

/* The spans point into the body; source keeps its quotes. Until read: version -1, no spans. */
struct payload {
    int64_t version;
    struct span fields;
    struct span metadata;
    struct span source;
    char correlation_id[UUID_TEXT_SIZE];
};

/* Reads {"version", "fields", "metadata": {"tags", "source", "requestCorrelationId"}}. err names
 * the first problem; payload then holds what could be read, for the ledger. */
bool payload_read(struct payload *payload, struct span body, struct err *err);

/* Copies a UUID (RFC 4122 text) out of a JSON string; false when it is not one. */
bool payload_uuid(struct span value, char out[UUID_TEXT_SIZE]);
