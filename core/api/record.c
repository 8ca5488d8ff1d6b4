#include "core/api/record.h"

#include "core/http/pool.h"
#include "core/validate/decimal.h"

#include <string.h>

enum { UUID_TEXT = 36 };

/* Reads the 32 digits of a UUID, whatever braces, quotes, hyphens and blanks are between them. */
static bool read_digits(struct span text, unsigned char bytes[16])
{
    static const struct span urn = {"urn:uuid:", 9};
    size_t count = 0;

    while (text.size && strchr(" \t{(\"", *text.data) && *text.data)
        text = span_from(text, 1);
    if (text.size > urn.size && strncasecmp(text.data, urn.data, urn.size) == 0)
        text = span_from(text, urn.size);
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

bool api_read_version(struct span json, int64_t *version)
{
    struct decimal value;

    if (!json_is_number(json))
        return false;
    value = decimal_parse(json);
    if (value.negative || !decimal_is_integer(&value) ||
        value.count + value.exponent > DECIMAL_SHORT)
        return false;
    *version = value.coefficient;
    for (int64_t i = 0; i < value.exponent; i++)
        *version *= 10;
    return true;
}

bool api_read_record(const struct api_view *view, struct span body, struct target_scratch *scratch,
                     struct api_record *record)
{
    struct target_record found;

    if (body.size > HTTP_BODY_MAX || !target_read(view->target, view->is_answer, body, view->header,
                                                  view->replaces, scratch, &found))
        return false;
    *record = (struct api_record){.token = found.token,
                                  .has_fields = found.has_fields,
                                  .fields = found.fields,
                                  .under = found.under};
    record->has_version = api_read_version(found.token, &record->version);
    api_read_id(found.mark, &record->id);
    return true;
}

bool api_record_lack(const struct target *target, const struct api_record *record, struct buf *out)
{
    const struct description *d = target_description(target);
    const struct pointer *at = &d->lock_read.pointer;
    const char *header = d->lock_read.header;

    if (d->lock == TARGET_STEP && !record->has_version) {
        buf_append_text(out, "a version, which is a whole number,");
    } else if (d->lock == TARGET_OPAQUE && !record->token.size) {
        buf_append_text(out, "the token of the lock");
    } else if (!record->has_fields) {
        buf_append_text(out, "an object with fields");
        at = &d->read_root;
        header = NULL;
    } else {
        return false;
    }
    if (header) {
        buf_printf(out, " in the header field %s", header);
        return true;
    }
    buf_append_text(out, " at \"");
    pointer_print(at, out);
    buf_append_char(out, '"');
    return true;
}
