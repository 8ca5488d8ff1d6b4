/* A database in a folder of its own, and the steps of an intake and of a drain in a few words. */
#pragma once

#include "core/base/buf.h"
#include "core/job/id.h"
#include "core/store/chunk.h"
#include "core/store/exchange.h"
#include "tests/lib/scratch.h"

#include <sqlite3.h>

enum {
    FIXTURE_CLAIMS = 128,
    FIXTURE_NOW_MS = 1000000, /* when it begins */
    FIXTURE_RUN = 7,          /* the run of its turns at first */
};

struct fixture {
    char folder[SCRATCH_SIZE], path[SCRATCH_SIZE + 16];
    struct store *store;
    int first_free; /* descriptor, before anything was opened */
    sqlite3 *eye;   /* a connection of its own: sees what is committed */
    struct err err;
    struct buf said, answer; /* what fixture_claim and fixture_ask returned last */

    /* the next turn */
    int64_t run_id, batch_id, now_ms;
    unsigned max_retries;
    const struct known_decider *decider; /* NULL: nothing is known */
    bool spread;                         /* claims are taken from all over the queue */
    struct exchange exchange;            /* of the last turn */
    struct claim claims[FIXTURE_CLAIMS];
    struct claim *idle[FIXTURE_CLAIMS], *in_hand[FIXTURE_CLAIMS], *settling[FIXTURE_CLAIMS];
    unsigned idle_count, in_hand_count, settling_count;
    bool interrupted; /* the database has jobs in hand that the fixture does not know of */
};

/* For cmocka: state becomes the fixture. */
int fixture_begin(void **state);
int fixture_end(void **state);

/* Closes the connection and opens another, as the next process would. What was in hand is lost. */
void fixture_reopen(struct fixture *fixture);

/* Fills a chunk from words: `a:5` is the next row, record a with version 5 and fields {"n":ROW};
 * `a` has no version; `!` is a rejected row with one violation, `!a` one that names record a. */
void fixture_fill(struct intake_chunk *chunk, uint32_t first_row, const char *words);

/* Loads one chunk of such rows. Must succeed, and the row counts must add up. */
void fixture_load(struct fixture *fixture, int64_t batch_id, uint32_t first_row, const char *words);

/* Refuses the batch; must succeed. */
void fixture_refuse(struct fixture *fixture, int64_t batch_id, const char *reason);

/* What a drain does when it starts, with nothing in hand. */
void fixture_begin_run(struct fixture *fixture);

/* Step 1 alone, of a file of that schema: the batch's id. */
int64_t fixture_load_begin(struct fixture *fixture, const char *schema);

/* Steps 1 to 3: the id of a batch of such rows. */
int64_t fixture_batch(struct fixture *fixture, const char *schema, const char *words);

/* One turn, in which up to `wanted` are claimed and all outcomes are settled. Must succeed, and the
 * books must balance. Returns the claims as `PUT 1/2 a v5, GET 1/3 b v6`, in order. */
const char *fixture_claim(struct fixture *fixture, unsigned wanted);

/* The same, but may fail: then err says why, and nothing has changed on either side. */
bool fixture_try(struct fixture *fixture, unsigned wanted);

/* The claim in hand of job `BATCH/ROW`. */
struct claim *fixture_held(struct fixture *fixture, const char *job);

/* Takes the claim out of the hand, to be settled in the next turn. The outcome is filled: that
 * state, the request left, answered with 200, doubt and counts as they were, due now. */
struct claim_outcome *fixture_settle(struct fixture *fixture, const char *job,
                                     enum job_state state);

/* ... with the server's version: applied, or whatever. */
struct claim_outcome *fixture_settle_at(struct fixture *fixture, const char *job,
                                        enum job_state state, int64_t server_version);

/* All that is in hand, so, and the turn that writes it. */
void fixture_settle_all(struct fixture *fixture, enum job_state state);

/* Never started. */
struct claim_outcome *fixture_put_back(struct fixture *fixture, const char *job);

/* Rows of a query on the second connection: columns joined by `|`, rows by `; `. */
const char *fixture_ask(struct fixture *fixture, const char *sql);

/* Compare what is claimed, up to `wanted`, and what a query finds. */
#define assert_claims(fixture, wanted, expected)                                                   \
    assert_string_equal(fixture_claim(fixture, wanted), expected)
#define assert_asked(fixture, sql, expected)                                                       \
    assert_string_equal(fixture_ask(fixture, sql), expected)

/* Fails the test when a call left a transaction open, or a statement that reads, which would hold
 * up checkpoints. So does the end of each test. */
void fixture_check_idle(const struct fixture *fixture);

/* Fails the test when anything in the database contradicts anything else. */
void fixture_check(struct fixture *fixture);
