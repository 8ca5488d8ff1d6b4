/* unevaluatedProperties and unevaluatedItems: which members or items of a value the other checks of
 * its schema look at is found out by going through them once more, along what fits. Schemas without
 * these keywords pay nothing for it. */
#include "core/base/mem.h"
#include "core/validate/checker.h"

/* What is being looked for. */
struct search {
    uint32_t token;             /* the value */
    uint32_t base;              /* of its marks, one per member or item, in c->marks */
    const struct check *except; /* the check that asks */
};

static void mark_node(struct checker *c, const struct search *search, uint32_t node);

/* Indices, because the stack moves when it grows. */
static uint32_t push_marks(struct checker *c, uint32_t count)
{
    uint32_t base = c->mark_count;

    if (c->mark_capacity - base < count) {
        c->mark_capacity = c->mark_capacity * 2 + count;
        c->marks = mem_resize(c->marks, c->mark_capacity, sizeof *c->marks);
    }
    if (count)
        memset(c->marks + base, 0, count * sizeof *c->marks);
    c->mark_count += count;
    return base;
}

/* Marks those from the first on, but not more than count. */
static void mark_run(struct checker *c, const struct search *search, uint32_t first, uint32_t count)
{
    uint32_t all = c->row->tape.tokens[search->token].count;

    if (first >= all)
        return;
    if (count > all - first)
        count = all - first;
    memset(c->marks + search->base + first, 1, count * sizeof *c->marks);
}

static bool is_matched(struct checker *c, const struct object *object, uint32_t name)
{
    const struct pattern_member *patterns = plan_patterns(c->plan) + object->patterns.first;

    for (uint32_t i = 0; i < object->patterns.count; i++)
        if (check_search(c, patterns[i].pattern, check_string(c, name)) != PATTERN_ABSENT)
            return true;
    return false;
}

static void mark_members(struct checker *c, const struct search *search,
                         const struct object *object)
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t position = 0;

    if (object->is_complete) {
        mark_run(c, search, 0, UINT32_MAX);
        return;
    }
    check_work(c, tokens[search->token].count);
    for (uint32_t i = search->token + 1; i < tokens[search->token].next;
         i = tokens[i + 1].next, position++) {
        uint32_t index = object_find(object, check_string(c, i));

        if ((index != MEMBER_NONE && index < object->declared_count) || is_matched(c, object, i))
            c->marks[search->base + position] = 1;
    }
}

static void mark_contained(struct checker *c, const struct search *search,
                           const struct check *check)
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t at = search->token + 1;

    for (uint32_t i = 0; i < tokens[search->token].count; i++, at = tokens[at].next)
        if (check_quietly(c, check->with.contains.node, at))
            c->marks[search->base + i] = 1;
}

/* Where no alternative fits, the value is bad for that reason: nothing is added to it. */
static void mark_fitting(struct checker *c, const struct search *search, struct run nodes)
{
    bool fits = false;

    for (uint32_t i = 0; i < nodes.count; i++) {
        uint32_t node = plan_branches(c->plan)[nodes.first + i];

        if (!check_quietly(c, node, search->token))
            continue;
        mark_node(c, search, node);
        fits = true;
    }
    if (!fits)
        mark_run(c, search, 0, UINT32_MAX);
}

static void mark_chosen(struct checker *c, const struct search *search, const struct check *check)
{
    bool when = check_quietly(c, check->with.choice.when, search->token);
    uint32_t node = when ? check->with.choice.then : check->with.choice.otherwise;

    if (when)
        mark_node(c, search, check->with.choice.when);
    if (node != NODE_NONE)
        mark_node(c, search, node);
}

static bool has_member(struct checker *c, uint32_t token, struct span name)
{
    const struct json_token *tokens = c->row->tape.tokens;

    check_work(c, tokens[token].count >> 3);
    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i + 1].next)
        if (span_equal(check_string(c, i), name))
            return true;
    return false;
}

static void mark_dependent(struct checker *c, const struct search *search,
                           const struct check *check)
{
    const struct object *object = &c->plan->objects[check->with.dependent.object];
    struct run run = check->with.dependent.dependencies;

    for (uint32_t i = 0; i < run.count; i++) {
        const struct dependency *dependency = &plan_dependencies(c->plan)[run.first + i];

        if (dependency->node != NODE_NONE &&
            has_member(c, search->token, object->members[dependency->trigger].name))
            mark_node(c, search, dependency->node);
    }
}

