#include "core/target/places.h"

#include "core/base/mem.h"

#include <stdlib.h>

/* `fields` while it is read. */
struct fields {
    uint32_t at, list, item; /* values; 0: not given */
    struct pointer list_at;
    bool placed; /* fields are written at their places, not only in the list */
};

static void append_path(struct buf *out, const struct pointer *pointer, uint32_t from)
{
    for (uint32_t i = from; i < pointer->count; i++) {
        if (out->size)
            buf_append_char(out, '.');
        buf_append_span(out, pointer->names[i]);
    }
}

static void copy_pointer(struct pointer *to, const struct pointer *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        pointer_add_name(to, from->names[i]);
}

static struct span keep_path(struct parse *r, struct buf *path)
{
    struct span kept = {parse_own(r, mem_copy(path->data, path->size)), path->size};

    buf_release(path);
    return kept;
}

static bool is_property(const struct parse *r, struct span name)
{
    for (size_t i = 0; i < r->source->property_count; i++)
        if (span_equal(r->source->properties[i], name))
            return true;
    return false;
}

/* Reads an entry of `at`: a place of its own for a property of the schema file, or "*". */
static bool read_place(struct parse *r, uint32_t name)
{
    struct body_form *form = &r->to->form;
    struct span field = parse_string(r, name);
    struct pointer at = {0};
    struct buf path = {0};
    char shown[128];

    PARSE_BELOW(pointer, "/fields/at/%s", str_printable(field, shown, sizeof shown));
    copy_pointer(&at, &r->to->root);
    if (!parse_place(r, name + 1, pointer, &at)) {
        pointer_release(&at);
        return false;
    }
    if (span_is(field, "*")) {
        pointer_release(&r->to->rest);
        r->to->rest = at;
        return true;
    }
    if (at.count == r->to->root.count) {
        pointer_release(&at);
        return parse_refuse(r, pointer, "must lead to a member");
    }
    if (!is_property(r, field)) {
        pointer_release(&at);
        return true;
    }
    append_path(&path, &at, r->to->root.count);
    form->places = mem_resize(form->places, form->place_count + 1, sizeof *form->places);
    form->places[form->place_count++] =
        (struct body_place){.field = field, .at = at, .path = keep_path(r, &path)};
    return true;
}

/* Reads `at`, which can only be done when the root is known. */
static bool read_at(struct parse *r, uint32_t at)
{
    struct buf path = {0};

    copy_pointer(&r->to->rest, &r->to->root);
    if (at && !parse_is(r, at, JSON_OBJECT))
        return parse_refuse(r, "/fields/at", "must be an object of JSON pointers");
    for (uint32_t i = at + 1; at && i < parse_token(r, at)->next; i = parse_token(r, i + 1)->next)
        if (!read_place(r, i))
            return false;
    append_path(&path, &r->to->rest, r->to->root.count);
    if (path.size)
        buf_append_char(&path, '.');
    r->to->form.path = keep_path(r, &path);
    return true;
}

static bool read_each(struct parse *r, uint32_t each, struct fields *fields)
{
    static const char *const names[] = {"list", "item", NULL};
    uint32_t list;

    if (!parse_members(r, each, "/fields/each", names))
        return false;
    list = parse_member(r, each, "list");
    fields->item = parse_member(r, each, "item");
    if (!list || !fields->item)
        return parse_refuse(r, list ? "/fields/each/item" : "/fields/each/list", "must be given");
    fields->list = list;
    return parse_place(r, list, "/fields/each/list", &fields->list_at);
}

static bool read_fields(struct parse *r, struct fields *fields)
{
    static const char *const names[] = {"root", "at", "each", "text", NULL};
    uint32_t value = parse_member(r, 0, "fields"), root = 0, each, text;
    const char *root_at = "/fields";

    fields->placed = true;
    if (value && parse_is(r, value, JSON_OBJECT)) {
        if (!parse_members(r, value, "/fields", names))
            return false;
        root = parse_member(r, value, "root");
        root_at = "/fields/root";
        fields->at = parse_member(r, value, "at");
        each = parse_member(r, value, "each");
        text = parse_member(r, value, "text");
        if (each && !read_each(r, each, fields))
            return false;
        if (text && !parse_is(r, text, JSON_TRUE) && !parse_is(r, text, JSON_FALSE))
            return parse_refuse(r, "/fields/text", "must be true or false");
        r->to->form.text = text && parse_is(r, text, JSON_TRUE);
    } else {
        root = value;
    }
    return (!root || parse_place(r, root, root_at, &r->to->root)) && read_at(r, fields->at);
}

