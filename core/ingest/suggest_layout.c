#include "core/ingest/suggest_layout.h"

#include "core/base/mem.h"
#include "core/ingest/feed.h"
#include "core/row/csv_lexer.h"
#include "core/row/csv_lines.h"
#include "core/row/dialect.h"
#include "core/row/encoding.h"
#include "core/row/file_kind.h"
#include "core/row/input.h"
#include "core/row/source.h"
#include "core/row/violation.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <xxhash.h>

enum {
    BLOCK = 256 << 10,
    HEAD_MAX = 256 << 10,
    TAIL_MAX = 16 << 10,
    HEADER_LINES = 30, /* at the beginning that are searched for the header row */
    SAMPLE_ROWS = 2000,
    FOOTER_LINES = 8,
    FOOTER_PREFIX = 24, /* characters of a footer that its expression has */
    CELLS_MAX = 2001,
};

/* --- the bytes --- */

struct sample {
    struct buf head, tail; /* raw, then UTF-8 */
    uint64_t sequences;    /* of several bytes that are UTF-8 */
    uint64_t bad;          /* bytes that are not */
    bool whole;            /* the head is the file */
};

void layout_remark(struct buf *remarks, const char *format, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buf_append_text(remarks, remarks->size ? "; " : "");
    buf_append_text(remarks, text);
}

/* Counts evidence for and against UTF-8; returns how much of the text was checked. */
static size_t weigh_utf8(struct sample *sample, struct span text, bool last)
{
    size_t at = 0;

    while (at < text.size) {
        struct span rest = {text.data + at, text.size - at};
        size_t valid = str_utf8_valid(rest);

        for (size_t i = 0; i < valid; i++)
            sample->sequences += (unsigned char)rest.data[i] >= 0xC2;
        at += valid;
        if (at == text.size || (!last && text.size - at < 4))
            break;
        sample->bad++;
        at++;
    }
    return at;
}

static void keep(struct sample *sample, struct span text)
{
    size_t room = HEAD_MAX - sample->head.size, more = text.size < room ? text.size : room;
    struct buf *tail = &sample->tail;

    buf_append(&sample->head, text.data, more);
    if (more < text.size)
        sample->whole = false;
    if (text.size > TAIL_MAX) {
        text.data += text.size - TAIL_MAX;
        text.size = TAIL_MAX;
    }
    if (tail->size + text.size > TAIL_MAX) {
        size_t drop = tail->size + text.size - TAIL_MAX;

        memmove(tail->data, tail->data + drop, tail->size - drop);
        tail->size -= drop;
    }
    buf_append_span(tail, text);
}

static bool read_sample(struct feed *feed, struct sample *sample, struct err *err)
{
    struct input *input;
    struct buf block = {0};
    size_t got = 1;
    bool fine = feed_rewind(feed, err);

    sample->whole = true;
    input = input_open(feed->fd, (struct span){0}, feed->source);
    while (fine && got > 0 &&
           (fine = input_read(input, buf_reserve(&block, BLOCK), BLOCK, &got, err))) {
        size_t size;

        block.size += got;
        size = weigh_utf8(sample, buf_span(&block), got == 0);
        keep(sample, (struct span){block.data, size});
        /* what can be the beginning of a character stays for the next block */
        memmove(block.data, block.data + size, block.size - size);
        block.size -= size;
    }
    input_close(input);
    buf_release(&block);
    return fine;
}

/* --- the encoding --- */

/* Letters of western languages above 0x7F. */
static const char windows_letters[] =
    "\x8A\x8C\x8E\x9A\x9C\x9E\x9F\xC0\xC1\xC2\xC3\xC4\xC5\xC6\xC7\xC8\xC9\xCA\xCB\xCC\xCD\xCE\xCF"
    "\xD1\xD2\xD3\xD4\xD5\xD6\xD8\xD9\xDA\xDB\xDC\xDD\xDF\xE0\xE1\xE2\xE3\xE4\xE5\xE6\xE7\xE8\xE9"
    "\xEA\xEB\xEC\xED\xEE\xEF\xF1\xF2\xF3\xF4\xF5\xF6\xF8\xF9\xFA\xFB\xFC\xFD\xFF";
