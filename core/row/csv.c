#include "core/row/csv.h"

#include "core/row/row.h"

struct csv_lexer csv_lexer_start(const struct csv *csv, const struct source *source)
{
    return (struct csv_lexer){.at = source->data + source->begin,
                              .end = source->data + source->end,
                              .ended = source->ended,
                              .delimiter = csv->delimiter,
                              .unquoted = csv->shape->dialect.unquoted,
                              .cell_size_max = csv->cell_size_max,
                              .cell_lines_max = csv->cell_lines_max};
}

/* Size of the blank line at the beginning of the window; 0: it is not blank, or not there whole. */
static size_t blank_size(const struct source *source)
{
    const char *at = source->data + source->begin, *end = source->data + source->end;

    if (at < end && *at == '\n')
        return 1;
    if (at == end || *at != '\r' || at[1] != '\n')
        return 0;
    /* a line feed at `end` is the window's own */
    return at + 1 < end ? 2 : source->ended;
}

bool csv_skip_blank(struct source *source, struct err *err)
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

/* One try at the row that begins the window. count: cells, up to where it ended. */
static enum csv_end read_cells(struct csv *csv, struct csv_lexer *lexer, struct row *row,
                               struct violations *violations, size_t *count)
{
    struct csv_cell cell;
    enum csv_end end;
    size_t number = 0;

    csv_row_begin(csv, row);
    violations_reset(violations);
    do {
        end = csv_lex(lexer, &cell);
        if (number >= csv->column_count)
            csv->surplus |= cell.text.size > 0;
        else if (end <= CSV_LINE_END)
            csv_put(csv, &csv->columns[number], &cell, row, violations);
        number++;
    } while (end == CSV_DELIMITER);
    *count = number;
    return end;
}

/* Leaves nothing of a row whose form is wrong but its record id, where that is one. */
static void strip(struct csv *csv, struct row *row, struct violations *violations)
{
    char text[ROW_FAULT_SIZE];

    violations_reset(violations);
    if (row_record_id_fault(row->record_id, text) ||
        str_utf8_valid(row->record_id) != row->record_id.size) {
        row->record_id = (struct span){0};
    } else if (row->record_id.data != csv->record_id.data) {
        /* it stands in the window, which may move */
        buf_reset(&csv->record_id);
        buf_append_span(&csv->record_id, row->record_id);
        row->record_id = buf_span(&csv->record_id);
    }
    row->has_version = false;
    row->version = 0;
    row->tags = (struct span){0};
    row->fields = (struct span){0};
    row->tape = (struct json_tape){0};
}

/* Whether the cells of a row are those of the header row, in upper case or lower; what an export
 * added to either aside. */
static bool repeats_header(const struct csv *csv, struct csv_lexer lexer)
{
    struct buf scratch = {0};
    struct csv_cell cell;
    bool same = true;

    for (size_t i = 0; same && i < csv->column_count; i++) {
        csv_lex(&lexer, &cell);
        same = csv->columns[i].kind == CSV_OUTCOME ||
               csv_same_heading(csv_content(&cell, &scratch), csv->columns[i].heading);
    }
    buf_release(&scratch);
    return same;
}

static const char mark[] = "\xEF\xBB\xBF";

static bool begins_with_mark(struct span text)
{
    return text.size >= 3 && memcmp(text.data, mark, 3) == 0;
}

static void refuse_mark(bool header, struct violations *violations)
{
    row_refuse(violations,
               "begins with a byte order mark (U+FEFF)%s: two files were put together; take it out",
               header ? " and repeats the header row" : "");
}

/* text: of the window. from: the byte of the file at its beginning. */
static void refuse_nul(const struct source *source, struct span text, uint64_t from,
                       struct violations *violations)
{
    const char *first = memchr(text.data, '\0', text.size);
    size_t count = 0;

    if (!first)
        return;
    from += source_size(source, (struct span){text.data, (size_t)(first - text.data)});
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == '\0';
    row_refuse_nul(count, from, violations);
}

/* Rejects the physical line at the beginning of the window, so that a quote that never closes does
 * not swallow the good rows behind it: reading goes on at the next line. */
static enum row_step reject_line(struct csv *csv, struct source *source, const char *fault,
                                 struct row *row, struct violations *violations, struct err *err)
{
    struct span window = {source->data + source->begin, source->end - source->begin};
    bool marked = begins_with_mark(window), whole;
    uint64_t from = source->bytes;
    char other[SOURCE_FAULT_SIZE];

