#include "core/target/results.h"

#include "tests/unit/target_scene.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A target with these members of `results`. */
static struct target *open_target(const char *results)
{
    struct buf text = {0};
    struct target *target;

    buf_printf(&text,
               "{\"write\":{\"method\":\"PUT\",\"path\":\"/r/{id}\"},\"bulk\":{\"method\":\"POST\","
               "\"path\":\"/b\",\"list\":\"/in\",\"max\":9,\"item\":{\"id\":\"{id}\"},"
               "\"results\":{%s}}}",
               results);
    target = target_of(buf_text(&text), NULL, 0);
    buf_release(&text);
    return target;
}

#define ALL                                                                                        \
    "\"list\":\"/out\",\"id\":\"/id\",\"ok\":\"/ok\",\"status\":\"/s\",\"error\":\"/e\","          \
    "\"record\":\"/r\""
#define COUCH "\"list\":\"\",\"id\":\"/id\",\"ok\":\"/ok\",\"error\":\"\",\"record\":\"\""
#define BARE  "\"list\":\"\",\"id\":\"/id\""

/* An answer about the rows a and b: for each its status and body, or - for an answer that is not
 * read. */
static const struct {
    const char *results, *answer, *expected;
} cases[] = {
    /* in any order, each with its part */
    {ALL,
     "{\"out\":[{\"id\":\"b\",\"ok\":false,\"s\":422,\"e\":{\"code\":\"x\"},\"r\":{\"v\":1}},"
     "{\"id\":\"a\",\"ok\":true,\"s\":201,\"e\":{},\"r\":{\"v\":2}}]}",
     "201 {\"v\":2}, 422 {\"code\":\"x\"}"},
    {ALL, "{\"out\":[{\"id\":\"a\",\"ok\":true},{\"id\":\"b\",\"ok\":false}]}", "200 , 400 "},
    {ALL, "{\"out\":[{\"id\":\"a\",\"s\":200},{\"id\":\"b\",\"s\":500,\"e\":null}]}", "200 , 500 "},
    {BARE, "[{\"id\":\"a\"},{\"id\":\"b\",\"x\":1}]", "200 , 200 "},
    {COUCH, "[{\"ok\":true,\"id\":\"a\"},{\"id\":\"b\",\"code\":\"conflict\"}]",
     "200 {\"ok\":true,\"id\":\"a\"}, 400 {\"id\":\"b\",\"code\":\"conflict\"}"},
    {BARE, "[{\"id\":\"\\u0061\"}]", "200 , 0 "},
    /* not named, named twice, others, without an id */
    {ALL, "{\"out\":[]}", "0 , 0 "},
    {BARE, "[{\"id\":\"a\"},{\"id\":\"a\"},{\"id\":\"b\"}]", "0 , 200 "},
    {BARE, "[{\"id\":\"a\"},{\"id\":\"a\"},{\"id\":\"a\"}]", "0 , 0 "},
    {BARE,
     "[{\"id\":\"A\"},{\"id\":\"\"},{\"id\":\"ab\"},{\"id\":null},{\"id\":[\"a\"]},{},1,null,"
     "\"a\",[\"b\"]]",
     "0 , 0 "},
    /* success and status of another kind, or that contradict each other */
    {ALL, "{\"out\":[{\"id\":\"a\",\"ok\":true,\"s\":400},{\"id\":\"b\",\"ok\":false,\"s\":200}]}",
     "0 , 0 "},
    {ALL, "{\"out\":[{\"id\":\"a\",\"ok\":\"true\"},{\"id\":\"b\",\"ok\":1,\"s\":200}]}", "0 , 0 "},
    {ALL, "{\"out\":[{\"id\":\"a\",\"s\":\"200\"},{\"id\":\"b\",\"s\":200.0}]}", "0 , 0 "},
    {ALL, "{\"out\":[{\"id\":\"a\",\"s\":0},{\"id\":\"b\",\"s\":100}]}", "0 , 0 "},
    {ALL, "{\"out\":[{\"id\":\"a\",\"s\":99999999999999999999},{\"id\":\"b\",\"s\":-200}]}",
     "0 , 0 "},
    /* success next to an error; null, false, zero or an empty text is not an error */
    {ALL,
     "{\"out\":[{\"id\":\"a\",\"ok\":true,\"e\":{\"code\":\"x\"}},"
     "{\"id\":\"b\",\"s\":200,\"e\":{\"message\":\"m\"}}]}",
     "0 , 0 "},
    {COUCH,
     "[{\"ok\":true,\"id\":\"a\",\"code\":\"x\"},{\"ok\":true,\"id\":\"b\",\"message\":{\"a\":1}}]",
     "0 , 0 "},
    {ALL,
     "{\"out\":[{\"id\":\"a\",\"ok\":true,\"e\":{\"code\":0,\"message\":\"\"}},"
     "{\"id\":\"b\",\"ok\":true,\"e\":{\"code\":null,\"message\":false}}]}",
     "200 , 200 "},
    {ALL, "{\"out\":[{\"id\":\"a\",\"e\":{\"code\":\"\"}},{\"id\":\"b\",\"ok\":true,\"e\":\"\"}]}",
     "0 , 200 "},
    {"\"list\":\"/out\",\"id\":\"/id\",\"error\":\"/e\"",
     "{\"out\":[{\"id\":\"a\",\"e\":{\"code\":\"x\"}},{\"id\":\"b\",\"e\":null}]}",
     "400 {\"code\":\"x\"}, 200 "},
    /* success is described, and not there: an error has to be */
    {ALL, "{\"out\":[{\"id\":\"a\"},{\"id\":\"b\",\"e\":{\"message\":\"m\"}}]}",
     "0 , 400 {\"message\":\"m\"}"},
    {ALL, "{\"out\":[{\"id\":\"a\",\"e\":{}},{\"id\":\"b\",\"e\":\"x\"}]}", "0 , 400 \"x\""},
    {ALL,
     "{\"out\":[{\"id\":\"a\",\"ok\":true,\"e\":\"x\"},{\"id\":\"b\",\"ok\":false,\"e\":\"x\"}]}",
     "0 , 400 \"x\""},
    {COUCH, "[{\"id\":\"a\"},{\"id\":\"b\",\"ok\":null}]", "0 , 0 "},
    /* what is not a list of results */
    {ALL, "{}", "-"},
    {ALL, "{\"out\":{\"a\":{\"ok\":true}}}", "-"},
    {ALL, "[{\"id\":\"a\",\"ok\":true}]", "-"},
    {ALL, "{\"out\":null}", "-"},
    {BARE, "{\"id\":\"a\"}", "-"},
    {BARE, "\"a\"", "-"},
    {BARE, "", "-"},
    {BARE, "[{\"id\":\"a\"}", "-"},
    {BARE, "[{\"id\":\"a\"}] x", "-"},
    {BARE, "[{\"id\":\"a\",\"id\":\"b\"}]", "-"},
    {BARE, "[{\"id\":\"a\"},{\"id\":\"\xff\"}]", "-"},
    {BARE, "<html>a</html>", "-"},
};

