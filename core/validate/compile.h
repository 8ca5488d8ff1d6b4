/* The text of a schema file -> the plan that rows are checked with. */
#pragma once

#include "core/base/err.h"
#include "core/validate/plan.h"

#include <stdbool.h>

/* Fills the plan, the shape and the rules of a schema whose name and plan.text are set. path is for
 * messages. After an error, which is ERR_CONFIG, the schema can only be closed. */
bool compile_schema(struct schema *schema, const char *path, struct err *err);
