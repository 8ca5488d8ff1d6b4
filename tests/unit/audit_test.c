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
        struct span id = span_of(rows[i].id);

        buf_reset(&out);
        api_audit_url(&out, "https://api.mypurecloud.de", target_guide(), span_of(rows[i].schema),
                      &id, 1, rows[i].page);
        assert_string_equal(buf_text(&out), rows[i].url);
    }
    buf_release(&out);
}

static void several_records_are_asked_for_at_once(void **state)
{
    const struct span ids[] = {span_of("A-1"), span_of("B 2"), span_of("C-3")};
    struct buf out = {0};

    (void)state;
    api_audit_url(&out, "https://api.mypurecloud.de", target_guide(), span_of("S"), ids, 3, 1);
    assert_string_equal(buf_text(&out),
                        API "S/records/auditlogs?entityIds=A-1,B%202,C-3&pageSize=25");
    buf_release(&out);
}

static void a_next_page_is_followed_only_on_the_origin_of_the_api(void **state)
{
    static const char api[] = "https://api.mypurecloud.de";
    static const struct {
        const char *next, *url;
    } rows[] = {
        {"/api/v2/x?cursor=7", "https://api.mypurecloud.de/api/v2/x?cursor=7"},
        {"https://api.mypurecloud.de/y", "https://api.mypurecloud.de/y"},
        {"", NULL},
        {"y", NULL},
        {"//evil.example/y", NULL},
        {"/\\evil.example/y", NULL},
        {"https://api.mypurecloud.de", NULL},
        {"https://api.mypurecloud.de.evil.example/y", NULL},
        {"https://api.mypurecloud.de@evil.example/y", NULL},
        {"https://api.mypurecloud.de:444/y", NULL},
        {"https://api.mypurecloud.de//evil.example/y", NULL},
        {"http://api.mypurecloud.de/y", NULL},
        {"/y\r\nHost: evil.example", NULL},
        {"/y z", NULL},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buf_reset(&out);
        assert_int_equal(api_audit_next_url(&out, api, span_of(rows[i].next)), rows[i].url != NULL);
        assert_string_equal(buf_text(&out), rows[i].url ? rows[i].url : "");
    }
    buf_release(&out);
}

/* Entries as `RECORD VERSION ID?;`, and the URI of the next page. */
static void note_entry(void *context, const struct api_audit_entry *entry)
{
    buf_printf(context, "%.*s %lld%s;", (int)entry->record_id.size, entry->record_id.data,
               entry->has_version ? (long long)entry->version : -1LL,
               entry->id.is_uuid ? " id" : "");
}

static void a_page_gives_its_entries_and_the_next_page(void **state)
{
    static const char body[] = "{\"entities\":[{\"entityId\":\"A\\u002c1\",\"version\":6,"
                               "\"requestCorrelationId\":\"" OURS "\"},7,{\"entityId\":\"B\"}],"
                               "\"total\":4,\"nextUri\":\"\\/api\\/v2\\/x\"}";
    struct api_audit_page page;
    struct buf out = {0}, next = {0};

    (void)state;
    assert_true(api_read_audit_page(span_of(body), note_entry, &out, &page, &next));
    assert_string_equal(buf_text(&out), "A,1 6 id;B -1;");
    assert_string_equal(buf_text(&next), "/api/v2/x");
    assert_int_equal(page.total, 4);
    assert_int_equal(page.count, 3);
    buf_release(&out);
    buf_release(&next);
}

#define OWN "22222222-2222-4333-8444-555555555555" /* of an earlier update of ours */

static bool is_own(const void *context, const unsigned char id[16])
{
    (void)context;
    return memcmp(id, "\x22\x22\x22\x22\x22\x22\x43\x33\x84\x44\x55\x55\x55\x55\x55\x55", 16) == 0;
}

/* What a page shows about version 6 of record `A,1`: `none`, `ours`, `theirs`, `unnamed USER`, `own
 * USER`, with `+` when there are more pages; or `no page`. */
