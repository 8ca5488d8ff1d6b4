#include "core/notify/payload.h"

#include "core/base/clock.h"
#include "core/row/row.h"
#include "core/target/pointer.h"
#include "core/validate/decimal.h"

#include <endian.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

/* Which of the reader's texts holds what, decoded. */
enum { TEXT_ACTION, TEXT_SCHEMA, TEXT_ID, TEXT_TIME, TEXT_AUTHOR };

void payload_reader_release(struct payload_reader *reader)
{
    json_tape_release(&reader->tape);
    for (unsigned i = 0; i < sizeof reader->texts / sizeof *reader->texts; i++)
        buf_release(&reader->texts[i]);
    buf_release(&reader->scratch[0]);
    buf_release(&reader->scratch[1]);
    buf_release(&reader->canonical);
    buf_release(&reader->names);
    EVP_MD_CTX_free(reader->hash);
}

/* A body and its tokens. */
struct source {
    const char *text;
    const struct json_tape *tape;
    const struct json_token *tokens; /* of the tape */
    struct buf *scratch[2], *names;
};

/* The value of the member of that name; 0 when there is none, or no object. */
static uint32_t member(const struct source *source, uint32_t object, const char *name)
{
    uint32_t found =
        pointer_member(span_of(name), source->tape, source->text, object, source->scratch[0]);

    return found == POINTER_NOTHING ? 0 : found;
}

/* A value as it is written; empty when there is none, or null. */
static struct span written(const struct source *source, uint32_t index)
{
    const struct json_token *token = &source->tokens[index];
    if (!index || token->kind == JSON_NULL)
        return (struct span){0};
    return json_written(token, source->text);
}

/* The same of what is not a container. */
static struct span scalar(const struct source *source, uint32_t index)
{
    uint8_t kind = source->tokens[index].kind;

    return kind == JSON_OBJECT || kind == JSON_ARRAY ? (struct span){0} : written(source, index);
}

/* A string, decoded; empty when the value is not one. */
static struct span decoded(const struct source *source, uint32_t index, struct buf *out)
{
    if (!index || source->tokens[index].kind != JSON_STRING)
        return (struct span){0};
    return json_string(&source->tokens[index], source->text, out);
}

/* --- values in one form, whatever way they are written --- */

static void append_sized(struct buf *out, char kind, struct span text)
{
    uint32_t size = (uint32_t)text.size;

    buf_append_char(out, kind);
    buf_append(out, (const char *)&size, sizeof size);
    buf_append_span(out, text);
}

static void append_number(struct buf *out, struct span text)
{
    struct decimal value = decimal_parse(text);
    uint32_t left = value.count;

    buf_append_text(out, value.negative && value.count ? "n-" : "n");
    for (const char *digit = value.digits; left > 0; digit++) {
        if (*digit == '.')
            continue;
        buf_append_char(out, *digit);
        left--;
    }
    if (!value.count)
        value.exponent = 0;
    buf_append_char(out, 'e');
    buf_append(out, (const char *)&value.exponent, sizeof value.exponent);
}

static int compare_names(const void *a, const void *b, void *context)
{
    const struct source *source = context;

    return span_compare(
        json_string(&source->tokens[*(const uint32_t *)a], source->text, source->scratch[0]),
        json_string(&source->tokens[*(const uint32_t *)b], source->text, source->scratch[1]));
}

static void append_value(struct source *source, uint32_t index, struct buf *out);

/* The members in the order of their names. */
static void append_object(struct source *source, uint32_t index, struct buf *out)
{
    const struct json_token *token = &source->tokens[index];
    size_t begin = source->names->size, count = token->count;

    for (uint32_t at = index + 1; at < token->next; at = source->tokens[at + 1].next)
        buf_append(source->names, (const char *)&at, sizeof at);
    if (count > 1)
        qsort_r(source->names->data + begin, count, sizeof(uint32_t), compare_names, source);
    for (size_t i = 0; i < count; i++) {
        uint32_t name;

        memcpy(&name, source->names->data + begin + i * sizeof name, sizeof name);
        append_sized(out, 'm',
                     json_string(&source->tokens[name], source->text, source->scratch[0]));
        append_value(source, name + 1, out);
    }
    source->names->size = begin;
}