/* Names what is at a place that something else needs. */
static const char *owner_of(const struct body_node *node)
{
    static const char *const owners[] = {
        [BODY_OBJECT] = "other members",    [BODY_CONSTANT] = "a constant of the body",
        [BODY_TOKEN] = "the lock's token",  [BODY_FIELD] = "a field",
        [BODY_LIST] = "the list of fields", [BODY_MARK] = "the mark",
    };

    return owners[node->kind];
}

static bool refuse_shared(struct parse *r, const struct body_node *root, const struct pointer *at,
                          const char *pointer)
{
    const struct body_node *other = body_find(root, at);
    struct buf text = {0};

    pointer_print(at, &text);
    parse_refuse(r, pointer, "shares the place \"%s\" of the body with %s", buf_text(&text),
                 other ? owner_of(other) : "something else");
    buf_release(&text);
    return false;
}

/* Adds the members of a constant object: objects are merged with what is there. */
static bool add_constants(struct parse *r, struct body_node *root, uint32_t object,
                          struct pointer *at, const char *where)
{
    bool good = true;

    for (uint32_t i = object + 1; good && i < parse_token(r, object)->next;
         i = parse_token(r, i + 1)->next) {
        bool nested = parse_is(r, i + 1, JSON_OBJECT);
        struct body_node *node;
        char shown[96];

        PARSE_BELOW(pointer, "%s/%s", where,
                    str_printable(parse_string(r, i), shown, sizeof shown));
        pointer_add_name(at, parse_string(r, i));
        node = body_add(root, at, nested ? BODY_OBJECT : BODY_CONSTANT);
        if (!node) {
            good = refuse_shared(r, root, at, pointer);
        } else if (nested) {
            node->is_kept = parse_token(r, i + 1)->count == 0;
            good = add_constants(r, root, i + 1, at, pointer);
        } else {
            good = parse_constant(r, i + 1, pointer, &node->constant);
        }
        free((char *)at->names[--at->count].data);
    }
    return good;
}

/* Adds the fields: a node for each that has a place of its own, and an object with the rest. */
static bool add_fields(struct parse *r, struct body_node *root)
{
    const struct body_form *form = &r->to->form;
    struct body_node *node;

    for (uint32_t i = 0; i < form->place_count; i++) {
        PARSE_BELOW(pointer, "/fields/at/%.*s", (int)form->places[i].field.size,
                    form->places[i].field.data);
        node = body_add(root, &form->places[i].at, BODY_FIELD);
        if (!node)
            return refuse_shared(r, root, &form->places[i].at, pointer);
        node->place = i;
    }
    node = body_add(root, &r->to->rest, BODY_OBJECT);
    if (!node)
        return refuse_shared(r, root, &r->to->rest, "/fields");
    node->has_fields = true;
    node->is_kept = r->to->rest.count == r->to->root.count;
    return true;
}

/* Looks for properties without a place of their own that share one with something else. */
static bool check_properties(struct parse *r, const struct body_node *root, const char *body_at)
{
    const char *const pointers[] = {
        [BODY_OBJECT] = "/fields", [BODY_CONSTANT] = body_at,         [BODY_TOKEN] = "/lock/write",
        [BODY_FIELD] = "/fields",  [BODY_LIST] = "/fields/each/list", [BODY_MARK] = "/mark",
    };
    const struct body_form *form = &r->to->form;
    bool good = true;

    for (size_t i = 0; good && i < r->source->property_count; i++) {
        struct span name = r->source->properties[i];
        const struct body_node *other;
        struct pointer at = {0};
        char shown[128];
        bool has_place = false;

        for (uint32_t place = 0; place < form->place_count; place++)
            has_place = has_place || span_equal(form->places[place].field, name);
        if (has_place)
            continue;
        copy_pointer(&at, &r->to->rest);
        pointer_add_name(&at, name);
        other = body_find(root, &at);
        if (other)
            good = parse_refuse(r, pointers[other->kind],
                                "shares a place of the body with the property \"%s\"",
                                str_printable(name, shown, sizeof shown));
        pointer_release(&at);
    }
    return good;
}

