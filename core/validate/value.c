#include "core/validate/value.h"

#include "core/base/mem.h"
#include "core/row/row.h"
#include "core/row/violation.h"
#include "core/validate/decimal.h"

#include <stdlib.h>
#include <xxhash.h>

enum { FEW = 16 /* members of an object that are searched one by one */ };

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

static uint64_t hash_string(struct value value)
{
    struct buf decoded = {0};
    struct span text = json_string(value_token(value), value.text, &decoded);
    uint64_t hash = XXH3_64bits(text.data, text.size);

    buf_release(&decoded);
    return hash;
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

/* True if the object has a member of that name with that value. */
static bool has_member(struct value object, struct value name, struct value member)
{
    uint32_t i = object.index + 1;

    for (; i < value_token(object)->next; i = object.tokens[i + 1].next)
        if (strings_equal(at(object, i), name))
            return value_equal(at(object, i + 1), member);
    return false;
}

static int name_order(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (left[0] > right[0]) - (left[0] < right[0]);
}

/* Returns pairs of hash and token of each name, sorted by hash; the caller frees them. */
static uint64_t *sort_names(struct value object)
{
    uint64_t *names = mem_calloc(value_token(object)->count, 2 * sizeof *names);
    size_t count = 0;

    for (uint32_t i = object.index + 1; i < value_token(object)->next;
         i = object.tokens[i + 1].next) {
        names[count++] = hash_string(at(object, i));
        names[count++] = i;
    }
    qsort(names, value_token(object)->count, 2 * sizeof *names, name_order);
    return names;
}

/* Two names with one hash in one object, which does not happen by accident, can make equal objects
 * differ. */
static bool large_objects_equal(struct value a, struct value b)
{
    uint64_t *left = sort_names(a), *right = sort_names(b);
    size_t count = 2 * (size_t)value_token(a)->count;
    bool equal = true;

    for (size_t i = 0; i < count && equal; i += 2)
        equal = left[i] == right[i] &&
                strings_equal(at(a, (uint32_t)left[i + 1]), at(b, (uint32_t)right[i + 1])) &&
                value_equal(at(a, (uint32_t)left[i + 1] + 1), at(b, (uint32_t)right[i + 1] + 1));
    free(left);
    free(right);
    return equal;
}

static bool objects_equal(struct value a, struct value b)
{
    if (value_token(a)->count > FEW)
        return large_objects_equal(a, b);
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
    default: /* null, false and true have only their kind */
        return true;
    }
}

/* The mixing function of splitmix64. */
static uint64_t mix(uint64_t hash)
{
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

static uint64_t hash_number(struct span text)
{
    struct decimal number = decimal_parse(text);
    uint64_t hash = mix((uint64_t)number.exponent) + (uint64_t)number.count * 2 + number.negative;
    const char *digit = number.digits;

    for (uint32_t i = 0; i < number.count; i++, digit++) {
        digit += *digit == '.';
        hash = hash * UINT64_C(0x100000001b3) + (uint64_t)*digit;
    }
    return hash;
}

uint64_t value_hash(struct value value)
{
    const struct json_token *token = value_token(value);
    uint64_t hash = token->kind;

    if (token->kind == JSON_NUMBER)
        hash += hash_number(value_span(value));
    else if (token->kind == JSON_STRING)
        hash += hash_string(value);
    for (uint32_t i = value.index + 1; token->kind == JSON_ARRAY && i < token->next;
         i = value.tokens[i].next)
        hash = mix(hash) + value_hash(at(value, i));
    for (uint32_t i = value.index + 1; token->kind == JSON_OBJECT && i < token->next;
         i = value.tokens[i + 1].next) /* a sum, so that the order does not matter */
        hash += mix(hash_string(at(value, i)) ^ mix(value_hash(at(value, i + 1))));
    return mix(hash);
}

unsigned value_type(enum json_kind kind)
{
    static const unsigned types[] = {
        [JSON_NULL] = ROW_NULL,     [JSON_FALSE] = ROW_BOOLEAN, [JSON_TRUE] = ROW_BOOLEAN,
        [JSON_NUMBER] = ROW_NUMBER, [JSON_STRING] = ROW_STRING, [JSON_ARRAY] = ROW_ARRAY,
        [JSON_OBJECT] = ROW_OBJECT,
    };

    return types[kind];
}

bool value_has_type(struct value value, unsigned types)
{
    struct decimal number;

    if (types & value_type(value_token(value)->kind))
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
