/* The text of a schema file -> the plan to check rows by. */
#ifndef ROWFERRY_VALIDATE_COMPILE_H
#define ROWFERRY_VALIDATE_COMPILE_H

#include "core/base/err.h"
#include "core/validate/plan.h"

#include <stdbool.h>

/* Fills the plan, the shape and the rules of a schema whose name and plan.text are set. path stands
 * in messages. False with ERR_CONFIG; the schema is then fit for schema_close alone. */
bool compile_schema(struct schema *schema, const char *path, struct err *err);

#endif
