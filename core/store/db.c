#include "core/store/db.h"

#include "core/base/mem.h"
#include "core/store/holder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define OWNER(owner, table) [owner] = &(table),

static const struct db_statements *const owners[DB_OWNERS] = {DB_OWNER_LIST(OWNER)};

const struct db_statements *db_statements_of(enum db_owner owner)
{
    return owners[owner];
}

/* What an operator can do about an SQLite result code; "" where there is nothing to add. */
static const char *advice(int code)
{
    static const struct {
        int code;
        const char *text;
    } known[] = {
        {SQLITE_FULL, ": free space on that disk, then run the same command again"},
        {SQLITE_BUSY, ": waited 30 seconds for another program; look for an open sqlite3 shell"},
        {SQLITE_LOCKED, ": another program holds it; look for an open sqlite3 shell"},
        {SQLITE_READONLY, ": make the file and its folder writable for this user"},
        {SQLITE_PERM, ": make the file and its folder writable for this user"},
        {SQLITE_CANTOPEN, ": the file or its folder cannot be opened or written by this user"},
        {SQLITE_CORRUPT, ": restore it from a backup, or look with `sqlite3 FILE .recover`"},
        {SQLITE_NOTADB, ": name another --db"},
        {SQLITE_IOERR, ": check the disk and its free space"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == (code & 0xff))
            return known[i].text;
    return "";
}

/* Whether a file of the database is about as large as this process may make one (setrlimit(2),
 * RLIMIT_FSIZE). SQLite has forgotten the errno by the time it reports the error. */
static bool is_at_limit(const char *path)
{
    enum { NEAR = 64 << 10 }; /* a write that fails as a whole */
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    struct rlimit limit;
    bool at_limit = false;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *name = mem_printf("%s%s", path, endings[i]);
        struct stat status;

        at_limit |= stat(name, &status) == 0 && (rlim_t)status.st_size + NEAR > limit.rlim_cur;
        free(name);
    }
    return at_limit;
}

char *db_uri(const char *path, const char *query)
{
    struct buf uri = {0};

    /* with two slashes before it, what follows them is not taken for a host */
    buf_append_text(&uri, *path == '/' ? "file://" : "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path))
            buf_printf(&uri, "%%%02X", (unsigned char)*path);
        else
            buf_append_char(&uri, *path);
    }
    buf_printf(&uri, "?%s", query);
    buf_text(&uri);
    return uri.data;
}

bool db_fail(struct store *store, struct err *err, const char *doing)
{
    int code = sqlite3_extended_errcode(store->db);
    char holder[64];

    if (code == SQLITE_INTERRUPT)
        return err_set(err, ERR_STOPPED, "stopped");
    if ((code & 0xff) == SQLITE_BUSY && holder_find(store->path, holder, sizeof holder))
        return err_set(err, ERR_STORE,
                       "database %s: %s: %s: waited 30 seconds for %s; end its transaction, then "
                       "run the same command again",
                       store->path, doing, sqlite3_errmsg(store->db), holder);
    if ((code & 0xff) == SQLITE_IOERR && is_at_limit(store->path))
        return err_set(err, ERR_STORE,
                       "database %s: %s: %s: the files of this process may not be larger (ulimit "
                       "-f): raise that limit, then run the same command again",
                       store->path, doing, strerror(EFBIG));
    return err_set(err, ERR_STORE, "database %s: %s: %s%s", store->path, doing,
                   sqlite3_errmsg(store->db), advice(code));
}

#define NAME_TEXT(name)         #name,
#define STATE_TEXT(state, name) #name,

static const char *const names[] = {JOB_STATE_LIST(STATE_TEXT, STATE_TEXT) VERDICT_LIST(
    STATE_TEXT, STATE_TEXT) DB_NAMES_LIST(NAME_TEXT)};

static bool fail_state(struct store *store, const char *whose, const char *name, struct err *err)
{
    return err_set(err, ERR_STORE, "database %s: the state of a %s is '%s', which does not exist",
                   store->path, whose, name);
}

bool db_column_job_state(struct store *store, struct db_statement *statement, enum job_state *state,
                         struct err *err)
{
    const char *name = db_column_text(statement, DB_STATE);

