#include "core/http/body.h"

#include <json-c/json.h>
#include <limits.h>

struct json_object *body_parse(struct span body)
{
    struct json_tokener *tokener;
    struct json_object *object;
    size_t end;

    if (!body.size || body.size > INT_MAX)
        return NULL;
    tokener = json_tokener_new_ex(BODY_DEPTH_MAX);
    if (!tokener)
        return NULL;
    object = json_tokener_parse_ex(tokener, body.data, (int)body.size);
    end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (end == body.size && json_object_is_type(object, json_type_object))
        return object;
    json_object_put(object);
    return NULL;
}

struct span body_string(struct json_object *object, const char *name)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, name, &value) ||
        !json_object_is_type(value, json_type_string))
        return (struct span){0};
    return (struct span){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
}
