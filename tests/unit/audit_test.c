#include "core/api/audit.h"

#include "core/base/str.h"
#include "core/http/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const unsigned char correlation[16] = {0x0b, 0x5b, 0x4a, 0x3c, 0x11, 0x11, 0x42, 0x22,
                                              0xa3, 0x33, 0x44, 0x44, 0x55, 0x55, 0xff, 0x66};

#define OURS  "0b5b4a3c-1111-4222-a333-44445555ff66"
#define OTHER "11111111-2222-4333-8444-555555555555"
#define API   "https://api.mypurecloud.de/api/v2/customobjects/schemas/"

static void a_page_is_asked_for_by_schema_record_and_number(void **state)
{
    static const struct {
        const char *schema, *id, *url;
        int64_t page;
    } rows[] = {
        {"InventoryItem", "WH-1042",
         API "InventoryItem/records/auditlogs?entityIds=WH-1042&pageSize=25", 1},
        {"InventoryItem", "WH-1042",
         API "InventoryItem/records/auditlogs?entityIds=WH-1042&pageSize=25&pageNumber=2", 2},
        {"a b", "x,y&pageSize=1#?",
         API "a%20b/records/auditlogs?entityIds="
             "x%2Cy%26pageSize%3D1%23%3F&pageSize=25&pageNumber=1000",
         1000},
        {"\xc3\xa9", "+ %", API "%C3%A9/records/auditlogs?entityIds=%2B%20%25&pageSize=25", 1},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buf_reset(&out);
        api_audit_url(&out, "https://api.mypurecloud.de", span_of(rows[i].schema),
                      span_of(rows[i].id), rows[i].page);
        assert_string_equal(buf_text(&out), rows[i].url);
    }
    buf_release(&out);
}

/* What a page says of version 6 of record `A,1`: `none`, `ours`, `theirs`, with `+` when there are
 * more pages; `no page`. */
static const char *said(struct span body)
{
    static char text[32];
    struct api_audit audit;

    if (!api_read_audit(body, span_of("A,1"), 6, correlation, &audit))
        return "no page";
    snprintf(text, sizeof text, "%s%s",
             !audit.has_entry ? "none"
             : audit.is_ours  ? "ours"
                              : "theirs",
             audit.has_more ? "+" : "");
    return text;
}

struct body_case {
    const char *body, *said;
};

static void assert_said(const struct body_case *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(said(span_of(rows[i].body)), rows[i].said) != 0)
            fail_msg("%s: %s, expected %s", rows[i].body, said(span_of(rows[i].body)),
                     rows[i].said);
}

#define PAGE(entities) "{\"entities\":[" entities "],\"pageSize\":25,\"pageNumber\":1,\"total\":1}"
#define ENTITY(id, version, rest)                                                                  \
    "{\"id\":\"e\",\"entityId\":\"" id "\",\"action\":\"update\",\"version\":" version             \
    ",\"timestamp\":\"2026-11-23T22:00:00Z\",\"user\":{\"id\":\"u\"}" rest "}"
#define BY(uuid) ",\"requestCorrelationId\":\"" uuid "\""

static void the_entry_of_the_version_tells_whose_it_is(void **state)
{
    static const struct body_case rows[] = {
        {PAGE(""), "none"},
        {PAGE(ENTITY("A,1", "6", BY(OURS))), "ours"},
        {PAGE(ENTITY("A,1", "6", BY("0B5B4A3C-1111-4222-A333-44445555FF66"))), "ours"},
        {PAGE(ENTITY("A,1", "6", BY(OTHER))), "theirs"},
        /* whoever writes beside us need not have an id; we always have one */
        {PAGE(ENTITY("A,1", "6", "")), "theirs"},
        {PAGE(ENTITY("A,1", "6", ",\"requestCorrelationId\":null")), "theirs"},
        {PAGE(ENTITY("A,1", "6", BY("no uuid"))), "theirs"},
        {PAGE(ENTITY("A,1", "5", BY(OURS))), "none"},
        {PAGE(ENTITY("A,1", "7", BY(OURS))), "none"},
        {PAGE(ENTITY("A,1", "7", BY(OTHER)) "," ENTITY("A,1", "6", BY(OURS)) "," ENTITY("A,1", "5",
                                                                                        BY(OTHER))),
         "ours"},
        {PAGE(ENTITY("A,1", "6.0", BY(OURS))), "ours"},
        {PAGE(ENTITY("A,1", "60e-1", BY(OURS))), "ours"},
        {PAGE(ENTITY("A,1", "\"6\"", BY(OURS))), "none"},
        {PAGE(ENTITY("A,1", "-6", BY(OURS))), "none"},
        {PAGE(ENTITY("A,1", "1e400", BY(OURS))), "none"},
        {PAGE(ENTITY("A\\u002c1", "6", BY(OURS))), "ours"},
        {PAGE("{\"vers\\u0069on\":6,\"entityId\":\"A,1\",\"requestCorrelationId\":\"" OURS "\"}"),
         "ours"},
    };

    (void)state;
    assert_said(rows, sizeof rows / sizeof *rows);
}

