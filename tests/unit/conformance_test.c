/* The cases of the official suite for draft 2020-12, under each draft that has the keywords of a
 * group. They are not part of this repository: if they are not next to it, the test says so and
 * passes. */
#include "core/base/mem.h"
#include "tests/unit/schema_scene.h"

#include <glob.h>

#define FOLDER "../shared/conformance/json-schema"

enum draft {
    DRAFT_04 = 1,
    DRAFT_06 = 2,
    DRAFT_07 = 4,
    DRAFT_2019 = 8,
    DRAFT_2020 = 16,
    SINCE_2019 = DRAFT_2019 | DRAFT_2020,
    SINCE_07 = DRAFT_07 | SINCE_2019,
    SINCE_06 = DRAFT_06 | SINCE_07,
    ANY_DRAFT = DRAFT_04 | SINCE_06,
};

static const struct {
    enum draft draft;
    const char *name, *uri;
} drafts[] = {
    {DRAFT_2020, "2020-12", "https://json-schema.org/draft/2020-12/schema"},
    {DRAFT_2019, "2019-09", "https://json-schema.org/draft/2019-09/schema"},
    {DRAFT_07, "draft-07", "http://json-schema.org/draft-07/schema#"},
    {DRAFT_06, "draft-06", "http://json-schema.org/draft-06/schema#"},
    {DRAFT_04, "draft-04", "http://json-schema.org/draft-04/schema#"},
};

/* What the value of a keyword contains. */
enum place { IN_SCHEMA, IN_MAP, IN_DATA };

/* Keywords that contain other things than schemas, or are not in every draft. */
static const struct {
    const char *name;
    enum place place;
    unsigned drafts;
} keywords[] = {
    {"enum", IN_DATA, ANY_DRAFT},
    {"default", IN_DATA, ANY_DRAFT},
    {"const", IN_DATA, SINCE_06},
    {"examples", IN_DATA, SINCE_06},
    {"required", IN_DATA, ANY_DRAFT},
    {"uniqueItems", IN_DATA, ANY_DRAFT},
    {"properties", IN_MAP, ANY_DRAFT},
    {"patternProperties", IN_MAP, ANY_DRAFT},
    {"definitions", IN_MAP, ANY_DRAFT},
    {"$defs", IN_MAP, ANY_DRAFT},
    {"dependentSchemas", IN_MAP, SINCE_2019},
    {"dependentRequired", IN_DATA, SINCE_2019},
    {"prefixItems", IN_SCHEMA, DRAFT_2020},
    {"minContains", IN_SCHEMA, SINCE_2019},
    {"maxContains", IN_SCHEMA, SINCE_2019},
    {"unevaluatedProperties", IN_SCHEMA, SINCE_2019},
    {"contains", IN_SCHEMA, SINCE_06},
    {"propertyNames", IN_SCHEMA, SINCE_06},
    {"exclusiveMinimum", IN_SCHEMA, SINCE_06},
    {"exclusiveMaximum", IN_SCHEMA, SINCE_06},
    {"if", IN_SCHEMA, SINCE_07},
    {"then", IN_SCHEMA, SINCE_07},
    {"else", IN_SCHEMA, SINCE_07},
};

struct suite {
    const char *file; /* its name */
    const char *text;
    struct json_tape tape;
    const char *group;              /* being tested */
    unsigned drafts;                /* with all keywords of the group */
    size_t draft;                   /* index of the one it is tested under */
    unsigned faults;                /* of all files */
    unsigned groups[COUNT(drafts)]; /* tested */
    unsigned cases[COUNT(drafts)];
};

static struct span span_at(const struct suite *suite, uint32_t token)
{
    const struct json_token *at = &suite->tape.tokens[token];

    return (struct span){suite->text + at->start, at->size};
}

static uint32_t member_at(const struct suite *suite, uint32_t object, const char *name)
{
    const struct json_token *tokens = suite->tape.tokens;

    for (uint32_t i = object + 1; i < tokens[object].next; i = tokens[i + 1].next)
        if (span_is(span_at(suite, i), name))
            return i + 1;
    fail_msg("%s has no %s", suite->file, name);
    return 0;
}

static void copy_value(struct suite *suite, uint32_t token, enum place place, struct buf *out);

/* A keyword: what it contains, and which drafts have it. */
static void copy_keyword(struct suite *suite, uint32_t name, struct buf *out)
{
    struct span keyword = span_at(suite, name), value = span_at(suite, name + 1);
    enum place place = IN_SCHEMA;

    for (size_t i = 0; i < COUNT(keywords); i++) {
        if (!span_is(keyword, keywords[i].name))
            continue;
        place = keywords[i].place;
        suite->drafts &= keywords[i].drafts;
    }
    if (span_is(keyword, "$ref") && value.size && value.data[0] == '#')
        buf_printf(out, "\"#/properties/v%.*s\"", (int)value.size - 1, value.data + 1);
    else if (span_is(keyword, "additionalProperties") && value.size < 6)
        buf_append_span(out, value); /* boolean values are older than boolean schemas */
    else
        copy_value(suite, name + 1, place, out);
}

static void copy_object(struct suite *suite, uint32_t token, enum place place, struct buf *out)
{
    const struct json_token *tokens = suite->tape.tokens;
    bool first = true;

    buf_append_char(out, '{');
    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i + 1].next) {
        struct span name = span_at(suite, i);

        if (place == IN_SCHEMA && span_is(name, "$schema"))
            continue;
        buf_printf(out, "%s\"%.*s\":", first ? "" : ",", (int)name.size, name.data);
        first = false;
        if (place == IN_SCHEMA)
            copy_keyword(suite, i, out);
        else
            copy_value(suite, i + 1, place == IN_MAP ? IN_SCHEMA : IN_DATA, out);
    }
    buf_append_char(out, '}');
}

