#include "core/validate/compile.h"

#include "core/base/mem.h"
#include "core/validate/compiler.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NODES_MAX = 100000,     /* schemas in a file */
    POINTERS_MAX = 16 << 20 /* bytes of all their pointers */
};

bool compiler_refuse(struct compiler *c, const char *below, const char *format, ...)
{
    const char *pointer = c->plan->node_count ? c->plan->nodes[c->node].pointer : "";
    char reason[ERR_TEXT_SIZE / 2], where[ERR_TEXT_SIZE / 2];
    struct buf text = {0};
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    buf_printf(&text, "%s%s%s%s", pointer, *c->keyword ? "/" : "", c->keyword, below);
    str_printable(buf_span(&text), where, sizeof where);
    buf_release(&text);
    return err_set(c->err, ERR_CONFIG, "%s: #%s: %s", c->path, where, reason);
}

const struct json_token *compiler_token(const struct compiler *c, uint32_t index)
{
    return &c->plan->tape.tokens[index];
}

struct value compiler_value(const struct compiler *c, uint32_t index)
{
    return (struct value){c->plan->text, c->plan->tape.tokens, index};
}

struct span compiler_string(struct compiler *c, uint32_t index)
{
    return json_string(compiler_token(c, index), c->plan->text, &c->scratch);
}

uint32_t compiler_member(struct compiler *c, uint32_t object, const char *name)
{
    uint32_t next = compiler_token(c, object)->next;

    for (uint32_t i = object + 1; i < next; i = compiler_token(c, i + 1)->next)
        if (span_is(compiler_string(c, i), name))
            return i + 1;
    return 0;
}

bool compiler_is(const struct compiler *c, uint32_t index, enum json_kind kind)
{
    return compiler_token(c, index)->kind == kind;
}

static uint32_t add_node(struct compiler *c, bool is_inside)
{
    struct origin origin = {c->resource, is_inside};

    list_add(&c->origins, &origin, sizeof origin);
    return plan_add_node(c->plan);
}

uint32_t compiler_add_schema_at(struct compiler *c, uint32_t token, struct span pointer)
{
    bool defined = strcmp(c->keyword, "$defs") == 0 || strcmp(c->keyword, "definitions") == 0;
    uint32_t index = c->node_of[token];

    if (index != NODE_NONE)
        return index;
    index = add_node(c, false);
    c->node_of[token] = index;
    c->pointer_size += pointer.size;
    c->plan->nodes[index].token = token;
    c->plan->nodes[index].pointer = plan_own(c->plan, mem_copy(pointer.data, pointer.size));
    c->plan->nodes[index].keyword = defined ? "$ref" : c->keyword;
    return index;
}

uint32_t compiler_add_schema(struct compiler *c, uint32_t token, const char *pointer_tail)
{
    struct buf pointer = {0};
    uint32_t index;

    buf_printf(&pointer, "%s%s", c->plan->nodes[c->node].pointer, pointer_tail);
    index = compiler_add_schema_at(c, token, buf_span(&pointer));
    buf_release(&pointer);
    return index;
}

uint32_t compiler_add_inside(struct compiler *c, uint32_t token)
{
    uint32_t index = add_node(c, true);

    c->plan->nodes[index].token = token;
    c->plan->nodes[index].pointer = c->plan->nodes[c->node].pointer;
    c->plan->nodes[index].keyword = c->plan->nodes[c->node].keyword;
    compiler_add_link(c, index);
    return index;
}

void compiler_add_link(struct compiler *c, uint32_t to)
{
    list_add(&c->plan->links, &(struct link){c->node, to}, sizeof(struct link));
}

uint32_t compiler_add_branch(struct compiler *c, uint32_t token, const char *pointer_tail)
{
    uint32_t index = compiler_add_schema(c, token, pointer_tail);

    compiler_add_link(c, index);
    return index;
}

struct check *compiler_add_check(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    uint32_t index = plan_add_check(c->plan); /* moves the array */
    struct check *check = &c->plan->checks[index];

    check->kind = keyword->check;
    check->on = keyword->on;
    check->token = value;
    check->keyword = keyword->name;
    c->plan->nodes[c->node].check_count++;
    return check;
}

