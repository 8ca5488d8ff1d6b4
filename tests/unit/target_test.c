#include "core/target/target.h"

#include "core/row/parts.h"
#include "core/target/pointer.h"
#include "core/target/preset.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const unsigned char correlation[16] = {0x0b, 0x5b, 0x4a, 0x3c, 0x11, 0x11, 0x42, 0x22,
                                              0xa3, 0x33, 0x44, 0x44, 0x55, 0x55, 0xff, 0x66};
static const char golden_path[] = "tests/golden/targets.txt";

static const char *environment(const char *name)
{
    return strcmp(name, "SITE") == 0 ? "hq \"1\"" : NULL;
}

/* Opens a description with properties, whose names have commas between them. NULL with *fault. */
static struct target *open_with(const char *description, const char *properties,
                                struct description_fault *fault)
{
    struct json_tape tape = {0};
    struct json_fault wrong;
    struct span names[32];
    size_t count = 0;
    struct target *target;

    target_set_environment(environment);
    if (!json_scan(&tape, span_of(description), 0, &wrong))
        fail_msg("%s: %s", description, wrong.message);
    for (const char *at = properties; *at;) {
        size_t size = strcspn(at, ",");

        names[count++] = (struct span){at, size};
        at += size + (at[size] == ',');
    }
    target = target_open(description, &tape, 0, names, count, fault);
    json_tape_release(&tape);
    return target;
}

static struct target *open_good(const char *description, const char *properties)
{
    struct description_fault fault;
    struct target *target = open_with(description, properties, &fault);

    if (!target)
        fail_msg("%s: %s: %s", description, fault.pointer, fault.text);
    return target;
}

/* What is printed of a preset: the values of its parameters, and a row. */
static const struct {
    const char *description, *properties, *record_id, *fields, *token;
} rows[] = {
    {"\"guide\"", "sku,price", "WH-1042", "{\"sku\":\"a\", \"price\": 45.50}", "5"},
    {"{\"preset\":\"genesys-external-contacts\",\"params\":{\"source\":\"erp\"}}",
     "firstName,workPhone,city,street,loyalty", "C/1",
     "{\"firstName\":\"J\\u00f6rg\",\"workPhone\":\"+49 1\",\"city\":\"Ulm\",\"loyalty\":7}", ""},
    {"{\"preset\":\"genesys-external-organizations\",\"params\":{\"source\":\"erp\"}}",
     "name,phone,credit", "O 1", "{\"name\":\"ACME\",\"credit\":1.50}", ""},
    {"{\"preset\":\"genesys-datatable-rows\",\"params\":{\"table\":{\"env\":\"SITE\"}}}",
     "queue,open", "4711", "{ \"queue\":\"vip\",\"open\":true }", ""},
    {"\"genesys-users\"", "title,manager", "u1", "{\"title\":null,\"manager\":\"u2\"}", "7"},
    {"\"genesys-groups\"", "name", "g1", "{\"name\":\"Sales\"}", "8"},
    {"{\"preset\":\"genesys-user-attributes\",\"params\":{\"attributeSchema\":\"s1\"}}", "grade",
     "u1", "{\"grade\":3}", ""},
    {"{\"preset\":\"genesys-conversation-attributes\",\"params\":{\"attributeSchema\":17}}",
     "order", "c%2F1/a1", "{\"order\":\"4711\"}", "2"},
    {"\"genesys-workitems\"", "name,priority,machine", "w1", "{\"priority\":5,\"machine\":\"M\"}",
     ""},
    {"{\"preset\":\"genesys-outbound-contacts\",\"params\":{\"list\":\"l1\"}}", "Phone,Tries,Gone",
     "77", "{\"Phone\":\"+1\",\"Tries\":3,\"Gone\":null}", ""},
    {"\"genesys-scim-users\"", "title,active", "u1", "{\"title\":\"Dr\",\"active\":true}",
     "\"W/\\\"3\\\"\""},
    {"{\"preset\":\"genesys-scim-users\",\"lock\":{\"read\":\"header:ETag\",\"write\":\"/v\"}}",
     "title", "u1", "{}", "W/\"3\""},
    {"{\"preset\":\"rest-version\",\"write\":{\"path\":\"/things/{id}?return=full\"}}", "a", "t1",
     "{\"a\":1}", "\"3-abc\""},
    {"{\"preset\":\"rest-etag\",\"write\":{\"path\":\"/things/{id}\"}}", "a", "t1", "{}",
     "\"abc\""},
    {"{\"preset\":\"rest-plain\",\"write\":{\"path\":\"/things/{id}\"}}", "a", "t1", "{\"a\":[1]}",
     ""},
    {"{\"preset\":\"rest-bulk\",\"write\":{\"path\":\"/rows/{id}\"},\"bulk\":{\"path\":\"/rows/"
     "_bulk_docs\"}}",
     "a", "r/1", "{\"a\":[1]}", "\"3-abc\""},
};

static void print_request(const struct target *target, enum target_request request,
                          const struct target_row *row, struct buf *out)
{
    static const char *const names[] = {[TARGET_WRITE_IT] = "write",
                                        [TARGET_CREATE_IT] = "create",
                                        [TARGET_READ_IT] = "read",
                                        [TARGET_SEVERAL] = "item"};
    struct target_scratch scratch = {0};
    struct target_header headers[TARGET_HEADERS];
    struct buf path = {0}, body = {0};
    const char *content_type = NULL;
    enum target_method method;

    assert_true(target_request(target, request, row, &scratch, &method, &path, &body));
    buf_printf(out, "  %s: %s %s\n", names[request], target_method_name(method), buf_text(&path));
    target_headers(target, request, row->token, &scratch, headers, &content_type);
    if (content_type)
        buf_printf(out, "    Content-Type: %s\n", content_type);
    for (size_t i = 0; headers[i].name; i++)
        buf_printf(out, "    %s: %s\n", headers[i].name, headers[i].value);
    if (body.size)
        buf_printf(out, "    %s\n", buf_text(&body));
    if (body.size) {
        struct json_object *read = json_tokener_parse(buf_text(&body));

        assert_non_null(read);
        json_object_put(read);
    }
    buf_release(&path);
    buf_release(&body);
    target_scratch_release(&scratch);
}

