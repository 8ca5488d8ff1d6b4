#include "core/api/audit.h"

#include "core/api/record.h"
#include "core/http/pool.h"

#include <string.h>
#include <xxhash.h>

enum { AUDIT_PAGE_SIZE = 25 };

void api_audit_url(struct buf *out, const char *api_url, const struct target *target,
                   struct span schema, const struct span *ids, size_t id_count, int64_t page)
{
    buf_append_text(out, api_url);
    target_audit_path(target, schema, ids, id_count, out);
    if (page > 1)
        buf_printf(out, "&pageNumber=%lld", (long long)page);
}

/* A page while it is read. */
struct reading {
    void (*visit)(void *context, const struct api_audit_entry *entry);
    void *context;
    const struct json_token *tokens;
    const char *text;
    struct buf scratch, record_id;
};

/* The text of a number. */
static struct span text_of(const struct json_token *token, const char *text)
{
    return (struct span){token->kind == JSON_NUMBER ? text + token->start : NULL,
                         token->kind == JSON_NUMBER ? token->size : 0};
}

static struct span text_at(struct reading *reading, uint32_t index)
{
    return json_string(&reading->tokens[index], reading->text, &reading->scratch);
}

/* The id of the user at tokens[object]; too long: none. */
static void read_user(struct reading *reading, uint32_t object, char user[API_USER_SIZE])
{
    const struct json_token *tokens = reading->tokens;

    for (uint32_t i = object + 1; i < tokens[object].next; i = tokens[i + 1].next) {
        struct span text;

        if (tokens[i + 1].kind != JSON_STRING || !span_is(text_at(reading, i), "id"))
            continue;
        text = text_at(reading, i + 1);
        if (text.size < API_USER_SIZE && !memchr(text.data, '\0', text.size))
            memcpy(user, text.data, text.size);
    }
}

static void read_member(struct reading *reading, uint32_t name_index, struct api_audit_entry *entry)
{
    const struct json_token *value = &reading->tokens[name_index + 1];
    struct span name = text_at(reading, name_index);

    if (span_is(name, "version"))
        entry->has_version = api_read_version(text_of(value, reading->text), &entry->version);
    else if (value->kind == JSON_STRING && span_is(name, "entityId"))
        entry->record_id = json_string(value, reading->text, &reading->record_id);
    else if (value->kind == JSON_STRING && span_is(name, "requestCorrelationId"))
        api_read_id(text_at(reading, name_index + 1), &entry->id);
    else if (value->kind == JSON_OBJECT && span_is(name, "user"))
        read_user(reading, name_index + 1, entry->user);
}

static void read_entries(struct reading *reading, uint32_t array, struct api_audit_page *page)
{
    const struct json_token *tokens = reading->tokens, *list = &tokens[array];

    page->count = list->count;
    page->hash = XXH3_64bits(reading->text + list->start, list->size);
    for (uint32_t i = array + 1; i < list->next; i = tokens[i].next) {
        struct api_audit_entry entry = {
            .text = {reading->text + tokens[i].start, tokens[i].size},
        };

        if (tokens[i].kind != JSON_OBJECT)
            continue;
        for (uint32_t j = i + 1; j < tokens[i].next; j = tokens[j + 1].next)
            read_member(reading, j, &entry);
        reading->visit(reading->context, &entry);
    }
}

