/* Schemas from texts, for the targets schema and check. */
#ifndef ROWFERRY_TESTS_FUZZ_SCHEMAS_H
#define ROWFERRY_TESTS_FUZZ_SCHEMAS_H

#include "core/validate/checker.h"

/* Opens the text as a schema file. What must hold: it is refused with ERR_CONFIG and a text
 * that names the file, or else it is a schema. NULL with err set. */
struct schema *schemas_open(struct span text, struct err *err);

/* What the checker says of a row, appended as `FIELD|RULE|MESSAGE` a line. What must hold: fields
 * are properties or JSON pointers whose parents are in the row, texts are UTF-8 and of the length
 * they may have. Returns how many violations there are. */
size_t schemas_check(struct checker *checker, const struct row *row, struct buf *out);

#endif
