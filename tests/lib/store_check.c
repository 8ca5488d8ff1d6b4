/* What must hold of a database after every transaction. */
#include "core/store/summary.h"
#include "tests/lib/store_fixture.h"

#include "core/store/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* Each finds rows that ought not to be there. */
static const struct {
    const char *wrong, *sql;
} faults[] = {
    {"a counter differs from what it counts",
     "SELECT t.* FROM batch_tally t JOIN batch b ON b.id = t.batch_id AND b.pruned_ms IS NULL "
     "WHERE (t.pending, t.sending, t.unknown, t.applied, "
     "t.unchanged, t.conflict, t.refused, t.failed, t.dismissed, t.cancelled) IS NOT "
     "(SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = "
     "'sending'), "
     "count(*) FILTER (WHERE state = 'unknown'), count(*) FILTER (WHERE state = 'applied'), "
     "count(*) FILTER (WHERE state = 'unchanged'), count(*) FILTER (WHERE state = 'conflict'), "
     "count(*) FILTER (WHERE state = 'refused'), count(*) FILTER (WHERE state = 'failed'), "
     "count(*) FILTER (WHERE state = 'dismissed'), count(*) FILTER (WHERE state = 'cancelled') "
     "FROM (SELECT coalesce(s.state, 'pending') AS state FROM job_row r "
     "LEFT JOIN job_state s ON s.job_id = r.id WHERE r.id > t.batch_id * 1000000000 "
     "AND r.id < (t.batch_id + 1) * 1000000000))"},
    {"a counter differs from the notifications and deliveries that it counts",
     "SELECT * FROM notification_tally WHERE (accepted, not_accepted, echo, pending, delivered, "
     "failed) IS NOT (SELECT count(*) FILTER (WHERE n.state = 'accepted'), "
     "count(*) FILTER (WHERE n.state = 'not_accepted'), count(*) FILTER (WHERE n.state = 'echo'), "
     "count(*) FILTER (WHERE d.state = 'pending'), count(*) FILTER (WHERE d.state = 'delivered'), "
     "count(*) FILTER (WHERE d.state = 'failed') FROM notification n LEFT JOIN outbox d "
     "ON d.id = n.id)"},
    {"a delivery waits for nothing",
     "SELECT d.id FROM outbox d JOIN notification n ON n.id = d.id WHERE d.state = 'pending' "
     "AND d.not_before_ms IS NULL AND n.job_id IS NULL AND NOT EXISTS (SELECT 1 FROM outbox e "
     "JOIN notification m ON m.id = e.id WHERE m.record_id = n.record_id AND m.id < n.id "
     "AND e.state = 'pending')"},
    {"an accepted notification has no delivery",
     "SELECT id FROM notification WHERE state = 'accepted' AND id NOT IN (SELECT id FROM "
     "delivery)"},
    {"a delivery has no notification",
     "SELECT id FROM outbox WHERE id NOT IN (SELECT id FROM notification)"},
    {"a row belongs to no batch",
     "SELECT id FROM job_row WHERE id / 1000000000 NOT IN (SELECT batch_id FROM batch_tally)"},
    {"a job has a state and no row",
     "SELECT job_id FROM job_state WHERE job_id NOT IN (SELECT id FROM job_row)"},
    {"a row before the cursor has no state", "SELECT r.id, t.next_job_id FROM job_row r "
                                             "JOIN batch_tally t ON t.batch_id = r.id / 1000000000 "
                                             "LEFT JOIN job_state s ON s.job_id = r.id "
                                             "WHERE r.id < t.next_job_id AND s.job_id IS NULL"},
    {"a row is not in the index on record ids",
     "SELECT r.record_id, r.id FROM job_row r JOIN batch b ON b.id = r.id / 1000000000 "
     "WHERE b.state IN ('open', 'done') AND b.pruned_ms IS NULL "
     "EXCEPT SELECT record_id, job_id FROM record_job"},
    {"the index on record ids has a row too many",
     "SELECT record_id, job_id FROM record_job EXCEPT SELECT record_id, id FROM job_row"},
    {"the row counts of a batch do not add up",
     "SELECT b.id, b.rows_read, b.rows_rejected, b.rows_discarded FROM batch b "
     "WHERE b.pruned_ms IS NULL AND b.rows_read <> b.rows_rejected + b.rows_discarded + "
     "(SELECT count(*) FROM job_row r WHERE r.id > b.id * 1000000000 "
     "AND r.id < (b.id + 1) * 1000000000)"},
    {"rejected rows are miscounted",
     "SELECT b.id FROM batch b WHERE b.pruned_ms IS NULL AND b.rows_rejected <> "
     "(SELECT count(*) FROM rejected_row r WHERE r.batch_id = b.id)"},
    {"a violation has no rejected row",
     "SELECT batch_id, row_no FROM violation EXCEPT SELECT batch_id, row_no FROM rejected_row"},
    {"a rejected row has no violation",
     "SELECT batch_id, row_no FROM rejected_row EXCEPT SELECT batch_id, row_no FROM violation"},
    {"rejected rows are miscounted by field and rule",
     "SELECT * FROM (SELECT * FROM "
     "(SELECT batch_id, field, rule, count(DISTINCT row_no) AS rows FROM violation "
     "GROUP BY batch_id, field, rule EXCEPT SELECT batch_id, field, rule, rows FROM "
     "rejection_tally) UNION ALL SELECT * FROM (SELECT batch_id, field, rule, rows FROM "
     "rejection_tally EXCEPT SELECT batch_id, field, rule, count(DISTINCT row_no) FROM violation "
     "GROUP BY batch_id, field, rule)) "
     "WHERE batch_id IN (SELECT id FROM batch WHERE pruned_ms IS NULL)"},
    {"a batch is empty and has rows",
     "SELECT b.id FROM batch b WHERE b.emptied_ms IS NOT NULL AND (EXISTS (SELECT 1 FROM job_row r "
     "WHERE r.id > b.id * 1000000000 AND r.id < (b.id + 1) * 1000000000) "
     "OR EXISTS (SELECT 1 FROM rejected_row r WHERE r.batch_id = b.id))"},
    {"a rejected row is not in the index on record ids",
     "SELECT r.record_id, r.batch_id * 1000000000 + r.row_no FROM rejected_row r "
     "JOIN batch b ON b.id = r.batch_id WHERE r.record_id IS NOT NULL "
     "AND b.state IN ('open', 'done') AND b.pruned_ms IS NULL "
     "EXCEPT SELECT record_id, rejection_id FROM record_rejection"},
    {"the index on record ids has a rejected row too many",
     "SELECT record_id, rejection_id FROM record_rejection EXCEPT "
     "SELECT record_id, batch_id * 1000000000 + row_no FROM rejected_row"},
    {"a job waits without a reason",
     "SELECT s.job_id, s.waits_for FROM job_state s "
     "LEFT JOIN job_row r ON r.id = s.job_id LEFT JOIN job_row w ON w.id = s.waits_for "
     "LEFT JOIN job_state e ON e.job_id = s.waits_for "
     "WHERE s.waits_for > 0 AND (s.state <> 'pending' OR s.not_before_ms IS NOT NULL "
     "OR s.waits_for >= s.job_id OR r.record_id IS NOT w.record_id "
     "OR coalesce(e.state, 'pending') NOT IN ('pending', 'sending', 'unknown'))"},
    {"a job that was opened again is finished",
     "SELECT k.job_id FROM reopened_job k LEFT JOIN job_state s ON s.job_id = k.job_id "
     "WHERE coalesce(s.state, 'pending') NOT IN ('pending', 'sending', 'unknown')"},
    {"a job is left to the next run and due, or at its end",
     "SELECT job_id FROM job_state WHERE waits_for <= 0 AND (not_before_ms IS NOT NULL "
     "OR state NOT IN ('pending', 'unknown'))"},
    {"a pending job is neither due nor waiting",
     "SELECT job_id FROM job_state WHERE state = 'pending' AND not_before_ms IS NULL "
     "AND waits_for IS NULL"},
    {"a job in hand or at its end is due",
     "SELECT job_id, state FROM job_state WHERE state NOT IN ('pending', 'unknown') "
     "AND not_before_ms IS NOT NULL"},
    {"a job was sent without a correlation id",
     "SELECT job_id FROM job_state WHERE attempts > 0 AND length(correlation_id) IS NOT 16"},
    {"an open batch has no occurrence",
     "SELECT id FROM batch WHERE state = 'open' AND occurrence IS NULL"},
    {"two batches have the same occurrence of a content",
     "SELECT min(id) FROM batch WHERE occurrence IS NOT NULL "
     "GROUP BY schema, content_hash, occurrence HAVING count(*) > 1"},
    {"a correlation id is not a job's own",
     "SELECT hex(correlation_id) FROM job_state WHERE correlation_id IS NOT NULL "
     "GROUP BY correlation_id HAVING count(*) > 1"},
    {"a job is sent without an attempt that carries its version",
     "SELECT s.job_id FROM job_state s WHERE s.state = 'sending' AND NOT EXISTS "
     "(SELECT 1 FROM attempt a WHERE a.job_id = s.job_id AND a.method = 'PUT' "
     "AND a.ended_ms IS NULL AND a.sent_version IS s.sent_version)"},
    {"more attempts are counted than there are",
     "SELECT s.job_id FROM job_state s WHERE s.attempts > "
     "(SELECT count(*) FROM attempt a WHERE a.job_id = s.job_id AND a.method = 'PUT')"},
    {"a conflict waits whose job is in none",
     "SELECT job_id FROM conflict WHERE resolved_ms IS NULL EXCEPT "
     "SELECT job_id FROM job_state WHERE state = 'conflict'"},
    {"a job is in a conflict that does not wait",
     "SELECT job_id FROM job_state WHERE state = 'conflict' EXCEPT "
     "SELECT job_id FROM conflict WHERE resolved_ms IS NULL"},
    {"a batch is open without open jobs, or done with some",
     "SELECT b.id, b.state FROM batch b JOIN batch_tally t ON t.batch_id = b.id "
     "WHERE (b.state = 'open' AND t.pending + t.sending + t.unknown = 0) "
     "OR (b.state = 'done' AND t.pending + t.sending + t.unknown > 0)"},
    {"a batch ended at no time or in no run",
     "SELECT id, state FROM batch WHERE (state IN ('done', 'refused')) <> "
     "(finished_ms IS NOT NULL) OR (finished_ms IS NULL AND finished_run_id IS NOT NULL) "
     "OR (finished_ms IS NOT NULL AND finished_run_id IS NULL AND NOT EXISTS (SELECT 1 "
     "FROM batch_tally t WHERE t.batch_id = id AND t.cancelled > 0))"},
    {"the database is corrupt",
     "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"},
};

