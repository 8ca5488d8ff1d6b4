#include "core/row/csv_row.h"

#include "core/row/cell_form.h"
#include "core/row/cell_hint.h"
#include "core/row/row.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SLACK = 16, /* short runs are copied as 16 bytes */
    SHORT_MAX = 64,
};

/* Copies size bytes, and up to SLACK more: both sides have room for them. */
static inline void copy(char *to, const char *from, size_t size)
{
    if (size > SHORT_MAX) {
        memcpy(to, from, size);
        return;
    }
    for (size_t i = 0; i < size; i += SLACK)
        memcpy(to + i, from + i, SLACK);
}

/* Returns room for size bytes and what copy() writes after them. */
static inline char *reserve(struct buf *buf, size_t size)
{
    if (buf->capacity - buf->size >= size + SLACK)
        return buf->data + buf->size;
    return buf_reserve(buf, size + SLACK);
}

/* Writes `,"name":`, its token, and room for a value; returns where the value goes. */
static inline char *put_name(struct csv_row *csv, const struct csv_column *column,
                             size_t value_size)
{
    char *out = reserve(&csv->fields, column->prefix_size + SHORT_MAX + value_size);
    struct json_token *token = json_tape_add(&csv->tape);

    copy(out, column->prefix, column->prefix_size);
    *token = (struct json_token){.kind = JSON_STRING,
                                 .escaped = column->escaped,
                                 .start = (uint32_t)csv->fields.size + 2,
                                 .size = (uint32_t)column->prefix_size - 4,
                                 .next = csv->tape.count};
    csv->fields.size += column->prefix_size;
    csv->tape.tokens[0].count++;
    return out + column->prefix_size;
}

/* Appends a scalar of size bytes to fields. */
static inline void put_scalar(struct csv_row *csv, enum json_kind kind, const char *bytes,
                              size_t size, char *out)
{
    struct json_token *token = json_tape_add(&csv->tape);

    copy(out, bytes, size);
    *token = (struct json_token){.kind = (uint8_t)kind,
                                 .start = (uint32_t)csv->fields.size,
                                 .size = (uint32_t)size,
                                 .next = csv->tape.count};
    csv->fields.size += size;
}

static void put_string(struct csv_row *csv, const struct csv_column *column,
                       const struct csv_cell *cell)
{
    char *out = put_name(csv, column, cell->text.size + 2);
    size_t start = csv->fields.size + 1, size = cell->text.size;
    bool escaped = false;
    struct json_token *token;

    if (cell->special || cell->doubled) {
        struct span content = csv_content(cell, &csv->scratch);

        buf_append_char(&csv->fields, '"');
        buf_append_json(&csv->fields, content);
        size = csv->fields.size - start;
        escaped = size != content.size;
        buf_append_char(&csv->fields, '"');
    } else {
        out[0] = '"';
        copy(out + 1, cell->text.data, size);
        out[1 + size] = '"';
        csv->fields.size += size + 2;
    }
    token = json_tape_add(&csv->tape);
    *token = (struct json_token){.kind = JSON_STRING,
                                 .escaped = escaped,
                                 .start = (uint32_t)start,
                                 .size = (uint32_t)size,
                                 .next = csv->tape.count};
}

static bool begins_container(struct span content)
{
    size_t at = 0;

    while (at < content.size && memchr(" \t\r\n", content.data[at], 4))
        at++;
    return at < content.size && (content.data[at] == '[' || content.data[at] == '{');
}

/* Appends an array or an object. Changes nothing if it is not of the right kind. */
static bool put_json(struct csv_row *csv, const struct csv_column *column, struct span content,
                     struct json_fault *fault)
{
    uint32_t count = csv->tape.count;
    size_t size = csv->fields.size;
    enum json_kind kind;

