#include "cmd/genesys-sim/strict.h"

#include "core/base/mem.h"

#include <json-c/json.h>

/* A position in the text; members counts the names at every level. */
struct scan {
    const char *at;
    const char *end;
    size_t members;
    unsigned depth;
    const char *problem;
};

static bool scan_value(struct scan *scan);

static bool fail(struct scan *scan, const char *problem)
{
    if (!scan->problem)
        scan->problem = problem;
    return false;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool take(struct scan *scan, char byte)
{
    if (scan->at == scan->end || *scan->at != byte)
        return false;
    scan->at++;
    return true;
}

static bool scan_digits(struct scan *scan)
{
    const char *start = scan->at;

    while (scan->at < scan->end && str_is_digit(*scan->at))
        scan->at++;
    return scan->at > start ? true : fail(scan, "a number is malformed");
}

static bool scan_number(struct scan *scan)
{
    take(scan, '-');
    if (!take(scan, '0') && !scan_digits(scan))
        return false;
    if (scan->at < scan->end && str_is_digit(*scan->at))
        return fail(scan, "a number starts with 0");
    if (take(scan, '.') && !scan_digits(scan))
        return false;
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '+'))
            take(scan, '-');
        return scan_digits(scan);
    }
    return true;
}

static bool scan_escape(struct scan *scan)
{
    if (scan->at == scan->end)
        return fail(scan, "a string does not end");
    if (*scan->at != 'u') {
        if (*scan->at == '\0' || !strchr("\"\\/bfnrt", *scan->at))
            return fail(scan, "a string holds an unknown escape");
        scan->at++;
        return true;
    }
    scan->at++;
    for (int i = 0; i < 4; i++, scan->at++)
        if (scan->at == scan->end || str_hex_value(*scan->at) < 0)
            return fail(scan, "a string holds a malformed \\u escape");
    return true;
}

static bool scan_string(struct scan *scan)
{
    if (!take(scan, '"'))
        return fail(scan, "a name or value is not JSON");
    while (scan->at < scan->end) {
        unsigned char byte = (unsigned char)*scan->at++;

        if (byte == '"')
            return true;
        if (byte < 0x20)
            return fail(scan, "a string holds a control character");
        if (byte == '\\' && !scan_escape(scan))
            return false;
    }
    return fail(scan, "a string does not end");
}

/* Scans `"name" : value`; member, if not NULL, gets the spans. */
static bool scan_member(struct scan *scan, struct strict_member *member)
{
    const char *name, *name_end, *value;

    skip_space(scan);
    name = scan->at;
    if (!scan_string(scan))
        return false;
    name_end = scan->at;
    skip_space(scan);
    if (!take(scan, ':'))
        return fail(scan, "a name is not followed by a colon");
    skip_space(scan);
    value = scan->at;
    if (!scan_value(scan))
        return false;
    scan->members++;
    if (member)
        *member = (struct strict_member){{name + 1, (size_t)(name_end - name) - 2},
                                         {value, (size_t)(scan->at - value)}};
    return true;
}

static bool scan_object(struct scan *scan)
{
    take(scan, '{');
    skip_space(scan);
    if (take(scan, '}'))
        return true;
    do {
        if (!scan_member(scan, NULL))
            return false;
        skip_space(scan);
    } while (take(scan, ','));
    return take(scan, '}') ? true : fail(scan, "an object does not end");
}

static bool scan_array(struct scan *scan)
{
    take(scan, '[');
    skip_space(scan);
    if (take(scan, ']'))
        return true;
    do {
        skip_space(scan);
        if (!scan_value(scan))
            return false;
        skip_space(scan);
    } while (take(scan, ','));
    return take(scan, ']') ? true : fail(scan, "an array does not end");
}

static bool scan_word(struct scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i]);

        if ((size_t)(scan->end - scan->at) >= size && memcmp(scan->at, words[i], size) == 0) {
            scan->at += size;
            return true;
        }
    }
    return fail(scan, "a name or value is not JSON");
}

static bool scan_value(struct scan *scan)
{
    bool ok;

    if (scan->at == scan->end)
        return fail(scan, "a value is missing");
    if (*scan->at == '"')
        return scan_string(scan);
    if (*scan->at == '-' || str_is_digit(*scan->at))
        return scan_number(scan);
    if (*scan->at != '{' && *scan->at != '[')
        return scan_word(scan);
    if (++scan->depth > STRICT_DEPTH)
        return fail(scan, "the nesting is too deep");
    ok = *scan->at == '{' ? scan_object(scan) : scan_array(scan);
    scan->depth--;
    return ok;
}

/* Counts members in all objects of the tree, whose depth strict_check has limited. */
static size_t count_members(struct json_object *value)
{
    size_t count = 0;

    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            count += count_members(json_object_array_get_idx(value, i));
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, name, member)
        {
            (void)name;
            count += 1 + count_members(member);
        }
    }
    return count;
}