/* Copies a part of a schema with its references rebased, and removes drafts without its keywords.
 */
static void copy_value(struct suite *suite, uint32_t token, enum place place, struct buf *out)
{
    const struct json_token *tokens = suite->tape.tokens;

    if (tokens[token].kind == JSON_OBJECT) {
        copy_object(suite, token, place, out);
    } else if (tokens[token].kind == JSON_ARRAY) {
        buf_append_char(out, '[');
        for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i].next) {
            buf_append_text(out, i == token + 1 ? "" : ",");
            copy_value(suite, i, place, out);
        }
        buf_append_char(out, ']');
    } else if (tokens[token].kind == JSON_STRING) {
        struct span text = span_at(suite, token);

        buf_printf(out, "\"%.*s\"", (int)text.size, text.data);
    } else {
        if (place == IN_SCHEMA && tokens[token].kind != JSON_NUMBER)
            suite->drafts &= ~(unsigned)DRAFT_04; /* has no boolean schemas */
        buf_append_span(out, span_at(suite, token));
    }
}

static void complain(struct suite *suite, const char *description, const char *problem)
{
    print_error("%s, %s: %s: %s: %s\n", drafts[suite->draft].name, suite->file, suite->group,
                description, problem);
    suite->faults++;
}

/* The file of the suite for draft-04 expects the opposite. */
static bool is_valid(const struct suite *suite, uint32_t valid, struct span description)
{
    if (drafts[suite->draft].draft == DRAFT_04 &&
        span_is(description, "a float with zero fractional part is an integer"))
        return false;
    return suite->tape.tokens[valid].kind == JSON_TRUE;
}

static void run_case(struct suite *suite, struct checker *checker, uint32_t test)
{
    uint32_t data = member_at(suite, test, "data");
    uint32_t valid = member_at(suite, test, "valid");
    struct span description = span_at(suite, member_at(suite, test, "description"));
    struct buf fields = {0};
    const char *found;
    char *name = mem_copy(description.data, description.size);

    buf_append_text(&fields, "{\"v\": ");
    copy_value(suite, data, IN_DATA, &fields);
    buf_append_text(&fields, "}");
    found = check_row(checker, buf_text(&fields));
    if ((*found == '\0') != is_valid(suite, valid, description))
        complain(suite, name, *found ? found : "is valid to us");
    suite->cases[suite->draft]++;
    buf_release(&fields);
    free(name);
}

/* Tests one group under one draft. */
static void run_group(struct suite *suite, uint32_t group, struct span copied)
{
    const struct json_token *tokens = suite->tape.tokens;
    uint32_t tests = member_at(suite, group, "tests");
    struct err err = {0};
    struct checker *checker;
    struct schema *schema;
    struct buf text = {0};

    buf_printf(&text, "{\"$schema\": \"%s\", \"type\": \"object\", \"properties\": {\"v\": ",
               drafts[suite->draft].uri);
    buf_append_span(&text, copied);
    buf_append_text(&text, "}}");
    schema = schema_of(buf_text(&text), &err);
    suite->groups[suite->draft]++;
    buf_release(&text);
    if (!schema) {
        complain(suite, "is refused", err.text);
        return;
    }
    checker = checker_open(schema, &err);
    assert_non_null(checker);
    for (uint32_t i = tests + 1; i < tokens[tests].next; i = tokens[i].next)
        run_case(suite, checker, i);
    checker_close(checker);
    schema_close(schema);
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct buf text = {0};

    assert_non_null(file);
    while (!feof(file) && !ferror(file)) {
        char *at = buf_reserve(&text, 1 << 16);

        text.size += fread(at, 1, 1 << 16, file);
    }
    fclose(file);
    *size = text.size;
    return text.data;
}

static void run_file(struct suite *suite, const char *path)
{
    struct span text = {0};
    struct json_fault fault;
    char *owned = read_file(path, &text.size);

    text.data = suite->text = owned;
    suite->file = strrchr(path, '/') + 1;
    if (!json_scan(&suite->tape, text, 0, &fault))
        fail_msg("%s: %s", path, fault.message);
    for (uint32_t i = 1; i < suite->tape.count; i = suite->tape.tokens[i].next) {
        struct span name = span_at(suite, member_at(suite, i, "description"));
        struct buf copied = {0};
        char *group = mem_copy(name.data, name.size);

        suite->group = group;
        suite->drafts = ANY_DRAFT;
        copy_value(suite, member_at(suite, i, "schema"), IN_SCHEMA, &copied);
        for (suite->draft = 0; suite->draft < COUNT(drafts); suite->draft++)
            if (suite->drafts & drafts[suite->draft].draft)
                run_group(suite, i, buf_span(&copied));
        buf_release(&copied);
        free(group);
    }
    json_tape_release(&suite->tape);
    free(owned);
}

static void the_official_cases_agree_under_each_draft(void **state)
{
    struct suite suite = {0};
    glob_t files;

    (void)state;
    if (glob(FOLDER "/*.json", 0, NULL, &files) != 0) {
        print_message("skipped: %s is not there\n", FOLDER);
        return;
    }
    for (size_t i = 0; i < files.gl_pathc; i++)
        run_file(&suite, files.gl_pathv[i]);
    globfree(&files);
    for (size_t i = 0; i < COUNT(drafts); i++)
        print_message("%s: %u groups with %u cases\n", drafts[i].name, suite.groups[i],
                      suite.cases[i]);
    assert_int_equal(suite.faults, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_official_cases_agree_under_each_draft),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
