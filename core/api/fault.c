#include "core/api/fault.h"

#include "core/http/body.h"
#include "core/http/headers.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum { EXCERPT_SIZE = 81 }; /* of a body that is not JSON, in messages */

/* The members of errors of the API and of its login, the most informative one first. */
static const char *const message_names[] = {"message", "error_description", "description", NULL};
static const char *const code_names[] = {"code", "errorCode", "error", NULL};
static const char *const field_names[] = {"field", "fieldName", NULL};
static const char *const violation_names[] = {"validationErrors", "details", "errors", NULL};

/* Returns the text of the first of the members that is a number or a string that is not empty. */
static struct span find_text(struct json_object *object, const char *const *names)
{
    for (; *names; names++) {
        struct span text = body_string(object, *names);
        struct json_object *value;

        if (text.size)
            return text;
        if (json_object_object_get_ex(object, *names, &value) &&
            json_object_is_type(value, json_type_int))
            return span_of(json_object_get_string(value));
    }
    return (struct span){0};
}

/* Returns the milliseconds of `Retry the request in [N] seconds` in a message, at most a day; -1
 * without. */
static int64_t find_retry_ms(struct span message)
{
    static const char words[] = "Retry the request in [";
    const char *found =
        message.size ? memmem(message.data, message.size, words, sizeof words - 1) : NULL;
    const char *digits, *end;

    if (!found)
        return -1;
    digits = found + sizeof words - 1;
    end = memchr(digits, ']', (size_t)(message.data + message.size - digits));
    return end ? headers_wait_ms((struct span){digits, (size_t)(end - digits)}) : -1;
}

static bool read_version(struct json_object *object, int64_t *version)
{
    struct json_object *value;
    int64_t number;

    if (!json_object_object_get_ex(object, "version", &value) ||
        !json_object_is_type(value, json_type_int))
        return false;
    number = json_object_get_int64(value);
    if (number < 0 || number == INT64_MAX) /* which json-c gives for anything larger */
        return false;
    *version = number;
    return true;
}

/* Reads a string or an object. If no member of it is known, its JSON becomes the message. */
static void read_violation(struct json_object *item, struct api_violation *violation)
{
    struct span field = find_text(item, field_names), code = find_text(item, code_names);
    struct span message = find_text(item, message_names);

    if (json_object_is_type(item, json_type_string))
        message =
            (struct span){json_object_get_string(item), (size_t)json_object_get_string_len(item)};
    else if (!field.size && !code.size && !message.size)
        message = span_of(json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN));
    str_printable(field, violation->field, sizeof violation->field);
    str_printable(code, violation->code, sizeof violation->code);
    str_printable(message, violation->message, sizeof violation->message);
}

/* Returns the first list that is not empty, or NULL. */
static struct json_object *find_violations(struct json_object *object)
{
    struct json_object *list;

    for (const char *const *name = violation_names; *name; name++)
        if (json_object_object_get_ex(object, *name, &list) &&
            json_object_is_type(list, json_type_array) && json_object_array_length(list) > 0)
            return list;
    return NULL;
}

static size_t read_violations(struct json_object *list, struct api_violation *violations)
{
    size_t count = list ? json_object_array_length(list) : 0;

    if (count > API_VIOLATIONS_MAX)
        count = API_VIOLATIONS_MAX;
    for (size_t i = 0; i < count; i++)
        read_violation(json_object_array_get_idx(list, i), &violations[i]);
    return count;
}

static void describe(struct span body, long status, bool json, struct api_fault *fault)
{
    char excerpt[EXCERPT_SIZE];
    bool is_text = body.size > 2 && body.data[0] == '"' && body.data[body.size - 1] == '"';

    if (!body.size)
        snprintf(fault->message, sizeof fault->message, "HTTP %ld without a body", status);
    else if (is_text)
        snprintf(
            fault->message, sizeof fault->message, "HTTP %ld with the text \"%s\"", status,
            str_printable((struct span){body.data + 1, body.size - 2}, excerpt, sizeof excerpt));
    else if (json && status >= 200 && status < 300)
        snprintf(fault->message, sizeof fault->message,
                 "HTTP %ld with a body that is not a record (\"%s\")", status,
                 str_printable(body, excerpt, sizeof excerpt));
    else if (json)
        snprintf(fault->message, sizeof fault->message, "HTTP %ld without a message", status);
    else
        snprintf(fault->message, sizeof fault->message,
                 "HTTP %ld with a body that is not a JSON object (\"%s\")", status,
                 str_printable(body, excerpt, sizeof excerpt));
}

/* Returns what is at a pointer of the target, or NULL. */
static struct json_object *find_at(struct json_object *object, const struct description_spot *spot)
{
    if (!spot->is_there)
        return NULL;
    for (uint32_t i = 0; object && i < spot->pointer.count; i++)
        if (!json_object_object_get_ex(object, spot->pointer.names[i].data, &object))
            return NULL;
    return object;
}

/* Returns the text at a pointer of the target, or else of the first member that has one. */
static struct span text_at(struct json_object *object, const struct description_spot *spot,
                           const char *const *names)
{
    struct json_object *value = find_at(object, spot);
    bool is_text =
        json_object_is_type(value, json_type_string) || json_object_is_type(value, json_type_int);

    return is_text ? span_of(json_object_get_string(value)) : find_text(object, names);
}

void api_fault_reset(struct api_fault *fault)
{
    fault->code[0] = fault->message[0] = '\0';
    fault->violation_count = 0;
}

void api_read_fault(const struct target *target, struct span body, long status,
                    struct api_fault *fault)
{
    const struct description *described = target_description(target);
    struct json_object *object = body_parse(body);
    struct json_object *list = find_at(object, &described->error_list);
    struct span message = text_at(object, &described->error_message, message_names);

    fault->version = 0;
    fault->has_version = read_version(object, &fault->version);
    fault->retry_after_ms = find_retry_ms(message);
    str_printable(text_at(object, &described->error_code, code_names), fault->code,
                  sizeof fault->code);
    if (!object && body.size && target_needs_code(target, status))
        snprintf(fault->code, sizeof fault->code, "%s", TARGET_UNREADABLE);
    str_printable(message, fault->message, sizeof fault->message);
    if (!fault->message[0])
        describe(body, status, object != NULL, fault);
    fault->violation_count =
        read_violations(json_object_is_type(list, json_type_array) ? list : find_violations(object),
                        fault->violations);
    json_object_put(object);
}
