#include "core/validate/compile.h"

#include "core/base/mem.h"
#include "core/validate/extension.h"
#include "core/validate/graph.h"
#include "core/validate/keywords.h"
#include "core/validate/reference.h"

#include <stdlib.h>

enum {
    NODES_MAX = 100000,     /* schemas in a file */
    POINTERS_MAX = 16 << 20 /* bytes of all their pointers */
};

/* For a schema with a resource of its own, in a file with dynamic references: this node enters the
 * resource, and another one has the keywords. */
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
    return keywords_compile(c, token);
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
        return compiler_refuse(c, "", "is one of more than %d schemas in the file", NODES_MAX);
    if (c->pointer_size > POINTERS_MAX)
        return compiler_refuse(c, "", "is below names that are too long");
    if (compiler_is(c, token, JSON_TRUE) && boolean)
        return true;
    if (compiler_is(c, token, JSON_FALSE) && boolean)
        return compiler_add_check(c, &never, token);
    if (!compiler_is(c, token, JSON_OBJECT))
        return compiler_refuse(c, "", "a schema must be an object");
    return compile_object(c, index, token);
}

/* Looks in the whole file for keywords that make others do more work. */
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

/* Adds the file as a resource, which has no address yet; its draft decides how its identifier is
 * read. */
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

/* Reports a JSON error with its line and column. */
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
