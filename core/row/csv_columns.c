/* Turns the names in a header row into columns, or reports what is wrong with them. */
#include "core/row/csv_columns.h"
#include "core/base/mem.h"
#include "core/row/cell_form.h"
#include "core/row/outcome.h"
#include "core/row/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NAMES_SHOWN_MAX = 600,   /* bytes of column names in one complaint */
    HEADER_LOOKED_AT = 4096, /* bytes of a header row that are searched for a delimiter */
    PREFIX_SLACK = 16,       /* put_name copies 16 bytes at a time */
};

/* A list of column names, separated by commas and limited in size, and their number. */
struct name_list {
    struct buf text;
    size_t count, shown;
};

struct csv_complaints {
    struct name_list repeated, unknown, doubled;
    bool record_id_found;
    uint32_t parts_found; /* a bit for each part of record ids */
    bool for_spreadsheet; /* an export for a spreadsheet, with changed cells */
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

/* Returns the list as text, with the number of names left out. */
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

static bool find_part(const struct row_shape *shape, struct span name, struct csv_column *column)
{
    size_t part = parts_find(shape, name);

    if (part == shape->part_count)
        return false;
    *column = (struct csv_column){.kind = CSV_PART, .part = part, .name = shape->parts[part]};
    return true;
}

static enum csv_column_kind kind_of(unsigned types, const struct cell_form *form)
{
    if (form && form->kind != CELL_PLAIN)
        return CSV_FORMED;
    if (types & ROW_STRING && !(types & ROW_WORDS))
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
        const struct cell_form *form = NULL;

        if (!span_equal(property->name, name))
            continue;
        for (size_t j = 0; j < shape->dialect.form_count && !form; j++)
            if (span_equal(shape->dialect.forms[j].property, name))
                form = &shape->dialect.forms[j];
        buf_append_text(&prefix, ",\"");
        buf_append_json(&prefix, name);
        buf_append_text(&prefix, "\":");
        memset(buf_reserve(&prefix, PREFIX_SLACK), 0, PREFIX_SLACK);
        *column = (struct csv_column){.kind = kind_of(property->types, form),
                                      .types = property->types,
                                      .name = property->name,
                                      .form = form && form->kind != CELL_PLAIN ? form : NULL,
                                      .absent = form ? form->absent : (struct row_words){0},
                                      .prefix = prefix.data,
                                      .prefix_size = prefix.size,
                                      .escaped = prefix.size != name.size + 4};
        return true;
    }
    return false;
}

/* Finds what a column of that name fills: as declared, or else the property of that name. */
static bool find_target(const struct row_shape *shape, struct span name, struct csv_column *column)
{
    const struct row_dialect *dialect = &shape->dialect;

    for (size_t i = 0; i < dialect->column_count; i++) {
        if (!span_equal(dialect->columns[i].name, name))
            continue;
        name = dialect->columns[i].target;
        if (!name.data) {
            *column = (struct csv_column){.kind = CSV_IGNORED};
            return true;
        }
        break;
    }
    if (find_reserved(name, column) || find_part(shape, name, column) ||
        find_property(shape, name, column))
        return true;
    if (!outcome_is_column(name))
        return false;
    *column = (struct csv_column){.kind = CSV_OUTCOME};
    return true;
}

bool csv_is_record_id(const struct row_shape *shape, struct span name)
{
    struct csv_column column = {0};
    bool is_record_id = find_target(shape, name, &column) && column.kind == CSV_RECORD_ID;

    csv_columns_release(&column, 1);
    return is_record_id;
}

bool csv_is_outcome(const struct row_shape *shape, struct span name)
{
    struct csv_column column = {0};
    bool is_outcome = find_target(shape, name, &column) && column.kind == CSV_OUTCOME;

    csv_columns_release(&column, 1);
    return is_outcome;
}

/* Ignored columns can share a name. */
static bool is_nothing(const struct csv_column *column)
{
    return column->kind == CSV_IGNORED || column->kind == CSV_NAMELESS;
}

static bool is_repeated(const struct csv_heading *heading, struct span name, bool known)
{
    bool nothing = known && is_nothing(&heading->columns[heading->column_count]);

    for (size_t i = 0; i < heading->column_count; i++)
        if (span_equal(heading->columns[i].heading, name) &&
            !(nothing && is_nothing(&heading->columns[i])))
            return true;
    return false;
}

