/* The header lines of an answer as they come, and those that are kept. */
#pragma once

#include "core/base/str.h"
#include "core/http/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEADERS_MAX = 64 << 10, /* bytes of all header lines of an answer, interim answers included */
    HEADERS_WAIT_MAX_MS = 86400000, /* a longer Retry-After counts as a day */
};

enum headers_kept { HEADERS_RETRY_AFTER, HEADERS_DATE, HEADERS_CORRELATION, HEADERS_KEPT };

/* Zeroed means empty and ready. */
struct http_headers {
    size_t size;
    bool interim; /* the lines that come now belong to a 1xx answer, which is skipped */
    bool ended;   /* the headers of the final answer are complete; trailers are ignored */
    char kept[HEADERS_KEPT][HTTP_HEADER_SIZE]; /* as they came, cut */
    const char *wanted_name;                   /* NULL: none */
    char wanted[HTTP_WANTED_SIZE];             /* its value; "" where it is longer */
};

void headers_reset(struct http_headers *headers);

/* Takes a whole line, which can be a status line or empty. False beyond HEADERS_MAX. */
bool headers_take(struct http_headers *headers, struct span line);

/* Returns the Date (RFC 9110 section 6.6.1) in milliseconds since 1970 UTC; 0 without a valid one.
 */
int64_t headers_date_ms(const struct http_headers *headers);

/* Reads seconds as decimal digits, in milliseconds: at most HEADERS_WAIT_MAX_MS, however many
 * digits there are. -1 for anything else. */
int64_t headers_wait_ms(struct span seconds);

/* Returns Retry-After (RFC 9110 section 10.2.3) in milliseconds: seconds, or a date relative to the
 * Date of the answer, else to now_ms; a date in the past is 0. At most HEADERS_WAIT_MAX_MS; -1
 * without a valid one. */
int64_t headers_retry_after_ms(const struct http_headers *headers, int64_t now_ms);
