/* A plan x a row -> violations. Each assertion of a value is a line in a table; what it says stands
 * beside what it does. */
#include "core/base/mem.h"
#include "core/validate/plan.h"
#include "core/validate/schema.h"
#include "core/validate/value.h"

#include <stdlib.h>

enum { LIST_MAX = 200 /* bytes of enum's values in a message */ };

/* One step down into the row's fields. */
struct step {
    struct span name;
    bool escaped; /* as in the row, to be decoded; else as it is */
};

struct checker {
    const struct schema *schema;
    const struct plan *plan;
    struct matcher *matcher;
    struct judge *judge; /* NULL without rules */
    uint32_t *order;     /* per object and position: the member that the last row had there */
    uint32_t *slots;     /* a stack of the members of open objects: token of the value, or 0 */
    uint32_t slot_count, slot_capacity;
    struct buf decoded; /* a string with escapes */
    struct buf field, shown;
    /* of the row being checked */
    const struct row *row;
    struct violations *violations;
    struct step path[JSON_DEPTH_MAX + 1];
    unsigned depth;
};

static void check_value(struct checker *c, uint32_t node, uint32_t token);

struct checker *checker_open(const struct schema *schema, struct err *err)
{
    struct checker *c = mem_calloc(1, sizeof *c);

    c->schema = schema;
    c->plan = &schema->plan;
    c->matcher = matcher_open();
    c->order = mem_calloc(schema->plan.member_count, sizeof *c->order);
    for (uint32_t i = 0; i < schema->plan.object_count; i++)
        for (uint32_t j = 0; j < schema->plan.objects[i].count; j++)
            c->order[schema->plan.objects[i].order_at + j] = j;
    if (!schema->rules)
        return c;
    c->judge = judge_open(schema->rules, err);
    if (c->judge)
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
    judge_close(c->judge);
    buf_release(&c->decoded);
    buf_release(&c->field);
    buf_release(&c->shown);
    free(c->order);
    free(c->slots);
    free(c);
}

static struct value value_at(const struct checker *c, uint32_t token)
{
    return (struct value){c->row->fields.data, c->row->tape.tokens, token};
}

static struct value operand(const struct checker *c, const struct check *check)
{
    return (struct value){c->plan->text, c->plan->tape.tokens, check->token};
}

