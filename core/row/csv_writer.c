#include "core/row/csv_writer.h"

#include "core/base/mem.h"
#include "core/row/cell_form.h"
#include "core/row/encodable.h"
#include "core/row/formula.h"
#include "core/row/parts.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LEXER_SLACK = 16,  /* bytes that can be read after the last one */
    CHARACTER_MAX = 4, /* bytes in UTF-8 */
};

static const char no_column[] = "there is no column for it";

/* --- the content of cells: the inverse of csv_row.c --- */

/* As memchr, also for a text without data. */
static bool holds(struct span text, char byte)
{
    return text.size && memchr(text.data, byte, text.size);
}

static bool holds_line_end(struct span text)
{
    return holds(text, '\n') || holds(text, '\r');
}

/* Returns whether a cell of the column can have that content and is read back as the same. */
static bool can_hold(const struct csv_writer *writer, const struct csv_column *column,
                     struct span content)
{
    const struct row_shape *shape = writer->options->shape;
    const struct row_dialect *dialect = &shape->dialect;

    if (writer->options->for_spreadsheet)
        return true;
    if (dialect_holds(dialect->absent, content) || dialect_holds(column->absent, content))
        return false;
    if (!content.size)
        return !writer->literal && !dialect->quoted_absent;
    return !writer->literal || (!holds(content, writer->delimiter) && !holds_line_end(content) &&
                                (!shape->trim || str_trim(content).size == content.size));
}

/* Appends a cell with that content, quoted if needed or asked for; "" if it is empty. */
static void write_cell(struct span content, char delimiter, bool quoted, struct buf *out)
{
    const char *at = content.data, *end = at + content.size;

    if (!quoted && content.size && !holds(content, delimiter) && !holds(content, '"') &&
        !holds_line_end(content)) {
        buf_append_span(out, content);
        return;
    }
    buf_append_char(out, '"');
    while (at < end) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        const char *stop = quote ? quote + 1 : end;

        buf_append(out, at, (size_t)(stop - at));
        if (quote)
            buf_append_char(out, '"');
        at = stop;
    }
    buf_append_char(out, '"');
}

static bool write_formed(const struct csv_column *column, enum json_kind kind, struct span text,
                         struct buf *formed, struct span *content)
{
    bool null_is_word = column->types & ROW_NULL && !(column->types & ROW_STRING);

    if (kind == JSON_NULL) {
        *content = text;
        return null_is_word;
    }
    buf_reset(formed);
    if (!cell_form_write(column->form, kind, text, formed))
        return false;
    *content = buf_span(formed);
    return !null_is_word || !span_is(*content, "null");
}

/* Finds the content of the cell that csv_row_put turns into this value; valid until fields or
 * scratch change. fields: the text of the token. False: there is none. */
static bool write_value(const struct csv_column *column, const struct json_token *token,
                        const char *fields, struct csv_scratch *scratch, struct span *content)
{
    static const unsigned types[] = {
        [JSON_NULL] = ROW_NULL,     [JSON_FALSE] = ROW_BOOLEAN,
        [JSON_TRUE] = ROW_BOOLEAN,  [JSON_NUMBER] = ROW_NUMBER | ROW_INTEGER,
        [JSON_STRING] = ROW_STRING, [JSON_ARRAY] = ROW_ARRAY,
        [JSON_OBJECT] = ROW_OBJECT,
    };
    struct span text = {fields + token->start, token->size};

    if (token->kind == JSON_STRING)
        text = json_string(token, fields, &scratch->text);
    if (column->form)
        return write_formed(column, (enum json_kind)token->kind, text, &scratch->formed, content);
    if (!(column->types & types[token->kind]) ||
        (column->kind == CSV_STRING && token->kind != JSON_STRING))
        return false;
    *content = text;
    /* a row cannot hold a NUL byte */
    return !token->escaped || !memchr(text.data, '\0', text.size);
}

/* --- the columns: those of the file, or those that the shape has a use for --- */

/* Finds the name of the column that fills a target: as declared, or its own. False: no column does.
 */
static bool find_heading(const struct row_shape *shape, struct span target, struct span *heading)
{
    const struct row_dialect *dialect = &shape->dialect;

    for (size_t i = 0; i < dialect->column_count; i++)
        if (dialect->columns[i].target.data && span_equal(dialect->columns[i].target, target)) {
            *heading = dialect->columns[i].name;
            return true;
        }
    *heading = target;
    for (size_t i = 0; i < dialect->column_count; i++)
        if (span_equal(dialect->columns[i].name, target))
            return false;
    return true;
}

