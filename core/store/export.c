#include "core/store/export.h"

#include "core/store/db.h"
#include "core/store/intake.h"

enum { PAGE_ROWS = 4096 };

enum { EXPORT_BATCH, EXPORT_JOBS, EXPORT_CLAIMED, EXPORT_REJECTS };

/* What a refused job is told beside the server's message. */
#define FIELDS_REFUSED                                                                             \
    "iif(s.state = 'refused', ' (' || " DB_SERVER_VIOLATIONS("s.job_id") " || ')', NULL)"

/* In the order of read_job. */
#define JOB                                                                                        \
    "SELECT r.id, coalesce(s.state, 'pending'), r.record_id, r.version, s.http_status, "           \
    "s.server_version, r.fields, r.tags, s.error_code, "                                           \
    "s.error_message || coalesce(" FIELDS_REFUSED ", ''), "                                        \
    "coalesce(s.attempts, 0), coalesce(s.updated_ms, b.created_ms) FROM "

static const char *const sql[] = {
    [EXPORT_BATCH] = "SELECT schema, format, rows_read, rows_rejected FROM batch WHERE id = ?1",
    [EXPORT_JOBS] = JOB "batch b CROSS JOIN job_row r LEFT JOIN job_state s ON s.job_id = r.id "
                        "WHERE b.id = ?1 AND r.id > ?2 AND r.id <= ?3 "
                        "AND instr(?4, coalesce(s.state, 'pending')) ORDER BY r.id",
    /* without those that were never claimed: from the narrower table */
    [EXPORT_CLAIMED] = JOB "batch b CROSS JOIN job_state s CROSS JOIN job_row r "
                           "ON r.id = s.job_id WHERE b.id = ?1 AND s.job_id > ?2 "
                           "AND s.job_id <= ?3 AND instr(?4, s.state) ORDER BY s.job_id",
    [EXPORT_REJECTS] = "SELECT r.row_no, r.record_id, r.raw, " DB_VIOLATIONS ", b.created_ms "
                       "FROM batch b CROSS JOIN rejected_row r ON r.batch_id = b.id "
                       "WHERE b.id = ?1 AND r.row_no > ?2 AND r.row_no <= ?3 ORDER BY r.row_no",
};

const struct db_statements export_statements = {sql, sizeof sql / sizeof *sql};

static void keep_text(struct buf *buf, sqlite3_stmt *statement, int index)
{
    buf_reset(buf);
    buf_append_span(buf, db_column_span(statement, index));
    buf_text(buf);
}

bool export_batch(struct store *store, int64_t batch_id, struct export_batch *batch,
                  struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_EXPORTS, EXPORT_BATCH, err);
    bool row;

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, batch_id);
    if (!db_step(store, statement, &row, err, "read the batch"))
        return false;
    if (!row)
        return err_set(err, ERR_CONFIG, "there is no batch %lld in %s", (long long)batch_id,
                       store->path);
    keep_text(&batch->schema, statement, 0);
    keep_text(&batch->format, statement, 1);
    batch->rows = (uint32_t)sqlite3_column_int64(statement, 2);
    batch->rejected = (uint64_t)sqlite3_column_int64(statement, 3);
    sqlite3_reset(statement);
    buf_reset(&batch->header);
    return batch_header(store, batch_id, &batch->header, err);
}

void export_batch_release(struct export_batch *batch)
{
    buf_release(&batch->schema);
    buf_release(&batch->format);
    buf_release(&batch->header);
}

/* The names of the wanted states, none of which is part of another. */
static void name_states(unsigned states, struct buf *out)
{
    for (unsigned state = 0; state < JOB_STATES; state++)
        if (states & 1u << state)
            buf_printf(out, "%s,", job_state_name((enum job_state)state));
}

static struct export_number number(sqlite3_stmt *statement, int index)
{
    return (struct export_number){sqlite3_column_type(statement, index) != SQLITE_NULL,
                                  sqlite3_column_int64(statement, index)};
}

