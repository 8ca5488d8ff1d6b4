/* What the fuzz targets share. A target is one file NAME_fuzz.c; it is linked with libFuzzer
 * (`make fuzz`) and with replay.c (`make test`). */
#ifndef ROWFERRY_TESTS_FUZZ_FUZZ_H
#define ROWFERRY_TESTS_FUZZ_FUZZ_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target: looks at one input. A property that does not hold ends the process. Returns 0 (what
 * libFuzzer asks for). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, with the property's words, where it does not hold. */
void fuzz_must(bool holds, const char *property);

/* The same for a text that goes to a terminal: UTF-8 without control characters. */
void fuzz_must_be_printable(const char *text);

/* The same for texts that must be equal; both are shown. */
void fuzz_must_equal(struct span is, struct span expected, const char *property);

/* Cuts the part in front of the first `line` (with its line end) out of text; all of it where there
 * is no such line. */
struct span fuzz_take_part(struct span *text, const char *line);

#endif
