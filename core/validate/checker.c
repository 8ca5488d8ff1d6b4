/* The recursion: a schema is applied to a value, and its checks apply other schemas to the same
 * value or to members and items of it. A check is a line in the table below: whether it holds, and
 * what it reports if not. */
#include "core/validate/checker.h"

#include "core/base/mem.h"
#include "core/validate/check_scalar.h"
#include "core/validate/request_limits.h"

#include <stdlib.h>

enum {
    WORK_MAX = 4000000, /* steps per row: about 50 ms */
    REASONS_MAX = 300,  /* bytes of the reasons of alternatives in a message */
};

static bool check_value(struct checker *c, uint32_t node, uint32_t token);

/* Checks without adding violations. */
static bool check_quietly(struct checker *c, uint32_t node, uint32_t token)
{
    bool quiet = c->quiet, good;

    c->quiet = true;
    good = check_value(c, node, token);
    c->quiet = quiet;
    return good;
}

/* Appends to c->reasons why a value does not fit the node. Not while trying: alternatives within an
 * alternative are reported without reasons. */
static void append_reason(struct checker *c, uint32_t node, uint32_t token)
{
    struct violations *violations = c->violations;

    c->violations = &c->tried;
    c->trying = true;
    check_value(c, node, token);
    c->violations = violations;
    c->trying = false;
    if (c->tried.count) {
        struct span at = violation_field(&c->tried, 0);

        if (!span_equal(at, check_field(c))) {
            buf_append_span(&c->reasons, at);
            buf_append_char(&c->reasons, ' ');
        }
        buf_append_span(&c->reasons, violation_message(&c->tried, 0));
    }
    violations_reset(&c->tried);
}

/* --- items of an array --- */

static bool check_item(struct checker *c, uint32_t node, uint32_t item, uint32_t token)
{
    bool good;

    check_enter_item(c, item);
    good = check_value(c, node, token);
    check_leave(c);
    return good;
}

static bool check_prefix_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    const uint32_t *nodes = plan_branches(c->plan) + check->with.nodes.first;
    uint32_t count = tokens[token].count, at = token + 1;
    bool good = true;

    if (count > check->with.nodes.count)
        count = check->with.nodes.count;
    for (uint32_t i = 0; i < count && (good || !c->quiet); i++, at = tokens[at].next)
        good &= check_item(c, nodes[i], i, at);
    return good;
}

static bool check_items_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t at = token + 1;
    bool good = true;

    for (uint32_t i = 0; i < tokens[token].count && (good || !c->quiet); i++, at = tokens[at].next)
        if (i >= check->with.items.from)
            good &= check_item(c, check->with.items.node, i, at);
    return good;
}

static uint64_t count_contained(struct checker *c, const struct check *check, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint64_t count = 0;

    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i].next)
        count += check_quietly(c, check->with.contains.node, i);
    return count;
}

static bool check_contains_holds(struct checker *c, const struct check *check, uint32_t token)
{
    uint64_t count = count_contained(c, check, token);

    return count >= check->with.contains.least &&
           (!check->with.contains.most_given || count <= check->with.contains.most);
}

static void check_contains_report(struct checker *c, const struct check *check, uint32_t token)
{
    uint64_t count = count_contained(c, check, token);
    bool few = count < check->with.contains.least;
    uint64_t limit = few ? check->with.contains.least : check->with.contains.most;
    const char *keyword = few ? "minContains" : "maxContains";

    if (few && !check->with.contains.least_given)
        keyword = "contains";
    violations_add(c->violations, check_field(c), keyword,
                   "must have at %s %llu item%s that fit%s %s, has %llu", few ? "least" : "most",
                   (unsigned long long)limit, limit == 1 ? "" : "s", limit == 1 ? "s" : "",
                   check_show_schema(c, check->with.contains.node), (unsigned long long)count);
}

/* --- members of an object --- */

