#include "core/base/mem.h"
#include "core/row/csv_write.h"
#include "core/row/encoding.h"

#include <stdio.h>
#include <stdlib.h>

enum { LEXER_SLACK = 16 /* bytes that may be read behind the last one */ };

static const char no_column[] = "there is no column for it";

bool csv_writer_init(struct csv_writer *writer, const struct writer_options *options,
                     struct err *err)
{
    const struct row_dialect *declared = &options->shape->dialect;

    *writer = (struct csv_writer){.options = options, .shape = *options->shape};
    if (!csv_writer_read_header(writer, err)) {
        err->kind = ERR_CONFIG;
        return err_wrap(err, "the columns do not fit the schema file of today (--format ndjson "
                             "needs none)");
    }
    writer->delimiter = declared->delimiter && !writer->csv.lines.separator ? declared->delimiter
                                                                            : writer->csv.delimiter;
    writer->literal = declared->unquoted && !options->for_spreadsheet;
    writer->row_max = declared->row_max ? declared->row_max : ROW_SIZE_MAX;
    if (declared->cell_size_max > writer->row_max)
        writer->row_max += declared->cell_size_max;
    for (size_t i = 0; i < writer->csv.row.column_count; i++)
        writer->fills |= 1u << writer->csv.row.columns[i].kind;
    writer->values = mem_calloc(writer->csv.row.column_count, sizeof *writer->values);
    for (size_t i = 0; i < OUTCOME_PARTS; i++)
        writer->tells[i] = csv_is_outcome(options->shape, span_of(outcome_names[i].column));
    if (!options->for_spreadsheet && declared->encoding > ROW_ENCODING_UTF_8) {
        writer->encoder = recode_to(declared->encoding, err);
        return writer->encoder != NULL;
    }
    return true;
}

void csv_writer_release(struct csv_writer *writer)
{
    csv_release(&writer->csv);
    recode_close(writer->encoder);
    free(writer->values);
    json_tape_release(&writer->tape);
    json_tape_release(&writer->tags_tape);
    buf_release(&writer->scratch.text);
    buf_release(&writer->scratch.formed);
    buf_release(&writer->line);
    buf_release(&writer->raw);
    *writer = (struct csv_writer){0};
}

/* --- cells --- */

/* Whether a cell would be no cell, or another one, without quotes. */
static bool needs_quotes(const struct csv_writer *writer, struct span content)
{
    const struct row_shape *shape = writer->options->shape;
    struct span comment = shape->dialect.comment;

    if (shape->trim && str_trim(content).size < content.size)
        return true;
    if (writer->line.size)
        return false;
    /* what begins a line may make a comment of it, or look like the mark of another file */
    return writer->first_quoted ||
           (comment.size && content.size >= comment.size &&
            memcmp(content.data, comment.data, comment.size) == 0) ||
           (content.size >= 3 && memcmp(content.data, "\xEF\xBB\xBF", 3) == 0);
}

static void put_cell(struct csv_writer *writer, struct span content)
{
    struct buf safe = {0};

    if (writer->literal) {
        buf_append_span(&writer->line, content);
        return;
    }
    if (!writer->options->for_spreadsheet || !csv_is_formula(content)) {
        csv_write_cell(content, writer->delimiter, needs_quotes(writer, content), &writer->line);
        return;
    }
    buf_append_char(&safe, '\'');
    buf_append_span(&safe, content);
    csv_write_cell(buf_span(&safe), writer->delimiter, false, &writer->line);
    buf_release(&safe);
}

/* What no one reads again may lose what cannot be written without quotes. */
static void put_shown(struct csv_writer *writer, struct span content)
{
    size_t start = writer->line.size;

    put_cell(writer, content);
    for (size_t i = start; writer->literal && i < writer->line.size; i++)
        if (writer->line.data[i] == writer->delimiter || writer->line.data[i] == '\n' ||
            writer->line.data[i] == '\r')
            writer->line.data[i] = writer->delimiter == ' ' ? '_' : ' ';
}

