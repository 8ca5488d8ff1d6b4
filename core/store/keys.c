#include "core/store/keys.h"

#include "core/base/crash.h"
#include "core/store/chunk.h"
#include "core/store/db.h"

/* Entered in one transaction, so that no other writer waits for long. */
enum { KEYS_AT_ONCE = 32768 };

/* Keys of one INSERT: as in chunk.c. */
enum { KEYS_BOUND = 64, KEY_PARAMETERS = 2 };

#define KEY_SQL     "INSERT INTO record_job (record_id, job_id) VALUES (:record_id, :job_id)"
#define KEY_NEXT_3  ",(?,?),(?,?),(?,?)"
#define KEY_NEXT_21 KEY_NEXT_3 KEY_NEXT_3 KEY_NEXT_3 KEY_NEXT_3 KEY_NEXT_3 KEY_NEXT_3 KEY_NEXT_3

enum {
    KEYS_WALK,
    KEYS_ENTER_ROWS,
    KEYS_SORT,
    KEYS_ENTER,
    KEYS_ONE,
    KEYS_MANY,
    KEYS_SORT_REJECTED,
    KEYS_ENTER_REJECTED,
};

static const char *const sql[] = {
    [KEYS_WALK] =
        "SELECT id, record_id FROM job_row WHERE id > :first_id AND id < :end_id ORDER BY id",
    [KEYS_ENTER_ROWS] =
        "INSERT OR IGNORE INTO record_job (record_id, job_id) "
        "SELECT record_id, id FROM job_row WHERE id > :first_id AND id <= :last_id ORDER BY id",
    [KEYS_SORT] =
        "INSERT INTO temp.sorted_key (record_id, job_id) SELECT record_id, id FROM job_row "
        "WHERE id > :first_id AND id < :end_id ORDER BY record_id, id",
    [KEYS_ENTER] = "INSERT OR IGNORE INTO record_job (record_id, job_id) "
                   "SELECT record_id, job_id FROM temp.sorted_key "
                   "WHERE rowid > :first_id AND rowid <= :last_id ORDER BY rowid",
    [KEYS_ONE] = KEY_SQL,
    [KEYS_MANY] = KEY_SQL KEY_NEXT_21 KEY_NEXT_21 KEY_NEXT_21,
    [KEYS_SORT_REJECTED] =
        "INSERT INTO temp.sorted_key (record_id, job_id) "
        "SELECT record_id, batch_id * " ID_ROWS_SQL " + row_no FROM rejected_row "
        "WHERE batch_id >= :first_id / " ID_ROWS_SQL " AND batch_id < :end_id / " ID_ROWS_SQL
        " AND record_id IS NOT NULL ORDER BY record_id, batch_id, row_no",
    [KEYS_ENTER_REJECTED] = "INSERT OR IGNORE INTO record_rejection (record_id, rejection_id) "
                            "SELECT record_id, job_id FROM temp.sorted_key "
                            "WHERE rowid > :first_id AND rowid <= :last_id ORDER BY rowid",
};

const struct db_statements key_statements = {sql, sizeof sql / sizeof *sql};

static struct db_statement *get_of_batch(struct store *store, unsigned index, int64_t batch_id,
                                         struct err *err)
{
    struct db_statement *statement = db_get(store, DB_KEYS, index, err);

    db_bind_batch(statement, batch_id);
    return statement;
}

/* Whether the rows are in the order of their record ids, as in many exports. Ends at the first that
 * is not. *last: the id of the last row that was read. */
static bool is_sorted(struct store *store, int64_t batch_id, bool *sorted, int64_t *last,
                      struct err *err)
{
    struct buf before = {0};
    struct db_statement *statement = get_of_batch(store, KEYS_WALK, batch_id, err);
    bool fine = true;

    *sorted = true;
    *last = id_before(batch_id);
    while (*sorted && db_next(store, statement, &fine, err, "look at the record ids")) {
        struct span record_id = db_column_span(statement, DB_RECORD_ID);

        *sorted = span_compare(buf_span(&before), record_id) <= 0;
        *last = db_column_int64(statement, DB_ID);
        buf_reset(&before);
        buf_append_span(&before, record_id);
    }
    db_reset(statement);
    buf_release(&before);
    return fine;
}