static const char cp850_letters[] =
    "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8A\x8B\x8C\x8D\x8E\x8F\x90\x91\x92\x93\x94\x95\x96"
    "\x97\x98\x99\x9A\x9B\x9D\xA0\xA1\xA2\xA3\xA4\xA5\xB5\xB6\xB7\xC6\xC7\xD2\xD3\xD4\xD6\xD7\xD8"
    "\xDE\xE0\xE1\xE2\xE3\xE4\xE5\xE9\xEA\xEB\xEC\xED";

/* Counts the bytes above 0x7F that follow a letter without being one. */
static uint64_t count_odd_letters(const struct buf *head, const char *letters)
{
    uint64_t odd = 0;

    for (size_t i = 1; i < head->size; i++)
        odd += (unsigned char)head->data[i] >= 0x80 && isalpha((unsigned char)head->data[i - 1]) &&
               !strchr(letters, head->data[i]);
    return odd;
}

static void choose_single_byte(const struct sample *sample, struct layout *layout)
{
    uint64_t windows = count_odd_letters(&sample->head, windows_letters);
    uint64_t cp850 = count_odd_letters(&sample->head, cp850_letters);

    if (!encoding_fits(ROW_ENCODING_WINDOWS_1252, buf_span(&sample->head)))
        layout->encoding = ROW_ENCODING_CP850;
    else
        layout->encoding = cp850 < windows ? ROW_ENCODING_CP850 : ROW_ENCODING_WINDOWS_1252;
    layout_remark(&layout->remarks,
                  "the file is not UTF-8, and nothing in it names its encoding: compare a word "
                  "with an accent in the output of `rowferry validate --json` or export with the "
                  "original");
}

static bool decode(struct buf *text, enum row_encoding encoding, bool big_endian, struct err *err)
{
    struct recoder *recoder = recode_from(encoding, big_endian, err);
    struct buf out = {0};

    if (!recoder)
        return false;
    if (encoding_is_utf_16(encoding))
        text->size -= text->size % 2;
    recode(recoder, buf_span(text), "?", &out);
    recode_close(recoder);
    buf_release(text);
    *text = out;
    return true;
}

/* Chooses the encoding by evidence, and turns head and tail into UTF-8. */
static bool find_encoding(struct sample *sample, struct layout *layout, struct err *err)
{
    const struct buf *head = &sample->head;
    bool big_endian = span_starts(buf_span(head), span_of("\xFE\xFF"));
    bool marked = big_endian || span_starts(buf_span(head), span_of("\xFF\xFE"));
    enum row_encoding utf16 = marked ? ROW_ENCODING_UTF_16 : encoding_guess_utf_16(buf_span(head));

    if (utf16) {
        layout->encoding = marked ? ROW_ENCODING_NONE : utf16;
        if (marked) {
            memmove(sample->head.data, sample->head.data + 2, sample->head.size - 2);
            sample->head.size -= 2;
        }
        return decode(&sample->head, utf16, big_endian, err) &&
               decode(&sample->tail, utf16, big_endian, err);
    }
    if (sample->bad == 0)
        return true;
    if (sample->sequences > sample->bad) {
        layout_remark(&layout->remarks,
                      "%llu bytes are not UTF-8 while the rest is: rows in another encoding are "
                      "rejected",
                      (unsigned long long)sample->bad);
        return true;
    }
    choose_single_byte(sample, layout);
    return decode(&sample->head, layout->encoding, false, err) &&
           decode(&sample->tail, layout->encoding, false, err);
}

/* --- rows --- */

struct cells {
    struct csv_cell *items;
    size_t count;
    bool fault; /* a quote where RFC 4180 does not allow one */
};

/* Takes the cells of the row at *at, which can have several lines, and moves *at to the next. False
 * at the end of the text, which must be followed by SOURCE_SLACK readable bytes. */
static bool split_row(struct span text, size_t *at, char delimiter, bool quotes,
                      struct cells *cells)
{
    struct csv_lexer lexer = {.at = text.data + *at,
                              .end = text.data + text.size,
                              .ended = true,
                              .delimiter = delimiter,
                              .unquoted = !quotes,
                              .cell_size_max = DIALECT_CELL_SIZE,
                              .cell_lines_max = DIALECT_CELL_LINES};
    enum csv_end end = CSV_DELIMITER;
    struct csv_cell cell;