/* Every preset: its write, its write of a record that is not known, its create, its read. */
static void requests_are_as_in_the_golden_file(void **state)
{
    struct buf out = {0};
    char *expected;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct target *target = open_good(rows[i].description, rows[i].properties);
        struct target_row row = {.schema = span_of("Item"),
                                 .record_id = span_of(rows[i].record_id),
                                 .fields = span_of(rows[i].fields),
                                 .tags = span_of("[\"erp-sync\"]"),
                                 .source = span_of("row \"ferry\""),
                                 .token = span_of(rows[i].token),
                                 .correlation = correlation};

        buf_printf(&out, "%s\n", rows[i].description);
        print_request(target, TARGET_WRITE_IT, &row, &out);
        row.token = (struct span){0};
        if (rows[i].token[0])
            print_request(target, TARGET_WRITE_IT, &row, &out);
        if (target_description(target)->missing == TARGET_CREATE)
            print_request(target, TARGET_CREATE_IT, &row, &out);
        row.token = span_of(rows[i].token);
        if (target_description(target)->bulk.max) {
            print_request(target, TARGET_SEVERAL, &row, &out);
            buf_printf(
                &out, "    of %u in %s...%s\n", (unsigned)target_description(target)->bulk.max,
                target_description(target)->bulk.head, target_description(target)->bulk.tail);
        }
        print_request(target, TARGET_READ_IT, &row, &out);
        target_close(target);
    }
    if (getenv("UPDATE_GOLDEN"))
        scratch_write(golden_path, out.data, out.size);
    expected = scratch_read(golden_path);
    assert_non_null(expected);
    assert_string_equal(buf_text(&out), expected);
    free(expected);
    buf_release(&out);
}

/* The guide's request is what it was before targets were described. */
static void the_guide_is_the_default(void **state)
{
    static const char *const fields[] = {"{}", "{ }", "{\"a\":1}",
                                         "{\"price\": 45.50, \"n\":12345678901234567890.10}"};
    struct description_fault fault;
    struct target *opened = target_open(NULL, NULL, 0, NULL, 0, &fault);
    struct target_scratch scratch = {0};
    struct buf path = {0}, body = {0}, expected = {0};
    enum target_method method;
    struct span ids[] = {{"a,b", 3}, {"c", 1}};

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(fields); i++) {
        struct target_row row = {.schema = span_of("Inventory Item"),
                                 .record_id = span_of("WH/1042"),
                                 .fields = span_of(fields[i / 2]),
                                 .tags = span_of("[\"erp-sync\"]"),
                                 .source = span_of("row \"ferry\""),
                                 .token = span_of("9223372036854775807"),
                                 .correlation = correlation};

        buf_reset(&path);
        buf_reset(&body);
        buf_reset(&expected);
        assert_true(target_request(i % 2 ? opened : target_guide(), TARGET_WRITE_IT, &row, &scratch,
                                   &method, &path, &body));
        assert_int_equal(method, TARGET_PUT);
        assert_string_equal(buf_text(&path),
                            "/api/v2/customobjects/schemas/Inventory%20Item/records/WH%2F1042");
        buf_printf(&expected,
                   "{\"version\":9223372036854775807,\"fields\":%s,\"metadata\":{\"tags\":"
                   "[\"erp-sync\"],\"source\":\"row \\\"ferry\\\"\",\"requestCorrelationId\":"
                   "\"0b5b4a3c-1111-4222-a333-44445555ff66\"}}",
                   fields[i / 2]);
        assert_string_equal(buf_text(&body), buf_text(&expected));
    }
    buf_reset(&path);
    target_audit_path(target_guide(), span_of("S 1"), ids, 2, &path);
    assert_string_equal(
        buf_text(&path),
        "/api/v2/customobjects/schemas/S%201/records/auditlogs?entityIds=a%2Cb,c&pageSize=25");
    buf_release(&path);
    buf_release(&body);
    buf_release(&expected);
    target_scratch_release(&scratch);
    target_close(opened);
}

/* If the file with the presets that were agreed on is next to the repository, ours are the same
 * but for the limits. */
static void presets_are_those_that_were_agreed_on(void **state)
{
    char *text = scratch_read("../shared/targets/presets.json");
    struct json_object *agreed = text ? json_tokener_parse(text) : NULL;

    (void)state;
    free(text);
    if (!agreed)
        skip();
    json_object_object_foreach(agreed, name, value)
    {
        const char *ours = preset_find(span_of(name));
        struct json_object *read;

        if (!ours)
            fail_msg("%s is missing", name);
        read = json_tokener_parse(ours);
        json_object_object_del(read, "limits"); /* facts that are kept elsewhere there */
        if (!json_object_equal(read, value))
            fail_msg("%s differs", name);
        json_object_put(read);
    }
    json_object_put(agreed);
}

#define BULK(members)                                                                              \
    ",\"bulk\":{\"method\":\"POST\",\"path\":\"/b\",\"list\":\"/in\"," members                     \
    ",\"results\":{\"list\":\"\",\"id\":\"/id\"}}"
#define PLAIN "\"write\":{\"method\":\"PUT\",\"path\":\"/t/{id}\"}"

