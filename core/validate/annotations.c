/* Keywords that are not of JSON Schema: those of known tools pass, any other is refused, because
 * it may be a mistake that asserts nothing. */
#include "core/validate/compiler.h"

#include <stdio.h>

/* None of them asserts anything. A new one is a word in the line of its tool. */
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

bool compiler_is_annotation(struct span name)
{
    for (size_t i = 0; i < sizeof annotations / sizeof *annotations; i++)
        if (span_is(name, annotations[i]))
            return true;
    return false;
}

/* The keyword of the draft, or of a tool, whose name is nearest; NULL where none is near. */
static const char *nearest(const struct compiler *c, const char *name)
{
    size_t count = keyword_count + sizeof annotations / sizeof *annotations;
    unsigned best = strlen(name) < 5 ? 2 : 3;
    const char *found = NULL;

    for (size_t i = 0; i < count; i++) {
        bool own = i < keyword_count;
        const char *other = own ? keywords[i].name : annotations[i - keyword_count];
        unsigned distance = str_distance(name, other);

        if (distance >= best || (own && !(keywords[i].drafts & c->draft)))
            continue;
        best = distance;
        found = other;
    }
    return found;
}

static bool is_of_another_draft(struct span name)
{
    for (size_t i = 0; i < keyword_count; i++)
        if (span_is(name, keywords[i].name))
            return true;
    return false;
}

/* Whether a $ref leads to a member of the schema being compiled, or below it: it holds definitions
 * then, and is not an assertion. */
static bool is_led_to(struct compiler *c, struct span name)
{
    struct buf pointer = {0};
    bool found = false;

    buf_printf(&pointer, "#%s/", c->plan->nodes[c->node].pointer);
    value_point(&pointer, name);
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

bool compiler_pass_unknown(struct compiler *c, struct span name)
{
    char printable[200], below[sizeof printable + 1];
    const char *near;

    if (is_led_to(c, name))
        return true;
    str_printable(name, printable, sizeof printable);
    snprintf(below, sizeof below, "/%s", printable);
    if (is_of_another_draft(name))
        return compiler_refuse(c, below, "the keyword \"%s\" is not supported in %s", printable,
                               compiler_draft_name(c->draft));
    near = nearest(c, printable);
    if (near)
        return compiler_refuse(
            c, below, "the keyword \"%s\" is not supported: did you mean \"%s\"?", printable, near);
    return compiler_refuse(c, below, "the keyword \"%s\" is not supported", printable);
}

static const struct {
    unsigned draft;
    const char *name;
    const char *uri; /* behind the scheme, which files write both ways */
} drafts[] = {
    {DRAFT_2020, "draft 2020-12", "://json-schema.org/draft/2020-12/schema"},
    {DRAFT_2020, "draft 2020-12", "://json-schema.org/schema"}, /* the current one */
    {DRAFT_2019, "draft 2019-09", "://json-schema.org/draft/2019-09/schema"},
    {DRAFT_07, "draft-07", "://json-schema.org/draft-07/schema"},
    {DRAFT_07, "draft-07",
     "://json-schema-org/draft-07/schema"}, /* as all of Skaffold's write it */
    {DRAFT_06, "draft-06", "://json-schema.org/draft-06/schema"},
    {DRAFT_04, "draft-04", "://json-schema.org/draft-04/schema"},
};

const char *compiler_draft_name(unsigned draft)
{
    size_t i = 0;

    while (drafts[i].draft != draft)
        i++;
    return drafts[i].name;
}

bool compiler_read_draft(struct compiler *c, uint32_t value, unsigned *draft)
{
    struct span uri = {"", 0};

    if (compiler_is(c, value, JSON_STRING))
        uri = compiler_string(c, value);
    if (uri.size && uri.data[uri.size - 1] == '#')
        uri.size--;
    for (size_t scheme = 4; scheme <= 5; scheme++) { /* http, https */
        if (uri.size < scheme || memcmp(uri.data, "https", scheme) != 0)
            continue;
        for (size_t i = 0; i < sizeof drafts / sizeof *drafts; i++) {
            *draft = drafts[i].draft;
            if (span_is((struct span){uri.data + scheme, uri.size - scheme}, drafts[i].uri))
                return true;
        }
    }
    return compiler_refuse(c, "",
                           "must be the address of draft 2020-12, 2019-09, draft-07, draft-06 "
                           "or draft-04, like https://json-schema.org/draft/2020-12/schema");
}
