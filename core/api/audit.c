#include "core/api/audit.h"

#include "core/api/member.h"
#include "core/http/pool.h"

#include <string.h>

enum { AUDIT_PAGE_SIZE = 25 };

void api_audit_url(struct buf *out, const char *api_url, struct span schema, struct span id,
                   int64_t page)
{
    member_records_url(out, api_url, schema);
    buf_append_text(out, "auditlogs?entityIds=");
    member_encode(out, id);
    buf_printf(out, "&pageSize=%d", AUDIT_PAGE_SIZE);
    if (page > 1)
        buf_printf(out, "&pageNumber=%lld", (long long)page);
}

/* A page while it is read. */
struct page {
    const struct json_token *tokens;
    const char *text;
    struct buf scratch;
};

static struct span name_at(struct page *page, uint32_t index)
{
    return json_string(&page->tokens[index], page->text, &page->scratch);
}

/* One entity: whether it is of the record and version, and whose. */
static void read_entity(struct page *page, uint32_t object, struct span id, int64_t version,
                        const unsigned char correlation[16], struct api_audit *audit)
{
    bool is_record = false, is_version = false, is_ours = false;

    for (uint32_t i = object + 1; i < page->tokens[object].next; i = page->tokens[i + 1].next) {
        const struct json_token *value = &page->tokens[i + 1];
        struct span name = name_at(page, i);
        unsigned char uuid[16];
        int64_t number;

        if (span_is(name, "version")) {
            is_version = member_version(value, page->text, &number) && number == version;
        } else if (value->kind == JSON_STRING && span_is(name, "entityId")) {
            is_record = span_equal(name_at(page, i + 1), id);
        } else if (value->kind == JSON_STRING && span_is(name, "requestCorrelationId")) {
            is_ours = member_uuid(name_at(page, i + 1), uuid) &&
                      memcmp(uuid, correlation, sizeof uuid) == 0;
        }
    }
    if (!is_record || !is_version)
        return;
    audit->has_entry = true;
    audit->is_ours |= is_ours;
}

bool api_read_audit(struct span body, struct span id, int64_t version,
                    const unsigned char correlation[16], struct api_audit *audit)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct page page = {.text = body.data};
    bool good = body.size <= HTTP_BODY_MAX && json_scan(&tape, body, 0, &fault) &&
                tape.tokens[0].kind == JSON_OBJECT;
    bool has_entities = false;

    *audit = (struct api_audit){0};
    page.tokens = tape.tokens;
    for (uint32_t i = 1; good && i < tape.tokens[0].next; i = tape.tokens[i + 1].next) {
        const struct json_token *value = &tape.tokens[i + 1];
        struct span name = name_at(&page, i);

        if (value->kind == JSON_STRING && span_is(name, "nextUri"))
            audit->has_more = value->size > 0;
        if (value->kind != JSON_ARRAY || !span_is(name, "entities"))
            continue;
        has_entities = true;
        for (uint32_t entity = i + 2; entity < value->next; entity = tape.tokens[entity].next)
            if (tape.tokens[entity].kind == JSON_OBJECT)
                read_entity(&page, entity, id, version, correlation, audit);
    }
    buf_release(&page.scratch);
    json_tape_release(&tape);
    return has_entities;
}
