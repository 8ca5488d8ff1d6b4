/* Shared functions of the fuzz targets. A target is a file NAME_fuzz.c, linked with libFuzzer
 * (`make fuzz`) or replay.c (`make test`). */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs the target on an input. A property that does not hold ends the process. Returns 0, as
 * libFuzzer requires. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with the text of the property if it does not hold. */
void fuzz_must(bool holds, const char *property);

/* Requires that a text can be shown on a terminal: UTF-8 without control characters. */
void fuzz_must_be_printable(const char *text);

/* Requires that two texts are equal; shows both if not. */
void fuzz_must_equal(struct span is, struct span expected, const char *property);

/* Takes the part of text before the first `line` (with its line end); all of it if there is no such
 * line. */
struct span fuzz_take_part(struct span *text, const char *line);