/* Checks a member that is neither in `properties` nor in `patternProperties`. */
static bool check_additional(struct checker *c, const struct object *object, uint32_t token)
{
    const char *pointer = c->plan->nodes[object->node].pointer;

    if (object->additional != NODE_NONE)
        return check_value(c, object->additional, token);
    if (object->closed && !c->quiet)
        violations_add(c->violations, check_field(c), "additionalProperties",
                       "is not a property of %s", *pointer ? pointer : c->schema->name);
    return !object->closed;
}

/* Applies the schemas of all patterns that the name matches; sets *known if one does. */
static bool check_patterns(struct checker *c, const struct object *object, uint32_t name,
                           bool *known)
{
    const struct pattern_member *patterns = plan_patterns(c->plan) + object->patterns.first;
    bool good = true;

    for (uint32_t i = 0; i < object->patterns.count; i++) {
        enum pattern_verdict verdict = check_search(c, patterns[i].pattern, check_string(c, name));

        if (verdict == PATTERN_ABSENT)
            continue;
        *known = true;
        if (verdict == PATTERN_FOUND) {
            good &= check_value(c, patterns[i].node, name + 1);
            continue;
        }
        good = false;
        if (!c->quiet)
            violations_add(c->violations, check_field(c), "patternProperties",
                           "has a name that takes too many steps to match against %s",
                           pattern_source(patterns[i].pattern));
    }
    return good;
}

/* Applies all schemas for one member. */
static bool check_member(struct checker *c, const struct object *object, uint32_t index,
                         uint32_t name)
{
    bool known = index < object->declared_count; /* false for MEMBER_NONE too */
    bool good = true;

    check_enter_member(c, name);
    if (known)
        good = check_value(c, object->members[index].node, name + 1);
    if (object->patterns.count)
        good &= check_patterns(c, object, name, &known);
    if (!known)
        good = check_additional(c, object, name + 1);
    check_leave(c);
    return good;
}

static bool check_object_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct object *object = &c->plan->objects[check->with.object];
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t base = check_push(c, object->count), required = 0, position = 0;
    bool good = true;

    check_work(c, object->count >> 3);
    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i + 1].next) {
        uint32_t index = check_find_member(c, object, i, position++);

        if (index != MEMBER_NONE) {
            c->slots[base + index] = i + 1;
            required += object->members[index].required;
        }
        good &= check_member(c, object, index, i);
        if (!good && c->quiet)
            break;
    }
    if (required < object->required_count) {
        good = false;
        for (uint32_t i = 0; i < object->count && !c->quiet; i++)
            if (object->members[i].required && !c->slots[base + i])
                check_report_missing(c, object->members[i].name, "required", "");
    }
    c->slot_count = base;
    return good;
}

static void report_name(struct checker *c, const struct check *check, uint32_t name)
{
    check_enter_member(c, name);
    buf_reset(&c->reasons);
    buf_append_text(&c->reasons, "has a name that ");
    append_reason(c, check->with.node, name);
    violations_add(c->violations, check_field(c), check->keyword, "%s", buf_text(&c->reasons));
    check_leave(c);
}

static bool check_property_names_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    bool good = true;

    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i + 1].next) {
        if (check_quietly(c, check->with.node, i))
            continue;
        good = false;
        if (c->quiet)
            return false;
        if (!c->trying)
            report_name(c, check, i);
    }
    if (!good && c->trying)
        violations_add(c->violations, check_field(c), check->keyword,
                       "has a member whose name is not allowed");
    return good;
}

