#include "core/store/prune.h"

#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/store/db.h"

#include <stdlib.h>

enum { PRUNE_BATCHES, PRUNE_LATER, PRUNE_MARK };

static const char *const sql[] = {
    [PRUNE_BATCHES] =
        "SELECT b.id, b.finished_ms, b.pruned_ms IS NOT NULL AS is_begun, b.state = 'open' AS "
        "is_open, t.conflict, :wanted AND t.applied > 0 AND EXISTS (SELECT 1 FROM batch_audit u "
        "WHERE u.batch_id = b.id AND u.due) AS is_due, "
        "b.filing IN (1, 2) AND b.filed_ms IS NULL AS is_unfiled, "
        "b.state = 'refused' AND b.rows_read > b.rows_rejected + b.rows_discarded AS "
        "is_discarding, "
        "b.state " IN_BATCHES_ENDED " AND b.finished_ms <= :before_ms AS is_chosen, "
        "t.failed + t.refused + t.conflict > 0 AS is_at_stake FROM batch b "
        "JOIN batch_tally t ON t.batch_id = b.id WHERE b.emptied_ms IS NULL ORDER BY b.id",
    /* Jobs from :first_id to :end_id that can be sent again, and the later batches in which a later
       row of the record was applied: without that row nothing shows that the job is superseded. Of
       open batches (:is_open), all jobs that were sent count, because --even-if-superseded sends
       some of them. */
    [PRUNE_LATER] =
        "WITH stake (job_id) AS ("
        "SELECT job_id FROM job_state WHERE state " IN_RETRIABLE
        " AND job_id > :first_id AND job_id < :end_id "
        "UNION ALL SELECT job_id FROM conflict WHERE resolved_ms IS NULL "
        "AND job_id > :first_id AND job_id < :end_id "
        "UNION ALL SELECT job_id FROM job_state WHERE :is_open AND job_id > :first_id AND job_id < "
        ":end_id "
        "AND state " IN_OPEN ") "
        "SELECT l.id, min(stake.job_id) AS needed_by FROM stake "
        "CROSS JOIN job_row r ON r.id = stake.job_id "
        "CROSS JOIN record_job k ON k.record_id = r.record_id AND k.job_id >= :end_id "
        "CROSS JOIN job_state e ON e.job_id = k.job_id AND e.state " IN_LANDED
        " CROSS JOIN batch l ON l.id = k.job_id / " ID_ROWS_SQL " AND l.schema = "
        "(SELECT schema FROM batch WHERE id = :first_id / " ID_ROWS_SQL ") GROUP BY l.id",
    [PRUNE_MARK] =
        "UPDATE batch SET pruned_ms = :now_ms WHERE id = :batch_id AND pruned_ms IS NULL "
        "AND state " IN_BATCHES_ENDED " AND finished_ms = :finished_ms",
};

const struct db_statements prune_statements = {sql, sizeof sql / sizeof *sql};

static struct prune_item *add_item(struct prune_plan *plan)
{
    if (plan->count == plan->capacity) {
        plan->capacity = plan->capacity ? 2 * plan->capacity : 64;
        plan->items = mem_resize(plan->items, plan->capacity, sizeof *plan->items);
    }
    return &plan->items[plan->count++];
}

static enum prune_fate fate_of(struct db_statement *statement)
{
    static const struct {
        enum db_name column;
        enum prune_fate fate;
    } reasons[] = {{DB_CONFLICT, PRUNE_CONFLICT},
                   {DB_IS_DUE, PRUNE_AUDIT},
                   {DB_IS_UNFILED, PRUNE_UNFILED},
                   {DB_IS_DISCARDING, PRUNE_DISCARDING}};

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (db_column_int64(statement, reasons[i].column) != 0)
            return reasons[i].fate;
    return PRUNE_GOES;
}

