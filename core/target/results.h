/* The answer to a bulk request, taken apart into what it says about each row. */
#pragma once

#include "core/target/target.h"

/* A row that was sent, and what an answer says about it. */
struct result {
    struct span id;   /* in: what {id} was; no other row of the request has it */
    uint32_t named;   /* results with that id */
    long status;      /* 0: none that can be relied on */
    struct span body; /* of a success the record, else the error: JSON text of the answer, or empty
                       */
};

/* Fills named, status and body of the rows. What is not as the target describes it does not count:
 * a row has no status if no result or more than one has its id, or if status and success are of
 * another kind or contradict each other. Results with ids that were not sent are passed over. False
 * when the body is not JSON by the scanner of rows, or has no list of results. */
bool results_read(const struct target *target, struct span body, struct result *rows, size_t count,
                  struct target_scratch *scratch);