/* Builds the body of a write or of a create in the order in which it is sent. */
static bool build_body(struct parse *r, struct body_node *root, const struct fields *fields,
                       uint32_t body, const char *body_at)
{
    const struct description *to = r->to;
    struct pointer at = {0};
    struct body_node *node;

    if (to->lock_write.is_there && !to->lock_write.header &&
        !body_add(root, &to->lock_write.pointer, BODY_TOKEN))
        return refuse_shared(r, root, &to->lock_write.pointer, "/lock/write");
    if (fields->placed && !add_fields(r, root))
        return false;
    if (body && !add_constants(r, root, body, &at, body_at)) {
        pointer_release(&at);
        return false;
    }
    pointer_release(&at);
    if (fields->list) {
        node = body_add(root, &fields->list_at, BODY_LIST);
        if (!node)
            return refuse_shared(r, root, &fields->list_at, "/fields/each/list");
        r->in_item = true;
        if (!parse_constant(r, fields->item, "/fields/each/item", &node->constant))
            return false;
        r->in_item = false;
    }
    if (to->mark.is_there && !body_add(root, &to->mark.pointer, BODY_MARK))
        return refuse_shared(r, root, &to->mark.pointer, "/mark");
    return !fields->placed || check_properties(r, root, body_at);
}

/* Notes what a body has next to fields without a place of their own. */
static void note_taken(struct parse *r, const struct body_node *root)
{
    struct description *to = r->to;
    const struct body_node *node = body_find(root, &to->rest);

    for (uint32_t i = 0; node && node->has_fields && i < node->count; i++) {
        struct span name = node->children[i].name;
        bool known = is_property(r, name);

        for (uint32_t j = 0; j < to->taken_count; j++)
            known = known || span_equal(to->taken[j], name);
        if (known)
            continue;
        to->taken = mem_resize(to->taken, to->taken_count + 1, sizeof *to->taken);
        to->taken[to->taken_count++] = name;
    }
}

/* Whether an item of the list has the value of its field, which is then nowhere else. */
static bool item_has_value(struct parse *r, uint32_t item, bool *has)
{
    struct template template = {0};
    bool good;

    r->in_item = true;
    good = parse_constant(r, item, "/fields/each/item", &template);
    r->in_item = false;
    *has = template_has(&template, BODY_VALUE);
    for (uint32_t i = 0; good && i < template.count; i++)
        good = template.pieces[i].use != TEMPLATE_STRING ||
               template.pieces[i].value != BODY_VALUE ||
               parse_refuse(r, "/fields/each/item",
                            "has {value} within a text: a string must be {value} and nothing else");
    template_release(&template);
    return good;
}

static bool has_value(const struct body_node *node, unsigned value)
{
    bool has = node->kind == BODY_CONSTANT && template_has(&node->constant, value);

    for (uint32_t i = 0; i < node->count; i++)
        has = has || has_value(&node->children[i], value);
    return has;
}

static bool call_has(const struct description_call *call, unsigned value)
{
    return template_has(&call->path, value) || has_value(&call->body, value) ||
           template_has(&call->content, value);
}

/* Checks that a request has all that names a record. Otherwise, rows that count as those of
 * different records would be sent at once to one. */
static bool check_id(struct parse *r, const struct description_call *call, const char *pointer)
{
    const struct description *d = r->to;

    for (uint32_t i = 0; i < d->param_count; i++)
        if (d->params[i].is_column && !call_has(call, DESCRIPTION_FIRST_PARAM + i))
            return parse_refuse(r, pointer,
                                "does not name the record: use {%.*s} in path or body, because its "
                                "column is part of the record id",
                                (int)d->params[i].name.size, d->params[i].name.data);
    return call_has(call, DESCRIPTION_ID) ||
           parse_refuse(r, pointer, "does not name the record: use {id} in path or body");
}

/* Reads where a record that was read has its fields: as in the write, unless `read` says so. */
static bool read_roots(struct parse *r, uint32_t read, uint32_t *as)
{
    uint32_t root = read ? parse_member(r, read, "root") : 0, star;

    *as = read ? parse_member(r, read, "as") : 0;
    if (root && !parse_pointer(r, root, "/read/root", &r->to->read_root))
        return false;
    if (!root)
        copy_pointer(&r->to->read_root, &r->to->root);
    if (*as && !parse_is(r, *as, JSON_OBJECT))
        return parse_refuse(r, "/read/as", "must be an object of JSON pointers");
    star = *as ? parse_member(r, *as, "*") : 0;
    if (star)
        return parse_pointer(r, star, "/read/as/*", &r->to->read_rest);
    copy_pointer(&r->to->read_rest, &r->to->read_root);
    for (uint32_t i = r->to->root.count; i < r->to->rest.count; i++)
        pointer_add_name(&r->to->read_rest, r->to->rest.names[i]);
    return true;
}