struct object *compiler_object(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    const struct node *node = &c->plan->nodes[c->node];
    uint32_t index;

    for (uint32_t i = 0; i < node->check_count; i++) {
        const struct check *check = &c->plan->checks[node->first_check + i];

        if (check->kind == CHECK_OBJECT)
            return &c->plan->objects[check->with.object];
    }
    index = plan_add_object(c->plan);
    c->plan->objects[index].node = c->node;
    compiler_add_check(c, keyword, value)->with.object = index;
    return &c->plan->objects[index];
}

/* Whether a member of a schema is a keyword that will be compiled, or an annotation of somebody. */
static bool is_known(const struct compiler *c, struct span name)
{
    if (name.size >= 2 && memcmp(name.data, "x-", 2) == 0)
        return !span_is(name, "x-rowferry") || c->node == 0;
    for (size_t i = 0; i < keyword_count; i++)
        if ((keywords[i].drafts & c->draft) && span_is(name, keywords[i].name))
            return true;
    return compiler_is_annotation(name);
}

static bool refuse_unknown(struct compiler *c, uint32_t token)
{
    uint32_t next = compiler_token(c, token)->next;

    for (uint32_t i = token + 1; i < next; i = compiler_token(c, i + 1)->next) {
        struct span name = compiler_string(c, i);

        if (span_is(name, "x-rowferry") && c->node)
            return compiler_refuse(c, "/x-rowferry", "belongs at the root of the schema");
        if (!is_known(c, name) && !compiler_pass_unknown(c, name))
            return false;
    }
    return true;
}

bool compiler_is_reference(struct compiler *c, uint32_t token)
{
    return (c->draft & BEFORE_2019) && compiler_member(c, token, "$ref");
}

/* Schemas that are defined next to a $ref can be led to all the same. */
static bool is_ignored(const struct keyword *keyword)
{
    return keyword->check != CHECK_REF && strcmp(keyword->name, "definitions") != 0 &&
           strcmp(keyword->name, "$defs") != 0;
}

static bool compile_keywords(struct compiler *c, uint32_t token)
{
    bool reference = compiler_is_reference(c, token);

    if (!reference && !refuse_unknown(c, token))
        return false;
    for (size_t i = 0; i < keyword_count; i++) {
        uint32_t value;

        if (!(keywords[i].drafts & c->draft) || (reference && is_ignored(&keywords[i])))
            continue;
        value = compiler_member(c, token, keywords[i].name);
        c->keyword = keywords[i].name;
        if (value && !keywords[i].compile(c, &keywords[i], value))
            return false;
    }
    return true;
}

/* A schema with a resource of its own, in a file whose references depend on the way to them: the
 * node enters the resource, another has the keywords. */
static void enter_resource(struct compiler *c, uint32_t token)
{
    static const struct keyword enter = {"$id", DRAFT_ANY, ON_ALL, CHECK_ENTER, NULL};
    uint32_t inside = compiler_add_inside(c, token);
    struct check *check = compiler_add_check(c, &enter, token);

    check->with.enter.node = inside;
    check->with.enter.resource = c->resource;
}

static bool compile_object(struct compiler *c, uint32_t index, uint32_t token)
{
    struct origin origin = ((const struct origin *)c->origins.items)[index];

    if (!origin.is_inside && !reference_identify(c, token))
        return false;
    c->keyword = "";
    ((struct origin *)c->origins.items)[index].resource = c->resource;
    if (c->is_dynamic && c->resource != origin.resource) {
        enter_resource(c, token);
        return true;
    }
    return compile_keywords(c, token);
}