/* The properties are a, b and version. */
static const struct {
    const char *description, *pointer, *text;
} wrong[] = {
    {"7", "", "must be the name of a preset, or an object"},
    {"\"no\"", "",
     "\"no\" is not a preset: use one of genesys-conversation-attributes, genesys-datatable-rows, "
     "genesys-external-contacts, genesys-external-organizations, genesys-groups, "
     "genesys-outbound-contacts, genesys-scim-users, genesys-user-attributes, genesys-users, "
     "genesys-workitems, guide, rest-bulk, rest-etag, rest-plain, rest-version"},
    {"{" PLAIN ",\"speed\":1}", "/speed", "the member \"speed\" is not supported"},
    {"{}", "/write", "must be given: the request that updates a record"},
    {"{\"write\":[]}", "/write", "must be an object"},
    {"{\"write\":{\"path\":\"/t/{id}\"}}", "/write/method", "must be given"},
    {"{\"write\":{\"method\":\"GET\",\"path\":\"/t/{id}\"}}", "/write/method",
     "must be \"PUT\", \"PATCH\" or \"POST\""},
    {"\"rest-etag\"", "/write/path", "must be given: the path of a record, with {id}"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"t/{id}\"}}", "/write/path",
     "must be a path that begins with \"/\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/t/{key}\"}}", "/write/path",
     "nothing fills {key}: declare it in params"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/t\"}}", "/write",
     "does not name the record: use {id} in path or body"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"body\":{\"x\":[\"-{name}-\"]}}}",
     "/write/body/x", "nothing fills {name}: declare it in params"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"body\":{\"a\":1}}}", "/write/body",
     "shares a place of the body with the property \"a\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"body\":{\"f\":1}},\"fields\":\"/f\"}",
     "/write/body/f", "shares the place \"/f\" of the body with other members"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"absent\":\"maybe\"}}", "/write/absent",
     "must be \"keep\" or \"clear\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"back\":[\"x\"]}}", "/write/back/0",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"X\":\"{id}\"}}}",
     "/write/headers/X", "can only have parameters that are the same for all rows"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"X\":\"a\\nb\"}}}",
     "/write/headers/X", "must not have control characters"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"X Y\":\"a\"}}}",
     "/write/headers/", "must be the name of a header field"},
    {"{" PLAIN ",\"params\":{\"table\":null}}", "/params/table",
     "must be given: a text, a number, {\"env\": \"VARIABLE\"} or {\"column\": \"COLUMN\"}"},
    {"{" PLAIN ",\"params\":{\"table\":{\"env\":\"NO\"}}}", "/params/table",
     "the environment variable \"NO\" is not set"},
    {"{" PLAIN ",\"params\":{\"table\":{\"col\":\"NO\"}}}", "/params/table",
     "must be a text, a number, true, false, {\"env\": \"VARIABLE\"} or {\"column\": \"COLUMN\"}"},
    {"{" PLAIN ",\"params\":{\"table\":[]}}", "/params/table",
     "must be a text, a number, true, false, {\"env\": \"VARIABLE\"} or {\"column\": \"COLUMN\"}"},
    {"\"genesys-datatable-rows\"", "/params/table",
     "must be given: a text, a number, {\"env\": \"VARIABLE\"} or {\"column\": \"COLUMN\"}"},
    {"{\"preset\":\"rest-version\"," PLAIN "}", "/lock/write",
     "shares a place of the body with the property \"version\""},
    {"{" PLAIN ",\"mark\":\"/b\"}", "/mark", "shares a place of the body with the property \"b\""},
    {"{" PLAIN ",\"mark\":\"b\"}", "/mark",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"fields\":{\"at\":{\"a\":\"/x\",\"b\":\"/x/y\"}}}", "/fields/at/b",
     "shares the place \"/x/y\" of the body with a field"},
    {"{" PLAIN ",\"fields\":{\"at\":{\"a\":\"/x/y\",\"b\":\"/x\"}}}", "/fields/at/b",
     "shares the place \"/x\" of the body with other members"},
    {"{" PLAIN ",\"fields\":{\"at\":{\"a\":\"/b\"}}}", "/fields",
     "shares a place of the body with the property \"b\""},
    {"{" PLAIN ",\"fields\":{\"at\":{\"a\":\"\"}}}", "/fields/at/a", "must lead to a member"},
    {"{" PLAIN ",\"fields\":{\"at\":{\"a\":\"/x/0/y\"}}}", "/fields/at/a",
     "leads to item 0 of an array, and items cannot be sent one by one: give the place of the "
     "whole array"},
    {"{" PLAIN ",\"fields\":\"/x/-\"}", "/fields",
     "leads to item - of an array, and items cannot be sent one by one: give the place of the "
     "whole array"},
    {"{" PLAIN ",\"lock\":{\"read\":\"/a/1\",\"write\":\"/a/1\"}}", "/lock/write",
     "leads to item 1 of an array, and items cannot be sent one by one: give the place of the "
     "whole array"},
    {"{" PLAIN ",\"mark\":\"/m/7\"}", "/mark",
     "leads to item 7 of an array, and items cannot be sent one by one: give the place of the "
     "whole array"},
    {"{" PLAIN ",\"fields\":{\"each\":{\"list\":\"/x\"}}}", "/fields/each/item", "must be given"},
    {"{" PLAIN ",\"fields\":{\"each\":{\"list\":\"/x\",\"item\":\"{tag}\"}}}", "/fields/each/item",
     "nothing fills {tag}: declare it in params"},
    {"{" PLAIN ",\"fields\":{\"text\":1}}", "/fields/text", "must be true or false"},
    {"{" PLAIN ",\"read\":{\"method\":\"PUT\"}}", "/read/method", "must be \"GET\" or \"POST\""},
    {"{" PLAIN ",\"read\":{\"body\":{}}}", "/read/body", "needs the method \"POST\""},
    {"{" PLAIN ",\"read\":{\"path\":\"/x\"}}", "/read",
     "does not name the record: use {id} in path or body"},
    {"{" PLAIN ",\"read\":{\"ignore\":[\"c\"]}}", "/read/ignore/0",
     "must be the name of a property of the schema file"},
    {"{" PLAIN ",\"lock\":{\"read\":\"/v\"}}", "/lock/write", "must be given"},
    {"{" PLAIN ",\"lock\":{\"read\":\"/v\",\"write\":\"header:If Match\"}}", "/lock/write",
     "does not name a header field after \"header:\""},
    {"{" PLAIN ",\"lock\":{\"read\":\"/v\",\"write\":\"/v\",\"step\":2}}", "/lock/step",
     "must be 1: no other step is supported"},
    {"{" PLAIN ",\"lock\":{\"read\":\"/v\",\"write\":\"/v\",\"step\":1,\"answer\":null}}",
     "/lock/step", "needs a version in the body, of the answer too"},
    {"{" PLAIN ",\"missing\":\"create\"}", "/missing",
     "must be \"refuse\", \"upsert\" or the request that creates a record"},
    {"{" PLAIN ",\"missing\":{\"method\":\"POST\",\"path\":\"/t\"}}", "/missing",
     "does not name the record: use {id} in path or body"},
    {"{" PLAIN ",\"answers\":{\"409 x\":\"again\"}}", "/answers/409 x",
     "must be done, unchanged, conflict, missing, exists, refused, retry, throttled or stop, for "
     "a status, a code, or both with a blank between them"},
    {"{" PLAIN ",\"audit\":\"/log\"}", "/audit", "must have {id}, in place of which ids are sent"},
    {"{" PLAIN ",\"audit\":\"/log?ids={id}\"}", "/audit",
     "needs a lock with a step: entries are found by version"},
    {"{" PLAIN ",\"bulk\":{\"method\":\"POST\",\"path\":\"/b\",\"list\":\"\",\"max\":3}}",
     "/bulk/results", "must be given"},
    {"{" PLAIN ",\"params\":[]}", "/params", "must be an object"},
    {"{" PLAIN ",\"params\":{\"a1\":1,\"a2\":1,\"a3\":1,\"a4\":1,\"a5\":1,\"a6\":1,\"a7\":1,\"a8\":"
     "1,\"a9\":1,\"b1\":1,\"b2\":1,\"b3\":1,\"b4\":1,\"b5\":1,\"b6\":1,\"b7\":1,\"b8\":1,"
     "\"b9\":1,\"c1\":1,\"c2\":1,\"c3\":1,\"c4\":1,\"c5\":1,\"c6\":1,\"c7\":1,\"c8\":1,"
     "\"c9\":1,\"d1\":1,\"d2\":1,\"d3\":1,\"d4\":1,\"d5\":1,\"d6\":1}}",
     "/params/b8", "is one of more than 16 parameters"},
    {"{" PLAIN ",\"params\":{\"t\":{\"env\":\"\"}}}", "/params/t",
     "must be a text, a number, true, false, {\"env\": \"VARIABLE\"} or {\"column\": \"COLUMN\"}"},
    {"{" PLAIN ",\"params\":{\"t\":{\"env\":\"SITE\",\"column\":\"x\"}}}", "/params/t",
     "must be a text, a number, true, false, {\"env\": \"VARIABLE\"} or {\"column\": \"COLUMN\"}"},
    {"{" PLAIN ",\"params\":{\"t\":{\"column\":7}}}", "/params/t",
     "must be a text, a number, true, false, {\"env\": \"VARIABLE\"} or {\"column\": \"COLUMN\"}"},
    {"{" PLAIN ",\"params\":{\"t\":{\"column\":\"version\"}}}", "/params/t",
     "cannot be the column \"version\": it has another meaning"},
    {"{\"write\":{\"method\":7,\"path\":\"/{id}\"}}", "/write/method",
     "must be \"PUT\", \"PATCH\" or \"POST\""},
    {"{\"write\":{\"method\":\"FETCH\",\"path\":\"/{id}\"}}", "/write/method",
     "must be \"PUT\", \"PATCH\" or \"POST\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"\"}}", "/write/path",
     "must be a path that begins with \"/\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":7}}", "/write/path",
     "must be a path that begins with \"/\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/a b/{id}\"}}", "/write/path",
     "must not have blanks, control characters, # or letters beyond ASCII: percent-encode them"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/a#b/{id}\"}}", "/write/path",
     "must not have blanks, control characters, # or letters beyond ASCII: percent-encode them"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/\\u00e4/{id}\"}}", "/write/path",
     "must not have blanks, control characters, # or letters beyond ASCII: percent-encode them"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/\\u007f/{id}\"}}", "/write/path",
     "must not have blanks, control characters, # or letters beyond ASCII: percent-encode them"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/../{id}\"}}", "/write/path",
     "must not have a segment . or .."},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":[]}}", "/write/headers",
     "must be an object"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"X\":7}}}",
     "/write/headers/X", "must be a string"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"X\":\"{no}\"}}}",
     "/write/headers/X", "nothing fills {no}: declare it in params"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"X\":\"\\u007f\"}}}",
     "/write/headers/X", "must not have control characters"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"\":\"a\"}}}",
     "/write/headers/", "must be the name of a header field"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"Host\":\"a\"}}}",
     "/write/headers/Host", "is not for a target: requests have it already"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"Authorization\":\"a\"}}}",
     "/write/headers/Authorization", "is not for a target: the login, or --api-key-file, sets it"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/"
     "{id}\",\"headers\":{\"A\":\"1\",\"B\":\"1\",\"C\":\"1\",\"D\":\"1\",\"E\":\"1\",\"F\":\"1\","
     "\"G\":\"1\",\"H\":\"1\",\"I\":\"1\"}}}",
     "/write/headers/I", "is one of more than 8 header fields"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/"
     "{id}\",\"headers\":{\"X\":\"{p}\"}},\"params\":{\"p\":{\"column\":\"C\"}}}",
     "/write/headers/X", "can only have parameters that are the same for all rows"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"body\":[]}}", "/write/body",
     "must be an object"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"absent\":7}}", "/write/absent",
     "must be \"keep\" or \"clear\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"back\":7}}", "/write/back",
     "must be an array of JSON pointers"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"back\":[\"/a\",\"/b\",\"/c\",\"/d\",\"/"
     "e\",\"/f\",\"/g\",\"/h\",\"/i\",\"/j\",\"/k\",\"/l\",\"/m\",\"/n\",\"/o\",\"/p\",\"/q\"]}}",
     "/write/back/16", "is one of more than 16 pointers"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"back\":[\"/a~2\"]}}", "/write/back/0",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"back\":[\"/a~\"]}}", "/write/back/0",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"read\":7}", "/read", "must be an object"},
    {"{" PLAIN ",\"read\":{\"path\":7}}", "/read/path", "must be a path that begins with \"/\""},
    {"{" PLAIN ",\"read\":{\"body\":7}}", "/read/body", "needs the method \"POST\""},
    {"{" PLAIN ",\"read\":{\"root\":7}}", "/read/root",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"read\":{\"as\":7}}", "/read/as", "must be an object of JSON pointers"},
    {"{" PLAIN ",\"read\":{\"as\":{\"a\":7}}}", "/read/as/a",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"read\":{\"as\":{\"a\":\"x\"}}}", "/read/as/a",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"read\":{\"ignore\":7}}", "/read/ignore", "must be an array of names of fields"},
    {"{" PLAIN ",\"read\":{\"ignore\":[7]}}", "/read/ignore/0",
     "must be the name of a property of the schema file"},
    {"{" PLAIN ",\"lock\":7}", "/lock", "must be an object"},
    {"{" PLAIN ",\"lock\":{\"write\":\"/v\"}}", "/lock/read", "must be given"},
    {"{" PLAIN ",\"lock\":{\"read\":7,\"write\":\"/v\"}}", "/lock/read",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"lock\":{\"read\":\"/v\",\"write\":\"/v\",\"answer\":7}}", "/lock/answer",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"lock\":{\"read\":\"header:ETag\",\"write\":\"/v\",\"step\":1}}", "/lock/step",
     "needs a version in the body, of the answer too"},
    {"{" PLAIN ",\"lock\":{\"read\":\"/v\",\"write\":\"header:If-Match\",\"step\":1}}",
     "/lock/step", "needs a version in the body, of the answer too"},
    {"{" PLAIN
     ",\"lock\":{\"read\":\"/v\",\"write\":\"/v\",\"answer\":\"header:ETag\",\"step\":1}}",
     "/lock/step", "needs a version in the body, of the answer too"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/"
     "{id}\",\"body\":{\"x\":{\"v\":1}}},\"lock\":{\"read\":\"/v\",\"write\":\"/x\"}}",
     "/write/body/x", "shares the place \"/x\" of the body with the lock's token"},
    {"{" PLAIN ",\"missing\":{\"method\":\"POST\",\"path\":\"/t/{id}\",\"speed\":1}}",
     "/missing/speed", "the member \"speed\" is not supported"},
    {"{" PLAIN ",\"missing\":{\"method\":\"GET\",\"path\":\"/t/{id}\"}}", "/missing/method",
     "must be \"PUT\", \"PATCH\" or \"POST\""},
    {"{" PLAIN ",\"missing\":{\"method\":\"POST\",\"path\":\"/t/{id}\",\"body\":7}}",
     "/missing/body", "must be an object"},
    {"{" PLAIN ",\"answers\":7}", "/answers", "must be an object"},
    {"{" PLAIN ",\"answers\":{\"409\":7}}", "/answers/409",
     "must be done, unchanged, conflict, missing, exists, refused, retry, throttled or stop, for a "
     "status, a code, or both with a blank between them"},
    {"{" PLAIN ",\"answers\":{\"\":\"done\"}}", "/answers/",
     "must be done, unchanged, conflict, missing, exists, refused, retry, throttled or stop, for a "
     "status, a code, or both with a blank between them"},
    {"{" PLAIN ",\"error\":7}", "/error", "must be an object"},
    {"{" PLAIN ",\"error\":{\"code\":7}}", "/error/code",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"audit\":7}", "/audit", "must be a path that begins with \"/\""},
    {"{" PLAIN ",\"audit\":\"log\"}", "/audit", "must be a path that begins with \"/\""},
    {"{" PLAIN ",\"bulk\":7}", "/bulk", "must be an object"},
    {"{" PLAIN
     ",\"bulk\":{\"method\":\"GET\",\"path\":\"/b\",\"list\":\"\",\"max\":3,\"results\":\"\"}}",
     "/bulk/method", "must be \"PUT\", \"PATCH\" or \"POST\""},
    {"{" PLAIN
     ",\"bulk\":{\"method\":\"POST\",\"path\":\"b\",\"list\":\"\",\"max\":3,\"results\":\"\"}}",
     "/bulk/path", "must be a path that begins with \"/\""},
    {"{" PLAIN ",\"fields\":{\"at\":7}}", "/fields/at", "must be an object of JSON pointers"},
    {"{" PLAIN ",\"fields\":{\"at\":{\"a\":7}}}", "/fields/at/a",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"fields\":{\"each\":7}}", "/fields/each", "must be an object"},
    {"{" PLAIN ",\"fields\":{\"each\":{\"item\":{}}}}", "/fields/each/list", "must be given"},
    {"{" PLAIN ",\"fields\":{\"each\":{\"list\":7,\"item\":{}}}}", "/fields/each/list",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"fields\":{\"speed\":7}}", "/fields/speed",
     "the member \"speed\" is not supported"},
    {"{" PLAIN ",\"fields\":7}", "/fields",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{" PLAIN ",\"fields\":{\"root\":7}}", "/fields/root",
     "must be a JSON pointer: \"\" or a text that begins with \"/\""},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/"
     "{id}\",\"body\":{\"l\":1}},\"fields\":{\"each\":{\"list\":\"/"
     "l\",\"item\":{\"n\":\"{name}\"}}}}",
     "/fields/each/list", "shares the place \"/l\" of the body with a constant of the body"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"body\":{\"m\":{\"x\":1}}},\"mark\":\"/"
     "m\"}",
     "/mark", "shares the place \"/m\" of the body with other members"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/"
     "{id}\",\"body\":{\"f\":[]}},\"fields\":{\"root\":\"/f\"}}",
     "/write/body/f", "shares the place \"/f\" of the body with other members"},
    {"{\"preset\":7}", "/preset",
     "\"7\" is not a preset: use one of genesys-conversation-attributes, genesys-datatable-rows, "
     "genesys-external-contacts, genesys-external-organizations, genesys-groups, "
     "genesys-outbound-contacts, genesys-scim-users, genesys-user-attributes, genesys-users, "
     "genesys-workitems, guide, rest-bulk, rest-etag, rest-plain, rest-version"},
    {"{\"preset\":\"none\"}", "/preset",
     "\"none\" is not a preset: use one of genesys-conversation-attributes, "
     "genesys-datatable-rows, genesys-external-contacts, genesys-external-organizations, "
     "genesys-groups, genesys-outbound-contacts, genesys-scim-users, genesys-user-attributes, "
     "genesys-users, genesys-workitems, guide, rest-bulk, rest-etag, rest-plain, rest-version"},
    {"{" PLAIN ",\"bulk\":{\"method\":\"POST\",\"path\":\"/b\",\"list\":\"\"}}", "/bulk/max",
     "must be given"},
    {"{" PLAIN
     ",\"bulk\":{\"method\":\"POST\",\"path\":\"/b\",\"list\":\"/in/0\",\"max\":9,\"item\":{\"i\":"
     "\"{id}\"},\"results\":{\"list\":\"\",\"id\":\"/id\"}}}",
     "/bulk/list",
     "leads to item 0 of an array, and items cannot be sent one by one: give the place of the "
     "whole "
     "array"},
    {"{" PLAIN ",\"limits\":5}", "/limits", "must be an object"},
    {"{" PLAIN ",\"limits\":{\"cells\":5}}", "/limits/cells",
     "the member \"cells\" is not supported"},
    {"{" PLAIN ",\"limits\":{\"bytes\":0}}", "/limits/bytes",
     "must be a number from 1 to 16777216"},
    {"{" PLAIN ",\"limits\":{\"bytes\":16777217}}", "/limits/bytes",
     "must be a number from 1 to 16777216"},
    {"{" PLAIN ",\"limits\":{\"rows\":\"5000\"}}", "/limits/rows",
     "must be a number from 1 to 999999999"},
    {"{" PLAIN ",\"limits\":{\"rows\":1000000000}}", "/limits/rows",
     "must be a number from 1 to 999999999"},
    {"{" PLAIN ",\"limits\":{\"fields\":1.5}}", "/limits/fields",
     "must be a number from 1 to 2000"},
    {"{" PLAIN ",\"limits\":{\"fields\":2001}}", "/limits/fields",
     "must be a number from 1 to 2000"},
    {"{" PLAIN BULK("\"max\":1001") "}", "/bulk/max", "must be a number of rows from 1 to 1000"},
    {"{" PLAIN BULK("\"max\":0") "}", "/bulk/max", "must be a number of rows from 1 to 1000"},
    {"{" PLAIN BULK("\"max\":\"9\"") "}", "/bulk/max", "must be a number of rows from 1 to 1000"},
    {"{" PLAIN BULK("\"max\":9,\"creates\":1") "}", "/bulk/creates", "must be true or false"},
    {"{" PLAIN BULK("\"max\":9,\"item\":[]") "}", "/bulk/item", "must be an object"},
    {"{" PLAIN BULK("\"max\":9") "}", "/bulk",
     "does not name the record: use {id} in path or body"},
    {"{" PLAIN BULK("\"max\":9,\"item\":{\"a\":\"{id}\"}") "}", "/bulk/item",
     "shares a place of the body with the property \"a\""},
    {"{" PLAIN ",\"lock\":{\"read\":\"header:ETag\",\"write\":\"header:If-Match\"}" BULK(
         "\"max\":9,\"item\":{\"id\":\"{id}\"}") "}",
     "/lock/write", "cannot be a header field with \"bulk\": it is one for several rows"},
    {"{" PLAIN ",\"lock\":{\"read\":\"header:ETag\",\"write\":\"/v\"}" BULK(
         "\"max\":9,\"item\":{\"id\":\"{id}\"}") "}",
     "/lock/answer", "cannot be a header field with \"bulk\": it is one for several rows"},
    {"{" PLAIN ",\"lock\":{\"read\":\"/v\",\"write\":\"/v\",\"step\":1}" BULK(
         "\"max\":9,\"item\":{\"id\":\"{id}\"}") "}",
     "/bulk/results/record", "must be given: an answer's version is in it"},
    {"{" PLAIN ",\"bulk\":{\"method\":\"POST\",\"path\":\"/b/{id}\",\"list\":\"\",\"max\":3,"
     "\"results\":{\"list\":\"\",\"id\":\"/id\"}}}",
     "/bulk/path", "must not have {id}: a request has several rows"},
    {"{" PLAIN ",\"bulk\":{\"method\":\"POST\",\"path\":\"/b\",\"list\":\"\",\"max\":3,"
     "\"results\":{\"list\":\"\"}}}",
     "/bulk/results/id", "must be given"},
    {"{" PLAIN ",\"bulk\":{\"method\":\"GET\",\"path\":\"/b\",\"list\":\"\",\"max\":3,"
     "\"results\":{\"list\":\"\",\"id\":\"/id\"}}}",
     "/bulk/method", "must be \"PUT\", \"PATCH\" or \"POST\""},
};

