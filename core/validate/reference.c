/* `$ref`: a URI fragment that is a JSON pointer into the same file (RFC 6901 section 6). */
#include "core/validate/applicators.h"

#include <stdio.h>

static int hex_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
        return (byte | 0x20) - 'a' + 10;
    return -1;
}

/* Appends text with its percent-encoded bytes decoded (RFC 3986 section 2.1). */
static bool decode_percent(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.size; i++) {
        int high, low;

        if (text.data[i] != '%') {
            buf_append_char(out, text.data[i]);
            continue;
        }
        if (text.size - i < 3)
            return false;
        high = hex_of(text.data[i + 1]);
        low = hex_of(text.data[i + 2]);
        if (high < 0 || low < 0)
            return false;
        buf_append_char(out, (char)(high * 16 + low));
        i += 2;
    }
    return true;
}

/* Fills out with what a step of a pointer says: ~1 is a slash, ~0 a tilde. */
static bool decode_step(struct span step, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < step.size; i++) {
        char byte = step.data[i];

        if (byte == '~') {
            i++;
            if (i == step.size || (step.data[i] != '0' && step.data[i] != '1'))
                return false;
            byte = step.data[i] == '0' ? '~' : '/';
        }
        buf_append_char(out, byte);
    }
    return true;
}

static uint32_t find_member(struct compiler *c, uint32_t object, struct span name)
{
    uint32_t next = compiler_token(c, object)->next;

    for (uint32_t i = object + 1; i < next; i = compiler_token(c, i + 1)->next)
        if (span_equal(compiler_string(c, i), name))
            return i + 1;
    return 0;
}

/* The index is digits without a leading zero. */
static uint32_t find_element(struct compiler *c, uint32_t array, struct span name)
{
    uint32_t at = array + 1;
    int64_t index;

    if (!name.size || name.data[0] == '-' || (name.size > 1 && name.data[0] == '0') ||
        !str_to_int64(name, 0, INT32_MAX, &index) || index >= compiler_token(c, array)->count)
        return 0;
    while (index--)
        at = compiler_token(c, at)->next;
    return at;
}

/* The token that a pointer leads to; false where nothing is there. The root is token 0. */
static bool follow(struct compiler *c, struct span pointer, uint32_t *token)
{
    struct buf step = {0};
    bool found = true;

    *token = 0;
    while (found && pointer.size) {
        const char *slash = memchr(pointer.data + 1, '/', pointer.size - 1);
        size_t size = slash ? (size_t)(slash - pointer.data) : pointer.size;

        found =
            pointer.data[0] == '/' && decode_step((struct span){pointer.data + 1, size - 1}, &step);
        if (found && compiler_is(c, *token, JSON_OBJECT))
            *token = find_member(c, *token, buf_span(&step));
        else if (found && compiler_is(c, *token, JSON_ARRAY))
            *token = find_element(c, *token, buf_span(&step));
        else
            found = false;
        found = found && *token;
        pointer = (struct span){pointer.data + size, pointer.size - size};
    }
    buf_release(&step);
    return found;
}

bool compile_reference(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct buf pointer = {0};
    struct span reference = {0};
    uint32_t target = 0, node;
    char shown[200];
    bool found;

    if (compiler_is(c, value, JSON_STRING))
        reference = compiler_string(c, value);
    str_printable(reference, shown, sizeof shown);
    if (!reference.size || reference.data[0] != '#' ||
        (reference.size > 1 && reference.data[1] != '/' && reference.data[1] != '%'))
        return compiler_refuse(c, "",
                               "must be \"#\" or \"#/...\", a JSON pointer into this file%s%s%s",
                               *shown ? ", is \"" : "", shown, *shown ? "\"" : "");
    found = decode_percent((struct span){reference.data + 1, reference.size - 1}, &pointer) &&
            follow(c, buf_span(&pointer), &target);
    if (!found) {
        buf_release(&pointer);
        return compiler_refuse(c, "", "\"%s\" leads to nothing in this file", shown);
    }
    node = compiler_add_schema_at(c, target, buf_span(&pointer));
    buf_release(&pointer);
    compiler_add_link(c, node);
    compiler_add_check(c, keyword, value)->with.node = node;
    return true;
}
