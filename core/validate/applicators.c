/* None of these functions compiles a schema within a schema: they queue it (compiler_add_schema).
 */
#include "core/validate/applicators.h"

#include "core/target/pointer.h"

#include <stdio.h>

/* Returns `/KEYWORD/NAME`, the pointer of a schema below the node being compiled. */
static struct buf tail_of(struct compiler *c, uint32_t name)
{
    struct buf tail = {0};

    buf_printf(&tail, "/%s/", c->keyword);
    pointer_print_name(compiler_string(c, name), &tail);
    buf_text(&tail);
    return tail;
}

static uint32_t add_named(struct compiler *c, uint32_t name)
{
    struct buf tail = tail_of(c, name);
    uint32_t node = compiler_add_schema(c, name + 1, buf_text(&tail));

    buf_release(&tail);
    return node;
}

/* Adds the schema at `/KEYWORD`, which is applied to the same value. */
static uint32_t add_branch(struct compiler *c, uint32_t value)
{
    char tail[32];

    snprintf(tail, sizeof tail, "/%s", c->keyword);
    return compiler_add_branch(c, value, tail);
}

static uint32_t add_below(struct compiler *c, uint32_t value)
{
    char tail[32];

    snprintf(tail, sizeof tail, "/%s", c->keyword);
    return compiler_add_schema(c, value, tail);
}

bool pass_schema(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    (void)keyword;
    add_below(c, value);
    return true;
}

bool compile_definitions(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    (void)keyword;
    if (!compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "", "must be an object");
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_next(c, i))
        if (!span_is(compiler_string(c, i), "//")) /* a comment */
            add_named(c, i);
    return true;
}

bool compile_schema_below(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    uint32_t node =
        keyword->check == CHECK_PROPERTY_NAMES ? add_below(c, value) : add_branch(c, value);

    compiler_add_check(c, keyword, value)->with.node = node;
    return true;
}

bool compile_list(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct run nodes = {c->plan->branches.count, 0};
    char tail[48];

    if (!compiler_is(c, value, JSON_ARRAY) || !compiler_token(c, value)->count)
        return compiler_refuse(c, "", "must be an array of at least one schema");
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_token(c, i)->next) {
        uint32_t node;

        snprintf(tail, sizeof tail, "/%s/%u", c->keyword, nodes.count++);
        if (keyword->check == CHECK_PREFIX)
            node = compiler_add_schema(c, i, tail);
        else
            node = compiler_add_branch(c, i, tail);
        list_add(&c->plan->branches, &node, sizeof node);
    }
    compiler_add_check(c, keyword, value)->with.nodes = nodes;
    return true;
}

bool compile_items(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct keyword closed = *keyword;
    uint32_t prefix = compiler_sibling(c, c->draft == DRAFT_2020 ? "prefixItems" : "items"), node;
    /* the items before it have schemas of their own */
    uint32_t from =
        prefix && compiler_is(c, prefix, JSON_ARRAY) ? compiler_token(c, prefix)->count : 0;

    if (c->draft == DRAFT_2020 && compiler_is(c, value, JSON_ARRAY))
        return compiler_refuse(c, "", "is a schema in draft 2020-12; use \"prefixItems\"");
    if (compiler_is(c, value, JSON_FALSE) && !c->is_evaluated) {
        closed.check = CHECK_MAX_ITEMS;
        compiler_add_check(c, &closed, value)->with.count = from;
        return true;
    }
    if (compiler_is(c, value, JSON_TRUE) && !c->is_evaluated)
        return true;
    node = add_below(c, value);
    compiler_add_check(c, keyword, value)->with.items.node = node;
    c->plan->checks[c->plan->check_count - 1].with.items.from = from;
    return true;
}

bool compile_items_of_two_forms(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct keyword prefix = *keyword;

    prefix.check = CHECK_PREFIX;
    if (compiler_is(c, value, JSON_ARRAY))
        return !compiler_token(c, value)->count || compile_list(c, &prefix, value);
    if (c->draft == DRAFT_04 && !compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "", "must be a schema or an array of schemas");
    return compile_items(c, keyword, value);
}

bool compile_additional_items(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    uint32_t items = compiler_sibling(c, "items");
    bool boolean = compiler_is(c, value, JSON_TRUE) || compiler_is(c, value, JSON_FALSE);

    if (!boolean && !compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "", "must be true, false or a schema");
    if (items && compiler_is(c, items, JSON_ARRAY))
        return compile_items(c, keyword, value);
    return boolean || pass_schema(c, keyword, value);
}

bool compile_contains(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    uint32_t node = add_below(c, value), token = c->plan->nodes[c->node].token;
    bool counts = c->draft & SINCE_2019;
    uint32_t least = counts ? compiler_member(c, token, "minContains") : 0;
    uint32_t most = counts ? compiler_member(c, token, "maxContains") : 0;
    struct check *check = compiler_add_check(c, keyword, value);

    check->with.contains.node = node;
    check->with.contains.least_given = least;
    check->with.contains.most_given = most;
    check->with.contains.least = 1;
    check->with.contains.evaluates = c->draft == DRAFT_2020;
    if (least && !compiler_count(c, least, &check->with.contains.least))
        return false;
    return !most || compiler_count(c, most, &check->with.contains.most);
}

