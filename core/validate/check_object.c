/* Assertions about the members of an object. */
#include "core/base/mem.h"
#include "core/validate/checker.h"

/* Indices, because the stack moves when it grows. */
uint32_t check_push_slots(struct checker *c, const struct object *object)
{
    uint32_t base = c->slot_count, count = object->count;

    if (c->slot_capacity - base < count) {
        c->slot_capacity = c->slot_capacity * 2 + count;
        c->slots = mem_resize(c->slots, c->slot_capacity, sizeof *c->slots);
    }
    if (count)
        memset(c->slots + base, 0, count * sizeof *c->slots);
    c->slot_count += count;
    return base;
}

/* The member that a name token means, or MEMBER_NONE. Rows of a file mostly have their members in
 * the same order, so the one that stood there in the last row is tried first. */
uint32_t check_find_member(struct checker *c, const struct object *object, uint32_t token,
                           uint32_t position)
{
    struct span name = check_string(c, token);
    uint32_t *guess, member;

    if (position >= object->count)
        return object_find(object, name);
    guess = &c->order[object->order_at + position];
    if (span_equal(object->members[*guess].name, name))
        return *guess;
    member = object_find(object, name);
    if (member != MEMBER_NONE)
        *guess = member;
    return member;
}

void check_fill_slots(struct checker *c, const struct object *object, uint32_t base, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t position = 0;

    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i + 1].next) {
        uint32_t index = check_find_member(c, object, i, position++);

        if (index != MEMBER_NONE)
            c->slots[base + index] = i + 1;
    }
}

/* A member that neither `properties` nor `patternProperties` knows. */
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

/* All patterns that the name matches; known is set where one does. */
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

/* What a member's name and the schema ask of its value; a step down the path. */
static bool check_member(struct checker *c, const struct object *object, uint32_t index,
                         uint32_t name)
{
    bool known =
        index < object->declared_count; /* not MEMBER_NONE, nor named by `required` alone */
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

/* Whether something is told of the field: a cell that the reader could not take is not missing. */
static bool is_told_of(const struct checker *c, struct span name)
{
    for (size_t i = 0; i < c->violations->count; i++)
        if (span_equal(violation_field(c->violations, i), name))
            return true;
    return false;
}

static void add_missing(struct checker *c, const struct object *object, uint32_t base)
{
    for (uint32_t i = 0; i < object->count; i++) {
        if (!object->members[i].required || c->slots[base + i])
            continue;
        c->path[c->depth++] = (struct step){.name = object->members[i].name};
        if (!is_told_of(c, check_field(c)))
            violations_add(c->violations, check_field(c), "required", "is required");
        check_leave(c);
    }
}

bool check_object_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct object *object = &c->plan->objects[check->with.object];
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t base = check_push_slots(c, object), required = 0, position = 0;
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
        if (!c->quiet)
            add_missing(c, object, base);
    }
    c->slot_count = base;
    return good;
}

static void tell_name(struct checker *c, const struct check *check, uint32_t name)
{
    check_enter_member(c, name);
    buf_reset(&c->reasons);
    buf_append_text(&c->reasons, "has a name that ");
    check_append_reason(c, check->with.node, name);
    violations_add(c->violations, check_field(c), check->keyword, "%s", buf_text(&c->reasons));
    check_leave(c);
}

bool check_property_names_holds(struct checker *c, const struct check *check, uint32_t token)
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
            tell_name(c, check, i);
    }
    if (!good && c->trying)
        violations_add(c->violations, check_field(c), check->keyword,
                       "has a member whose name is not allowed");
    return good;
}

/* A member that must be there because of another. */
static void tell_dependent(struct checker *c, const struct check *check,
                           const struct object *object, const struct dependency *dependency)
{
    char shown[VIOLATION_QUOTE_SIZE];

    c->path[c->depth++] = (struct step){.name = object->members[dependency->required].name};
    if (!is_told_of(c, check_field(c)))
        violations_add(c->violations, check_field(c), check->keyword, "is required beside %s",
                       violation_quote(object->members[dependency->trigger].name, shown));
    check_leave(c);
}

bool check_dependent_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct object *object = &c->plan->objects[check->with.dependent.object];
    struct run run = check->with.dependent.dependencies;
    uint32_t base = check_push_slots(c, object);
    bool good = true;

    check_work(c, (object->count + run.count) >> 3);
    check_fill_slots(c, object, base, token);
    for (uint32_t i = 0; i < run.count && (good || !c->quiet); i++) {
        const struct dependency *dependency = &plan_dependencies(c->plan)[run.first + i];

        if (!c->slots[base + dependency->trigger])
            continue;
        if (dependency->node != NODE_NONE) {
            good &= check_value(c, dependency->node, token);
        } else if (!c->slots[base + dependency->required]) {
            good = false;
            if (!c->quiet)
                tell_dependent(c, check, object, dependency);
        }
    }
    c->slot_count = base;
    return good;
}
