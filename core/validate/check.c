/* A plan x a row -> violations. Each assertion is a line in the table below: whether it holds, and
 * what it says where it does not. */
#include "core/validate/checker.h"

#include "core/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    WORK_MAX = 4000000, /* steps per row: some 50 ms */
    UNDECIDED_WORK = WORK_MAX / 100,
    SCHEMA_SHOWN_MAX = 120, /* bytes of a schema in a message */
};

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
    if (!schema->rules)
        return c;
    c->rules = rule_checker_open(schema->rules, err);
    if (c->rules)
        return c;
    err->kind = ERR_INTERNAL; /* it was opened once when the schema was loaded */
    checker_close(c);
    return NULL;
}

void checker_close(struct checker *c)
{
    if (!c)
        return;
    matcher_close(c->matcher);
    rule_checker_close(c->rules);
    buf_release(&c->decoded);
    buf_release(&c->field);
    buf_release(&c->shown);
    buf_release(&c->reasons);
    violations_release(&c->tried);
    free(c->hashes);
    free(c->order);
    free(c->slots);
    free(c->marks);
    free(c);
}

struct span check_field(struct checker *c)
{
    buf_reset(&c->field);
    for (unsigned i = 0; i < c->depth; i++) {
        struct span name = c->path[i].name;

        if (!name.data) {
            buf_printf(&c->field, "/%u", c->path[i].item);
            continue;
        }
        if (c->path[i].escaped) {
            buf_reset(&c->decoded);
            json_decode(&c->decoded, name);
            name = buf_span(&c->decoded);
        }
        if (c->depth == 1) {
            buf_append_span(&c->field, name);
            break;
        }
        buf_append_char(&c->field, '/');
        value_point(&c->field, name);
    }
    return buf_span(&c->field);
}

const char *check_show(struct checker *c, struct value value)
{
    buf_reset(&c->shown);
    value_describe(&c->shown, value);
    return buf_text(&c->shown);
}

const char *check_show_schema(struct checker *c, uint32_t node)
{
    struct span text =
        value_span((struct value){c->plan->text, c->plan->tape.tokens, c->plan->nodes[node].token});
    char shown[SCHEMA_SHOWN_MAX];

    if (text.size < sizeof shown)
        str_printable(text, shown, sizeof shown);
    else
        snprintf(shown, sizeof shown, "the schema at #%s", c->plan->nodes[node].pointer);
    buf_reset(&c->shown);
    buf_append_text(&c->shown, shown);
    return buf_text(&c->shown);
}

enum pattern_verdict check_search(struct checker *c, const struct pattern *pattern,
                                  struct span text)
{
    enum pattern_verdict verdict;

    if (!c->matcher) /* its stack is costly to map: only where there are patterns */
        c->matcher = matcher_open();
    verdict = pattern_search(pattern, c->matcher, text);
    if (verdict == PATTERN_UNDECIDED)
        check_work(c, UNDECIDED_WORK);
    return verdict;
}

void check_append_reason(struct checker *c, uint32_t node, uint32_t token)
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

static const struct assertion assertions[CHECK_KINDS] = {
    [CHECK_NEVER] = {check_never_holds, check_never_tell},
    [CHECK_TYPE] = {check_type_holds, check_type_tell},
    [CHECK_INTEGER_04] = {check_integer_04_holds, check_integer_04_tell},
    [CHECK_ENUM] = {check_enum_holds, check_enum_tell},
    [CHECK_CONST] = {check_const_holds, check_const_tell},
    [CHECK_MINIMUM] = {check_limit_holds, check_limit_tell},
    [CHECK_MAXIMUM] = {check_limit_holds, check_limit_tell},
    [CHECK_EXCLUSIVE_MINIMUM] = {check_limit_holds, check_limit_tell},
    [CHECK_EXCLUSIVE_MAXIMUM] = {check_limit_holds, check_limit_tell},
    [CHECK_MULTIPLE_OF] = {check_multiple_holds, check_multiple_tell},
    [CHECK_MIN_LENGTH] = {check_length_holds, check_length_tell},
    [CHECK_MAX_LENGTH] = {check_length_holds, check_length_tell},
    [CHECK_PATTERN] = {check_pattern_holds, check_pattern_tell},
    [CHECK_FORMAT] = {check_format_holds, check_format_tell},
    [CHECK_PREFIX] = {check_prefix_holds, NULL},
    [CHECK_ITEMS] = {check_items_holds, NULL},
    [CHECK_CONTAINS] = {check_contains_holds, check_contains_tell},
    [CHECK_MIN_ITEMS] = {check_count_holds, check_count_tell},
    [CHECK_MAX_ITEMS] = {check_count_holds, check_count_tell},
    [CHECK_UNIQUE] = {check_unique_holds, check_unique_tell},
    [CHECK_OBJECT] = {check_object_holds, NULL},
    [CHECK_PROPERTY_NAMES] = {check_property_names_holds, NULL},
    [CHECK_MIN_PROPERTIES] = {check_count_holds, check_count_tell},
    [CHECK_MAX_PROPERTIES] = {check_count_holds, check_count_tell},
    [CHECK_DEPENDENT] = {check_dependent_holds, NULL},
    [CHECK_REF] = {check_ref_holds, NULL},
    [CHECK_ENTER] = {check_enter_resource_holds, NULL},
    [CHECK_DYNAMIC] = {check_dynamic_holds, NULL},
    [CHECK_ALL_OF] = {check_all_of_holds, NULL},
    [CHECK_ANY_OF] = {check_any_of_holds, check_any_of_tell},
    [CHECK_ONE_OF] = {check_one_of_holds, check_one_of_tell},
    [CHECK_NOT] = {check_not_holds, check_not_tell},
    [CHECK_IF] = {check_if_holds, NULL},
    [CHECK_UNEVALUATED_ITEMS] = {check_unevaluated_holds, NULL},
    [CHECK_UNEVALUATED_PROPERTIES] = {check_unevaluated_holds, NULL},
};

