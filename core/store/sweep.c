#include "core/store/sweep.h"

#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/store/db.h"
#include "core/store/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PIECE = 16,         /* rows between two looks at the clock; one may have 1 MB */
    PIECE_PAGES = 16,   /* the same of pages */
    HOLD_US = 10000,    /* a transaction may take so long, its commit included */
    WORK_US_MIN = 2000, /* however long commits take */
    PAUSE_US_MIN = 25000,
    CHECKPOINT_PAGES = 2000, /* in the log: fewer than those at which another writer copies them */
    CHECKPOINTS_MAX = 5,
    FREE_SHARE = 50, /* one page of so many may stay free */
};

enum {
    SWEEP_LAST_JOB,
    SWEEP_LAST_REJECT,
    SWEEP_JOB_KEYS,
    SWEEP_ATTEMPTS,
    SWEEP_CONFLICTS,
    SWEEP_SERVER_VIOLATIONS,
    SWEEP_REBASES,
    SWEEP_ARBITRATIONS,
    SWEEP_BEFORES,
    SWEEP_AUDITS,
    SWEEP_STATES,
    SWEEP_JOBS,
    SWEEP_REJECT_KEYS,
    SWEEP_VIOLATIONS,
    SWEEP_REJECTS,
    SWEEP_REJECTION_TALLY,
    SWEEP_EMPTIED,
    SWEEP_NOTES,
    SWEEP_NOTE_TALLY,
    SWEEP_DELIVERIES,
    SWEEP_NOTIFICATIONS,
};

#define OF_JOBS "WHERE job_id > :first_id AND job_id <= :last_id"
#define OF_KEYS                                                                                    \
    "(SELECT record_id, job_id FROM temp.sorted_key WHERE rowid > :first_id AND rowid <= "         \
    ":last_id)"
#define OF_ROWS                                                                                    \
    "WHERE batch_id = :first_id / " ID_ROWS_SQL " AND row_no > :first_id % " ID_ROWS_SQL           \
    " AND row_no <= :last_id % " ID_ROWS_SQL

static const char *const sql[] = {
    [SWEEP_LAST_JOB] =
        "SELECT max(id) AS last_id FROM (SELECT id FROM job_row "
        "WHERE id > :first_id AND id < :first_id + " ID_ROWS_SQL " ORDER BY id LIMIT :wanted)",
    [SWEEP_LAST_REJECT] =
        "SELECT :first_id + max(row_no) AS last_id FROM (SELECT row_no FROM rejected_row "
        "WHERE batch_id = :first_id / " ID_ROWS_SQL " ORDER BY row_no LIMIT :wanted)",
    [SWEEP_JOB_KEYS] = "DELETE FROM record_job WHERE (record_id, job_id) IN " OF_KEYS,
    [SWEEP_ATTEMPTS] = "DELETE FROM attempt " OF_JOBS,
    [SWEEP_CONFLICTS] = "DELETE FROM conflict " OF_JOBS,
    [SWEEP_SERVER_VIOLATIONS] = "DELETE FROM server_violation " OF_JOBS,
    [SWEEP_REBASES] = "DELETE FROM rebase " OF_JOBS,
    [SWEEP_ARBITRATIONS] = "DELETE FROM arbitration " OF_JOBS,
    [SWEEP_BEFORES] = "DELETE FROM before_update " OF_JOBS,
    [SWEEP_AUDITS] = "DELETE FROM audit " OF_JOBS,
    [SWEEP_STATES] = "DELETE FROM job_state " OF_JOBS,
    [SWEEP_JOBS] = "DELETE FROM job_row WHERE id > :first_id AND id <= :last_id",
    [SWEEP_REJECT_KEYS] =
        "DELETE FROM record_rejection WHERE (record_id, rejection_id) IN " OF_KEYS,
    [SWEEP_VIOLATIONS] = "DELETE FROM violation " OF_ROWS,
    [SWEEP_REJECTS] = "DELETE FROM rejected_row " OF_ROWS,
    [SWEEP_REJECTION_TALLY] = "DELETE FROM rejection_tally WHERE batch_id = :batch_id",
    /* oldest first; what the ERP has not taken stays */
    [SWEEP_NOTES] = "SELECT n.id, n.received_ms <= :before_ms AS is_chosen, "
                    "coalesce(o.state, 'delivered') <> 'delivered' AS is_open "
                    "FROM notification n LEFT JOIN outbox o ON o.id = n.id "
                    "WHERE n.id > :first_id ORDER BY n.id LIMIT :wanted",
    [SWEEP_NOTE_TALLY] =
        "UPDATE notification_tally SET (accepted, not_accepted, echo, delivered) = (SELECT "
        "accepted - count(*) FILTER (WHERE n.state = 'accepted'), "
        "not_accepted - count(*) FILTER (WHERE n.state = 'not_accepted'), "
        "echo - count(*) FILTER (WHERE n.state = 'echo'), delivered - count(o.id) "
        "FROM notification n LEFT JOIN outbox o ON o.id = n.id WHERE n.id > :first_id "
        "AND n.id <= :last_id AND coalesce(o.state, 'delivered') = 'delivered') WHERE id = 1",
    [SWEEP_DELIVERIES] = "DELETE FROM outbox WHERE id > :first_id AND id <= :last_id "
                         "AND state = 'delivered'",
    [SWEEP_NOTIFICATIONS] = "DELETE FROM notification WHERE id > :first_id AND id <= :last_id "
                            "AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.id = notification.id)",
    [SWEEP_EMPTIED] = "UPDATE batch SET emptied_ms = :now_ms, header = NULL WHERE id = :batch_id",
};

