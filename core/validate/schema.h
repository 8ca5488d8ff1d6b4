/* Schema files: JSON Schema with the extension `x-rowferry`. */
#ifndef ROWFERRY_VALIDATE_SCHEMA_H
#define ROWFERRY_VALIDATE_SCHEMA_H

#include "core/base/err.h"
#include "core/row/row.h"

#include <stdbool.h>

/* Compiled from schema/NAME.json; constant once loaded, may be shared between threads. */
struct schema;

/* Reads and compiles a schema file: JSON Schema with the extension `x-rowferry`, as in
 * rowferry-schema(5). The name is that of the file without `.json`. Everything that could not be
 * checked later is an ERR_CONFIG here that names the file and the JSON pointer: a keyword that is
 * not implemented, a pattern that does not compile, a rule that is not an expression or names no
 * property. The caller closes it. NULL on error. */
struct schema *schema_open(const char *path, struct err *err);

/* The same of a schema file's text, which is copied; name is the schema's and stands for the file
 * in errors. */
struct schema *schema_parse(const char *name, struct span text, struct err *err);
void schema_close(struct schema *schema);

const char *schema_name(const struct schema *schema);
const struct row_shape *schema_shape(const struct schema *schema);

/* XXH3-128 of the schema file's bytes, hexadecimal: tells whether a batch began under another one.
 */
const char *schema_hash(const struct schema *schema);

#endif