static void what_is_wrong_is_named_with_its_pointer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct description_fault fault;
        struct target *target = open_with(wrong[i].description, "a,b,version", &fault);

        if (target || strcmp(fault.pointer, wrong[i].pointer) != 0 ||
            strcmp(fault.text, wrong[i].text) != 0)
            fail_msg("%s\n is: %s: %s\nnot: %s: %s", wrong[i].description,
                     target ? "" : fault.pointer, target ? "accepted" : fault.text,
                     wrong[i].pointer, wrong[i].text);
        target_close(target);
    }
}

/* A place of a field that the schema file does not have is not taken. */
static void places_of_absent_properties_do_not_count(void **state)
{
    (void)state;
    target_close(open_good("{" PLAIN ",\"fields\":{\"at\":{\"c\":\"/a\"}},\"mark\":\"/c\"}", "a"));
}

static void header_fields_have_the_values_of_parameters(void **state)
{
    struct target *target = open_good(
        "{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"headers\":{\"X-Tenant\":"
        "\"{tenant}/{site}\",\"content-type\":\"application/x\"}},\"params\":{\"tenant\":7,"
        "\"site\":{\"env\":\"SITE\"}}}",
        "a");
    struct target_header headers[TARGET_HEADERS];
    struct target_scratch scratch = {0};
    const char *content_type = NULL;

    (void)state;
    target_headers(target, TARGET_WRITE_IT, (struct span){0}, &scratch, headers, &content_type);
    assert_string_equal(headers[0].name, "X-Tenant");
    assert_string_equal(headers[0].value, "7/hq \"1\"");
    assert_null(headers[1].name);
    assert_string_equal(content_type, "application/x");
    target_scratch_release(&scratch);
    target_close(target);
}