    memcpy(put_name(csv, column, content.size), content.data, content.size);
    if (json_scan_inside(&csv->tape, content, (uint32_t)csv->fields.size, 1, fault)) {
        kind = csv->tape.tokens[count + 1].kind;
        if ((kind == JSON_ARRAY && column->types & ROW_ARRAY) ||
            (kind == JSON_OBJECT && column->types & ROW_OBJECT)) {
            csv->fields.size += content.size;
            return true;
        }
    }
    csv->tape.count = count;
    csv->tape.tokens[0].count--;
    csv->fields.size = size;
    return false;
}

/* Reports `must be a number or null, is "abc"`, and where JSON text is wrong. */
static void refuse_cell(const struct csv_column *column, struct span content,
                        const struct json_fault *fault, struct violations *violations)
{
    static const struct {
        unsigned type;
        const char *text;
    } phrases[] = {{ROW_NUMBER, "a number"},       {ROW_INTEGER, "an integer"},
                   {ROW_BOOLEAN, "true or false"}, {ROW_ARRAY, "a JSON array"},
                   {ROW_OBJECT, "a JSON object"},  {ROW_NULL, "null"}};
    char expected[128] = "absent", quoted[VIOLATION_QUOTE_SIZE];
    unsigned left = column->types;
    struct buf hint = {0};
    size_t used = 0;

    if (left & ROW_NUMBER)
        left &= ~(unsigned)ROW_INTEGER;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        const char *between = "";

        if (!(left & phrases[i].type))
            continue;
        left &= ~phrases[i].type;
        if (used)
            between = left ? ", " : " or ";
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%s", between,
                                 phrases[i].text);
    }
    violation_quote(content, quoted);
    if (fault->message[0]) {
        violations_add(violations, column->name, "type", "must be %s, is %s: column %zu: %s",
                       expected, quoted, fault->offset + 1, fault->message);
        return;
    }
    cell_hint(NULL, column->name, column->types, content, &hint);
    violations_add(violations, column->name, "type", "must be %s, is %s%s", expected, quoted,
                   buf_text(&hint));
    buf_release(&hint);
}

static void put_other(struct csv_row *csv, const struct csv_column *column,
                      const struct csv_cell *cell, struct violations *violations)
{
    static const struct {
        unsigned type;
        enum json_kind kind;
        const char *word;
    } words[] = {{ROW_BOOLEAN, JSON_TRUE, "true"},
                 {ROW_BOOLEAN, JSON_FALSE, "false"},
                 {ROW_NULL, JSON_NULL, "null"}};
    struct span content = csv_content(cell, &csv->scratch);
    struct json_fault fault = {0};

    if (column->types & (ROW_INTEGER | ROW_NUMBER) && json_is_number(content)) {
        put_scalar(csv, JSON_NUMBER, content.data, content.size,
                   put_name(csv, column, content.size));
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (column->types & words[i].type && span_is(content, words[i].word)) {
            put_scalar(csv, words[i].kind, content.data, content.size,
                       put_name(csv, column, content.size));
            return;
        }
    }
    if (column->types & (ROW_ARRAY | ROW_OBJECT) && begins_container(content) &&
        put_json(csv, column, content, &fault))
        return;
    if (column->types & ROW_STRING)
        put_string(csv, column, cell);
    else
        refuse_cell(column, content, &fault, violations);
}

static void refuse_form(const struct csv_column *column, struct span content,
                        struct violations *violations)
{
    char quoted[VIOLATION_QUOTE_SIZE];
    enum cell_form_kind kind = column->form->kind;
    struct buf expected = {0}, hint = {0};

    cell_form_describe(column->form, !(column->types & ROW_NUMBER), &expected);
    cell_hint(column->form, column->name, column->types, content, &hint);
    violations_add(violations, column->name,
                   kind == CELL_DATE || kind == CELL_DATETIME ? "format" : "type",
                   "must be %s, is %s%s", buf_text(&expected), violation_quote(content, quoted),
                   buf_text(&hint));
    buf_release(&expected);
    buf_release(&hint);
}

