/* `csv`, `columns` and `formats` of `x-rowferry`: how the CSV files of an object are written. */
#ifndef ROWFERRY_VALIDATE_EXTENSION_CSV_H
#define ROWFERRY_VALIDATE_EXTENSION_CSV_H

#include "core/validate/compiler.h"

/* Compile these members; false after compiler_refuse. */
bool extension_csv(struct compiler *c, uint32_t value);
bool extension_columns(struct compiler *c, uint32_t value);
bool extension_formats(struct compiler *c, uint32_t value);

#endif