    strip(csv, row, violations);
    row->line_no = source->lines + 1;
    if (!source_take_line(source, &row->raw, &whole, other, err))
        return ROW_STEP_ERROR;
    if (marked)
        refuse_mark(false, violations);
    if (!source->transcoder)
        refuse_nul(source, row->raw, from, violations);
    if (*other)
        row_refuse(violations, "%s", other);
    if (fault)
        row_refuse(violations, "%s", fault);
    if (!whole)
        row_refuse_length(source->row_max, violations);
    else if (!fault)
        row_refuse(violations,
                   "the row that begins here is longer than %zu bytes; "
                   "is a closing quote missing?",
                   source->row_max);
    return ROW_STEP_ROW;
}

/* Where rows may be short, the lines of a cell that is not closed look like rows: none of them is
 * taken before one that has as many cells as any row so far, or the whole header row. */
static bool refuse_piece(struct csv *csv, size_t count, struct row *row,
                         struct violations *violations)
{
    size_t enough = csv->cells_most ? csv->cells_most : csv->column_count;

    if (count >= enough)
        csv->lost_quote = false;
    if (!csv->lost_quote) {
        if (count > csv->cells_most && count <= csv->column_count)
            csv->cells_most = count;
        return false;
    }
    strip(csv, row, violations);
    row_refuse(violations,
               "may be a line of the cell before it that is not closed: short rows are taken again "
               "after one of %zu cells",
               enough);
    return true;
}

/* A row that has more or fewer cells than the header row; false: it is declared that it may. */
static bool refuse_count(struct csv *csv, size_t count, struct row *row,
                         struct violations *violations)
{
    const struct row_dialect *dialect = &csv->shape->dialect;
    const char *hint = "";

    if (count < csv->column_count && dialect->short_rows) {
        for (size_t i = count; i < csv->column_count; i++)
            csv_put(csv, &csv->columns[i], &(struct csv_cell){0}, row, violations);
        return false;
    }
    if (count > csv->column_count && dialect->long_rows && !csv->surplus)
        return false;
    if (count == 1 && count < csv->column_count && !dialect->is_footer)
        hint =
            "; if it is a line after the table, declare \"csv\": {\"footer\": \"^...\"}, or where "
            "empty cells at the end are left out, {\"shortRows\": \"absent\"} under x-rowferry";
    else if (count < csv->column_count)
        hint = "; where empty cells at the end are left out, declare \"csv\": {\"shortRows\": "
               "\"absent\"} under x-rowferry";
    else if (!csv->surplus)
        hint = "; those in excess are empty: declare \"csv\": {\"longRows\": \"empty\"} under "
               "x-rowferry";
    strip(csv, row, violations);
    row_refuse(violations, "%zu cell%s, but the header row has %zu%s", count, count == 1 ? "" : "s",
               csv->column_count, hint);
    return true;
}

/* What some programs draw under the header row, as wide as its columns: never a record. */
static bool refuse_dashes(struct csv *csv, struct span text, struct row *row,
                          struct violations *violations)
{
    size_t size = csv_dashes(text, csv->delimiter);
    struct buf comment = {0};

    if (!size)
        return false;
    buf_append_json(&comment, (struct span){text.data, size});
    strip(csv, row, violations);
    row->record_id = (struct span){0};
    row_refuse(violations,
               "is a line of dashes; if it is under the header row, declare \"csv\": {\"comment\": "
               "\"%s\"} under x-rowferry",
               buf_text(&comment));
    buf_release(&comment);
    return true;
}

static void refuse_return(struct span text, struct violations *violations)
{
    static const char twice[] = "\r\r\n";

    if (text.size >= 3 && memcmp(text.data + text.size - 3, twice, 3) == 0)
        row_refuse(violations,
                   "ends with CR CR LF: its line ends were converted twice; end lines with LF or "
                   "CRLF");
    else
        row_refuse(violations, "holds a carriage return that ends no line, outside quotes");
}

/* Rejects a row that shows that two files were put together: it repeats the header row, or begins
 * with the mark of another file. lexer: behind the row. */