/* Moves the line to where it is written. False: it holds what the encoding does not. */
static bool flush_line(struct csv_writer *writer, const char *substitute, struct buf *out)
{
    bool fits = true;

    writer->row_size += writer->line.size;
    if (writer->encoder)
        fits = recode(writer->encoder, buf_span(&writer->line), substitute, out);
    else
        buf_append_span(out, buf_span(&writer->line));
    buf_reset(&writer->line);
    return fits;
}

/* The columns behind those of the row, and the end of its line. */
static void put_outcome(struct csv_writer *writer, const struct outcome *outcome, struct buf *out)
{
    for (size_t i = 0; i < OUTCOME_PARTS; i++) {
        if (!writer->tells[i])
            continue;
        buf_append_char(&writer->line, writer->delimiter);
        if (outcome->parts[i].data)
            put_shown(writer, outcome->parts[i]);
    }
    if (writer->options->for_spreadsheet)
        buf_append_char(&writer->line, writer->delimiter);
    buf_append_char(&writer->line, '\n');
    /* a message of the server may hold anything */
    flush_line(writer, "?", out);
}

void csv_writer_begin(struct csv_writer *writer, struct buf *out)
{
    bool first = true;

    if (writer->options->for_spreadsheet ||
        (writer->encoder && writer->options->shape->dialect.encoding == ROW_ENCODING_UTF_16))
        buf_append_text(&writer->line, "\xEF\xBB\xBF");
    if (!writer->options->for_spreadsheet)
        buf_append_span(&writer->line, buf_span(&writer->csv.lines.preamble));
    flush_line(writer, "?", out);
    for (size_t i = 0; i < writer->csv.row.column_count; i++) {
        if (writer->csv.row.columns[i].kind == CSV_OUTCOME)
            continue;
        if (!first)
            buf_append_char(&writer->line, writer->delimiter);
        first = false;
        put_cell(writer, writer->csv.row.columns[i].heading);
    }
    for (size_t i = 0; i < OUTCOME_PARTS; i++)
        if (writer->tells[i])
            buf_printf(&writer->line, "%c%s", writer->delimiter, outcome_names[i].column);
    if (writer->options->for_spreadsheet)
        buf_printf(&writer->line, "%c%s", writer->delimiter, outcome_spreadsheet_column);
    buf_append_char(&writer->line, '\n');
    flush_line(writer, "?", out);
}

/* --- jobs --- */

static bool refuse(const struct csv_writer *writer, const struct row *row, struct span name,
                   const char *reason, struct err *err)
{
    char shown[VIOLATION_QUOTE_SIZE];

    return err_set(err, ERR_CONFIG, "%s: row %u: %s: %s; --format ndjson can say it",
                   writer->options->name, row->row_no, violation_show(name, shown), reason);
}

/* The column of a member; mostly the one behind the last. */
static size_t find_column(const struct csv *csv, struct span name, size_t guess)
{
    for (size_t i = 0; i < csv->row.column_count; i++) {
        size_t at = (guess + i) % csv->row.column_count;
        const struct csv_column *column = &csv->row.columns[at];

        if (column->kind > CSV_TAGS && column->name.data && span_equal(column->name, name))
            return at;
    }
    return csv->row.column_count;
}

/* Notes for each column which value it is to show. */
static bool place_values(struct csv_writer *writer, const struct row *row, struct err *err)
{
    struct csv *csv = &writer->csv;
    struct json_fault fault;
    size_t column = 0;

    memset(writer->values, 0, csv->row.column_count * sizeof *writer->values);
    writer->tape.count = 0;
    if (!json_scan(&writer->tape, row->fields, 0, &fault))
        return err_set(err, ERR_INTERNAL, "%s: row %u: the fields that are kept are not JSON: %s",
                       writer->options->name, row->row_no, fault.message);
    for (uint32_t i = 1; i < writer->tape.count; i = writer->tape.tokens[i + 1].next) {
        struct span name =
            json_string(&writer->tape.tokens[i], row->fields.data, &writer->scratch.text);

        column = find_column(csv, name, column);
        if (column == csv->row.column_count)
            return refuse(writer, row, name, no_column, err);
        writer->values[column++] = i + 1;
    }
    return true;
}

