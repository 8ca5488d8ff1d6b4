#include "core/store/history.h"

#include "core/store/db.h"

/* Joins the jobs of the records in question. */
#define JOBS                                                                                       \
    "record_job k JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL " AND b.pruned_ms IS NULL "      \
    "AND (:schema IS NULL OR b.schema = :schema) "
#define OF_THEM "WHERE k.record_id = :record_id "

/* The arms of the story have these columns, in the order of read_event: place in time (schema, at,
 * job, kind, id), then what an event can mention. */
static const char *const sql[] = {
    "SELECT b.schema AS schema, b.created_ms AS at_ms, k.job_id AS job_id, 0 AS kind, 0 AS id, "
    "b.source, r.line_no, r.version, r.fields, NULL AS server_version, NULL AS run_id, "
    "NULL AS ended_ms, NULL AS latency_us, NULL AS http_status, NULL AS what, NULL AS code, "
    "NULL AS error, NULL AS evidence, NULL AS correlation, NULL AS attempts, NULL AS due_ms, "
    "NULL AS waits_for FROM " JOBS "JOIN job_row r ON r.id = k.job_id " OF_THEM
    "UNION ALL SELECT b.schema, b.created_ms, b.id * " ID_ROWS_SQL " + r.row_no, 1, 0, b.source, "
    "r.line_no, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, " DB_VIOLATIONS
    ", NULL, NULL, NULL, NULL, NULL FROM record_rejection k JOIN rejected_row r "
    "ON r.batch_id = k.rejection_id / " ID_ROWS_SQL " AND r.row_no = k.rejection_id % " ID_ROWS_SQL
    " JOIN batch b ON b.id = r.batch_id AND b.pruned_ms IS NULL "
    "AND (:schema IS NULL OR b.schema = :schema) " OF_THEM
    "UNION ALL SELECT b.schema, a.started_ms, k.job_id, 2, a.id, NULL, NULL, a.sent_version, NULL, "
    "NULL, a.run_id, a.ended_ms, a.latency_us, a.http_status, a.method, a.sent_token, a.error, "
    "a.evidence, "
    "a.correlation_header, NULL, NULL, NULL FROM " JOBS
    "JOIN attempt a ON a.job_id = k.job_id " OF_THEM
    "UNION ALL SELECT b.schema, c.detected_ms, k.job_id, 3, c.id, NULL, NULL, c.submitted_version, "
    "NULL, c.server_version, NULL, NULL, NULL, NULL, iif(c.server_record IS NULL, NULL, 'shown'), "
    "NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM " JOBS
    "JOIN conflict c ON c.job_id = k.job_id " OF_THEM
    "UNION ALL SELECT b.schema, c.resolved_ms, k.job_id, 4, c.id, NULL, NULL, NULL, NULL, NULL, "
    "NULL, NULL, NULL, NULL, c.resolution, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM " JOBS
    "JOIN conflict c ON c.job_id = k.job_id AND c.resolved_ms IS NOT NULL " OF_THEM
    "UNION ALL SELECT b.schema, coalesce(s.updated_ms, b.created_ms), k.job_id, 5, 0, NULL, NULL, "
    "NULL, NULL, s.server_version, NULL, NULL, NULL, s.http_status, coalesce(s.state, 'pending'), "
    "s.error_code, s.error_message, " DB_SERVER_VIOLATIONS(
        "k.job_id") ", NULL, s.attempts, "
                    "s.not_before_ms, iif(s.waits_for > 0, s.waits_for, NULL) FROM " JOBS
                    "LEFT JOIN job_state s ON s.job_id = k.job_id " OF_THEM
                    "UNION ALL SELECT b.schema, a.checked_ms, k.job_id, 6, 0, NULL, NULL, NULL, "
                    "NULL, NULL, "
                    "a.run_id, NULL, NULL, NULL, a.verdict, NULL, NULL, a.entry, NULL, NULL, NULL, "
                    "NULL FROM " JOBS "JOIN audit a ON a.job_id = k.job_id " OF_THEM
                    "UNION ALL SELECT n.schema, n.received_ms, 0, 7, n.id, NULL, NULL, "
                    "NULL, n.body, NULL, NULL, iif(d.state = 'pending', NULL, d.updated_ms), "
                    "NULL, d.http_status, n.state, d.state, d.error, n.reason, NULL, "
                    "d.attempts, d.not_before_ms, NULL FROM notification n LEFT JOIN outbox d "
                    "ON d.id = n.id WHERE n.record_id = :record_id AND (:schema IS NULL "
                    "OR n.schema = :schema) ORDER BY schema, at_ms, job_id, kind, id",
};

const struct db_statements history_statements = {sql, sizeof sql / sizeof *sql};

static struct history_number number(struct db_statement *statement, enum db_name name)
{
    return (struct history_number){!db_column_is_null(statement, name),
                                   db_column_int64(statement, name)};
}

static void read_event(struct db_statement *statement, struct history_event *event)
{
    *event = (struct history_event){
        .schema = db_column_span(statement, DB_SCHEMA),
        .at_ms = db_column_int64(statement, DB_AT_MS),
        .job_id = db_column_int64(statement, DB_JOB_ID),
        .id = db_column_int64(statement, DB_ID),
        .kind = (enum history_kind)db_column_int(statement, DB_KIND),
        .source = db_column_span(statement, DB_SOURCE),
        .line_no = number(statement, DB_LINE_NO),
        .version = number(statement, DB_VERSION),
        .fields = db_column_span(statement, DB_FIELDS),
        .server_version = number(statement, DB_SERVER_VERSION),
        .run_id = number(statement, DB_RUN_ID),
        .ended_ms = number(statement, DB_ENDED_MS),
        .latency_us = number(statement, DB_LATENCY_US),
        .http_status = number(statement, DB_HTTP_STATUS),
        .what = db_column_span(statement, DB_WHAT),
        .code = db_column_span(statement, DB_CODE),
        .error = db_column_span(statement, DB_ERROR),
        .evidence = db_column_span(statement, DB_EVIDENCE),
        .correlation = db_column_span(statement, DB_CORRELATION),
        .attempts = number(statement, DB_ATTEMPTS),
        .due_ms = number(statement, DB_DUE_MS),
        .waits_for = number(statement, DB_WAITS_FOR),
    };
}

bool history_record(struct store *store, struct span record_id, const char *schema,
                    bool (*visit)(void *context, const struct history_event *event,
                                  struct err *err),
                    void *context, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_HISTORIES, 0, err);
    struct history_event event;
    bool fine = true;

    db_bind_span(statement, DB_RECORD_ID, record_id);
    db_bind_text(statement, DB_SCHEMA, schema);
    while (db_next(store, statement, &fine, err, "read the history")) {
        read_event(statement, &event);
        fine = visit(context, &event, err);
    }
    db_reset(statement);
    return fine;
}