static void mark_entered(struct checker *c, const struct search *search, struct target target)
{
    check_enter(c, target.resource);
    mark_node(c, search, target.node);
    check_exit(c);
}

static void mark_branches(struct checker *c, const struct search *search, const struct check *check)
{
    const struct run *nodes = &check->with.nodes;

    switch (check->kind) {
    case CHECK_REF:
        mark_node(c, search, check->with.node);
        break;
    case CHECK_ENTER:
        mark_entered(c, search,
                     (struct target){check->with.enter.resource, check->with.enter.node});
        break;
    case CHECK_DYNAMIC:
        mark_entered(c, search, check_target(c, check));
        break;
    case CHECK_ALL_OF:
        for (uint32_t i = 0; i < nodes->count; i++)
            mark_node(c, search, plan_branches(c->plan)[nodes->first + i]);
        break;
    case CHECK_ANY_OF:
    case CHECK_ONE_OF:
        mark_fitting(c, search, *nodes);
        break;
    case CHECK_IF:
        mark_chosen(c, search, check);
        break;
    case CHECK_DEPENDENT:
        mark_dependent(c, search, check);
        break;
    default:
        break;
    }
}

static void mark_check(struct checker *c, const struct search *search, const struct check *check)
{
    switch (check->kind) {
    case CHECK_OBJECT:
        mark_members(c, search, &c->plan->objects[check->with.object]);
        break;
    case CHECK_PREFIX:
        mark_run(c, search, 0, check->with.nodes.count);
        break;
    case CHECK_ITEMS:
        mark_run(c, search, check->with.items.from, UINT32_MAX);
        break;
    case CHECK_CONTAINS:
        if (check->with.contains.evaluates)
            mark_contained(c, search, check);
        break;
    case CHECK_UNEVALUATED_ITEMS:
    case CHECK_UNEVALUATED_PROPERTIES:
        mark_run(c, search, 0, UINT32_MAX);
        break;
    default:
        mark_branches(c, search, check);
        break;
    }
}

/* The value fits the node, or is bad already. Goes on to schemas for the same value, which graph.c
 * proved to end; what is too deep stays unmarked. */
static void mark_node(struct checker *c, const struct search *search, uint32_t node)
{
    const struct node *at = &c->plan->nodes[node];
    unsigned kind = 1U << c->row->tape.tokens[search->token].kind;

    check_work(c, 1);
    if (c->nesting == NESTING_MAX || !c->work_left)
        return;
    c->nesting++;
    for (uint32_t i = at->first_check; i < at->first_check + at->check_count; i++) {
        const struct check *check = &c->plan->checks[i];

        if (check != search->except && check->on & kind)
            mark_check(c, search, check);
    }
    c->nesting--;
}

/* What the schema says of a member or an item that nothing looked at; the path leads to it. */
static bool check_left(struct checker *c, const struct check *check, uint32_t token)
{
    const struct node *node = &c->plan->nodes[check->with.unevaluated.node];

    if (!node->check_count || c->plan->checks[node->first_check].kind != CHECK_NEVER)
        return check_value(c, check->with.unevaluated.node, token);
    if (!c->quiet)
        violations_add(c->violations, check_field(c), check->keyword,
                       "is %s that no schema describes",
                       check->kind == CHECK_UNEVALUATED_ITEMS ? "an item" : "a property");
    return false;
}

bool check_unevaluated_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    bool items = check->kind == CHECK_UNEVALUATED_ITEMS, good = true;
    struct search search = {token, push_marks(c, tokens[token].count), check};
    uint32_t at = token + 1;

    mark_node(c, &search, check->with.unevaluated.owner);
    for (uint32_t i = 0; i < tokens[token].count && (good || !c->quiet) && c->work_left; i++) {
        if (!c->marks[search.base + i]) {
            if (items)
                check_enter_item(c, i);
            else
                check_enter_member(c, at);
            good &= check_left(c, check, items ? at : at + 1);
            check_leave(c);
        }
        at = tokens[items ? at : at + 1].next;
    }
    c->mark_count = search.base;
    return good;
}