static const char *said(struct span body)
{
    static char text[256];
    const struct api_audit_question question = {
        .record_id = span_of("A,1"), .version = 6, .correlation = correlation, .is_own = is_own};
    struct api_audit audit;
    bool silent;

    if (!api_read_audit(body, &question, &audit))
        return "no page";
    silent = !audit.is_ours && !audit.is_anothers && !audit.is_unnamed;
    assert_int_equal(audit.entry.size == 0, silent);
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s%s", silent ? "none" : "",
             audit.is_ours ? "ours" : "", audit.is_anothers ? "theirs" : "",
             audit.is_unnamed ? "unnamed " : "", audit.user, audit.own_user[0] ? " own " : "",
             audit.own_user, api_audit_has_more(&audit.page, 0, 0) ? "+" : "");
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

static void the_entry_of_the_version_shows_who_made_it(void **state)
{
    static const struct body_case rows[] = {
        {PAGE(""), "none"},
        {PAGE(ENTITY("A,1", "6", BY(OURS))), "ours"},
        {PAGE(ENTITY("A,1", "6", BY("0B5B4A3C-1111-4222-A333-44445555FF66"))), "ours"},
        {PAGE(ENTITY("A,1", "6", BY(OTHER))), "theirs"},
        /* the id is optional: one that is missing or garbled may have been ours */
        {PAGE(ENTITY("A,1", "6", "")), "unnamed u"},
        {PAGE(ENTITY("A,1", "6", ",\"requestCorrelationId\":null")), "unnamed u"},
        {PAGE(ENTITY("A,1", "6", ",\"requestCorrelationId\":7")), "unnamed u"},
        {PAGE(ENTITY("A,1", "6", ",\"requestCorrelationId\":[\"" OTHER "\"]")), "unnamed u"},
        {PAGE(ENTITY("A,1", "6", BY(""))), "unnamed u"},
        {PAGE(ENTITY("A,1", "6", BY("no uuid"))), "unnamed u"},
        {PAGE(ENTITY("A,1", "6", BY("00000000-0000-0000-0000-000000000000"))), "unnamed u"},
        {PAGE(ENTITY("A,1", "6", BY("{" OTHER "}"))), "unnamed u"},
        {PAGE(ENTITY("A,1", "6", BY("{" OURS "}"))), "ours"},
        {PAGE(ENTITY("A,1", "6", BY("urn:uuid:" OURS))), "ours"},
        /* twice, and in any order */
        {PAGE(ENTITY("A,1", "6", BY(OTHER)) "," ENTITY("A,1", "6", BY(OTHER))), "theirs"},
        {PAGE(ENTITY("A,1", "6", "") "," ENTITY("A,1", "6", BY(OURS))), "oursunnamed u"},
        {PAGE(ENTITY("A,1", "6", BY(OTHER)) "," ENTITY("A,1", "6", "")), "theirsunnamed u"},
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

/* A server that splits the id at its comma answers with two other records. */
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
        /* only members of the entity itself count */
        {PAGE("{\"entityId\":\"A,1\",\"data\":{\"version\":6}}"), "none"},
        {PAGE("{\"data\":[{\"entityId\":\"A,1\",\"version\":6}]}"), "none"},
    };

    (void)state;
    assert_said(rows, sizeof rows / sizeof *rows);
}

/* Our user is known from the entries of other updates of ours, of any version. */
static void an_entry_without_an_id_gives_its_user(void **state)
{
    static const struct body_case rows[] = {
        {PAGE(ENTITY("A,1", "5", BY(OWN)) "," ENTITY("A,1", "6", "")), "unnamed u own u"},
        {PAGE(ENTITY("A,1", "6", "") "," ENTITY("A,1", "2", BY(OWN))), "unnamed u own u"},
        {PAGE(ENTITY("A,1", "5", BY(OTHER)) "," ENTITY("A,1", "6", "")), "unnamed u"},
        {PAGE(ENTITY("B", "5", BY(OWN)) "," ENTITY("A,1", "6", "")), "unnamed u"},
        {PAGE("{\"entityId\":\"A,1\",\"version\":6}"), "unnamed "},
        {PAGE("{\"entityId\":\"A,1\",\"version\":6,\"user\":\"u\"}"), "unnamed "},
        {PAGE("{\"entityId\":\"A,1\",\"version\":6,\"user\":{\"id\":7}}"), "unnamed "},
        {PAGE("{\"entityId\":\"A,1\",\"version\":6,\"user\":{\"id\":\"a\\u0000b\"}}"), "unnamed "},
        {PAGE("{\"entityId\":\"A,1\",\"version\":6,\"user\":{\"id\":"
              "\"0123456789012345678901234567890123456789012345678901234567890123\"}}"),
         "unnamed "},
    };

    (void)state;
    assert_said(rows, sizeof rows / sizeof *rows);
}