/* json-c keeps the last of two members with one name, so fewer members than names means a
 * duplicate. */
static bool check_second(struct span text, size_t members, struct err *err)
{
    struct json_tokener *tokener = json_tokener_new_ex(STRICT_DEPTH + 2);
    struct json_object *value;
    size_t found;
    bool parsed;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    value = json_tokener_parse_ex(tokener, text.data, (int)text.size);
    /* json-c waits for more after a number or word alone */
    parsed = json_tokener_get_error(tokener) == json_tokener_success ||
             json_tokener_get_error(tokener) == json_tokener_continue;
    found = parsed ? count_members(value) : 0;
    json_object_put(value);
    json_tokener_free(tokener);
    if (!parsed)
        return err_set(err, ERR_INPUT, "the body is not JSON");
    if (found != members)
        return err_set(err, ERR_INPUT, "an object names a member twice");
    return true;
}

bool strict_check(struct span text, struct err *err)
{
    struct scan scan = {.at = text.data, .end = text.data + text.size};

    if (text.size == 0)
        return err_set(err, ERR_INPUT, "the body is empty");
    if (text.size > INT32_MAX)
        return err_set(err, ERR_INPUT, "the body is too large");
    if (str_utf8_valid(text) != text.size)
        return err_set(err, ERR_INPUT, "the body is not UTF-8");
    skip_space(&scan);
    if (scan_value(&scan)) {
        skip_space(&scan);
        if (scan.at != scan.end)
            fail(&scan, "something follows the JSON value");
    }
    if (scan.problem)
        return err_set(err, ERR_INPUT, "%s, at byte %zu", scan.problem,
                       (size_t)(scan.at - text.data));
    return check_second(text, scan.members, err);
}

bool strict_split(struct strict_object *object, struct span text, struct err *err)
{
    struct scan scan = {.at = text.data, .end = text.data + text.size};

    object->count = 0;
    skip_space(&scan);
    if (!take(&scan, '{'))
        return err_set(err, ERR_INPUT, "the value is not a JSON object");
    skip_space(&scan);
    if (take(&scan, '}'))
        return true;
    do {
        if (object->count == STRICT_MEMBERS)
            return err_set(err, ERR_INPUT, "an object has too many members");
        if (!scan_member(&scan, &object->member[object->count]))
            return err_set(err, ERR_INPUT, "%s", scan.problem);
        object->count++;
        skip_space(&scan);
    } while (take(&scan, ','));
    return true;
}

bool strict_next(struct span *rest, struct span *item)
{
    struct scan scan = {.at = rest->data, .end = rest->data + rest->size};

    skip_space(&scan);
    if (!take(&scan, '[') && !take(&scan, ','))
        return false;
    skip_space(&scan);
    item->data = scan.at;
    if (!scan_value(&scan))
        return false;
    item->size = (size_t)(scan.at - item->data);
    *rest = (struct span){scan.at, (size_t)(scan.end - scan.at)};
    return true;
}

struct span strict_find(const struct strict_object *object, const char *name)
{
    for (size_t i = 0; i < object->count; i++)
        if (span_is(object->member[i].name, name))
            return object->member[i].value;
    return (struct span){NULL, 0};
}

bool strict_only(const struct strict_object *object, const char *const *names, struct err *err)
{
    for (size_t i = 0; i < object->count; i++) {
        struct span name = object->member[i].name;
        size_t n = 0;

        while (names[n] && !span_is(name, names[n]))
            n++;
        if (!names[n])
            return err_set(err, ERR_INPUT, "unknown member '%.*s'",
                           (int)(name.size < 64 ? name.size : 64), name.data);
    }
    return true;
}

bool strict_is_object(struct span value)
{
    return value.size > 0 && value.data[0] == '{';
}

bool strict_is_string(struct span value)
{
    return value.size > 0 && value.data[0] == '"';
}

bool strict_is_string_array(struct span value)
{
    struct scan scan = {.at = value.data, .end = value.data + value.size};

    if (value.size == 0 || !take(&scan, '['))
        return false;
    skip_space(&scan);
    if (take(&scan, ']'))
        return true;
    do {
        skip_space(&scan);
        if (!scan_string(&scan))
            return false;
        skip_space(&scan);
    } while (take(&scan, ','));
    return take(&scan, ']');
}

char *strict_text(struct span value)
{
    struct json_tokener *tokener;
    struct json_object *string;
    char *text = NULL;

    if (!strict_is_string(value))
        return NULL;
    tokener = json_tokener_new();
    string = json_tokener_parse_ex(tokener, value.data, (int)value.size);
    if (json_object_is_type(string, json_type_string)) {
        size_t size = (size_t)json_object_get_string_len(string);
        const char *bytes = json_object_get_string(string);

        if (!memchr(bytes, '\0', size))
            text = mem_copy(bytes, size);
    }
    json_object_put(string);
    json_tokener_free(tokener);
    return text;
}
