#include "core/target/pointer.h"

#include "core/base/mem.h"

#include <stdlib.h>

void pointer_release(struct pointer *pointer)
{
    for (uint32_t i = 0; i < pointer->count; i++)
        free((char *)pointer->names[i].data);
    free(pointer->names);
    *pointer = (struct pointer){0};
}

void pointer_add_name(struct pointer *pointer, struct span name)
{
    pointer->names = mem_resize(pointer->names, pointer->count + 1, sizeof *pointer->names);
    pointer->names[pointer->count++] = (struct span){mem_copy(name.data, name.size), name.size};
}

/* Decodes ~0 and ~1 in a name. */
static bool decode(struct span text, struct buf *name)
{
    buf_reset(name);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '~') {
            buf_append_char(name, text.data[i]);
            continue;
        }
        if (++i == text.size || (text.data[i] != '0' && text.data[i] != '1'))
            return false;
        buf_append_char(name, text.data[i] == '0' ? '~' : '/');
    }
    return true;
}

bool pointer_add(struct pointer *pointer, struct span text)
{
    struct buf name = {0};
    bool good = true;

    while (good && text.size) {
        const char *slash = text.size > 1 ? memchr(text.data + 1, '/', text.size - 1) : NULL;
        size_t size = slash ? (size_t)(slash - text.data) : text.size;

        good = text.data[0] == '/' && decode((struct span){text.data + 1, size - 1}, &name);
        if (good)
            pointer_add_name(pointer, buf_span(&name));
        text = span_from(text, size);
    }
    buf_release(&name);
    return good;
}

uint32_t pointer_member(struct span name, const struct json_tape *tape, const char *text,
                        uint32_t object, struct buf *scratch)
{
    const struct json_token *tokens = tape->tokens;

    if (tokens[object].kind != JSON_OBJECT)
        return POINTER_NOTHING;
    for (uint32_t i = object + 1; i < tokens[object].next; i = tokens[i + 1].next)
        if (span_equal(json_string(&tokens[i], text, scratch), name))
            return i + 1;
    return POINTER_NOTHING;
}

/* Returns the item with that number of an array, or POINTER_NOTHING. */
static uint32_t find_item(struct span name, const struct json_tape *tape, uint32_t array)
{
    uint32_t item = array + 1;
    int64_t number;

    if (!name.size || name.data[0] == '-' || (name.size > 1 && name.data[0] == '0') ||
        !str_to_int64(name, 0, (int64_t)tape->tokens[array].count - 1, &number))
        return POINTER_NOTHING;
    while (number-- > 0)
        item = tape->tokens[item].next;
    return item;
}

uint32_t pointer_step(struct span name, const struct json_tape *tape, const char *text,
                      uint32_t from, struct buf *scratch)
{
    return tape->tokens[from].kind == JSON_ARRAY ? find_item(name, tape, from)
                                                 : pointer_member(name, tape, text, from, scratch);
}

uint32_t pointer_find(const struct pointer *pointer, const struct json_tape *tape, const char *text,
                      uint32_t from, struct buf *scratch)
{
    for (uint32_t i = 0; i < pointer->count && from != POINTER_NOTHING; i++)
        from = pointer_step(pointer->names[i], tape, text, from, scratch);
    return from;
}

bool pointer_is_within(const struct pointer *first, const struct pointer *second)
{
    if (first->count > second->count)
        return false;
    for (uint32_t i = 0; i < first->count; i++)
        if (!span_equal(first->names[i], second->names[i]))
            return false;
    return true;
}

void pointer_print_name(struct span name, struct buf *out)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '~' || name.data[i] == '/')
            buf_append_text(out, name.data[i] == '~' ? "~0" : "~1");
        else
            buf_append_char(out, name.data[i]);
    }
}

void pointer_print(const struct pointer *pointer, struct buf *out)
{
    for (uint32_t i = 0; i < pointer->count; i++) {
        buf_append_char(out, '/');
        pointer_print_name(pointer->names[i], out);
    }
}