bool api_read_audit_page(struct span body,
                         void (*visit)(void *context, const struct api_audit_entry *entry),
                         void *context, struct api_audit_page *page, struct buf *next)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct reading reading = {.visit = visit, .context = context, .text = body.data};
    bool good = body.size <= HTTP_BODY_MAX && json_scan(&tape, body, 0, &fault) &&
                tape.tokens[0].kind == JSON_OBJECT;
    bool has_entities = false;

    *page = (struct api_audit_page){.total = -1};
    if (next)
        buf_reset(next);
    reading.tokens = tape.tokens;
    for (uint32_t i = 1; good && i < tape.tokens[0].next; i = tape.tokens[i + 1].next) {
        const struct json_token *value = &tape.tokens[i + 1];
        struct span name = text_at(&reading, i);

        if (value->kind == JSON_STRING && span_is(name, "nextUri")) {
            page->has_next = value->size > 0;
            if (next)
                buf_append_span(next, text_at(&reading, i + 1));
        }
        if (value->kind == JSON_NUMBER && span_is(name, "total"))
            api_read_version(text_of(value, body.data), &page->total);
        if (value->kind == JSON_NUMBER && span_is(name, "pageSize"))
            api_read_version(text_of(value, body.data), &page->page_size);
        if (value->kind != JSON_ARRAY || !span_is(name, "entities"))
            continue;
        has_entities = true;
        read_entries(&reading, i + 1, page);
    }
    buf_release(&reading.scratch);
    buf_release(&reading.record_id);
    json_tape_release(&tape);
    return has_entities;
}

struct asking {
    const struct api_audit_question *question;
    struct api_audit *audit;
};

/* Whether it is of the record and version, and whose; and who we are to the server. */
static void check_entry(void *context, const struct api_audit_entry *entry)
{
    const struct asking *asking = context;
    const struct api_audit_question *question = asking->question;
    struct api_audit *audit = asking->audit;
    bool is_version = entry->has_version && entry->version == question->version;
    enum api_owner owner = api_owner(&entry->id, question->correlation);

    if (!span_equal(entry->record_id, question->record_id))
        return;
    if (owner == API_ANOTHERS && question->is_own &&
        question->is_own(question->context, entry->id.bytes))
        memcpy(audit->own_user, entry->user, sizeof entry->user);
    if (entry->has_version)
        audit->last_version = entry->version;
    if (owner == API_OURS && !is_version) {
        audit->is_elsewhere = true;
        if (entry->has_version && (audit->elsewhere < 0 || entry->version < audit->elsewhere))
            audit->elsewhere = entry->version;
    }
    if (!is_version)
        return;
    audit->entry = entry->text;
    if (owner == API_ANOTHERS)
        memcpy(audit->other, entry->id.bytes, sizeof audit->other);
    if (owner == API_OWNER_UNKNOWN)
        memcpy(audit->user, entry->user, sizeof entry->user);
    audit->is_ours |= owner == API_OURS;
    audit->is_anothers |= owner == API_ANOTHERS;
    audit->is_unnamed |= owner == API_OWNER_UNKNOWN;
}

bool api_read_audit(struct span body, const struct api_audit_question *question,
                    struct api_audit *audit)
{
    struct asking asking = {.question = question};

    *audit = (struct api_audit){.elsewhere = -1, .last_version = -1};
    asking.audit = audit;
    return api_read_audit_page(body, check_entry, &asking, &audit->page, NULL);
}

bool api_audit_is_full(const struct api_audit_page *page)
{
    uint64_t size = AUDIT_PAGE_SIZE;

    if (page->page_size > 0 && page->page_size < AUDIT_PAGE_SIZE)
        size = (uint64_t)page->page_size;
    return page->count >= size;
}

bool api_audit_has_more(const struct api_audit_page *page, uint64_t seen, uint64_t last_hash)
{
    if (!page->count || page->hash == last_hash)
        return false;
    if (page->has_next)
        return true;
    return page->total >= 0 ? seen + page->count < (uint64_t)page->total : api_audit_is_full(page);
}

bool api_audit_next_url(struct buf *out, const char *api_url, struct span next)
{
    size_t origin = strlen(api_url);

    for (size_t i = 0; i < next.size; i++)
        if ((unsigned char)next.data[i] <= ' ' || next.data[i] == 0x7F || next.data[i] == '\\')
            return false;
    if (next.size > origin && memcmp(next.data, api_url, origin) == 0)
        next = span_from(next, origin);
    if (!next.size || next.data[0] != '/' || (next.size > 1 && next.data[1] == '/'))
        return false;
    buf_append_text(out, api_url);
    buf_append_span(out, next);
    return true;
}