/* Reads a cell in its declared form. Returns true if it is a string, whose content is then in
 * `text`; everything else is done. */
static bool put_formed(struct csv_row *csv, const struct csv_column *column,
                       const struct csv_cell *cell, struct csv_cell *text,
                       struct violations *violations)
{
    struct span content = csv_content(cell, &csv->scratch);
    enum json_kind kind;

    buf_reset(&csv->formed);
    reserve(&csv->formed, content.size + SHORT_MAX);
    if (column->types & ROW_NULL && !(column->types & ROW_STRING) && span_is(content, "null")) {
        kind = JSON_NULL;
        buf_append_span(&csv->formed, content);
    } else if (!cell_form_read(column->form, content, &csv->formed, &kind)) {
        refuse_form(column, content, violations);
        return false;
    }
    content = buf_span(&csv->formed);
    if (kind != JSON_STRING) {
        put_scalar(csv, kind, content.data, content.size, put_name(csv, column, content.size));
        return false;
    }
    *text = (struct csv_cell){.text = content};
    return true;
}

static void put_version(struct csv_row *csv, const struct csv_cell *cell, struct row *row,
                        struct violations *violations)
{
    struct span content = csv_content(cell, &csv->scratch);
    char quoted[VIOLATION_QUOTE_SIZE];
    struct buf shown = {0};

    if (csv->shape->version_fetched) {
        csv->version_ignored = true;
        return;
    }
    csv->version_given = true;
    row->has_version = row_version_read(content, &row->version);
    if (row->has_version)
        return;
    buf_append_text(&shown, violation_quote(content, quoted));
    if (!content.size)
        cell_hint(NULL, (struct span){0}, 0, content, &shown);
    row_refuse_version(buf_text(&shown), violations);
    buf_release(&shown);
}

/* Splits tags at `;`. Without any the row names none. */
static void put_tags(struct csv_row *csv, const struct csv_cell *cell, struct row *row)
{
    struct span left = csv_content(cell, &csv->scratch);

    buf_reset(&csv->tags);
    while (left.size) {
        const char *semicolon = memchr(left.data, ';', left.size);
        size_t size = semicolon ? (size_t)(semicolon - left.data) : left.size;
        struct span tag = {left.data, size};

        if (csv->shape->trim)
            tag = str_trim(tag);
        if (tag.size) {
            buf_append_text(&csv->tags, csv->tags.size ? ",\"" : "[\"");
            buf_append_json(&csv->tags, tag);
            buf_append_char(&csv->tags, '"');
        }
        size += semicolon != NULL;
        left = span_from(left, size);
    }
    if (csv->tags.size)
        buf_append_char(&csv->tags, ']');
    row->tags = buf_span(&csv->tags);
}

static void refuse_nameless(const struct csv_row *csv, const struct csv_column *column,
                            const struct csv_cell *cell, struct violations *violations)
{
    char quoted[VIOLATION_QUOTE_SIZE];

    if (cell->text.size)
        row_refuse(violations,
                   "column %zu has no name, but holds %s; name it in the header row, or declare "
                   "\"columns\": {\"\": null} under x-rowferry to ignore it",
                   (size_t)(column - csv->columns) + 1, violation_quote(cell->text, quoted));
}

/* Returns the cell after trimming, or NULL if it is absent. changed: room for the result. */
static const struct csv_cell *screen(struct csv_row *csv, const struct csv_column *column,
                                     const struct csv_cell *cell, struct csv_cell *changed)
{
    const struct row_dialect *dialect = &csv->shape->dialect;
    struct span text = cell->text, content;

    if (csv->shape->trim && (!cell->quoted || column->kind == CSV_RECORD_ID))
        text = str_trim(text);
    if (text.size != cell->text.size) {
        *changed = *cell;
        changed->text = text;
        cell = changed;
    }
    content = csv_content(cell, &csv->scratch);
    if (content.size ? !(column->absent_marks >> csv_mark(content) & 1)
                     : cell->quoted && !dialect->quoted_absent)
        return cell;
    if (content.size && !dialect_holds(column->absent, content) &&
        !dialect_holds(dialect->absent, content))
        return cell;
    *changed = (struct csv_cell){.text = {text.data, 0}};
    return column->kind == CSV_RECORD_ID ? changed : NULL;
}

