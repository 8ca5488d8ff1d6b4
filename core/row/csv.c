#include "core/row/csv.h"

#include <inttypes.h>
#include <stdio.h>

/* --- the header row: where it ends, what is between its cells, what they name --- */

enum { CANDIDATES = 4 };

/* Possible delimiters; the first is used without evidence for another. */
static const char candidates[CANDIDATES] = {',', ';', '\t', '|'};

/* The header row as one delimiter splits it. */
struct trial {
    struct csv_lexer start, lexer; /* before and after it */
    enum csv_end end;
    size_t count; /* cells, up to where it ended */
    struct csv_heading heading;
};

/* Refuses a file whose header row cannot be read. Bytes that are not UTF-8 in its first line are
 * the better explanation. */
static bool refuse_header(const struct csv *csv, struct source *source, const char *fault,
                          struct err *err)
{
    uint64_t line_no = source->lines + 1;
    char other[SOURCE_FAULT_SIZE];
    struct buf hint = {0};
    struct span line;
    bool whole, taken;

    csv_lines_hint(&csv->lines, source, &hint);
    taken = source_take_line(source, &line, &whole, other, err);
    if (taken)
        err_set(err, ERR_INPUT, "%s: line %llu: header row: %s%s%s", source->name,
                (unsigned long long)line_no, fault, hint.size ? "; " : "", buf_text(&hint));
    buf_release(&hint);
    return false;
}

static size_t trial_size(const struct trial *trial)
{
    return (size_t)(trial->lexer.at - trial->start.at);
}

static const char *describe_nul(const struct source *source, const struct trial *trial,
                                char text[CSV_DESCRIPTION_SIZE])
{
    struct span before = {trial->start.at, strnlen(trial->start.at, trial_size(trial))};
    uint64_t first = source->bytes + source_size(source, before);
    size_t count = 0;

    for (const char *at = trial->start.at; at < trial->lexer.at; at++)
        count += *at == '\0';
    snprintf(text, CSV_DESCRIPTION_SIZE,
             "holds %zu NUL byte%s, the first at byte %" PRIu64
             " of the file: was it cut off by a crash?",
             count, count == 1 ? "" : "s", first);
    return text;
}

static bool ends_in_two_returns(const struct trial *trial)
{
    return trial_size(trial) >= 3 && memcmp(trial->lexer.at - 3, "\r\r\n", 3) == 0;
}

/* Returns why the trial found no readable header row, or NULL. */
static const char *trial_fault(const struct source *source, const struct trial *trial,
                               char text[CSV_DESCRIPTION_SIZE])
{
    if (trial_size(trial) > source->row_max) {
        snprintf(text, CSV_DESCRIPTION_SIZE, "longer than %zu bytes", source->row_max);
        return text;
    }
    if (trial->end == CSV_FAULT)
        return csv_describe(&trial->lexer, trial->count, text);
    if (trial->count > ROW_COLUMNS_MAX)
        return "more than 2000 columns";
    if (trial->lexer.has_nul)
        return describe_nul(source, trial, text);
    if (trial->lexer.has_return && ends_in_two_returns(trial))
        return "ends with CR CR LF: the line ends were converted twice; end lines with LF or CRLF";
    if (trial->lexer.has_return)
        return "holds a carriage return; end lines with LF or CRLF";
    return NULL;
}

static void try_delimiter(const struct csv *csv, const struct source *source, char delimiter,
                          struct trial *trial)
{
    struct csv_cell cell;

    *trial = (struct trial){.start = csv_lexer_at(source_window(source), source->ended,
                                                  &csv->shape->dialect, delimiter)};
    trial->lexer = trial->start;
    do {
        trial->end = csv_lex(&trial->lexer, &cell);
        trial->count++;
        /* how much more is in the window depends on the size of reads */
    } while (trial->end == CSV_DELIMITER && trial_size(trial) <= source->row_max);
}

/* Brings the whole header row into the window, whatever the delimiter is. */
static bool try_all(const struct csv *csv, struct source *source, const char *delimiter,
                    size_t count, struct trial *trials, struct err *err)
{
    for (;;) {
        bool more = false;

        for (size_t i = 0; i < count; i++) {
            try_delimiter(csv, source, delimiter[i], &trials[i]);
            more |= trials[i].end == CSV_MORE && trial_size(&trials[i]) <= source->row_max;
        }
        if (!more)
            return true;
        if (!source_fill(source, err))
            return false;
    }
}

