#include "core/store/unfiled.h"

#include "core/store/db.h"

#include <stdio.h>

enum { UNFILED_NEXT, UNFILED_MARK, UNFILED_REJECTIONS };

static const char *const sql[] = {
    [UNFILED_NEXT] =
        "SELECT id, source, path, schema, schema_hash, format, options, content_hash, size_bytes, "
        "device, inode, mtime_ns, filing, bytes_done, lines_done, rows_read, rows_rejected, "
        "prefix_hash, state, reason, over_limit FROM batch WHERE id > :after AND (state = "
        "'loading' "
        "OR (state = 'refused' AND rows_read > rows_rejected + rows_discarded) "
        "OR (filing IN (1, 2) AND filed_ms IS NULL)) ORDER BY id LIMIT 1",
    [UNFILED_MARK] =
        "UPDATE batch SET filed_ms = :now_ms WHERE id = :batch_id AND filed_ms IS NULL",
    [UNFILED_REJECTIONS] = "SELECT r.row_no, r.line_no, r.record_id, r.raw, v.field, v.rule, "
                           "v.message, v.place FROM rejected_row r JOIN violation v "
                           "ON v.batch_id = r.batch_id AND v.row_no = r.row_no "
                           "WHERE r.batch_id = :batch_id ORDER BY r.row_no, v.place",
};

const struct db_statements unfiled_statements = {sql, sizeof sql / sizeof *sql};

/* Columns of UNFILED_NEXT that are texts. */
static const enum db_name text_columns[] = {
    DB_SOURCE, DB_PATH,    DB_SCHEMA,       DB_SCHEMA_HASH,
    DB_FORMAT, DB_OPTIONS, DB_CONTENT_HASH, DB_REASON,
};

static bool read_unfinished(struct store *store, struct db_statement *statement,
                            struct batch_unfinished *batch, struct err *err)
{
    const char *texts[sizeof text_columns / sizeof *text_columns];

    db_keep_texts(store, statement, text_columns, sizeof text_columns / sizeof *text_columns,
                  texts);
    batch->id = db_column_int64(statement, DB_ID);
    batch->origin = (struct batch_origin){
        .source = texts[0],
        .path = db_column_is_null(statement, DB_PATH) ? NULL : texts[1],
        .schema = texts[2],
        .schema_hash = texts[3],
        .format = texts[4],
        .options = texts[5],
        .content_hash = texts[6],
        .size_bytes = (uint64_t)db_column_int64(statement, DB_SIZE_BYTES),
        .device = (uint64_t)db_column_int64(statement, DB_DEVICE),
        .inode = (uint64_t)db_column_int64(statement, DB_INODE),
        .mtime_ns = db_column_int64(statement, DB_MTIME_NS),
        .filing = (enum batch_filing)db_column_int(statement, DB_FILING),
    };
    batch->progress = (struct batch_progress){
        .bytes = (uint64_t)db_column_int64(statement, DB_BYTES_DONE),
        .lines = (uint64_t)db_column_int64(statement, DB_LINES_DONE),
        .rows = (uint32_t)db_column_int64(statement, DB_ROWS_READ),
        .rejected = (uint32_t)db_column_int64(statement, DB_ROWS_REJECTED),
    };
    snprintf(batch->progress.prefix_hash, sizeof batch->progress.prefix_hash, "%s",
             db_column_text(statement, DB_PREFIX_HASH));
    batch->reason = texts[7];
    batch->over_limit = db_column_int(statement, DB_OVER_LIMIT);
    return db_column_batch_state(store, statement, &batch->state, err);
}

bool batch_next_unfinished(struct store *store, int64_t after, struct batch_unfinished *batch,
                           bool *found, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_UNFILED, UNFILED_NEXT, err);
    bool fine;

    db_bind_int64(statement, DB_AFTER, after);
    if (!db_step(store, statement, found, err, "look for unfinished batches"))
        return false;
    fine = !*found || read_unfinished(store, statement, batch, err);
    db_reset(statement);
    return fine;
}

bool batch_filed(struct store *store, int64_t batch_id, int64_t now_ms, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_UNFILED, UNFILED_MARK, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    return db_run(store, statement, err, "mark the batch filed");
}

bool batch_rejections(struct store *store, int64_t batch_id,
                      bool (*visit)(void *context, const struct rejection *rejection,
                                    struct err *err),
                      void *context, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_UNFILED, UNFILED_REJECTIONS, err);
    bool fine = true;

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    while (db_next(store, statement, &fine, err, "read rejected rows")) {
        struct rejection rejection = {
            .row_no = (uint32_t)db_column_int64(statement, DB_ROW_NO),
            .line_no = (uint64_t)db_column_int64(statement, DB_LINE_NO),
            .record_id = db_column_span(statement, DB_RECORD_ID),
            .raw = db_column_blob(statement, DB_RAW),
            .field = db_column_span(statement, DB_FIELD),
            .rule = db_column_span(statement, DB_RULE),
            .message = db_column_span(statement, DB_MESSAGE),
            .first = db_column_int64(statement, DB_PLACE) == 0,
        };

        fine = visit(context, &rejection, err);
    }
    db_reset(statement);
    return fine;
}
