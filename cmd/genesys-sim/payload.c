#include "cmd/genesys-sim/payload.h"

#include "cmd/genesys-sim/strict.h"

#include <uuid/uuid.h>

bool payload_uuid(struct span value, char out[UUID_TEXT_SIZE])
{
    char text[UUID_TEXT_SIZE];
    uuid_t uuid;

    if (!strict_is_string(value) || value.size != UUID_TEXT_SIZE + 1)
        return false;
    memcpy(text, value.data + 1, UUID_TEXT_SIZE - 1);
    text[UUID_TEXT_SIZE - 1] = '\0';
    if (uuid_parse(text, uuid) != 0)
        return false;
    memcpy(out, text, UUID_TEXT_SIZE);
    return true;
}

static bool read_metadata(struct payload *payload, struct err *err)
{
    static const char *const names[] = {"tags", "source", "requestCorrelationId", NULL};
    struct strict_object metadata;
    struct span source;

    if (!strict_split(&metadata, payload->metadata, err))
        return err_wrap(err, "metadata");
    source = strict_find(&metadata, "source");
    if (strict_is_string(source))
        payload->source = source;
    if (!payload_uuid(strict_find(&metadata, "requestCorrelationId"), payload->correlation_id))
        return err_set(err, ERR_INPUT, "metadata.requestCorrelationId must be a UUID");
    if (!payload->source.data)
        return err_set(err, ERR_INPUT, "metadata.source must be a string");
    if (!strict_is_string_array(strict_find(&metadata, "tags")))
        return err_set(err, ERR_INPUT, "metadata.tags must be an array of strings");
    if (!strict_only(&metadata, names, err))
        return err_wrap(err, "metadata");
    return true;
}

bool payload_read(struct payload *payload, struct span body, struct err *err)
{
    static const char *const names[] = {"version", "fields", "metadata", NULL};
    struct strict_object object;
    int64_t version;

    *payload = (struct payload){.version = -1};
    if (!strict_check(body, err) || !strict_split(&object, body, err))
        return false;
    /* below INT64_MAX, so that the next version is a number too */
    if (str_to_int64(strict_find(&object, "version"), 0, INT64_MAX - 1, &version))
        payload->version = version;
    payload->fields = strict_find(&object, "fields");
    payload->metadata = strict_find(&object, "metadata");
    if (strict_is_object(payload->metadata) && !read_metadata(payload, err))
        return false;
    if (payload->version < 0)
        return err_set(err, ERR_INPUT, "version must be an integer, 0 or more");
    if (!strict_is_object(payload->fields))
        return err_set(err, ERR_INPUT, "fields must be an object");
    if (!strict_is_object(payload->metadata))
        return err_set(err, ERR_INPUT, "metadata must be an object");
    return strict_only(&object, names, err);
}
