#include "core/api/audit.h"

#include "core/api/record.h"
#include "core/http/pool.h"

#include <string.h>
#include <xxhash.h>

enum { AUDIT_PAGE_SIZE = 25 };

void api_audit_url(struct buf *out, const char *api_url, struct span schema, struct span id,
                   int64_t page)
{
    api_records_url(out, api_url, schema);
    buf_append_text(out, "auditlogs?entityIds=");
    api_encode(out, id);
    buf_printf(out, "&pageSize=%d", AUDIT_PAGE_SIZE);
    if (page > 1)
        buf_printf(out, "&pageNumber=%lld", (long long)page);
}

/* A page while it is read. */
struct page {
    const struct api_audit_question *question;
    struct api_audit *audit;
    const struct json_token *tokens;
    const char *text;
    struct buf scratch;
};

/* One entry of the log. */
struct entry {
    bool is_record, is_version;
    struct api_id id;
    char user[API_USER_SIZE];
};

static struct span text_at(struct page *page, uint32_t index)
{
    return json_string(&page->tokens[index], page->text, &page->scratch);
}

/* The id of the user at tokens[object]; too long: none. */
static void read_user(struct page *page, uint32_t object, char user[API_USER_SIZE])
{
    for (uint32_t i = object + 1; i < page->tokens[object].next; i = page->tokens[i + 1].next) {
        struct span text;

        if (page->tokens[i + 1].kind != JSON_STRING || !span_is(text_at(page, i), "id"))
            continue;
        text = text_at(page, i + 1);
        if (text.size < API_USER_SIZE && !memchr(text.data, '\0', text.size))
            memcpy(user, text.data, text.size);
    }
}

static void read_member(struct page *page, uint32_t name_index, struct entry *entry)
{
    const struct json_token *value = &page->tokens[name_index + 1];
    struct span name = text_at(page, name_index);
    int64_t number;

    if (span_is(name, "version"))
        entry->is_version =
            api_read_version(value, page->text, &number) && number == page->question->version;
    else if (value->kind == JSON_STRING && span_is(name, "entityId"))
        entry->is_record = span_equal(text_at(page, name_index + 1), page->question->record_id);
    else if (value->kind == JSON_STRING && span_is(name, "requestCorrelationId"))
        api_read_id(text_at(page, name_index + 1), &entry->id);
    else if (value->kind == JSON_OBJECT && span_is(name, "user"))
        read_user(page, name_index + 1, entry->user);
}

/* Whether it is of the record and version, and whose; and who we are to the server. */
static void read_entry(struct page *page, uint32_t object)
{
    const struct api_audit_question *question = page->question;
    struct api_audit *audit = page->audit;
    struct entry entry = {0};
    enum api_owner owner;

    for (uint32_t i = object + 1; i < page->tokens[object].next; i = page->tokens[i + 1].next)
        read_member(page, i, &entry);
    if (!entry.is_record)
        return;
    owner = api_owner(&entry.id, question->correlation);
    if (owner == API_ANOTHERS && question->is_own &&
        question->is_own(question->context, entry.id.bytes))
        memcpy(audit->own_user, entry.user, sizeof entry.user);
    audit->is_elsewhere |= owner == API_OURS && !entry.is_version;
    if (!entry.is_version)
        return;
    audit->entry =
        (struct span){page->text + page->tokens[object].start, page->tokens[object].size};
    if (owner == API_ANOTHERS)
        memcpy(audit->other, entry.id.bytes, sizeof audit->other);
    if (owner == API_OWNER_UNKNOWN)
        memcpy(audit->user, entry.user, sizeof entry.user);
    audit->is_ours |= owner == API_OURS;
    audit->is_anothers |= owner == API_ANOTHERS;
    audit->is_unnamed |= owner == API_OWNER_UNKNOWN;
}

static void read_entries(struct page *page, uint32_t array)
{
    const struct json_token *list = &page->tokens[array];

    page->audit->count = list->count;
    page->audit->hash = XXH3_64bits(page->text + list->start, list->size);
    for (uint32_t i = array + 1; i < list->next; i = page->tokens[i].next)
        if (page->tokens[i].kind == JSON_OBJECT)
            read_entry(page, i);
}

bool api_read_audit(struct span body, const struct api_audit_question *question,
                    struct api_audit *audit)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct page page = {.question = question, .audit = audit, .text = body.data};
    bool good = body.size <= HTTP_BODY_MAX && json_scan(&tape, body, 0, &fault) &&
                tape.tokens[0].kind == JSON_OBJECT;
    bool has_entities = false;

    *audit = (struct api_audit){.total = -1};
    page.tokens = tape.tokens;
    for (uint32_t i = 1; good && i < tape.tokens[0].next; i = tape.tokens[i + 1].next) {
        const struct json_token *value = &tape.tokens[i + 1];
        struct span name = text_at(&page, i);

        if (value->kind == JSON_STRING && span_is(name, "nextUri"))
            audit->has_next = value->size > 0;
        if (value->kind == JSON_NUMBER && span_is(name, "total"))
            api_read_version(value, page.text, &audit->total);
        if (value->kind == JSON_NUMBER && span_is(name, "pageSize"))
            api_read_version(value, page.text, &audit->page_size);
        if (value->kind != JSON_ARRAY || !span_is(name, "entities"))
            continue;
        has_entities = true;
        read_entries(&page, i + 1);
    }
    buf_release(&page.scratch);
    json_tape_release(&tape);
    return has_entities;
}

/* A page that is not full is the last one; but the server may hold pages to be smaller than we
 * asked for. */
static bool is_full(const struct api_audit *audit)
{
    uint64_t size = AUDIT_PAGE_SIZE;

    if (audit->page_size > 0 && audit->page_size < AUDIT_PAGE_SIZE)
        size = (uint64_t)audit->page_size;
    return audit->count >= size;
}

bool api_audit_has_more(const struct api_audit *audit, uint64_t seen, uint64_t last_hash)
{
    if (!audit->count || audit->hash == last_hash)
        return false;
    if (audit->has_next)
        return true;
    return audit->total >= 0 ? seen + audit->count < (uint64_t)audit->total : is_full(audit);
}