    cells->count = 0;
    if (*at >= text.size)
        return false;
    while (end == CSV_DELIMITER) {
        end = csv_lex(&lexer, &cell);
        if (cells->count < CELLS_MAX && end <= CSV_LINE_END)
            cells->items[cells->count++] = cell;
    }
    cells->fault = end != CSV_LINE_END;
    if (cells->fault)
        lexer.at = (const char *)rawmemchr(text.data + *at, '\n') + 1;
    *at = (size_t)(lexer.at - text.data);
    return true;
}

static bool is_blank(const struct cells *cells)
{
    return cells->count == 1 && cells->items[0].text.size == 0;
}

static bool is_comment(const struct cells *cells)
{
    return cells->count && cells->items[0].text.size && cells->items[0].text.data[0] == '#';
}

/* --- the header row --- */

/* A delimiter, and its evidence. */
struct guess {
    char delimiter;
    bool quotes;
    size_t at;      /* of the header row, in the head */
    unsigned lines; /* before it */
    size_t columns;
    double score;
};

/* cell: not empty. heading: a cell such as `d1` can be one. */
static bool is_number_like(struct span cell, bool heading)
{
    size_t digits = 0;

    if (heading && isalpha((unsigned char)cell.data[0]))
        return false;
    for (size_t i = 0; i < cell.size; i++)
        digits += isdigit((unsigned char)cell.data[i]) != 0;
    return digits > 0 && digits * 2 >= cell.size;
}

static bool names_record_id(const struct cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        struct span name = str_trim(cells->items[i].text);

        if (name.size == 9 && strncasecmp(name.data, "record_id", 9) == 0)
            return true;
    }
    return false;
}

/* Returns whether a row can be the header row: its cells are different texts, except for unnamed
 * ones at the end. ours: it has several cells and names record_id, so it is. */
static bool may_be_header(const struct cells *cells, bool ours, bool first, size_t *named)
{
    size_t count = cells->count;

    while (count > 0 && cells->items[count - 1].text.size == 0)
        count--;
    *named = count;
    if (count == 0 || is_comment(cells))
        return false;
    for (size_t i = 0; i < count && !ours; i++) {
        if (!cells->items[i].text.size || is_number_like(cells->items[i].text, first))
            return false;
        for (size_t j = 0; j < i && count < 400; j++)
            if (span_equal(cells->items[i].text, cells->items[j].text))
                return false;
    }
    return true;
}

/* Returns the share of rows after `at` that have as many cells as the header row. */
static double share_of_rows(struct span head, struct guess *guess, size_t at, struct cells *cells)
{
    size_t rows = 0, fitting = 0;

    while (rows < SAMPLE_ROWS && split_row(head, &at, guess->delimiter, guess->quotes, cells)) {
        if (is_blank(cells) || is_comment(cells))
            continue;
        rows++;
        fitting += cells->count == guess->columns && !cells->fault;
    }
    return rows ? (double)fitting / (double)rows : 0.5;
}

static void try_guess(struct span head, struct guess *guess, struct guess *best,
                      struct cells *cells)
{
    bool first = true;
    size_t at = 0;

    for (guess->lines = 0; guess->lines < HEADER_LINES; guess->lines++) {
        double share;
        size_t named;
        bool ours, fits;

        guess->at = at;
        if (!split_row(head, &at, guess->delimiter, guess->quotes, cells))
            return;
        ours = cells->count > 1 && names_record_id(cells);
        fits = may_be_header(cells, ours, first, &named) && !cells->fault;
        first = first && is_comment(cells);
        if (!fits)
            continue;
        guess->columns = cells->count;
        share = share_of_rows(head, guess, at, cells);
        /* many columns that fit are not an accident; one column fits anything */
        guess->score = guess->columns == 1 ? share * 0.3 : share + (guess->columns > 2 ? 0.05 : 0);
        guess->score += ours ? 1 : 0;
        guess->score -= guess->quotes ? 0 : 0.01;
        /* a title line that a spreadsheet padded with empty cells */
        guess->score -= 0.5 * (double)(guess->columns - named) / (double)guess->columns;
        if (guess->score > best->score)
            *best = *guess;
    }
}