/* ~0 and ~1 in a pointer are ~ and / in a name. */
static void pointers_are_read_and_printed_with_their_escapes(void **state)
{
    struct pointer pointer = {0};
    struct buf text = {0};

    (void)state;
    assert_true(pointer_add(&pointer, span_of("/a~1b/~0c~01//d")));
    assert_int_equal(pointer.count, 4);
    assert_true(span_is(pointer.names[0], "a/b"));
    assert_true(span_is(pointer.names[1], "~c~1"));
    assert_true(span_is(pointer.names[2], ""));
    pointer_print(&pointer, &text);
    assert_string_equal(buf_text(&text), "/a~1b/~0c~01//d");
    assert_false(pointer_add(&pointer, span_of("/a~2")));
    assert_false(pointer_add(&pointer, span_of("/a~")));
    assert_false(pointer_add(&pointer, span_of("a")));
    buf_release(&text);
    pointer_release(&pointer);
}

static void a_record_id_of_several_parts_is_taken_apart(void **state)
{
    struct target *target = open_good(
        "{\"write\":{\"method\":\"PUT\",\"path\":\"/{site}/{id}\",\"body\":{\"k\":"
        "\"{id}\",\"r\":\"{region}-{site}\"}},\"read\":{\"path\":\"/{site}/{id}?r={region}\"},"
        "\"params\":{\"site\":{\"column\":\"Site\"},"
        "\"region\":{\"column\":\"Region\"}}}",
        "a");
    static const char *const bad[] = {"x", "a/b", "a/b/c/d", "a/b/%zz"};
    struct span parts[] = {{"a/b", 3}, {"\"EU\"", 4}, {"7 ", 2}};
    struct target_scratch scratch = {0};
    struct buf id = {0}, path = {0}, body = {0};
    struct target_row row = {.fields = span_of("{}")};
    enum target_method method;

    (void)state;
    parts_join(parts, 3, &id);
    assert_string_equal(buf_text(&id), "a%2Fb/%22EU%22/7%20");
    row.record_id = buf_span(&id);
    assert_true(target_request(target, TARGET_WRITE_IT, &row, &scratch, &method, &path, &body));
    assert_string_equal(buf_text(&path), "/a%2Fb/7%20");
    assert_string_equal(buf_text(&body), "{\"k\":\"7 \",\"r\":\"\\\"EU\\\"-a/b\"}");
    for (size_t i = 0; i < COUNT(bad); i++) {
        row.record_id = span_of(bad[i]);
        assert_false(
            target_request(target, TARGET_WRITE_IT, &row, &scratch, &method, &path, &body));
    }
    buf_release(&id);
    buf_release(&path);
    buf_release(&body);
    target_scratch_release(&scratch);
    target_close(target);
}