static void print(const struct result *rows, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%ld %.*s", i ? ", " : "", rows[i].status, (int)rows[i].body.size,
                   rows[i].body.size ? rows[i].body.data : "");
}

static void each_result_is_that_of_its_row(void **state)
{
    struct target_scratch scratch = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct target *target = open_target(cases[i].results);
        struct result rows[] = {{.id = span_of("a"), .status = 200, .named = 1},
                                {.id = span_of("b"), .status = 200, .named = 1}};
        struct buf out = {0};

        if (results_read(target, span_of(cases[i].answer), rows, COUNT(rows), &scratch))
            print(rows, COUNT(rows), &out);
        else
            buf_append_char(&out, '-');
        if (strcmp(buf_text(&out), cases[i].expected) != 0)
            fail_msg("%s\n is: %s\nnot: %s", cases[i].answer, buf_text(&out), cases[i].expected);
        buf_release(&out);
        target_close(target);
    }
    target_scratch_release(&scratch);
}

/* Ids that are numbers, empty, long, or parts of each other, in a list that has more than was sent.
 */
static void ids_are_compared_whole(void **state)
{
    static const char *const ids[] = {"", "0", "00", "1", "10", "a", "aa", "a/b", "\"", "\xc3\xa4"};
    struct target *target = open_target(BARE);
    struct target_scratch scratch = {0};
    struct result rows[COUNT(ids)];
    struct buf answer = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(ids); i++)
        rows[i] = (struct result){.id = span_of(ids[COUNT(ids) - 1 - i])};
    buf_append_text(&answer,
                    "[{\"id\":0},{\"id\":10},{\"id\":1.0},{\"id\":\"a\\/b\"},{\"id\":\"\\\"\"},"
                    "{\"id\":\"\\u00e4\"},{\"id\":\"aaa\"},{\"id\":\"\"}");
    for (int i = 0; i < 50000; i++)
        buf_printf(&answer, ",{\"id\":\"x%d\"}", i);
    buf_append_char(&answer, ']');
    assert_true(results_read(target, buf_span(&answer), rows, COUNT(rows), &scratch));
    for (size_t i = 0; i < COUNT(ids); i++) {
        bool named = span_is(rows[i].id, "0") || span_is(rows[i].id, "10") ||
                     span_is(rows[i].id, "a/b") || span_is(rows[i].id, "\"") ||
                     span_is(rows[i].id, "\xc3\xa4") || rows[i].id.size == 0;

        assert_int_equal(rows[i].status, named ? 200 : 0);
        assert_int_equal(rows[i].named, named);
    }
    buf_release(&answer);
    target_scratch_release(&scratch);
    target_close(target);
}

