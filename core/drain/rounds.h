/* Inside core/drain only: when the audit log is asked, and for how long. A pure value: times are
 * arguments, in milliseconds.
 *
 * The log lags. All open jobs are asked for in rounds, with growing pauses between them; a job that
 * is younger than the lag that was seen so far waits for a later round, so that a log that lags
 * costs few requests. A job that the log does not show --audit-wait after it was applied is
 * missing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rounds {
    int64_t audit_wait_ms;
    unsigned max_retries;
    unsigned ids;     /* records a request asks for; fewer after requests were refused */
    int64_t lag_ms;   /* younger jobs are not asked for */
    unsigned count;   /* rounds so far */
    unsigned barren;  /* rounds in a row in which no request succeeded */
    unsigned endless; /* requests whose pages never end: their jobs are not asked for again */
    /* of this round */
    uint64_t succeeded, failed,
        refused; /* requests; refused: failed ones that fewer ids may help */
    unsigned failed_in_a_row;
    uint64_t open; /* jobs that are left for the next round */
    int64_t
        soonest_ms; /* until the first job that was too young is old enough; -1: there is none */
    int64_t deadline_ms; /* until the last job that the log did not show counts as missing */
};

enum rounds_end {
    ROUNDS_DONE,    /* no job is open */
    ROUNDS_AGAIN,   /* after a wait */
    ROUNDS_GIVE_UP, /* the log cannot be read */
};

/* ids: records that one request asks for at most. */
void rounds_init(struct rounds *rounds, int64_t audit_wait_ms, unsigned ids, unsigned max_retries);

void rounds_begin(struct rounds *rounds);

/* Whether the job is left for a later round. age_ms: since it was applied. */
bool rounds_skips(struct rounds *rounds, int64_t age_ms);

/* Notes a request that the log answered completely: jobs that it asked for, how many of them the
 * log did not show, and the greatest age of those. */
void rounds_note_answer(struct rounds *rounds, unsigned jobs, unsigned absent, int64_t age_ms);

/* Whether a job that the log did not show is missing; otherwise it stays open. */
bool rounds_is_missing(struct rounds *rounds, int64_t age_ms);

/* Notes a request that brought nothing, and leaves its jobs open. refused: the answer may be about
 * one of the records, so that fewer are asked for at once. */
void rounds_note_failure(struct rounds *rounds, unsigned jobs, bool refused);

enum { ROUNDS_ENDLESS_MAX = 20 /* each is many requests */ };

/* Notes a request whose pages never end. Its jobs are left out of all later rounds. */
void rounds_note_endless(struct rounds *rounds);

/* Whether the rest of the round would fail likewise, so that it is left for the next round. */
bool rounds_is_hopeless(const struct rounds *rounds);

/* Ends the round. dice: 0 to 1, for jitter. wait_ms: of ROUNDS_AGAIN. */
enum rounds_end rounds_end(struct rounds *rounds, double dice, int64_t *wait_ms);