/* Goes as deep as the scanner lets values nest: JSON_DEPTH_MAX. */
static void append_value(struct source *source, uint32_t index, struct buf *out)
{
    const struct json_token *token = &source->tokens[index];

    switch ((enum json_kind)token->kind) {
    case JSON_NUMBER:
        append_number(out, (struct span){source->text + token->start, token->size});
        return;
    case JSON_STRING:
        append_sized(out, 's', json_string(token, source->text, source->scratch[0]));
        return;
    case JSON_ARRAY:
        buf_append_char(out, '[');
        for (uint32_t at = index + 1; at < token->next; at = source->tokens[at].next)
            append_value(source, at, out);
        buf_append_char(out, ']');
        return;
    case JSON_OBJECT:
        buf_append_char(out, '{');
        append_object(source, index, out);
        buf_append_char(out, '}');
        return;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        break;
    }
    buf_append_char(out, "0ft"[token->kind == JSON_FALSE ? 1 : token->kind == JSON_TRUE ? 2 : 0]);
}

/* The modified time, in one form. time: the text, empty if it is not a string. */
static void append_time(struct source *source, uint32_t modified, struct span time, struct buf *out)
{
    uint8_t kind = source->tokens[modified].kind;
    int64_t ns;

    if (clock_read_iso(time, &ns)) {
        append_sized(out, 't', (struct span){(const char *)&ns, sizeof ns});
    } else if (!modified || kind == JSON_STRING || kind == JSON_NULL) {
        append_sized(out, 'u', time);
    } else {
        buf_append_char(out, 'v');
        append_value(source, modified, out);
    }
}

/* The context of the reader finds the algorithm once, where SHA256() would look for it each time.
 */
static void hash(struct payload_reader *reader, unsigned char digest[SHA256_DIGEST_LENGTH])
{
    const EVP_MD *type = reader->hash ? NULL : EVP_sha256();

    if (!reader->hash)
        reader->hash = EVP_MD_CTX_new();
    /* these fail where there is no memory */
    if (!reader->hash || !EVP_DigestInit_ex(reader->hash, type, NULL) || /* GCOVR_EXCL_BR_LINE */
        !EVP_DigestUpdate(reader->hash, reader->canonical.data,          /* GCOVR_EXCL_BR_LINE */
                          reader->canonical.size) ||                     /* GCOVR_EXCL_BR_LINE */
        !EVP_DigestFinal_ex(reader->hash, digest, NULL))                 /* GCOVR_EXCL_BR_LINE */
        abort();                                                         /* GCOVR_EXCL_LINE */
}

/* What makes it the same as another one. */
static void make_key(struct payload_reader *reader, struct source *source, struct payload *payload,
                     const char *webhook_id, uint32_t fields, uint32_t modified, struct span time)
{
    enum { TIME_SIZE = 6 };
    uint64_t time_key = htobe64((uint64_t)payload->notification.modified_ms << 16);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct buf *out = &reader->canonical;

    buf_reset(out);
    if (webhook_id) {
        append_sized(out, 'w', span_of(webhook_id));
    } else {
        append_sized(out, 'a', payload->notification.action);
        append_sized(out, 'c', payload->notification.schema);
        append_sized(out, 'i', payload->notification.record_id);
        append_time(source, modified, time, out);
        if (fields)
            append_value(source, fields, out);
    }
    hash(reader, digest);
    memcpy(payload->notification.key, digest, sizeof payload->notification.key);
    /* in the index, notifications of one time are next to each other: few pages change at once */
    if (!webhook_id)
        memcpy(payload->notification.key, &time_key, TIME_SIZE);
}

/* Why a notification that can be read is not passed on, or NULL. */
static const char *refusal(const struct source *source, const struct notification *notification,
                           uint32_t fields)
{
    char fault[ROW_FAULT_SIZE];

    if (!span_is(notification->action, "update"))
        return "its action is not `update`";
    if (row_record_id_fault(notification->record_id, fault))
        return "record.id cannot be the id of a record";
    if (fields && source->tokens[fields].kind != JSON_OBJECT &&
        source->tokens[fields].kind != JSON_NULL)
        return "record.fields is not an object";
    return NULL;
}