/* Returns whether a cell of the column can mean something other than its text. */
static bool is_screened(const struct row_shape *shape, const struct csv_column *column)
{
    const struct row_dialect *dialect = &shape->dialect;

    if (column->kind == CSV_IGNORED || column->kind == CSV_OUTCOME)
        return false;
    return shape->trim || dialect->absent.count || dialect->quoted_absent || column->absent.count;
}

static uint64_t marks_of(struct row_words words)
{
    uint64_t marks = 0;

    for (size_t i = 0; i < words.count; i++)
        marks |= UINT64_C(1) << csv_mark(words.items[i]);
    return marks;
}

static bool find_column(const struct row_shape *shape, struct span *name, bool quoted,
                        struct csv_column *column)
{
    struct span trimmed = str_trim(*name);

    if (find_target(shape, *name, column))
        return true;
    if (shape->trim && !quoted && trimmed.size < name->size) {
        *name = trimmed;
        if (find_target(shape, trimmed, column))
            return true;
    }
    if (name->size)
        return false;
    *column = (struct csv_column){.kind = CSV_NAMELESS};
    return true;
}

/* Notes a column that fills the same property as another. */
static bool is_doubled(const struct csv_heading *heading, const struct csv_column *column)
{
    char first[VIOLATION_QUOTE_SIZE], second[VIOLATION_QUOTE_SIZE], target[VIOLATION_QUOTE_SIZE];
    char text[3 * VIOLATION_QUOTE_SIZE + 32];

    for (size_t i = 0; i < heading->column_count; i++) {
        const struct csv_column *other = &heading->columns[i];

        if (!column->name.data || !span_equal(other->name, column->name))
            continue;
        snprintf(text, sizeof text, "%s and %s both fill %s",
                 violation_quote(other->heading, first), violation_quote(column->heading, second),
                 violation_quote(column->name, target));
        list_add(&heading->complaints->doubled, text);
        return true;
    }
    return false;
}

static void add_column(struct csv_heading *heading, struct span name, bool quoted)
{
    struct csv_column *column = &heading->columns[heading->column_count];
    struct csv_complaints *complaints = heading->complaints;
    bool known = find_column(heading->shape, &name, quoted, column);

    complaints->for_spreadsheet |= !known && span_is(name, outcome_spreadsheet_column);
    if (is_repeated(heading, name, known)) {
        list_name(&complaints->repeated, name);
    } else if (!known) {
        list_name(&complaints->unknown, name);
        return;
    } else {
        column->heading = (struct span){mem_copy(name.data, name.size), name.size};
        column->put = is_screened(heading->shape, column) ? CSV_SCREENED : column->kind;
        column->absent_marks = marks_of(column->absent) | marks_of(heading->shape->dialect.absent);
        if (!is_doubled(heading, column)) {
            complaints->record_id_found |= column->kind == CSV_RECORD_ID;
            if (column->kind == CSV_PART)
                complaints->parts_found |= 1u << column->part;
            heading->column_count++;
            return;
        }
    }
    if (known)
        csv_columns_release(column, 1);
}

void csv_heading_read(struct csv_heading *heading, const struct row_shape *shape,
                      struct csv_lexer lexer, size_t count)
{
    struct csv_cell cell;
    struct buf scratch = {0};

    *heading = (struct csv_heading){
        .shape = shape,
        .delimiter = lexer.delimiter,
        .columns = mem_calloc(count, sizeof *heading->columns),
        .complaints = mem_calloc(1, sizeof *heading->complaints),
    };
    while (count--) {
        csv_lex(&lexer, &cell);
        add_column(heading, csv_content(&cell, &scratch), cell.quoted);
    }
    buf_release(&scratch);
}

void csv_heading_release(struct csv_heading *heading)
{
    if (heading->complaints) {
        buf_release(&heading->complaints->repeated.text);
        buf_release(&heading->complaints->unknown.text);
        buf_release(&heading->complaints->doubled.text);
    }
    free(heading->complaints);
    csv_columns_release(heading->columns, heading->column_count);
    free(heading->columns);
    *heading = (struct csv_heading){0};
}

void csv_columns_release(struct csv_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((char *)columns[i].heading.data);
        free(columns[i].prefix);
        columns[i] = (struct csv_column){0};
    }
}

