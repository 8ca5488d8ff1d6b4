#include "core/store/export.h"

#include "core/store/batches.h"
#include "core/store/db.h"

enum { PAGE_ROWS = 4096 };

enum { EXPORT_BATCH, EXPORT_JOBS, EXPORT_CLAIMED, EXPORT_REJECTS };

/* What the server said about the fields of a refused job, after its message. */
#define FIELDS_REFUSED                                                                             \
    "iif(s.state = 'refused', ' (' || " DB_SERVER_VIOLATIONS("s.job_id") " || ')', NULL)"

/* In the order of read_job. */
#define JOB                                                                                        \
    "SELECT r.id, s.state, r.record_id, r.version, s.http_status, "                                \
    "s.server_version, r.fields, r.tags, s.error_code, "                                           \
    "s.error_message || coalesce(" FIELDS_REFUSED ", '') AS error, "                               \
    "coalesce(s.attempts, 0) AS attempts, coalesce(s.updated_ms, b.created_ms) AS updated_ms, "    \
    "(SELECT verdict FROM audit WHERE job_id = r.id) AS verdict "                                  \
    "FROM "

#define OF_RECORD "AND (:record_id IS NULL OR r.record_id = :record_id) "

static const char *const sql[] = {
    [EXPORT_BATCH] = "SELECT schema, format, rows_read, rows_rejected, "
                     "keeps_before, undoes, target, target_columns FROM batch WHERE id = :batch_id",
    [EXPORT_JOBS] =
        JOB "batch b CROSS JOIN job_row r LEFT JOIN job_state s ON s.job_id = r.id "
            "WHERE b.id = :batch_id AND r.id > :after AND r.id <= :last "
            "AND instr(:states, coalesce(s.state, 'pending')) " OF_RECORD "ORDER BY r.id",
    /* without those that were never claimed: read from the narrower table */
    [EXPORT_CLAIMED] =
        JOB "batch b CROSS JOIN job_state s CROSS JOIN job_row r "
            "ON r.id = s.job_id WHERE b.id = :batch_id AND s.job_id > :after "
            "AND s.job_id <= :last AND instr(:states, s.state) " OF_RECORD "ORDER BY s.job_id",
    [EXPORT_REJECTS] =
        "SELECT r.row_no, r.record_id, r.raw, " DB_VIOLATIONS " AS error, b.created_ms "
        "FROM batch b CROSS JOIN rejected_row r ON r.batch_id = b.id "
        "WHERE b.id = :batch_id AND r.row_no > :after AND r.row_no <= :last " OF_RECORD
        "ORDER BY r.row_no",
};

const struct db_statements export_statements = {sql, sizeof sql / sizeof *sql};

static void keep_text(struct buf *buf, struct db_statement *statement, enum db_name name)
{
    db_copy_text(statement, name, buf);
    buf_text(buf);
}

bool export_batch(struct store *store, int64_t batch_id, struct export_batch *batch,
                  struct err *err)
{
    struct db_statement *statement = db_get(store, DB_EXPORTS, EXPORT_BATCH, err);
    bool row;

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    if (!db_step(store, statement, &row, err, "read the batch"))
        return false;
    if (!row)
        return err_set(err, ERR_CONFIG, "there is no batch %lld in %s", (long long)batch_id,
                       store->path);
    keep_text(&batch->schema, statement, DB_SCHEMA);
    keep_text(&batch->format, statement, DB_FORMAT);
    batch->rows = (uint32_t)db_column_int64(statement, DB_ROWS_READ);
    batch->rejected = (uint64_t)db_column_int64(statement, DB_ROWS_REJECTED);
    batch->keeps_before = db_column_int(statement, DB_KEEPS_BEFORE);
    batch->undoes = db_column_int(statement, DB_UNDOES);
    keep_text(&batch->columns, statement, DB_TARGET_COLUMNS);
    batch->parts = (struct target_parts){batch_id, !db_column_is_null(statement, DB_TARGET),
                                         batch->columns.size ? batch->columns.data : NULL};
    db_reset(statement);
    buf_reset(&batch->header);
    return batch_header(store, batch_id, &batch->header, err);
}

