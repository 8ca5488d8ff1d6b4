/* A new keyword is a line in the table, a function if its value has a new form (with schemas
 * inside: in applicators.c), and its check in checker.c or check_scalar.c. */
#include "core/validate/keywords.h"

#include "core/target/pointer.h"
#include "core/validate/applicators.h"
#include "core/validate/reference.h"

#include <stdio.h>

/* pass_...: annotations, which are only checked for their form. */
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
    return compiler_is(c, value, JSON_STRING) || compiler_refuse(c, "", "must be a string");
}

static bool pass_boolean(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    (void)keyword;
    return compiler_is(c, value, JSON_TRUE) || compiler_is(c, value, JSON_FALSE) ||
           compiler_refuse(c, "", "must be true or false");
}

static bool pass_array(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    (void)keyword;
    return compiler_is(c, value, JSON_ARRAY) || compiler_refuse(c, "", "must be an array");
}

/* The draft of the root and of schemas with an identifier is known already. */
static bool pass_draft(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    unsigned draft;

    (void)keyword;
    if (!compiler_read_draft(c, value, &draft))
        return false;
    return draft == c->draft ||
           compiler_refuse(c, "",
                           "is not the draft of the schemas around it: only a schema with an "
                           "\"$id\" can have its own");
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
    unsigned type = compiler_is(c, token, JSON_STRING) ? type_named(compiler_string(c, token)) : 0;

    if (!type)
        return compiler_refuse(c, "",
                               "must be null, boolean, integer, number, string, array or "
                               "object, or an array of these");
    if (*types & type)
        return compiler_refuse(c, "", "names a type twice");
    *types |= type;
    return true;
}

/* Restricts the check to the kinds of values that can be wrong. */
static void add_type_check(struct compiler *c, const struct keyword *keyword, uint32_t value,
                           unsigned types)
{
    struct check *check = compiler_add_check(c, keyword, value);

    if (c->draft == DRAFT_04 && types & ROW_INTEGER)
        check->kind = CHECK_INTEGER_04;
    check->with.types = types;
    for (unsigned kind = JSON_NULL; kind <= JSON_OBJECT; kind++)
        if (types & value_type(kind))
            check->on &= (uint8_t) ~(1U << kind);
}

static bool compile_type(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    const struct json_token *token = compiler_token(c, value);
    unsigned types = 0;
    uint32_t flag;

    if (token->kind != JSON_ARRAY && !add_type(c, value, &types))
        return false;
    for (uint32_t i = value + 1; token->kind == JSON_ARRAY && i < token->next; i++)
        if (!add_type(c, i, &types))
            return false;
    if (!types)
        return compiler_refuse(c, "", "must name a type");
    /* OpenAPI 3.0 has `nullable` because `type` names only one type there */
    flag = compiler_sibling(c, "nullable");
    if (flag && compiler_is(c, flag, JSON_TRUE))
        types |= ROW_NULL;
    add_type_check(c, keyword, value, types);
    return true;
}

static bool compile_enum(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    if (!compiler_is(c, value, JSON_ARRAY))
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
    if (!compiler_is(c, value, JSON_NUMBER))
        return compiler_refuse(c, "", "must be a number");
    compiler_add_check(c, keyword, value)->with.number =
        decimal_parse(value_span(compiler_value(c, value)));
    return true;
}

/* In draft-04 `exclusiveMinimum` is a boolean that changes `minimum`. */
static bool compile_limit(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    bool lower = keyword->check == CHECK_MINIMUM;
    const char *name = lower ? "exclusiveMinimum" : "exclusiveMaximum";
    struct keyword exclusive = *keyword;
    uint32_t flag = compiler_sibling(c, name);

    if (c->draft != DRAFT_04 || !flag || !compiler_is(c, flag, JSON_TRUE))
        return compile_number(c, keyword, value);
    exclusive.name = name;
    exclusive.check = lower ? CHECK_EXCLUSIVE_MINIMUM : CHECK_EXCLUSIVE_MAXIMUM;
    return compile_number(c, &exclusive, value);
}