/* What a record is read as: token, mark, fields, and what goes back with a merge. */
static const struct {
    const char *description, *body, *header;
    bool answer;
    const char *token, *mark, *fields, *under;
} records[] = {
    {"\"guide\"",
     "{\"version\":6,\"fields\":{\"a\": 1,\"x\":2},\"metadata\":"
     "{\"requestCorrelationId\":\"0b5b\"}}",
     "", false, "6", "0b5b", "{\"a\": 1,\"x\":2}", ""},
    {"\"guide\"", "{\"version\":null}", "", false, "", "", NULL, ""},
    {"{" PLAIN ",\"lock\":{\"read\":\"/_rev\",\"write\":\"/_rev\",\"answer\":\"/rev\"}}",
     "{\"_rev\":\"3-a\",\"rev\":\"4-b\",\"b\":[1],\"c\":3}", "", false, "\"3-a\"", "",
     "{\"b\":[1]}", ""},
    {"{" PLAIN ",\"lock\":{\"read\":\"/_rev\",\"write\":\"/_rev\",\"answer\":\"/rev\"}}",
     "{\"_rev\":\"3-a\",\"rev\":\"4-b\"}", "", true, "\"4-b\"", "", "", ""},
    {"{" PLAIN ",\"lock\":{\"read\":\"header:ETag\",\"write\":\"header:If-Match\"}}", "{\"a\":1}",
     "W/\"9\"", false, "W/\"9\"", "", "{\"a\":1}", ""},
    {"{" PLAIN ",\"fields\":{\"root\":\"/f\",\"at\":{\"a\":\"/x/y\"}}}",
     "{\"f\":{\"x\":{\"y\":1,\"z\":2},\"b\":3,\"o\":4}}", "", false, "", "", "{\"a\":1,\"b\":3}",
     "{\"f\":{\"x\":{\"y\":1,\"z\":2},\"b\":3,\"o\":4}}"},
    {"{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\"},\"fields\":\"/d\",\"mark\":\"/d/m\","
     "\"lock\":{\"read\":\"/d/v\",\"write\":\"/d/v\"}}",
     "{\"d\":{\"v\":1,\"m\":\"0b5b\",\"a\":2,\"z\":3}}", "", false, "1", "0b5b", "{\"a\":2}",
     "{\"d\":{\"v\":1,\"m\":\"0b5b\",\"a\":2,\"z\":3}}"},
    {"{\"write\":{\"method\":\"PATCH\",\"path\":\"/{id}\",\"absent\":\"keep\",\"back\":[\"/d/e\","
     "\"/n\",\"/d/g\",\"/d/e/f\"]},\"read\":{\"as\":{\"a\":\"/m/id\"}}}",
     "{\"m\":{\"id\":7},\"d\":{\"e\":{\"f\":1},\"g\":[2]}}", "", false, "", "", "{\"a\":7}",
     "{\"d\":{\"e\":{\"f\":1},\"g\":[2]}}"},
};

