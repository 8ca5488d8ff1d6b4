#include "core/validate/value.h"

#include "core/row/row.h"
#include "core/row/violation.h"
#include "core/validate/decimal.h"

static bool strings_equal(struct value a, struct value b)
{
    struct buf left = {0}, right = {0};
    bool equal;

    if (!value_token(a)->escaped && !value_token(b)->escaped)
        return span_equal(value_span(a), value_span(b));
    equal = span_equal(json_string(value_token(a), a.text, &left),
                       json_string(value_token(b), b.text, &right));
    buf_release(&left);
    buf_release(&right);
    return equal;
}

static bool numbers_equal(struct value a, struct value b)
{
    struct decimal left = decimal_parse(value_span(a)), right = decimal_parse(value_span(b));

    return decimal_compare(&left, &right) == 0;
}

static struct value at(struct value container, uint32_t index)
{
    return (struct value){container.text, container.tokens, index};
}

static bool arrays_equal(struct value a, struct value b)
{
    uint32_t left = a.index + 1, right = b.index + 1;

    for (uint32_t i = 0; i < value_token(a)->count; i++) {
        if (!value_equal(at(a, left), at(b, right)))
            return false;
        left = a.tokens[left].next;
        right = b.tokens[right].next;
    }
    return true;
}

/* Whether the object has a member of that name with that value. */
static bool has_member(struct value object, struct value name, struct value member)
{
    uint32_t i = object.index + 1;

    for (; i < value_token(object)->next; i = object.tokens[i + 1].next)
        if (strings_equal(at(object, i), name))
            return value_equal(at(object, i + 1), member);
    return false;
}

static bool objects_equal(struct value a, struct value b)
{
    for (uint32_t i = a.index + 1; i < value_token(a)->next; i = a.tokens[i + 1].next)
        if (!has_member(b, at(a, i), at(a, i + 1)))
            return false;
    return true;
}

/* Recursion ends at JSON_DEPTH_MAX, which bounds both texts. */
bool value_equal(struct value a, struct value b)
{
    const struct json_token *left = value_token(a), *right = value_token(b);

    if (left->kind != right->kind || left->count != right->count)
        return false;
    switch (left->kind) {
    case JSON_NUMBER:
        return numbers_equal(a, b);
    case JSON_STRING:
        return strings_equal(a, b);
    case JSON_ARRAY:
        return arrays_equal(a, b);
    case JSON_OBJECT:
        return objects_equal(a, b);
    default: /* null, false and true have nothing but their kind */
        return true;
    }
}

bool value_has_type(struct value value, unsigned types)
{
    static const unsigned type_of[] = {
        [JSON_NULL] = ROW_NULL,     [JSON_FALSE] = ROW_BOOLEAN, [JSON_TRUE] = ROW_BOOLEAN,
        [JSON_NUMBER] = ROW_NUMBER, [JSON_STRING] = ROW_STRING, [JSON_ARRAY] = ROW_ARRAY,
        [JSON_OBJECT] = ROW_OBJECT,
    };
    struct decimal number;

    if (types & type_of[value_token(value)->kind])
        return true;
    if (value_token(value)->kind != JSON_NUMBER || !(types & ROW_INTEGER))
        return false;
    number = decimal_parse(value_span(value));
    return decimal_is_integer(&number);
}

void value_name_types(struct buf *out, unsigned types)
{
    static const struct {
        unsigned type;
        const char *name;
    } names[] = {
        {ROW_STRING, "a string"},    {ROW_NUMBER, "a number"},
        {ROW_INTEGER, "an integer"}, {ROW_BOOLEAN, "true or false"},
        {ROW_ARRAY, "an array"},     {ROW_OBJECT, "an object"},
        {ROW_NULL, "null"},
    };
    bool first = true;

    if (types & ROW_NUMBER)
        types &= ~(unsigned)ROW_INTEGER;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(types & names[i].type))
            continue;
        types &= ~names[i].type;
        if (!first)
            buf_append_text(out, types ? ", " : " or ");
        buf_append_text(out, names[i].name);
        first = false;
    }
}

void value_describe(struct buf *out, struct value value)
{
    char shown[VIOLATION_QUOTE_SIZE];

    switch (value_token(value)->kind) {
    case JSON_ARRAY:
        buf_append_text(out, "an array");
        return;
    case JSON_OBJECT:
        buf_append_text(out, "an object");
        return;
    case JSON_STRING:
        buf_append_text(out, violation_quote(value_span(value), shown));
        return;
    default:
        buf_append_text(out, violation_show(value_span(value), shown));
        return;
    }
}

void value_point(struct buf *out, struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '~')
            buf_append_text(out, "~0");
        else if (name.data[i] == '/')
            buf_append_text(out, "~1");
        else
            buf_append_char(out, name.data[i]);
    }
}