static bool find_header(struct span head, const char *name, char delimiter, struct guess *best,
                        struct cells *cells, struct err *err)
{
    static const char usual[] = {',', ';', '\t', '|', '~', '^', '\x01', ':'};
    struct span delimiters =
        delimiter ? (struct span){&delimiter, 1} : (struct span){usual, sizeof usual};

    if (!head.size)
        return err_set(err, ERR_INPUT, "%s: the file is empty", name);
    if (file_kind_json(head))
        return err_set(err, ERR_INPUT, "%s: is %s", name, file_kind_json(head));
    for (size_t i = 0; i < delimiters.size; i++)
        for (int quotes = 1; quotes >= 0; quotes--)
            try_guess(head, &(struct guess){.delimiter = delimiters.data[i], .quotes = quotes},
                      best, cells);
    if (best->score > 0)
        return true;
    return err_set(err, ERR_INPUT,
                   "%s: none of the first %d lines is a header row: save it with the names of its "
                   "columns in one line",
                   name, HEADER_LINES);
}

/* --- columns --- */

static void name_columns(struct layout *layout, const struct cells *cells)
{
    struct buf scratch = {0};

    layout->columns = mem_calloc(cells->count, sizeof *layout->columns);
    layout->column_count = cells->count;
    for (size_t i = 0; i < cells->count; i++) {
        struct span content = csv_content(&cells->items[i], &scratch);
        char *name = mem_copy(content.data, content.size);

        layout->columns[i] =
            (struct layout_column){.name = name, .empty = true, .filled = true, .distinct = true};
        layout->versioned = layout->versioned || strcmp(name, "version") == 0;
    }
    buf_release(&scratch);
}

static int by_hash(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static void note_comments(struct layout *layout)
{
    if (!*layout->comment)
        layout->comment[0] = '#';
}

/* Skips a line of dashes at *at, under the header row. */
static void take_dashes(struct span head, size_t *at, char delimiter, struct layout *layout)
{
    const char *feed = memchr(head.data + *at, '\n', head.size - *at);
    struct span line = {head.data + *at, feed ? (size_t)(feed - head.data) - *at : 0};
    size_t size = csv_lines_dashes(line, delimiter);

    if (!size)
        return;
    *at += line.size + 1;
    if (!*layout->comment)
        memcpy(layout->comment, line.data, size);
}

/* Collects what the rows of the sample show about each column. */
static void weigh_columns(struct span head, const struct guess *guess, struct layout *layout,
                          struct cells *cells)
{
    size_t at = guess->at, rows = 0, count = layout->column_count, shorter = 0, longer = 0, fit = 0;
    uint64_t *hashes = mem_calloc(count * SAMPLE_ROWS, sizeof *hashes);

    split_row(head, &at, guess->delimiter, guess->quotes, cells);
    take_dashes(head, &at, guess->delimiter, layout);
    while (rows < SAMPLE_ROWS && split_row(head, &at, guess->delimiter, guess->quotes, cells)) {
        if (is_blank(cells))
            continue;
        if (is_comment(cells) && cells->count != count) {
            note_comments(layout);
            continue;
        }
        shorter += cells->count < count && cells->count > 1;
        longer += cells->count > count;
        if (cells->count != count)
            continue;
        fit++;
        for (size_t i = 0; i < count; i++) {
            struct layout_column *column = &layout->columns[i];

            column->empty = column->empty && !cells->items[i].text.size;
            column->filled = column->filled && cells->items[i].text.size;
            hashes[i * SAMPLE_ROWS + rows] =
                XXH3_64bits(cells->items[i].text.data, cells->items[i].text.size);
        }
        rows++;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t *column = hashes + i * SAMPLE_ROWS;

        qsort(column, rows, sizeof *column, by_hash);
        for (size_t j = 1; j < rows; j++)
            if (column[j] == column[j - 1])
                layout->columns[i].distinct = false;
    }
    free(hashes);
    layout->short_rows = shorter > 1 && shorter * 20 > fit;
    layout->long_rows = longer > 1 && longer * 20 > fit;
}

/* Words in the name of a column that names a record, the strongest first. */
static const char *const record_words[] = {"recordid", "id",      "key",  "nr",  "no",
                                           "number",   "nummer",  "code", "sku", "konto",
                                           "account",  "artikel", "item", "gtin"};

static bool has_word(const char *name, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = name; (at = strcasestr(at, word)); at++)
        if ((at == name || !isalpha((unsigned char)at[-1])) && !isalpha((unsigned char)at[size]))
            return true;
    return false;
}