bool csv_heading_fits(const struct csv_heading *heading)
{
    const struct csv_complaints *all = heading->complaints;
    uint32_t parts = (uint32_t)((UINT64_C(1) << heading->shape->part_count) - 1);

    return all->record_id_found && (all->parts_found & parts) == parts && !all->repeated.count &&
           !all->unknown.count && !all->doubled.count;
}

/* Finds a byte that splits a header row of one cell so that one part names the record id. */
static char find_delimiter(const struct csv_heading *heading, struct span header)
{
    for (size_t i = 0; i < header.size; i++) {
        char byte = header.data[i];
        struct span left = header;

        if (!dialect_is_delimiter(byte) || memchr(header.data, byte, i))
            continue;
        while (left.size) {
            const char *end = memchr(left.data, byte, left.size);
            size_t size = end ? (size_t)(end - left.data) : left.size;
            struct span part = {left.data, size};

            while (part.size && memchr("\"\r\n", part.data[part.size - 1], 3))
                part.size--;
            if (part.size && part.data[0] == '"')
                part = span_from(part, 1);
            if (csv_is_record_id(heading->shape, part))
                return byte;
            size += end != NULL;
            left = span_from(left, size);
        }
    }
    return '\0';
}

/* Finds the delimiter of a header row that is one cell with the expected one. */
static char other_delimiter(const struct csv_heading *heading, struct span header)
{
    static const char usual[] = ";\t|,";

    if (memchr(header.data, heading->delimiter, header.size))
        return '\0';
    for (const char *byte = usual; *byte; byte++)
        if (memchr(header.data, *byte, header.size))
            return *byte;
    return header.size <= HEADER_LOOKED_AT ? find_delimiter(heading, header) : '\0';
}

static void complain_of_delimiter(char delimiter, struct buf *text)
{
    char name[DIALECT_DELIMITER_NAME_SIZE];

    buf_printf(text,
               "the header row is one cell and holds %s; if that is the delimiter, declare "
               "\"csv\": {\"delimiter\": \"",
               dialect_delimiter_name(delimiter, name));
    if (delimiter == '\t')
        buf_append_text(text, "\\t");
    else if (delimiter < 0x20)
        buf_printf(text, "\\u%04x", (unsigned char)delimiter);
    else
        buf_printf(text, "%s%c", delimiter == '\\' ? "\\" : "", delimiter);
    buf_append_text(text, "\"} under x-rowferry in the schema file, or give --delimiter");
}

/* Appends a complaint to those since `before`. */
static void complain(struct buf *text, size_t before, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(struct buf *text, size_t before, const char *format, ...)
{
    char part[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(part, sizeof part, format, args);
    va_end(args);
    buf_append_text(text, text->size > before ? "; " : "");
    buf_append_text(text, part);
}

void csv_heading_complain(const struct csv_heading *heading, struct span header, struct buf *text)
{
    struct csv_complaints *all = heading->complaints;
    char other = other_delimiter(heading, header);
    size_t count = all->unknown.count, before = text->size;
    char quoted[VIOLATION_QUOTE_SIZE];

    if (all->for_spreadsheet) {
        complain(text, before,
                 "this file was exported with --for-spreadsheet, which changes cells; export it "
                 "again without");
        return;
    }
    if (other) {
        complain_of_delimiter(other, text);
        return;
    }
    if (!all->record_id_found)
        complain(text, before,
                 "no column \"record_id\"; it must name the record that each row updates");
    for (size_t i = 0; i < heading->shape->part_count; i++)
        if (!(all->parts_found & 1u << i))
            complain(text, before,
                     "no column %s, which names the record together with \"record_id\"",
                     violation_quote(heading->shape->parts[i], quoted));
    if (all->repeated.count)
        complain(text, before, "more than one column %s", list_text(&all->repeated));
    if (all->doubled.count)
        complain(text, before, "columns %s", list_text(&all->doubled));
    if (count)
        complain(text, before,
                 "unknown column%s %s: not %s of schema %s; add %s to the schema or remove %s from "
                 "the file",
                 count > 1 ? "s" : "", list_text(&all->unknown),
                 count > 1 ? "properties" : "a property", heading->shape->schema_name,
                 count > 1 ? "them" : "it", count > 1 ? "them" : "it");
}
