/* What a notification says, and what the ERP is sent of it (docs/api.md). */
#pragma once

#include "core/api/record.h"
#include "core/base/buf.h"
#include "core/row/json.h"
#include "core/store/notification.h"

#include <stdbool.h>

enum { PAYLOAD_MAX = 1048576, PAYLOAD_PROBLEM_SIZE = 256 };

/* Memory that is used again for one body after the other; zeroed means fresh. */
struct payload_reader {
    struct json_tape tape;
    struct buf texts[5], scratch[2], canonical, names;
    struct evp_md_ctx_st *hash; /* OpenSSL's EVP_MD_CTX */
};

void payload_reader_release(struct payload_reader *reader);

/* Points into the body and the reader, until the next body is read. */
struct payload {
    struct notification notification;
    struct span schema_json, id_json, time_json, author_json; /* as written, or empty */
    struct span author;                                       /* modifiedBy.id, decoded; or empty */
    struct span fields;                                       /* a JSON object, or empty */
    struct api_id correlation; /* of the record's metadata; zeroed without */
};

/* Reads a notification. webhook_id: of the header, which alone then decides which notifications are
 * the same; NULL: record, modified time and fields do, by value. False, with the problem for the
 * sender, when the body is not JSON, not UTF-8, or has no string `action` and `record.id`. */
bool payload_read(struct payload_reader *reader, struct span body, const char *webhook_id,
                  struct payload *payload, char problem[PAYLOAD_PROBLEM_SIZE]);

/* Appends the body for the ERP. */
void payload_for_erp(const struct payload *payload, struct buf *out);
