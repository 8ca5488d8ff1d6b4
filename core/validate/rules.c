#include "core/validate/rules.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/validate/decimal.h"
#include "core/validate/sandbox.h"
#include "core/validate/value.h"

#include <sqlite3.h>
#include <stdlib.h>

enum {
    DEPTH_MAX = 100, /* of one rule's expression */
    ALL_DEPTH_MAX = DEPTH_MAX + RULES_MAX + 10,
    PROPERTIES_MAX = 2000, /* columns of a table, by SQLite's default */
};

/* What a rule sees of a property. */
struct cell {
    enum { CELL_NULL, CELL_INTEGER, CELL_DOUBLE, CELL_TEXT } kind;
    int64_t integer;
    double number;
    struct span text;   /* in the row, or in `decoded` */
    struct buf decoded; /* a string with escapes */
};

/* SANDBOX_TABLE: its columns, and the values of the current row. */
struct row_table {
    sqlite3_vtab base;
    const struct row_shape *shape;
    uint32_t *properties; /* index of the property of each column */
    struct cell *cells;   /* per column; NULL: the table has no row */
    int column_count;
};

struct rules {
    const struct row_shape *shape;
    struct rule *items;
    size_t count;
    bool *named; /* per property: a rule names it, so it is read from each row */
    struct sandbox sandbox;
    struct row_table table; /* of all properties */
};

struct rule_checker {
    const struct rules *rules;
    struct sandbox sandbox;
    sqlite3_stmt *any;      /* whether a rule fails; is not reset from row to row */
    sqlite3_stmt *all;      /* which rules fail; NULL: not needed so far */
    sqlite3_stmt **single;  /* one per rule, for rows that `all` cannot be evaluated on; NULL: none
                               came yet */
    struct row_table table; /* of the properties that rules name */
};

static void append_name(struct buf *sql, struct span name)
{
    buf_append_char(sql, '"');
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '"')
            buf_append_char(sql, '"');
        buf_append_char(sql, name.data[i]);
    }
    buf_append_char(sql, '"');
}

/* --- the current row as a table (https://www.sqlite.org/vtab.html) ---
 *
 * It has that row again and again: each step of a statement evaluates what the row is by then,
 * which costs half of what binding, running and resetting a statement for each row does. */

static int row_connect(sqlite3 *db, void *context, int count, const char *const *arguments,
                       sqlite3_vtab **made, char **message)
{
    struct row_table *table = context;
    struct buf sql = {0};
    int result;

    (void)count;
    (void)arguments;
    buf_append_text(&sql, "CREATE TABLE x");
    for (int i = 0; i < table->column_count; i++) {
        buf_append_char(&sql, i ? ',' : '(');
        append_name(&sql, table->shape->properties[table->properties[i]].name);
    }
    buf_append_char(&sql, ')');
    result = sqlite3_declare_vtab(db, buf_text(&sql));
    if (result != SQLITE_OK)
        *message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    buf_release(&sql);
    *made = &table->base;
    return result;
}

/* The table belongs to the rules, or to their checker. */
static int row_disconnect(sqlite3_vtab *table)
{
    (void)table;
    return SQLITE_OK;
}

static int row_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    (void)info;
    return SQLITE_OK;
}

static int row_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    (void)table;
    *cursor = sqlite3_malloc(sizeof **cursor);
    if (!*cursor)
        return SQLITE_NOMEM;
    **cursor = (sqlite3_vtab_cursor){0};
    return SQLITE_OK;
}

static int row_close(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int row_filter(sqlite3_vtab_cursor *cursor, int index, const char *name, int count,
                      sqlite3_value **values)
{
    (void)cursor;
    (void)index;
    (void)name;
    (void)count;
    (void)values;
    return SQLITE_OK;
}

static int row_next(sqlite3_vtab_cursor *cursor)
{
    (void)cursor;
    return SQLITE_OK;
}

static int row_eof(sqlite3_vtab_cursor *cursor)
{
    return !((struct row_table *)cursor->pVtab)->cells;
}

/* Texts are not copied: the row outlives the step that reads them. */
static int row_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct cell *cell = &((struct row_table *)cursor->pVtab)->cells[column];

    switch (cell->kind) {
    case CELL_NULL:
        break;
    case CELL_INTEGER:
        sqlite3_result_int64(context, cell->integer);
        break;
    case CELL_DOUBLE:
        sqlite3_result_double(context, cell->number);
        break;
    case CELL_TEXT:
        sqlite3_result_text(context, cell->text.size ? cell->text.data : "", (int)cell->text.size,
                            SQLITE_STATIC);
        break;
    }
    return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
    (void)cursor;
    *id = 1;
    return SQLITE_OK;
}

