#include "core/target/body.h"

#include "core/base/mem.h"

#include <stdlib.h>

/* A body while it is written. */
struct writing {
    const struct body_form *form;
    const struct body_values *values;
    struct body_scratch *scratch;
    struct buf *out;
};

/* A field while the item of a list is written. */
struct item {
    const struct writing *writing;
    struct span name, path, json;
};

void body_scratch_release(struct body_scratch *scratch)
{
    json_tape_release(&scratch->fields);
    json_tape_release(&scratch->under);
    buf_release(&scratch->name);
}

void body_release(struct body_node *node)
{
    for (uint32_t i = 0; i < node->count; i++) {
        free((char *)node->children[i].name.data);
        free((char *)node->children[i].key.data);
        body_release(&node->children[i]);
    }
    free(node->children);
    template_release(&node->constant);
    node->children = NULL;
    node->count = 0;
}

static struct body_node *find_child(const struct body_node *node, struct span name)
{
    for (uint32_t i = 0; i < node->count; i++)
        if (span_equal(node->children[i].name, name))
            return &node->children[i];
    return NULL;
}

static struct body_node *add_child(struct body_node *node, struct span name, enum body_kind kind)
{
    struct buf key = {0};

    node->children = mem_resize(node->children, node->count + 1, sizeof *node->children);
    name.data = mem_copy(name.data, name.size);
    buf_append_quoted(&key, name);
    buf_append_char(&key, ':');
    node->children[node->count] =
        (struct body_node){.kind = kind, .name = name, .key = buf_span(&key)};
    return &node->children[node->count++];
}

struct body_node *body_add(struct body_node *root, const struct pointer *at, enum body_kind kind)
{
    struct body_node *node = root;

    for (uint32_t i = 0; i < at->count; i++) {
        bool last = i + 1 == at->count;
        struct body_node *child = find_child(node, at->names[i]);

        if (child && (child->kind != BODY_OBJECT || (last && kind != BODY_OBJECT)))
            return NULL;
        if (!child)
            child = add_child(node, at->names[i], last ? kind : BODY_OBJECT);
        node = child;
    }
    return node == root && kind != BODY_OBJECT ? NULL : node;
}

const struct body_node *body_find(const struct body_node *root, const struct pointer *at)
{
    for (uint32_t i = 0; i < at->count && root && root->kind == BODY_OBJECT; i++)
        root = find_child(root, at->names[i]);
    return root;
}

void body_write_value(struct buf *out, const struct json_token *token, const char *from, bool text)
{
    bool quoted = token->kind == JSON_STRING ||
                  (text && (token->kind == JSON_NUMBER || token->kind == JSON_TRUE ||
                            token->kind == JSON_FALSE));

    if (quoted)
        buf_append_char(out, '"');
    buf_append(out, from + token->start, token->size);
    if (quoted)
        buf_append_char(out, '"');
}

static const struct body_place *find_place(const struct body_form *form, struct span field)
{
    for (uint32_t i = 0; i < form->place_count; i++)
        if (span_equal(form->places[i].field, field))
            return &form->places[i];
    return NULL;
}

/* Begins a member: what was there before ends in `{` or needs a comma. */
static void begin_member(struct buf *out)
{
    if (out->data[out->size - 1] != '{')
        buf_append_char(out, ',');
}

/* Appends the members of `from` at its token `object` for which `wanted` returns true. */
static void write_members(const struct writing *w, const struct json_tape *tape, const char *from,
                          uint32_t object, bool text, const struct body_node *node,
                          bool (*wanted)(const struct writing *w, const struct body_node *node,
                                         struct span name))
{
    const struct json_token *tokens = tape->tokens;

    for (uint32_t i = object + 1; i < tokens[object].next; i = tokens[i + 1].next) {
        if (!wanted(w, node, json_string(&tokens[i], from, &w->scratch->name)))
            continue;
        begin_member(w->out);
        body_write_value(w->out, &tokens[i], from, false);
        buf_append_char(w->out, ':');
        body_write_value(w->out, &tokens[i + 1], from, text);
    }
}

static bool has_no_place(const struct writing *w, const struct body_node *node, struct span name)
{
    (void)node;
    return !find_place(w->form, name);
}

/* True of a member of the object underneath that nothing of ours takes the place of. */
static bool shows_through(const struct writing *w, const struct body_node *node, struct span name)
{
    struct buf scratch = {0};
    bool hidden = find_child(node, name) != NULL;

    if (!hidden && node->has_fields && !find_place(w->form, name))
        hidden = pointer_member(name, &w->scratch->fields, w->values->fields.data, 0, &scratch) !=
                 POINTER_NOTHING;
    buf_release(&scratch);
    return !hidden;
}

static struct template_value get_of_item(const void *context, unsigned value)
{
    const struct item *item = context;

    if (value == BODY_NAME)
        return (struct template_value){.text = item->name};
    if (value == BODY_PATH)
        return (struct template_value){.text = item->path};
    if (value == BODY_VALUE)
        return (struct template_value){.json = item->json};
    return item->writing->values->get(item->writing->values->context, value);
}

