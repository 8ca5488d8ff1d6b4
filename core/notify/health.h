/* Whether the ERP works, by what it answered for different records. A record that fails again and
 * again shows nothing about the others. A pure value: clock and dice are arguments. Times are
 * monotonic microseconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    HEALTH_TROUBLE_FROM = 8, /* records in a row that failed */
    HEALTH_WAIT_MS = 1000,   /* then after each request; doubled each time that another fails */
    HEALTH_WAIT_MAX_MS = 60000,
};

/* Zeroed means that nothing is known yet. */
struct health {
    int64_t worked_us;        /* when an answer last showed that it works; 0: none did */
    unsigned failures;        /* of different records, to requests that left after that */
    int64_t wait_us;          /* in trouble: between two requests; 0: not in trouble */
    int64_t since_us;         /* when wait_us became what it is */
    int64_t first_from_us;    /* in trouble: when a record that was not tried may be, */
    int64_t repeated_from_us; /* ... and one that failed already */
};

/* A complete answer that shows that the ERP works. */
void health_worked(struct health *health, int64_t now_us);

/* A request failed that left at departed_us. is_first: its record was not tried before. dice: 0 to
 * 1. What left before the last answer that worked shows nothing about the ERP; what left before the
 * present wait was set does not lengthen it. */
void health_failed(struct health *health, int64_t departed_us, bool is_first, double dice,
                   int64_t now_us);

/* One request at a time then. */
bool health_in_trouble(const struct health *health);

/* Time until a record may be tried, for the first time or again: 0 now. */
int64_t health_wait_us(const struct health *health, bool is_first, int64_t now_us);
