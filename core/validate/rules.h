/* The rules of `x-rowferry`: SQL expressions over a row's properties, with the semantics of a CHECK
 * constraint: a rule fails if it is false (0); NULL passes. SQLite evaluates them on connections of
 * their own, which hold no data and can do nothing else. */
#pragma once

#include "core/base/err.h"
#include "core/row/row.h"
#include "core/row/violation.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RULES_MAX = 200,     /* of a schema */
    RULE_SIZE_MAX = 4096 /* bytes of one expression */
};

struct rule {
    struct span check;   /* the expression */
    struct span field;   /* the property that its violation names, or empty */
    struct span message; /* of the violation */
};

/* The rules of a schema; constant, so threads can share them. */
struct rules;

/* Makes an empty set of rules over the properties of a shape, which must outlive it. NULL with
 * ERR_CONFIG if SQL cannot distinguish two properties, or they are more than a table has columns.
 */
struct rules *rules_open(const struct row_shape *shape, struct err *err);
void rules_close(struct rules *rules);

/* Adds a rule; its spans must outlive the set. False with ERR_CONFIG if the check is not exactly
 * one expression, does not name a property, or uses what is not allowed (a SELECT, a table, a
 * parameter, an aggregate, a function that is not in the list in sandbox.c). */
bool rules_add(struct rules *rules, const struct rule *rule, struct err *err);

/* Checks all rules together, after the last one, so that rule_checker_open does not fail.
 * ERR_CONFIG if they are too complex for SQLite. */
bool rules_finish(struct rules *rules, struct err *err);

/* One thread's prepared rules. */
struct rule_checker;

/* NULL with ERR_CONFIG if all rules together are too complex for SQLite. */
struct rule_checker *rule_checker_open(const struct rules *rules, struct err *err);
void rule_checker_close(struct rule_checker *checker);

/* Evaluates all rules over one row and adds the violations. members[i] is the token of the value of
 * the i-th property in row->tape, or 0 if it is absent. A rule sees an integer that fits 64 bits,
 * any other number as a double (so arithmetic is SQLite's, not decimal), a string, 0 or 1 for a
 * boolean, the JSON text of an array or object, and NULL for null, an absent property, and a value
 * of a wrong type, which is a violation already. A rule that cannot be evaluated is a violation
 * with the reason. Two comparisons cost about 0.15 us. False only with ERR_INTERNAL. */
bool rule_checker_check(struct rule_checker *checker, const struct row *row,
                        const uint32_t *members, struct violations *violations, struct err *err);
