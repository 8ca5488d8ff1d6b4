/* The keyword `pattern`: compiled once (PCRE2 with JIT), matched by each thread with a matcher of
 * its own. */
#ifndef ROWFERRY_VALIDATE_PATTERN_H
#define ROWFERRY_VALIDATE_PATTERN_H

#include "core/base/str.h"

#include <stdbool.h>

struct pattern;
struct matcher;

enum { PATTERN_FAULT_SIZE = 256 };

/* source is UTF-8, in the syntax and with the meaning of ECMA-262 with the flag `u` (ecma.h), and
 * is searched for anywhere in a text. NULL with the reason in fault. */
struct pattern *pattern_open(struct span source, char fault[PATTERN_FAULT_SIZE]);
void pattern_close(struct pattern *pattern);

/* Whether the text is a regular expression, be it one that pattern_open cannot take. */
bool pattern_is_valid(struct span source);

/* As the schema file wrote it, terminated. */
const char *pattern_source(const struct pattern *pattern);

struct matcher *matcher_open(void);
void matcher_close(struct matcher *matcher);

enum pattern_verdict {
    PATTERN_FOUND,
    PATTERN_ABSENT,
    PATTERN_UNDECIDED, /* the search passed its limits of steps or memory */
};

/* text is valid UTF-8. */
enum pattern_verdict pattern_search(const struct pattern *pattern, struct matcher *matcher,
                                    struct span text);

#endif