static void check_hand(struct fixture *fixture)
{
    char expected[32], sql[512];

    snprintf(expected, sizeof expected, "%u", fixture->in_hand_count + fixture->settling_count);
    /* a job that is fetched looks like one left to the next run, but for its open attempt */
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM job_state s WHERE state = 'sending' OR (state = 'unknown' "
             "AND not_before_ms IS NULL AND waits_for IS NULL) OR (state = 'pending' "
             "AND waits_for = %lld AND (SELECT ended_ms IS NULL FROM attempt "
             "WHERE job_id = s.job_id ORDER BY id DESC LIMIT 1))",
             -(long long)fixture->run_id);
    if (strcmp(fixture_ask(fixture, sql), expected) != 0)
        fail_msg("%s jobs are in hand by the database, not %s", buf_text(&fixture->answer),
                 expected);
}

static bool check_batch(void *context, const struct batch_counts *batch, struct err *err)
{
    (void)context;
    return summary_balance(batch, err);
}

void fixture_check_idle(const struct fixture *fixture)
{
    sqlite3 *db = fixture->store->db;

    for (sqlite3_stmt *each = NULL; (each = sqlite3_next_stmt(db, each));)
        if (sqlite3_stmt_busy(each))
            fail_msg("a statement was not reset: %s", sqlite3_sql(each));
    if (!sqlite3_get_autocommit(db))
        fail_msg("a transaction is open");
}

void fixture_check(struct fixture *fixture)
{
    fixture_check_idle(fixture);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const char *rows = fixture_ask(fixture, faults[i].sql);

        if (*rows)
            fail_msg("%s: %s", faults[i].wrong, rows);
    }
    if (!fixture->interrupted)
        check_hand(fixture);
    if (!summary_batches(fixture->store, SUMMARY_ALL, 0, check_batch, NULL, &fixture->err))
        fail_msg("%s", fixture->err.text);
}