void export_batch_release(struct export_batch *batch)
{
    buf_release(&batch->schema);
    buf_release(&batch->format);
    buf_release(&batch->columns);
    buf_release(&batch->header);
}

/* The names of the wanted states, none of which is part of another. */
static void name_states(unsigned states, struct buf *out)
{
    for (unsigned state = 0; state < JOB_STATES; state++)
        if (states & 1u << state)
            buf_printf(out, "%s,", job_state_name((enum job_state)state));
}

static struct export_number number(struct db_statement *statement, enum db_name name)
{
    return (struct export_number){!db_column_is_null(statement, name),
                                  db_column_int64(statement, name)};
}

static bool read_job(struct store *store, struct db_statement *statement, struct export_row *row,
                     struct err *err)
{
    *row = (struct export_row){
        .row_no = id_row(db_column_int64(statement, DB_ID)),
        .record_id = db_column_span(statement, DB_RECORD_ID),
        .version = number(statement, DB_VERSION),
        .http_status = number(statement, DB_HTTP_STATUS),
        .server_version = number(statement, DB_SERVER_VERSION),
        .fields = db_column_span(statement, DB_FIELDS),
        .tags = db_column_span(statement, DB_TAGS),
        .error_code = db_column_span(statement, DB_ERROR_CODE),
        .audit = db_column_span(statement, DB_VERDICT),
        .error = db_column_span(statement, DB_ERROR),
        .attempts = db_column_int64(statement, DB_ATTEMPTS),
        .updated_ms = db_column_int64(statement, DB_UPDATED_MS),
    };
    return db_column_job_state(store, statement, &row->state, err);
}

static void read_reject(struct db_statement *statement, struct export_row *row)
{
    *row = (struct export_row){
        .rejected = true,
        .row_no = (uint32_t)db_column_int64(statement, DB_ROW_NO),
        .record_id = db_column_span(statement, DB_RECORD_ID),
        .raw = db_column_blob(statement, DB_RAW),
        .error = db_column_span(statement, DB_ERROR),
        .updated_ms = db_column_int64(statement, DB_CREATED_MS),
    };
}

/* One of the two sequences of rows that a page is merged from. */
struct side {
    struct db_statement *statement; /* NULL: nothing of the kind is wanted */
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
        side->statement = NULL; /* another step would begin it again */
        return true;
    }
    if (side->rejects)
        read_reject(side->statement, &side->row);
    return side->rejects || read_job(store, side->statement, &side->row, err);
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

static struct db_statement *begin_side(struct store *store, const struct export_page *page,
                                       unsigned index, int64_t base, uint32_t last, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_EXPORTS, index, err);

    db_bind_int64(statement, DB_BATCH_ID, page->batch_id);
    db_bind_int64(statement, DB_AFTER, base + page->after);
    db_bind_int64(statement, DB_LAST, base + last);
    db_bind_text(statement, DB_RECORD_ID, page->record_id);
    return statement;
}

bool export_next(struct store *store, struct export_page *page, struct err *err)
{
    uint32_t last = page->after < ID_ROWS - PAGE_ROWS ? page->after + PAGE_ROWS : ID_ROWS - 1;
    struct side sides[2] = {{.rejects = false}, {.rejects = true}};
    struct db_statement *statements[2] = {NULL, NULL};
    bool jobs = page->states & ~(unsigned)EXPORT_REJECTED, fine;
    struct buf names = {0};

    if (jobs) {
        unsigned index = (page->states & 1u << JOB_PENDING) ? EXPORT_JOBS : EXPORT_CLAIMED;

        statements[0] = begin_side(store, page, index, id_before(page->batch_id), last, err);
        name_states(page->states, &names);
        db_bind_span(statements[0], DB_STATES, buf_span(&names));
    }
    if (page->states & EXPORT_REJECTED)
        statements[1] = begin_side(store, page, EXPORT_REJECTS, 0, last, err);
    sides[0].statement = statements[0];
    sides[1].statement = statements[1];
    fine = merge(store, page, sides, last, err);
    for (size_t i = 0; i < 2; i++)
        if (statements[i])
            db_reset(statements[i]);
    buf_release(&names);
    return fine;
}
