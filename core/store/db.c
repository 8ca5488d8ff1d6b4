#include "core/store/db.h"

#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/store/exchange.h"
#include "core/store/holder.h"
#include "core/store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUSY_MS = 30000,
    APPLICATION_ID = 0x52665279, /* "RfRy" */
};

static const struct db_statements *const owners[DB_OWNERS] = {
    [DB_RUNS] = &run_statements,
    [DB_BATCHES] = &batch_statements,
    [DB_UNFILED] = &unfiled_statements,
    [DB_CHUNKS] = &chunk_statements,
    [DB_KEYS] = &key_statements,
    [DB_CLAIMS] = &claim_statements,
    [DB_ERRANDS] = &errand_statements,
    [DB_ORDERS] = &order_statements,
    [DB_SETTLES] = &settle_statements,
    [DB_SUMMARIES] = &summary_statements,
    [DB_TURNS] = &turn_statements,
    [DB_DECISIONS] = &decide_statements,
    [DB_RESOLVES] = &resolve_statements,
    [DB_RETRIES] = &retry_statements,
    [DB_CANCELS] = &cancel_statements,
    [DB_HISTORIES] = &history_statements,
    [DB_EXPORTS] = &export_statements,
    [DB_CENSUSES] = &census_statements,
    [DB_PRUNES] = &prune_statements,
    [DB_SWEEPS] = &sweep_statements,
    [DB_FILED] = &filed_statements,
    [DB_AUDITS] = &audit_statements,
    [DB_NOTIFICATIONS] = &notification_statements,
    [DB_DELIVERIES] = &delivery_statements,
};

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

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *name = mem_printf("%s%s", path, endings[i]);
        struct stat status;

        at_limit |= stat(name, &status) == 0 && (rlim_t)status.st_size + NEAR > limit.rlim_cur;
        free(name);
    }
    return at_limit;
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

static const char *const names[] = {JOB_STATE_LIST(STATE_TEXT, STATE_TEXT)
                                        DB_NAMES_LIST(NAME_TEXT)};

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
    return *slot;
}

bool db_run(struct store *store, struct db_statement *statement, struct err *err, const char *doing)
{
    int code = sqlite3_step(statement->stmt);

    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        db_fail(store, err, doing);
        db_reset(statement);
        return false;
    }
    db_reset(statement);
    return true;
}

bool db_step(struct store *store, struct db_statement *statement, bool *row, struct err *err,
             const char *doing)
{
    int code = sqlite3_step(statement->stmt);

    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        db_fail(store, err, doing);
    db_reset(statement);
    return code == SQLITE_DONE;
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

bool db_collect(struct store *store, struct db_statement *statement, struct id_list *list,
                struct err *err, const char *doing)
{
    bool row = true;

    while (row) {
        if (!db_step(store, statement, &row, err, doing))
            return false;
        if (row)
            id_list_add(list, db_column_int64(statement, DB_JOB_ID));
    }
    return true;
}

bool db_begin(struct store *store, struct err *err)
{
    return run_sql(store, "BEGIN IMMEDIATE", err, "begin");
}

bool db_commit(struct store *store, struct err *err)
{
    if (run_sql(store, "COMMIT", err, "commit"))
        return true;
    db_rollback(store);
    return false;
}

void db_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

bool store_set_durable(struct store *store, bool durable, struct err *err)
{
    return db_exec(store, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                   err);
}

/* Makes the file, so that its mode is right before SQLite writes to it. */
static bool make_file(const char *path, enum store_mode mode, bool *created, struct err *err)
{
    struct stat status;
    int fd;

    if (stat(path, &status) == 0) {
        if (!S_ISREG(status.st_mode))
            return err_set(err, ERR_STORE, "database %s is no regular file: name another --db",
                           path);
        return true;
    }
    if (errno != ENOENT)
        return err_set(err, ERR_STORE, "database %s: %s", path, strerror(errno));
    if (mode != STORE_CREATE)
        return err_set(err, ERR_CONFIG,
                       "database %s does not exist: `rowferry run` or `rowferry ingest` makes it, "
                       "--db or ROWFERRY_DB names another",
                       path);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return true; /* another process that started at the same moment was first */
    if (fd < 0)
        return err_set(err, ERR_STORE, "database %s cannot be made: %s", path, strerror(errno));
    close(fd);
    *created = true;
    crash_point(CRASH_DATABASE_MADE);
    return true;
}

/* Before the first migration and before WAL: what a database gets once. */
static bool set_up_new(struct store *store, struct err *err)
{
    char pragma[64];

    snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d", APPLICATION_ID);
    return db_exec(store, "PRAGMA page_size = 4096", err) &&
           db_exec(store, "PRAGMA auto_vacuum = INCREMENTAL", err) && db_exec(store, pragma, err);
}

/* Ours, somebody else's, or new: told before anything is written. The id is what a process that
 * makes it at this moment writes first, so it is read last. */
static bool check_identity(struct store *store, enum store_mode mode, struct err *err)
{
    int64_t application_id = 0, tables = 0, version = 0;

    if (!db_exec_int(store, "PRAGMA user_version", &version, err) ||
        !db_exec_int(store, "SELECT count(*) FROM sqlite_schema", &tables, err) ||
        !db_exec_int(store, "PRAGMA application_id", &application_id, err))
        return false;
    if (application_id == APPLICATION_ID)
        return true;
    if (application_id != 0 || tables != 0 || version != 0)
        return err_set(err, ERR_STORE,
                       "database %s belongs to another program (application id %lld): name another "
                       "--db",
                       store->path, (long long)application_id);
    if (mode == STORE_LOOKING || sqlite3_db_readonly(store->db, "main"))
        return err_set(err, ERR_STORE, "database %s is empty: `rowferry run` sets it up",
                       store->path);
    return set_up_new(store, err);
}

/* SQLite does not wait where two processes switch at the same moment, since one of them would wait
 * for ever: tried again here. */
static bool set_wal(struct store *store, struct err *err)
{
    enum { TRY_MS = 10 };

    for (int waited_ms = 0;; waited_ms += TRY_MS) {
        int code = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);

        if (code == SQLITE_OK)
            return true;
        if (code != SQLITE_BUSY || waited_ms >= BUSY_MS)
            return db_fail(store, err, "set up");
        sqlite3_sleep(TRY_MS);
    }
}

