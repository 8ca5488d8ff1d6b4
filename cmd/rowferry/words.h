/* Values as people read them: spans of time, moments, arguments for a shell. */
#pragma once

#include "core/base/buf.h"

#include <stdint.h>

enum { WORDS_SIZE = 48 };

/* Writes `0.4 s`, `12 s`, `2m 42s`, `4h 58m` or `3d 4h` into out, and returns it. */
char *words_duration(int64_t ms, char out[WORDS_SIZE]);

/* Writes `2026-11-23T02:00:00Z` (UTC, whole seconds) into out, and returns it. */
char *words_time(int64_t now_ms, char out[WORDS_SIZE]);

/* Writes `12,345` into out, and returns it. */
char *words_grouped(uint64_t count, char out[WORDS_SIZE]);

/* Writes `1 file` or `3 files`, `1 batch` or `2 batches` into out, and returns it. */
char *words_count(uint64_t count, const char *noun, char out[WORDS_SIZE]);

/* Appends a count that is not 0 to a list: *before it, `12 refused`. *before is ", " then. */
void words_listed(struct buf *out, const char **before, uint64_t count, const char *what);

/* Appends an argument so that a shell reads it back as it is: bare where that is safe, else in
 * single quotes; with control characters or bytes that are not UTF-8 as $'...'. */
void words_quote(struct buf *out, const char *argument);

/* Appends text for people: control characters escaped, as str_printable does, uncut. */
void words_printable(struct buf *out, const char *text);
void words_printable_span(struct buf *out, struct span text);

/* Writes `812 bytes`, `4.0 kB` or `1.2 GB` (powers of 1000) into out, and returns it. */
char *words_bytes(uint64_t bytes, char out[WORDS_SIZE]);

/* Appends words in lines of 80 columns, and a newline. Lines after the first begin at `indent`;
 * column: where the first begins. */
void words_wrap(struct buf *out, const char *text, unsigned indent, unsigned column);
