#include "core/store/keys.h"

#include "core/store/db.h"
#include "core/store/intake.h"

/* Entered in one transaction, so that no other writer waits for long. */
enum { KEYS_AT_ONCE = 32768 };

enum { KEYS_SORT, KEYS_ENTER };

static const char *const sql[] = {
    [KEYS_SORT] =
        "INSERT INTO temp.sorted_key (record_id, job_id) SELECT record_id, id FROM job_row "
        "WHERE id > ?1 AND id < ?2 ORDER BY record_id, id",
    [KEYS_ENTER] = "INSERT OR IGNORE INTO record_job (record_id, job_id) "
                   "SELECT record_id, job_id FROM temp.sorted_key WHERE rowid > ?1 AND rowid <= ?2 "
                   "ORDER BY rowid",
};

const struct db_statements key_statements = {sql, sizeof sql / sizeof *sql};

static bool sort(struct store *store, int64_t batch_id, int64_t *count, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_KEYS, KEYS_SORT, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, batch_id * JOB_ROWS);
    sqlite3_bind_int64(statement, 2, (batch_id + 1) * JOB_ROWS);
    if (!db_run(store, statement, err, "sort the record ids"))
        return false;
    *count = sqlite3_changes64(store->db);
    return true;
}

static bool enter(struct store *store, int64_t count, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_KEYS, KEYS_ENTER, err);

    if (!statement)
        return false;
    for (int64_t done = 0; done < count; done += KEYS_AT_ONCE) {
        sqlite3_bind_int64(statement, 1, done);
        sqlite3_bind_int64(statement, 2, done + KEYS_AT_ONCE);
        if (!db_begin(store, err))
            return false;
        if (!db_run(store, statement, err, "enter the record ids")) {
            db_rollback(store);
            return false;
        }
        if (!db_commit(store, err))
            return false;
    }
    return true;
}

bool keys_enter(struct store *store, int64_t batch_id, struct err *err)
{
    int64_t count;

    return db_exec(store, "DELETE FROM temp.sorted_key", err) &&
           sort(store, batch_id, &count, err) && enter(store, count, err) &&
           db_exec(store, "DELETE FROM temp.sorted_key", err);
}