bool compile_properties(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct object *object = compiler_object(c, keyword, value);

    if (!compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "", "must be an object");
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_next(c, i)) {
        uint32_t member = object_add(c->plan, object, compiler_string(c, i));

        object->members[member].node = add_named(c, i);
        object->declared_count++;
    }
    return true;
}

bool compile_pattern_properties(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct object *object = compiler_object(c, keyword, value);

    if (!compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "", "must be an object");
    object->patterns.first = c->plan->patterns.count;
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_next(c, i)) {
        struct pattern_member member;
        struct buf tail = tail_of(c, i);

        member.pattern =
            compiler_pattern(c, compiler_string(c, i), buf_text(&tail) + strlen(c->keyword) + 1);
        buf_release(&tail);
        if (!member.pattern)
            return false;
        member.node = add_named(c, i);
        list_add(&c->plan->patterns, &member, sizeof member);
        object->patterns.count++;
    }
    return true;
}

bool compile_required(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct object *object = compiler_object(c, keyword, value);

    if (!compiler_is(c, value, JSON_ARRAY))
        return compiler_refuse(c, "", "must be an array of names");
    for (uint32_t i = value + 1; i < compiler_end(c, value); i++) {
        uint32_t member;

        if (!compiler_is(c, i, JSON_STRING))
            return compiler_refuse(c, "", "must be an array of names");
        member = object_add(c->plan, object, compiler_string(c, i));
        if (object->members[member].required)
            return compiler_refuse(c, "", "names a property twice");
        object->members[member].required = true;
        object->required_count++;
    }
    return true;
}

bool compile_additional(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    struct object *object = compiler_object(c, keyword, value);

    object->is_complete = true;
    if (compiler_is(c, value, JSON_FALSE))
        object->closed = true;
    else if (compiler_is(c, value, JSON_OBJECT))
        object->additional = add_below(c, value);
    else if (!compiler_is(c, value, JSON_TRUE))
        return compiler_refuse(c, "", "must be true, false or a schema");
    return true;
}

/* Adds the names that one member requires. */
static bool add_required(struct compiler *c, uint32_t object, uint32_t trigger, uint32_t value)
{
    const struct json_token *names = compiler_token(c, value);

    for (uint32_t i = value + 1; names->kind == JSON_ARRAY && i < names->next; i++) {
        struct dependency dependency = {trigger, MEMBER_NONE, NODE_NONE};

        if (!compiler_is(c, i, JSON_STRING))
            return compiler_refuse(c, "", "must contain arrays of names");
        dependency.required = object_add(c->plan, &c->plan->objects[object], compiler_string(c, i));
        list_add(&c->plan->dependencies, &dependency, sizeof dependency);
    }
    return names->kind == JSON_ARRAY || compiler_refuse(c, "", "must contain arrays of names");
}

bool compile_dependent(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    bool schemas = strcmp(keyword->name, "dependentRequired") != 0;
    bool arrays = strcmp(keyword->name, "dependentSchemas") != 0;
    uint32_t object = plan_add_object(c->plan), first = c->plan->dependencies.count;
    struct check *check;

    if (!compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "", "must be an object");
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_next(c, i)) {
        uint32_t trigger = object_add(c->plan, &c->plan->objects[object], compiler_string(c, i));

        if (!schemas || (arrays && compiler_is(c, i + 1, JSON_ARRAY))) {
            if (!add_required(c, object, trigger, i + 1))
                return false;
        } else {
            struct dependency dependency = {trigger, MEMBER_NONE, add_named(c, i)};

            compiler_add_link(c, c->node, dependency.node);
            list_add(&c->plan->dependencies, &dependency, sizeof dependency);
        }
    }
    check = compiler_add_check(c, keyword, value);
    check->with.dependent.object = object;
    check->with.dependent.dependencies = (struct run){first, c->plan->dependencies.count - first};
    return true;
}

/* Adds the schema of `then` or `else` next to an `if`. */
static uint32_t add_outcome(struct compiler *c, const char *keyword)
{
    uint32_t value = compiler_sibling(c, keyword);

    c->keyword = keyword;
    return value ? add_branch(c, value) : NODE_NONE;
}

bool compile_if(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    uint32_t when = add_branch(c, value);
    uint32_t then = add_outcome(c, "then"), otherwise = add_outcome(c, "else");
    struct check *check;

    if (then == NODE_NONE && otherwise == NODE_NONE && !c->is_evaluated)
        return true;
    check = compiler_add_check(c, keyword, value);
    check->with.choice.when = when;
    check->with.choice.then = then;
    check->with.choice.otherwise = otherwise;
    return true;
}

bool compile_unevaluated(struct compiler *c, const struct keyword *keyword, uint32_t value)
{
    uint32_t node = add_below(c, value);
    struct check *check = compiler_add_check(c, keyword, value);

    check->with.unevaluated.node = node;
    check->with.unevaluated.owner = c->node;
    return true;
}