static void write_list(const struct writing *w, const struct body_node *node)
{
    const char *text = w->values->fields.data;
    const struct json_token *tokens = w->scratch->fields.tokens;
    struct buf path = {0}, json = {0};

    buf_append_char(w->out, '[');
    for (uint32_t i = 1; i < tokens[0].next; i = tokens[i + 1].next) {
        struct item item = {.writing = w, .name = json_string(&tokens[i], text, &w->scratch->name)};
        const struct body_place *place = find_place(w->form, item.name);

        buf_reset(&path);
        buf_reset(&json);
        buf_append_span(&path, place ? place->path : w->form->path);
        if (!place)
            buf_append_span(&path, item.name);
        body_write_value(&json, &tokens[i + 1], text, w->form->text);
        item.path = buf_span(&path);
        item.json = buf_span(&json);
        if (i > 1)
            buf_append_char(w->out, ',');
        template_write(&node->constant, get_of_item, &item, w->out);
    }
    buf_append_char(w->out, ']');
    buf_release(&path);
    buf_release(&json);
}

static void write_object(const struct writing *w, const struct body_node *node, uint32_t under);

/* Writes the value of a member. False, and nothing is written, where there is none. */
static bool write_value(const struct writing *w, const struct body_node *node, uint32_t under)
{
    const struct body_values *values = w->values;
    size_t size = w->out->size;
    uint32_t found;

    switch (node->kind) {
    case BODY_OBJECT:
        write_object(w, node, under);
        if (w->out->size > size + 2 || node->is_kept)
            return true;
        w->out->size = size;
        return false;
    case BODY_CONSTANT:
        template_write(&node->constant, values->get, values->context, w->out);
        return true;
    case BODY_TOKEN:
        buf_append_span(w->out, values->token);
        return values->token.size > 0;
    case BODY_FIELD:
        found = pointer_member(w->form->places[node->place].field, &w->scratch->fields,
                               values->fields.data, 0, &w->scratch->name);
        if (found == POINTER_NOTHING)
            return false;
        body_write_value(w->out, &w->scratch->fields.tokens[found], values->fields.data,
                         w->form->text);
        return true;
    case BODY_LIST:
        write_list(w, node);
        return true;
    case BODY_MARK:
        buf_append_char(w->out, '"');
        buf_append_span(w->out, values->mark);
        buf_append_char(w->out, '"');
        return true;
    }
    return false;
}

/* Writes a member, or what is under it, or nothing. */
static void write_member(const struct writing *w, const struct body_node *node, uint32_t under)
{
    size_t size = w->out->size;

    if (under != POINTER_NOTHING)
        under = pointer_member(node->name, &w->scratch->under, w->values->under.data, under,
                               &w->scratch->name);
    begin_member(w->out);
    buf_append_span(w->out, node->key);
    if (write_value(w, node, under))
        return;
    if (under == POINTER_NOTHING)
        w->out->size = size;
    else
        body_write_value(w->out, &w->scratch->under.tokens[under], w->values->under.data, false);
}

/* Writes the fields that have no place of their own: all of them as they are, where that is all. */
static void write_fields(const struct writing *w, const struct body_node *node)
{
    struct span fields = w->values->fields;
    size_t from = 1, to = fields.size - 1;

    if (w->form->reads) {
        write_members(w, &w->scratch->fields, fields.data, 0, w->form->text, node, has_no_place);
        return;
    }
    while (from < to && strchr(" \t\r\n", fields.data[from]))
        from++;
    if (from == to)
        return;
    begin_member(w->out);
    buf_append(w->out, fields.data + from, to - from);
}

static void write_object(const struct writing *w, const struct body_node *node, uint32_t under)
{
    if (node->has_fields && !node->count && !w->form->reads && under == POINTER_NOTHING) {
        buf_append_span(w->out, w->values->fields);
        return;
    }
    buf_append_char(w->out, '{');
    for (uint32_t i = 0; i < node->count; i++)
        write_member(w, &node->children[i], under);
    if (node->has_fields)
        write_fields(w, node);
    if (under != POINTER_NOTHING && w->scratch->under.tokens[under].kind == JSON_OBJECT)
        write_members(w, &w->scratch->under, w->values->under.data, under, false, node,
                      shows_through);
    buf_append_char(w->out, '}');
}

void body_write(const struct body_node *root, const struct body_form *form,
                const struct body_values *values, struct body_scratch *scratch, struct buf *out)
{
    struct writing w = {form, values, scratch, out};
    struct json_fault fault;
    bool has_under = values->under.size > 0;

    scratch->fields.count = scratch->under.count = 0;
    if (form->reads || has_under)
        json_scan(&scratch->fields, values->fields, 0, &fault);
    if (has_under)
        json_scan(&scratch->under, values->under, 0, &fault);
    write_object(&w, root, has_under ? 0 : POINTER_NOTHING);
}
