/* Schema files: JSON Schema with the extension `x-rowferry`. */
#pragma once

#include "core/base/err.h"
#include "core/row/row.h"
#include "core/target/target.h"

/* Compiled from NAME.json; constant, so threads can share it. */
struct schema;

/* Reads and compiles a schema file (rowferry-schema(5)). The name is that of the file without
 * `.json`. Everything that could not be checked later is an ERR_CONFIG with the file and the JSON
 * pointer: an unknown keyword, a pattern that does not compile, a rule that is not an expression.
 * The caller closes it. NULL on error. */
struct schema *schema_open(const char *path, struct err *err);

/* The same for the text of a schema file, which is copied; name is also the file in errors. */
struct schema *schema_parse(const char *name, struct span text, struct err *err);
void schema_close(struct schema *schema);

const char *schema_name(const struct schema *schema);
const struct row_shape *schema_shape(const struct schema *schema);

/* Returns which resource the rows update. */
const struct target *schema_target(const struct schema *schema);

/* Returns XXH3-128 of the schema file's bytes, in hexadecimal: it shows whether a batch began with
 * another schema. */
const char *schema_hash(const struct schema *schema);