/* Returns whether the column has a name and a different value in each row of the sample. */
static bool names_records(const struct layout_column *column)
{
    return *column->name && column->filled && column->distinct;
}

/* Returns the column whose name most clearly means the record id; column_count: none does. */
static size_t find_named_column(const struct layout *layout)
{
    for (size_t i = 0; i < layout->column_count; i++)
        if (strcmp(layout->columns[i].name, "record_id") == 0)
            return i;
    for (size_t word = 0; word < sizeof record_words / sizeof *record_words; word++)
        for (size_t i = 0; i < layout->column_count; i++)
            if (names_records(&layout->columns[i]) &&
                has_word(layout->columns[i].name, record_words[word]))
                return i;
    return layout->column_count;
}

/* Takes the first filled column, because no column identifies the record. */
static void take_filled_column(struct layout *layout)
{
    for (size_t i = layout->column_count; i-- > 0;)
        if (layout->columns[i].filled && *layout->columns[i].name)
            layout->record_column = i;
    if (layout->record_column < layout->column_count)
        layout_remark(&layout->remarks,
                      "no column has another value in each row: \"%s\" is taken for the record id, "
                      "and rows with the same one update the same record",
                      layout->columns[layout->record_column].name);
}

static void find_record_column(struct layout *layout)
{
    size_t others = 0;

    layout->record_column = find_named_column(layout);
    for (size_t i = 0; i < layout->column_count; i++) {
        if (!names_records(&layout->columns[i]) || i == layout->record_column)
            continue;
        if (layout->record_column == layout->column_count)
            layout->record_column = i;
        else
            others++;
    }
    if (layout->record_column == layout->column_count) {
        take_filled_column(layout);
        return;
    }
    if (strcmp(layout->columns[layout->record_column].name, "record_id") == 0)
        return;
    layout_remark(&layout->remarks, "\"%s\" is taken for the record id%s",
                  layout->columns[layout->record_column].name,
                  others ? ", and other columns have another value in each row as well" : "");
}

/* --- after the table --- */

