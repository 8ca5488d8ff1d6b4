/* What a drain counts: requests, latencies, errors. */
#ifndef ROWFERRY_DRAIN_METER_H
#define ROWFERRY_DRAIN_METER_H

#include "core/base/histogram.h"
#include "core/http/pool.h"
#include "core/store/runs.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    METER_CLASSES = 6,
    METER_REPLIES = 16, /* kinds of bad answers that are counted each by itself */
};

/* A kind of answer that is not a success, by what the server said. */
struct meter_reply {
    uint64_t count;
    long status;       /* 0: no complete answer */
    char code[64];     /* of an API error, or "" */
    char message[160]; /* the first one's; texts are cut to their arrays */
    bool varies;       /* others of the status and code said something else */
};

struct meter_replies {
    struct meter_reply items[METER_REPLIES];
    unsigned count;
    uint64_t others; /* answers of further kinds */
};

struct meter {
    struct histogram latencies;
    uint64_t requests, errors, throttled;
    uint64_t answers[METER_CLASSES]; /* by hundreds of the status; 0: no complete answer */
    struct meter_replies replies;
};

/* Counts one answer to a PUT or GET; what never left is no request. */
void meter_count(struct meter *meter, const struct http_answer *answer);

/* Counts what a bad answer said: code and message of the API error, or why there is no answer. A
 * message that differs in every answer fills no table: beyond three for a status and code, it
 * counts with the first one. */
void meter_note(struct meter *meter, const struct http_answer *answer, const char *code,
                const char *message);

/* The kinds, the most frequent one first. */
void meter_sort(struct meter_replies *replies);

/* As the `run` row and the summary have it; validation_failures is not touched. */
void meter_report(const struct meter *meter, struct store_run *run);

#endif