/* All batches that have rows. */
static bool read_batches(struct store *store, int64_t before_ms, bool audits,
                         struct prune_plan *plan, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_PRUNES, PRUNE_BATCHES, err);
    bool fine = true;

    db_bind_int64(statement, DB_BEFORE_MS, before_ms);
    db_bind_int64(statement, DB_WANTED, audits);
    while (db_next(store, statement, &fine, err, "look for batches to prune")) {
        bool begun = db_column_int(statement, DB_IS_BEGUN);

        *add_item(plan) = (struct prune_item){
            .batch_id = db_column_int64(statement, DB_ID),
            .finished_ms = db_column_int64(statement, DB_FINISHED_MS),
            .begun = begun,
            .open = db_column_int(statement, DB_IS_OPEN),
            .fate = begun ? PRUNE_GOES : fate_of(statement),
            .conflicts = db_column_int64(statement, DB_CONFLICT),
            .chosen = begun || db_column_int(statement, DB_IS_CHOSEN),
            .at_stake = db_column_int(statement, DB_IS_AT_STAKE),
        };
    }
    return fine;
}

static struct prune_item *find_item(const struct prune_plan *plan, int64_t batch_id)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->items[i].batch_id == batch_id)
            return &plan->items[i];
    return NULL;
}

/* Keeps the later batches that show whether jobs of this one, which stays, are superseded. */
static bool keep_later(struct store *store, const struct prune_plan *plan,
                       const struct prune_item *item, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_PRUNES, PRUNE_LATER, err);
    bool fine = true;

    db_bind_batch(statement, item->batch_id);
    db_bind_int64(statement, DB_IS_OPEN, item->open);
    while (db_next(store, statement, &fine, err, "look for later rows")) {
        struct prune_item *later = find_item(plan, db_column_int64(statement, DB_ID));

        if (!later || later->begun || later->fate != PRUNE_GOES)
            continue;
        later->fate = PRUNE_NEEDED;
        later->needed_by = db_column_int64(statement, DB_NEEDED_BY);
    }
    return fine;
}

/* From the first batch on, because each that stays can keep later ones. */
static bool keep_needed(struct store *store, struct prune_plan *plan, struct err *err)
{
    size_t end = plan->count, kept = 0;

    while (end > 0 && !plan->items[end - 1].chosen)
        end--;
    for (size_t i = 0; i < end; i++) {
        const struct prune_item *item = &plan->items[i];
        bool stays = !item->chosen || item->fate != PRUNE_GOES;

        if (stays && (item->open || item->at_stake) && !keep_later(store, plan, item, err))
            return false;
        if (item->chosen)
            plan->items[kept++] = *item;
    }
    plan->count = kept;
    return true;
}

bool prune_plan_make(struct store *store, int64_t before_ms, bool audits, struct prune_plan *plan,
                     struct err *err)
{
    bool fine = db_exec(store, "BEGIN", err); /* all of it as of one moment */

    plan->count = 0;
    fine =
        fine && read_batches(store, before_ms, audits, plan, err) && keep_needed(store, plan, err);
    db_rollback(store);
    return fine;
}

void prune_plan_release(struct prune_plan *plan)
{
    free(plan->items);
    *plan = (struct prune_plan){0};
}

static bool mark_all(struct store *store, const struct prune_plan *plan, int64_t now_ms,
                     bool *marked, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_PRUNES, PRUNE_MARK, err);

    *marked = true;
    for (size_t i = 0; *marked && i < plan->count; i++) {
        const struct prune_item *item = &plan->items[i];

        if (item->begun || item->fate != PRUNE_GOES)
            continue;
        db_bind_int64(statement, DB_BATCH_ID, item->batch_id);
        db_bind_int64(statement, DB_NOW_MS, now_ms);
        db_bind_int64(statement, DB_FINISHED_MS, item->finished_ms);
        if (!db_run(store, statement, err, "mark a batch pruned"))
            return false;
        *marked = sqlite3_changes(store->db) == 1;
    }
    return true;
}

bool prune_mark(struct store *store, const struct prune_plan *plan, int64_t now_ms, bool *marked,
                struct err *err)
{
    bool fine;

    if (!db_begin(store, err))
        return false;
    fine = mark_all(store, plan, now_ms, marked, err);
    if (!db_end(store, fine && *marked, err))
        return fine && !*marked;
    crash_point(CRASH_PRUNE_MARKED);
    return true;
}