/* A server that takes the comma for one between ids answers with two other records. */
static void entries_of_other_records_say_nothing(void **state)
{
    static const struct body_case rows[] = {
        {PAGE(ENTITY("A", "6", BY(OURS)) "," ENTITY("1", "6", BY(OURS))), "none"},
        {PAGE(ENTITY("a,1", "6", BY(OTHER))), "none"},
        {PAGE(ENTITY("A,1 ", "6", BY(OTHER))), "none"},
        {PAGE(ENTITY("A,1\\u0000", "6", BY(OTHER))), "none"},
        {PAGE(ENTITY("", "6", BY(OTHER))), "none"},
        {PAGE("{\"version\":6,\"requestCorrelationId\":\"" OURS "\"}"), "none"},
        {PAGE("{\"entityId\":7,\"version\":6,\"requestCorrelationId\":\"" OURS "\"}"), "none"},
        {PAGE(ENTITY("B", "6", BY(OTHER)) "," ENTITY("A,1", "6", BY(OURS))), "ours"},
        /* only what the entity itself says */
        {PAGE("{\"entityId\":\"A,1\",\"data\":{\"version\":6}}"), "none"},
        {PAGE("{\"data\":[{\"entityId\":\"A,1\",\"version\":6}]}"), "none"},
    };

    (void)state;
    assert_said(rows, sizeof rows / sizeof *rows);
}

static void there_are_more_pages_where_the_next_one_is_named(void **state)
{
    static const struct body_case rows[] = {
        {"{\"entities\":[],\"nextUri\":\"/x?pageNumber=2\"}", "none+"},
        {"{\"nextUri\":\"/x\",\"entities\":[" ENTITY("A,1", "6", BY(OURS)) "]}", "ours+"},
        {"{\"entities\":[],\"nextUri\":\"\"}", "none"},
        {"{\"entities\":[],\"nextUri\":null}", "none"},
        {"{\"entities\":[],\"nextUri\":7}", "none"},
        {"{\"entities\":[],\"nextur\\u0069\":\"/x\"}", "none"},
        {"{\"entities\":[{\"nextUri\":\"/x\"}]}", "none"},
    };

    (void)state;
    assert_said(rows, sizeof rows / sizeof *rows);
}

static void what_is_no_page_is_told(void **state)
{
    static const struct body_case rows[] = {
        {"", "no page"},
        {"{}", "no page"},
        {"[]", "no page"},
        {"null", "no page"},
        {"{\"entities\":null}", "no page"},
        {"{\"entities\":{}}", "no page"},
        {"{\"entities\":[}", "no page"},
        {"{\"entities\":[]", "no page"},
        {"{\"entities\":[]} x", "no page"},
        {"{\"entities\":[NaN]}", "no page"},
        {"<html>502</html>", "no page"},
        {"{\"total\":0}", "no page"},
        {"{\"entities\":[\xff]}", "no page"},
        /* what is no entity is passed over */
        {"{\"entities\":[1,null,\"x\",[{}],{}," ENTITY("A,1", "6", BY(OURS)) "]}", "ours"},
    };
    struct buf large = {0};

    (void)state;
    assert_said(rows, sizeof rows / sizeof *rows);
    buf_append_text(&large, "{\"entities\":[]");
    memset(buf_reserve(&large, HTTP_BODY_MAX), ' ', HTTP_BODY_MAX);
    large.size += HTTP_BODY_MAX;
    buf_append_text(&large, "}");
    assert_string_equal(said(buf_span(&large)), "no page");
    buf_reset(&large);
    buf_append_text(&large, "{\"entities\":");
    memset(buf_reserve(&large, 100000), '[', 100000);
    large.size += 100000;
    assert_string_equal(said(buf_span(&large)), "no page");
    buf_release(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_asked_for_by_schema_record_and_number),
        cmocka_unit_test(the_entry_of_the_version_tells_whose_it_is),
        cmocka_unit_test(entries_of_other_records_say_nothing),
        cmocka_unit_test(there_are_more_pages_where_the_next_one_is_named),
        cmocka_unit_test(what_is_no_page_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