static bool pass_flag(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    const char *limit = keyword->check == CHECK_EXCLUSIVE_MINIMUM ? "minimum" : "maximum";

    if (!compiler_is(c, value, JSON_TRUE) && !compiler_is(c, value, JSON_FALSE))
        return compiler_refuse(c, "", "must be true or false in draft-04");
    if (!compiler_sibling(c, limit))
        return compiler_refuse(c, "", "needs \"%s\" next to it", limit);
    return true;
}

static bool compile_multiple(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct decimal divisor = {0};

    if (compiler_is(c, value, JSON_NUMBER))
        divisor = decimal_parse(value_span(compiler_value(c, value)));
    if (!divisor.count || divisor.negative)
        return compiler_refuse(c, "", "must be a number above 0");
    if (divisor.count > DECIMAL_SHORT)
        return compiler_refuse(c, "", "must not have more than %d digits", DECIMAL_SHORT);
    return compile_number(c, keyword, value);
}

static bool compile_count(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    uint64_t count;

    if (!compiler_count(c, value, &count))
        return false;
    compiler_add_check(c, keyword, value)->with.count = count;
    return true;
}

/* minContains and maxContains: `contains` reads them itself. */
static bool pass_count(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    uint64_t count;

    (void)keyword;
    return compiler_count(c, value, &count);
}

static bool compile_unique(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    if (!pass_boolean(c, keyword, value))
        return false;
    if (compiler_is(c, value, JSON_TRUE))
        compiler_add_check(c, keyword, value);
    return true;
}

static bool compile_pattern(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct pattern *pattern;

    if (!compiler_is(c, value, JSON_STRING))
        return compiler_refuse(c, "", "must be a string");
    pattern = compiler_pattern(c, compiler_string(c, value), "");
    if (!pattern)
        return false;
    compiler_add_check(c, keyword, value)->with.pattern = pattern;
    return true;
}

static bool compile_format(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    const struct format *format;
    struct check *check;
    char name[100];

    if (!compiler_is(c, value, JSON_STRING))
        return compiler_refuse(c, "", "must be a string");
    format = format_find(compiler_string(c, value));
    if (!format)
        return compiler_refuse(c, "",
                               "the format \"%s\" is not supported: see the list in "
                               "rowferry-schema(5)",
                               str_printable(compiler_string(c, value), name, sizeof name));
    if (!format->meaning) /* an annotation */
        return true;
    check = compiler_add_check(c, keyword, value);
    check->with.format.is = format;
    if (format->pattern)
        check->with.format.pattern = compiler_pattern(c, span_of(format->pattern), "");
    check->on = format->of_numbers ? ON_NUMBERS : ON_STRINGS;
    return true;
}