static bool read_job(sqlite3_stmt *statement, struct export_row *row, struct err *err)
{
    const char *state = (const char *)sqlite3_column_text(statement, 1);

    *row = (struct export_row){
        .row_no = (uint32_t)(sqlite3_column_int64(statement, 0) % JOB_ROWS),
        .record_id = db_column_span(statement, 2),
        .version = number(statement, 3),
        .http_status = number(statement, 4),
        .server_version = number(statement, 5),
        .fields = db_column_span(statement, 6),
        .tags = db_column_span(statement, 7),
        .error_code = db_column_span(statement, 8),
        .error = db_column_span(statement, 9),
        .attempts = sqlite3_column_int64(statement, 10),
        .updated_ms = sqlite3_column_int64(statement, 11),
    };
    return job_state_parse(state, &row->state) ||
           err_set(err, ERR_INTERNAL, "a job in the state %s", state);
}

static void read_reject(sqlite3_stmt *statement, struct export_row *row)
{
    *row = (struct export_row){
        .rejected = true,
        .row_no = (uint32_t)sqlite3_column_int64(statement, 0),
        .record_id = db_column_span(statement, 1),
        .raw = {sqlite3_column_blob(statement, 2), (size_t)sqlite3_column_bytes(statement, 2)},
        .error = db_column_span(statement, 3),
        .updated_ms = sqlite3_column_int64(statement, 4),
    };
}

/* One of the two rows of rows that a page is merged from. */
struct side {
    sqlite3_stmt *statement; /* NULL: nothing of the kind is wanted */
    bool rejects;
    bool there; /* row is filled, and not visited yet */
    struct export_row row;
};

static bool step(struct store *store, struct side *side, struct err *err)
{
    side->there = false;
    if (!side->statement)
        return true;
    if (!db_step(store, side->statement, &side->there, err, "read the rows"))
        return false;
    if (!side->there) {
        side->statement = NULL; /* another step would begin it anew */
        return true;
    }
    if (side->rejects)
        read_reject(side->statement, &side->row);
    return side->rejects || read_job(side->statement, &side->row, err);
}

static bool merge(struct store *store, struct export_page *page, struct side sides[2],
                  uint32_t last, struct err *err)
{
    bool enough = false;

    if (!step(store, &sides[0], err) || !step(store, &sides[1], err))
        return false;
    while (!enough && (sides[0].there || sides[1].there)) {
        struct side *next = &sides[!sides[0].there ||
                                   (sides[1].there && sides[1].row.row_no < sides[0].row.row_no)];

        page->after = next->row.row_no;
        if (!page->visit(page->context, &next->row, &enough, err) || !step(store, next, err))
            return false;
    }
    if (!enough)
        page->after = last;
    return true;
}

static sqlite3_stmt *begin_side(struct store *store, const struct export_page *page, unsigned index,
                                int64_t base, uint32_t last, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_EXPORTS, index, err);

    if (!statement)
        return NULL;
    sqlite3_bind_int64(statement, 1, page->batch_id);
    sqlite3_bind_int64(statement, 2, base + page->after);
    sqlite3_bind_int64(statement, 3, base + last);
    return statement;
}

bool export_next(struct store *store, struct export_page *page, struct err *err)
{
    uint32_t last = page->after < JOB_ROWS - PAGE_ROWS ? page->after + PAGE_ROWS : JOB_ROWS - 1;
    struct side sides[2] = {{.rejects = false}, {.rejects = true}};
    sqlite3_stmt *statements[2] = {NULL, NULL};
    bool jobs = page->states & ~(unsigned)EXPORT_REJECTED, fine = true;
    struct buf names = {0};

    if (jobs) {
        unsigned index = (page->states & 1u << JOB_PENDING) ? EXPORT_JOBS : EXPORT_CLAIMED;

        statements[0] = begin_side(store, page, index, page->batch_id * JOB_ROWS, last, err);
        name_states(page->states, &names);
        if (statements[0])
            db_bind_span(statements[0], 4, buf_span(&names));
        fine = statements[0];
    }
    if (fine && page->states & EXPORT_REJECTED) {
        statements[1] = begin_side(store, page, EXPORT_REJECTS, 0, last, err);
        fine = statements[1];
    }
    sides[0].statement = statements[0];
    sides[1].statement = statements[1];
    fine = fine && merge(store, page, sides, last, err);
    for (size_t i = 0; i < 2; i++)
        sqlite3_reset(statements[i]);
    buf_release(&names);
    return fine;
}
