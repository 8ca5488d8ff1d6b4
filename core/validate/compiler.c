#include "core/validate/compiler.h"

#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>

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

bool compiler_is(const struct compiler *c, uint32_t index, enum json_kind kind)
{
    return compiler_token(c, index)->kind == kind;
}

struct span compiler_string(struct compiler *c, uint32_t index)
{
    if (!compiler_is(c, index, JSON_STRING))
        return (struct span){0};
    return json_string(compiler_token(c, index), c->plan->text, &c->scratch);
}

struct span compiler_own(struct compiler *c, uint32_t index)
{
    struct span text = compiler_string(c, index);

    return (struct span){plan_own(c->plan, mem_copy(text.data, text.size)), text.size};
}

uint32_t compiler_end(const struct compiler *c, uint32_t container)
{
    return compiler_token(c, container)->next;
}

uint32_t compiler_next(const struct compiler *c, uint32_t name)
{
    return compiler_token(c, name + 1)->next;
}

uint32_t compiler_member(struct compiler *c, uint32_t object, const char *name)
{
    for (uint32_t i = object + 1; i < compiler_end(c, object); i = compiler_next(c, i))
        if (span_is(compiler_string(c, i), name))
            return i + 1;
    return 0;
}

uint32_t compiler_sibling(struct compiler *c, const char *keyword)
{
    return compiler_member(c, c->plan->nodes[c->node].token, keyword);
}

bool compiler_is_reference(struct compiler *c, uint32_t token)
{
    return (c->draft & BEFORE_2019) && compiler_member(c, token, "$ref");
}

bool compiler_count(struct compiler *c, uint32_t value, uint64_t *count)
{
    struct decimal number = {.negative = true};

    if (compiler_is(c, value, JSON_NUMBER))
        number = decimal_parse(value_span(compiler_value(c, value)));
    if (number.negative || !decimal_is_integer(&number))
        return compiler_refuse(c, "", "must be a whole number, 0 or more");
    if (number.count + number.exponent > DECIMAL_SHORT)
        return compiler_refuse(c, "", "must not have more than %d digits", DECIMAL_SHORT);
    *count = (uint64_t)number.coefficient;
    for (int64_t i = 0; i < number.exponent; i++)
        *count *= 10;
    return true;
}

struct pattern *compiler_pattern(struct compiler *c, struct span source, const char *below)
{
    char fault[PATTERN_FAULT_SIZE];
    struct pattern *pattern = pattern_open(source, fault);

    if (!pattern)
        compiler_refuse(c, below, "is not a regular expression: %s", fault);
    return pattern;
}

static const struct {
    unsigned draft;
    const char *name;
    const char *uri; /* after http or https, as files use both */
} drafts[] = {
    {DRAFT_2020, "draft 2020-12", "://json-schema.org/draft/2020-12/schema"},
    {DRAFT_2020, "draft 2020-12", "://json-schema.org/schema"}, /* the current one */
    {DRAFT_2019, "draft 2019-09", "://json-schema.org/draft/2019-09/schema"},
    {DRAFT_07, "draft-07", "://json-schema.org/draft-07/schema"},
    {DRAFT_07, "draft-07", "://json-schema-org/draft-07/schema"}, /* in all schemas of Skaffold */
    {DRAFT_06, "draft-06", "://json-schema.org/draft-06/schema"},
    {DRAFT_04, "draft-04", "://json-schema.org/draft-04/schema"},
};

const char *compiler_draft_name(unsigned draft)
{
    size_t i = 0;

    while (drafts[i].draft != draft)
        i++;
    return drafts[i].name;
}

bool compiler_read_draft(struct compiler *c, uint32_t value, unsigned *draft)
{
    struct span uri = compiler_string(c, value);

    if (uri.size && uri.data[uri.size - 1] == '#')
        uri.size--;
    for (size_t scheme = 4; scheme <= 5; scheme++) { /* http, https */
        if (uri.size < scheme || memcmp(uri.data, "https", scheme) != 0)
            continue;
        for (size_t i = 0; i < sizeof drafts / sizeof *drafts; i++) {
            *draft = drafts[i].draft;
            if (span_is(span_from(uri, scheme), drafts[i].uri))
                return true;
        }
    }
    return compiler_refuse(c, "",
                           "must be the address of draft 2020-12, 2019-09, draft-07, draft-06 "
                           "or draft-04, like https://json-schema.org/draft/2020-12/schema");
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
    compiler_add_link(c, c->node, index);
    return index;
}

void compiler_add_link(struct compiler *c, uint32_t from, uint32_t to)
{
    list_add(&c->plan->links, &(struct link){from, to}, sizeof(struct link));
}

uint32_t compiler_add_branch(struct compiler *c, uint32_t token, const char *pointer_tail)
{
    uint32_t index = compiler_add_schema(c, token, pointer_tail);

    compiler_add_link(c, c->node, index);
    return index;
}

const struct row_property *compiler_property(const struct compiler *c, struct span name)
{
    for (size_t i = 0; i < c->schema->shape.count; i++)
        if (span_equal(c->schema->shape.properties[i].name, name))
            return &c->schema->shape.properties[i];
    return NULL;
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