/* Where the value is: the property, a JSON pointer where nested, "" for the fields as a whole. */
static struct span field(struct checker *c)
{
    buf_reset(&c->field);
    for (unsigned i = 0; i < c->depth; i++) {
        struct span name = c->path[i].name;

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

/* The value for a message; valid until the next call. */
static const char *show(struct checker *c, struct value value)
{
    buf_reset(&c->shown);
    value_describe(&c->shown, value);
    return buf_text(&c->shown);
}

static void check_never(struct checker *c, const struct check *check, uint32_t token)
{
    (void)check;
    (void)token;
    violations_add(c->violations, field(c), "properties", "is not allowed");
}

static void check_type(struct checker *c, const struct check *check, uint32_t token)
{
    struct value value = value_at(c, token);

    if (value_has_type(value, check->with.types))
        return;
    buf_reset(&c->shown);
    value_name_types(&c->shown, check->with.types);
    buf_append_text(&c->shown, ", is ");
    value_describe(&c->shown, value);
    violations_add(c->violations, field(c), "type", "must be %s", buf_text(&c->shown));
}

/* Adds the violation of an enum: all its values, or as many as a message should hold. */
static void add_enum(struct checker *c, const struct check *check, struct value value)
{
    struct value item = operand(c, check);
    uint32_t next = value_token(item)->next;

    buf_reset(&c->shown);
    for (item.index++; item.index < next; item.index = value_token(item)->next) {
        buf_append_text(&c->shown, c->shown.size ? ", " : "");
        if (c->shown.size > LIST_MAX) {
            buf_append_text(&c->shown, "...");
            break;
        }
        value_describe(&c->shown, item);
    }
    buf_append_text(&c->shown, c->shown.size ? ", is " : "nothing, is ");
    value_describe(&c->shown, value);
    violations_add(c->violations, field(c), "enum", "must be one of %s", buf_text(&c->shown));
}

static void check_enum(struct checker *c, const struct check *check, uint32_t token)
{
    struct value value = value_at(c, token), item = operand(c, check);
    uint32_t next = value_token(item)->next;

    for (item.index++; item.index < next; item.index = value_token(item)->next)
        if (value_equal(value, item))
            return;
    add_enum(c, check, value);
}

static void check_const(struct checker *c, const struct check *check, uint32_t token)
{
    struct value value = value_at(c, token);

    if (value_equal(value, operand(c, check)))
        return;
    buf_reset(&c->shown);
    value_describe(&c->shown, operand(c, check));
    buf_append_text(&c->shown, ", is ");
    value_describe(&c->shown, value);
    violations_add(c->violations, field(c), "const", "must be %s", buf_text(&c->shown));
}

static bool is_within(enum check_kind kind, int order)
{
    if (kind == CHECK_MINIMUM)
        return order >= 0;
    if (kind == CHECK_EXCLUSIVE_MINIMUM)
        return order > 0;
    return kind == CHECK_MAXIMUM ? order <= 0 : order < 0;
}

static void check_limit(struct checker *c, const struct check *check, uint32_t token)
{
    static const char *const texts[CHECK_KINDS][2] = {
        [CHECK_MINIMUM] = {"minimum", "at least"},
        [CHECK_MAXIMUM] = {"maximum", "at most"},
        [CHECK_EXCLUSIVE_MINIMUM] = {"exclusiveMinimum", "more than"},
        [CHECK_EXCLUSIVE_MAXIMUM] = {"exclusiveMaximum", "less than"},
    };
    struct value value = value_at(c, token);
    struct decimal number = decimal_parse(value_span(value));
    struct span limit = value_span(operand(c, check));

    if (is_within(check->kind, decimal_compare(&number, &check->with.number)))
        return;
    violations_add(c->violations, field(c), texts[check->kind][0], "must be %s %.*s, is %s",
                   texts[check->kind][1], (int)limit.size, limit.data, show(c, value));
}

static void check_multiple(struct checker *c, const struct check *check, uint32_t token)
{
    struct value value = value_at(c, token);
    struct decimal number = decimal_parse(value_span(value));
    struct span divisor = value_span(operand(c, check));

    if (!decimal_is_multiple(&number, &check->with.number))
        violations_add(c->violations, field(c), "multipleOf", "must be a multiple of %.*s, is %s",
                       (int)divisor.size, divisor.data, show(c, value));
}

static struct span string_at(struct checker *c, uint32_t token)
{
    return json_string(&c->row->tape.tokens[token], c->row->fields.data, &c->decoded);
}

/* A code point has 1 to 4 bytes, so most strings need not be counted. */
static void check_length(struct checker *c, const struct check *check, uint32_t token)
{
    bool lower = check->kind == CHECK_MIN_LENGTH;
    struct span text = string_at(c, token);
    uint64_t count = check->with.count;
    size_t length;

    if (lower ? text.size / 4 >= count : text.size <= count)
        return;
    length = str_utf8_length(text);
    if (lower ? length < count : length > count)
        violations_add(c->violations, field(c), lower ? "minLength" : "maxLength",
                       "must have at %s %llu character%s, has %zu", lower ? "least" : "most",
                       (unsigned long long)count, count == 1 ? "" : "s", length);
}

static void check_pattern(struct checker *c, const struct check *check, uint32_t token)
{
    const struct pattern *pattern = check->with.pattern;
    enum pattern_verdict verdict = pattern_search(pattern, c->matcher, string_at(c, token));

    if (verdict == PATTERN_ABSENT)
        violations_add(c->violations, field(c), "pattern", "must match %s, is %s",
                       pattern_source(pattern), show(c, value_at(c, token)));
    else if (verdict == PATTERN_UNDECIDED)
        violations_add(c->violations, field(c), "pattern",
                       "takes too many steps to match against %s, is %s", pattern_source(pattern),
                       show(c, value_at(c, token)));
}

/* Zeroed slots for an object's members; indices, because the stack moves when it grows. */
static uint32_t push_slots(struct checker *c, uint32_t count)
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

/* The member that a name token means, or MEMBER_NONE. Rows of a file mostly have their members in
 * the same order, so the one that stood there in the last row is tried first. */
static uint32_t find_member(struct checker *c, const struct object *object, uint32_t token,
                            uint32_t position)
{
    struct span name = string_at(c, token);
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

/* A member that `properties` does not name. */
static void check_additional(struct checker *c, const struct object *object, uint32_t token)
{
    const char *pointer = c->plan->nodes[object->node].pointer;

    if (object->closed)
        violations_add(c->violations, field(c), "additionalProperties", "is not a property of %s",
                       *pointer ? pointer : c->schema->name);
    else if (object->additional != NODE_NONE)
        check_value(c, object->additional, token);
}

/* What a member's name and the schema ask of its value; a step down the path. */
static void check_member(struct checker *c, const struct object *object, uint32_t index,
                         uint32_t name)
{
    const struct json_token *token = &c->row->tape.tokens[name];

    c->path[c->depth++] =
        (struct step){{c->row->fields.data + token->start, token->size}, token->escaped};
    if (index >= object->declared_count) /* MEMBER_NONE, or named by `required` alone */
        check_additional(c, object, name + 1);
    else
        check_value(c, object->members[index].node, name + 1);
    c->depth--;
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
        c->path[c->depth++] = (struct step){object->members[i].name, false};
        if (!is_told_of(c, field(c)))
            violations_add(c->violations, field(c), "required", "is required");
        c->depth--;
    }
}

static void check_object(struct checker *c, const struct check *check, uint32_t token)
{
    const struct object *object = &c->plan->objects[check->with.object];
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t base = push_slots(c, object->count), required = 0, position = 0;

    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i + 1].next) {
        uint32_t index = find_member(c, object, i, position++);

        if (index != MEMBER_NONE) {
            c->slots[base + index] = i + 1;
            required += object->members[index].required;
        }
        check_member(c, object, index, i);
    }
    if (required < object->required_count)
        add_missing(c, object, base);
    c->slot_count = base;
}

