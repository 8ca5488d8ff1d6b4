/* One answer in the making: what the API, the login or a gateway says, and how it ends. */
#ifndef GENESYS_SIM_ANSWER_H
#define GENESYS_SIM_ANSWER_H

#include "cmd/genesys-sim/payload.h"
#include "core/base/buf.h"

#include <stdint.h>

enum answer_end {
    ANSWER_WHOLE,
    ANSWER_BROKEN,  /* breaks off halfway through its declared length */
    ANSWER_ENDLESS, /* the body goes on for ever */
    ANSWER_RAW,     /* body is the whole message byte by byte; then the connection closes */
    ANSWER_CUT,     /* the connection closes without an answer */
    ANSWER_RESET,   /* the same, with a TCP reset */
};

enum { ANSWER_HEADERS = 4, ANSWER_VALUE_SIZE = 128 };

struct answer {
    enum answer_end end;
    unsigned status; /* HTTP; what is logged for CUT and RESET is 0 */
    const char *type;
    char context_id[UUID_TEXT_SIZE];
    struct {
        const char *name;
        char value[ANSWER_VALUE_SIZE];
    } header[ANSWER_HEADERS];
    unsigned header_count;
    struct buf body;
};

/* Empties answer and gives it the context id made of two random numbers. */
void answer_init(struct answer *answer, uint64_t high, uint64_t low);

void answer_release(struct answer *answer);

/* Begins a JSON answer: empty body, no headers but ININ-Correlation-Id. */
void answer_json(struct answer *answer, unsigned status);

/* An API error (API section 2). code and message may be NULL: the status's usual ones. more is
 * NULL or further members, as `"version":6`. */
void answer_error(struct answer *answer, unsigned status, const char *code, const char *message,
                  const char *more);

/* A login error (API section 2). */
void answer_login_error(struct answer *answer, unsigned status, const char *error,
                        const char *description);

/* A gateway's page: HTML and no correlation id. */
void answer_html(struct answer *answer, unsigned status);

/* Puts a member, as `"note":[]`, before the others of a body that is a JSON object. */
void answer_lace(struct answer *answer, struct span member);

/* Turns an answer into the bytes of its message (RFC 9112), ANSWER_RAW: after at least `padding`
 * bytes of further headers, a Content-Length of `length`, and the body's first body_size bytes. */
void answer_raw(struct answer *answer, size_t padding, size_t length, size_t body_size);

/* Appends a header whose value is a moment (RFC 9110 section 5.6.7: IMF-fixdate), rounded up to a
 * whole second. */
void answer_date(struct answer *answer, const char *name, int64_t at_ms);

void answer_header(struct answer *answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