static bool refuse_ambiguous(const struct source *source, const struct trial *a,
                             const struct trial *b, struct err *err)
{
    char first[DIALECT_DELIMITER_NAME_SIZE], second[DIALECT_DELIMITER_NAME_SIZE];

    return err_set(err, ERR_INPUT,
                   "%s: line %llu: the header row can be read with %s and with %s between cells; "
                   "declare \"csv\": {\"delimiter\": ...} under x-rowferry in the schema file, or "
                   "give --delimiter",
                   source->name, (unsigned long long)source->lines + 1,
                   dialect_delimiter_name(a->start.delimiter, first),
                   dialect_delimiter_name(b->start.delimiter, second));
}

/* Returns the trial whose cells are all known, or else the closest. NULL with err set if two are
 * complete. */
static struct trial *choose(struct source *source, struct trial *trials, size_t count,
                            struct err *err)
{
    struct trial *best = NULL, *fitting = NULL;

    for (size_t i = 0; i < count; i++) {
        struct trial *trial = &trials[i];

        if (!trial->heading.columns)
            continue;
        if (!best || trial->heading.column_count > best->heading.column_count)
            best = trial;
        if (!csv_heading_fits(&trial->heading))
            continue;
        /* a row of one cell is the same with every delimiter */
        if (fitting && trial->count + fitting->count > 2) {
            refuse_ambiguous(source, fitting, trial, err);
            return NULL;
        }
        fitting = fitting ? fitting : trial;
    }
    if (fitting)
        return fitting;
    if (best && best->heading.column_count)
        return best;
    best = trials;
    for (size_t i = 1; i < count; i++)
        if (trials[i].count > best->count)
            best = &trials[i];
    return best;
}

/* Refuses the columns that the header row names. header: in the window. */
static bool refuse_heading(const struct csv *csv, struct source *source,
                           const struct csv_heading *heading, struct span header, struct err *err)
{
    char name[DIALECT_DELIMITER_NAME_SIZE];
    bool detected = csv->delimiter_detected && csv->delimiter != ',';
    struct buf text = {0}, hint = {0};

    csv_heading_complain(heading, header, &text);
    if (csv_lines_hint(&csv->lines, source, &hint))
        buf_printf(&text, "; %s", buf_text(&hint));
    if (source_seems_utf8(source, header.size))
        buf_printf(&text,
                   "; its bytes above 0x7f are UTF-8, but the schema file declares %s: remove "
                   "\"encoding\" from it if the export is UTF-8 now",
                   encoding_name(csv->shape->dialect.encoding));
    err_set(err, ERR_INPUT, "%s: line %llu: %s%s%s%s", source->name,
            (unsigned long long)source->lines + 1, detected ? "with " : "",
            detected ? dialect_delimiter_name(csv->delimiter, name) : "",
            detected ? " between cells: " : "", buf_text(&text));
    buf_release(&text);
    buf_release(&hint);
    return false;
}

/* Takes the header row as the trial split it. */
static bool take_header(struct csv *csv, struct source *source, struct trial *trial,
                        struct err *err)
{
    char text[CSV_DESCRIPTION_SIZE];
    const char *fault = trial_fault(source, trial, text);
    size_t size = trial_size(trial);

    csv->delimiter = trial->start.delimiter;
    if (fault)
        return refuse_header(csv, source, fault, err);
    if (source_holds_other(source, size))
        return source_refuse_byte(source, size, err);
    if (!csv_heading_fits(&trial->heading))
        return refuse_heading(csv, source, &trial->heading, (struct span){trial->start.at, size},
                              err);
    if (!source_take(source, size, trial->lexer.feeds + 1, err))
        return false;
    source->controls |= trial->lexer.has_control;
    buf_append_span(&csv->lines.header, source_raw(source, size));
    csv->row.columns = trial->heading.columns;
    csv->row.column_count = trial->heading.column_count;
    trial->heading.columns = NULL;
    trial->heading.column_count = 0;
    return true;
}

static bool read_header(struct csv *csv, struct source *source, struct trial trials[CANDIDATES],
                        struct err *err)
{
    char declared = csv->lines.separator ? csv->lines.separator : csv->shape->dialect.delimiter;
    char text[CSV_DESCRIPTION_SIZE];
    size_t count = declared ? 1 : CANDIDATES;
    struct trial *chosen;

    csv->delimiter_detected = !declared;
    if (!try_all(csv, source, declared ? &declared : candidates, count, trials, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!trial_fault(source, &trials[i], text))
            csv_heading_read(&trials[i].heading, csv->shape, trials[i].start, trials[i].count);
    chosen = choose(source, trials, count, err);
    return chosen && take_header(csv, source, chosen, err);
}

bool csv_init(struct csv *csv, struct source *source, const struct row_shape *shape,
              struct err *err)
{
    struct trial trials[CANDIDATES] = {0};
    bool done;