static bool has_footer_word(struct span line)
{
    static const char *const words[] = {"total", "sum",  "summe", "gesamt",  "subtotal", "end",
                                        "ende",  "eof",  "fin",   "trailer", "***",      "---",
                                        "===",   "rows", "(",     "-- ",     "#"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (line.size >= strlen(words[i]) &&
            strncasecmp(line.data, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

/* Appends an expression for the beginning of a line: with its letters, and any digits for digits.
 */
static void append_expression(struct buf *out, struct span line, char delimiter)
{
    size_t shown = 0;

    for (size_t i = 0; i < line.size && shown < FOOTER_PREFIX; i++, shown++) {
        char byte = line.data[i];

        if (byte == delimiter || byte == '"' || (unsigned char)byte < 0x20 ||
            (unsigned char)byte >= 0x7F)
            break;
        if (isdigit((unsigned char)byte)) {
            while (i + 1 < line.size && isdigit((unsigned char)line.data[i + 1]))
                i++;
            buf_append_text(out, "[0-9]+");
            continue;
        }
        if (strchr("\\^$.|?*+()[]{}", byte))
            buf_append_char(out, '\\');
        buf_append_char(out, byte);
    }
}

/* Returns whether the expression matches one of the whole lines of a text: that would drop rows. */
static bool matches_row(struct span text, struct span expression, char delimiter)
{
    bool found = false;
    size_t at = 0;

    while (at < text.size && !found) {
        size_t end = (size_t)((const char *)rawmemchr(text.data + at, '\n') - text.data);
        struct buf other = {0};

        append_expression(&other, (struct span){text.data + at, end - at}, delimiter);
        found = other.size >= expression.size &&
                (expression.size == 0 || memcmp(other.data, expression.data, expression.size) == 0);
        buf_release(&other);
        at = end + 1;
    }
    return found;
}

/* Finds lines at the end that are not rows: by a word, or by their number of cells. */
static void find_footer(struct span tail, const struct guess *guess, struct layout *layout,
                        struct cells *cells)
{
    size_t end = tail.size;

    for (unsigned lines = 0; lines < FOOTER_LINES && end > 0; lines++) {
        size_t start, at = 0;
        struct span line;
        struct buf expression = {0};
        bool odd;

        end -= tail.data[end - 1] == '\n';
        for (start = end; start > 0 && tail.data[start - 1] != '\n';)
            start--;
        line = (struct span){tail.data + start, end - start};
        end = start;
        if (line.size == 0 || (line.size == 1 && strchr("\r\x1A", line.data[0])) || start == 0)
            continue;
        if (line.data[0] == '#' && layout->comment[0] == '#')
            continue;
        split_row(line, &at, guess->delimiter, guess->quotes, cells);
        odd = cells->count != guess->columns && !layout->short_rows && !layout->long_rows;
        if (!odd && !has_footer_word(line))
            return;
        append_expression(&expression, line, guess->delimiter);
        if (!has_footer_word(line) &&
            matches_row((struct span){tail.data, start}, buf_span(&expression), guess->delimiter)) {
            buf_release(&expression);
            return;
        }
        if (expression.size && !strstr(buf_text(&layout->footer), buf_text(&expression))) {
            buf_append_text(&layout->footer, layout->footer.size ? "|" : "^(");
            buf_append_span(&layout->footer, buf_span(&expression));
        }
        buf_release(&expression);
    }
}

/* --- all of it --- */

/* Notes the lines before the header row: comments, or their number. Excel's `sep=` needs no
 * declaration. */
static void note_lines_before(struct span head, const struct guess *guess, struct layout *layout)
{
    bool comments = true;
    unsigned lines = 0;

    if (guess->lines == 1 && head.size > 5 && strncasecmp(head.data, "sep=", 4) == 0)
        return;
    /* a cell in quotes can have several lines */
    for (size_t at = 0; at < guess->at; lines++) {
        comments = comments && head.data[at] == '#';
        at = (size_t)((const char *)rawmemchr(head.data + at, '\n') - head.data) + 1;
    }
    if (lines && comments)
        note_comments(layout);
    else
        layout->skip_lines = lines;
}

/* Returns a text in the form that the lexer needs: with a line feed and readable bytes after it. */
static struct span readable(struct buf *text)
{
    memset(buf_reserve(text, SOURCE_SLACK), '\n', SOURCE_SLACK);
    return buf_span(text);
}

static bool analyse(struct sample *sample, const char *name, char delimiter, struct layout *layout,
                    struct err *err)
{
    struct cells cells = {.items = mem_calloc(CELLS_MAX, sizeof *cells.items)};
    struct span head = readable(&sample->head), tail = readable(&sample->tail);
    struct guess guess = {0};
    bool fine;

    if (span_starts(head, span_of("\xEF\xBB\xBF")))
        head = span_from(head, 3);
    while (!sample->whole && head.size && head.data[head.size - 1] != '\n')
        head.size--;
    if (!sample->whole && !head.size)
        fine =
            err_set(err, ERR_INPUT, "%s: the first line is longer than %d bytes", name, HEAD_MAX);
    else
        fine = find_header(head, name, delimiter, &guess, &cells, err);
    if (fine) {
        size_t at = guess.at;

        layout->delimiter = guess.delimiter;
        layout->quote_none = !guess.quotes;
        note_lines_before(head, &guess, layout);
        split_row(head, &at, guess.delimiter, guess.quotes, &cells);
        name_columns(layout, &cells);
        weigh_columns(head, &guess, layout, &cells);
        find_record_column(layout);
        find_footer(tail, &guess, layout, &cells);
        if (layout->footer.size)
            buf_append_char(&layout->footer, ')');
    }
    free(cells.items);
    return fine;
}

bool layout_find(struct feed *feed, char delimiter, struct layout *layout, struct err *err)
{
    struct sample sample = {0};
    bool fine = read_sample(feed, &sample, err) && find_encoding(&sample, layout, err) &&
                analyse(&sample, feed->source, delimiter, layout, err);

    buf_release(&sample.head);
    buf_release(&sample.tail);
    return fine;
}

void layout_release(struct layout *layout)
{
    for (size_t i = 0; i < layout->column_count; i++)
        free(layout->columns[i].name);
    free(layout->columns);
    buf_release(&layout->footer);
    buf_release(&layout->remarks);
    *layout = (struct layout){0};
}
