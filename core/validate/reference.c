/* References are resolved when all schemas that the file declares are known. If one leads to
 * another part of the file, that is a schema too, and a further round follows. */
#include "core/validate/reference.h"

#include "core/base/mem.h"
#include "core/base/percent.h"
#include "core/target/pointer.h"
#include "core/validate/uri.h"

#include <stdio.h>

enum { SHOWN_MAX = 200 /* bytes of a reference in a message */ };

static struct resource *resource_at(const struct compiler *c, uint32_t index)
{
    return (struct resource *)c->resources.items + index;
}

static struct origin origin_of(const struct compiler *c, uint32_t node)
{
    return ((const struct origin *)c->origins.items)[node];
}

/* --- identifiers --- */

static const char *own(struct compiler *c, struct span text)
{
    return plan_own(c->plan, mem_copy(text.data, text.size));
}

static void add_anchor(struct compiler *c, struct span name, bool dynamic)
{
    struct anchor anchor = {own(c, name), c->resource, c->node, dynamic};

    list_add(&c->anchors, &anchor, sizeof anchor);
}

bool compile_anchor(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct span name = compiler_string(c, value);

    if (!name.size || memchr(name.data, '#', name.size) || memchr(name.data, '/', name.size))
        return compiler_refuse(c, "", "must be a name, without \"#\" and \"/\"");
    add_anchor(c, name, strcmp(keyword->name, "$dynamicAnchor") == 0);
    return true;
}

bool compile_recursive_anchor(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    (void)keyword;
    if (!compiler_is(c, value, JSON_TRUE) && !compiler_is(c, value, JSON_FALSE))
        return compiler_refuse(c, "", "must be true or false");
    if (compiler_is(c, value, JSON_TRUE))
        add_anchor(c, (struct span){"", 0}, true);
    return true;
}

/* Gives the schema being compiled an address, and begins a resource except at the root. */
static bool add_resource(struct compiler *c, uint32_t token, struct span reference)
{
    struct resource resource = {NULL, c->node, c->draft};
    uint32_t value = compiler_member(c, token, "$schema");
    struct buf uri = {0};

    uri_resolve(span_of(resource_at(c, c->resource)->uri), reference, &uri);
    resource.uri = own(c, buf_span(&uri));
    buf_release(&uri);
    if (c->node == 0) {
        resource_at(c, 0)->uri = resource.uri;
        return true;
    }
    c->keyword = "$schema";
    if (value && !compiler_read_draft(c, value, &resource.draft))
        return false;
    c->draft = resource.draft;
    c->resource = list_add(&c->resources, &resource, sizeof resource);
    return true;
}

/* `id` was renamed in draft-06; newer tools write `$id` in older files too. */
static uint32_t find_identifier(struct compiler *c, uint32_t token)
{
    uint32_t value = compiler_member(c, token, "$id");

    c->keyword = "$id";
    if (!value && c->draft == DRAFT_04) {
        c->keyword = "id";
        value = compiler_member(c, token, "id");
    }
    return value;
}

/* A fragment that is a JSON pointer is ignored: some generators write the place of the schema. */
bool reference_identify(struct compiler *c, uint32_t token)
{
    uint32_t value = compiler_is_reference(c, token) ? 0 : find_identifier(c, token);
    struct span uri, fragment;
    bool is_pointer;

    if (!value)
        return true;
    if (!compiler_is(c, value, JSON_STRING))
        return compiler_refuse(c, "", "must be a string");
    uri = uri_without_fragment(compiler_string(c, value), &fragment);
    is_pointer = fragment.size && fragment.data[0] == '/';
    if (fragment.size && !is_pointer && (c->draft & SINCE_2019))
        return compiler_refuse(c, "", "must not have a fragment: use \"$anchor\"");
    if (uri.size && (c->node == 0 || !is_pointer)) {
        struct buf copy = {0}; /* as reading another string invalidates it */
        bool added;

        buf_append_span(&copy, compiler_string(c, value));
        uri = uri_without_fragment(buf_span(&copy), &fragment);
        added = add_resource(c, token, uri);
        buf_release(&copy);
        if (!added)
            return false;
        uri_without_fragment(compiler_string(c, value), &fragment);
    }
    if (fragment.size && !is_pointer)
        add_anchor(c, fragment, false);
    return true;
}

/* --- references --- */

/* Follows a pointer from *token, and sets c->resource to the resource of its target; false if there
 * is none. */
static bool follow(struct compiler *c, struct span text, uint32_t *token)
{
    struct pointer pointer = {0};
    bool found = pointer_add(&pointer, text);

    for (uint32_t i = 0; found && i < pointer.count; i++) {
        *token = pointer_step(pointer.names[i], &c->plan->tape, c->plan->text, *token, &c->scratch);
        found = *token != POINTER_NOTHING;
        if (found && c->node_of[*token] != NODE_NONE)
            c->resource = origin_of(c, c->node_of[*token]).resource;
    }
    pointer_release(&pointer);
    return found;
}

/* Returns the resource with that address, or NODE_NONE. */
static uint32_t find_resource(const struct compiler *c, struct span uri)
{
    for (uint32_t i = 0; i < c->resources.count; i++)
        if (span_is(uri, resource_at(c, i)->uri))
            return i;
    return NODE_NONE;
}

/* Returns the anchor of that name, or NULL. */
static const struct anchor *find_anchor(const struct compiler *c, uint32_t resource,
                                        struct span name)
{
    const struct anchor *anchors = c->anchors.items;

    for (uint32_t i = 0; i < c->anchors.count; i++)
        if (anchors[i].resource == resource && span_is(name, anchors[i].name))
            return &anchors[i];
    return NULL;
}

