/* Updates and reads of records, as requests of the pool. */
#pragma once

#include "core/http/pool.h"
#include "core/target/target.h"

#include <stdbool.h>

struct api_request {
    const char *api_url; /* without a slash at its end */
    const struct target *target;
    enum target_request kind;
    struct target_row row;
};

/* Fills method, URL, body (with TARGET_SEVERAL of this one row) and header fields of *http, whose
 * other members stay. The texts are in the buffers, to which it appends, in fields, and in the
 * scratch. False when the record id does not have the parts that the target needs. */
bool api_request_build(const struct api_request *request, struct target_scratch *scratch,
                       struct http_field fields[TARGET_HEADERS], struct buf *url, struct buf *body,
                       struct http_request *http);

/* Does the same in two steps, where several rows are one update: appends path and body of one row,
 * or with TARGET_SEVERAL the path and the item; then fills *http for the whole of it. */
bool api_request_add(const struct api_request *request, struct target_scratch *scratch,
                     enum target_method *method, struct buf *url, struct buf *body);
void api_request_fill(const struct api_request *request, enum target_method method,
                      struct target_scratch *scratch, struct http_field fields[TARGET_HEADERS],
                      struct buf *url, struct buf *body, struct http_request *http);
