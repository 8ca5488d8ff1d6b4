/* Single cells of a CSV file, written: the inverse of csv_value.c. */
#include "core/row/csv_write.h"

#include "core/row/cell_form.h"

/* As memchr, and for a text without data too. */
static bool holds(struct span text, char byte)
{
    return text.size && memchr(text.data, byte, text.size);
}

static bool holds_line_end(struct span text)
{
    return holds(text, '\n') || holds(text, '\r');
}

bool csv_can_hold(const struct csv_writer *writer, const struct csv_column *column,
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

void csv_write_cell(struct span content, char delimiter, bool quoted, struct buf *out)
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

bool csv_write_value(const struct csv_column *column, const struct json_token *token,
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
    /* no row may hold a NUL byte */
    return !token->escaped || !memchr(text.data, '\0', text.size);
}

/* --- spreadsheets --- */

/* The size of a blank that a spreadsheet may pass over, or 0. */
static size_t blank_size(struct span text)
{
    static const char *const blanks[] = {
        " ",  "\t",       "\r",           "\n",           "\v",
        "\f", "\xC2\xA0", "\xE2\x80\x8B", "\xE3\x80\x80", "\xEF\xBB\xBF"};

    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        size_t size = strlen(blanks[i]);

        if (text.size >= size && memcmp(text.data, blanks[i], size) == 0)
            return size;
    }
    return 0;
}

static bool begins_formula(struct span text)
{
    static const char *const signs[] = {
        "=", "+", "-", "@", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t size = strlen(signs[i]);

        if (text.size >= size && memcmp(text.data, signs[i], size) == 0)
            return true;
    }
    return false;
}

/* `-1234.50`, `-1.234,50`: a minus, and then digits and what stands between them. */
static bool is_plain_number(struct span text)
{
    if (json_is_number(text))
        return true;
    if (text.size < 2 || text.data[0] != '-' || text.data[1] < '0' || text.data[1] > '9')
        return false;
    for (size_t i = 1; i < text.size; i++)
        if ((text.data[i] < '0' || text.data[i] > '9') && text.data[i] != ',' &&
            text.data[i] != '.')
            return false;
    return true;
}

bool csv_is_formula(struct span content)
{
    struct span left = content;
    size_t blank;

    if (content.size && (content.data[0] == '\t' || content.data[0] == '\r'))
        return true;
    while ((blank = blank_size(left)))
        left = (struct span){left.data + blank, left.size - blank};
    return begins_formula(left) && !is_plain_number(content);
}
