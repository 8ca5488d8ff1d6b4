/* A command that works on the database: it opens it, records the run, holds one lock at a time, and
 * at the end checks the row counts. */
#pragma once

#include "cmd/rowferry/cli.h"
#include "core/store/lock.h"
#include "core/store/store.h"
#include "core/store/summary.h"

#include <stdbool.h>

struct session {
    struct cli *cli;
    struct store *store;
    struct lock *lock;
    int64_t run_id;

    /* The batches that the summary and the exit status are about. */
    enum summary_scope scope;
    int64_t scope_id;
    bool sends;       /* open jobs make the exit status 5 */
    bool over;        /* ... or 4, because the run stopped at --max-refused */
    bool sets_status; /* false: the batches were done before, and do not set the exit status */
};

/* Opens the database (and reports it if it created it) and begins the run; scope: SUMMARY_... by
 * run. Returns false after reporting the error. */
bool session_open(struct session *session, struct cli *cli, enum store_mode mode,
                  enum summary_scope scope, bool sends);

/* Opens an existing database, for a command that is not recorded as a run. Returns false after
 * reporting the error. */
bool session_look(struct session *session);

/* Takes the lock. Returns false after reporting ERR_BUSY or another error. */
bool session_lock(struct session *session, enum lock_kind kind);
void session_unlock(struct session *session);

/* Reads the state of a batch, unless state is NULL. Returns false after reporting that it does not
 * exist or was pruned, or the error. */
bool session_find_batch(struct session *session, int64_t batch_id, enum batch_state *state);

/* The same, and returns false after reporting that it is still being read. what: to do with it. */
bool session_find_read_batch(struct session *session, int64_t batch_id, const char *what,
                             enum batch_state *state);

/* Visits a batch for summary_batches: counts it in cli->summary, checks its row counts, and sets
 * the exit status. */
bool session_count_batch(void *session, const struct batch_counts *batch, struct err *err);

/* Counts the jobs that a drain would work on, in open batches of the scope. Returns false after
 * reporting the error. */
bool session_count_left(struct session *session, uint64_t *left);

/* Counts the batches into cli->summary, checks the row counts, ends the run with the exit status,
 * and prints the summary. Call it however the work ended, after session_open. */
void session_end(struct session *session);

/* Closes the database, after session_look. */
void session_release(struct session *session);
