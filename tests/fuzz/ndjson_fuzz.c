/* Input: two bytes of settings (as in csv_fuzz.c), then an NDJSON file. A line that json_scan
 * accepts must be accepted by json-c, with the same values. */
#include "core/row/json.h"
#include "tests/fuzz/feed.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reading.h"
#include "tests/lib/rows.h"

#include <json-c/json.h>
#include <stdlib.h>

enum { SETTINGS = 2 };

/* A line, as both have scanned it. */
struct line {
    const char *text;
    const struct json_token *tokens;
    struct buf scratch;
};

static void compare(struct line *line, uint32_t index, struct json_object *value);

/* Returns whether json-c decodes a string wrongly: 0.16 makes U+FFFD of an escaped character whose
 * lower 16 bits are those of a surrogate (U+1D800 to U+1DFFF, U+2D800 to U+2DFFF ...). */
static bool is_misread(const struct line *line, uint32_t index)
{
    const struct json_token *token = &line->tokens[index];
    const char *at = line->text + token->start, *end = at + token->size;

    while (token->escaped && (at = memmem(at, (size_t)(end - at), "\\u", 2))) {
        unsigned long unit = strtoul((char[]){at[2], at[3], at[4], at[5], 0}, NULL, 16);

        if (unit >= 0xD800 && unit < 0xDC00 && (unit & 0x3E) == 0x36)
            return true;
        at += 2;
    }
    return false;
}

static void compare_string(struct line *line, uint32_t index, struct json_object *value)
{
    struct span text = json_string(&line->tokens[index], line->text, &line->scratch);
    struct span other = {json_object_get_string(value), (size_t)json_object_get_string_len(value)};

    fuzz_must(json_object_is_type(value, json_type_string), "json-c has a string there too");
    if (!is_misread(line, index))
        fuzz_must_equal(text, other, "json-c decodes a string alike");
}

/* json-c keeps the digits of a double, and clamps integers to 64 bits. */
static void compare_number(struct line *line, uint32_t index, struct json_object *value)
{
    struct span text = {line->text + line->tokens[index].start, line->tokens[index].size};
    int64_t number;

    if (json_object_is_type(value, json_type_double)) {
        fuzz_must_equal(text, span_of(json_object_to_json_string(value)),
                        "json-c reads the same digits");
        return;
    }
    fuzz_must(json_object_is_type(value, json_type_int), "json-c has a number there too");
    if (str_to_int64(text, INT64_MIN, INT64_MAX, &number))
        fuzz_must(number == json_object_get_int64(value), "json-c reads the same integer");
}

static void compare_array(struct line *line, uint32_t index, struct json_object *value)
{
    uint32_t item = index + 1;

    fuzz_must(json_object_is_type(value, json_type_array) &&
                  json_object_array_length(value) == line->tokens[index].count,
              "json-c has an array of that length there too");
    for (size_t i = 0; i < line->tokens[index].count; i++) {
        compare(line, item, json_object_array_get_idx(value, i));
        item = line->tokens[item].next;
    }
    fuzz_must(item == line->tokens[index].next, "tokens of an array end where it does");
}

/* Returns whether json-c misreads a name, which can replace another then. One that has a NUL is cut
 * there. */
static bool has_other_name(struct line *line, uint32_t index)
{
    uint32_t name = index + 1;

    for (size_t i = 0; i < line->tokens[index].count; i++) {
        struct span text = json_string(&line->tokens[name], line->text, &line->scratch);

        if ((text.size && memchr(text.data, '\0', text.size)) || is_misread(line, name))
            return true;
        name = line->tokens[name + 1].next;
    }
    return false;
}

static void compare_object(struct line *line, uint32_t index, struct json_object *value)
{
    uint32_t name = index + 1;
    size_t count = line->tokens[index].count;
    bool other = has_other_name(line, index);

    fuzz_must(json_object_is_type(value, json_type_object), "json-c has an object there too");
    for (size_t i = 0; i < count; i++) {
        struct span text = json_string(&line->tokens[name], line->text, &line->scratch);
        struct json_object *member = NULL;
        char *copy = strndup(text.size ? text.data : "", text.size);

        if (!other && json_object_object_get_ex(value, copy, &member))
            compare(line, name + 1, member);
        fuzz_must(member || other || line->tokens[name + 1].kind == JSON_NULL,
                  "json-c has the member too");
        free(copy);
        name = line->tokens[name + 1].next;
    }
    fuzz_must(other || (size_t)json_object_object_length(value) == count,
              "json-c has as many members");
    fuzz_must(name == line->tokens[index].next, "tokens of an object end where it does");
}

static void compare(struct line *line, uint32_t index, struct json_object *value)
{
    switch ((enum json_kind)line->tokens[index].kind) {
    case JSON_NULL:
        fuzz_must(value == NULL, "json-c has a null there too");
        return;
    case JSON_FALSE:
    case JSON_TRUE:
        fuzz_must(json_object_is_type(value, json_type_boolean) &&
                      json_object_get_boolean(value) == (line->tokens[index].kind == JSON_TRUE),
                  "json-c has the boolean there too");
        return;
    case JSON_NUMBER:
        compare_number(line, index, value);
        return;
    case JSON_STRING:
        compare_string(line, index, value);
        return;
    case JSON_ARRAY:
        compare_array(line, index, value);
        return;
    case JSON_OBJECT:
        compare_object(line, index, value);
        return;
    }
    fuzz_must(false, "a token is of some kind");
}

/* Compares a line. A space after it lets json-c see the end of a number. */
static void compare_line(struct span text)
{
    struct json_tokener *tokener;
    struct json_object *value;
    struct json_tape tape = {0};
    struct json_fault fault;
    struct line line = {.text = text.data};
    struct buf spaced = {0};

    if (!json_scan(&tape, text, 0, &fault)) {
        fuzz_must(fault.offset <= text.size, "a fault is within the text");
        fuzz_must_be_printable(fault.message);
        json_tape_release(&tape);
        return;
    }
    buf_append_span(&spaced, text);
    buf_append_char(&spaced, ' ');
    tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    value = json_tokener_parse_ex(tokener, spaced.data, (int)spaced.size);
    fuzz_must(json_tokener_get_error(tokener) == json_tokener_success,
              "json-c takes what the scanner takes");
    line.tokens = tape.tokens;
    compare(&line, 0, value);
    json_object_put(value);
    json_tokener_free(tokener);
    json_tape_release(&tape);
    buf_release(&line.scratch);
    buf_release(&spaced);
}

static void visit(const struct row *row, const struct violations *violations)
{
    compare_line(row->raw);
    if (row->tags.size)
        compare_line(row->tags);
    if (!violations->count)
        fuzz_must(row->fields.data[0] == '{', "fields are an object");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading reading = {.format = ROW_FORMAT_NDJSON, .visit = visit};
    struct row_shape shape;

    if (size < SETTINGS)
        return 0;
    shape = data[0] & 4 ? rows_shape_versioned : rows_shape;
    shape.dialect.row_max = FUZZ_ROW_MAX;
    reading.shape = &shape;
    reading.gzip_members = data[0] & 3;
    reading.stretched = (data[0] & ~3) == 'X';
    reading.chunk = data[1] & 8 ? FEED_RANDOM : 1;
    reading.resume_rows = data[1] & 7;
    reading_check(&reading, (struct span){(const char *)data + SETTINGS, size - SETTINGS});
    return 0;
}