static const sqlite3_module row_module = {
    .xConnect = row_connect,
    .xBestIndex = row_best_index,
    .xDisconnect = row_disconnect,
    .xOpen = row_open,
    .xClose = row_close,
    .xFilter = row_filter,
    .xNext = row_next,
    .xEof = row_eof,
    .xColumn = row_column,
    .xRowid = row_id,
};

/* Makes the table in the sandbox, before that is locked: it is connected when it is named first. */
static bool make_table(struct sandbox *sandbox, struct row_table *table, struct err *err)
{
    bool made =
        sqlite3_create_module(sandbox->db, SANDBOX_TABLE, &row_module, table) == SQLITE_OK &&
        sqlite3_exec(sandbox->db, "SELECT 1 FROM \"" SANDBOX_TABLE "\" LIMIT 0", NULL, NULL,
                     NULL) == SQLITE_OK;

    return made || err_set(err, ERR_CONFIG, "SQL cannot use these properties in rules: %s",
                           sqlite3_errmsg(sandbox->db));
}

/* Opens the sandbox with the table; the properties in `named` are its columns, or all. SQL does not
 * allow a NUL in a name. */
static bool open_sandbox(struct sandbox *sandbox, struct row_table *table,
                         const struct row_shape *shape, const bool *named, int depth_max,
                         struct err *err)
{
    table->shape = shape;
    table->properties = mem_calloc(shape->count, sizeof *table->properties);
    for (size_t i = 0; i < shape->count; i++) {
        struct span name = shape->properties[i].name;

        if (named ? named[i] : !name.size || !memchr(name.data, '\0', name.size))
            table->properties[table->column_count++] = (uint32_t)i;
    }
    if (!sandbox_open(sandbox, depth_max, err) || !make_table(sandbox, table, err))
        return false;
    sandbox_lock(sandbox, shape);
    return true;
}

/* --- the rules of a schema --- */

static bool rules_build(struct rules *rules, const struct row_shape *shape, struct err *err)
{
    if (shape->count > PROPERTIES_MAX)
        return err_set(err, ERR_CONFIG, "rules support at most %d properties", PROPERTIES_MAX);
    rules->shape = shape;
    rules->items = mem_calloc(RULES_MAX, sizeof *rules->items);
    rules->named = mem_calloc(shape->count, sizeof *rules->named);
    return open_sandbox(&rules->sandbox, &rules->table, shape, NULL, DEPTH_MAX, err);
}

struct rules *rules_open(const struct row_shape *shape, struct err *err)
{
    struct rules *rules = mem_calloc(1, sizeof *rules);

    if (rules_build(rules, shape, err))
        return rules;
    rules_close(rules);
    return NULL;
}

void rules_close(struct rules *rules)
{
    if (!rules)
        return;
    sandbox_close(&rules->sandbox);
    free(rules->table.properties);
    free(rules->named);
    free(rules->items);
    free(rules);
}

/* True if SQLite accepts the check between these two texts as a query with one column and without
 * parameters. */
static bool is_valid_between(struct rules *rules, struct span check, const char *before,
                             const char *after, struct err *err)
{
    struct buf sql = {0};
    sqlite3_stmt *statement;
    bool valid;

    /* line ends around it, so that a comment ends with the check */
    buf_printf(&sql, "%s\n", before);
    buf_append_span(&sql, check);
    buf_printf(&sql, "\n%s", after);
    statement = sandbox_prepare(&rules->sandbox, &sql, 1);
    buf_release(&sql);
    if (!statement)
        return err_set(err, ERR_CONFIG, "%s", sandbox_objection(&rules->sandbox));
    valid = sqlite3_column_count(statement) == 1;
    if (!valid)
        err_set(err, ERR_CONFIG, "must be one expression");
    else if (sqlite3_bind_parameter_count(statement) > 0)
        valid = err_set(err, ERR_CONFIG, "must not use parameters");
    sqlite3_finalize(statement);
    return valid;
}

/* After SELECT it cannot close a bracket that it did not open; within brackets it is neither a list
 * nor a clause, nor does it end the statement; after WHERE it is not an aggregate. So a text that
 * is valid in both places is one expression within brackets anywhere. */