/* Nesting has a limit, and a list of 1000 rows is read whatever its order. */
static void depth_and_size_have_limits(void **state)
{
    struct target *target = open_target(ALL);
    struct target_scratch scratch = {0};
    struct result *rows = calloc(1000, sizeof *rows);
    struct buf answer = {0}, ids = {0};

    (void)state;
    assert_non_null(rows);
    buf_append_text(&answer, "{\"out\":[{\"id\":\"a\",\"ok\":true,\"r\":");
    for (int i = 0; i < 10000; i++)
        buf_append_char(&answer, '[');
    rows[0].id = span_of("a");
    assert_false(results_read(target, buf_span(&answer), rows, 1, &scratch));
    buf_reset(&answer);
    for (int i = 0; i < 1000; i++)
        buf_printf(&ids, "id%04d", i * 7919 % 1000);
    for (size_t i = 0; i < 1000; i++)
        rows[i].id = (struct span){ids.data + i * 6, 6};
    buf_append_text(&answer, "{\"out\":[");
    for (int i = 999; i >= 0; i--)
        buf_printf(&answer, "{\"id\":\"id%04d\",\"s\":%d}%s", i, 200 + i % 300, i ? "," : "]}");
    assert_true(results_read(target, buf_span(&answer), rows, 1000, &scratch));
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(rows[i].status, 200 + (long)(i * 7919 % 1000) % 300);
    free(rows);
    buf_release(&answer);
    buf_release(&ids);
    target_scratch_release(&scratch);
    target_close(target);
}

/* No byte of an answer that is changed makes a success of a row that was not one. */
static void a_changed_byte_is_no_success(void **state)
{
    static const char answer[] = "{\"out\":[{\"id\":\"a\",\"ok\":false,\"s\":422},"
                                 "{\"id\":\"c\",\"ok\":false,\"s\":409,\"e\":{\"code\":\"x\"}}]}";
    struct target *target = open_target(ALL);
    struct target_scratch scratch = {0};
    char changed[sizeof answer];

    (void)state;
    for (size_t at = 0; at < sizeof answer - 1; at++) {
        for (int byte = 1; byte < 256; byte++) {
            struct result rows[] = {{.id = span_of("a")}, {.id = span_of("b")}};

            memcpy(changed, answer, sizeof answer);
            changed[at] = (char)byte;
            if (!results_read(target, span_of(changed), rows, COUNT(rows), &scratch))
                continue;
            for (size_t i = 0; i < COUNT(rows); i++)
                if (rows[i].status && rows[i].status < 300)
                    fail_msg("%s: row %zu has %ld", changed, i, rows[i].status);
        }
    }
    target_scratch_release(&scratch);
    target_close(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_result_is_that_of_its_row),
        cmocka_unit_test(ids_are_compared_whole),
        cmocka_unit_test(depth_and_size_have_limits),
        cmocka_unit_test(a_changed_byte_is_no_success),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