static void records_are_read_by_pointers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(records); i++) {
        struct target *target = open_good(records[i].description, "a,b");
        struct target_scratch scratch = {0};
        struct target_record record;

        assert_true(target_read(target, records[i].answer, span_of(records[i].body),
                                span_of(records[i].header), false, &scratch, &record));
        assert_true(span_is(record.token, records[i].token));
        assert_true(span_is(record.mark, records[i].mark));
        assert_int_equal(record.has_fields, records[i].fields != NULL);
        assert_true(span_is(record.fields, records[i].fields ? records[i].fields : ""));
        if (!span_is(record.under, records[i].under))
            fail_msg("%.*s", (int)record.under.size, record.under.data);
        assert_false(
            target_read(target, false, span_of("[]"), span_of(""), false, &scratch, &record));
        assert_false(
            target_read(target, false, span_of(""), span_of(""), false, &scratch, &record));
        target_scratch_release(&scratch);
        target_close(target);
    }
}

/* What goes back is under the fields of the row. */
static void a_body_is_laid_over_what_goes_back(void **state)
{
    static const struct {
        const char *fields, *under, *body;
    } cases[] = {
        {"{\"a\":1,\"b\":2}", "{\"f\":{\"x\":{\"y\":9,\"z\":8},\"b\":7,\"o\":6},\"d\":[]}",
         "{\"f\":{\"x\":{\"y\":1,\"z\":8},\"b\":2,\"o\":6},\"c\":true,\"d\":[]}"},
        {"{\"b\":null}", "{\"f\":{\"x\":{\"y\":9}},\"c\":false}",
         "{\"f\":{\"x\":{\"y\":9},\"b\":null},\"c\":true}"},
        {"{}", "{\"f\":{\"x\":5}}", "{\"f\":{\"x\":5},\"c\":true}"},
        {"{}", "", "{\"f\":{},\"c\":true}"},
    };
    struct target *target =
        open_good("{\"write\":{\"method\":\"PUT\",\"path\":\"/{id}\",\"body\":{\"c\":true}},"
                  "\"fields\":{\"root\":\"/f\",\"at\":{\"a\":\"/x/y\"}}}",
                  "a,b");
    struct target_scratch scratch = {0};
    struct buf path = {0}, body = {0};
    enum target_method method;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct target_row row = {.fields = span_of(cases[i].fields),
                                 .under = span_of(cases[i].under)};

        buf_reset(&body);
        assert_true(target_request(target, TARGET_WRITE_IT, &row, &scratch, &method, &path, &body));
        assert_string_equal(buf_text(&body), cases[i].body);
    }
    buf_release(&path);
    buf_release(&body);
    target_scratch_release(&scratch);
    target_close(target);
}

