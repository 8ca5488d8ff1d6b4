#include "core/row/csv_lines.h"

#include "core/row/csv_columns.h"

#include <strings.h>

enum { HINT_LINES = 20 /* searched for a header row */ };

/* Returns the delimiter that a line `sep=;` declares to Excel, or '\0'. Some programs quote the
 * line. */
static char separator_of(struct span line)
{
    line = span_without_end(line);
    if (line.size == 7 && line.data[0] == '"' && line.data[6] == '"')
        line = (struct span){line.data + 1, 5};
    if (line.size != 5 || strncasecmp(line.data, "sep=", 4) != 0 ||
        !dialect_is_delimiter(line.data[4]))
        return '\0';
    return line.data[4];
}

static bool take_separator(struct csv_lines *lines, struct source *source, struct span line,
                           struct err *err)
{
    char separator = separator_of(line), declared = lines->shape->dialect.delimiter;
    char first[DIALECT_DELIMITER_NAME_SIZE], second[DIALECT_DELIMITER_NAME_SIZE];

    if (!separator)
        return true;
    if (declared && declared != separator)
        return err_set(
            err, ERR_INPUT, "%s: line %llu: sep= says that %s is between cells, but %s is declared",
            source->name, (unsigned long long)source->lines + 1,
            dialect_delimiter_name(separator, first), dialect_delimiter_name(declared, second));
    lines->separator = source->delimiter = separator;
    return true;
}

/* Takes a line before the header row that belongs to it: a copy of the header row needs it as well.
 */
static bool keep_line(struct csv_lines *lines, struct source *source, size_t size, struct err *err)
{
    struct span line = {source->data + source->begin, size};

    if (!take_separator(lines, source, line, err))
        return false;
    if (lines->preamble.size + size > source->row_max)
        return err_set(err, ERR_INPUT, "%s: line %llu: more than %zu bytes before the header row",
                       source->name, (unsigned long long)source->lines + 1, source->row_max);
    buf_append_span(&lines->preamble, line);
    source_note(source, line);
    if (!source_take(source, size, 1, err))
        return false;
    buf_append_span(&lines->header, source_raw(source, size));
    return true;
}

size_t csv_lines_dashes(struct span line, char delimiter)
{
    size_t run = 0;

    line = span_without_end(line);
    while (run < line.size && line.data[run] == '-')
        run++;
    for (size_t i = run; run > 1 && i < line.size; i++)
        if (!memchr("-+= |", line.data[i], 5) && line.data[i] != delimiter)
            return 0;
    if (run < 2 || line.size < 3)
        return 0;
    if (run < 3)
        run = line.size;
    return run < DIALECT_COMMENT_MAX ? run : DIALECT_COMMENT_MAX;
}

/* Returns the size of the blank line at the beginning of the window; 0: it is not blank, or
 * incomplete. */
static size_t blank_size(const struct source *source)
{
    const char *at = source->data + source->begin, *end = source->data + source->end;

    if (at < end && *at == '\n')
        return 1;
    if (at == end || *at != '\r' || at[1] != '\n')
        return 0;
    /* a line feed at `end` is only the sentinel */
    return at + 1 < end ? 2 : source->ended;
}

bool csv_lines_skip_blank(struct source *source, struct err *err)
{
    for (;;) {
        size_t size = blank_size(source), left = source->end - source->begin;

        if (size && !source_take(source, size, 1, err))
            return false;
        if (size)
            continue;
        if (source->ended || (left && source->data[source->begin] != '\r') || left > 1)
            return true;
        if (!source_fill(source, err))
            return false;
    }
}

static bool is_empty(const struct source *source)
{
    return source->begin == source->end && source->ended;
}

static bool skip_lines(struct csv_lines *lines, struct source *source, uint32_t count,
                       struct err *err)
{
    size_t size;