/* Tags with `;` between them. False: one of them holds that, or is empty, or no cell can hold them.
 */
static bool put_tags(struct csv_writer *writer, const struct csv_column *column, struct span tags)
{
    struct buf *text = &writer->scratch.formed;
    struct json_fault fault;

    if (!tags.size)
        return true;
    buf_reset(text);
    writer->tags_tape.count = 0;
    if (!json_scan(&writer->tags_tape, tags, 0, &fault))
        return false;
    for (uint32_t i = 1; i < writer->tags_tape.count; i++) {
        struct span tag =
            json_string(&writer->tags_tape.tokens[i], tags.data, &writer->scratch.text);

        if (!tag.size || memchr(tag.data, ';', tag.size) || memchr(tag.data, '\0', tag.size) ||
            (writer->shape.trim && str_trim(tag).size < tag.size))
            return false;
        if (text->size)
            buf_append_char(text, ';');
        buf_append_span(text, tag);
    }
    if (!csv_can_hold(writer, column, buf_span(text)))
        return false;
    put_cell(writer, buf_span(text));
    return true;
}

static const char no_cell[] = "no CSV cell of it says this value";

static bool too_many_lines(const struct csv_writer *writer, struct span content)
{
    size_t lines = 0;

    if (content.size > dialect_cell_size(&writer->shape.dialect))
        return true;
    for (const char *at = content.data;
         (at = memchr(at, '\n', (size_t)(content.data + content.size - at))); at++)
        lines++;
    return lines > dialect_cell_lines(&writer->shape.dialect);
}

/* JSON text as the cell had it, with the blanks around it, which csv_value.c keeps. */
static struct span text_as_read(const struct json_tape *tape, uint32_t value, struct span fields)
{
    const struct json_token *name = &tape->tokens[value - 1];
    uint32_t next = tape->tokens[value].next;
    size_t start = name->start + name->size + 2; /* `":` */
    size_t end = next < tape->count ? tape->tokens[next].start - 2 : fields.size - 1;

    return (struct span){fields.data + start, end - start};
}

static bool put_value(struct csv_writer *writer, const struct row *row, size_t index,
                      struct err *err)
{
    const struct csv_column *column = &writer->csv.row.columns[index];
    struct span content;

    if (!writer->values[index])
        return true;
    if (!csv_write_value(column, &writer->tape.tokens[writer->values[index]], row->fields.data,
                         &writer->scratch, &content))
        return refuse(writer, row, column->name, no_cell, err);
    if (writer->options->source == ROW_FORMAT_CSV &&
        writer->tape.tokens[writer->values[index]].kind >= JSON_ARRAY)
        content = text_as_read(&writer->tape, writer->values[index], row->fields);
    if (!csv_can_hold(writer, column, content))
        return refuse(writer, row, column->name, no_cell, err);
    if (too_many_lines(writer, content))
        return refuse(writer, row, column->name, "longer than a CSV cell may be", err);
    put_cell(writer, content);
    return true;
}

static bool put_version(struct csv_writer *writer, const struct csv_column *column,
                        const struct row *row, struct err *err)
{
    char text[24];

    if (!row->has_version)
        return true;
    snprintf(text, sizeof text, "%lld", (long long)row->version);
    if (!csv_can_hold(writer, column, span_of(text)))
        return refuse(writer, row, column->name, no_cell, err);
    put_cell(writer, span_of(text));
    return true;
}

static bool put_column(struct csv_writer *writer, const struct row *row, size_t index,
                       struct err *err)
{
    const struct csv_column *column = &writer->csv.row.columns[index];

