/* Schemas from texts, for the targets schema and check. */
#pragma once

#include "core/validate/checker.h"

/* Opens the text as a schema file. Requires that it is a schema, or is refused with ERR_CONFIG and
 * a text that names the file. NULL with err set. */
struct schema *schemas_open(struct span text, struct err *err);

/* Checks a row and appends its violations as lines `FIELD|RULE|MESSAGE`. Requires that fields are
 * properties or JSON pointers whose parents are in the row, and that texts are UTF-8 within their
 * limits. Returns the number of violations. */
size_t schemas_check(struct checker *checker, const struct row *row, struct buf *out);