static bool refuse_seam(struct csv *csv, const struct csv_lexer *lexer, struct span text,
                        struct row *row, struct violations *violations)
{
    struct csv_lexer again = *lexer;
    bool marked = begins_with_mark(text), repeated;

    again.at = text.data + (marked ? sizeof mark - 1 : 0);
    repeated = repeats_header(csv, again);
    if (!marked && !repeated)
        return false;
    strip(csv, row, violations);
    if (marked)
        refuse_mark(repeated, violations);
    else
        row_refuse(violations, "repeats the header row: take it out, or export one file");
    return true;
}

/* Takes a row whose bytes are not those of the file's encoding, and rejects it. */
static enum row_step reject_other(struct csv *csv, struct source *source, size_t size,
                                  uint64_t lines, struct row *row, struct violations *violations,
                                  struct err *err)
{
    char fault[SOURCE_FAULT_SIZE];

    if (!source_pass_byte(source, size, fault, err) || !source_take(source, size, lines, err))
        return ROW_STEP_ERROR;
    row->raw = source_raw(source, size);
    strip(csv, row, violations);
    row_refuse(violations, "%s", fault);
    return ROW_STEP_ROW;
}

/* A row that reached its end. */
static enum row_step finish_row(struct csv *csv, struct source *source,
                                const struct csv_lexer *lexer, size_t count, struct row *row,
                                struct violations *violations, struct err *err)
{
    const char *begin = source->data + source->begin;
    struct span text = {begin, (size_t)(lexer->at - begin)};
    uint64_t from = source->bytes;

    row->line_no = source->lines + 1;
    source->controls |= lexer->has_control;
    if (source_holds_other(source, text.size))
        return reject_other(csv, source, text.size, lexer->feeds + 1, row, violations, err);
    if (!source_take(source, text.size, lexer->feeds + 1, err))
        return ROW_STEP_ERROR;
    row->raw = source_raw(source, text.size);
    if (lexer->has_nul && count != csv->column_count) {
        strip(csv, row, violations);
        refuse_nul(source, text, from, violations);
        return ROW_STEP_ROW;
    }
    if (text.data[0] == '-' && refuse_dashes(csv, text, row, violations))
        return ROW_STEP_ROW;
    if (csv->shape->dialect.short_rows && refuse_piece(csv, count, row, violations))
        return ROW_STEP_ROW;
    if (count != csv->column_count && refuse_count(csv, count, row, violations))
        return ROW_STEP_ROW;
    if ((csv->maybe_header || text.data[0] == mark[0]) &&
        refuse_seam(csv, lexer, text, row, violations))
        return ROW_STEP_ROW;
    csv_row_end(csv, row, violations);
    if (lexer->has_nul)
        refuse_nul(source, text, from, violations);
    if (lexer->has_return)
        refuse_return(text, violations);
    return ROW_STEP_ROW;
}

static enum row_step finish_file(struct source *source, struct err *err)
{
    return source_finish(source, err) ? ROW_STEP_END : ROW_STEP_ERROR;
}

enum row_step csv_next(struct csv *csv, struct source *source, struct row *row,
                       struct violations *violations, struct err *err)
{
    char text[CSV_DESCRIPTION_SIZE];

    if (!csv_skip_blank(source, err))
        return ROW_STEP_ERROR;
    if (csv->screens_lines && !csv_screen_lines(csv, source, err))
        return ROW_STEP_ERROR;
    if (source->begin == source->end)
        return finish_file(source, err);
    for (;;) {
        struct csv_lexer lexer = csv_lexer_start(csv, source);
        size_t count;
        enum csv_end end = read_cells(csv, &lexer, row, violations, &count);
        size_t size = (size_t)(lexer.at - (source->data + source->begin));

        if (end == CSV_FAULT || size > source->row_max)
            csv->lost_quote = end != CSV_FAULT || lexer.fault < CSV_AFTER_QUOTE;
        if (size > source->row_max)
            return reject_line(csv, source, NULL, row, violations, err);
        if (end == CSV_FAULT)
            return reject_line(csv, source, csv_describe(&lexer, count, text), row, violations,
                               err);
        if (end == CSV_LINE_END)
            return finish_row(csv, source, &lexer, count, row, violations, err);
        if (!source_fill(source, err))
            return ROW_STEP_ERROR;
        if (source->ended && source->begin == source->end) /* a Ctrl-Z was all that was left */
            return finish_file(source, err);
    }
}
