/* What a drain counts: requests, latencies, errors. */
#pragma once

#include "core/base/histogram.h"
#include "core/http/pool.h"
#include "core/store/runs.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    METER_CLASSES = 6,
    METER_REPLIES = 16, /* kinds of bad answers that are counted separately */
};

/* A kind of answer that is not a success, by what the server said. */
struct meter_reply {
    uint64_t count;
    long status;       /* 0: no complete answer */
    char code[64];     /* of an API error, or "" */
    char message[160]; /* of the first one; texts are cut to their arrays */
    bool varies;       /* others of the status and code have another message */
};

struct meter_replies {
    struct meter_reply items[METER_REPLIES];
    unsigned count;
    uint64_t others; /* answers of further kinds */
};

struct meter {
    struct histogram latencies;
    uint64_t requests, errors, throttled;
    uint64_t skipped, fetched, drifted; /* rows, as exchanges count them */
    uint64_t answers[METER_CLASSES];    /* by hundreds of the status; 0: no complete answer */
    struct meter_replies replies;
};

/* Counts one answer to a PUT or GET. Requests that never left do not count. */
void meter_count(struct meter *meter, const struct http_answer *answer);

/* Counts a bad answer by code and message of the API error, or by why there is no answer. After
 * three messages for a status and code, further ones count with the first. */
void meter_note(struct meter *meter, const struct http_answer *answer, const char *code,
                const char *message);

/* Sorts the kinds, the most frequent one first. */
void meter_sort(struct meter_replies *replies);

/* Fills what the `run` row and the summary show; validation_failures is left alone. */
void meter_report(const struct meter *meter, struct store_run *run);