    *csv = (struct csv){.shape = shape, .row.shape = shape};
    if (!csv_lines_begin(&csv->lines, source, shape, err))
        return false;
    if (source->begin == source->end)
        return err_set(err, ERR_INPUT, "%s: there is no header row, only blank lines",
                       source->name);
    done = read_header(csv, source, trials, err);
    for (size_t i = 0; i < CANDIDATES; i++)
        csv_heading_release(&trials[i].heading);
    return done;
}

void csv_release(struct csv *csv)
{
    csv_lines_release(&csv->lines);
    csv_row_release(&csv->row);
    *csv = (struct csv){0};
}

bool csv_has_outcome(const struct csv *csv)
{
    for (size_t i = 0; i < csv->row.column_count; i++)
        if (csv->row.columns[i].kind == CSV_OUTCOME)
            return true;
    return false;
}

/* --- rows --- */

/* Tries to read the row that begins the window. *count: the cells that it read. */
static enum csv_end read_cells(struct csv *csv, struct csv_lexer *lexer, struct row *row,
                               struct violations *violations, size_t *count)
{
    struct csv_cell cell;
    enum csv_end end;
    size_t number = 0;

    csv_row_begin(&csv->row, row);
    csv->surplus = false;
    violations_reset(violations);
    do {
        end = csv_lex(lexer, &cell);
        if (number >= csv->row.column_count)
            csv->surplus |= cell.text.size > 0;
        else if (end <= CSV_LINE_END)
            csv_row_put(&csv->row, &csv->row.columns[number], &cell, row, violations);
        number++;
    } while (end == CSV_DELIMITER);
    *count = number;
    return end;
}

/* Keeps only the record id of a malformed row, if that is valid. */
static void strip(struct csv *csv, struct row *row, struct violations *violations)
{
    char text[ROW_FAULT_SIZE];

    violations_reset(violations);
    if (row_record_id_fault(row->record_id, text) ||
        str_utf8_valid(row->record_id) != row->record_id.size) {
        row->record_id = (struct span){0};
    } else if (row->record_id.data != csv->row.record_id.data) {
        /* it is in the window, which can move */
        buf_reset(&csv->row.record_id);
        buf_append_span(&csv->row.record_id, row->record_id);
        row->record_id = buf_span(&csv->row.record_id);
    }
    row->has_version = false;
    row->version = 0;
    row->tags = (struct span){0};
    row->fields = (struct span){0};
    row->tape = (struct json_tape){0};
}

/* Returns whether a cell of the column, or where the column is not the record id's of any column,
 * is its heading, ignoring case. */
static bool is_heading(const struct csv *csv, size_t column, struct span content)
{
    bool any = csv->row.columns[column].kind != CSV_RECORD_ID;

    for (size_t i = any ? 0 : column; i < (any ? csv->row.column_count : column + 1); i++) {
        struct span heading = csv->row.columns[i].heading;

        if (csv_same_heading(content, csv->shape->trim ? str_trim(heading) : heading))
            return true;
    }
    return any && !content.size;
}

/* Returns whether a row is a header row: that of this file, or of another one with columns of it.
 * What an export added to either does not count. */
static bool repeats_header(const struct csv *csv, struct csv_lexer lexer, size_t count)
{
    struct buf scratch = {0};
    struct csv_cell cell;
    bool same = true;

    for (size_t i = 0; same && i < csv->row.column_count && i < count; i++) {
        struct span content;

        csv_lex(&lexer, &cell);
        content = csv_content(&cell, &scratch);
        same = csv->row.columns[i].kind == CSV_OUTCOME ||
               is_heading(csv, i, csv->shape->trim ? str_trim(content) : content);
    }
    buf_release(&scratch);
    return same;
}

static const struct span mark = {"\xEF\xBB\xBF", 3};

static void refuse_mark(bool header, struct violations *violations)
{
    row_refuse(violations,
               "begins with a byte order mark (U+FEFF)%s: two files were concatenated: remove it",
               header ? " and repeats the header row" : "");
}

/* Rejects a row with NUL bytes. text: in the window. from: its offset in the file. */
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

/* Rejects the physical line at the beginning of the window and continues at the next, so that a
 * quote that is never closed does not swallow the good rows after it. */
static enum row_step reject_line(struct csv *csv, struct source *source, const char *fault,
                                 struct row *row, struct violations *violations, struct err *err)
{
    struct span window = {source->data + source->begin, source->end - source->begin};
    bool marked = span_starts(window, mark), whole;
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

/* If rows can be short, the lines of a cell that is not closed look like rows: they are rejected
 * until a row has as many cells as any row so far, or as the header row. */
static bool refuse_piece(struct csv *csv, size_t count, struct row *row,
                         struct violations *violations)
{
    size_t enough = csv->cells_most ? csv->cells_most : csv->row.column_count;

