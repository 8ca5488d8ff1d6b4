/* The bodies of answers that are errors. */
#pragma once

#include "core/base/str.h"
#include "core/target/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One error that the server names. Texts are cut to their arrays. */
struct api_violation {
    char field[256];
    char code[128];
    char message[512];
};

enum { API_VIOLATIONS_MAX = 100 };

/* What an error body says. Every member is optional; the HTML of a gateway gives code "" and a
 * message that says so. */
struct api_fault {
    char code[128];
    char message[512]; /* never empty */
    bool has_version;  /* a 409 that carries the server's version */
    int64_t version;
    int64_t retry_after_ms; /* `Retry the request in [N] seconds` in the message; -1 without */
    size_t violation_count;
    struct api_violation
        violations[API_VIOLATIONS_MAX]; /* validationErrors, else details, errors */
};

/* Makes it what an answer without a body says: nothing. */
void api_fault_reset(struct api_fault *fault);

/* Fills *fault. target: where it has the parts of an error; status: of the answer, for the message
 * where the body has none. */
void api_read_fault(const struct target *target, struct span body, long status,
                    struct api_fault *fault);
