/* A schema and a row -> violations. */
#pragma once

#include "core/row/violation.h"
#include "core/validate/schema.h"

/* What one thread needs to check rows: match data, prepared rules, scratch memory. */
struct checker;

/* NULL on error, which is ERR_INTERNAL. The schema must outlive the checker. */
struct checker *checker_open(const struct schema *schema, struct err *err);
void checker_close(struct checker *checker);

/* Adds every violation of the row's fields to the list; allocates nothing for a row of a flat
 * schema once its buffers have grown. A row with an empty tape, which the reader rejected, passes.
 * A required member that already has a violation, because the reader could not read its cell, is
 * not reported as missing, and a row that undoes is not checked. False only on ERR_INTERNAL. */
bool checker_check(struct checker *checker, const struct row *row, struct violations *violations,
                   struct err *err);

/* Checks only the schema's rules, over a row of which only fields and tape are used: for what is
 * sent instead of a checked row. */
bool checker_check_rules(struct checker *checker, const struct row *row,
                         struct violations *violations, struct err *err);