/* Returns the schema that a pointer leads to within the resource, or NODE_NONE. */
static uint32_t find_below(struct compiler *c, struct span pointer)
{
    const struct node *root = &c->plan->nodes[resource_at(c, c->resource)->node];
    uint32_t token = root->token, node;
    struct buf whole = {0};

    if (!follow(c, pointer, &token))
        return NODE_NONE;
    buf_append_text(&whole, root->pointer);
    buf_append_span(&whole, pointer);
    node = compiler_add_schema_at(c, token, buf_span(&whole));
    buf_release(&whole);
    return node;
}

/* Returns the schema that a reference leads to, with its resource in c->resource; NODE_NONE after
 * compiler_refuse. */
static uint32_t find_target(struct compiler *c, struct span reference)
{
    struct span fragment, uri = uri_without_fragment(reference, &fragment);
    struct buf address = {0}, name = {0};
    uint32_t resource = c->resource, node = NODE_NONE;
    const struct anchor *anchor = NULL;
    char shown[SHOWN_MAX];

    str_printable(reference, shown, sizeof shown);
    uri_resolve(span_of(resource_at(c, resource)->uri), uri, &address);
    if (uri.size)
        resource = find_resource(c, buf_span(&address));
    buf_release(&address);
    if (resource == NODE_NONE) {
        compiler_refuse(c, "",
                        "\"%s\" is in another file: put both into one, for example with "
                        "npx @sourcemeta/jsonschema bundle FILE --resolve FOLDER",
                        shown);
        return NODE_NONE;
    }
    c->resource = resource;
    if (!percent_decode(&name, fragment))
        buf_reset(&name);
    else if (!fragment.size)
        node = resource_at(c, resource)->node;
    else if (name.data[0] == '/')
        node = find_below(c, buf_span(&name));
    else
        anchor = find_anchor(c, resource, buf_span(&name));
    buf_release(&name);
    if (anchor)
        node = anchor->node;
    if (node == NODE_NONE)
        compiler_refuse(c, "", "\"%s\" does not exist in this file", shown);
    return node;
}

/* Lists all schemas that a dynamic reference can lead to, `first` first. A single one is always the
 * target. */
static void fill_dynamic(struct compiler *c, const struct reference *reference,
                         const struct anchor *first)
{
    struct run targets = {c->plan->targets.count, 0};
    const struct anchor *anchors = c->anchors.items;
    struct check *check = &c->plan->checks[reference->check];

    for (uint32_t i = 0; i <= c->anchors.count; i++) {
        const struct anchor *anchor = i ? &anchors[i - 1] : first;
        struct target target = {anchor->resource, anchor->node};

        if (!anchor->dynamic || (i && anchor == first) || strcmp(anchor->name, first->name) != 0)
            continue;
        list_add(&c->plan->targets, &target, sizeof target);
        targets.count++;
        compiler_add_link(c, reference->node, target.node);
    }
    if (targets.count == 1)
        return;
    check->kind = CHECK_DYNAMIC;
    check->with.targets = targets;
}

static const struct anchor *dynamic_anchor(struct compiler *c, const struct reference *reference,
                                           struct span text)
{
    struct span fragment = {0};
    const struct anchor *anchor;

    if (strcmp(reference->keyword, "$ref") == 0)
        return NULL;
    uri_without_fragment(text, &fragment);
    anchor = find_anchor(c, c->resource, fragment);
    return anchor && anchor->dynamic ? anchor : NULL;
}

static bool resolve(struct compiler *c, const struct reference *reference)
{
    struct span text = compiler_string(c, reference->value);
    struct buf copy = {0}; /* as reading another string invalidates it */
    uint32_t from = origin_of(c, reference->node).resource, node;
    const struct anchor *anchor = NULL;

    c->node = reference->node;
    c->keyword = reference->keyword;
    c->resource = from;
    c->draft = resource_at(c, from)->draft;
    buf_append_span(&copy, text);
    node = find_target(c, buf_span(&copy));
    if (node != NODE_NONE) {
        struct check *check = &c->plan->checks[reference->check];

        anchor = dynamic_anchor(c, reference, buf_span(&copy));
        if (c->is_dynamic && c->resource != from) {
            check->kind = CHECK_ENTER;
            check->with.enter.resource = c->resource;
            check->with.enter.node = node;
        } else {
            check->with.node = node;
        }
        compiler_add_link(c, reference->node, node);
    }
    if (anchor)
        fill_dynamic(c, reference, anchor);
    buf_release(&copy);
    return node != NODE_NONE;
}

/* Dynamic references come last, when all their targets are known. */
bool reference_resolve(struct compiler *c, bool *is_done)
{
    uint32_t count = c->plan->node_count;

    for (int dynamic = 0; dynamic < 2 && count == c->plan->node_count; dynamic++) {
        for (uint32_t i = 0; i < c->references.count; i++) {
            struct reference *reference = (struct reference *)c->references.items + i;

            if (!reference->value || (strcmp(reference->keyword, "$ref") != 0) != dynamic)
                continue;
            if (!resolve(c, reference))
                return false;
            reference->value = 0;
        }
    }
    *is_done = count == c->plan->node_count;
    return true;
}

bool compile_reference(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct reference reference = {keyword->name, c->node, c->plan->check_count, value};

    if (!compiler_is(c, value, JSON_STRING))
        return compiler_refuse(c, "", "must be a string");
    if (strcmp(keyword->name, "$recursiveRef") == 0 && !span_is(compiler_string(c, value), "#"))
        return compiler_refuse(c, "", "must be \"#\"");
    compiler_add_check(c, keyword, value);
    list_add(&c->references, &reference, sizeof reference);
    return true;
}
