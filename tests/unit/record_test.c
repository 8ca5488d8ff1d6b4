#include "core/api/record.h"

#include "tests/unit/target_scene.h"

#include <stdlib.h>

static const unsigned char correlation[16] = {0x0b, 0x5b, 0x4a, 0x3c, 0x11, 0x11, 0x42, 0x22,
                                              0xa3, 0x33, 0x44, 0x44, 0x55, 0x55, 0xff, 0x66};

#define UUID "0b5b4a3c-1111-4222-a333-44445555ff66"
#define URL  "/api/v2/customobjects/schemas/"

static void names_and_ids_are_one_path_segment_each(void **state)
{
    static const struct {
        struct span schema, id;
        const char *url;
    } cases[] = {
        {{"InventoryItem", 13}, {"WH-1042", 7}, URL "InventoryItem/records/WH-1042"},
        {{"a", 1}, {"AZaz09-._~", 10}, URL "a/records/AZaz09-._~"},
        {{"a", 1}, {"../b", 4}, URL "a/records/..%2Fb"},
        {{"a b", 3},
         {"?#&=+;,@:$!'()*", 15},
         URL "a%20b/records/%3F%23%26%3D%2B%3B%2C%40%3A%24%21%27%28%29%2A"},
        {{"a", 1}, {"%2f", 3}, URL "a/records/%252f"},
        {{"\xc3\xa9", 2}, {"\xe2\x82\xac\xff", 4}, URL "%C3%A9/records/%E2%82%AC%FF"},
        {{"a", 1}, {"a\0\n\x7f", 4}, URL "a/records/a%00%0A%7F"},
        {{"a", 1}, {"\\\"<>[]{}|^`", 11}, URL "a/records/%5C%22%3C%3E%5B%5D%7B%7D%7C%5E%60"},
        {{"", 0}, {NULL, 0}, URL "/records/"},
    };
    struct target_scratch scratch = {0};
    struct buf out = {0}, body = {0};
    enum target_method method;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&out);
        assert_true(target_request(
            target_guide(), TARGET_READ_IT,
            &(struct target_row){.schema = cases[i].schema, .record_id = cases[i].id}, &scratch,
            &method, &out, &body));
        assert_string_equal(buf_text(&out), cases[i].url);
    }
    target_scratch_release(&scratch);
    buf_release(&out);
}

/* Reads a record as a GET of the guide shows it. */
static bool read_guide(struct span body, struct api_record *record)
{
    const struct api_view guide = {.target = target_guide()};
    struct target_scratch scratch = {0};
    bool good;

    good = api_read_record(&guide, body, &scratch, record);
    target_scratch_release(&scratch);
    return good;
}

