/* Assertions that apply other schemas to the same value. */
#include "core/validate/checker.h"

enum { REASONS_MAX = 300 /* bytes of what alternatives say in a message */ };

bool check_ref_holds(struct checker *c, const struct check *check, uint32_t token)
{
    return check_value(c, check->with.node, token);
}

static bool check_within(struct checker *c, struct target target, uint32_t token)
{
    bool good;

    check_enter(c, target.resource);
    good = check_value(c, target.node, token);
    check_exit(c);
    return good;
}

bool check_enter_resource_holds(struct checker *c, const struct check *check, uint32_t token)
{
    struct target target = {check->with.enter.resource, check->with.enter.node};

    return check_within(c, target, token);
}

/* The outermost resource that has such an anchor decides (2020-12 core, section 8.2.3.2). */
struct target check_target(const struct checker *c, const struct check *check)
{
    const struct target *targets = plan_targets(c->plan) + check->with.targets.first;

    for (uint32_t i = 0; i < c->scope_count; i++)
        for (uint32_t j = 0; j < check->with.targets.count; j++)
            if (targets[j].resource == c->scope[i])
                return targets[j];
    return targets[0];
}

bool check_dynamic_holds(struct checker *c, const struct check *check, uint32_t token)
{
    return check_within(c, check_target(c, check), token);
}

bool check_all_of_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const uint32_t *nodes = plan_branches(c->plan) + check->with.nodes.first;
    bool good = true;

    for (uint32_t i = 0; i < check->with.nodes.count && (good || !c->quiet); i++)
        good &= check_value(c, nodes[i], token);
    return good;
}

bool check_any_of_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const uint32_t *nodes = plan_branches(c->plan) + check->with.nodes.first;

    for (uint32_t i = 0; i < check->with.nodes.count; i++)
        if (check_quietly(c, nodes[i], token))
            return true;
    return false;
}

/* What was tried, and why each of it failed. */
void check_any_of_tell(struct checker *c, const struct check *check, uint32_t token)
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
        check_append_reason(c, nodes[i], token);
    }
    violations_add(c->violations, check_field(c), check->keyword,
                   "fits none of the %u schemas of %s (%s)", count, check->keyword,
                   buf_text(&c->reasons));
}

/* How many alternatives fit, up to two; which these are. */
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

bool check_one_of_holds(struct checker *c, const struct check *check, uint32_t token)
{
    uint32_t fitting[2] = {0};

    return count_fitting(c, check, token, fitting) == 1;
}

void check_one_of_tell(struct checker *c, const struct check *check, uint32_t token)
{
    uint32_t fitting[2] = {0};

    if (count_fitting(c, check, token, fitting) == 0)
        check_any_of_tell(c, check, token);
    else
        violations_add(c->violations, check_field(c), check->keyword,
                       "must fit one of the %u schemas of oneOf, fits %u and %u",
                       check->with.nodes.count, fitting[0] + 1, fitting[1] + 1);
}

bool check_not_holds(struct checker *c, const struct check *check, uint32_t token)
{
    return !check_quietly(c, check->with.node, token);
}

void check_not_tell(struct checker *c, const struct check *check, uint32_t token)
{
    check_show_schema(c, check->with.node);
    buf_append_text(&c->shown, ", is ");
    value_describe(&c->shown, check_at(c, token));
    violations_add(c->violations, check_field(c), check->keyword, "must not fit %s",
                   buf_text(&c->shown));
}

bool check_if_holds(struct checker *c, const struct check *check, uint32_t token)
{
    bool when = check_quietly(c, check->with.choice.when, token);
    uint32_t node = when ? check->with.choice.then : check->with.choice.otherwise;

    return node == NODE_NONE || check_value(c, node, token);
}