    for (uint32_t i = 0; i < count; i++) {
        if (!source_show_line(source, &size, err))
            return false;
        if (is_empty(source))
            return err_set(err, ERR_INPUT,
                           "%s: the file has %u line%s, and skipLines skips %u: there is no header "
                           "row",
                           source->name, i, i == 1 ? "" : "s", count);
        if (!keep_line(lines, source, size, err))
            return false;
    }
    return true;
}

/* Finds whether the window begins with a comment, and fills it as needed. */
static bool at_comment(const struct csv_lines *lines, struct source *source, bool *found,
                       struct err *err)
{
    struct span comment = lines->shape->dialect.comment;

    while (source->end - source->begin < comment.size && !source->ended)
        if (!source_fill(source, err))
            return false;
    *found = comment.size && source->end - source->begin >= comment.size &&
             memcmp(source->data + source->begin, comment.data, comment.size) == 0;
    return true;
}

static bool skip_comments(const struct csv_lines *lines, struct source *source, struct err *err)
{
    for (;;) {
        char fault[SOURCE_FAULT_SIZE];
        struct span line;
        bool found, whole;

        if (!csv_lines_skip_blank(source, err) || !at_comment(lines, source, &found, err))
            return false;
        if (!found)
            return true;
        if (!source_take_line(source, &line, &whole, fault, err))
            return false;
    }
}

bool csv_lines_begin(struct csv_lines *lines, struct source *source, const struct row_shape *shape,
                     struct err *err)
{
    const struct row_dialect *dialect = &shape->dialect;
    uint32_t skip = dialect->skip_lines;
    size_t size;

    *lines =
        (struct csv_lines){.shape = shape, .screened = dialect->comment.size || dialect->is_footer};
    buf_append_span(&lines->header, source_mark(source));
    if (!skip_lines(lines, source, skip, err) || !skip_comments(lines, source, err))
        return false;
    if (skip || is_empty(source))
        return true;
    while (source->end - source->begin < 9 && !source->ended)
        if (!source_fill(source, err))
            return false;
    if (strncasecmp(source->data + source->begin, "sep=", 4) != 0 &&
        strncasecmp(source->data + source->begin, "\"sep=", 5) != 0)
        return true;
    if (!source_show_line(source, &size, err))
        return false;
    if (!separator_of((struct span){source->data + source->begin, size}))
        return true;
    return keep_line(lines, source, size, err) && skip_comments(lines, source, err);
}

void csv_lines_release(struct csv_lines *lines)
{
    buf_release(&lines->header);
    buf_release(&lines->preamble);
}

/* --- the end of the file --- */

static bool is_footer(const struct csv_lines *lines, struct span line)
{
    const struct row_dialect *dialect = &lines->shape->dialect;

    return str_utf8_valid(line) == line.size && dialect->is_footer(dialect->footer, line);
}

/* Searches for the footer backwards from the end of the file, which is in the window. */
static void find_footer(struct csv_lines *lines, const struct source *source)
{
    const char *begin = source->data + source->begin, *end = source->data + source->end, *at = end;

    lines->footer_known = true;
    while (at > begin) {
        const char *last = at[-1] == '\n' ? at - 1 : at;
        const char *feed = memrchr(begin, '\n', (size_t)(last - begin));
        const char *first = feed ? feed + 1 : begin;
        struct span line = span_without_end((struct span){first, (size_t)(at - first)});

        if (end - first >= DIALECT_FOOTER_SIZE || (line.size && !is_footer(lines, line)))
            return;
        at = first;
        if (!line.size)
            continue;
        lines->footer_size = (size_t)(end - at);
    }
}

static bool look_for_footer(struct csv_lines *lines, struct source *source, struct err *err)
{
    while (!source->ended && source->end - source->begin < DIALECT_FOOTER_SIZE)
        if (!source_fill(source, err))
            return false;
    if (source->ended)
        find_footer(lines, source);
    return true;
}

