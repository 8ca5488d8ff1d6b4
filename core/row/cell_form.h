/* Cells that are written as people of some country write them -> the JSON form that the schema
 * checks: what x-rowferry `formats` declares for a property. Nothing is guessed: a cell either fits
 * the declared form or is refused. */
#ifndef ROWFERRY_ROW_CELL_FORM_H
#define ROWFERRY_ROW_CELL_FORM_H

#include "core/base/buf.h"
#include "core/row/json.h"

#include <stdbool.h>

enum cell_form_kind {
    CELL_DECIMAL, /* "1.234,50" -> 1234.50 */
    CELL_DATE,    /* "31.12.2026" -> "2026-12-31" */
    CELL_BOOLEAN, /* "ja" -> true */
};

/* Owned by the schema and constant. */
struct cell_form {
    struct span property;
    enum cell_form_kind kind;
    /* CELL_DECIMAL */
    char decimal;          /* `,` or `.` */
    struct span thousands; /* one character; empty: digits are not grouped */
    /* CELL_DATE: YYYY, MM or M, DD or D once each; anything else stands for itself */
    struct span pattern;
    /* CELL_BOOLEAN: first the words for true, then those for false */
    const struct span *words;
    size_t true_count, word_count;
};

/* What is wrong with a date pattern, or NULL. */
const char *cell_form_pattern_fault(struct span pattern);

/* Appends the content's JSON form to out (a string without its quotes, which needs no escapes). A
 * grouped number has three digits in each group but the first, or no group at all; a day must be in
 * the calendar (Gregorian, ISO 8601). False where the content does not fit: out is as it was. */
bool cell_form_read(const struct cell_form *form, struct span content, struct buf *out,
                    enum json_kind *kind);

/* The inverse: appends the content of a cell that cell_form_read makes this value of. text: a
 * number's digits, a string without quotes and escapes, or true or false. Digits are not grouped,
 * and of several words the first is written. False, and out as it was: no cell says that. */
bool cell_form_write(const struct cell_form *form, enum json_kind kind, struct span text,
                     struct buf *out);

/* Appends what a fitting cell looks like: `a number like 1.234,50`. integer: it has no decimals. */
void cell_form_describe(const struct cell_form *form, bool integer, struct buf *out);

#endif
