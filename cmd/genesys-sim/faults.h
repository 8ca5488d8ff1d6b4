/* Which request goes wrong, and how. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* The requests that a probability applies to. */
enum fault_scope {
    FAULT_SCOPE_PUT,
    FAULT_SCOPE_GET,
    FAULT_SCOPE_TOKEN,
    FAULT_SCOPE_ERP,
    FAULT_SCOPES
};

/* before: the request is not handled; after: it is handled, then its answer is replaced; late: it
 * is handled after the connection was closed. */
enum fault_moment { FAULT_BEFORE, FAULT_AFTER, FAULT_LATE };

enum fault_effect {
    FAULT_CUT,          /* closed without an answer */
    FAULT_RESET_REUSED, /* the same, only on a connection that has served a request */
    FAULT_STATUS,       /* an API error body */
    FAULT_STATUS_WAIT,  /* the same, with Retry-After */
    FAULT_THROTTLE,     /* the 429 of the rate limit */
    FAULT_HTML,         /* a gateway's page */
    FAULT_TRUNCATE,     /* the answer breaks off halfway */
    FAULT_STALL,        /* before: silence, then a cut; after: silence, then the answer */
    FAULT_REDIRECT,     /* with a Location that is 404 */
    FAULT_FLOOD,        /* 100 KiB of headers */
    FAULT_ENDLESS,      /* a body that never ends */
    FAULT_HALT,         /* the headers, then silence */
    FAULT_SHORT,        /* a Content-Length of half the body */
    FAULT_BAD_UTF8,     /* in the JSON of the body */
    FAULT_DEEP,         /* the same, nested 10000 deep */
};

struct fault_rule {
    const char *name;
    const char *help;
    enum fault_moment moment;
    enum fault_effect effect;
    unsigned status;
};

enum { FAULT_KINDS = 28 };

/* Zeroed: nothing goes wrong. */
struct faults {
    double probability[FAULT_SCOPES][FAULT_KINDS];
};

/* Reads `[put:|get:|token:|erp:]KIND=P`, or `none`, which removes all of them. False when the
 * probabilities of one scope add up to more than 1. */
bool faults_parse(struct faults *faults, const char *text, struct err *err);

/* Returns the fault of one request, or -1. It depends only on probabilities, seed and sequence
 * number, so a run can be repeated. */
int faults_draw(const struct faults *faults, enum fault_scope scope, uint64_t seed, uint64_t seq);

/* Returns the line of a kind in the table; kind is from 0 to FAULT_KINDS - 1. */
const struct fault_rule *fault_rule(int kind);

/* Returns the n-th number of splitmix64 from seed. */
uint64_t faults_mix(uint64_t seed, uint64_t n);