static void (*const assertions[CHECK_KINDS])(struct checker *, const struct check *, uint32_t) = {
    [CHECK_NEVER] = check_never,
    [CHECK_TYPE] = check_type,
    [CHECK_ENUM] = check_enum,
    [CHECK_CONST] = check_const,
    [CHECK_MINIMUM] = check_limit,
    [CHECK_MAXIMUM] = check_limit,
    [CHECK_EXCLUSIVE_MINIMUM] = check_limit,
    [CHECK_EXCLUSIVE_MAXIMUM] = check_limit,
    [CHECK_MULTIPLE_OF] = check_multiple,
    [CHECK_MIN_LENGTH] = check_length,
    [CHECK_MAX_LENGTH] = check_length,
    [CHECK_PATTERN] = check_pattern,
    [CHECK_OBJECT] = check_object,
};

/* A node goes down only with a member of the row, whose nesting JSON_DEPTH_MAX bounds. */
static void check_value(struct checker *c, uint32_t node, uint32_t token)
{
    const struct node *at = &c->plan->nodes[node];
    unsigned kind = 1U << c->row->tape.tokens[token].kind;

    for (uint32_t i = at->first_check; i < at->first_check + at->check_count; i++) {
        const struct check *check = &c->plan->checks[i];

        if (check->on & kind)
            assertions[check->kind](c, check, token);
    }
}

bool checker_check(struct checker *c, const struct row *row, struct violations *violations,
                   struct err *err)
{
    if (!row->tape.count)
        return true;
    c->row = row;
    c->violations = violations;
    check_value(c, 0, 0);
    /* the root's slots were the first ones, and nothing else has used them since */
    return !c->judge || judge_row(c->judge, row, c->slots, violations, err);
}