    *state = JOB_PENDING;
    return !name || job_state_parse(name, state) || fail_state(store, "job", name, err);
}

bool db_column_batch_state(struct store *store, struct db_statement *statement,
                           enum batch_state *state, struct err *err)
{
    const char *name = db_column_text(statement, DB_STATE);

    return batch_state_parse(name, state) || fail_state(store, "batch", name, err);
}

bool db_column_correlation(struct db_statement *statement, const struct correlation_key *key,
                           int64_t job_id, unsigned char id[CORRELATION_SIZE])
{
    struct span stored = db_column_blob(statement, DB_CORRELATION_ID);

    if (stored.size == CORRELATION_SIZE)
        memcpy(id, stored.data, CORRELATION_SIZE);
    else if (key)
        correlation_make(key, id_row(job_id), id);
    return stored.size == CORRELATION_SIZE || key;
}

bool db_column_key(struct db_statement *statement, struct correlation_key *key)
{
    if (db_column_is_null(statement, DB_OCCURRENCE))
        return false;
    correlation_key_make(
        db_column_span(statement, DB_SCHEMA), db_column_span(statement, DB_CONTENT_HASH),
        db_column_int64(statement, DB_OCCURRENCE), db_column_int64(statement, DB_ROWS_BEFORE), key);
    return true;
}

_Noreturn void db_has_no(const struct db_statement *statement, enum db_name name)
{
    fprintf(stderr, "rowferry: internal error: '%s' is not in: %s\n", names[name],
            sqlite3_sql(statement->stmt));
    abort();
}

/* Enters where a name is. False where nobody knows the name, or it is there already. */
static bool enter_name(unsigned char places[DB_NAMES], const char *name, int place)
{
    for (unsigned i = 0; i < DB_NAMES; i++) {
        if (strcasecmp(names[i], name) == 0) {
            bool is_new = !places[i];

            places[i] = (unsigned char)place;
            return is_new;
        }
    }
    return false;
}

/* Parameters without a name (`?`) are those of rows that are bound by their place. */
static bool enter_names(struct db_statement *statement, struct err *err)
{
    int parameters = sqlite3_bind_parameter_count(statement->stmt);
    int columns = sqlite3_column_count(statement->stmt);
    const char *name = NULL;
    bool fine = true;

    for (int i = 1; fine && i <= parameters; i++) {
        name = sqlite3_bind_parameter_name(statement->stmt, i);
        fine = !name || enter_name(statement->parameters, name + 1, i);
    }
    for (int i = 0; fine && i < columns; i++) {
        name = sqlite3_column_name(statement->stmt, i);
        fine = enter_name(statement->columns, name, i + 1);
    }
    return fine || err_set(err, ERR_INTERNAL, "the name '%s' is not in names.h, or is twice in: %s",
                           name, sqlite3_sql(statement->stmt));
}

struct db_statement *db_prepare(struct store *store, const char *sql, struct err *err)
{
    struct db_statement *statement = mem_calloc(1, sizeof *statement);

    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->stmt, NULL) !=
        SQLITE_OK)
        db_fail(store, err, "prepare");
    else if (enter_names(statement, err))
        return statement;
    db_finalize(statement);
    return NULL;
}

void db_finalize(struct db_statement *statement)
{
    if (!statement)
        return;
    sqlite3_finalize(statement->stmt);
    free(statement);
}

struct db_statement *db_get(struct store *store, enum db_owner owner, unsigned index,
                            struct err *err)
{
    struct db_statement **slot = &store->statements[owner][index];

    if (!*slot)
        *slot = db_prepare(store, owners[owner]->sql[index], err);
#ifdef ROWFERRY_CRASH_POINTS
    if (*slot)
        memset((*slot)->bound, 0, sizeof(*slot)->bound);
#endif
    return *slot ? *slot : &store->unprepared;
}

