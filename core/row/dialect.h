/* How the CSV files of an object differ from RFC 4180: what its schema file declares under
 * x-rowferry `csv`, `columns` and `formats`. Zeroed: nothing is declared. */
#pragma once

#include "core/base/str.h"
#include "core/row/encoding.h"

#include <stdint.h>
#include <stdio.h>

struct cell_form;

/* A column whose name differs from what it fills. */
struct row_column {
    struct span name;   /* in the header row */
    struct span target; /* a property or a reserved column; data NULL: the column is ignored */
};

/* Texts of cells. */
struct row_words {
    const struct span *items;
    size_t count;
};

enum {
    /* Limits of a quoted cell, unless the schema file sets others. More of either means that a
     * closing quote is missing. */
    DIALECT_CELL_SIZE = 1 << 20,
    DIALECT_CELL_LINES = 100,
    DIALECT_CELL_SIZE_MAX = 16 << 20, /* what a schema file can set them to */
    DIALECT_CELL_LINES_MAX = 100000,
    DIALECT_SKIP_MAX = 1000,         /* lines before the header row */
    DIALECT_COMMENT_MAX = 16,        /* bytes that begin a comment */
    DIALECT_FOOTER_SIZE = 64 << 10,  /* bytes at the end of a file that can be a footer */
    DIALECT_DELIMITER_NAME_SIZE = 8, /* of dialect_delimiter_name */
};

struct row_dialect {
    char delimiter;       /* 0: detected from the header row */
    bool unquoted;        /* a quote is an ordinary character, and cells hold no line breaks */
    bool quoted_absent;   /* "" is an absent cell */
    bool short_rows;      /* cells can be missing at the end of a row: they are absent */
    bool long_rows;       /* rows can have more cells than the header row, if these are empty */
    bool encoding_forced; /* read as declared in spite of any evidence */
    enum row_encoding encoding;
    uint32_t cell_size_max, cell_lines_max; /* 0: as above */
    uint32_t row_max;                       /* 0: ROW_SIZE_MAX; tests set it lower */
    uint32_t skip_lines;                    /* before the header row */
    struct span comment;                    /* begins lines that are skipped; empty: none */
    struct row_words absent;                /* cells that mean 'absent' in every column */
    /* Returns whether a line, without its end, is a footer; NULL: there are none. Can be called by
     * any thread. */
    bool (*is_footer)(const void *footer, struct span line);
    const void *footer;
    const struct row_column *columns;
    size_t column_count;
    const struct cell_form *forms; /* at most one per property */
    size_t form_count;
};

static inline uint32_t dialect_cell_size(const struct row_dialect *dialect)
{
    return dialect->cell_size_max ? dialect->cell_size_max : DIALECT_CELL_SIZE;
}

static inline uint32_t dialect_cell_lines(const struct row_dialect *dialect)
{
    return dialect->cell_lines_max ? dialect->cell_lines_max : DIALECT_CELL_LINES;
}

/* Returns whether a byte can be a delimiter: ASCII, but not a letter, digit, quote or line end. */
static inline bool dialect_is_delimiter(char byte)
{
    char letter = (char)(byte | 0x20);

    return byte > 0 && byte != '"' && byte != '\r' && byte != '\n' &&
           !(letter >= 'a' && letter <= 'z') && !(byte >= '0' && byte <= '9');
}

/* Writes `','`, `a tab`, `U+0001` and so on, for messages. Returns out. */
static inline const char *dialect_delimiter_name(char delimiter,
                                                 char out[DIALECT_DELIMITER_NAME_SIZE])
{
    if (delimiter == '\t')
        return "a tab";
    if (delimiter == ' ')
        return "a blank";
    snprintf(out, DIALECT_DELIMITER_NAME_SIZE,
             delimiter < 0x20 || delimiter == 0x7F ? "U+%04X" : "'%c'", (unsigned char)delimiter);
    return out;
}

/* Returns whether a text is one of the words. */
static inline bool dialect_holds(struct row_words words, struct span text)
{
    for (size_t i = 0; i < words.count; i++)
        if (span_equal(words.items[i], text))
            return true;
    return false;
}
