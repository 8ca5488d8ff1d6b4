/* One answer of the API, the login or a gateway, and how it ends. */
#pragma once

#include "cmd/genesys-sim/payload.h"
#include "core/base/buf.h"

#include <stdint.h>

enum answer_end {
    ANSWER_WHOLE,
    ANSWER_BROKEN,  /* breaks off halfway through its declared length */
    ANSWER_ENDLESS, /* the body never ends */
    ANSWER_RAW,     /* body is the complete message; then the connection closes */
    ANSWER_CUT,     /* the connection closes without an answer */
    ANSWER_RESET,   /* the same, with a TCP reset */
};

enum { ANSWER_HEADERS = 4, ANSWER_VALUE_SIZE = 128 };

struct answer {
    enum answer_end end;
    unsigned status; /* HTTP status; CUT and RESET are logged as 0 */
    const char *type;
    char context_id[UUID_TEXT_SIZE];
    struct {
        const char *name;
        char value[ANSWER_VALUE_SIZE];
    } header[ANSWER_HEADERS];
    unsigned header_count;
    struct buf body;
};

/* Empties answer and makes its context id from two random numbers. */
void answer_init(struct answer *answer, uint64_t high, uint64_t low);

void answer_release(struct answer *answer);

/* Starts a JSON answer: empty body, and ININ-Correlation-Id as the only header. */
void answer_json(struct answer *answer, unsigned status);

/* Fills in an API error (docs/api.md). code and message NULL: the usual ones of the status. more:
 * further members such as `"version":6`, or NULL. */
void answer_error(struct answer *answer, unsigned status, const char *code, const char *message,
                  const char *more);

/* Fills in a login error (docs/api.md). */
void answer_login_error(struct answer *answer, unsigned status, const char *error,
                        const char *description);

/* Fills in the HTML page of a gateway, without a correlation id. */
void answer_html(struct answer *answer, unsigned status);

/* Inserts a member such as `"note":[]` before the others of a body that is a JSON object; leaves
 * any other body alone. */
void answer_lace(struct answer *answer, struct span member);

/* Turns an answer into the bytes of its message (RFC 9112), ANSWER_RAW: at least `padding` bytes of
 * extra headers, a Content-Length of `length`, and the first body_size bytes of the body. */
void answer_raw(struct answer *answer, size_t padding, size_t length, size_t body_size);

/* Appends a header whose value is a time (RFC 9110 section 5.6.7: IMF-fixdate), rounded up to a
 * whole second. */
void answer_date(struct answer *answer, const char *name, int64_t at_ms);

void answer_header(struct answer *answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