static bool check_dependent_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct object *object = &c->plan->objects[check->with.dependent.object];
    struct run run = check->with.dependent.dependencies;
    uint32_t base = check_push_members(c, object, token);
    char trigger[VIOLATION_QUOTE_SIZE];
    bool good = true;

    check_work(c, (object->count + run.count) >> 3);
    for (uint32_t i = 0; i < run.count && (good || !c->quiet); i++) {
        const struct dependency *dependency = &plan_dependencies(c->plan)[run.first + i];

        if (!c->slots[base + dependency->trigger])
            continue;
        if (dependency->node != NODE_NONE) {
            good &= check_value(c, dependency->node, token);
        } else if (!c->slots[base + dependency->required]) {
            good = false;
            if (!c->quiet)
                check_report_missing(
                    c, object->members[dependency->required].name, check->keyword,
                    violation_quote(object->members[dependency->trigger].name, trigger));
        }
    }
    c->slot_count = base;
    return good;
}

/* --- other schemas for the same value --- */

static bool check_ref_holds(struct checker *c, const struct check *check, uint32_t token)
{
    return check_value(c, check->with.node, token);
}

/* The schema of a CHECK_ENTER or CHECK_DYNAMIC. For the latter the outermost resource that has such
 * an anchor decides (2020-12 core, section 8.2.3.2). */
static struct target target_of(const struct checker *c, const struct check *check)
{
    const struct target *targets;

    if (check->kind == CHECK_ENTER)
        return (struct target){check->with.enter.resource, check->with.enter.node};
    targets = plan_targets(c->plan) + check->with.targets.first;
    for (uint32_t i = 0; i < c->scope_count; i++)
        for (uint32_t j = 0; j < check->with.targets.count; j++)
            if (targets[j].resource == c->scope[i])
                return targets[j];
    return targets[0];
}

static bool check_target_holds(struct checker *c, const struct check *check, uint32_t token)
{
    struct target target = target_of(c, check);
    bool good;

    c->scope[c->scope_count++] = target.resource;
    good = check_value(c, target.node, token);
    c->scope_count--;
    return good;
}

static bool check_all_of_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const uint32_t *nodes = plan_branches(c->plan) + check->with.nodes.first;
    bool good = true;

    for (uint32_t i = 0; i < check->with.nodes.count && (good || !c->quiet); i++)
        good &= check_value(c, nodes[i], token);
    return good;
}

static bool check_any_of_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const uint32_t *nodes = plan_branches(c->plan) + check->with.nodes.first;

    for (uint32_t i = 0; i < check->with.nodes.count; i++)
        if (check_quietly(c, nodes[i], token))
            return true;
    return false;
}

/* Reports why each alternative does not fit. */
static void check_any_of_report(struct checker *c, const struct check *check, uint32_t token)
{
    const uint32_t *nodes = plan_branches(c->plan) + check->with.nodes.first;
    uint32_t count = check->with.nodes.count;

    if (c->trying) {
        violations_add(c->violations, check_field(c), check->keyword,
                       "fits none of the %u schemas of %s", count, check->keyword);
        return;
    }
    buf_reset(&c->reasons);
    for (uint32_t i = 0; i < count; i++) {
        if (c->reasons.size > REASONS_MAX) {
            buf_append_text(&c->reasons, "; ...");
            break;
        }
        buf_printf(&c->reasons, "%s%u: ", i ? "; " : "", i + 1);
        append_reason(c, nodes[i], token);
    }
    violations_add(c->violations, check_field(c), check->keyword,
                   "fits none of the %u schemas of %s (%s)", count, check->keyword,
                   buf_text(&c->reasons));
}

/* Counts the alternatives that fit, up to two, and stores their indexes. */
static uint32_t count_fitting(struct checker *c, const struct check *check, uint32_t token,
                              uint32_t fitting[2])
{
    const uint32_t *nodes = plan_branches(c->plan) + check->with.nodes.first;
    uint32_t count = 0;

    for (uint32_t i = 0; i < check->with.nodes.count && count < 2; i++)
        if (check_quietly(c, nodes[i], token))
            fitting[count++] = i;
    return count;
}

static bool check_one_of_holds(struct checker *c, const struct check *check, uint32_t token)
{
    uint32_t fitting[2] = {0};

    return count_fitting(c, check, token, fitting) == 1;
}

