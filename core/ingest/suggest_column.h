/* What the values of one property have in common: the narrowest type that all of them fit, and how
 * they are written. Memory does not depend on how many values there are. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_SUGGEST_COLUMN_H
#define ROWFERRY_INGEST_SUGGEST_COLUMN_H

#include "core/base/buf.h"
#include "core/row/json.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    COLUMN_SHAPES_MAX = 96, /* kinds of values: any digit is the same; more of them are free text */
    COLUMN_WORDS_MAX = 8,   /* different values that are remembered as they are */
    COLUMN_ABSENT_WORDS = 14, /* words that programs write where there is no value */
    COLUMN_DATES = 18,        /* patterns of dates and times */
    COLUMN_EXAMPLE_MAX = 60,  /* bytes of a value that are remembered; a longer one is free text */
};

struct column_example {
    char text[COLUMN_EXAMPLE_MAX + 1];
    size_t size;
    uint64_t line_no;
};

/* Zeroed is ready and owns nothing. */
struct column {
    uint64_t values;                                 /* without those that are absent words */
    uint64_t numeric;                                /* of these, mostly digits */
    struct column_example odd;                       /* the first of the others */
    uint64_t arrays, objects;                        /* JSON texts */
    uint64_t empty_line;                             /* of the first "" */
    unsigned kinds;                                  /* NDJSON: set of 1 << enum json_kind */
    uint64_t kind_lines[JSON_OBJECT + 1];            /* of the first of each kind */
    bool fractions;                                  /* NDJSON: some number is not an integer */
    struct column_example shapes[COLUMN_SHAPES_MAX]; /* the first value of each shape */
    unsigned shape_count;
    bool free_text;
    struct column_example words[COLUMN_WORDS_MAX];
    unsigned word_count;                        /* COLUMN_WORDS_MAX + 1: more */
    uint64_t absent_lines[COLUMN_ABSENT_WORDS]; /* of the first of each; 0: none */
    uint32_t dates;                             /* set of the patterns that all values fit */
    uint64_t loosened_line; /* where the checker refused the type that was chosen; 0: nowhere */
};

/* The patterns of dates, ready to be tried. */
struct column_trials;
struct column_trials *column_trials_open(const char *zone);
void column_trials_close(struct column_trials *trials);

/* Adds a value of a CSV file: the text of its cell. */
void column_take_cell(struct column *column, const struct column_trials *trials, struct span text,
                      uint64_t line_no);

/* Adds a value of an NDJSON file: a decoded string, or a number's digits. */
void column_take_value(struct column *column, enum json_kind kind, struct span text,
                       uint64_t line_no);

/* What one column proves, and others may take up. */
struct column_context {
    const struct column_trials *trials;
    char decimal;               /* ',' or '.' where a column proves it; 0: none does */
    uint32_t absent_everywhere; /* set of the absent words that the whole file declares */
};

/* What is decided of a column. All three are JSON text without braces, or text for people. */
struct column_decision {
    struct buf schema;  /* `"type": "number"` */
    struct buf format;  /* its entry under `formats`; empty: none */
    struct buf remarks; /* what is ambiguous, separated by "; " */
    uint32_t absent;    /* set of absent words that do not fit the type */
    bool quoted_empty;  /* "" does not fit the type */
    char decimal;       /* that the values prove; 0: none */
};

void column_decide(const struct column *column, const struct column_context *context,
                   struct column_decision *decision);
void column_decision_release(struct column_decision *decision);

/* How files write the absent word of that index. */
const char *column_absent_word(unsigned index);

#endif
