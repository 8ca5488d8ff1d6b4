#include "core/api/record.h"

#include "core/base/percent.h"
#include "core/http/pool.h"
#include "core/validate/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

enum { UUID_TEXT = 36 };

void api_records_url(struct buf *out, const char *api_url, struct span schema)
{
    buf_append_text(out, api_url);
    buf_append_text(out, "/api/v2/customobjects/schemas/");
    percent_encode(out, schema);
    buf_append_text(out, "/records/");
}

void api_record_url(struct buf *out, const char *api_url, struct span schema, struct span id)
{
    api_records_url(out, api_url, schema);
    percent_encode(out, id);
}

void api_update_body(struct buf *out, int64_t version, struct span fields, struct span tags,
                     const char *source, const unsigned char correlation[16])
{
    char digits[24], uuid[UUID_TEXT + 1];

    snprintf(digits, sizeof digits, "%" PRId64, version);
    uuid_unparse_lower(correlation, uuid);
    buf_append_text(out, "{\"version\":");
    buf_append_text(out, digits);
    buf_append_text(out, ",\"fields\":");
    buf_append_span(out, fields);
    buf_append_text(out, ",\"metadata\":{\"tags\":");
    buf_append_span(out, tags);
    buf_append_text(out, ",\"source\":\"");
    buf_append_json(out, span_of(source));
    buf_append_text(out, "\",\"requestCorrelationId\":\"");
    buf_append_text(out, uuid);
    buf_append_text(out, "\"}}");
}

static struct span token_text(const struct json_token *token, const char *text)
{
    return (struct span){text + token->start, token->size};
}

bool api_read_version(const struct json_token *token, const char *text, int64_t *version)
{
    struct decimal value;

    if (token->kind != JSON_NUMBER)
        return false;
    value = decimal_parse(token_text(token, text));
    if (value.negative || !decimal_is_integer(&value) ||
        value.count + value.exponent > DECIMAL_SHORT)
        return false;
    *version = value.coefficient;
    for (int64_t i = 0; i < value.exponent; i++)
        *version *= 10;
    return true;
}

/* Reads the 32 digits of a UUID, whatever braces, quotes, hyphens and blanks are between them. */
static bool read_digits(struct span text, unsigned char bytes[16])
{
    static const struct span urn = {"urn:uuid:", 9};
    size_t count = 0;

    while (text.size && strchr(" \t{(\"", *text.data) && *text.data)
        text = (struct span){text.data + 1, text.size - 1};
    if (text.size > urn.size && strncasecmp(text.data, urn.data, urn.size) == 0)
        text = (struct span){text.data + urn.size, text.size - urn.size};
    for (size_t i = 0; i < text.size; i++) {
        int value = str_hex_value(text.data[i]);

        if (value < 0 && text.data[i] && strchr("- \t})\"", text.data[i]))
            continue;
        if (value < 0 || count == 32)
            return false;
        bytes[count / 2] = (unsigned char)(bytes[count / 2] << 4 | value);
        count++;
    }
    return count == 32;
}

/* True when text, whose digits gave bytes, is a complete UUID that is not nil or max. */
static bool is_uuid(struct span text, const unsigned char bytes[16])
{
    static const unsigned char nil[16],
        max[16] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

    return text.size == UUID_TEXT && text.data[8] == '-' && text.data[13] == '-' &&
           text.data[18] == '-' && text.data[23] == '-' && memcmp(bytes, nil, 16) != 0 &&
           memcmp(bytes, max, 16) != 0;
}

void api_read_id(struct span text, struct api_id *id)
{
    *id = (struct api_id){0};
    id->has_bytes = read_digits(text, id->bytes);
    id->is_uuid = id->has_bytes && is_uuid(text, id->bytes);
}

enum api_owner api_owner(const struct api_id *id, const unsigned char correlation[16])
{
    if (id->has_bytes && memcmp(id->bytes, correlation, sizeof id->bytes) == 0)
        return API_OURS;
    return id->is_uuid ? API_ANOTHERS : API_OWNER_UNKNOWN;
}

/* Reads one member of the record or, with `metadata`, of its metadata. */
static void read_member(struct span name, bool metadata, const struct json_token *value,
                        const char *text, struct buf *scratch, struct api_record *record)
{
    if (metadata) {
        if (value->kind == JSON_STRING && span_is(name, "requestCorrelationId"))
            api_read_id(json_string(value, text, scratch), &record->id);
    } else if (span_is(name, "version")) {
        record->has_version = api_read_version(value, text, &record->version);
    } else if (span_is(name, "fields") && value->kind == JSON_OBJECT) {
        record->has_fields = true;
        record->fields = token_text(value, text);
    }
}

/* Reads the members of the object at tokens[object], and those of `metadata` in it. */
static void read_members(const struct json_tape *tape, uint32_t object, bool metadata,
                         const char *text, struct buf *scratch, struct api_record *record)
{
    const struct json_token *tokens = tape->tokens;

    for (uint32_t i = object + 1; i < tokens[object].next; i = tokens[i + 1].next) {
        const struct json_token *value = &tokens[i + 1];
        struct span name = json_string(&tokens[i], text, scratch);

        if (!metadata && value->kind == JSON_OBJECT && span_is(name, "metadata"))
            read_members(tape, i + 1, true, text, scratch, record);
        else
            read_member(name, metadata, value, text, scratch, record);
    }
}

bool api_read_record(struct span body, struct api_record *record)
{
    struct json_tape tape = {0};
    struct buf scratch = {0};
    struct json_fault fault;
    bool good = body.size <= HTTP_BODY_MAX && json_scan(&tape, body, 0, &fault) &&
                tape.tokens[0].kind == JSON_OBJECT;

    if (good) {
        *record = (struct api_record){0};
        read_members(&tape, 0, false, body.data, &scratch, record);
    }
    buf_release(&scratch);
    json_tape_release(&tape);
    return good;
}