/* In the order in which the violations of a value are reported. */
static const struct keyword keywords[] = {
    {"$schema", DRAFT_ANY, 0, 0, pass_draft},
    {"$id", DRAFT_ANY, 0, 0, pass_string}, /* and reference.c */
    {"id", DRAFT_ANY, 0, 0, pass_string},
    {"$anchor", SINCE_2019, 0, 0, compile_anchor},
    {"$dynamicAnchor", DRAFT_2020, 0, 0, compile_anchor},
    {"$recursiveAnchor", DRAFT_2019, 0, 0, compile_recursive_anchor},
    {"$vocabulary", SINCE_2019, 0, 0, pass_anything},
    {"$comment", DRAFT_ANY, 0, 0, pass_string},
    {"title", DRAFT_ANY, 0, 0, pass_string},
    {"description", DRAFT_ANY, 0, 0, pass_string},
    {"default", DRAFT_ANY, 0, 0, pass_anything},
    {"examples", DRAFT_ANY, 0, 0, pass_array},
    {"deprecated", DRAFT_ANY, 0, 0, pass_boolean},
    {"readOnly", DRAFT_ANY, 0, 0, pass_boolean},
    {"writeOnly", DRAFT_ANY, 0, 0, pass_boolean},
    {"nullable", DRAFT_ANY, 0, 0, pass_boolean}, /* `type` reads it itself */
    {"contentMediaType", DRAFT_ANY, 0, 0, pass_string},
    {"contentEncoding", DRAFT_ANY, 0, 0, pass_string},
    {"contentSchema", SINCE_2019, 0, 0, pass_schema},
    {"$defs", DRAFT_ANY, 0, 0, compile_definitions},
    {"definitions", DRAFT_ANY, 0, 0, compile_definitions},
    {"type", DRAFT_ANY, ON_ALL, CHECK_TYPE, compile_type},
    {"enum", DRAFT_ANY, ON_ALL, CHECK_ENUM, compile_enum},
    {"const", SINCE_06, ON_ALL, CHECK_CONST, compile_const},
    {"minimum", DRAFT_ANY, ON_NUMBERS, CHECK_MINIMUM, compile_limit},
    {"exclusiveMinimum", SINCE_06, ON_NUMBERS, CHECK_EXCLUSIVE_MINIMUM, compile_number},
    {"exclusiveMinimum", DRAFT_04, 0, CHECK_EXCLUSIVE_MINIMUM, pass_flag},
    {"maximum", DRAFT_ANY, ON_NUMBERS, CHECK_MAXIMUM, compile_limit},
    {"exclusiveMaximum", SINCE_06, ON_NUMBERS, CHECK_EXCLUSIVE_MAXIMUM, compile_number},
    {"exclusiveMaximum", DRAFT_04, 0, CHECK_EXCLUSIVE_MAXIMUM, pass_flag},
    {"multipleOf", DRAFT_ANY, ON_NUMBERS, CHECK_MULTIPLE_OF, compile_multiple},
    {"minLength", DRAFT_ANY, ON_STRINGS, CHECK_MIN_LENGTH, compile_count},
    {"maxLength", DRAFT_ANY, ON_STRINGS, CHECK_MAX_LENGTH, compile_count},
    {"pattern", DRAFT_ANY, ON_STRINGS, CHECK_PATTERN, compile_pattern},
    {"format", DRAFT_ANY, ON_STRINGS, CHECK_FORMAT, compile_format},
    {"minItems", DRAFT_ANY, ON_ARRAYS, CHECK_MIN_ITEMS, compile_count},
    {"maxItems", DRAFT_ANY, ON_ARRAYS, CHECK_MAX_ITEMS, compile_count},
    {"uniqueItems", DRAFT_ANY, ON_ARRAYS, CHECK_UNIQUE, compile_unique},
    {"minContains", SINCE_2019, 0, 0, pass_count},
    {"maxContains", SINCE_2019, 0, 0, pass_count},
    {"contains", SINCE_06, ON_ARRAYS, CHECK_CONTAINS, compile_contains},
    {"prefixItems", DRAFT_2020, ON_ARRAYS, CHECK_PREFIX, compile_list},
    {"items", DRAFT_2020, ON_ARRAYS, CHECK_ITEMS, compile_items},
    {"items", BEFORE_2020, ON_ARRAYS, CHECK_ITEMS, compile_items_of_two_forms},
    {"additionalItems", BEFORE_2020, ON_ARRAYS, CHECK_ITEMS, compile_additional_items},
    {"minProperties", DRAFT_ANY, ON_OBJECTS, CHECK_MIN_PROPERTIES, compile_count},
    {"maxProperties", DRAFT_ANY, ON_OBJECTS, CHECK_MAX_PROPERTIES, compile_count},
    {"propertyNames", SINCE_06, ON_OBJECTS, CHECK_PROPERTY_NAMES, compile_schema_below},
    {"properties", DRAFT_ANY, ON_OBJECTS, CHECK_OBJECT, compile_properties},
    {"patternProperties", DRAFT_ANY, ON_OBJECTS, CHECK_OBJECT, compile_pattern_properties},
    {"required", DRAFT_ANY, ON_OBJECTS, CHECK_OBJECT, compile_required},
    {"additionalProperties", DRAFT_ANY, ON_OBJECTS, CHECK_OBJECT, compile_additional},
    {"dependentRequired", SINCE_2019, ON_OBJECTS, CHECK_DEPENDENT, compile_dependent},
    {"dependentSchemas", SINCE_2019, ON_OBJECTS, CHECK_DEPENDENT, compile_dependent},
    {"dependencies", DRAFT_ANY, ON_OBJECTS, CHECK_DEPENDENT, compile_dependent},
    {"$ref", DRAFT_ANY, ON_ALL, CHECK_REF, compile_reference},
    {"$dynamicRef", DRAFT_2020, ON_ALL, CHECK_REF, compile_reference},
    {"$recursiveRef", DRAFT_2019, ON_ALL, CHECK_REF, compile_reference},
    {"allOf", DRAFT_ANY, ON_ALL, CHECK_ALL_OF, compile_list},
    {"anyOf", DRAFT_ANY, ON_ALL, CHECK_ANY_OF, compile_list},
    {"oneOf", DRAFT_ANY, ON_ALL, CHECK_ONE_OF, compile_list},
    {"not", DRAFT_ANY, ON_ALL, CHECK_NOT, compile_schema_below},
    {"if", SINCE_07, ON_ALL, CHECK_IF, compile_if},
    {"then", SINCE_07, 0, 0, pass_schema},
    {"else", SINCE_07, 0, 0, pass_schema},
    /* after all that they depend on */
    {"unevaluatedItems", SINCE_2019, ON_ARRAYS, CHECK_UNEVALUATED_ITEMS, compile_unevaluated},
    {"unevaluatedProperties", SINCE_2019, ON_OBJECTS, CHECK_UNEVALUATED_PROPERTIES,
     compile_unevaluated},
};

