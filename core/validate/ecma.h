/* Regular expressions of ECMA-262, which JSON Schema's `pattern` means, in PCRE2's syntax. */
#ifndef ROWFERRY_VALIDATE_ECMA_H
#define ROWFERRY_VALIDATE_ECMA_H

#include "core/base/buf.h"
#include "core/base/str.h"

#include <stdbool.h>

enum { ECMA_FAULT_SIZE = 128 };

/* Appends to out what PCRE2 must be given (with UTF, DOLLAR_ENDONLY, ALLOW_EMPTY_CLASS and
 * MATCH_UNSET_BACKREF, without UCP) to match what the pattern (UTF-8) matches by ECMA-262 section
 * 22.2 with the flag `u`. What PCRE2 knows and ECMA-262 does not is refused, so that nobody comes
 * to rely on it: \A, \Q, (?i), (?>, a++, [[:alpha:]] is literal. Lenient in one way: a punctuation
 * character may be escaped anywhere. False with the reason in fault. Brackets that do not match and
 * quantifiers of nothing are left for PCRE2 to find. */
bool ecma_translate(struct span pattern, struct buf *out, char fault[ECMA_FAULT_SIZE]);

#endif