static bool prove(struct rules *rules, struct span check, struct err *err)
{
    if (check.size > RULE_SIZE_MAX)
        return err_set(err, ERR_CONFIG, "must not be longer than %d bytes", RULE_SIZE_MAX);
    if (check.size && memchr(check.data, '\0', check.size))
        return err_set(err, ERR_CONFIG, "contains a NUL byte");
    if (check.size && memchr(check.data, SANDBOX_TABLE[0], check.size))
        return err_set(err, ERR_CONFIG, "must not use the table " SANDBOX_TABLE);
    return is_valid_between(rules, check, "SELECT 1 FROM \"" SANDBOX_TABLE "\" WHERE (", ")",
                            err) &&
           is_valid_between(rules, check, "SELECT", "FROM \"" SANDBOX_TABLE "\"", err);
}

bool rules_add(struct rules *rules, const struct rule *rule, struct err *err)
{
    bool named = false;

    if (rules->count == RULES_MAX)
        return err_set(err, ERR_CONFIG, "there are more than %d rules", RULES_MAX);
    memset(rules->sandbox.named, 0, rules->shape->count * sizeof *rules->sandbox.named);
    if (!prove(rules, rule->check, err))
        return false;
    for (size_t i = 0; i < rules->shape->count; i++) {
        named |= rules->sandbox.named[i];
        rules->named[i] |= rules->sandbox.named[i];
    }
    if (!named)
        return err_set(err, ERR_CONFIG, "does not name a property");
    rules->items[rules->count++] = *rule;
    return true;
}

/* --- one thread's rules --- */

static void append_failed(struct buf *sql, const struct rule *rule)
{
    buf_append_text(sql, "NOT(\n");
    buf_append_span(sql, rule->check);
    buf_append_text(sql, "\n)");
}

/* Prepares the failures of some rules: SELECT NOT(a), NOT(b) FROM row; or whether there is one. */
static sqlite3_stmt *prepare_rules(const struct rules *rules, struct sandbox *sandbox, size_t first,
                                   size_t count, bool any)
{
    struct buf sql = {0};
    sqlite3_stmt *statement;

    buf_append_text(&sql, any ? "SELECT CASE WHEN " : "SELECT ");
    for (size_t i = first; i < first + count; i++) {
        if (i > first)
            buf_append_text(&sql, any ? " OR " : ", ");
        append_failed(&sql, &rules->items[i]);
    }
    buf_append_text(&sql, any ? " THEN 1 END" : "");
    buf_append_text(&sql, " FROM \"" SANDBOX_TABLE "\"");
    statement = sandbox_prepare(sandbox, &sql, 1);
    buf_release(&sql);
    return statement;
}

bool rules_finish(struct rules *rules, struct err *err)
{
    sqlite3_stmt *statement;

    sqlite3_limit(rules->sandbox.db, SQLITE_LIMIT_EXPR_DEPTH, ALL_DEPTH_MAX);
    statement = prepare_rules(rules, &rules->sandbox, 0, rules->count, true);
    sqlite3_finalize(statement);
    return statement || err_set(err, ERR_CONFIG, "%s", sandbox_objection(&rules->sandbox));
}

static bool rule_checker_build(struct rule_checker *checker, struct err *err)
{
    const struct rules *rules = checker->rules;

    checker->single = mem_calloc(rules->count, sizeof(sqlite3_stmt *));
    checker->table.cells = mem_calloc(rules->shape->count, sizeof *checker->table.cells);
    if (!open_sandbox(&checker->sandbox, &checker->table, rules->shape, rules->named, ALL_DEPTH_MAX,
                      err))
        return false;
    checker->any = prepare_rules(rules, &checker->sandbox, 0, rules->count, true);
    return checker->any || err_set(err, ERR_CONFIG, "%s", sandbox_objection(&checker->sandbox));
}

struct rule_checker *rule_checker_open(const struct rules *rules, struct err *err)
{
    struct rule_checker *checker = mem_calloc(1, sizeof *checker);

    checker->rules = rules;
    if (rule_checker_build(checker, err))
        return checker;
    rule_checker_close(checker);
    return NULL;
}

