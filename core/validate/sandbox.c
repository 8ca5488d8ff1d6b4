#include "core/validate/sandbox.h"

#include "core/base/mem.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    VALUE_MAX = 1 << 20, /* bytes of a value, also an intermediate one; no row is longer */
    TICK_STEPS = 1000,   /* virtual machine steps per tick */
    TICKS_MAX = 1000,    /* per evaluation */
};

/* The functions that a rule can call. None reads anything but its arguments, except dates for
 * 'now', or makes more than VALUE_MAX bytes. */
static const char *const functions[] = {
    "abs",          "round",
    "sign",         "ceil",
    "ceiling",      "floor",
    "trunc",        "mod",
    "min",          "max",
    "length",       "substr",
    "substring",    "instr",
    "replace",      "trim",
    "ltrim",        "rtrim",
    "lower",        "upper",
    "unicode",      "like",
    "glob",         "typeof",
    "iif",          "ifnull",
    "nullif",       "coalesce",
    "->",           "->>",
    "json_valid",   "json_type",
    "json_extract", "json_array_length",
};

/* Likewise, but what they give can depend on the time. */
static const char *const clock_functions[] = {
    "date",      "time",         "datetime",     "julianday",         "strftime",
    "unixepoch", "current_date", "current_time", "current_timestamp",
};

static int refuse(struct sandbox *sandbox, const char *what, const char *name)
{
    snprintf(sandbox->refusal, sizeof sandbox->refusal, "must not use %s%s", what,
             name ? name : "");
    return SQLITE_DENY;
}

static int allow_read(struct sandbox *sandbox, const char *table, const char *column)
{
    if (!table || !column || strcmp(table, SANDBOX_TABLE) != 0)
        return refuse(sandbox, "the table ", table);
    for (size_t i = 0; i < sandbox->shape->count; i++) {
        if (span_is(sandbox->shape->properties[i].name, column)) {
            sandbox->named[i] = true;
            return SQLITE_OK;
        }
    }
    /* "": the table is in FROM, and none of its columns is used */
    return *column ? refuse(sandbox, "the column ", column) : SQLITE_OK;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static int allow_function(struct sandbox *sandbox, const char *name)
{
    if (is_among(name, functions, sizeof functions / sizeof *functions))
        return SQLITE_OK;
    if (!is_among(name, clock_functions, sizeof clock_functions / sizeof *clock_functions))
        return refuse(sandbox, "the function ", name);
    sandbox->reads_clock = true;
    return SQLITE_OK;
}

/* sqlite3_set_authorizer: called while a statement is prepared. */
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    struct sandbox *sandbox = context;

    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
        if (!sandbox->selects_left)
            return refuse(sandbox, "a SELECT", NULL);
        sandbox->selects_left--;
        return SQLITE_OK;
    case SQLITE_READ:
        return allow_read(sandbox, first, second);
    case SQLITE_FUNCTION:
        return allow_function(sandbox, second);
    default:
        return refuse(sandbox, "anything but expressions", NULL);
    }
}

static int tick(void *context)
{
    struct sandbox *sandbox = context;

    return ++sandbox->ticks > TICKS_MAX;
}

static bool sandbox_fault(const struct sandbox *sandbox, struct err *err)
{
    return err_set(err, ERR_INTERNAL, "rules: %s", sqlite3_errmsg(sandbox->db));
}

bool sandbox_open(struct sandbox *sandbox, int depth_max, struct err *err)
{
    static const int settings[][2] = {
        {SQLITE_DBCONFIG_DQS_DDL, 0},        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_QPSG, 1},    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    };
    const int limits[][2] = {
        {SQLITE_LIMIT_LENGTH, VALUE_MAX},         {SQLITE_LIMIT_SQL_LENGTH, SANDBOX_SQL_MAX},
        {SQLITE_LIMIT_EXPR_DEPTH, depth_max},     {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000}, {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;

    if (sqlite3_open_v2(":memory:", &sandbox->db, flags, NULL) != SQLITE_OK)
        return sandbox_fault(sandbox, err);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (sqlite3_db_config(sandbox->db, settings[i][0], settings[i][1], NULL) != SQLITE_OK)
            return sandbox_fault(sandbox, err);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(sandbox->db, limits[i][0], limits[i][1]);
    sqlite3_progress_handler(sandbox->db, TICK_STEPS, tick, sandbox);
    return true;
}

void sandbox_close(struct sandbox *sandbox)
{
    sqlite3_close(sandbox->db);
    free(sandbox->named);
    *sandbox = (struct sandbox){0};
}

void sandbox_lock(struct sandbox *sandbox, const struct row_shape *shape)
{
    sandbox->shape = shape;
    sandbox->named = mem_calloc(shape->count, sizeof *sandbox->named);
    sqlite3_set_authorizer(sandbox->db, authorize, sandbox);
}

sqlite3_stmt *sandbox_prepare(struct sandbox *sandbox, struct buf *sql, unsigned selects)
{
    sqlite3_stmt *statement = NULL;
    const char *tail = "";

    sandbox->selects_left = selects;
    sandbox->refusal[0] = '\0';
    sandbox->ticks = 0;
    if (sql->size > SANDBOX_SQL_MAX ||
        sqlite3_prepare_v3(sandbox->db, buf_text(sql), (int)sql->size + 1,
                           SQLITE_PREPARE_PERSISTENT, &statement, &tail) != SQLITE_OK)
        return NULL;
    if (!*tail)
        return statement;
    sqlite3_finalize(statement);
    return NULL;
}

const char *sandbox_objection(const struct sandbox *sandbox)
{
    return sandbox->refusal[0] ? sandbox->refusal : sqlite3_errmsg(sandbox->db);
}
