#include "core/base/mem.h"
#include "core/row/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NAMES_SHOWN_MAX = 600, /* bytes of column names in one complaint */
    PREFIX_SLACK = 16,     /* put_name copies 16 bytes at a time */
};

/* Names of columns with commas between them, up to a size, and how many there are. */
struct name_list {
    struct buf text;
    size_t count, shown;
};

struct complaints {
    struct name_list repeated, unknown, unnamed;
    bool record_id_found;
};

static void list_add(struct name_list *list, const char *text)
{
    list->count++;
    if (list->text.size > NAMES_SHOWN_MAX)
        return;
    list->shown++;
    buf_printf(&list->text, "%s%s", list->text.size ? ", " : "", text);
}

static void list_name(struct name_list *list, struct span name)
{
    char quoted[VIOLATION_QUOTE_SIZE];

    list_add(list, violation_quote(name, quoted));
}

/* The list as text, with what was left out. */
static const char *list_text(struct name_list *list)
{
    if (list->shown < list->count) {
        buf_printf(&list->text, " and %zu more", list->count - list->shown);
        list->shown = list->count;
    }
    return buf_text(&list->text);
}

static bool find_reserved(struct span name, struct csv_column *column)
{
    static const struct {
        const char *name;
        enum csv_column_kind kind;
    } reserved[] = {{"record_id", CSV_RECORD_ID}, {"version", CSV_VERSION}, {"tags", CSV_TAGS}};

    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (span_is(name, reserved[i].name)) {
            *column =
                (struct csv_column){.kind = reserved[i].kind, .name = span_of(reserved[i].name)};
            return true;
        }
    }
    return false;
}

static enum csv_column_kind kind_of(unsigned types)
{
    if (types & ROW_STRING)
        return CSV_STRING;
    if (types && !(types & ~(unsigned)(ROW_NUMBER | ROW_INTEGER)))
        return CSV_NUMBER;
    return CSV_OTHER;
}

static bool find_property(const struct row_shape *shape, struct span name,
                          struct csv_column *column)
{
    struct buf prefix = {0};

    for (size_t i = 0; i < shape->count; i++) {
        const struct row_property *property = &shape->properties[i];

        if (!span_equal(property->name, name))
            continue;
        buf_append_text(&prefix, ",\"");
        buf_append_json(&prefix, name);
        buf_append_text(&prefix, "\":");
        memset(buf_reserve(&prefix, PREFIX_SLACK), 0, PREFIX_SLACK);
        *column = (struct csv_column){.kind = kind_of(property->types),
                                      .types = property->types,
                                      .name = property->name,
                                      .prefix = prefix.data,
                                      .prefix_size = prefix.size,
                                      .escaped = prefix.size != name.size + 4};
        return true;
    }
    return false;
}

static bool is_repeated(const struct csv *csv, struct span name)
{
    for (size_t i = 0; i < csv->column_count; i++)
        if (span_equal(csv->columns[i].name, name))
            return true;
    return false;
}

static void add_column(struct csv *csv, struct span name, size_t number,
                       struct complaints *complaints)
{
    struct csv_column *column = &csv->columns[csv->column_count];
    char text[24];

    if (name.size == 0) {
        snprintf(text, sizeof text, "%zu", number);
        list_add(&complaints->unnamed, text);
    } else if (is_repeated(csv, name)) {
        list_name(&complaints->repeated, name);
    } else if (find_reserved(name, column) || find_property(csv->shape, name, column)) {
        complaints->record_id_found |= column->kind == CSV_RECORD_ID;
        csv->column_count++;
    } else {
        list_name(&complaints->unknown, name);
    }
}

/* A header row that is one cell, because other programs put something else between cells. */
static const char *other_delimiter(const struct csv *csv)
{
    static const char *const names[] = {"';'", "a tab", "'|'"};
    static const char bytes[] = ";\t|";

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (memchr(csv->header.data, bytes[i], csv->header.size) &&
            !memchr(csv->header.data, csv->delimiter, csv->header.size))
            return names[i];
    return NULL;
}

