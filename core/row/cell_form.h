/* Cells as people or programs write them -> the JSON form that the schema checks, by what
 * x-rowferry `formats` declares for a property. A cell either fits the declared form or is refused;
 * nothing is guessed. */
#pragma once

#include "core/base/buf.h"
#include "core/row/dialect.h"
#include "core/row/json.h"

#include <stdbool.h>

struct zone;

enum cell_form_kind {
    CELL_PLAIN,    /* has no form, only absent words */
    CELL_DECIMAL,  /* "1.234,50" -> 1234.50 */
    CELL_DATE,     /* "31.12.2026" -> "2026-12-31" */
    CELL_DATETIME, /* "31.12.2026 10:00:00" -> "2026-12-31T10:00:00+01:00" */
    CELL_BOOLEAN,  /* "ja" -> true */
};

enum cell_sign {
    CELL_SIGN_PLAIN,       /* -5 */
    CELL_SIGN_LEADING,     /* -5, +5; the minus can be U+2212 */
    CELL_SIGN_TRAILING,    /* 5-, 5+ */
    CELL_SIGN_PARENTHESES, /* (5) */
};

/* Which of two moments a local time means after clocks were set back. */
enum cell_fold { CELL_FOLD_NONE, CELL_FOLD_EARLIER, CELL_FOLD_LATER };

enum { CELL_LITERALS = 8 };

/* The minus of typography, which some locales write (CLDR: sv, nb, fi). */
#define CELL_MINUS "\xE2\x88\x92"

/* Owned by the schema and constant. */
struct cell_form {
    struct span property;
    enum cell_form_kind kind;
    struct row_words absent;
    /* CELL_DECIMAL */
    char decimal;          /* `,` or `.`; 0: no number has decimals */
    struct span thousands; /* one character; a space is any space; empty: digits are not grouped */
    enum cell_sign sign;
    char padding;     /* '0': zeros before the digits; ' ': blanks on both sides; 0: neither */
    struct span unit; /* before or after, with a space or none between; empty: there is none */
    /* CELL_DATE: YYYY, MM or M, DD or D once each; anything else is literal. CELL_DATETIME: also hh
     * or h and mm or m once each, and ss or s at most once */
    struct span pattern;
    struct zone *zone; /* of CELL_DATETIME */
    /* set by cell_form_place for a pattern whose parts have fixed places */
    bool placed, has_second;
    unsigned char places[6]; /* of year, month, day, hour, minute, second */
    unsigned char literal_count, literals[CELL_LITERALS];
    enum cell_fold fold;
    /* CELL_BOOLEAN: first the words for true, then those for false */
    const struct span *words;
    size_t true_count, word_count;
};

/* Returns whether a text has a character that says what the number next to it is, like a dash, `<`
 * or U+00B1: it is not a unit, because a unit is left out. */
bool cell_form_has_sign(struct span text);

/* Returns what is wrong with a pattern of a date, or of a date with a time, or NULL. */
const char *cell_form_pattern_fault(struct span pattern, bool with_time);

/* Finds the places of the parts in the form's pattern, so that dates are read fast. Call it once,
 * for a pattern without a fault. */
void cell_form_place(struct cell_form *form);

/* Returns whether content is a day, or a day and a time, in a pattern without a fault. */
bool cell_form_fits(struct span pattern, bool with_time, struct span content);

/* Appends the content's JSON form to out (a string without its quotes, which needs no escapes). A
 * grouped number has three digits in each group but the first, or no group at all; a day must be in
 * the calendar (Gregorian, ISO 8601); a local time must mean one moment, unless fold says which.
 * False if the content does not fit; out is unchanged. */
bool cell_form_read(const struct cell_form *form, struct span content, struct buf *out,
                    enum json_kind *kind);

/* The inverse: appends the content of a cell that cell_form_read turns into this value. text: a
 * number's digits, a string without quotes and escapes, or true or false. Digits are neither
 * grouped nor padded, a unit follows them, and the first of several words is used. False if no cell
 * has this value; out is unchanged. */
bool cell_form_write(const struct cell_form *form, enum json_kind kind, struct span text,
                     struct buf *out);

/* Appends what a fitting cell looks like: `a number like 1.234,50`. integer: it has no decimals. */
void cell_form_describe(const struct cell_form *form, bool integer, struct buf *out);
