/* `csv`, `columns` and `formats` of `x-rowferry`: how the CSV files of an object are written. */
#pragma once

#include "core/validate/compiler.h"

/* Compile these members; false after compiler_refuse. */
bool extension_csv(struct compiler *c, uint32_t value);
bool extension_columns(struct compiler *c, uint32_t value);
bool extension_formats(struct compiler *c, uint32_t value);
