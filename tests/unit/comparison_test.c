/* What of an update came back otherwise. */
#include "core/api/comparison.h"

#include "tests/unit/target_scene.h"

static const char *const words[] = {
    [COMPARISON_REWRITTEN] = "rewritten", [COMPARISON_LOST] = "lost", [COMPARISON_EXTRA] = "extra"};

/* Opens a target without a lock whose properties are name, phone, boss, on, and tags. */
static struct target *open_target(const char *more)
{
    static const struct span names[] = {
        {"name", 4}, {"phone", 5}, {"boss", 4}, {"on", 2}, {"tags", 4}};
    struct buf text = {0};
    struct target *target;

    buf_printf(&text, "{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\"}%s}", more);
    target = target_of(buf_text(&text), names, 5);
    buf_release(&text);
    return target;
}

static void append(void *context, const struct comparison *comparison)
{
    struct buf *out = context;

    buf_printf(out, "%s%s %.*s", out->size ? "; " : "", words[comparison->kind],
               (int)comparison->name.size, comparison->name.data);
    if (comparison->elsewhere.size)
        buf_printf(out, " at %.*s", (int)comparison->elsewhere.size, comparison->elsewhere.data);
}

static void a_field_is_named_unless_it_came_back_as_it_was_sent(void **state)
{
    static const struct {
        const char *more, *sent, *before, *read, *body, *found;
    } rows[] = {
        {"", "{\"name\":\"x\",\"on\":true}", "", "{\"on\":true,\"name\":\"x\"}", "{}", ""},
        {"", "{\"name\":1.50}", "", "{\"name\":1.5}", "{}", ""},
        {"", "{\"name\":null}", "", "{}", "{}", ""},
        {"", "{}", "", "{\"name\":null}", "{}", ""},
        {"", "{\"name\":\"x \"}", "", "{\"name\":\"x\"}", "{\"name\":\"x\"}", "rewritten name"},
        {"", "{\"name\":\"x\"}", "", "{}", "{}", "lost name"},
        {"", "{}", "{}", "{\"name\":\"x\"}", "{}", "extra name"},
        {"", "{}", "{\"name\":\"y\"}", "{\"name\":\"x\"}", "{}", ""},
        /* the value is at another place */
        {"", "{\"boss\":\"u-1\"}", "", "{\"boss\":{\"id\":\"u-1\"}}", "{\"boss\":{\"id\":\"u-1\"}}",
         "rewritten boss at /boss/id"},
        {"", "{\"boss\":\"u-1\"}", "", "{}", "{\"a\":{\"b/c\":\"u-1\",\"d\":2}}",
         "lost boss at /a/b~1c"},
        {"", "{\"phone\":12345}", "", "{\"phone\":1}", "{\"phone\":1,\"raw\":12345.0}",
         "rewritten phone at /raw"},
        {"", "{\"tags\":[1,2]}", "", "{}", "{\"x\":{\"y\":[1,2]}}", "lost tags at /x/y"},
        /* at two places, at its own, or a value that is there by chance */
        {"", "{\"boss\":\"u-1\"}", "", "{}", "{\"a\":\"u-1\",\"b\":\"u-1\"}", "lost boss"},
        {"", "{\"boss\":\"u-1\"}", "", "{}", "{\"boss\":\"u-1\"}", "lost boss"},
        {"", "{\"on\":true}", "", "{}", "{\"a\":true}", "lost on"},
        {"", "{\"on\":1}", "", "{}", "{\"a\":1}", "lost on"},
        /* as the target compares */
        {",\"read\":{\"ignore\":[\"name\"]}", "{\"name\":\"x\"}", "", "{\"name\":\"y\"}", "{}", ""},
        {",\"fields\":{\"text\":true}", "{\"name\":5,\"on\":true}", "",
         "{\"name\":\"5\",\"on\":\"true\"}", "{}", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target *target = open_target(rows[i].more);
        const struct comparison_sides sides = {span_of(rows[i].sent), span_of(rows[i].read),
                                               span_of(rows[i].before), span_of(rows[i].body)};
        struct buf found = {0};

        comparison_make(target, &sides, append, &found);
        if (!span_is(buf_span(&found), rows[i].found))
            fail_msg("line %zu: '%s', expected '%s'", i + 1, buf_text(&found), rows[i].found);
        buf_release(&found);
        target_close(target);
    }
}

static void what_neither_we_nor_the_api_wrote_is_recognised(void **state)
{
    static const struct {
        const char *sent, *read, *before, *body, *answered;
        bool explained;
    } rows[] = {
        {"{\"name\":\"x\"}", "{\"name\":\"x\"}", "", "{}", "", true},
        {"{\"name\":\"x\"}", "{\"name\":\"y\"}", "{\"name\":\"z\"}", "{}", "", false},
        /* as it was before */
        {"{\"name\":\"x\"}", "{\"name\":\"y\"}", "{\"name\":\"y\"}", "{}", "", true},
        {"{\"name\":\"x\"}", "{}", "{}", "{}", "", true},
        {"{\"name\":\"x\"}", "{}", "{\"name\":\"y\"}", "{}", "", false},
        {"{\"name\":\"x\"}", "{\"name\":\"x\",\"on\":1.0}", "{\"on\":1}", "{}", "", true},
        {"{\"name\":\"x\"}", "{\"name\":\"x\",\"on\":2}", "{\"on\":1}", "{}", "", false},
        {"{\"name\":\"x\"}", "{\"name\":\"x\",\"on\":2}", "{}", "{}", "", false},
        /* as the answer had it */
        {"{\"name\":\"x\"}", "{\"name\":\"y\"}", "", "{}", "{\"name\":\"y\"}", true},
        {"{\"name\":\"x\"}", "{\"name\":\"y\"}", "", "{}", "{\"name\":\"x\"}", false},
        {"{\"name\":\"x\"}", "{}", "{\"name\":\"y\"}", "{}", "{\"on\":1}", true},
        {"{\"name\":\"x\",\"on\":1}", "{\"name\":\"y\",\"on\":2}", "", "{}", "{\"name\":\"y\"}",
         false},
        /* spelled otherwise */
        {"{\"name\":\" Clerk \"}", "{\"name\":\"clerk\"}", "", "{}", "", true},
        {"{\"name\":\"+49 (30) 12\"}", "{\"name\":\"+493012\"}", "", "{}", "", true},
        {"{\"name\":\"2026-01-02\"}", "{\"name\":\"2026-01-02T00:00Z\"}", "", "{}", "", true},
        {"{\"name\":\"abcdefgh\"}", "{\"name\":\"abcd\"}", "", "{}", "", true},
        {"{\"name\":\"abcdefgh\"}", "{\"name\":\"abc\"}", "", "{}", "", false},
        {"{\"on\":7}", "{\"on\":\"7\"}", "", "{}", "", true},
        {"{\"on\":7}", "{\"on\":77}", "", "{}", "", false},
        {"{\"name\":\"abcd1\"}", "{\"name\":\"abcd2\"}", "", "{}", "", false},
        {"{\"name\":\"\"}", "{\"name\":\"\\u0020\"}", "", "{}", "", false},
        {"{\"name\":\" \"}", "{\"name\":\"-\"}", "", "{}", "", true},
        /* at another place */
        {"{\"boss\":\"u-1\"}", "{}", "{\"boss\":\"u-2\"}", "{\"b\":{\"id\":\"u-1\"}}", "", true},
    };
    struct target *target = open_target("");

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct comparison_sides sides = {span_of(rows[i].sent), span_of(rows[i].read),
                                               span_of(rows[i].before), span_of(rows[i].body)};

        if (comparison_is_explained(target, &sides, span_of(rows[i].answered)) != rows[i].explained)
            fail_msg("line %zu", i + 1);
    }
    target_close(target);
}

static void members_that_are_gone_are_named(void **state)
{
    static const struct {
        const char *before, *after, *gone;
        size_t count;
    } rows[] = {
        {"{\"a\":1,\"b\":{\"c\":2}}", "{\"b\":{\"c\":3},\"a\":0}", "", 0},
        {"{\"a\":1,\"b\":{\"c\":2,\"d\":null},\"e\":[1]}", "{\"b\":{}}", "/a, /b/c", 3},
        {"{\"a\":null}", "{}", "", 0},
        {"{\"a\":{\"b\":1}}", "{\"a\":5}", "/a/b", 1},
        {"{\"a/b\":{\"~\":1}}", "{\"a/b\":{}}", "/a~1b/~0", 1},
        {"", "{}", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf gone = {0};

        assert_int_equal(rows[i].count, comparison_gone(span_of(rows[i].before),
                                                        span_of(rows[i].after), 2, &gone));
        assert_string_equal(rows[i].gone, buf_text(&gone));
        buf_release(&gone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_named_unless_it_came_back_as_it_was_sent),
        cmocka_unit_test(what_neither_we_nor_the_api_wrote_is_recognised),
        cmocka_unit_test(members_that_are_gone_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
