/* Regular expressions of ECMA-262, which JSON Schema uses, in the syntax of PCRE2. */
#pragma once

#include "core/base/buf.h"
#include "core/base/str.h"

#include <stdbool.h>

enum { ECMA_FAULT_SIZE = 128 };

/* Appends to out the pattern for PCRE2 (with UTF, DOLLAR_ENDONLY, ALLOW_EMPTY_CLASS and
 * MATCH_UNSET_BACKREF, without UCP) that matches what the pattern (UTF-8) matches by ECMA-262
 * section 22.2 with the flag `u`. What only PCRE2 knows is refused, so that nobody relies on it:
 * \A, \Q, (?i), (?>, a++; [[:alpha:]] is literal. Lenient in one way: any punctuation character can
 * be escaped. False with the reason in fault. Unbalanced brackets and quantifiers of nothing are
 * left for PCRE2 to find. */
bool ecma_translate(struct span pattern, struct buf *out, char fault[ECMA_FAULT_SIZE]);
