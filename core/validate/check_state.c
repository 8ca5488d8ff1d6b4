#include "core/validate/check_state.h"

#include "core/base/mem.h"
#include "core/target/pointer.h"

#include <stdio.h>

enum {
    UNDECIDED_WORK = 40000, /* of a pattern that reaches its own limit */
    SCHEMA_SHOWN_MAX = 120, /* bytes of a schema in a message */
};

uint32_t check_push(struct checker *c, uint32_t count)
{
    uint32_t base = c->slot_count;

    if (c->slot_capacity - base < count) {
        c->slot_capacity = c->slot_capacity * 2 + count;
        c->slots = mem_resize(c->slots, c->slot_capacity, sizeof *c->slots);
    }
    if (count)
        memset(c->slots + base, 0, count * sizeof *c->slots);
    c->slot_count += count;
    return base;
}

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

uint32_t check_push_members(struct checker *c, const struct object *object, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t base = check_push(c, object->count), position = 0;

    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i + 1].next) {
        uint32_t index = check_find_member(c, object, i, position++);

        if (index != MEMBER_NONE)
            c->slots[base + index] = i + 1;
    }
    return base;
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
        pointer_print_name(name, &c->field);
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

static bool has_violation(const struct checker *c, struct span field)
{
    for (size_t i = 0; i < c->violations->count; i++)
        if (span_equal(violation_field(c->violations, i), field))
            return true;
    return false;
}

void check_report_missing(struct checker *c, struct span name, const char *keyword,
                          const char *trigger)
{
    c->path[c->depth++] = (struct step){.name = name};
    if (!has_violation(c, check_field(c)))
        violations_add(c->violations, check_field(c), keyword, "is required%s%s",
                       *trigger ? " next to " : "", trigger);
    check_leave(c);
}
