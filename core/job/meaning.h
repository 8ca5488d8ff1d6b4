/* What the status of an answer means, and what a target says about it (docs/api.md). */
#pragma once

#include "core/target/kind.h"

#include <stdbool.h>

/* What a status means, whichever request it answers. */
enum meaning {
    MEANS_DONE,        /* 200: applied, or here is the record */
    MEANS_AMBIGUOUS,   /* the update may have landed */
    MEANS_NOT_DONE,    /* the server did nothing, and asks to try again */
    MEANS_TOKEN,       /* 401 */
    MEANS_FORBIDDEN,   /* 403 */
    MEANS_MISSING,     /* 404 */
    MEANS_CONFLICT,    /* 409 */
    MEANS_PROXY,       /* 407 */
    MEANS_THROTTLED,   /* 429 */
    MEANS_WRONG_PLACE, /* the environment is wrong */
    MEANS_REFUSED,     /* this request is wrong */
    MEANS_UNCHANGED,   /* the record has these values already */
    MEANS_EXISTS,      /* a record that was to be created is there */
    MEANS_STOP,        /* the target is wrong */
};

/* said: by the target, which comes first. is_garbled: the body is neither empty nor JSON. */
enum meaning meaning_of_answer(enum target_lock lock, long status, enum target_answer said,
                               bool is_garbled);

/* True of an answer to a request of several rows that is about one of them, or about their number:
 * it is sent again in two halves. works: other such requests were taken. */
bool meaning_splits(enum target_lock lock, long status, enum target_answer said, bool works);
