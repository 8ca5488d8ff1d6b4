#include "core/row/csv_lexer.h"

#include <stdio.h>

static enum csv_end fail(struct csv_lexer *lexer, const char *at, enum csv_fault fault)
{
    lexer->at = at;
    lexer->fault = fault;
    return CSV_FAULT;
}

/* Returns how a line ends at `at`: with LF, CRLF or the file. CSV_FAULT: it does not end there. */
static enum csv_end line_end(struct csv_lexer *lexer, const char *at)
{
    const char *feed = *at == '\r' ? at + 1 : at;

    if (*feed != '\n')
        return CSV_FAULT;
    if (feed < lexer->end) {
        lexer->at = feed + 1;
        return CSV_LINE_END;
    }
    lexer->at = lexer->end;
    if (!lexer->ended)
        return CSV_MORE;
    return feed == at ? CSV_LINE_END : CSV_FAULT;
}

static bool is_control(const struct csv_lexer *lexer, char byte)
{
    return (unsigned char)byte < 0x20 && byte != '\t' && byte != '\r' && byte != '\n' &&
           byte != lexer->delimiter;
}

static enum csv_end lex_unquoted(struct csv_lexer *lexer, struct csv_cell *cell, const char *stop)
{
    const char *start = lexer->at;

    for (;; stop = csv_stop(stop + 1, lexer->delimiter)) {
        enum csv_end end = CSV_FAULT;

        cell->text = (struct span){start, (size_t)(stop - start)};
        if (*stop == lexer->delimiter) {
            lexer->at = stop + 1;
            return CSV_DELIMITER;
        }
        if (*stop == '"' && !lexer->unquoted)
            return fail(lexer, stop, CSV_QUOTE_INSIDE);
        if (*stop == '\n' || *stop == '\r')
            end = line_end(lexer, stop);
        if (end != CSV_FAULT)
            return end;
        cell->special = true;
        lexer->has_return |= *stop == '\r';
        lexer->has_nul |= *stop == '\0';
        lexer->has_control |= is_control(lexer, *stop);
    }
}

/* Reads what follows a closing quote. */
static enum csv_end lex_closed(struct csv_lexer *lexer, const char *after)
{
    enum csv_end end;

    if (*after == lexer->delimiter) {
        lexer->at = after + 1;
        return CSV_DELIMITER;
    }
    end = line_end(lexer, after);
    return end == CSV_FAULT ? fail(lexer, after, CSV_AFTER_QUOTE) : end;
}

static enum csv_end lex_quoted(struct csv_lexer *lexer, struct csv_cell *cell)
{
    const char *start = lexer->at + 1, *at = start;
    unsigned feeds = 0;

    cell->quoted = true;
    for (;; at++) {
        at = csv_stop(at, '"');
        /* checked before anything that depends on the end of the window */
        if ((size_t)(at - start) > lexer->cell_size_max)
            return fail(lexer, start + lexer->cell_size_max, CSV_TOO_LONG);
        if (*at == '"' && at[1] != '"') {
            cell->text = (struct span){start, (size_t)(at - start)};
            lexer->feeds += feeds;
            return lex_closed(lexer, at + 1);
        }
        if (*at == '"') {
            cell->doubled = true;
            at++;
            continue;
        }
        if (at == lexer->end) {
            lexer->at = at;
            return lexer->ended ? fail(lexer, at, CSV_UNCLOSED) : CSV_MORE;
        }
        if (*at == '\n' && ++feeds > lexer->cell_lines_max)
            return fail(lexer, at, CSV_TOO_MANY_LINES);
        cell->special = true;
        lexer->has_nul |= *at == '\0';
        lexer->has_control |= is_control(lexer, *at);
    }
}

struct span csv_undouble(const struct csv_cell *cell, struct buf *scratch)
{
    const char *at = cell->text.data, *end = at + cell->text.size;

    buf_reset(scratch);
    while (at < end) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        const char *stop = quote ? quote + 1 : end;

        buf_append(scratch, at, (size_t)(stop - at));
        at = quote ? stop + 1 : end; /* skips the second of a pair */
    }
    return buf_span(scratch);
}

enum csv_end csv_lex_rest(struct csv_lexer *lexer, struct csv_cell *cell, const char *stop)
{
    *cell = (struct csv_cell){.text = {lexer->at, 0}};
    if (stop == lexer->at && *stop == '"' && !lexer->unquoted)
        return lex_quoted(lexer, cell);
    return lex_unquoted(lexer, cell, stop);
}

char *csv_describe(const struct csv_lexer *lexer, size_t number, char out[CSV_DESCRIPTION_SIZE])
{
    char byte[8] = "";

    switch (lexer->fault) {
    case CSV_UNCLOSED:
        snprintf(out, CSV_DESCRIPTION_SIZE,
                 "the quoted cell %zu is not closed before the end of the file", number);
        break;
    case CSV_TOO_MANY_LINES:
        snprintf(
            out, CSV_DESCRIPTION_SIZE,
            "the quoted cell %zu holds more than %u line breaks; is its closing quote missing? "
            "\"csv\": {\"maxFieldLines\": N} under x-rowferry allows more",
            number, lexer->cell_lines_max);
        break;
    case CSV_TOO_LONG:
        snprintf(out, CSV_DESCRIPTION_SIZE,
                 "the quoted cell %zu is longer than %u bytes; is its closing quote missing? "
                 "\"csv\": {\"maxFieldBytes\": N} under x-rowferry allows more",
                 number, lexer->cell_size_max);
        break;
    case CSV_AFTER_QUOTE:
        str_printable((struct span){lexer->at, 1}, byte, sizeof byte);
        snprintf(
            out, CSV_DESCRIPTION_SIZE,
            "the closing quote of cell %zu is followed by '%s', not by a delimiter or line end",
            number, byte);
        break;
    case CSV_QUOTE_INSIDE:
        snprintf(out, CSV_DESCRIPTION_SIZE,
                 "quote inside the unquoted cell %zu; \"csv\": {\"quote\": null} under x-rowferry "
                 "declares text without quoting",
                 number);
        break;
    }
    return out;
}