static void put_heading(const struct row_shape *shape, struct span target, char delimiter,
                        struct buf *out)
{
    struct span heading;

    if (!find_heading(shape, target, &heading))
        return;
    if (out->size && out->data[out->size - 1] != '\n')
        buf_append_char(out, delimiter);
    if (shape->dialect.unquoted)
        buf_append_span(out, heading);
    else
        write_cell(heading, delimiter, false, out);
}

/* Writes a header row with a column for everything that a row from an NDJSON file can hold. */
static void put_header(const struct row_shape *shape, char delimiter, struct buf *out)
{
    for (uint32_t i = 0; i < shape->dialect.skip_lines; i++)
        buf_append_char(out, '\n');
    put_heading(shape, span_of("record_id"), delimiter, out);
    for (size_t i = 0; i < shape->part_count; i++)
        put_heading(shape, shape->parts[i], delimiter, out);
    put_heading(shape, span_of("version"), delimiter, out);
    for (size_t i = 0; i < shape->count; i++)
        if (!row_is_reserved(shape->properties[i].name))
            put_heading(shape, shape->properties[i].name, delimiter, out);
    put_heading(shape, span_of("tags"), delimiter, out);
    buf_append_char(out, '\n');
}

/* Reads the header row as ingest reads it at the beginning of a file. */
static bool read_header(struct csv_writer *writer, struct span header, struct err *err)
{
    const struct row_dialect *dialect = &writer->shape.dialect;
    struct source_kind kind = {.utf8 = true,
                               .encoding = dialect->encoding,
                               .delimiter = dialect->delimiter,
                               .row_max = dialect->row_max ? dialect->row_max : ROW_SIZE_MAX,
                               .text = header};
    struct source source;
    bool done = source_init(&source, -1, writer->options->name, &kind, err) &&
                csv_init(&writer->csv, &source, &writer->shape, err);

    source_release(&source);
    return done;
}

/* Reads the header row of the file, which can have another delimiter than the one declared. */
static bool read_file_header(struct csv_writer *writer, struct err *err)
{
    struct err other = {0};

    if (read_header(writer, writer->options->header, err))
        return true;
    csv_release(&writer->csv);
    if (!writer->shape.dialect.delimiter)
        return false;
    writer->shape.dialect.delimiter = '\0';
    if (!read_header(writer, writer->options->header, &other))
        return false;
    *err = other;
    return true;
}

static bool make_header(struct csv_writer *writer, struct err *err)
{
    struct row_dialect *dialect = &writer->shape.dialect;
    struct buf header = {0};
    bool done;

    dialect->encoding = ROW_ENCODING_NONE;
    if (!dialect->delimiter)
        dialect->delimiter = ',';
    put_header(&writer->shape, dialect->delimiter, &header);
    done = read_header(writer, buf_span(&header), err);
    buf_release(&header);
    return done;
}

bool csv_writer_init(struct csv_writer *writer, const struct writer_options *options,
                     struct err *err)
{
    const struct row_dialect *declared = &options->shape->dialect;

