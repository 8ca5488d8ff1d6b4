/* Regular expressions: compiled once (PCRE2 with JIT), matched by each thread with its own
 * matcher. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>

struct pattern;
struct matcher;

enum { PATTERN_FAULT_SIZE = 256 };

/* Compiles source, which is UTF-8 in the syntax of ECMA-262 with the flag `u` (ecma.h). NULL with
 * the reason in fault. */
struct pattern *pattern_open(struct span source, char fault[PATTERN_FAULT_SIZE]);
void pattern_close(struct pattern *pattern);

/* True if the text is a regular expression, even if pattern_open does not support it. */
bool pattern_is_valid(struct span source);

/* Returns the source. */
const char *pattern_source(const struct pattern *pattern);

struct matcher *matcher_open(void);
void matcher_close(struct matcher *matcher);

enum pattern_verdict {
    PATTERN_FOUND,
    PATTERN_ABSENT,
    PATTERN_UNDECIDED, /* the search reached its limit of steps or memory */
};

/* Searches the whole text, which is valid UTF-8. */
enum pattern_verdict pattern_search(const struct pattern *pattern, struct matcher *matcher,
                                    struct span text);