#define ONE ENTITY("A,1", "6", BY(OURS))

static void there_are_more_pages_until_the_total_is_reached(void **state)
{
    static const struct body_case rows[] = {
        {"{\"entities\":[" ONE "],\"nextUri\":\"/x?pageNumber=2\"}", "ours+"},
        {"{\"nextUri\":\"/x\",\"entities\":[" ONE "],\"total\":1}", "ours+"},
        {"{\"entities\":[" ONE "],\"total\":2}", "ours+"},
        {"{\"entities\":[" ONE "],\"total\":2,\"nextUri\":null}", "ours+"},
        {"{\"entities\":[" ONE "],\"total\":1,\"nextUri\":\"\"}", "ours"},
        {"{\"entities\":[" ONE "],\"total\":0}", "ours"},
        {"{\"entities\":[" ONE "],\"total\":\"2\"}", "ours"},
        {"{\"entities\":[" ONE "],\"total\":-2}", "ours"},
        /* without a total, a full page has a next one */
        {"{\"entities\":[" ONE "]}", "ours"},
        {"{\"entities\":[" ONE "],\"pageSize\":1}", "ours+"},
        {"{\"entities\":[" ONE "],\"pageSize\":2}", "ours"},
        {"{\"entities\":[" ONE "],\"pageSize\":0}", "ours"},
        /* an empty page has no next one, whatever it says */
        {"{\"entities\":[],\"nextUri\":\"/x?pageNumber=2\"}", "none"},
        {"{\"entities\":[],\"total\":7}", "none"},
        {"{\"entities\":[{\"nextUri\":\"/x\"}]}", "none"},
        {"{\"entities\":[{}],\"nextUri\":7}", "none"},
        {"{\"entities\":[{}],\"nextur\\u0069\":\"/x\"}", "none"},
    };

    (void)state;
    assert_said(rows, sizeof rows / sizeof *rows);
}

/* A server that does not know pageNumber answers with the first page again and again. */
static void a_page_that_repeats_is_the_last_one(void **state)
{
    static const char body[] = "{\"entities\":[" ONE "," ONE "],\"total\":6,\"nextUri\":\"/x\"}";
    static const char total[] = "{\"entities\":[" ONE "," ONE "],\"total\":6}";
    const struct api_audit_question question = {.version = 6, .correlation = correlation};
    struct api_audit audit;

    (void)state;
    assert_true(api_read_audit(span_of(body), &question, &audit));
    assert_int_equal(audit.page.count, 2);
    assert_true(api_audit_has_more(&audit.page, 0, 0));
    assert_true(api_audit_has_more(&audit.page, 2, audit.page.hash + 1));
    assert_false(api_audit_has_more(&audit.page, 2, audit.page.hash));
    assert_true(api_read_audit(span_of(total), &question, &audit));
    assert_true(api_audit_has_more(&audit.page, 3, 0));
    assert_false(api_audit_has_more(&audit.page, 4, 0));
    assert_false(api_audit_has_more(&audit.page, 400, 0));
}

static void a_body_that_is_not_a_page_is_recognised(void **state)
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
        /* anything but an object is skipped */
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
        cmocka_unit_test(several_records_are_asked_for_at_once),
        cmocka_unit_test(a_next_page_is_followed_only_on_the_origin_of_the_api),
        cmocka_unit_test(a_page_gives_its_entries_and_the_next_page),
        cmocka_unit_test(the_entry_of_the_version_shows_who_made_it),
        cmocka_unit_test(entries_of_other_records_say_nothing),
        cmocka_unit_test(an_entry_without_an_id_gives_its_user),
        cmocka_unit_test(there_are_more_pages_until_the_total_is_reached),
        cmocka_unit_test(a_page_that_repeats_is_the_last_one),
        cmocka_unit_test(a_body_that_is_not_a_page_is_recognised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