    *writer = (struct csv_writer){.options = options, .shape = *options->shape};
    if (!options->for_spreadsheet && declared->encoding > ROW_ENCODING_UTF_8) {
        writer->encoder = recode_to(declared->encoding, err);
        if (!writer->encoder)
            return false;
        writer->shape.dialect.forms = writer->forms =
            encodable_forms(declared->forms, declared->form_count, writer->encoder);
    }
    if (!(writer->options->header.size ? read_file_header : make_header)(writer, err)) {
        err->kind = ERR_CONFIG;
        return err_wrap(
            err, "the columns do not fit the current schema file (--format ndjson needs none)");
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
        writer->reports[i] = csv_is_outcome(options->shape, span_of(outcome_names[i].column));
    return true;
}

void csv_writer_release(struct csv_writer *writer)
{
    csv_release(&writer->csv);
    recode_close(writer->encoder);
    encodable_forms_free(writer->forms, writer->shape.dialect.form_count);
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

/* Returns whether a cell would be lost or read differently without quotes. */
static bool needs_quotes(const struct csv_writer *writer, struct span content)
{
    const struct row_shape *shape = writer->options->shape;
    struct span comment = shape->dialect.comment;

    if (shape->trim && str_trim(content).size < content.size)
        return true;
    if (writer->line.size)
        return false;
    /* the beginning of a line can look like a comment or a byte order mark */
    return writer->first_quoted || (comment.size && span_starts(content, comment)) ||
           span_starts(content, span_of("\xEF\xBB\xBF"));
}

/* Returns whether a reader takes a cell for one whose closing quote is missing. */
static bool is_too_large(const struct csv_writer *writer, struct span cell)
{
    const struct row_dialect *dialect = &writer->shape.dialect;
    const char *at = cell.data, *end = at + cell.size;
    uint32_t feeds = 0;

    if (*at != '"')
        return false;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        feeds++;
    }
    return cell.size - 2 > dialect_cell_size(dialect) || feeds > dialect_cell_lines(dialect);
}

static void put_cell(struct csv_writer *writer, struct span content)
{
    size_t start = writer->line.size;
    struct buf safe = {0};

    if (writer->literal) {
        buf_append_span(&writer->line, content);
        return;
    }
    if (!writer->options->for_spreadsheet || !formula_is(content)) {
        write_cell(content, writer->delimiter, needs_quotes(writer, content), &writer->line);
    } else {
        buf_append_char(&safe, '\'');
        buf_append_span(&safe, content);
        write_cell(buf_span(&safe), writer->delimiter, false, &writer->line);
        buf_release(&safe);
    }
    writer->too_large |= is_too_large(writer, span_from(buf_span(&writer->line), start));
}

/* Returns the beginning of a text that a quoted cell can hold. */
static struct span cut_to_cell(const struct csv_writer *writer, struct span text)
{
    size_t room = dialect_cell_size(&writer->shape.dialect) - 1; /* an apostrophe can be added */
    size_t size = 0;

    while (size < text.size && room >= 1U + (text.data[size] == '"'))
        room -= 1U + (text.data[size++] == '"');
    while (size && size < text.size && ((unsigned char)text.data[size] & 0xC0) == 0x80)
        size--;
    return (struct span){text.data, size};
}

/* Writes a cell that is not read back: it can lose what cannot be written without quotes, and its
 * end if it would be too long with them. */
static void put_shown(struct csv_writer *writer, struct span content)
{
    size_t start = writer->line.size;

    put_cell(writer, content);
    if (writer->too_large) {
        writer->too_large = false;
        writer->line.size = start;
        put_cell(writer, cut_to_cell(writer, content));
    }
    for (size_t i = start; writer->literal && i < writer->line.size; i++)
        if (writer->line.data[i] == writer->delimiter || writer->line.data[i] == '\n' ||
            writer->line.data[i] == '\r')
            writer->line.data[i] = writer->delimiter == ' ' ? '_' : ' ';
}

/* Appends the delimiter before the cell of a column, unless it is the first of the line. False: the
 * column is one of the outcome's, which come last. */
static bool begin_cell(struct csv_writer *writer, size_t column, bool *first)
{
    if (writer->csv.row.columns[column].kind == CSV_OUTCOME)
        return false;
    if (!*first)
        buf_append_char(&writer->line, writer->delimiter);
    *first = false;
    return true;
}

/* Moves the line to out. False: the encoding lacks some character. */
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

/* Writes the columns of the outcome and the line end. */
static void put_outcome(struct csv_writer *writer, const struct outcome *outcome, struct buf *out)
{
    for (size_t i = 0; i < OUTCOME_PARTS; i++) {
        if (!writer->reports[i])
            continue;
        buf_append_char(&writer->line, writer->delimiter);
        if (outcome->parts[i].data)
            put_shown(writer, outcome->parts[i]);
    }
    if (writer->options->for_spreadsheet)
        buf_append_char(&writer->line, writer->delimiter);
    buf_append_char(&writer->line, '\n');
    /* a message of the server can hold anything */
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
        if (!begin_cell(writer, i, &first))
            continue;
        put_cell(writer, writer->csv.row.columns[i].heading);
    }
    for (size_t i = 0; i < OUTCOME_PARTS; i++)
        if (writer->reports[i])
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

    return err_set(err, ERR_CONFIG, "%s: row %u: %s: %s; use --format ndjson",
                   writer->options->name, row->row_no, violation_show(name, shown), reason);
}

/* Returns the column of a member, usually the one after the last. */
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

/* Notes the value of each column. */
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