static void check_one_of_report(struct checker *c, const struct check *check, uint32_t token)
{
    uint32_t fitting[2] = {0};

    if (count_fitting(c, check, token, fitting) == 0)
        check_any_of_report(c, check, token);
    else
        violations_add(c->violations, check_field(c), check->keyword,
                       "must fit one of the %u schemas of oneOf, fits %u and %u",
                       check->with.nodes.count, fitting[0] + 1, fitting[1] + 1);
}

static bool check_not_holds(struct checker *c, const struct check *check, uint32_t token)
{
    return !check_quietly(c, check->with.node, token);
}

static void check_not_report(struct checker *c, const struct check *check, uint32_t token)
{
    check_show_schema(c, check->with.node);
    buf_append_text(&c->shown, ", is ");
    value_describe(&c->shown, check_at(c, token));
    violations_add(c->violations, check_field(c), check->keyword, "must not fit %s",
                   buf_text(&c->shown));
}

static bool check_if_holds(struct checker *c, const struct check *check, uint32_t token)
{
    bool when = check_quietly(c, check->with.choice.when, token);
    uint32_t node = when ? check->with.choice.then : check->with.choice.otherwise;

    return node == NODE_NONE || check_value(c, node, token);
}

/* --- unevaluatedProperties and unevaluatedItems ---
 *
 * Which members or items the other checks of a schema look at is found by going through these
 * checks again, along the schemas that fit. Schemas without these keywords pay nothing for it. */

/* One search for evaluated members or items. */
struct search {
    uint32_t token;             /* the value */
    uint32_t base;              /* of its marks in c->slots, one per member or item */
    const struct check *except; /* the check that searches */
};

static void mark_node(struct checker *c, const struct search *search, uint32_t node);

/* Marks at most count members or items from the first on. */
static void mark_run(struct checker *c, const struct search *search, uint32_t first, uint32_t count)
{
    uint32_t all = c->row->tape.tokens[search->token].count;

    for (uint32_t i = first; i < all && i - first < count; i++)
        c->slots[search->base + i] = 1;
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
            c->slots[search->base + position] = 1;
    }
}

static void mark_contained(struct checker *c, const struct search *search,
                           const struct check *check)
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t at = search->token + 1;

    for (uint32_t i = 0; i < tokens[search->token].count; i++, at = tokens[at].next)
        if (check_quietly(c, check->with.contains.node, at))
            c->slots[search->base + i] = 1;
}

/* If no alternative fits, the value is invalid for that reason, and all is marked. */
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

static void mark_dependent(struct checker *c, const struct search *search,
                           const struct check *check)
{
    const struct object *object = &c->plan->objects[check->with.dependent.object];
    struct run run = check->with.dependent.dependencies;
    uint32_t base = check_push_members(c, object, search->token);

    check_work(c, (object->count + run.count) >> 3);
    for (uint32_t i = 0; i < run.count; i++) {
        const struct dependency *dependency = &plan_dependencies(c->plan)[run.first + i];

        if (dependency->node != NODE_NONE && c->slots[base + dependency->trigger])
            mark_node(c, search, dependency->node);
    }
    c->slot_count = base;
}

static void mark_check(struct checker *c, const struct search *search, const struct check *check)
{
    const struct run *nodes = &check->with.nodes;
    struct target target;

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
    case CHECK_REF:
        mark_node(c, search, check->with.node);
        break;
    case CHECK_ENTER:
    case CHECK_DYNAMIC:
        target = target_of(c, check);
        c->scope[c->scope_count++] = target.resource;
        mark_node(c, search, target.node);
        c->scope_count--;
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

/* Marks what a node evaluates that the value fits. Goes on to schemas for the same value, which
 * ends (graph.c); what is too deep stays unmarked. */
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

/* Checks a member or item that no other check has evaluated; the path leads to it. */
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

static bool check_unevaluated_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    bool items = check->kind == CHECK_UNEVALUATED_ITEMS, good = true;
    struct search search = {token, check_push(c, tokens[token].count), check};
    uint32_t at = token + 1;

    mark_node(c, &search, check->with.unevaluated.owner);
    for (uint32_t i = 0; i < tokens[token].count && (good || !c->quiet) && c->work_left; i++) {
        if (!c->slots[search.base + i]) {
            if (items)
                check_enter_item(c, i);
            else
                check_enter_member(c, at);
            good &= check_left(c, check, items ? at : at + 1);
            check_leave(c);
        }
        at = tokens[items ? at : at + 1].next;
    }
    c->slot_count = search.base;
    return good;
}

