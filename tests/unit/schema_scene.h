/* Schemas from texts, and the violations of rows as text. */
#pragma once

#include "core/validate/checker.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Opens the text as Item.json of a temporary folder. NULL with err set. */
static inline struct schema *schema_of(const char *text, struct err *err)
{
    char folder[SCRATCH_SIZE], path[SCRATCH_SIZE + 16];
    struct schema *schema;

    scratch_make(folder);
    snprintf(path, sizeof path, "%s/Item.json", folder);
    scratch_write(path, text, strlen(text));
    schema = schema_open(path, err);
    scratch_remove(folder);
    return schema;
}

/* Returns why the text is not a schema, without the file's name; "" if it is one. */
static inline const char *refusal_of(const char *text)
{
    static struct err err;
    const char *reason;

    err = (struct err){0};
    schema_close(schema_of(text, &err));
    if (err.kind == ERR_NONE)
        return "";
    assert_int_equal(err.kind, ERR_CONFIG);
    reason = strstr(err.text, "/Item.json: ");
    assert_non_null(reason);
    return reason + strlen("/Item.json: ");
}

static inline void append_span(char *out, size_t size, struct span text, const char *end)
{
    size_t used = strlen(out);

    snprintf(out + used, size - used, "%.*s%s", (int)text.size, text.data, end);
}

/* Returns the violations of one row as `FIELD|RULE|MESSAGE`, one per line. */
static inline const char *check_row(struct checker *checker, const char *fields)
{
    static char out[16384];
    struct row row = {.fields = span_of(fields)};
    struct violations list = {0};
    struct json_fault fault;
    struct err err = {0};

    out[0] = '\0';
    if (!json_scan(&row.tape, row.fields, 0, &fault))
        fail_msg("%s: %s", fields, fault.message);
    if (!checker_check(checker, &row, &list, &err))
        fail_msg("%s: %s", fields, err.text);
    for (size_t i = 0; i < list.count; i++) {
        append_span(out, sizeof out, violation_field(&list, i), "|");
        append_span(out, sizeof out, violation_rule(&list, i), "|");
        append_span(out, sizeof out, violation_message(&list, i), i + 1 < list.count ? "\n" : "");
    }
    violations_release(&list);
    json_tape_release(&row.tape);
    return out;
}

/* The same for the text of a schema. */
static inline const char *violations_of(const char *text, const char *fields)
{
    struct err err = {0};
    struct schema *schema = schema_of(text, &err);
    struct checker *checker;
    const char *out;

    if (!schema)
        fail_msg("%s: %s", text, err.text);
    checker = checker_open(schema, &err);
    assert_non_null(checker);
    out = check_row(checker, fields);
    checker_close(checker);
    schema_close(schema);
    return out;
}

/* The same for one property v: its schema and its value. */
static inline const char *violations_of_value(const char *schema, const char *value)
{
    char text[8192], fields[8192];

    snprintf(text, sizeof text, "{\"properties\": {\"v\": %s}}", schema);
    snprintf(fields, sizeof fields, "{\"v\": %s}", value);
    return violations_of(text, fields);
}

/* A schema for v, a value of v, and its violations. */
struct value_case {
    const char *schema, *value, *violations;
};

static inline void assert_values(const struct value_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = violations_of_value(cases[i].schema, cases[i].value);

        if (strcmp(found, cases[i].violations) != 0)
            fail_msg("%s on %s\n is: %s\nnot: %s", cases[i].schema, cases[i].value, found,
                     cases[i].violations);
    }
}

/* A text and why it is not a schema. */
struct refusal {
    const char *text, *reason;
};

static inline void assert_schemas_refused(const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *reason = refusal_of(cases[i].text);

        if (strcmp(reason, cases[i].reason) != 0)
            fail_msg("%s\n is: %s\nnot: %s", cases[i].text, reason, cases[i].reason);
    }
}