/* Ends the process where a parameter would have the value of the use before. */
static void check_bound(const struct db_statement *statement)
{
#ifdef ROWFERRY_CRASH_POINTS
    int count = sqlite3_bind_parameter_count(statement->stmt), place = 0;

    while (place < count && statement->bound[place])
        place++;
    if (place == count || sqlite3_stmt_busy(statement->stmt))
        return;
    fprintf(stderr, "rowferry: internal error: parameter %d is not bound in: %s\n", place + 1,
            sqlite3_sql(statement->stmt));
    abort();
#else
    (void)statement;
#endif
}

bool db_run(struct store *store, struct db_statement *statement, struct err *err, const char *doing)
{
    bool row, fine = db_step(store, statement, &row, err, doing);

    if (row)
        db_reset(statement);
    return fine;
}

bool db_run_on(struct store *store, enum db_owner owner, unsigned index, enum db_name name,
               int64_t value, struct err *err, const char *doing)
{
    struct db_statement *statement = db_get(store, owner, index, err);

    db_bind_int64(statement, name, value);
    return db_run(store, statement, err, doing);
}

bool db_step(struct store *store, struct db_statement *statement, bool *row, struct err *err,
             const char *doing)
{
    int code;

    *row = false;
    if (!statement->stmt)
        return false;
    check_bound(statement);
    code = sqlite3_step(statement->stmt);
    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        db_fail(store, err, doing);
    db_reset(statement);
    return code == SQLITE_DONE;
}

bool db_next(struct store *store, struct db_statement *statement, bool *fine, struct err *err,
             const char *doing)
{
    bool row = false;

    *fine = *fine && db_step(store, statement, &row, err, doing);
    return row;
}

static bool run_sql(struct store *store, const char *sql, struct err *err, const char *doing)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(store, err, doing);
    return true;
}

bool db_exec(struct store *store, const char *sql, struct err *err)
{
    return run_sql(store, sql, err, "set up");
}

bool db_exec_int(struct store *store, const char *sql, int64_t *value, struct err *err)
{
    struct db_statement statement = {0};
    bool row = false, fine;

    if (sqlite3_prepare_v2(store->db, sql, -1, &statement.stmt, NULL) != SQLITE_OK)
        return db_fail(store, err, "open");
    fine = db_step(store, &statement, &row, err, "open");
    *value = row ? sqlite3_column_int64(statement.stmt, 0) : 0;
    sqlite3_finalize(statement.stmt);
    return fine;
}

bool db_read_int64(struct store *store, struct db_statement *statement, enum db_name column,
                   int64_t *value, struct err *err, const char *doing)
{
    bool row, fine = db_step(store, statement, &row, err, doing);

    if (row) {
        *value = db_column_int64(statement, column);
        db_reset(statement);
    }
    return fine;
}

void db_copy_text(struct db_statement *statement, enum db_name name, struct buf *buf)
{
    buf_reset(buf);
    buf_append_span(buf, db_column_span(statement, name));
}

void db_keep_texts(struct store *store, struct db_statement *statement, const enum db_name *columns,
                   size_t count, const char **texts)
{
    struct buf *kept = &store->texts;

    buf_reset(kept);
    for (size_t i = 0; i < count; i++) {
        buf_append_span(kept, db_column_span(statement, columns[i]));
        buf_append_char(kept, '\0');
    }
    for (size_t i = 0, at = 0; i < count; i++) {
        texts[i] = kept->data + at;
        at += db_column_span(statement, columns[i]).size + 1;
    }
}

bool db_collect(struct store *store, struct db_statement *statement, struct id_list *list,
                struct err *err, const char *doing)
{
    bool fine = true;

    while (db_next(store, statement, &fine, err, doing))
        id_list_add(list, db_column_int64(statement, DB_JOB_ID));
    return fine;
}

bool db_begin(struct store *store, struct err *err)
{
    if (run_sql(store, "BEGIN IMMEDIATE", err, "begin"))
        return true;
    db_rollback(store);
    return false;
}

bool db_commit(struct store *store, struct err *err)
{
    if (run_sql(store, "COMMIT", err, "commit"))
        return true;
    db_rollback(store);
    return false;
}

bool db_end(struct store *store, bool fine, struct err *err)
{
    if (fine)
        return db_commit(store, err);
    db_rollback(store);
    return false;
}

void db_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}