const struct db_statements sweep_statements = {sql, sizeof sql / sizeof *sql};

/* What belongs to the rows of a batch is deleted part by part, in this order: what is needed to
 * find the rest comes last. A table that is added to the schema gets its line above. */
static const struct part {
    bool keys;     /* in their own order, because they are at random places */
    bool rejected; /* of rejected rows, not of jobs */
    unsigned last; /* finds the last row of the next piece, if it is not of keys */
    unsigned first_delete, last_delete;
} parts[] = {
    {true, false, 0, SWEEP_JOB_KEYS, SWEEP_JOB_KEYS},
    {false, false, SWEEP_LAST_JOB, SWEEP_ATTEMPTS, SWEEP_JOBS},
    {true, true, 0, SWEEP_REJECT_KEYS, SWEEP_REJECT_KEYS},
    {false, true, SWEEP_LAST_REJECT, SWEEP_VIOLATIONS, SWEEP_REJECTS},
};

enum { PARTS = sizeof parts / sizeof *parts };

struct sweep {
    struct store *store;
    struct db_statement *vacuum;
    int64_t batch_id, now_ms; /* of what is deleted */
    const struct part *part;
    int64_t keys_done, keys_count; /* in temp.sorted_key */
    int64_t notes_done, before_ms; /* of notifications: the last id, and until when they came */
    int64_t commit_us;             /* what the last commit took */
    int log_pages;                 /* in the write-ahead log, after the last commit */
    struct sweep_watch watch;
    uint64_t rows, free_bytes;
    int64_t page_bytes;
};

static int note_log(void *context, sqlite3 *db, const char *name, int pages)
{
    struct sweep *sweep = context;

    (void)db;
    (void)name;
    sweep->log_pages = pages;
    return SQLITE_OK;
}

struct sweep *sweep_open(struct store *store, struct sweep_watch watch, struct err *err)
{
    struct sweep *sweep;

    if (!store_set_durable(store, false, err))
        return NULL;
    sweep = mem_calloc(1, sizeof *sweep);
    sweep->store = store;
    sweep->watch = watch;
    /* instead of copying pages in a commit, whose time is measured */
    sqlite3_wal_hook(store->db, note_log, sweep);
    sweep->vacuum = db_prepare(store, "PRAGMA incremental_vacuum", err);
    if (sweep->vacuum)
        return sweep;
    sweep_close(sweep);
    return NULL;
}

void sweep_close(struct sweep *sweep)
{
    if (!sweep)
        return;
    db_finalize(sweep->vacuum);
    sqlite3_wal_hook(sweep->store->db, NULL, NULL);
    free(sweep);
}

static struct db_statement *get(struct sweep *sweep, unsigned index, struct err *err)
{
    return db_get(sweep->store, DB_SWEEPS, index, err);
}

static bool run(struct sweep *sweep, unsigned index, int64_t first, int64_t last, struct err *err)
{
    struct db_statement *statement = get(sweep, index, err);

    db_bind_int64(statement, DB_FIRST_ID, first);
    db_bind_int64(statement, DB_LAST_ID, last);
    return db_run(sweep->store, statement, err, "delete the rows of a pruned batch");
}

/* Finds the last row of the next piece of the part; 0: nothing is left. */
static bool find_last(struct sweep *sweep, int64_t *last, struct err *err)
{
    struct db_statement *statement = get(sweep, sweep->part->last, err);
    db_bind_int64(statement, DB_FIRST_ID, id_before(sweep->batch_id));
    db_bind_int64(statement, DB_WANTED, PIECE);
    return db_read_int64(sweep->store, statement, DB_LAST_ID, last, err,
                         "look for rows of a pruned batch");
}