/* Goes down with a member or an item, whose nesting JSON_DEPTH_MAX bounds, or to a schema for the
 * same value, which graph.c proved to end. */
static bool walk(struct checker *c, uint32_t node, uint32_t token)
{
    const struct node *at = &c->plan->nodes[node];
    unsigned kind = 1U << c->row->tape.tokens[token].kind;
    bool good = true;

    for (uint32_t i = at->first_check; i < at->first_check + at->check_count; i++) {
        const struct check *check = &c->plan->checks[i];
        const struct assertion *assertion = &assertions[check->kind];

        if (!(check->on & kind) || assertion->holds(c, check, token))
            continue;
        good = false;
        if (c->quiet)
            return false;
        if (assertion->tell && c->work_left)
            assertion->tell(c, check, token);
    }
    return good;
}

bool check_value(struct checker *c, uint32_t node, uint32_t token)
{
    bool good;

    check_work(c, 1 + (c->row->tape.tokens[token].size >> 8));
    if (!c->work_left)
        return true;
    if (c->nesting == NESTING_MAX) {
        if (!c->quiet)
            violations_add(c->violations, check_field(c), c->plan->nodes[node].keyword,
                           "is checked by more than %d schemas over one another", NESTING_MAX);
        return false;
    }
    c->nesting++;
    good = walk(c, node, token);
    c->nesting--;
    return good;
}

bool check_quietly(struct checker *c, uint32_t node, uint32_t token)
{
    bool quiet = c->quiet, good;

    c->quiet = true;
    good = check_value(c, node, token);
    c->quiet = quiet;
    return good;
}

/* The tokens of the shape's properties. */
static const uint32_t *find_properties(struct checker *c)
{
    const struct object *object = &c->plan->objects[c->plan->shape_object];
    uint32_t base = check_push_slots(c, object);

    check_fill_slots(c, object, base, 0);
    c->slot_count = base;
    return c->slots + base;
}

/* Where nothing else is wrong with the record id. */
static void check_record_id(struct checker *c, const struct row *row, struct violations *violations)
{
    char id[VIOLATION_QUOTE_SIZE], pattern[VIOLATION_QUOTE_SIZE];

    for (size_t i = 0; i < violations->count; i++)
        if (span_is(violation_rule(violations, i), "record_id"))
            return;
    if (check_search(c, c->schema->record_id, row->record_id) != PATTERN_FOUND)
        violations_add(violations, span_of("record_id"), "record_id",
                       "must match the pattern %s, is %s",
                       violation_quote(span_of(pattern_source(c->schema->record_id)), pattern),
                       violation_quote(row->record_id, id));
}

bool checker_check(struct checker *c, const struct row *row, struct violations *violations,
                   struct err *err)
{
    if (!row->tape.count)
        return true;
    c->row = row;
    c->violations = violations;
    c->work_left = WORK_MAX;
    if (c->schema->record_id)
        check_record_id(c, row, violations);
    check_value(c, 0, 0);
    if (!c->work_left)
        violations_add(violations, (struct span){"", 0}, "row",
                       "takes more than %d steps to check against the schema", WORK_MAX);
    /* the root's slots were the first ones; where nothing else has used them since, they are still
     * there */
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