static bool is_listed(struct parse *r, uint32_t list, struct span name)
{
    bool listed = false;

    for (uint32_t i = list + 1; list && i < parse_token(r, list)->next; i = parse_token(r, i)->next)
        listed = listed || (parse_is(r, i, JSON_STRING) && span_equal(parse_string(r, i), name));
    return listed;
}

/* Finds where a property comes back. */
static bool read_property(struct parse *r, uint32_t as, struct description_property *property)
{
    const struct body_form *form = &r->to->form;
    uint32_t own = as ? pointer_member(property->name, &r->to->tape, r->to->text, as, &r->scratch)
                      : POINTER_NOTHING;
    char shown[128];

    PARSE_BELOW(pointer, "/read/as/%s", str_printable(property->name, shown, sizeof shown));
    if (own != POINTER_NOTHING)
        return parse_pointer(r, own, pointer, &property->at);
    for (uint32_t i = 0; i < form->place_count; i++) {
        if (!span_equal(form->places[i].field, property->name))
            continue;
        copy_pointer(&property->at, &r->to->read_root);
        for (uint32_t name = r->to->root.count; name < form->places[i].at.count; name++)
            pointer_add_name(&property->at, form->places[i].at.names[name]);
        return true;
    }
    copy_pointer(&property->at, &r->to->read_rest);
    pointer_add_name(&property->at, property->name);
    return true;
}

static bool read_properties(struct parse *r, uint32_t read, uint32_t as)
{
    struct description *to = r->to;
    uint32_t ignore = read ? parse_member(r, read, "ignore") : 0;

    if (ignore && !parse_is(r, ignore, JSON_ARRAY))
        return parse_refuse(r, "/read/ignore", "must be an array of names of fields");
    to->properties = mem_calloc(r->source->property_count + 1, sizeof *to->properties);
    for (size_t i = 0; i < r->source->property_count; i++) {
        struct description_property *property = &to->properties[to->property_count++];
        struct span name = r->source->properties[i];

        property->name = (struct span){parse_own(r, mem_copy(name.data, name.size)), name.size};
        property->is_ignored = is_listed(r, ignore, name);
        if (!read_property(r, as, property))
            return false;
    }
    for (uint32_t i = ignore + 1, index = 0; ignore && i < parse_token(r, ignore)->next;
         i = parse_token(r, i)->next, index++) {
        PARSE_BELOW(pointer, "/read/ignore/%u", index);

        if (!parse_is(r, i, JSON_STRING) || !is_property(r, parse_string(r, i)))
            return parse_refuse(r, pointer, "must be the name of a property of the schema file");
    }
    return true;
}

bool places_read(struct parse *r)
{
    struct description *to = r->to;
    uint32_t read = parse_member(r, 0, "read"), write = parse_member(r, 0, "write"), as;
    uint32_t missing = parse_member(r, 0, "missing"), body = parse_member(r, write, "body"), own;
    const struct body_node *root_node;
    struct fields fields = {0};
    bool has_value = false;
    bool good =
        read_fields(r, &fields) && (!fields.item || item_has_value(r, fields.item, &has_value));

    fields.placed = !has_value;
    to->form.reads = fields.list || to->form.place_count || to->form.text;
    good = good && build_body(r, &to->write.body, &fields, body, "/write/body");
    if (good && to->missing == TARGET_CREATE) {
        own = parse_member(r, missing, "body");
        good = build_body(r, &to->create.body, &fields, own ? own : body,
                          own ? "/missing/body" : "/write/body") &&
               check_id(r, &to->create, "/missing");
    }
    if (good && to->bulk.max) {
        own = parse_member(r, parse_member(r, 0, "bulk"), "item");
        good = build_body(r, &to->bulk.call.body, &fields, own ? own : body,
                          own ? "/bulk/item" : "/write/body") &&
               check_id(r, &to->bulk.call, "/bulk");
    }
    pointer_release(&fields.list_at);
    good = good && check_id(r, &to->write, "/write") && check_id(r, &to->read, "/read") &&
           read_roots(r, read, &as) && read_properties(r, read, as);
    note_taken(r, &to->write.body);
    note_taken(r, &to->create.body);
    note_taken(r, &to->bulk.call.body);
    /* what a write has there besides fields (token, mark, constants) must not come back as fields
     */
    root_node = good ? body_find(&to->write.body, &to->root) : NULL;
    to->reads_whole = good && to->read_root.count && !to->form.place_count && !as &&
                      to->rest.count == to->root.count && !(root_node && root_node->count);
    for (uint32_t i = 0; i < to->property_count; i++)
        to->reads_whole = to->reads_whole && !to->properties[i].is_ignored;
    return good;
}
