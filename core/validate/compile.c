#include "core/validate/compile.h"

#include "core/base/mem.h"
#include "core/validate/compiler.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NODES_MAX = 20000,      /* schemas in a file */
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

uint32_t compiler_add_schema_at(struct compiler *c, uint32_t token, struct span pointer)
{
    bool defined = strcmp(c->keyword, "$defs") == 0 || strcmp(c->keyword, "definitions") == 0;
    uint32_t index = c->node_of[token];

    if (index != NODE_NONE)
        return index;
    index = plan_add_node(c->plan);
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
    return false;
}

static bool refuse_unknown(struct compiler *c, uint32_t token)
{
    uint32_t next = compiler_token(c, token)->next;

    for (uint32_t i = token + 1; i < next; i = compiler_token(c, i + 1)->next) {
        struct span name = compiler_string(c, i);
        char printable[200], below[sizeof printable + 1];

        if (is_known(c, name))
            continue;
        str_printable(name, printable, sizeof printable);
        snprintf(below, sizeof below, "/%s", printable);
        if (span_is(name, "x-rowferry"))
            return compiler_refuse(c, below, "belongs at the root of the schema");
        return compiler_refuse(c, below, "the keyword \"%s\" is not supported", printable);
    }
    return true;
}

/* Before 2020-12 nothing beside a $ref means anything. */
static bool is_reference(struct compiler *c, uint32_t token)
{
    return c->draft != DRAFT_2020 && compiler_member(c, token, "$ref");
}

static bool compile_keywords(struct compiler *c, uint32_t token)
{
    bool reference = is_reference(c, token);

    if (!reference && !refuse_unknown(c, token))
        return false;
    for (size_t i = 0; i < keyword_count; i++) {
        uint32_t value;

        if (!(keywords[i].drafts & c->draft) || (reference && keywords[i].check != CHECK_REF))
            continue;
        value = compiler_member(c, token, keywords[i].name);
        c->keyword = keywords[i].name;
        if (value && !keywords[i].compile(c, &keywords[i], value))
            return false;
    }
    return true;
}

static bool compile_node(struct compiler *c, uint32_t index)
{
    uint32_t token = c->plan->nodes[index].token;
    struct keyword never = {c->plan->nodes[index].keyword, DRAFT_ANY, ON_ALL, CHECK_NEVER, NULL};
    bool boolean = index > 0 && c->draft != DRAFT_04;

    c->node = index;
    c->keyword = "";
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
    return compile_keywords(c, token);
}

static const struct {
    const char *uri;
    unsigned draft;
} drafts[] = {
    {"https://json-schema.org/draft/2020-12/schema", DRAFT_2020},
    {"http://json-schema.org/draft-07/schema", DRAFT_07},
    {"http://json-schema.org/draft-04/schema", DRAFT_04},
};

/* Which draft the file is written in; before anything else is compiled. */
static bool choose_draft(struct compiler *c)
{
    uint32_t value = 0;
    struct span uri = {0};

    c->draft = DRAFT_2020;
    if (compiler_token(c, 0)->kind == JSON_OBJECT)
        value = compiler_member(c, 0, "$schema");
    if (!value)
        return true;
    if (compiler_token(c, value)->kind == JSON_STRING)
        uri = compiler_string(c, value);
    if (uri.size && uri.data[uri.size - 1] == '#')
        uri.size--;
    for (size_t i = 0; i < sizeof drafts / sizeof *drafts; i++) {
        c->draft = drafts[i].draft;
        if (span_is(uri, drafts[i].uri))
            return true;
    }
    return compiler_refuse(c, "/$schema",
                           "must be the address of draft 2020-12, draft-07 or draft-04");
}

static bool compile_all(struct compiler *c)
{
    uint32_t extension;

    if (!choose_draft(c))
        return false;
    compiler_add_schema_at(c, 0, (struct span){"", 0});
    for (uint32_t i = 0; i < c->plan->node_count; i++)
        if (!compile_node(c, i))
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
    buf_release(&c.scratch);
    return compiled;
}