static bool delete_rows(struct sweep *sweep, bool *ended, struct err *err)
{
    const struct part *part = sweep->part;
    int64_t last;

    if (!find_last(sweep, &last, err))
        return false;
    *ended = last == 0;
    for (unsigned i = part->first_delete; last && i <= part->last_delete; i++)
        if (!run(sweep, i, id_before(sweep->batch_id), last, err))
            return false;
    if (last)
        sweep->rows += (uint64_t)sqlite3_changes(
            sweep->store->db); /* of the last statement, which deletes the rows */
    return true;
}

static bool delete_keys(struct sweep *sweep, bool *ended, struct err *err)
{
    int64_t done = sweep->keys_done;

    sweep->keys_done += PIECE;
    *ended = sweep->keys_done >= sweep->keys_count;
    return run(sweep, sweep->part->first_delete, done, sweep->keys_done, err);
}

/* Deletes what a batch has next to its rows. */
static bool delete_rest(struct sweep *sweep, bool *ended, struct err *err)
{
    struct db_statement *tally = get(sweep, SWEEP_REJECTION_TALLY, err);
    struct db_statement *emptied = get(sweep, SWEEP_EMPTIED, err);

    *ended = true;
    db_bind_int64(tally, DB_BATCH_ID, sweep->batch_id);
    db_bind_int64(emptied, DB_BATCH_ID, sweep->batch_id);
    db_bind_int64(emptied, DB_NOW_MS, sweep->now_ms);
    return db_run(sweep->store, tally, err, "delete the counts of a pruned batch") &&
           db_run(sweep->store, emptied, err, "note that a batch is empty");
}

/* The next pages, one a step (https://www.sqlite.org/pragma.html#pragma_incremental_vacuum). */
static bool free_piece(struct sweep *sweep, bool *ended, struct err *err)
{
    int64_t pages, free_pages;
    bool more = true;

    if (!db_exec_int(sweep->store, "PRAGMA page_count", &pages, err) ||
        !db_exec_int(sweep->store, "PRAGMA freelist_count", &free_pages, err))
        return false;
    sweep->free_bytes = (uint64_t)(free_pages * sweep->page_bytes);
    *ended = free_pages <= pages / FREE_SHARE;
    if (*ended)
        return true;
    for (int i = 0; more && i < PIECE_PAGES; i++)
        if (!db_step(sweep->store, sweep->vacuum, &more, err, "give back a page"))
            return false;
    *ended = !more;
    return true;
}

typedef bool piece_function(struct sweep *sweep, bool *ended, struct err *err);

/* Works piece by piece until the time is over. */
static bool work(struct sweep *sweep, piece_function *piece, int64_t begun_us, bool *ended,
                 struct err *err)
{
    int64_t work_us = HOLD_US - sweep->commit_us;

    if (work_us < WORK_US_MIN)
        work_us = WORK_US_MIN;
    *ended = false;
    do {
        if (!piece(sweep, ended, err))
            return false;
    } while (!*ended && clock_monotonic_us() - begun_us < work_us);
    return true;
}

/* One transaction. *held_us: how long nobody else could write. */
static bool transact(struct sweep *sweep, piece_function *piece, bool *ended, int64_t *held_us,
                     struct err *err)
{
    struct store *store = sweep->store;
    int64_t begun_us, done_us;
    bool fine;

    if (!db_begin(store, err))
        return false;
    begun_us = clock_monotonic_us();
    fine = work(sweep, piece, begun_us, ended, err);
    db_reset(sweep->vacuum);
    done_us = clock_monotonic_us();
    if (!db_end(store, fine, err))
        return false;
    *held_us = clock_monotonic_us() - begun_us;
    sweep->commit_us = clock_monotonic_us() - done_us;
    return true;
}

/* Copies the log into the database while it is small, so that a drain does not have to; all of it,
 * because then the next writer begins it again. Others can write at the same time, so it takes a
 * few tries. Needs no lock that a writer needs; the next writer reports what fails here. */
static void copy_log(struct sweep *sweep)
{
    int pages = -1, before;

    if (sweep->log_pages < CHECKPOINT_PAGES)
        return;
    for (int i = 0; i < CHECKPOINTS_MAX; i++) {
        before = pages;
        if (sqlite3_wal_checkpoint_v2(sweep->store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages,
                                      NULL) != SQLITE_OK ||
            pages == before)
            return;
    }
}

/* SQLite has no queue for processes that wait: they look again after 1, 2, 5, 10, 15, 20, 25, 25
 * and 25 ms, then after 50 and more. They find the database free within 100 ms if a pause is not
 * shorter than the longest of these. */
static int pause_ms_after(int64_t held_us)
{
    return (int)((held_us > PAUSE_US_MIN ? held_us : PAUSE_US_MIN) / 1000) + 1;
}

