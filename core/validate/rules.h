/* The rules of `x-rowferry`: SQL expressions over a row's properties, with the semantics of a CHECK
 * constraint: a rule fails where it is false (0); NULL passes. SQLite evaluates them on connections
 * of their own that hold nothing and may do nothing else. */
#ifndef ROWFERRY_VALIDATE_RULES_H
#define ROWFERRY_VALIDATE_RULES_H

#include "core/base/err.h"
#include "core/row/row.h"
#include "core/row/violation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RULES_MAX = 200,     /* of a schema */
    RULE_SIZE_MAX = 4096 /* bytes of one expression */
};

struct rule {
    struct span check;   /* the expression */
    struct span field;   /* the property its violation is told of, or empty */
    struct span message; /* what the violation says */
};

/* The rules of a schema, proven; constant, may be shared between threads. */
struct rules;

/* Begins a set of rules over the properties of a shape, which must outlive it. NULL with ERR_CONFIG
 * where SQL could not tell two properties apart, or there are more of them than it has columns. */
struct rules *rules_open(const struct row_shape *shape, struct err *err);
void rules_close(struct rules *rules);

/* Adds a rule; the spans must outlive the set. False with ERR_CONFIG where the check is not exactly
 * one expression, names no property, or uses what rules may not use (a SELECT, a table, a
 * parameter, an aggregate, a function that is not on the list in sandbox.c). */
bool rules_add(struct rules *rules, const struct rule *rule, struct err *err);

/* One thread's prepared rules. */
struct rule_checker;

/* NULL on error, which is ERR_CONFIG: all rules together are too much for SQLite. */
struct rule_checker *rule_checker_open(const struct rules *rules, struct err *err);
void rule_checker_close(struct rule_checker *checker);

/* Evaluates all rules over one row and adds the violations. members[i] is the token of the i-th
 * property's value in row->tape, or 0 where the row has none. What a rule sees: an integer that
 * fits 64 bits, any other number as a double (so arithmetic is SQLite's, not decimal), a string, 0
 * or 1 for a boolean, NULL for null, for an absent property and for a value of a wrong type (which
 * is a violation already), the JSON text of an array or object. A rule that cannot be evaluated is
 * a violation that says why. Two comparisons cost some 0.2 us, an IN with more than two constants 2
 * us (SQLite builds an index each time; `enum` is the cheap way). False with ERR_INTERNAL only. */
bool rule_checker_check(struct rule_checker *checker, const struct row *row,
                        const uint32_t *members, struct violations *violations, struct err *err);

#endif
