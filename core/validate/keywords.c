/* What each keyword of JSON Schema compiles into. A new one is a line in the table at the end, a
 * function where its value has a new form, and its check in check.c. */
#include "core/base/mem.h"
#include "core/validate/compiler.h"

#include <stdlib.h>

static bool is_kind(const struct compiler *c, uint32_t index, enum json_kind kind)
{
    return compiler_token(c, index)->kind == kind;
}

/* Annotations: checked for their form, then left. */
static bool pass_anything(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    (void)c;
    (void)keyword;
    (void)value;
    return true;
}

static bool pass_string(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    (void)keyword;
    return is_kind(c, value, JSON_STRING) || compiler_refuse(c, "", "must be a string");
}

static bool pass_array(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    (void)keyword;
    return is_kind(c, value, JSON_ARRAY) || compiler_refuse(c, "", "must be an array");
}

/* $schema, $id and id say something about the file as a whole. */
static bool pass_at_root(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    if (c->node)
        return compiler_refuse(c, "", "is supported at the root of the schema only");
    return pass_string(c, keyword, value);
}

static unsigned type_named(struct span name)
{
    static const struct {
        const char *name;
        unsigned type;
    } types[] = {
        {"null", ROW_NULL},     {"boolean", ROW_BOOLEAN}, {"integer", ROW_INTEGER},
        {"number", ROW_NUMBER}, {"string", ROW_STRING},   {"array", ROW_ARRAY},
        {"object", ROW_OBJECT},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (span_is(name, types[i].name))
            return types[i].type;
    return 0;
}

/* Adds the type that a token names to the set. */
static bool add_type(struct compiler *c, uint32_t token, unsigned *types)
{
    unsigned type = is_kind(c, token, JSON_STRING) ? type_named(compiler_string(c, token)) : 0;

    if (!type)
        return compiler_refuse(c, "",
                               "must be null, boolean, integer, number, string, array or "
                               "object, or an array of these");
    if (*types & type)
        return compiler_refuse(c, "", "names a type twice");
    *types |= type;
    return true;
}

static bool compile_type(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    const struct json_token *token = compiler_token(c, value);
    unsigned types = 0;

    if (token->kind != JSON_ARRAY && !add_type(c, value, &types))
        return false;
    for (uint32_t i = value + 1; token->kind == JSON_ARRAY && i < token->next; i++)
        if (!add_type(c, i, &types))
            return false;
    if (!types)
        return compiler_refuse(c, "", "names no type");
    c->plan->nodes[c->node].types = types;
    compiler_add_check(c, keyword, value)->with.types = types;
    return true;
}

static bool compile_enum(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    if (!is_kind(c, value, JSON_ARRAY))
        return compiler_refuse(c, "", "must be an array");
    compiler_add_check(c, keyword, value);
    return true;
}

static bool compile_const(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    compiler_add_check(c, keyword, value);
    return true;
}

static bool compile_number(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    if (!is_kind(c, value, JSON_NUMBER))
        return compiler_refuse(c, "", "must be a number");
    compiler_add_check(c, keyword, value)->with.number =
        decimal_parse(value_span(compiler_value(c, value)));
    return true;
}

/* Draft-04: `exclusiveMinimum` is a boolean that says how `minimum` is meant. */
static bool compile_limit(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    bool lower = keyword->check == CHECK_MINIMUM;
    const char *name = lower ? "exclusiveMinimum" : "exclusiveMaximum";
    struct keyword exclusive = *keyword;
    uint32_t flag = compiler_member(c, c->plan->nodes[c->node].token, name);

    if (c->draft != DRAFT_04 || !flag || !is_kind(c, flag, JSON_TRUE))
        return compile_number(c, keyword, value);
    exclusive.check = lower ? CHECK_EXCLUSIVE_MINIMUM : CHECK_EXCLUSIVE_MAXIMUM;
    return compile_number(c, &exclusive, value);
}

static bool pass_flag(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    const char *limit = keyword->check == CHECK_EXCLUSIVE_MINIMUM ? "minimum" : "maximum";

    if (!is_kind(c, value, JSON_TRUE) && !is_kind(c, value, JSON_FALSE))
        return compiler_refuse(c, "", "must be true or false in draft-04");
    if (!compiler_member(c, c->plan->nodes[c->node].token, limit))
        return compiler_refuse(c, "", "stands without \"%s\"", limit);
    return true;
}

static bool compile_multiple(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct decimal divisor = {0};

    if (is_kind(c, value, JSON_NUMBER))
        divisor = decimal_parse(value_span(compiler_value(c, value)));
    if (!divisor.count || divisor.negative)
        return compiler_refuse(c, "", "must be a number above 0");
    if (divisor.count > DECIMAL_SHORT)
        return compiler_refuse(c, "", "must not have more than %d digits", DECIMAL_SHORT);
    return compile_number(c, keyword, value);
}

static bool compile_count(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct decimal number = {.negative = true};
    uint64_t count;

    if (is_kind(c, value, JSON_NUMBER))
        number = decimal_parse(value_span(compiler_value(c, value)));
    if (number.negative || !decimal_is_integer(&number))
        return compiler_refuse(c, "", "must be a whole number, 0 or more");
    if (number.count + number.exponent > DECIMAL_SHORT)
        return compiler_refuse(c, "", "must not have more than %d digits", DECIMAL_SHORT);
    count = (uint64_t)number.coefficient;
    for (int64_t i = 0; i < number.exponent; i++)
        count *= 10;
    compiler_add_check(c, keyword, value)->with.count = count;
    return true;
}

static bool compile_pattern(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    char fault[PATTERN_FAULT_SIZE];
    struct pattern *pattern;

    if (!is_kind(c, value, JSON_STRING))
        return compiler_refuse(c, "", "must be a string");
    pattern = pattern_open(compiler_string(c, value), fault);
    if (!pattern)
        return compiler_refuse(c, "", "is no regular expression: %s", fault);
    compiler_add_check(c, keyword, value)->with.pattern = pattern;
    return true;
}

/* The schema of one property: its member in the object, its node in the plan. */
static void add_property(struct compiler *c, struct object *object, uint32_t name)
{
    uint32_t member = object_add(c->plan, object, compiler_string(c, name));
    struct buf tail = {0};

    buf_printf(&tail, "/%s/", c->keyword);
    value_point(&tail, object->members[member].name);
    object->members[member].node = compiler_add_schema(c, name + 1, buf_text(&tail));
    object->declared_count++;
    buf_release(&tail);
}

static bool compile_properties(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct object *object = compiler_object(c, keyword, value);

    if (!is_kind(c, value, JSON_OBJECT))
        return compiler_refuse(c, "", "must be an object");
    for (uint32_t i = value + 1; i < compiler_token(c, value)->next;
         i = compiler_token(c, i + 1)->next)
        add_property(c, object, i);
    return true;
}

static bool compile_required(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct object *object = compiler_object(c, keyword, value);

    if (!is_kind(c, value, JSON_ARRAY))
        return compiler_refuse(c, "", "must be an array of names");
    for (uint32_t i = value + 1; i < compiler_token(c, value)->next; i++) {
        uint32_t member;

        if (!is_kind(c, i, JSON_STRING))
            return compiler_refuse(c, "", "must be an array of names");
        member = object_add(c->plan, object, compiler_string(c, i));
        if (object->members[member].required)
            return compiler_refuse(c, "", "names a property twice");
        object->members[member].required = true;
        object->required_count++;
    }
    return true;
}

static bool compile_additional(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct object *object = compiler_object(c, keyword, value);

    if (is_kind(c, value, JSON_FALSE))
        object->closed = true;
    else if (is_kind(c, value, JSON_OBJECT))
        object->additional = compiler_add_schema(c, value, "/additionalProperties");
    else if (!is_kind(c, value, JSON_TRUE))
        return compiler_refuse(c, "", "must be true, false or a schema");
    return true;
}

/* In the order in which a value's violations are told. */
const struct keyword keywords[] = {
    {"$schema", DRAFT_ANY, 0, 0, pass_at_root},
    {"$id", DRAFT_ANY, 0, 0, pass_at_root},
    {"id", DRAFT_ANY, 0, 0, pass_at_root},
    {"$comment", DRAFT_ANY, 0, 0, pass_string},
    {"title", DRAFT_ANY, 0, 0, pass_string},
    {"description", DRAFT_ANY, 0, 0, pass_string},
    {"default", DRAFT_ANY, 0, 0, pass_anything},
    {"examples", DRAFT_ANY, 0, 0, pass_array},
    {"type", DRAFT_ANY, ON_ALL, CHECK_TYPE, compile_type},
    {"enum", DRAFT_ANY, ON_ALL, CHECK_ENUM, compile_enum},
    {"const", SINCE_07, ON_ALL, CHECK_CONST, compile_const},
    {"minimum", DRAFT_ANY, ON_NUMBERS, CHECK_MINIMUM, compile_limit},
    {"exclusiveMinimum", SINCE_07, ON_NUMBERS, CHECK_EXCLUSIVE_MINIMUM, compile_number},
    {"exclusiveMinimum", DRAFT_04, 0, CHECK_EXCLUSIVE_MINIMUM, pass_flag},
    {"maximum", DRAFT_ANY, ON_NUMBERS, CHECK_MAXIMUM, compile_limit},
    {"exclusiveMaximum", SINCE_07, ON_NUMBERS, CHECK_EXCLUSIVE_MAXIMUM, compile_number},
    {"exclusiveMaximum", DRAFT_04, 0, CHECK_EXCLUSIVE_MAXIMUM, pass_flag},
    {"multipleOf", DRAFT_ANY, ON_NUMBERS, CHECK_MULTIPLE_OF, compile_multiple},
    {"minLength", DRAFT_ANY, ON_STRINGS, CHECK_MIN_LENGTH, compile_count},
    {"maxLength", DRAFT_ANY, ON_STRINGS, CHECK_MAX_LENGTH, compile_count},
    {"pattern", DRAFT_ANY, ON_STRINGS, CHECK_PATTERN, compile_pattern},
    {"properties", DRAFT_ANY, ON_OBJECTS, CHECK_OBJECT, compile_properties},
    {"required", DRAFT_ANY, ON_OBJECTS, CHECK_OBJECT, compile_required},
    {"additionalProperties", DRAFT_ANY, ON_OBJECTS, CHECK_OBJECT, compile_additional},
};

const size_t keyword_count = sizeof keywords / sizeof *keywords;