/* Runs transactions to the end of the work, with a pause after each. */
static bool take_turns(struct sweep *sweep, piece_function *piece, struct err *err)
{
    bool ended = false;

    while (!ended) {
        int64_t held_us;

        if (!transact(sweep, piece, &ended, &held_us, err))
            return false;
        crash_point(CRASH_PRUNE_COMMITTED);
        copy_log(sweep);
        if (sweep->watch.report)
            sweep->watch.report(sweep->watch.context, sweep->rows, sweep->free_bytes);
        if (stop_wait_ms(pause_ms_after(held_us)) && !ended)
            return err_set(err, ERR_STOPPED, "stopped; the next prune resumes here");
    }
    return true;
}

static bool sweep_keys(struct sweep *sweep, struct err *err)
{
    sweep->keys_done = 0;
    return keys_sort(sweep->store, sweep->batch_id, sweep->part->rejected, &sweep->keys_count,
                     err) &&
           (sweep->keys_count == 0 || take_turns(sweep, delete_keys, err)) &&
           keys_forget(sweep->store, err);
}

bool sweep_batch(struct sweep *sweep, int64_t batch_id, int64_t now_ms, struct err *err)
{
    sweep->batch_id = batch_id;
    sweep->now_ms = now_ms;
    for (size_t i = 0; i < PARTS; i++) {
        sweep->part = &parts[i];
        if (!(sweep->part->keys ? sweep_keys(sweep, err) : take_turns(sweep, delete_rows, err)))
            return false;
    }
    return take_turns(sweep, delete_rest, err);
}

/* Counts up to `wanted` notifications after *last that came until before_ms, and moves *last on to
 * the last of them; *ended: there are no more. */
static bool look_at_notes(struct store *store, int64_t before_ms, int64_t wanted, int64_t *last,
                          uint64_t *count, bool *ended, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_SWEEPS, SWEEP_NOTES, err);
    bool row = true;

    *ended = false;
    db_bind_int64(statement, DB_BEFORE_MS, before_ms);
    db_bind_int64(statement, DB_FIRST_ID, *last);
    db_bind_int64(statement, DB_WANTED, wanted);
    for (int64_t seen = 0; seen < wanted; seen++) {
        if (!db_step(store, statement, &row, err, "look for old notifications"))
            return false;
        *ended = !row || !db_column_int(statement, DB_IS_CHOSEN);
        if (*ended)
            break;
        *last = db_column_int64(statement, DB_ID);
        *count += !db_column_int(statement, DB_IS_OPEN);
    }
    db_reset(statement);
    return true;
}

bool sweep_count_notifications(struct store *store, int64_t before_ms, uint64_t *count,
                               struct err *err)
{
    int64_t last = 0;
    bool ended;

    *count = 0;
    return look_at_notes(store, before_ms, INT64_MAX, &last, count, &ended, err);
}

static bool delete_notes(struct sweep *sweep, bool *ended, struct err *err)
{
    int64_t first = sweep->notes_done, last = first;
    uint64_t count = 0;

    if (!look_at_notes(sweep->store, sweep->before_ms, PIECE, &last, &count, ended, err))
        return false;
    for (unsigned i = SWEEP_NOTE_TALLY; count > 0 && i <= SWEEP_NOTIFICATIONS; i++)
        if (!run(sweep, i, first, last, err))
            return false;
    sweep->notes_done = last;
    sweep->rows += count;
    return true;
}

bool sweep_notifications(struct sweep *sweep, int64_t before_ms, struct err *err)
{
    sweep->notes_done = 0;
    sweep->before_ms = before_ms;
    return take_turns(sweep, delete_notes, err);
}

bool sweep_shrink(struct sweep *sweep, struct err *err)
{
    struct sweep_size size = {0};

    if (!sweep_measure(sweep->store, &size, err) ||
        !db_exec_int(sweep->store, "PRAGMA page_size", &sweep->page_bytes, err))
        return false;
    if (size.shrinks && !take_turns(sweep, free_piece, err))
        return false;
    sweep->log_pages = CHECKPOINT_PAGES; /* the file is shorter once the log is in it */
    copy_log(sweep);
    return true;
}

bool sweep_measure(struct store *store, struct sweep_size *size, struct err *err)
{
    int64_t mode, page_bytes, free_pages;
    struct stat status;

    if (!db_exec_int(store, "PRAGMA auto_vacuum", &mode, err) ||
        !db_exec_int(store, "PRAGMA page_size", &page_bytes, err) ||
        !db_exec_int(store, "PRAGMA freelist_count", &free_pages, err))
        return false;
    if (stat(store->path, &status) != 0)
        return err_set(err, ERR_STORE, "database %s: %s", store->path, strerror(errno));
    *size = (struct sweep_size){status.st_size, free_pages * page_bytes, mode != 0};
    return true;
}
