/* The extension keyword `x-rowferry` (rowferry-schema(5)). */
#pragma once

#include "core/validate/compiler.h"

/* Compiles `x-rowferry` at the root, after everything else. False after compiler_refuse. */
bool extension_compile(struct compiler *c, uint32_t value);
