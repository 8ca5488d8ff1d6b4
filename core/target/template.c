#include "core/target/template.h"

#include "core/base/mem.h"
#include "core/base/percent.h"

#include <stdlib.h>

void template_release(struct template *template)
{
    free(template->pieces);
    *template = (struct template){0};
}

static void add(struct template *template, enum template_use use, unsigned value,
                struct span literal)
{
    if (use == TEMPLATE_LITERAL && !literal.size)
        return;
    if (template->count == template->capacity) {
        template->capacity = template->capacity ? 2 * template->capacity : 8;
        template->pieces =
            mem_resize(template->pieces, template->capacity, sizeof *template->pieces);
    }
    template->pieces[template->count++] = (struct template_piece){use, value, literal};
}

static bool is_name_byte(char byte)
{
    return str_is_letter(byte) || str_is_digit(byte) || byte == '_' || byte == '-';
}

/* Returns the size of the placeholder that text begins with, braces included; 0: it does not. */
static size_t placeholder_size(struct span text)
{
    size_t i = 1;

    if (text.size < 3 || text.data[0] != '{' || !str_is_letter(text.data[1]))
        return 0;
    while (i < text.size && is_name_byte(text.data[i]))
        i++;
    return i < text.size && text.data[i] == '}' ? i + 1 : 0;
}

bool template_add_text(struct template *template, struct span text, enum template_use use,
                       template_find *find, const void *context, struct span *unknown)
{
    size_t from = 0;

    for (size_t i = 0; i < text.size;) {
        size_t size = placeholder_size(span_from(text, i));
        struct span name = {text.data + i + 1, size - 2};
        int value;

        if (!size) {
            i++;
            continue;
        }
        value = find(context, name);
        if (value < 0) {
            *unknown = name;
            return false;
        }
        add(template, TEMPLATE_LITERAL, 0, (struct span){text.data + from, i - from});
        add(template, use, (unsigned)value, (struct span){0});
        i += size;
        from = i;
    }
    add(template, TEMPLATE_LITERAL, 0, span_from(text, from));
    return true;
}

/* A JSON value while it is taken apart. */
struct taking {
    struct template *template;
    const char *text;
    const struct json_tape *tape;
    size_t from; /* what is before this was added */
    template_find *find;
    const void *context;
    struct span *unknown;
};

static bool take_string(struct taking *taking, const struct json_token *token)
{
    struct span inside = {taking->text + token->start, token->size};
    bool whole = placeholder_size(inside) == inside.size && inside.size;
    size_t quote = whole ? 1 : 0;

    add(taking->template, TEMPLATE_LITERAL, 0,
        (struct span){taking->text + taking->from, token->start - quote - taking->from});
    taking->from = token->start + token->size + quote;
    return template_add_text(taking->template, inside, whole ? TEMPLATE_VALUE : TEMPLATE_STRING,
                             taking->find, taking->context, taking->unknown);
}

/* Recurses at most JSON_DEPTH_MAX deep. */
static bool take(struct taking *taking, uint32_t i)
{
    const struct json_token *tokens = taking->tape->tokens;
    bool named = tokens[i].kind == JSON_OBJECT;

    if (tokens[i].kind == JSON_STRING)
        return take_string(taking, &tokens[i]);
    if (tokens[i].kind != JSON_OBJECT && tokens[i].kind != JSON_ARRAY)
        return true;
    for (uint32_t at = i + 1; at < tokens[i].next; at = tokens[at + named].next)
        if (!take(taking, at + named))
            return false;
    return true;
}

bool template_add_json(struct template *template, const char *text, const struct json_tape *tape,
                       uint32_t token, template_find *find, const void *context,
                       struct span *unknown)
{
    const struct json_token *value = &tape->tokens[token];
    size_t quote = value->kind == JSON_STRING;
    struct taking taking = {template, text, tape, value->start - quote, find, context, unknown};

    if (!take(&taking, token))
        return false;
    add(template, TEMPLATE_LITERAL, 0,
        (struct span){text + taking.from, value->start + value->size + quote - taking.from});
    return true;
}

void template_write(const struct template *template, template_get *get, const void *context,
                    struct buf *out)
{
    for (uint32_t i = 0; i < template->count; i++) {
        const struct template_piece *piece = &template->pieces[i];
        struct template_value value;

        if (piece->use == TEMPLATE_LITERAL) {
            buf_append_span(out, piece->literal);
            continue;
        }
        value = get(context, piece->value);
        if (piece->use == TEMPLATE_TEXT) {
            buf_append_span(out, value.text);
        } else if (piece->use == TEMPLATE_SEGMENT) {
            percent_encode(out, value.text);
        } else if (piece->use == TEMPLATE_STRING) {
            buf_append_json(out, value.text);
        } else if (value.json.size) {
            buf_append_span(out, value.json);
        } else {
            buf_append_quoted(out, value.text);
        }
    }
}

bool template_has(const struct template *template, unsigned value)
{
    for (uint32_t i = 0; i < template->count; i++)
        if (template->pieces[i].use != TEMPLATE_LITERAL && template->pieces[i].value == value)
            return true;
    return false;
}