static bool compile_node(struct compiler *c, uint32_t index)
{
    uint32_t token = c->plan->nodes[index].token;
    struct keyword never = {c->plan->nodes[index].keyword, DRAFT_ANY, ON_ALL, CHECK_NEVER, NULL};
    bool boolean;

    c->node = index;
    c->keyword = "";
    c->resource = ((const struct origin *)c->origins.items)[index].resource;
    c->draft = ((const struct resource *)c->resources.items)[c->resource].draft;
    boolean = index > 0 && c->draft != DRAFT_04;
    c->plan->nodes[index].first_check = c->plan->check_count;
    if (c->plan->node_count > NODES_MAX)
        return compiler_refuse(c, "", "is part of more than %d schemas in one file", NODES_MAX);
    if (c->pointer_size > POINTERS_MAX)
        return compiler_refuse(c, "", "nests schemas under names that are too long");
    if (compiler_is(c, token, JSON_TRUE) && boolean)
        return true;
    if (compiler_is(c, token, JSON_FALSE) && boolean)
        return compiler_add_check(c, &never, token);
    if (!compiler_is(c, token, JSON_OBJECT))
        return compiler_refuse(c, "", "a schema must be an object");
    return compile_object(c, index, token);
}

/* Looks for keywords that make others do more work, wherever in the file they are. */
static void look_ahead(struct compiler *c)
{
    for (uint32_t i = 0; i < c->plan->tape.count; i++) {
        struct span text =
            compiler_is(c, i, JSON_STRING) ? compiler_string(c, i) : (struct span){0};

        c->is_dynamic |= span_is(text, "$dynamicRef") || span_is(text, "$recursiveRef");
        c->is_evaluated |=
            span_is(text, "unevaluatedProperties") || span_is(text, "unevaluatedItems");
    }
}

/* The file as a resource, which has no address yet; its draft decides how its identifier is read.
 */
static bool add_root(struct compiler *c)
{
    struct resource root = {"", 0, DRAFT_2020};
    uint32_t value = 0;

    if (compiler_is(c, 0, JSON_OBJECT))
        value = compiler_member(c, 0, "$schema");
    c->keyword = "$schema";
    if (value && !compiler_read_draft(c, value, &root.draft))
        return false;
    c->keyword = "";
    list_add(&c->resources, &root, sizeof root);
    compiler_add_schema_at(c, 0, (struct span){"", 0});
    return true;
}

static bool compile_nodes(struct compiler *c)
{
    bool is_done = false;

    for (uint32_t i = 0; !is_done;) {
        for (; i < c->plan->node_count; i++)
            if (!compile_node(c, i))
                return false;
        if (!reference_resolve(c, &is_done))
            return false;
    }
    return true;
}

static bool compile_all(struct compiler *c)
{
    uint32_t extension;

    look_ahead(c);
    if (!add_root(c) || !compile_nodes(c))
        return false;
    c->node = 0;
    c->keyword = "";
    if (!graph_compile(c))
        return false;
    for (uint32_t i = 0; i < c->plan->object_count; i++) {
        c->plan->objects[i].order_at = c->plan->member_count;
        c->plan->member_count += c->plan->objects[i].count;
    }
    extension = compiler_member(c, 0, "x-rowferry");
    return !extension || extension_compile(c, extension);
}

/* Where in the text an offset is, for people. */
static bool refuse_text(struct compiler *c, const struct json_fault *fault)
{
    size_t line = 1, line_start = 0;

    for (size_t i = 0; i < fault->offset && i < c->plan->text_size; i++) {
        if (c->plan->text[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return err_set(c->err, ERR_CONFIG, "%s: line %zu, column %zu: %s", c->path, line,
                   fault->offset - line_start + 1, fault->message);
}

bool compile_schema(struct schema *schema, const char *path, struct err *err)
{
    struct compiler c = {
        .schema = schema, .plan = &schema->plan, .path = path, .keyword = "", .err = err};
    struct span text = {schema->plan.text, schema->plan.text_size};
    struct json_fault fault;
    bool compiled;

    if (!json_scan(&schema->plan.tape, text, 0, &fault))
        return refuse_text(&c, &fault);
    c.node_of = mem_calloc(schema->plan.tape.count, sizeof *c.node_of);
    for (uint32_t i = 0; i < schema->plan.tape.count; i++)
        c.node_of[i] = NODE_NONE;
    compiled = compile_all(&c);
    free(c.node_of);
    free(c.resources.items);
    free(c.anchors.items);
    free(c.references.items);
    free(c.origins.items);
    buf_release(&c.scratch);
    return compiled;
}
