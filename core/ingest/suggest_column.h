/* Finds what the values of a property have in common: the narrowest type that they all fit, and
 * their form. Memory does not depend on the number of values. Private to core/ingest. */
#pragma once

#include "core/base/buf.h"
#include "core/row/json.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    COLUMN_SHAPES_MAX = 96,   /* kinds of values, with all digits alike; more mean free text */
    COLUMN_WORDS_MAX = 8,     /* different values that are stored */
    COLUMN_ABSENT_WORDS = 14, /* words that programs write for an absent value */
    COLUMN_DATES = 18,        /* patterns of dates and times */
    COLUMN_EXAMPLE_MAX = 60,  /* bytes of a stored value; a longer one is free text */
};

struct column_example {
    char text[COLUMN_EXAMPLE_MAX + 1];
    size_t size;
    uint64_t line_no;
};

/* Zeroed is empty; it owns nothing. */
struct column {
    uint64_t values;                                 /* without absent words */
    uint64_t numeric;                                /* of these, those that are mostly digits */
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
    uint32_t dates;                             /* set of patterns that all values fit */
    uint64_t loosened_line; /* where the checker rejected the chosen type; 0: nowhere */
};

/* The compiled patterns of dates. */
struct column_trials;
struct column_trials *column_trials_open(const char *zone);
void column_trials_close(struct column_trials *trials);

/* Adds a value of a CSV file: the text of its cell. */
void column_take_cell(struct column *column, const struct column_trials *trials, struct span text,
                      uint64_t line_no);

/* Adds a value of an NDJSON file: a decoded string, or a number's digits. */
void column_take_value(struct column *column, enum json_kind kind, struct span text,
                       uint64_t line_no);

/* What one column proves for the others. */
struct column_context {
    const struct column_trials *trials;
    char decimal;               /* ',' or '.' if a column proves it; 0: none does */
    uint32_t absent_everywhere; /* set of the absent words that the whole file declares */
};

/* The decision for a column: JSON text without braces, and remarks for people. */
struct column_decision {
    struct buf schema;  /* `"type": "number"` */
    struct buf format;  /* its entry under `formats`; empty: none */
    struct buf remarks; /* what is ambiguous, separated by "; " */
    uint32_t absent;    /* set of absent words that do not fit the type */
    bool quoted_empty;  /* "" does not fit the type */
    char decimal;       /* proved by the values; 0: none */
};

void column_decide(const struct column *column, const struct column_context *context,
                   struct column_decision *decision);
void column_decision_release(struct column_decision *decision);

/* Returns the absent word of that index. */
const char *column_absent_word(unsigned index);