#define KEYWORD_COUNT (sizeof keywords / sizeof *keywords)

/* Keywords of tools that assert nothing. */
static const char *const annotations[] = {
    /* comments, as many write them in JSON */
    "//",
    "_comment",
    /* Visual Studio Code, its extensions and SchemaStore */
    "markdownDescription",
    "markdownEnumDescriptions",
    "enumDescriptions",
    "enumItemLabels",
    "enumSortTexts",
    "defaultSnippets",
    "deprecationMessage",
    "markdownDeprecationMessage",
    "doNotSuggest",
    "suggestSortText",
    "allowComments",
    "allowTrailingCommas",
    "errorMessage",
    "patternErrorMessage",
    "completionDetail",
    "scope",
    "order",
    "editPresentation",
    "fileMatch",
    /* IntelliJ */
    "deprecationReplacement",
    "enumMetadata",
    "language-injection",
    /* OpenAPI 3 and Swagger 2 */
    "discriminator",
    "xml",
    "externalDocs",
    "example",
    "collectionFormat",
    "enumNames",
    /* JSON Editor, JSON Forms, react-jsonschema-form */
    "options",
    "headerTemplate",
    "propertyOrder",
    "template",
    "watch",
    "links",
    "media",
    "base",
    "basicCategoryTitle",
    "ui:widget",
    "ui:options",
    "ui:order",
    /* jsonschema2pojo, quicktype, json-schema-to-typescript, NJsonSchema, go-jsonschema */
    "javaType",
    "existingJavaType",
    "javaName",
    "javaEnumNames",
    "javaEnums",
    "javaInterfaces",
    "javaPackage",
    "extendsJavaClass",
    "javaAbstract",
    "javaJsonView",
    "customDateTimePattern",
    "customDatePattern",
    "customTimePattern",
    "customPattern",
    "excludedFromEqualsAndHashCode",
    "tsType",
    "tsEnumNames",
    "tsReadonlyProperties",
    "typescript",
    "goType",
    "goJSONSchema",
    "goName",
    "qt-uri-protocols",
    "qt-uri-extensions",
    "cSharpType",
    "pythonType",
    /* ajv and its plug-ins */
    "$async",
    "strictDefaults",
    /* hyper-schema and RAML */
    "fragmentResolution",
    "pathStart",
    "meta:enum",
    "meta:license",
    "meta:status",
    "meta:extensible",
};

