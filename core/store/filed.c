#include "core/store/filed.h"

#include "core/store/db.h"

enum { FILED_CLEAR, FILED_NOTE, FILED_AT, FILED_NEXT, FILED_WATCHED, FILED_UNWATCH, FILED_FORGET };

#define COLUMNS                                                                                    \
    "SELECT f.id, f.folder, f.name, f.batch_id, f.sheet AS is_sheet, f.device, f.inode, "          \
    "f.size_bytes, f.mtime_ns, f.filed_ms, b.id IS NULL OR b.pruned_ms IS NOT NULL AS is_pruned "  \
    "FROM filed f LEFT JOIN batch b ON b.id = f.batch_id "

static const char *const sql[] = {
    [FILED_CLEAR] = "DELETE FROM filed WHERE inode = :inode AND device = :device "
                    "AND size_bytes = :size_bytes AND mtime_ns = :mtime_ns",
    [FILED_NOTE] = "INSERT OR REPLACE INTO filed (batch_id, sheet, folder, name, device, inode, "
                   "size_bytes, mtime_ns, filed_ms, watched) VALUES (nullif(:batch_id, 0), "
                   ":is_sheet, :folder, :name, :device, :inode, :size_bytes, :mtime_ns, :now_ms, "
                   "NOT :is_sheet)",
    [FILED_AT] = COLUMNS "WHERE f.folder = :folder AND f.name = :name",
    [FILED_NEXT] = COLUMNS "WHERE f.id > :after AND f.filed_ms <= :before_ms AND (b.id IS NULL "
                           "OR (b.state " IN_BATCHES_ENDED " AND b.finished_ms <= :before_ms)) "
                           "ORDER BY f.id LIMIT 1",
    [FILED_WATCHED] = COLUMNS "WHERE f.watched AND f.id > :after ORDER BY f.id LIMIT 1",
    [FILED_UNWATCH] = "UPDATE filed SET watched = 0 WHERE id = :id",
    [FILED_FORGET] = "DELETE FROM filed WHERE id = :id",
};

const struct db_statements filed_statements = {sql, sizeof sql / sizeof *sql};

static bool note(struct store *store, const struct filed *filed, int64_t now_ms, struct err *err)
{
    struct db_statement *clear = db_get(store, DB_FILED, FILED_CLEAR, err),
                        *insert = db_get(store, DB_FILED, FILED_NOTE, err);

    db_bind_int64(clear, DB_INODE, (int64_t)filed->inode);
    db_bind_int64(clear, DB_DEVICE, (int64_t)filed->device);
    db_bind_int64(clear, DB_SIZE_BYTES, (int64_t)filed->size);
    db_bind_int64(clear, DB_MTIME_NS, filed->mtime_ns);
    db_bind_int64(insert, DB_BATCH_ID, filed->batch_id);
    db_bind_int64(insert, DB_IS_SHEET, filed->sheet);
    db_bind_text(insert, DB_FOLDER, filed->folder);
    db_bind_text(insert, DB_NAME, filed->name);
    db_bind_int64(insert, DB_DEVICE, (int64_t)filed->device);
    db_bind_int64(insert, DB_INODE, (int64_t)filed->inode);
    db_bind_int64(insert, DB_SIZE_BYTES, (int64_t)filed->size);
    db_bind_int64(insert, DB_MTIME_NS, filed->mtime_ns);
    db_bind_int64(insert, DB_NOW_MS, now_ms);
    return db_run(store, clear, err, "note a filed file") &&
           db_run(store, insert, err, "note a filed file");
}

bool filed_note(struct store *store, const struct filed *filed, int64_t now_ms, struct err *err)
{
    return db_begin(store, err) && db_end(store, note(store, filed, now_ms, err), err);
}

/* Steps a statement of COLUMNS, and copies the row. */
static bool read_filed(struct store *store, struct db_statement *statement, struct filed *filed,
                       bool *found, struct err *err)
{
    const char *texts[2];

    if (!db_step(store, statement, found, err, "look for filed files"))
        return false;
    if (!*found)
        return true;
    db_keep_texts(store, statement, (const enum db_name[]){DB_FOLDER, DB_NAME}, 2, texts);
    *filed = (struct filed){
        .id = db_column_int64(statement, DB_ID),
        .folder = texts[0],
        .name = db_column_is_null(statement, DB_NAME) ? NULL : texts[1],
        .batch_id = db_column_int64(statement, DB_BATCH_ID),
        .sheet = db_column_int(statement, DB_IS_SHEET),
        .device = (uint64_t)db_column_int64(statement, DB_DEVICE),
        .inode = (uint64_t)db_column_int64(statement, DB_INODE),
        .size = (uint64_t)db_column_int64(statement, DB_SIZE_BYTES),
        .mtime_ns = db_column_int64(statement, DB_MTIME_NS),
        .filed_ms = db_column_int64(statement, DB_FILED_MS),
        .pruned = db_column_int(statement, DB_IS_PRUNED),
    };
    db_reset(statement);
    return true;
}

bool filed_at(struct store *store, const char *folder, const char *name, struct filed *filed,
              bool *found, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_FILED, FILED_AT, err);

    db_bind_text(statement, DB_FOLDER, folder);
    db_bind_text(statement, DB_NAME, name);
    return read_filed(store, statement, filed, found, err);
}

bool filed_next(struct store *store, int64_t after, int64_t before_ms, struct filed *filed,
                bool *found, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_FILED, FILED_NEXT, err);

    db_bind_int64(statement, DB_AFTER, after);
    db_bind_int64(statement, DB_BEFORE_MS, before_ms);
    return read_filed(store, statement, filed, found, err);
}

bool filed_next_watched(struct store *store, int64_t after, struct filed *filed, bool *found,
                        struct err *err)
{
    struct db_statement *statement = db_get(store, DB_FILED, FILED_WATCHED, err);

    db_bind_int64(statement, DB_AFTER, after);
    return read_filed(store, statement, filed, found, err);
}

bool filed_unwatch(struct store *store, int64_t id, struct err *err)
{
    return db_run_on(store, DB_FILED, FILED_UNWATCH, DB_ID, id, err, "note a filed file");
}

bool filed_forget(struct store *store, int64_t id, struct err *err)
{
    return db_run_on(store, DB_FILED, FILED_FORGET, DB_ID, id, err, "note a filed file");
}