/* --- all checks --- */

/* report NULL: holds has already reported what is wrong within the value. */
static const struct {
    bool (*holds)(struct checker *c, const struct check *check, uint32_t token);
    void (*report)(struct checker *c, const struct check *check, uint32_t token);
} assertions[CHECK_KINDS] = {
    [CHECK_NEVER] = {check_never_holds, check_never_report},
    [CHECK_TYPE] = {check_type_holds, check_type_report},
    [CHECK_INTEGER_04] = {check_integer_04_holds, check_integer_04_report},
    [CHECK_ENUM] = {check_enum_holds, check_enum_report},
    [CHECK_CONST] = {check_const_holds, check_const_report},
    [CHECK_MINIMUM] = {check_limit_holds, check_limit_report},
    [CHECK_MAXIMUM] = {check_limit_holds, check_limit_report},
    [CHECK_EXCLUSIVE_MINIMUM] = {check_limit_holds, check_limit_report},
    [CHECK_EXCLUSIVE_MAXIMUM] = {check_limit_holds, check_limit_report},
    [CHECK_MULTIPLE_OF] = {check_multiple_holds, check_multiple_report},
    [CHECK_MIN_LENGTH] = {check_length_holds, check_length_report},
    [CHECK_MAX_LENGTH] = {check_length_holds, check_length_report},
    [CHECK_PATTERN] = {check_pattern_holds, check_pattern_report},
    [CHECK_FORMAT] = {check_format_holds, check_format_report},
    [CHECK_PREFIX] = {check_prefix_holds, NULL},
    [CHECK_ITEMS] = {check_items_holds, NULL},
    [CHECK_CONTAINS] = {check_contains_holds, check_contains_report},
    [CHECK_MIN_ITEMS] = {check_count_holds, check_count_report},
    [CHECK_MAX_ITEMS] = {check_count_holds, check_count_report},
    [CHECK_UNIQUE] = {check_unique_holds, check_unique_report},
    [CHECK_OBJECT] = {check_object_holds, NULL},
    [CHECK_PROPERTY_NAMES] = {check_property_names_holds, NULL},
    [CHECK_MIN_PROPERTIES] = {check_count_holds, check_count_report},
    [CHECK_MAX_PROPERTIES] = {check_count_holds, check_count_report},
    [CHECK_DEPENDENT] = {check_dependent_holds, NULL},
    [CHECK_REF] = {check_ref_holds, NULL},
    [CHECK_ENTER] = {check_target_holds, NULL},
    [CHECK_DYNAMIC] = {check_target_holds, NULL},
    [CHECK_ALL_OF] = {check_all_of_holds, NULL},
    [CHECK_ANY_OF] = {check_any_of_holds, check_any_of_report},
    [CHECK_ONE_OF] = {check_one_of_holds, check_one_of_report},
    [CHECK_NOT] = {check_not_holds, check_not_report},
    [CHECK_IF] = {check_if_holds, NULL},
    [CHECK_UNEVALUATED_ITEMS] = {check_unevaluated_holds, NULL},
    [CHECK_UNEVALUATED_PROPERTIES] = {check_unevaluated_holds, NULL},
};

/* Recursion ends: JSON_DEPTH_MAX bounds members and items, and graph.c the chain of schemas for the
 * same value. */
