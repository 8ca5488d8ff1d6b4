#include "core/target/preset.h"

#include "core/target/pointer.h"

/* A value of one of two texts. */
struct value {
    const char *text;
    const struct json_tape *tape;
    uint32_t token; /* POINTER_NOTHING: there is none */
};

const char *preset_find(struct span name)
{
    for (unsigned i = 0; i < preset_count; i++)
        if (span_is(name, presets[i].name))
            return presets[i].text;
    return NULL;
}

void preset_list(struct buf *out)
{
    for (unsigned i = 0; i < preset_count; i++)
        buf_printf(out, "%s%s", i ? ", " : "", presets[i].name);
}

static const struct json_token *token_of(struct value value)
{
    return &value.tape->tokens[value.token];
}

static struct value member_of(struct value object, struct span name, struct buf *scratch)
{
    if (object.token != POINTER_NOTHING)
        object.token = pointer_member(name, object.tape, object.text, object.token, scratch);
    return object;
}

static void lay(struct buf *out, struct value base, struct value over);

/* Writes the members of `from`, each with the value of `over` over it; those that `except` has
 * too are left out. */
static void lay_members(struct buf *out, struct value from, struct value over, struct value except)
{
    const struct json_token *tokens = from.tape->tokens;
    struct buf scratch = {0}, name = {0};

    for (uint32_t i = from.token + 1; i < tokens[from.token].next; i = tokens[i + 1].next) {
        struct value value = {from.text, from.tape, i + 1};

        buf_reset(&name);
        buf_append_span(&name, json_string(&tokens[i], from.text, &scratch));
        if (member_of(except, buf_span(&name), &scratch).token != POINTER_NOTHING)
            continue;
        if (out->data[out->size - 1] != '{')
            buf_append_char(out, ',');
        buf_append_span(out, json_written(&tokens[i], from.text));
        buf_append_char(out, ':');
        lay(out, value, member_of(over, buf_span(&name), &scratch));
    }
    buf_release(&name);
    buf_release(&scratch);
}

/* Recurses at most JSON_DEPTH_MAX deep. */
static void lay(struct buf *out, struct value base, struct value over)
{
    struct value none = {over.text, over.tape, POINTER_NOTHING};
    struct value top = over.token == POINTER_NOTHING ? base : over;
    const struct json_token *token = token_of(top);

    if (token->kind == JSON_OBJECT) {
        bool both = over.token != POINTER_NOTHING && token_of(base)->kind == JSON_OBJECT;

        buf_append_char(out, '{');
        if (both)
            lay_members(out, base, over, none);
        lay_members(out, top, none, both ? base : none);
        buf_append_char(out, '}');
    } else if (token->kind == JSON_ARRAY) {
        buf_append_char(out, '[');
        for (uint32_t i = top.token + 1; i < token->next; i = top.tape->tokens[i].next) {
            if (out->data[out->size - 1] != '[')
                buf_append_char(out, ',');
            lay(out, (struct value){top.text, top.tape, i}, none);
        }
        buf_append_char(out, ']');
    } else {
        buf_append_span(out, json_written(token, top.text));
    }
}

void preset_lay_over(struct buf *out, const char *base, const struct json_tape *base_tape,
                     const char *text, const struct json_tape *tape, uint32_t token)
{
    struct value bottom = {base, base_tape, 0};

    lay(out, bottom, (struct value){text, tape, token});
}
