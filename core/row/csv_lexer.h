/* The cells of one CSV row (RFC 4180), as spans into the window: private to the CSV reader. */
#pragma once

#include "core/base/buf.h"
#include "core/row/dialect.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum csv_end {
    CSV_DELIMITER, /* another cell follows */
    CSV_LINE_END,  /* the last cell of its row; lexer.at is at the next line */
    CSV_MORE,      /* the window ends before the cell does */
    CSV_FAULT,     /* lexer.fault says why the rest of the row cannot be trusted */
};

enum csv_fault {
    CSV_UNCLOSED,       /* the file ends inside quotes */
    CSV_TOO_MANY_LINES, /* inside quotes */
    CSV_TOO_LONG,       /* inside quotes */
    CSV_AFTER_QUOTE,    /* a closing quote that is not before a delimiter or line end */
    CSV_QUOTE_INSIDE,   /* a quote in a cell that does not begin with one */
};

struct csv_cell {
    struct span text; /* without the quotes around it */
    bool quoted;
    bool doubled; /* holds "" for " */
    bool special; /* holds control characters or backslashes */
};

struct csv_lexer {
    const char *at;
    const char *end; /* of the window: *end is a line feed, and 16 bytes may be read there */
    bool ended;      /* the file ends there too */
    char delimiter;
    bool unquoted;                          /* a quote is an ordinary character */
    uint32_t cell_size_max, cell_lines_max; /* bytes and line feeds of a quoted cell */
    uint64_t feeds;                         /* line feeds passed inside quotes */
    bool has_control; /* control characters but tab, CR, LF and the delimiter */
    bool has_nul;
    bool has_return; /* a carriage return outside quotes that ends no line */
    enum csv_fault fault;
};

/* Returns a lexer at the beginning of a text, which must be followed by a line feed and 16 readable
 * bytes. ended: the file ends with the text. */
static inline struct csv_lexer csv_lexer_at(struct span text, bool ended,
                                            const struct row_dialect *dialect, char delimiter)
{
    return (struct csv_lexer){.at = text.data,
                              .end = text.data + text.size,
                              .ended = ended,
                              .delimiter = delimiter,
                              .unquoted = dialect->unquoted,
                              .cell_size_max = dialect_cell_size(dialect),
                              .cell_lines_max = dialect_cell_lines(dialect)};
}

/* Returns the next control character, quote, backslash or delimiter, or else the line feed after
 * the window. */
static inline const char *csv_stop(const char *at, char delimiter)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
                  control = _mm_set1_epi8(0x1F), between = _mm_set1_epi8(delimiter);

    for (;; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i stops =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, between)),
                         _mm_or_si128(_mm_cmpeq_epi8(bytes, backslash),
                                      _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes)));
        unsigned stop = (unsigned)_mm_movemask_epi8(stops);

        if (stop)
            return at + __builtin_ctz(stop);
    }
#else
    while ((unsigned char)*at >= 0x20 && *at != '"' && *at != '\\' && *at != delimiter)
        at++;
    return at;
#endif
}

/* Reads the rest of a cell whose first stop is not a delimiter. */
enum csv_end csv_lex_rest(struct csv_lexer *lexer, struct csv_cell *cell, const char *stop);

/* Reads the cell at lexer.at. On CSV_DELIMITER and CSV_LINE_END, lexer.at is after what ended it.
 */
static inline enum csv_end csv_lex(struct csv_lexer *lexer, struct csv_cell *cell)
{
    const char *start = lexer->at, *stop = csv_stop(start, lexer->delimiter);

    if (*stop != lexer->delimiter)
        return csv_lex_rest(lexer, cell, stop);
    *cell = (struct csv_cell){.text = {start, (size_t)(stop - start)}};
    lexer->at = stop + 1;
    return CSV_DELIMITER;
}

/* Returns the content of a cell: its own bytes, or a copy in scratch if quotes were doubled. */
struct span csv_undouble(const struct csv_cell *cell, struct buf *scratch);

static inline struct span csv_content(const struct csv_cell *cell, struct buf *scratch)
{
    return cell->doubled ? csv_undouble(cell, scratch) : cell->text;
}

enum { CSV_DESCRIPTION_SIZE = 256 };

/* Writes what lexer.fault means for the cell of that number, from 1. Returns out. */
char *csv_describe(const struct csv_lexer *lexer, size_t number, char out[CSV_DESCRIPTION_SIZE]);