static bool sort(struct store *store, unsigned index, int64_t batch_id, int64_t *count,
                 struct err *err)
{
    struct db_statement *statement = get_of_batch(store, index, batch_id, err);

    if (!db_run(store, statement, err, "sort the record ids"))
        return false;
    *count = sqlite3_changes64(store->db);
    return true;
}

/* Enters what the statement finds from `first` (exclusive) to `last` (inclusive). */
static bool enter(struct store *store, unsigned index, int64_t first, int64_t last, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_KEYS, index, err);

    for (int64_t done = first; done < last; done += KEYS_AT_ONCE) {
        db_bind_int64(statement, DB_FIRST_ID, done);
        db_bind_int64(statement, DB_LAST_ID,
                      done + KEYS_AT_ONCE < last ? done + KEYS_AT_ONCE : last);
        if (!db_begin(store, err) ||
            !db_end(store, db_run(store, statement, err, "enter the record ids"), err))
            return false;
        crash_point(CRASH_KEYS_COMMITTED);
    }
    return true;
}

bool keys_sort(struct store *store, int64_t batch_id, bool rejected, int64_t *count,
               struct err *err)
{
    return keys_forget(store, err) &&
           sort(store, rejected ? KEYS_SORT_REJECTED : KEYS_SORT, batch_id, count, err);
}

bool keys_forget(struct store *store, struct err *err)
{
    return db_exec(store, "DELETE FROM temp.sorted_key", err);
}

static bool enter_sorted(struct store *store, bool rejected, int64_t batch_id, struct err *err)
{
    int64_t count;

    return keys_sort(store, batch_id, rejected, &count, err) &&
           enter(store, rejected ? KEYS_ENTER_REJECTED : KEYS_ENTER, 0, count, err) &&
           keys_forget(store, err);
}

bool keys_enter(struct store *store, int64_t batch_id, struct err *err)
{
    int64_t last;
    bool sorted;

    if (!is_sorted(store, batch_id, &sorted, &last, err))
        return false;
    return sorted ? enter(store, KEYS_ENTER_ROWS, id_before(batch_id), last, err)
                  : enter_sorted(store, false, batch_id, err);
}

bool keys_enter_rejected(struct store *store, int64_t batch_id, struct err *err)
{
    return enter_sorted(store, true, batch_id, err);
}

static void bind(struct db_statement *statement, int place, int64_t batch_id,
                 const struct intake_chunk *chunk, const struct intake_row *row)
{
    struct span key = {chunk->text.data + row->record_id, row->record_id_size};

    statement->shift = place * KEY_PARAMETERS;
    db_bind_span(statement, DB_RECORD_ID, key);
    db_bind_int64(statement, DB_JOB_ID, id_of(batch_id, row->row_no));
}

static bool insert(struct store *store, int64_t batch_id, const struct intake_chunk *chunk,
                   struct err *err)
{
    size_t many = KEYS_BOUND, count = chunk->row_count;

    for (size_t i = 0; i < count; i += many) {
        struct db_statement *statement;

        if (count - i < KEYS_BOUND)
            many = 1;
        statement = db_get(store, DB_KEYS, many == 1 ? KEYS_ONE : KEYS_MANY, err);
        for (size_t k = 0; k < many; k++)
            bind(statement, (int)k, batch_id, chunk, &chunk->rows[i + k]);
        if (!db_run(store, statement, err, "enter record ids"))
            return false;
    }
    return true;
}

bool batch_load_keys(struct store *store, int64_t batch_id, const struct intake_chunk *chunk,
                     struct err *err)
{
    if (!db_begin(store, err) || !db_end(store, insert(store, batch_id, chunk, err), err))
        return false;
    crash_point(CRASH_KEYS_COMMITTED);
    if (store->keys_batch_id != batch_id) {
        store->keys_batch_id = batch_id;
        store->keys_count = 0;
    }
    store->keys_count += (int64_t)chunk->row_count;
    return true;
}