    if (count >= enough)
        csv->lost_quote = false;
    if (!csv->lost_quote) {
        if (count > csv->cells_most && count <= csv->row.column_count)
            csv->cells_most = count;
        return false;
    }
    strip(csv, row, violations);
    row_refuse(violations,
               "may be a line of the cell before it that is not closed: short rows are accepted "
               "again after one of %zu cells",
               enough);
    return true;
}

/* Rejects a row with more or fewer cells than the header row. False if the schema file allows it.
 */
static bool refuse_count(struct csv *csv, size_t count, struct row *row,
                         struct violations *violations)
{
    const struct row_dialect *dialect = &csv->shape->dialect;
    const char *hint = "";

    if (count < csv->row.column_count && dialect->short_rows) {
        for (size_t i = count; i < csv->row.column_count; i++)
            csv_row_put(&csv->row, &csv->row.columns[i], &(struct csv_cell){0}, row, violations);
        return false;
    }
    if (count > csv->row.column_count && dialect->long_rows && !csv->surplus)
        return false;
    if (count == 1 && count < csv->row.column_count && !dialect->is_footer)
        hint =
            "; if it is a line after the table, declare \"csv\": {\"footer\": \"^...\"}, or where "
            "empty cells at the end are left out, {\"shortRows\": \"absent\"} under x-rowferry";
    else if (count < csv->row.column_count)
        hint = "; where empty cells at the end are left out, declare \"csv\": {\"shortRows\": "
               "\"absent\"} under x-rowferry";
    else if (!csv->surplus)
        hint = "; those in excess are empty: declare \"csv\": {\"longRows\": \"empty\"} under "
               "x-rowferry";
    strip(csv, row, violations);
    row_refuse(violations, "%zu cell%s, but the header row has %zu%s", count, count == 1 ? "" : "s",
               csv->row.column_count, hint);
    return true;
}

/* Rejects the line of dashes that some programs draw under the header row. One whose cells fit the
 * columns is a row: only the schema file can say that it is a comment. */
static bool refuse_dashes(struct csv *csv, struct span text, struct row *row,
                          struct violations *violations)
{
    size_t size = csv_lines_dashes(text, csv->delimiter);
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
        row_refuse(violations, "holds a carriage return outside quotes that does not end a line");
}

/* Rejects a row that shows that two files were concatenated: it repeats the header row, or begins
 * with a byte order mark. lexer: after the row. */
static bool refuse_seam(struct csv *csv, const struct csv_lexer *lexer, size_t count,
                        struct span text, struct row *row, struct violations *violations)
{
    struct csv_lexer again = *lexer;
    bool marked = span_starts(text, mark), repeated;

    again.at = text.data + (marked ? mark.size : 0);
    repeated = repeats_header(csv, again, count);
    if (!marked && !repeated)
        return false;
    strip(csv, row, violations);
    if (marked)
        refuse_mark(repeated, violations);
    else
        row_refuse(violations, "repeats the header row: remove it, or export a single file");
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

/* Takes a complete row. */
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
    if (lexer->has_nul && count != csv->row.column_count) {
        strip(csv, row, violations);
        refuse_nul(source, text, from, violations);
        return ROW_STEP_ROW;
    }
    if (count != csv->row.column_count && refuse_dashes(csv, text, row, violations))
        return ROW_STEP_ROW;
    if (csv->shape->dialect.short_rows && refuse_piece(csv, count, row, violations))
        return ROW_STEP_ROW;
    if (count != csv->row.column_count && refuse_count(csv, count, row, violations))
        return ROW_STEP_ROW;
    if ((csv->row.maybe_header || text.data[0] == mark.data[0]) &&
        refuse_seam(csv, lexer, count, text, row, violations))
        return ROW_STEP_ROW;
    csv_row_end(&csv->row, row, violations);
    if (violations->count && refuse_dashes(csv, text, row, violations))
        return ROW_STEP_ROW;
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

    if (!csv_lines_skip_blank(source, err))
        return ROW_STEP_ERROR;
    if (csv->lines.screened && !csv_lines_screen(&csv->lines, source, err))
        return ROW_STEP_ERROR;
    if (source->begin == source->end)
        return finish_file(source, err);
    for (;;) {
        struct csv_lexer lexer = csv_lexer_at(source_window(source), source->ended,
                                              &csv->shape->dialect, csv->delimiter);
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
        if (source->ended && source->begin == source->end) /* only a Ctrl-Z was left */
            return finish_file(source, err);
    }
}