/* Returns the most similar keyword of the draft or of a tool; NULL if none is similar. */
static const char *nearest(const struct compiler *c, const char *name)
{
    size_t count = KEYWORD_COUNT + sizeof annotations / sizeof *annotations;
    unsigned best = strlen(name) < 5 ? 2 : 3;
    const char *found = NULL;

    for (size_t i = 0; i < count; i++) {
        bool own = i < KEYWORD_COUNT;
        const char *other = own ? keywords[i].name : annotations[i - KEYWORD_COUNT];
        unsigned distance = str_distance(name, other);

        if (distance >= best || (own && !(keywords[i].drafts & c->draft)))
            continue;
        best = distance;
        found = other;
    }
    return found;
}

/* True if a $ref leads to a member of the schema being compiled, or below it: then the member
 * contains definitions, and is not an assertion. */
static bool is_referenced(struct compiler *c, struct span name)
{
    struct buf pointer = {0};
    bool found = false;

    buf_printf(&pointer, "#%s/", c->plan->nodes[c->node].pointer);
    pointer_print_name(name, &pointer);
    for (uint32_t i = 1; i < c->plan->tape.count && !found; i++) {
        struct span text = value_span(compiler_value(c, i));

        found = compiler_is(c, i, JSON_STRING) && text.size >= pointer.size &&
                memcmp(text.data, pointer.data, pointer.size) == 0 &&
                (text.size == pointer.size || text.data[pointer.size] == '/') &&
                span_is(value_span(compiler_value(c, i - 1)), "$ref");
    }
    buf_release(&pointer);
    return found;
}

static bool pass_unknown(struct compiler *c, struct span name)
{
    char printable[200], below[sizeof printable + 1];
    const char *near;

    if (is_referenced(c, name))
        return true;
    str_printable(name, printable, sizeof printable);
    snprintf(below, sizeof below, "/%s", printable);
    for (size_t i = 0; i < KEYWORD_COUNT; i++)
        if (span_is(name, keywords[i].name))
            return compiler_refuse(c, below, "the keyword \"%s\" is not supported in %s", printable,
                                   compiler_draft_name(c->draft));
    near = nearest(c, printable);
    if (near)
        return compiler_refuse(
            c, below, "the keyword \"%s\" is not supported: did you mean \"%s\"?", printable, near);
    return compiler_refuse(c, below, "the keyword \"%s\" is not supported", printable);
}

/* True if a member of a schema is a keyword of its draft, or an annotation of a tool. */
static bool is_known(const struct compiler *c, struct span name)
{
    if (span_starts(name, span_of("x-")))
        return !span_is(name, "x-rowferry") || c->node == 0;
    for (size_t i = 0; i < KEYWORD_COUNT; i++)
        if ((keywords[i].drafts & c->draft) && span_is(name, keywords[i].name))
            return true;
    return span_is_one_of(name, annotations, sizeof annotations / sizeof *annotations);
}

static bool refuse_unknown(struct compiler *c, uint32_t token)
{
    uint32_t next = compiler_token(c, token)->next;

    for (uint32_t i = token + 1; i < next; i = compiler_token(c, i + 1)->next) {
        struct span name = compiler_string(c, i);

        if (span_is(name, "x-rowferry") && c->node)
            return compiler_refuse(c, "/x-rowferry", "belongs at the root of the schema");
        if (!is_known(c, name) && !pass_unknown(c, name))
            return false;
    }
    return true;
}

bool keywords_compile(struct compiler *c, uint32_t token)
{
    bool reference = compiler_is_reference(c, token);

    if (!reference && !refuse_unknown(c, token))
        return false;
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        uint32_t value;

        if (!(keywords[i].drafts & c->draft))
            continue;
        /* definitions next to a $ref are used nevertheless */
        if (reference && keywords[i].check != CHECK_REF &&
            strcmp(keywords[i].name, "definitions") != 0 && strcmp(keywords[i].name, "$defs") != 0)
            continue;
        value = compiler_member(c, token, keywords[i].name);
        c->keyword = keywords[i].name;
        if (value && !keywords[i].compile(c, &keywords[i], value))
            return false;
    }
    return true;
}