/* Writes tags separated by `;`. False: one of them holds `;` or is empty, or no cell can hold them.
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
    if (!can_hold(writer, column, buf_span(text)))
        return false;
    put_cell(writer, buf_span(text));
    return true;
}

static const char no_cell[] = "no CSV cell can hold this value";

/* JSON text as the cell had it, with the blanks around it, which csv_row.c keeps. */
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
    if (!write_value(column, &writer->tape.tokens[writer->values[index]], row->fields.data,
                     &writer->scratch, &content))
        return refuse(writer, row, column->name, no_cell, err);
    if (writer->options->source == ROW_FORMAT_CSV &&
        writer->tape.tokens[writer->values[index]].kind >= JSON_ARRAY)
        content = text_as_read(&writer->tape, writer->values[index], row->fields);
    if (!can_hold(writer, column, content))
        return refuse(writer, row, column->name, no_cell, err);
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
    if (!can_hold(writer, column, span_of(text)))
        return refuse(writer, row, column->name, no_cell, err);
    put_cell(writer, span_of(text));
    return true;
}

static bool put_column(struct csv_writer *writer, const struct row *row, size_t index,
                       struct err *err)
{
    const struct csv_column *column = &writer->csv.row.columns[index];
    const struct row_shape *shape = writer->options->shape;
    struct span text;

    switch (column->kind) {
    case CSV_PART:
    case CSV_RECORD_ID:
        text = parts_pick(shape, row->record_id,
                          column->kind == CSV_PART ? column->part : shape->part_count,
                          &writer->scratch.text);
        if (!can_hold(writer, column, text))
            return refuse(writer, row, column->name, no_cell, err);
        put_cell(writer, text);
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

/* Writes the cells of the row, without the outcome and the line end. */
static bool put_cells(struct csv_writer *writer, const struct row *row, struct err *err)
{
    bool first = true;

    buf_reset(&writer->line);
    writer->too_large = false;
    for (size_t i = 0; i < writer->csv.row.column_count; i++) {
        if (!begin_cell(writer, i, &first))
            continue;
        if (!put_column(writer, row, i, err))
            return false;
        if (writer->too_large)
            return refuse(writer, row, writer->csv.row.columns[i].name,
                          "longer than a CSV cell with quotes may be", err);
    }
    return true;
}

/* Returns whether a reader would take the line for a comment or a footer. */
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
        if (writer->reports[i] && outcome->parts[i].data)
            put_shown(writer, outcome->parts[i]);
    }
    feed = memchr(writer->line.data, '\n', writer->line.size);
    line = (struct span){writer->line.data,
                         feed ? (size_t)(feed - writer->line.data) : writer->line.size};
    passed = (comment.size && span_starts(line, comment)) ||
             (dialect->is_footer && dialect->is_footer(dialect->footer, line));
    writer->line.size = size;
    return passed;
}

/* Writes the cells so that a reader takes the line for a row. */
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
        if (!put_cells(writer, row, err))
            return false;
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

/* Writes a cell as it is in the file if possible, else with quotes. False: it cannot be written. */
static bool put_raw_cell(struct csv_writer *writer, const struct csv_cell *cell)
{
    struct span content = csv_content(cell, &writer->scratch.text);

    if (writer->literal) {
        buf_append_span(&writer->line, content);
        return !memchr(content.data, writer->delimiter, content.size);
    }
    if ((writer->options->for_spreadsheet && formula_is(content)) ||
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

/* Writes the cells into the line; *kept is what an earlier export could not split. False: the row
 * has not as many cells as the header row. */
static bool put_raw_cells(struct csv_writer *writer, struct span text, struct span *kept)
{
    const struct csv *csv = &writer->csv;
    struct csv_lexer lexer = csv_lexer_at(text, true, &csv->shape->dialect, csv->delimiter);
    enum csv_end end = CSV_DELIMITER;
    struct csv_cell cell;
    bool first = true;

    writer->too_large = false;
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
        begin_cell(writer, i, &first);
        if (!put_raw_cell(writer, &cell) || writer->too_large)
            return false;
    }
    return end == CSV_LINE_END && lexer.at == lexer.end && !lexer.has_nul && !lexer.has_return;
}

/* Writes empty cells. */
static void put_no_cells(struct csv_writer *writer)
{
    bool first = true;

    buf_reset(&writer->line);
    for (size_t i = 0; i < writer->csv.row.column_count; i++)
        begin_cell(writer, i, &first);
}

static bool try_cells(struct csv_writer *writer, struct span text, const struct outcome *outcome,
                      struct buf *out)
{
    struct outcome whole = *outcome;
    size_t before = out->size;

    whole.parts[OUTCOME_RAW] = (struct span){0};
    writer->row_size = 0;
    /* of a row that is too long, this is the beginning, without a part of a character */
    if (text.size + CHARACTER_MAX > writer->row_max || str_utf8_valid(text) != text.size ||
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
    /* the lexer needs a line feed and room after the text */
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