static void every_member_of_a_record_is_optional(void **state)
{
    static const struct {
        const char *body;
        int64_t version; /* -1: none */
        bool is_ours;
        const char *fields; /* NULL: none */
    } cases[] = {
        {"{}", -1, false, NULL},
        {"{\"version\":6}", 6, false, NULL},
        {" {\"id\":\"x\",\"version\":0,\"fields\":{\"a\":1.50, "
         "\"b\":[{}]},\"metadata\":{\"tags\":[],"
         "\"requestCorrelationId\":\"" UUID "\"}}\n",
         0, true, "{\"a\":1.50, \"b\":[{}]}"},
        {"{\"metadata\":{\"tags\":[]}}", -1, false, NULL},
        {"{\"metadata\":null,\"fields\":null,\"version\":null}", -1, false, NULL},
        {"{\"requestCorrelationId\":\"" UUID "\"}", -1, false, NULL},
        {"{\"fields\":{\"version\":3,\"metadata\":{\"requestCorrelationId\":\"" UUID "\"}}}", -1,
         false, "{\"version\":3,\"metadata\":{\"requestCorrelationId\":\"" UUID "\"}}"},
        {"{\"metadata\":{\"version\":3,\"metadata\":{\"requestCorrelationId\":\"" UUID "\"}}}", -1,
         false, NULL},
        /* missing is not empty */
        {"{\"version\":6,\"fields\":{}}", 6, false, "{}"},
        {"{\"version\":6,\"fields\":\"{}\"}", 6, false, NULL},
        {"{\"version\":6,\"fields\":[]}", 6, false, NULL},
        {"{\"version\":6,\"fields\":0}", 6, false, NULL},
        {"{\"ver\\u0073ion\":7}", 7, false, NULL},
        {"{\"version\":6.0}", 6, false, NULL},
        {"{\"version\":60e-1}", 6, false, NULL},
        {"{\"version\":12e2}", 1200, false, NULL},
        {"{\"version\":6.5}", -1, false, NULL},
        {"{\"version\":-1}", -1, false, NULL},
        {"{\"version\":\"6\"}", -1, false, NULL},
        {"{\"version\":999999999999999999}", 999999999999999999, false, NULL},
        {"{\"version\":1e999999999999}", -1, false, NULL},
        {"{\"version\":123456789012345678901234}", -1, false, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct api_record record;

        memset(&record, 0x55, sizeof record);
        assert_true(read_guide(span_of(cases[i].body), &record));
        assert_int_equal(record.has_version, cases[i].version >= 0);
        assert_int_equal(record.version, cases[i].version >= 0 ? cases[i].version : 0);
        assert_int_equal(api_owner(&record.id, correlation) == API_OURS, cases[i].is_ours);
        assert_int_equal(record.has_fields, cases[i].fields != NULL);
        assert_true(span_is(record.fields, cases[i].fields ? cases[i].fields : ""));
    }
}

/* Only a complete UUID that differs is the id of another update. Missing, empty or garbled ids
 * identify nobody, because a server that garbles ids garbles ours, too. Our digits count in any
 * form. */
static const struct {
    const char *id; /* JSON */
    enum api_owner owner;
} ids[] = {
    {"\"" UUID "\"", API_OURS},
    {"\"0B5B4A3C-1111-4222-A333-44445555FF66\"", API_OURS},
    {"\"0b5b4a3c-1111-4222-A333-44445555ff66\"", API_OURS},
    {"\"{" UUID "}\"", API_OURS},
    {"\"{0B5B4A3C-1111-4222-A333-44445555FF66}\"", API_OURS},
    {"\"urn:uuid:" UUID "\"", API_OURS},
    {"\"URN:UUID:" UUID "\"", API_OURS},
    {"\" " UUID "\"", API_OURS},
    {"\"" UUID "  \"", API_OURS},
    {"\"0b5b4a3c111142 22a33344445555ff66\"", API_OURS},
    {"\"0b5b4a3c11114222a33344445555ff66\"", API_OURS},
    {"\"\\u0030b5b4a3c-1111-4222-a333-44445555ff66\"", API_OURS},
    {"\"11111111-2222-4333-8444-555555555555\"", API_ANOTHERS},
    {"\"AAAAAAAA-2222-4333-8444-555555555555\"", API_ANOTHERS},
    {"\"0b5b4a3c-1111-4222-a333-44445555ff67\"", API_ANOTHERS},
    {"\"0b5b4a3c-1111-8222-a333-44445555ff66\"", API_ANOTHERS},
    /* what could be a garbled form of ours */
    {"null", API_OWNER_UNKNOWN},
    {"\"\"", API_OWNER_UNKNOWN},
    {"\" \"", API_OWNER_UNKNOWN},
    {"7", API_OWNER_UNKNOWN},
    {"true", API_OWNER_UNKNOWN},
    {"{}", API_OWNER_UNKNOWN},
    {"[\"" UUID "\"]", API_OWNER_UNKNOWN},
    {"\"nightly import\"", API_OWNER_UNKNOWN},
    {"\"" UUID "x\"", API_OWNER_UNKNOWN},
    {"\"x" UUID "\"", API_OWNER_UNKNOWN},
    {"\"" UUID "0\"", API_OWNER_UNKNOWN},
    {"\"0b5b4a3c-1111-4222-a333-44445555ff6\"", API_OWNER_UNKNOWN},
    {"\"0b5b4a3c-1111-4222-a333\"", API_OWNER_UNKNOWN},
    {"\"gb5b4a3c-1111-4222-a333-44445555ff66\"", API_OWNER_UNKNOWN},
    {"\"" UUID "\\u0000\"", API_OWNER_UNKNOWN},
    {"\"\\ufeff" UUID "\"", API_OWNER_UNKNOWN},
    {"\"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\"", API_OWNER_UNKNOWN},
    {"\"{11111111-2222-4333-8444-555555555555}\"", API_OWNER_UNKNOWN},
    {"\"urn:uuid:11111111-2222-4333-8444-555555555555\"", API_OWNER_UNKNOWN},
    {"\" 11111111-2222-4333-8444-555555555555\"", API_OWNER_UNKNOWN},
    {"\"11111111222243338444555555555555\"", API_OWNER_UNKNOWN},
    {"\"111111112222-4333-8444-5555555555555\"", API_OWNER_UNKNOWN},
    /* digits enough, and a hyphen where it does not belong */
    {"\"1111111-12222-4333-8444-555555555555\"", API_OWNER_UNKNOWN},
    {"\"11111111-222-24333-8444-555555555555\"", API_OWNER_UNKNOWN},
    {"\"11111111-2222-433-38444-555555555555\"", API_OWNER_UNKNOWN},
    {"\"11111111-2222-4333-844-4555555555555\"", API_OWNER_UNKNOWN},
    {"\"\\u0000" UUID "\"", API_OWNER_UNKNOWN},
    {"\"00000000-0000-0000-0000-000000000000\"", API_OWNER_UNKNOWN},
    {"\"ffffffff-ffff-ffff-ffff-ffffffffffff\"", API_OWNER_UNKNOWN},
};

static void an_id_identifies_an_update_only_if_it_is_complete(void **state)
{
    struct buf body = {0};

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct api_record record;

        buf_reset(&body);
        buf_printf(&body, "{\"metadata\":{\"requestCorrelationId\":%s}}", ids[i].id);
        assert_true(read_guide(buf_span(&body), &record));
        if (api_owner(&record.id, correlation) != ids[i].owner)
            fail_msg("%s: %d", ids[i].id, api_owner(&record.id, correlation));
    }
    buf_release(&body);
}