    switch (column->kind) {
    case CSV_RECORD_ID:
        if (!csv_can_hold(writer, column, row->record_id))
            return refuse(writer, row, column->name, no_cell, err);
        put_cell(writer, row->record_id);
        return true;
    case CSV_VERSION:
        return put_version(writer, column, row, err);
    case CSV_TAGS:
        return put_tags(writer, column, row->tags) ||
               refuse(writer, row, span_of("tags"), "one of them is empty or holds ';'", err);
    case CSV_STRING:
    case CSV_NUMBER:
    case CSV_OTHER:
    case CSV_FORMED:
        return put_value(writer, row, index, err);
    case CSV_IGNORED:
    case CSV_OUTCOME:
    case CSV_NAMELESS:
    case CSV_SCREENED:
        return true;
    }
    return true;
}

/* The cells of the row, but not the outcome and the end of its line. */
static bool put_cells(struct csv_writer *writer, const struct row *row, struct err *err)
{
    bool first = true;

    buf_reset(&writer->line);
    for (size_t i = 0; i < writer->csv.row.column_count; i++) {
        if (writer->csv.row.columns[i].kind == CSV_OUTCOME)
            continue;
        if (!first)
            buf_append_char(&writer->line, writer->delimiter);
        first = false;
        if (!put_column(writer, row, i, err))
            return false;
    }
    return true;
}

/* Whether a reader would pass over the line that is about to be written, or take it for the footer
 * of the file. */
static bool is_passed_over(struct csv_writer *writer, const struct outcome *outcome)
{
    const struct row_dialect *dialect = &writer->options->shape->dialect;
    struct span comment = dialect->comment, line;
    size_t size = writer->line.size;
    const char *feed;
    bool passed;

    if (writer->options->for_spreadsheet || (!dialect->is_footer && !comment.size))
        return false;
    for (size_t i = 0; i < OUTCOME_PARTS; i++) {
        buf_append_char(&writer->line, writer->delimiter);
        if (writer->tells[i] && outcome->parts[i].data)
            put_shown(writer, outcome->parts[i]);
    }
    feed = memchr(writer->line.data, '\n', writer->line.size);
    line = (struct span){writer->line.data,
                         feed ? (size_t)(feed - writer->line.data) : writer->line.size};
    passed = (comment.size && line.size >= comment.size &&
              memcmp(line.data, comment.data, comment.size) == 0) ||
             (dialect->is_footer && dialect->is_footer(dialect->footer, line));
    writer->line.size = size;
    return passed;
}

/* The same in a way that a reader takes for a row. */
static bool put_row(struct csv_writer *writer, const struct row *row, const struct outcome *outcome,
                    struct err *err)
{
    bool passed;

    writer->first_quoted = false;
    if (!put_cells(writer, row, err))
        return false;
    passed = is_passed_over(writer, outcome);
    if (passed && !writer->literal) {
        writer->first_quoted = true;
        put_cells(writer, row, err);
        writer->first_quoted = false;
        passed = is_passed_over(writer, outcome);
    }
    return !passed || refuse(writer, row, row->record_id,
                             "a row that reads like a declared footer or comment", err);
}

bool csv_writer_job(struct csv_writer *writer, const struct row *row, const struct outcome *outcome,
                    struct buf *out, struct err *err)
{
    size_t before = out->size;

    buf_reset(&writer->line);
    writer->row_size = 0;
    if (row->has_version && !(writer->fills & 1u << CSV_VERSION))
        return refuse(writer, row, span_of("version"), no_column, err);
    if (row->tags.size && !(writer->fills & 1u << CSV_TAGS))
        return refuse(writer, row, span_of("tags"), no_column, err);
    if (!place_values(writer, row, err) || !put_row(writer, row, outcome, err))
        return false;
    if (!flush_line(writer, NULL, out))
        return refuse(writer, row, row->record_id, "holds what the declared encoding does not",
                      err);
    put_outcome(writer, outcome, out);
    if (writer->row_size <= writer->row_max)
        return true;
    out->size = before;
    return refuse(writer, row, row->record_id, "longer than a row of CSV may be", err);
}