static bool take_footer(struct csv_lines *lines, struct source *source, struct err *err)
{
    const char *at = source->data + source->begin, *end = source->data + source->end, *next;
    uint64_t count = 0;

    if (at == end)
        return true;
    lines->footer_first = source->lines + 1;
    /* lines within the last cell are not part of it */
    lines->footer_lines = 0;
    for (; at < end; at = next) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));

        next = feed ? feed + 1 : end;
        lines->footer_lines += span_without_end((struct span){at, (size_t)(next - at)}).size > 0;
        count++;
    }
    return source_take(source, source->end - source->begin, count, err);
}

bool csv_lines_screen(struct csv_lines *lines, struct source *source, struct err *err)
{
    const struct row_dialect *dialect = &lines->shape->dialect;

    if (dialect->comment.size && !skip_comments(lines, source, err))
        return false;
    if (!dialect->is_footer)
        return true;
    if (!lines->footer_known && !look_for_footer(lines, source, err))
        return false;
    return !lines->footer_known || source->end - source->begin > lines->footer_size ||
           take_footer(lines, source, err);
}

/* --- where the header row may be --- */

/* Finds a cell of the line that names the record id's column. */
static bool names_record_id(const struct csv_lines *lines, const struct source *source,
                            struct span line, char delimiter, struct span *name)
{
    struct csv_lexer lexer =
        csv_lexer_at(source_window(source), source->ended, &lines->shape->dialect, delimiter);
    struct csv_cell cell;
    enum csv_end end;
    size_t cells = 0;

    lexer.at = line.data;
    do {
        end = csv_lex(&lexer, &cell);
        if (end <= CSV_LINE_END && lexer.at <= line.data + line.size && !cell.doubled &&
            csv_is_record_id(lines->shape, cell.text)) {
            *name = cell.text;
            return true;
        }
    } while (end == CSV_DELIMITER && lexer.at < line.data + line.size && ++cells < 2000);
    return false;
}

static bool is_header_like(const struct csv_lines *lines, const struct source *source,
                           struct span line, struct span *name)
{
    static const char usual[] = ",;\t|";

    if (lines->shape->dialect.delimiter)
        return names_record_id(lines, source, line, lines->shape->dialect.delimiter, name);
    for (const char *delimiter = usual; *delimiter; delimiter++)
        if (names_record_id(lines, source, line, *delimiter, name))
            return true;
    return false;
}

/* Brings the next lines into the window, as far as they fit. */
static void show_lines(struct source *source)
{
    struct err ignored = {0};

    for (;;) {
        const char *at = source->data + source->begin, *end = source->data + source->end;
        unsigned lines = 0;

        while (lines < HINT_LINES && (at = memchr(at, '\n', (size_t)(end - at)))) {
            at++;
            lines++;
        }
        if (lines == HINT_LINES || source->ended || source->end - source->begin > source->row_max ||
            !source_fill(source, &ignored))
            return;
    }
}

bool csv_lines_hint(const struct csv_lines *lines, struct source *source, struct buf *text)
{
    char quoted[VIOLATION_QUOTE_SIZE];
    struct span left, name;
    bool marked = true;
    char first;

    show_lines(source);
    left = source_window(source);
    if (left.size > source->row_max)
        left.size = source->row_max; /* more would depend on the size of reads */
    first = left.size ? left.data[0] : 'a';
    for (unsigned i = 0; i < HINT_LINES && left.size; i++) {
        const char *feed = memchr(left.data, '\n', left.size);
        struct span line = {left.data, feed ? (size_t)(feed - left.data) + 1 : left.size};
        uint64_t line_no = source->lines + 1 + i;

        if (i > 0 && is_header_like(lines, source, line, &name)) {
            buf_printf(text, "line %llu holds %s: if that is the header row, declare \"csv\": {",
                       (unsigned long long)line_no, violation_quote(name, quoted));
            if (marked && memchr("#%!*/-", first, 6))
                buf_printf(text, "\"comment\": \"%c\"}, or {", first);
            buf_printf(text, "\"skipLines\": %llu} under x-rowferry in the schema file",
                       (unsigned long long)line_no - 1);
            return true;
        }
        marked &= line.data[0] == first || span_without_end(line).size == 0;
        left = span_from(left, line.size);
    }
    return false;
}