void rule_checker_close(struct rule_checker *checker)
{
    if (!checker)
        return;
    sqlite3_finalize(checker->any);
    sqlite3_finalize(checker->all);
    for (size_t i = 0; checker->single && i < checker->rules->count; i++)
        sqlite3_finalize(checker->single[i]);
    for (int i = 0; i < checker->table.column_count; i++)
        buf_release(&checker->table.cells[i].decoded);
    sandbox_close(&checker->sandbox);
    free(checker->single);
    free(checker->table.properties);
    free(checker->table.cells);
    free(checker);
}

static void read_number(struct cell *cell, struct span text)
{
    struct decimal number;

    cell->kind = CELL_INTEGER;
    if (str_to_int64(text, INT64_MIN, INT64_MAX, &cell->integer))
        return;
    number = decimal_parse(text);
    cell->kind = CELL_DOUBLE;
    cell->number = decimal_to_double(&number, text);
}

static void read_cell(struct cell *cell, struct value value)
{
    const struct json_token *token = value_token(value);

    cell->kind = CELL_TEXT;
    cell->text = value_span(value);
    switch ((enum json_kind)token->kind) {
    case JSON_NULL:
        cell->kind = CELL_NULL;
        break;
    case JSON_FALSE:
    case JSON_TRUE:
        cell->kind = CELL_INTEGER;
        cell->integer = token->kind == JSON_TRUE;
        break;
    case JSON_NUMBER:
        read_number(cell, cell->text);
        break;
    case JSON_STRING:
        cell->text = json_string(token, value.text, &cell->decoded);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
}

static void read_row(struct rule_checker *checker, const struct row *row, const uint32_t *members)
{
    const struct row_property *properties = checker->rules->shape->properties;

    for (int i = 0; i < checker->table.column_count; i++) {
        uint32_t property = checker->table.properties[i];
        struct cell *cell = &checker->table.cells[i];
        struct value value = {row->fields.data, row->tape.tokens, members[property]};

        if (value.index && value_has_type(value, properties[property].types))
            read_cell(cell, value);
        else
            cell->kind = CELL_NULL;
    }
}

/* Returns SQLITE_ROW with the results in the columns of the statement, or an error. */
static int evaluate(struct rule_checker *checker, sqlite3_stmt *statement)
{
    checker->sandbox.ticks = 0;
    return sqlite3_step(statement);
}

static void add_violation(const struct rule *rule, struct violations *violations)
{
    violations_add(violations, rule->field, "check", "%.*s", (int)rule->message.size,
                   rule->message.data);
}

/* Evaluates the rules one by one, for a row that a rule cannot be evaluated on. */
static void check_singly(struct rule_checker *checker, struct violations *violations)
{
    for (size_t i = 0; i < checker->rules->count; i++) {
        const struct rule *rule = &checker->rules->items[i];

        /* a part of `any`, which could be prepared */
        if (!checker->single[i])
            checker->single[i] = prepare_rules(checker->rules, &checker->sandbox, i, 1, false);
        if (evaluate(checker, checker->single[i]) != SQLITE_ROW)
            violations_add(violations, rule->field, "check", "cannot be evaluated (%s): %.*s",
                           sqlite3_errmsg(checker->sandbox.db), (int)rule->message.size,
                           rule->message.data);
        else if (sqlite3_column_int(checker->single[i], 0))
            add_violation(rule, violations);
        sqlite3_reset(checker->single[i]);
    }
}

bool rule_checker_check(struct rule_checker *checker, const struct row *row,
                        const uint32_t *members, struct violations *violations, struct err *err)
{
    const struct rules *rules = checker->rules;
    int result;

    read_row(checker, row, members);
    result = evaluate(checker, checker->any);
    if (result == SQLITE_ROW && !sqlite3_column_int(checker->any, 0)) {
        /* what depends on the time is evaluated once in a run of the statement */
        if (checker->sandbox.reads_clock)
            sqlite3_reset(checker->any);
        return true;
    }
    sqlite3_reset(checker->any);
    if (!checker->all)
        checker->all = prepare_rules(rules, &checker->sandbox, 0, rules->count, false);
    result = evaluate(checker, checker->all);
    for (size_t i = 0; result == SQLITE_ROW && i < rules->count; i++)
        if (sqlite3_column_int(checker->all, (int)i) == 1)
            add_violation(&rules->items[i], violations);
    sqlite3_reset(checker->all);
    if (result == SQLITE_NOMEM || result == SQLITE_MISUSE)
        return err_set(err, ERR_INTERNAL, "rules: %s", sqlite3_errstr(result));
    if (result != SQLITE_ROW)
        check_singly(checker, violations);
    return true;
}
