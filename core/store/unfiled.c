/* What is left to do for batches that were read, or were not read to their end: which they are, and
 * what is filed beside their files; see intake.h. */
#include "core/store/db.h"
#include "core/store/intake.h"

#include <stdio.h>

enum { UNFILED_NEXT, UNFILED_MARK, UNFILED_REJECTIONS };

static const char *const sql[] = {
    [UNFILED_NEXT] =
        "SELECT id, source, path, schema, schema_hash, format, options, content_hash, size_bytes, "
        "device, inode, mtime_ns, filing, bytes_done, lines_done, rows_read, rows_rejected, "
        "prefix_hash, state, reason FROM batch WHERE id > ?1 AND (state = 'loading' "
        "OR (state = 'refused' AND rows_read > rows_rejected + rows_discarded) "
        "OR (filing IN (1, 2) AND filed_ms IS NULL)) ORDER BY id LIMIT 1",
    [UNFILED_MARK] = "UPDATE batch SET filed_ms = ?2 WHERE id = ?1 AND filed_ms IS NULL",
    [UNFILED_REJECTIONS] = "SELECT r.row_no, r.line_no, r.record_id, r.raw, v.field, v.rule, "
                           "v.message, v.place FROM rejected_row r JOIN violation v "
                           "ON v.batch_id = r.batch_id AND v.row_no = r.row_no "
                           "WHERE r.batch_id = ?1 ORDER BY r.row_no, v.place",
};

const struct db_statements unfiled_statements = {sql, sizeof sql / sizeof *sql};

static sqlite3_stmt *get(struct store *store, unsigned index, struct err *err)
{
    return db_get(store, DB_UNFILED, index, err);
}

/* Columns of UNFILED_NEXT that are texts, in its order. */
static const int text_columns[] = {1, 2, 3, 4, 5, 6, 7, 19};

/* Copies the texts, because a statement left open would hold its snapshot and make the next
 * transaction of this connection fail at once. */
static void keep_texts(struct store *store, sqlite3_stmt *statement,
                       const char *texts[sizeof text_columns / sizeof *text_columns])
{
    enum { COUNT = sizeof text_columns / sizeof *text_columns };
    size_t starts[COUNT];

    buf_reset(&store->texts);
    for (unsigned i = 0; i < COUNT; i++) {
        starts[i] = store->texts.size;
        buf_append_span(&store->texts, db_column_span(statement, text_columns[i]));
        buf_append_char(&store->texts, '\0');
    }
    for (unsigned i = 0; i < COUNT; i++)
        texts[i] = store->texts.data + starts[i];
}

static void read_unfinished(struct store *store, sqlite3_stmt *statement,
                            struct batch_unfinished *batch)
{
    const char *texts[sizeof text_columns / sizeof *text_columns];

    keep_texts(store, statement, texts);
    batch->id = sqlite3_column_int64(statement, 0);
    batch->origin = (struct batch_origin){
        .source = texts[0],
        .path = sqlite3_column_type(statement, 2) == SQLITE_NULL ? NULL : texts[1],
        .schema = texts[2],
        .schema_hash = texts[3],
        .format = texts[4],
        .options = texts[5],
        .content_hash = texts[6],
        .size_bytes = (uint64_t)sqlite3_column_int64(statement, 8),
        .device = (uint64_t)sqlite3_column_int64(statement, 9),
        .inode = (uint64_t)sqlite3_column_int64(statement, 10),
        .mtime_ns = sqlite3_column_int64(statement, 11),
        .filing = (enum batch_filing)sqlite3_column_int(statement, 12),
    };
    batch->progress = (struct batch_progress){
        .bytes = (uint64_t)sqlite3_column_int64(statement, 13),
        .lines = (uint64_t)sqlite3_column_int64(statement, 14),
        .rows = (uint32_t)sqlite3_column_int64(statement, 15),
        .rejected = (uint32_t)sqlite3_column_int64(statement, 16),
    };
    snprintf(batch->progress.prefix_hash, sizeof batch->progress.prefix_hash, "%s",
             sqlite3_column_text(statement, 17));
    snprintf(batch->state, sizeof batch->state, "%s", sqlite3_column_text(statement, 18));
    batch->reason = texts[7];
}

bool batch_next_unfinished(struct store *store, int64_t after, struct batch_unfinished *batch,
                           bool *found, struct err *err)
{
    sqlite3_stmt *statement = get(store, UNFILED_NEXT, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, after);
    if (!db_step(store, statement, found, err, "look for unfinished batches"))
        return false;
    if (*found) {
        read_unfinished(store, statement, batch);
        sqlite3_reset(statement);
    }
    return true;
}

bool batch_filed(struct store *store, int64_t batch_id, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *statement = get(store, UNFILED_MARK, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, batch_id);
    sqlite3_bind_int64(statement, 2, now_ms);
    return db_run(store, statement, err, "mark the batch filed");
}

bool batch_rejections(struct store *store, int64_t batch_id,
                      bool (*visit)(void *context, const struct rejection *rejection,
                                    struct err *err),
                      void *context, struct err *err)
{
    sqlite3_stmt *statement = get(store, UNFILED_REJECTIONS, err);
    bool row = true, fine = true;

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, batch_id);
    while (fine && row) {
        fine = db_step(store, statement, &row, err, "read rejected rows");
        if (!fine || !row)
            break;
        const char *raw = sqlite3_column_blob(statement, 3);
        struct rejection rejection = {
            .row_no = (uint32_t)sqlite3_column_int64(statement, 0),
            .line_no = (uint64_t)sqlite3_column_int64(statement, 1),
            .record_id = db_column_span(statement, 2),
            .raw = {raw, (size_t)sqlite3_column_bytes(statement, 3)},
            .field = db_column_span(statement, 4),
            .rule = db_column_span(statement, 5),
            .message = db_column_span(statement, 6),
            .first = sqlite3_column_int64(statement, 7) == 0,
        };
        fine = visit(context, &rejection, err);
    }
    sqlite3_reset(statement);
    return fine;
}