/* --- rejected rows --- */

/* A cell as it is in the file, unless it has to be another one here. False: it cannot be. */
static bool put_raw_cell(struct csv_writer *writer, const struct csv_cell *cell)
{
    struct span content = csv_content(cell, &writer->scratch.text);

    if (writer->literal) {
        buf_append_span(&writer->line, content);
        return !memchr(content.data, writer->delimiter, content.size);
    }
    if ((writer->options->for_spreadsheet && csv_is_formula(content)) ||
        (!cell->quoted && (memchr(content.data, writer->delimiter, content.size) ||
                           memchr(content.data, '"', content.size)))) {
        put_cell(writer, content);
        return true;
    }
    if (cell->quoted)
        buf_append_char(&writer->line, '"');
    buf_append_span(&writer->line, cell->text);
    if (cell->quoted)
        buf_append_char(&writer->line, '"');
    return true;
}

/* Puts the cells into the line, and what an earlier export could not take apart into kept. False:
 * it is no row of as many cells as the header row has. */
static bool put_raw_cells(struct csv_writer *writer, struct span text, struct span *kept)
{
    const struct csv *csv = &writer->csv;
    struct csv_lexer lexer = csv_lexer_at(text, true, &csv->shape->dialect, csv->delimiter);
    enum csv_end end = CSV_DELIMITER;
    struct csv_cell cell;
    bool first = true;

    for (size_t i = 0; i < csv->row.column_count; i++) {
        if (end != CSV_DELIMITER)
            return false;
        end = csv_lex(&lexer, &cell);
        if (end != CSV_DELIMITER && end != CSV_LINE_END)
            return false;
        if (csv->row.columns[i].kind == CSV_OUTCOME) {
            if (span_is(csv->row.columns[i].heading, outcome_names[OUTCOME_RAW].column) &&
                cell.text.size)
                *kept = csv_content(&cell, &writer->scratch.formed);
            continue;
        }
        if (!first)
            buf_append_char(&writer->line, writer->delimiter);
        first = false;
        if (!put_raw_cell(writer, &cell))
            return false;
    }
    return end == CSV_LINE_END && lexer.at == lexer.end && !lexer.has_nul && !lexer.has_return;
}

/* Nothing where the cells would be. */
static void put_no_cells(struct csv_writer *writer)
{
    bool first = true;

    buf_reset(&writer->line);
    for (size_t i = 0; i < writer->csv.row.column_count; i++) {
        if (writer->csv.row.columns[i].kind == CSV_OUTCOME)
            continue;
        if (!first)
            buf_append_char(&writer->line, writer->delimiter);
        first = false;
    }
}

static bool try_cells(struct csv_writer *writer, struct span text, const struct outcome *outcome,
                      struct buf *out)
{
    struct outcome whole = *outcome;
    size_t before = out->size;

    whole.parts[OUTCOME_RAW] = (struct span){0};
    writer->row_size = 0;
    if (str_utf8_valid(text) != text.size ||
        !put_raw_cells(writer, text, &whole.parts[OUTCOME_RAW]) || !flush_line(writer, NULL, out))
        return false;
    put_outcome(writer, &whole, out);
    if (writer->row_size <= writer->row_max)
        return true;
    out->size = before;
    return false;
}

void csv_writer_rejected(struct csv_writer *writer, struct span text, const struct outcome *outcome,
                         struct buf *out)
{
    /* the lexer wants a line feed behind the text, and room */
    buf_reset(&writer->raw);
    buf_reserve(&writer->raw, text.size + 1 + LEXER_SLACK);
    buf_append_span(&writer->raw, text);
    buf_append_char(&writer->raw, '\n');
    buf_reset(&writer->line);
    if (try_cells(writer, (struct span){writer->raw.data, text.size}, outcome, out))
        return;
    put_no_cells(writer);
    put_outcome(writer, outcome, out);
}