static bool walk(struct checker *c, uint32_t node, uint32_t token)
{
    const struct node *at = &c->plan->nodes[node];
    unsigned kind = 1U << c->row->tape.tokens[token].kind;
    bool good = true;

    for (uint32_t i = at->first_check; i < at->first_check + at->check_count; i++) {
        const struct check *check = &c->plan->checks[i];

        if (!(check->on & kind) || assertions[check->kind].holds(c, check, token))
            continue;
        good = false;
        if (c->quiet)
            return false;
        if (assertions[check->kind].report && c->work_left)
            assertions[check->kind].report(c, check, token);
    }
    return good;
}

static bool check_value(struct checker *c, uint32_t node, uint32_t token)
{
    bool good;

    check_work(c, 1 + (c->row->tape.tokens[token].size >> 8));
    if (!c->work_left)
        return true;
    if (c->nesting == NESTING_MAX) {
        if (!c->quiet)
            violations_add(c->violations, check_field(c), c->plan->nodes[node].keyword,
                           "is checked by more than %d nested schemas", NESTING_MAX);
        return false;
    }
    c->nesting++;
    good = walk(c, node, token);
    c->nesting--;
    return good;
}

struct checker *checker_open(const struct schema *schema, struct err *err)
{
    struct checker *c = mem_calloc(1, sizeof *c);

    c->schema = schema;
    c->plan = &schema->plan;
    c->scope_count = 1;
    c->order = mem_calloc(schema->plan.member_count, sizeof *c->order);
    for (uint32_t i = 0; i < schema->plan.object_count; i++)
        for (uint32_t j = 0; j < schema->plan.objects[i].count; j++)
            c->order[schema->plan.objects[i].order_at + j] = j;
    c->limits = request_limits_open(&schema->shape, schema_target(schema));
    if (!schema->rules)
        return c;
    c->rules = rule_checker_open(schema->rules, err);
    if (c->rules)
        return c;
    err->kind = ERR_INTERNAL; /* the rules were opened when the schema was loaded */
    checker_close(c);
    return NULL;
}

void checker_close(struct checker *c)
{
    if (!c)
        return;
    matcher_close(c->matcher);
    rule_checker_close(c->rules);
    request_limits_close(c->limits);
    buf_release(&c->decoded);
    buf_release(&c->field);
    buf_release(&c->shown);
    buf_release(&c->reasons);
    violations_release(&c->tried);
    free(c->hashes);
    free(c->order);
    free(c->slots);
    free(c);
}

/* Returns the tokens of the shape's properties. */
static const uint32_t *find_properties(struct checker *c)
{
    c->slot_count = check_push_members(c, &c->plan->objects[c->plan->shape_object], 0);
    return c->slots + c->slot_count;
}

bool checker_check(struct checker *c, const struct row *row, struct violations *violations,
                   struct err *err)
{
    if (!row->tape.count || row->is_undo)
        return true;
    c->row = row;
    c->violations = violations;
    c->work_left = WORK_MAX;
    if (c->schema->record_id)
        check_record_id(c);
    check_value(c, 0, 0);
    check_taken(c);
    if (!c->work_left)
        violations_add(violations, (struct span){"", 0}, "row",
                       "takes more than %d steps to check against the schema", WORK_MAX);
    if (c->limits)
        request_limits_check(c->limits, row, violations);
    /* the slots of the root were the first ones, and shape_is_own says that they are unchanged */
    return !c->rules ||
           rule_checker_check(c->rules, row, c->plan->shape_is_own ? c->slots : find_properties(c),
                              violations, err);
}

bool checker_check_rules(struct checker *c, const struct row *row, struct violations *violations,
                         struct err *err)
{
    c->row = row;
    c->violations = violations;
    c->work_left = WORK_MAX;
    return !c->rules || rule_checker_check(c->rules, row, find_properties(c), violations, err);
}
