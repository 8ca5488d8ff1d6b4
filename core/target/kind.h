/* The words of a target's description: kinds of lock, what an answer means, methods. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What keeps an update from overwriting another one. */
enum target_lock {
    TARGET_STEP,   /* a version that each update raises by a known step */
    TARGET_OPAQUE, /* a token that is read, sent back and compared, and means nothing else */
    TARGET_NONE,   /* nothing: the last writer wins */
};

/* What an answer means, where the description says so. */
enum target_answer {
    TARGET_UNTOLD,
    TARGET_DONE,
    TARGET_UNCHANGED, /* the record has these values already */
    TARGET_CONFLICT,
    TARGET_MISSING,
    TARGET_EXISTS, /* of a create: the record is there */
    TARGET_REFUSED,
    TARGET_RETRY,
    TARGET_THROTTLED,
    TARGET_STOP,   /* the target is wrong or not there: the run ends */
    TARGET_UNSURE, /* of no description: the code that it depends on could not be read */
};

/* What is done about a record that is not there. */
enum target_missing {
    TARGET_REFUSE,
    TARGET_UPSERT, /* the write creates it */
    TARGET_CREATE, /* a request of its own does */
};

/* What the record ids of a batch are made of, as it was read. */
struct target_parts {
    int64_t batch_id;
    bool is_named;       /* it is for a target with a name of its own */
    const char *columns; /* as target_columns; NULL: the guide's, or unknown */
};

enum target_method { TARGET_GET, TARGET_PUT, TARGET_PATCH, TARGET_POST, TARGET_METHODS };

/* The name in requests and descriptions. */
const char *target_method_name(enum target_method method);

/* Return false when name is not one of the names. */
bool target_method_parse(struct span name, enum target_method *method);
bool target_answer_parse(struct span name, enum target_answer *answer);
