/* The keywords of JSON Schema, and those of tools that assert nothing. */
#pragma once

#include "core/validate/compiler.h"

/* Compiles the keywords of the node being compiled. An unknown keyword is refused, because it may
 * be a mistake that asserts nothing. False after compiler_refuse. */
bool keywords_compile(struct compiler *c, uint32_t token);