/* Whose update the record shows. */
static void read_correlation(const struct source *source, uint32_t record, struct payload *payload)
{
    uint32_t metadata = member(source, record, "metadata");
    uint32_t id = metadata ? member(source, metadata, "requestCorrelationId") : 0;

    if (id)
        api_read_id(decoded(source, id, source->scratch[1]), &payload->correlation);
}

static bool scan(struct payload_reader *reader, struct span body,
                 char problem[PAYLOAD_PROBLEM_SIZE])
{
    struct json_fault fault;

    reader->tape.count = 0;
    if (json_scan(&reader->tape, body, 0, &fault))
        return true;
    snprintf(problem, PAYLOAD_PROBLEM_SIZE, "the body is not JSON: %s, at byte %zu", fault.message,
             fault.offset);
    return false;
}

bool payload_read(struct payload_reader *reader, struct span body, const char *webhook_id,
                  struct payload *payload, char problem[PAYLOAD_PROBLEM_SIZE])
{
    struct source source = {.text = body.data,
                            .tape = &reader->tape,
                            .scratch = {&reader->scratch[0], &reader->scratch[1]},
                            .names = &reader->names};
    struct notification *notification = &payload->notification;
    uint32_t record, id, action, schema, modified, author, fields;
    struct span time;
    int64_t ns;

    *payload = (struct payload){0};
    if (!scan(reader, body, problem))
        return false;
    source.tokens = reader->tape.tokens;
    action = member(&source, 0, "action");
    schema = member(&source, 0, "schemaName");
    record = member(&source, 0, "record");
    id = record ? member(&source, record, "id") : 0;
    if (!action || source.tokens[action].kind != JSON_STRING || !id ||
        source.tokens[id].kind != JSON_STRING) {
        snprintf(problem, PAYLOAD_PROBLEM_SIZE,
                 "the body is not a notification: `action` and `record.id` must be strings");
        return false;
    }
    modified = member(&source, record, "modifiedTime");
    author = member(&source, record, "modifiedBy");
    author = author ? member(&source, author, "id") : 0;
    fields = member(&source, record, "fields");
    notification->body = body;
    notification->action = decoded(&source, action, &reader->texts[TEXT_ACTION]);
    notification->schema = decoded(&source, schema, &reader->texts[TEXT_SCHEMA]);
    notification->record_id = decoded(&source, id, &reader->texts[TEXT_ID]);
    time = decoded(&source, modified, &reader->texts[TEXT_TIME]);
    if (clock_read_iso(time, &ns))
        notification->modified_ms = ns / 1000000;
    notification->refusal = refusal(&source, notification, fields);
    payload->author = decoded(&source, author, &reader->texts[TEXT_AUTHOR]);
    if (source.tokens[schema].kind == JSON_STRING)
        payload->schema_json = written(&source, schema);
    payload->id_json = written(&source, id);
    payload->time_json = scalar(&source, modified);
    payload->author_json = scalar(&source, author);
    if (!notification->refusal)
        notification->fields = payload->fields = written(&source, fields);
    read_correlation(&source, record, payload);
    make_key(reader, &source, payload, webhook_id, fields, modified, time);
    return true;
}

/* A value as it came; null where there is none. */
static void append_member(struct buf *out, const char *name, struct span json)
{
    buf_printf(out, ",\"%s\":", name);
    buf_append_span(out, json.size ? json : span_of("null"));
}

void payload_for_erp(const struct payload *payload, struct buf *out)
{
    struct span author = payload->author_json;
    bool is_bare = author.size && author.data[0] != '"'; /* an id is a string anyway */

    buf_append_text(out, "{\"source\":\"genesys-cloud\"");
    append_member(out, "schemaName", payload->schema_json);
    append_member(out, "recordId", payload->id_json);
    append_member(out, "timestamp", payload->time_json);
    buf_append_text(out, is_bare ? ",\"modifiedBy\":\"" : ",\"modifiedBy\":");
    buf_append_span(out, author.size ? author : span_of("null"));
    buf_append_text(out, is_bare ? "\",\"fields\":" : ",\"fields\":");
    buf_append_json_text(out, payload->fields.size ? payload->fields : span_of("{}"));
    buf_append_char(out, '}');
}