/* For SQLite's progress handler: ends the statement. */
static int is_stopped(void *context)
{
    (void)context;
    return stop_requested();
}

/* For a reader who cannot apply migrations. */
static bool check_newest(struct store *store, struct err *err)
{
    int64_t version;

    if (!migrate_version(store, &version, err))
        return false;
    return version == migration_count ||
           err_set(err, ERR_STORE,
                   "database %s was written by an older rowferry: let a user who may write it run "
                   "`rowferry status` once, which brings it up to date",
                   store->path);
}

/* For SQLite, whose own handler comes to look ten times a second only, and would miss the gaps that
 * a drain at full speed leaves. tries: how often this lock was waited for so far. */
static int wait_for_lock(void *context, int tries)
{
    enum { SOON = 20, SOON_MS = 1, LATER_MS = 10 };

    (void)context;
    if (tries >= SOON + BUSY_MS / LATER_MS)
        return 0;
    sqlite3_sleep(tries < SOON ? SOON_MS : LATER_MS);
    return 1;
}

static bool configure(struct store *store, enum store_mode mode, struct err *err)
{
    enum { STEPS = 100000 }; /* of a statement, between two looks at the signals */
    int64_t version;

    sqlite3_busy_handler(store->db, wait_for_lock, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (mode != STORE_LOOKING && sqlite3_db_readonly(store->db, "main"))
        return check_identity(store, mode, err) && check_newest(store, err);
    if (mode == STORE_LOOKING) {
        sqlite3_progress_handler(store->db, STEPS, is_stopped, NULL);
        return check_identity(store, mode, err) && migrate_version(store, &version, err);
    }
    return check_identity(store, mode, err) && set_wal(store, err) &&
           db_exec(store, "PRAGMA synchronous = FULL", err) &&
           db_exec(store, "PRAGMA cache_size = -12000", err) &&
           db_exec(store, "PRAGMA wal_autocheckpoint = 4000", err) &&
           /* where a batch's record ids are sorted; no file until there is something in it */
           db_exec(store, "CREATE TEMP TABLE sorted_key (record_id TEXT, job_id INTEGER)", err) &&
           migrate_up(store, err);
}

void store_prepare(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool exists_beside(const char *path, const char *ending)
{
    char *name = mem_printf("%s%s", path, ending);
    bool there = access(name, F_OK) == 0;

    free(name);
    return there;
}

/* What SQLite needs to write, and to read in WAL mode: the file, and its -wal and -shm, which it
 * makes where they are missing. */
static bool may_write(const char *path)
{
    char *folder = mem_strdup(path), *slash = strrchr(folder, '/');
    bool may;

    if (slash)
        slash[slash == folder] = '\0';
    may = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 &&
          (exists_beside(path, "-shm") ||
           faccessat(AT_FDCWD, slash ? folder : ".", W_OK, AT_EACCESS) == 0);
    free(folder);
    return may;
}

/* The database as a URI that reads it without a -shm. Only while no -wal is there: then nobody has
 * the database open, and all of it is in the one file. */
static char *unchanging(const char *path)
{
    struct buf uri = {0};

    buf_append_text(&uri, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path))
            buf_printf(&uri, "%%%02X", (unsigned char)*path);
        else
            buf_append_char(&uri, *path);
    }
    buf_append_text(&uri, "?immutable=1");
    buf_text(&uri);
    return uri.data;
}

static int open_database(struct store *store, enum store_mode mode)
{
    bool reads = mode == STORE_LOOKING || (mode == STORE_READING && !may_write(store->path));
    int flags = SQLITE_OPEN_NOMUTEX | (reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    char *uri;
    int code;

    if (mode != STORE_READING || !reads || exists_beside(store->path, "-wal"))
        return sqlite3_open_v2(store->path, &store->db, flags, NULL);
    uri = unchanging(store->path);
    code = sqlite3_open_v2(uri, &store->db, flags | SQLITE_OPEN_URI, NULL);
    free(uri);
    return code;
}

struct store *store_open(const char *path, enum store_mode mode, bool *created, struct err *err)
{
    struct store *store;

    *created = false;
    if (!make_file(path, mode, created, err))
        return NULL;
    store = mem_calloc(1, sizeof *store);
    store->path = realpath(path, NULL);
    if (!store->path)
        store->path = mem_strdup(path);
    if (open_database(store, mode) != SQLITE_OK) {
        db_fail(store, err, "open");
        store_close(store);
        return NULL;
    }
    if (!configure(store, mode, err)) {
        store_close(store);
        return NULL;
    }
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (unsigned owner = 0; owner < DB_OWNERS; owner++)
        for (unsigned i = 0; i < DB_STATEMENTS_MAX; i++)
            db_finalize(store->statements[owner][i]);
    sqlite3_close(store->db);
    buf_release(&store->texts);
    id_list_release(&store->errands);
    open_batches_close(store);
    free(store->path);
    free(store);
}

const char *store_path(const struct store *store)
{
    return store->path;
}