static void fields_are_compared_as_they_come_back(void **state)
{
    struct target *target =
        open_good("{" PLAIN ",\"fields\":{\"root\":\"/d\",\"text\":true},\"read\":{\"ignore\":"
                  "[\"b\"]}}",
                  "a,b,c");
    struct target_scratch scratch = {0};
    struct span fields = span_of("{\"a\":1.50,\"b\":2,\"c\":[true,null],\"d\":false,\"e\":null}");

    (void)state;
    assert_true(span_is(target_comparable(target, fields, &scratch),
                        "{\"a\":\"1.50\",\"c\":[true,null],\"d\":\"false\",\"e\":null}"));
    assert_ptr_equal(target_comparable(target_guide(), fields, &scratch).data, fields.data);
    target_scratch_release(&scratch);
    target_close(target);
}

static void answers_are_found_by_status_and_code(void **state)
{
    struct target *target =
        open_good("{" PLAIN ",\"answers\":{\"409\":\"retry\",\"409 a b\":\"conflict\",\"a b\":"
                  "\"stop\",\"400 x\":\"unchanged\"}}",
                  "");

    (void)state;
    assert_int_equal(target_answer_of(target, 409, ""), TARGET_RETRY);
    assert_int_equal(target_answer_of(target, 409, "a b"), TARGET_CONFLICT);
    assert_int_equal(target_answer_of(target, 400, "a b"), TARGET_STOP);
    assert_int_equal(target_answer_of(target, 400, "x"), TARGET_UNCHANGED);
    assert_int_equal(target_answer_of(target, 400, "y"), TARGET_UNTOLD);
    assert_int_equal(target_answer_of(target, 404, ""), TARGET_UNTOLD);
    assert_int_equal(target_answer_of(target_guide(), 409, ""), TARGET_UNTOLD);
    assert_int_equal(target_answer_of(target, 409, TARGET_UNREADABLE), TARGET_UNSURE);
    assert_true(target_needs_code(target, 400));
    assert_false(target_needs_code(target, 404));
    target_close(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_as_in_the_golden_file),
        cmocka_unit_test(the_guide_is_the_default),
        cmocka_unit_test(presets_are_those_that_were_agreed_on),
        cmocka_unit_test(what_is_wrong_is_named_with_its_pointer),
        cmocka_unit_test(places_of_absent_properties_do_not_count),
        cmocka_unit_test(header_fields_have_the_values_of_parameters),
        cmocka_unit_test(pointers_are_read_and_printed_with_their_escapes),
        cmocka_unit_test(a_record_id_of_several_parts_is_taken_apart),
        cmocka_unit_test(records_are_read_by_pointers),
        cmocka_unit_test(a_body_is_laid_over_what_goes_back),
        cmocka_unit_test(fields_are_compared_as_they_come_back),
        cmocka_unit_test(answers_are_found_by_status_and_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