void csv_row_put(struct csv_row *csv, const struct csv_column *column, const struct csv_cell *cell,
                 struct row *row, struct violations *violations)
{
    enum csv_column_kind kind = column->put;
    struct csv_cell changed, formed;

    /* RFC 4180 has no absent values; an empty cell without quotes is one here */
    if (cell->text.size == 0 && !cell->quoted && column->kind != CSV_RECORD_ID)
        return;
    if (kind == CSV_SCREENED) {
        cell = screen(csv, column, cell, &changed);
        if (!cell)
            return;
        kind = column->kind;
    }
    switch (kind) {
    case CSV_FORMED:
        if (!put_formed(csv, column, cell, &formed, violations))
            return;
        cell = &formed;
        /* fall through */
    case CSV_STRING:
        put_string(csv, column, cell);
        return;
    case CSV_NUMBER:
        if (json_is_number(cell->text))
            put_scalar(csv, JSON_NUMBER, cell->text.data, cell->text.size,
                       put_name(csv, column, cell->text.size));
        else
            put_other(csv, column, cell, violations);
        return;
    case CSV_OTHER:
        put_other(csv, column, cell, violations);
        return;
    case CSV_IGNORED:
    case CSV_OUTCOME:
    case CSV_SCREENED:
        return;
    case CSV_NAMELESS:
        refuse_nameless(csv, column, cell, violations);
        return;
    case CSV_VERSION:
        put_version(csv, cell, row, violations);
        return;
    case CSV_TAGS:
        put_tags(csv, cell, row);
        return;
    case CSV_PART:
        parts_take(&csv->parts, csv->shape, column->part, csv_content(cell, &csv->scratch),
                   violations);
        return;
    case CSV_RECORD_ID:
        row->record_id = csv_content(cell, &csv->record_id);
        csv->maybe_header = csv_same_heading(row->record_id, column->heading);
        row_check_record_id(row, violations);
        return;
    }
}

void csv_row_release(struct csv_row *csv)
{
    csv_columns_release(csv->columns, csv->column_count);
    free(csv->columns);
    buf_release(&csv->fields);
    buf_release(&csv->tags);
    buf_release(&csv->record_id);
    parts_release(&csv->parts);
    buf_release(&csv->scratch);
    buf_release(&csv->formed);
    json_tape_release(&csv->tape);
}

void csv_row_begin(struct csv_row *csv, struct row *row)
{
    row->record_id = (struct span){0};
    row->has_version = false;
    row->version = 0;
    row->tags = (struct span){0};
    parts_begin(&csv->parts);
    csv->version_given = false;
    csv->maybe_header = false;
    csv->fields.size = 0;
    csv->tape.count = 0;
    json_tape_add(&csv->tape)->count = 0;
}

void csv_row_end(struct csv_row *csv, struct row *row, struct violations *violations)
{
    struct json_token *root;

    /* the comma before the first member becomes the brace */
    if (csv->fields.size)
        csv->fields.data[0] = '{';
    else
        buf_append_char(&csv->fields, '{');
    buf_append_char(&csv->fields, '}');
    root = &csv->tape.tokens[0];
    *root = (struct json_token){.kind = JSON_OBJECT,
                                .size = (uint32_t)csv->fields.size,
                                .next = csv->tape.count,
                                .count = root->count};
    row->fields = buf_span(&csv->fields);
    row->tape = csv->tape;
    parts_end(&csv->parts, csv->shape, row, violations);
    if (!csv->version_given && csv->shape->version_required)
        row_miss_version(violations);
}
