/* Identifiers of schemas, and references to them: `$id`, `$anchor`, `$ref` and the like. */
#pragma once

#include "core/validate/compiler.h"

/* Begins a resource or names an anchor if the schema being compiled has an identifier; false after
 * compiler_refuse. */
bool reference_identify(struct compiler *c, uint32_t token);

/* Resolves the references; false after compiler_refuse. *is_done stays false if schemas were added,
 * which must be compiled before the next call. */
bool reference_resolve(struct compiler *c, bool *is_done);

/* Keywords, for the table in keywords.c. */
bool compile_reference(struct compiler *c, const struct keyword *keyword, uint32_t value);
bool compile_anchor(struct compiler *c, const struct keyword *keyword, uint32_t value);
bool compile_recursive_anchor(struct compiler *c, const struct keyword *keyword, uint32_t value);