static void complain(struct buf *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void complain(struct buf *text, const char *format, ...)
{
    char part[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(part, sizeof part, format, args);
    va_end(args);
    buf_append_text(text, text->size ? "; " : "");
    buf_append_text(text, part);
}

static void write_complaints(const struct csv *csv, struct complaints *all, struct buf *text)
{
    const char *delimiter = other_delimiter(csv);
    size_t count = all->unknown.count;

    if (delimiter) {
        complain(text, "the header row is one cell and holds %s; write '%c' between cells",
                 delimiter, csv->delimiter);
        return;
    }
    if (!all->record_id_found)
        complain(text, "no column \"record_id\"; it must name the record that each row updates");
    if (all->unnamed.count)
        complain(text, "without a name: column %s", list_text(&all->unnamed));
    if (all->repeated.count)
        complain(text, "more than one column %s", list_text(&all->repeated));
    if (count)
        complain(text,
                 "unknown column%s %s: not %s of schema %s; add %s to the schema or take %s "
                 "out of the file",
                 count > 1 ? "s" : "", list_text(&all->unknown),
                 count > 1 ? "properties" : "a property", csv->shape->schema_name,
                 count > 1 ? "them" : "it", count > 1 ? "them" : "it");
}

/* Takes the columns from the header row, which csv->header holds with a line feed behind it. */
static bool take_columns(struct csv *csv, const char *name, uint64_t line_no, struct err *err)
{
    struct complaints complaints = {0};
    struct buf text = {0};
    struct csv_lexer lexer = {.at = csv->header.data,
                              .end = csv->header.data + csv->header.size,
                              .ended = true,
                              .delimiter = csv->delimiter};
    struct csv_cell cell;
    enum csv_end end;
    size_t number = 0;
    bool fine;

    do {
        end = csv_lex(&lexer, &cell);
        add_column(csv, csv_content(&cell, &csv->scratch), ++number, &complaints);
    } while (end == CSV_DELIMITER);
    if (!complaints.record_id_found || complaints.unnamed.count || complaints.repeated.count ||
        complaints.unknown.count)
        write_complaints(csv, &complaints, &text);
    buf_release(&complaints.unnamed.text);
    buf_release(&complaints.repeated.text);
    buf_release(&complaints.unknown.text);
    fine = text.size == 0;
    if (!fine)
        err_set(err, ERR_INPUT, "%s: line %llu: %s", name, (unsigned long long)line_no,
                buf_text(&text));
    buf_release(&text);
    return fine;
}

/* A fault that leaves no header row. Bytes that are not UTF-8 in its first line explain it better.
 */
static bool refuse_header(struct source *source, const char *fault, struct err *err)
{
    uint64_t line_no = source->lines + 1;
    struct span line;
    bool whole;

    if (!source_take_line(source, &line, &whole, err))
        return false;
    return err_set(err, ERR_INPUT, "%s: line %llu: header row: %s", source->name,
                   (unsigned long long)line_no, fault);
}

/* Brings the header row into the window as a whole; its size, line end included. */
static bool find_header(const struct csv *csv, struct source *source, size_t *size, struct err *err)
{
    char text[CSV_DESCRIPTION_SIZE];
    struct csv_lexer lexer;
    struct csv_cell cell;
    enum csv_end end;

    for (;;) {
        size_t number = 0;

        lexer = csv_lexer_start(csv, source);
        do {
            end = csv_lex(&lexer, &cell);
            number++;
        } while (end == CSV_DELIMITER);
        *size = (size_t)(lexer.at - (source->data + source->begin));
        if (*size > READER_ROW_MAX)
            return refuse_header(source, "longer than 1048576 bytes", err);
        if (end == CSV_FAULT)
            return refuse_header(source, csv_describe(&lexer, number, text), err);
        if (end == CSV_LINE_END && number > READER_COLUMNS_MAX)
            return refuse_header(source, "more than 2000 columns", err);
        if (end == CSV_LINE_END && lexer.has_nul)
            return refuse_header(source, "holds a NUL byte", err);
        if (end == CSV_LINE_END && lexer.has_return)
            return refuse_header(source, "holds a carriage return; end lines with LF or CRLF", err);
        if (end == CSV_LINE_END)
            break;
        if (!source_fill(source, err))
            return false;
    }
    return source_take(source, *size, lexer.feeds + 1, err);
}

bool csv_init(struct csv *csv, struct source *source, const struct row_shape *shape,
              struct err *err)
{
    uint64_t line_no;
    size_t size;

    *csv = (struct csv){.shape = shape, .delimiter = ','};
    if (!csv_skip_blank(source, err))
        return false;
    if (source->begin == source->end)
        return err_set(err, ERR_INPUT, "%s: there is no header row, only blank lines",
                       source->name);
    line_no = source->lines + 1;
    if (!find_header(csv, source, &size, err))
        return false;
    buf_append(&csv->header, source->data + source->begin - size, size);
    memset(buf_reserve(&csv->header, SOURCE_SLACK), '\n', SOURCE_SLACK);
    csv->columns = mem_calloc(READER_COLUMNS_MAX, sizeof *csv->columns);
    return take_columns(csv, source->name, line_no, err);
}

void csv_release(struct csv *csv)
{
    for (size_t i = 0; i < csv->column_count; i++)
        free(csv->columns[i].prefix);
    free(csv->columns);
    buf_release(&csv->header);
    buf_release(&csv->fields);
    buf_release(&csv->tags);
    buf_release(&csv->record_id);
    buf_release(&csv->scratch);
    json_tape_release(&csv->tape);
    *csv = (struct csv){0};
}
