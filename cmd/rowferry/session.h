/* A command that works on the database: opened, its run recorded, one lock at a time, and at the
 * end the books checked and the summary told. */
#ifndef ROWFERRY_CMD_SESSION_H
#define ROWFERRY_CMD_SESSION_H

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

    /* Which batches the summary and the exit status speak of. */
    enum summary_scope scope;
    int64_t scope_id;
    bool sends;  /* open jobs make the exit status 5 */
    bool over;   /* ... or 4, because the run stopped at --max-refused */
    bool judged; /* false: the batches were done before, and say nothing about this command */
};

/* Opens the database (and says so where it made it) and begins the run; scope: SUMMARY_... by run.
 * False when that failed; it is told already. */
bool session_open(struct session *session, struct cli *cli, enum store_mode mode,
                  enum summary_scope scope, bool sends);

/* Opens a database that must be there, for a command that is no run. False: told. */
bool session_look(struct session *session);

/* Takes the lock; ERR_BUSY and others are told. */
bool session_lock(struct session *session, enum lock_kind kind);
void session_unlock(struct session *session);

/* The state of a batch. False: there is none of that id, or it was pruned, or the database failed;
 * told. */
bool session_find_batch(struct session *session, int64_t batch_id, enum batch_state *state);

/* Whether the batch was pruned, which is told. */
bool session_was_pruned(struct session *session, int64_t batch_id);

/* For summary_batches: counts a batch in cli->summary, checks its books, and
 * judges it. */
bool session_count_batch(void *session, const struct batch_counts *batch, struct err *err);

/* Jobs that a drain would work on, in batches of the scope that are open. False: told. */
bool session_count_left(struct session *session, uint64_t *left);

/* Counts, checks the books, ends the run with the exit status. Call it however the work ended; a
 * session that did not open is fine. Fills cli->summary. */
void session_close(struct session *session);
void session_release(struct session *session);

#endif
