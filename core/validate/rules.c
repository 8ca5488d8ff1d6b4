#include "core/validate/rules.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/validate/decimal.h"
#include "core/validate/sandbox.h"
#include "core/validate/value.h"

#include <sqlite3.h>
#include <stdlib.h>

enum {
    DEPTH_MAX = 100,       /* of one rule's expression */
    PROPERTIES_MAX = 2000, /* columns of a table, by SQLite's default */
};

struct rules {
    const struct row_shape *shape;
    struct rule *items;
    size_t count;
    bool *named;            /* per property: a rule names it, so it is bound for each row */
    struct sandbox sandbox; /* with SANDBOX_TABLE of the properties */
};

struct rule_checker {
    const struct rules *rules;
    struct sandbox sandbox;
    sqlite3_stmt *all;     /* gives a row with all results if a rule fails, else none */
    sqlite3_stmt **single; /* one per rule, for rows that `all` cannot be evaluated on; NULL: none
                              came yet */
    uint32_t *properties;  /* index of the property of parameter i + 1 */
    struct buf *decoded;   /* a string with escapes, per parameter */
    int parameter_count;
};

/* Appends a property as an SQL name; false if it contains a NUL, which SQL does not allow. */
static bool append_name(struct buf *sql, struct span name)
{
    if (name.size && memchr(name.data, '\0', name.size))
        return false;
    buf_append_char(sql, '"');
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '"')
            buf_append_char(sql, '"');
        buf_append_char(sql, name.data[i]);
    }
    buf_append_char(sql, '"');
    return true;
}

static bool create_table(struct rules *rules, struct err *err)
{
    struct buf sql = {0};
    char *message = NULL;
    bool created;

    buf_append_text(&sql, "CREATE TABLE \"" SANDBOX_TABLE "\"");
    for (size_t i = 0, count = 0; i < rules->shape->count; i++) {
        size_t before = sql.size;

        buf_append_char(&sql, count ? ',' : '(');
        if (append_name(&sql, rules->shape->properties[i].name))
            count++;
        else
            sql.size = before;
    }
    buf_append_char(&sql, ')');
    created = sqlite3_exec(rules->sandbox.db, buf_text(&sql), NULL, NULL, &message) == SQLITE_OK;
    if (!created)
        err_set(err, ERR_CONFIG, "SQL cannot use these properties in rules: %s", message);
    buf_release(&sql);
    sqlite3_free(message);
    return created;
}