static void what_a_record_lacks_is_named_with_its_place(void **state)
{
    static const char header[] =
        "{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\"},\"fields\":\"/a/b\","
        "\"lock\":{\"read\":\"header:ETag\",\"write\":\"header:If-Match\"}}";
    static const char member[] = "{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\"},"
                                 "\"lock\":{\"read\":\"/rev\",\"write\":\"/rev\"}}";
    static const char none[] = "{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\"}}";
    static const struct {
        const char *description; /* NULL: the guide's */
        const char *body, *header, *lack;
    } cases[] = {
        {NULL, "{\"fields\":{}}", "", "a version, which is a whole number, at \"/version\""},
        {NULL, "{\"version\":\"7\",\"fields\":{}}", "",
         "a version, which is a whole number, at \"/version\""},
        {NULL, "{\"version\":7}", "", "an object with fields at \"/fields\""},
        {NULL, "{\"version\":7,\"fields\":{}}", "", ""},
        {header, "{\"a\":{\"b\":{}}}", "", "the token of the lock in the header field ETag"},
        {header, "{\"a\":{}}", "e", "an object with fields at \"/a/b\""},
        {header, "{\"a\":{\"b\":{}}}", "e", ""},
        {member, "{}", "", "the token of the lock at \"/rev\""},
        {member, "{\"rev\":\"r\"}", "", ""},
        {none, "{}", "", ""},
    };
    struct buf text = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct target *opened =
            cases[i].description ? target_of(cases[i].description, NULL, 0) : NULL;
        const struct target *target = opened ? opened : target_guide();
        const struct api_view view = {.target = target, .header = span_of(cases[i].header)};
        struct target_scratch scratch = {0};
        struct api_record record;

        buf_reset(&text);
        assert_true(api_read_record(&view, span_of(cases[i].body), &scratch, &record));
        assert_int_equal(api_record_lack(target, &record, &text), cases[i].lack[0] != '\0');
        assert_string_equal(buf_text(&text), cases[i].lack);
        target_scratch_release(&scratch);
        target_close(opened);
    }
    buf_release(&text);
}

static void a_body_that_is_not_a_record_is_recognised(void **state)
{
    static const char *const bodies[] = {
        "",
        " ",
        "[]",
        "null",
        "\"version\"",
        "<html>",
        "{\"version\":6",
        "{\"version\":6}}",
        "{\"version\":6,}",
        "{'version':6}",
        "{\"version\":06}",
        "{\"version\":NaN}",
        "{\"version\":6,\"version\":7}",
        "{\"a\":\"\xff\"}",
    };
    struct api_record record;
    struct buf deep = {0};
    char *large = calloc(1, (1 << 20) + 1);

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_false(read_guide(span_of(bodies[i]), &record));
    assert_false(read_guide((struct span){NULL, 0}, &record));
    buf_append_text(&deep, "{\"a\":");
    for (int i = 0; i < 10000; i++)
        buf_append_char(&deep, '[');
    assert_false(read_guide(buf_span(&deep), &record));
    buf_release(&deep);
    memset(large, ' ', (1 << 20) + 1);
    memcpy(large, "{}", 2);
    assert_true(read_guide((struct span){large, 1 << 20}, &record));
    assert_false(read_guide((struct span){large, (1 << 20) + 1}, &record));
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_ids_are_one_path_segment_each),
        cmocka_unit_test(every_member_of_a_record_is_optional),
        cmocka_unit_test(an_id_identifies_an_update_only_if_it_is_complete),
        cmocka_unit_test(what_a_record_lacks_is_named_with_its_place),
        cmocka_unit_test(a_body_that_is_not_a_record_is_recognised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