static bool rules_build(struct rules *rules, const struct row_shape *shape, struct err *err)
{
    if (shape->count > PROPERTIES_MAX)
        return err_set(err, ERR_CONFIG, "rules support at most %d properties", PROPERTIES_MAX);
    rules->shape = shape;
    rules->items = mem_calloc(RULES_MAX, sizeof *rules->items);
    rules->named = mem_calloc(shape->count, sizeof *rules->named);
    if (!sandbox_open(&rules->sandbox, DEPTH_MAX, err) || !create_table(rules, err))
        return false;
    sandbox_lock(&rules->sandbox, shape);
    return true;
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

static void append_failed(struct buf *sql, const struct rule *rule)
{
    buf_append_text(sql, "NOT(\n");
    buf_append_span(sql, rule->check);
    buf_append_text(sql, "\n)");
}

/* Prepares the failures of some rules over one row of parameters, which gives a row only if a rule
 * fails: SELECT NOT(a), NOT(b) FROM (SELECT ?1 AS "x", ?2 AS "y") WHERE NOT(a) OR NOT(b) */
static sqlite3_stmt *prepare_rules(struct rule_checker *checker, size_t first, size_t count)
{
    const struct rules *rules = checker->rules;
    struct buf sql = {0};
    sqlite3_stmt *statement;

    for (size_t i = first; i < first + count; i++) {
        buf_append_text(&sql, i == first ? "SELECT " : ", ");
        append_failed(&sql, &rules->items[i]);
    }
    buf_append_text(&sql, " FROM (SELECT ");
    for (int i = 0; i < checker->parameter_count; i++) {
        buf_printf(&sql, "%s?%d AS ", i ? ", " : "", i + 1);
        append_name(&sql, rules->shape->properties[checker->properties[i]].name);
    }
    for (size_t i = first; i < first + count; i++) {
        buf_append_text(&sql, i == first ? ") WHERE " : " OR ");
        append_failed(&sql, &rules->items[i]);
    }
    statement = sandbox_prepare(&checker->sandbox, &sql, 2);
    buf_release(&sql);
    return statement;
}

static bool rule_checker_build(struct rule_checker *checker, struct err *err)
{
    const struct rules *rules = checker->rules;
    size_t property_count = rules->shape->count;

    checker->properties = mem_calloc(property_count, sizeof *checker->properties);
    checker->decoded = mem_calloc(property_count, sizeof *checker->decoded);
    checker->single = mem_calloc(rules->count, sizeof(sqlite3_stmt *));
    for (size_t i = 0; i < property_count; i++)
        if (rules->named[i])
            checker->properties[checker->parameter_count++] = (uint32_t)i;
    if (!sandbox_open(&checker->sandbox, DEPTH_MAX + RULES_MAX + 10, err))
        return false;
    sandbox_lock(&checker->sandbox, NULL);
    checker->all = prepare_rules(checker, 0, rules->count);
    return checker->all || err_set(err, ERR_CONFIG, "%s", sandbox_objection(&checker->sandbox));
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
    sqlite3_finalize(checker->all);
    for (size_t i = 0; checker->single && i < checker->rules->count; i++)
        sqlite3_finalize(checker->single[i]);
    for (int i = 0; i < checker->parameter_count; i++)
        buf_release(&checker->decoded[i]);
    sandbox_close(&checker->sandbox);
    free(checker->single);
    free(checker->properties);
    free(checker->decoded);
    free(checker);
}

static int bind_number(sqlite3_stmt *statement, int parameter, struct span text)
{
    struct decimal number;
    int64_t integer;

    if (str_to_int64(text, INT64_MIN, INT64_MAX, &integer))
        return sqlite3_bind_int64(statement, parameter, integer);
    number = decimal_parse(text);
    return sqlite3_bind_double(statement, parameter, decimal_to_double(&number, text));
}

/* Texts are not copied: the row outlives the step that reads them. */
static int bind_value(sqlite3_stmt *statement, int parameter, struct value value,
                      struct buf *decoded)
{
    const struct json_token *token = value_token(value);
    struct span text = value_span(value);

    switch ((enum json_kind)token->kind) {
    case JSON_NULL:
        return sqlite3_bind_null(statement, parameter);
    case JSON_FALSE:
    case JSON_TRUE:
        return sqlite3_bind_int(statement, parameter, token->kind == JSON_TRUE);
    case JSON_NUMBER:
        return bind_number(statement, parameter, text);
    case JSON_STRING:
        text = json_string(token, value.text, decoded);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return sqlite3_bind_text(statement, parameter, text.size ? text.data : "", (int)text.size,
                             SQLITE_STATIC);
}

static int bind_row(struct rule_checker *checker, sqlite3_stmt *statement, const struct row *row,
                    const uint32_t *members)
{
    const struct row_property *properties = checker->rules->shape->properties;
    int result = SQLITE_OK;

    for (int i = 0; i < checker->parameter_count && result == SQLITE_OK; i++) {
        uint32_t property = checker->properties[i];
        struct value value = {row->fields.data, row->tape.tokens, members[property]};

        if (value.index && value_has_type(value, properties[property].types))
            result = bind_value(statement, i + 1, value, &checker->decoded[i]);
        else
            result = sqlite3_bind_null(statement, i + 1);
    }
    return result;
}

/* Returns SQLITE_DONE if no rule of the statement fails, SQLITE_ROW with the failures in its
 * columns, or an error. The caller resets the statement. */
static int evaluate(struct rule_checker *checker, sqlite3_stmt *statement, const struct row *row,
                    const uint32_t *members)
{
    int result = bind_row(checker, statement, row, members);

    checker->sandbox.ticks = 0;
    return result == SQLITE_OK ? sqlite3_step(statement) : result;
}

static void add_violation(const struct rule *rule, struct violations *violations)
{
    violations_add(violations, rule->field, "check", "%.*s", (int)rule->message.size,
                   rule->message.data);
}

/* Evaluates the rules one by one, for a row that a rule cannot be evaluated on. */
static void check_singly(struct rule_checker *checker, const struct row *row,
                         const uint32_t *members, struct violations *violations)
{
    for (size_t i = 0; i < checker->rules->count; i++) {
        const struct rule *rule = &checker->rules->items[i];
        int result;

        /* a part of `all`, which could be prepared */
        if (!checker->single[i])
            checker->single[i] = prepare_rules(checker, i, 1);
        result = evaluate(checker, checker->single[i], row, members);
        if (result == SQLITE_ROW)
            add_violation(rule, violations);
        else if (result != SQLITE_DONE)
            violations_add(violations, rule->field, "check", "cannot be evaluated (%s): %.*s",
                           sqlite3_errmsg(checker->sandbox.db), (int)rule->message.size,
                           rule->message.data);
        sqlite3_reset(checker->single[i]);
    }
}

bool rule_checker_check(struct rule_checker *checker, const struct row *row,
                        const uint32_t *members, struct violations *violations, struct err *err)
{
    int result = evaluate(checker, checker->all, row, members);

    for (size_t i = 0; result == SQLITE_ROW && i < checker->rules->count; i++)
        if (sqlite3_column_int(checker->all, (int)i) == 1)
            add_violation(&checker->rules->items[i], violations);
    sqlite3_reset(checker->all);
    if (result == SQLITE_NOMEM || result == SQLITE_MISUSE)
        return err_set(err, ERR_INTERNAL, "rules: %s", sqlite3_errstr(result));
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        check_singly(checker, row, members, violations);
    return true;
}
