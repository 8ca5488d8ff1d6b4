#include "core/api/fields.h"

#include "core/row/json.h"
#include "core/validate/decimal.h"
#include "core/validate/value.h"

/* One of two JSON texts. */
struct side {
    const char *text;
    struct json_tape tape;
    struct buf scratch;
};

static struct value value_at(const struct side *side, uint32_t index)
{
    return (struct value){side->text, side->tape.tokens, index};
}

/* Returns the token of the value in b's object whose name is at a's tokens[name]; 0 when there is
 * none. The search begins where the last one ended, because both sides mostly have the same order.
 */
static uint32_t find_value(struct side *a, uint32_t name, struct side *b, uint32_t object,
                           uint32_t *cursor)
{
    const struct json_token *tokens = b->tape.tokens;
    uint32_t at = *cursor;

    for (uint32_t i = 0; i < tokens[object].count; i++) {
        if (at == tokens[object].next)
            at = object + 1;
        if (value_equal(value_at(a, name), value_at(b, at))) {
            *cursor = tokens[at + 1].next;
            return at + 1;
        }
        at = tokens[at + 1].next;
    }
    return 0;
}

static bool is_within(struct side *a, uint32_t i, struct side *b, uint32_t j)
{
    const struct json_token *tokens = a->tape.tokens;
    uint32_t cursor = j + 1;

    for (uint32_t name = i + 1; name < tokens[i].next; name = tokens[name + 1].next) {
        uint32_t value = find_value(a, name, b, j, &cursor);

        if (!value || !value_equal(value_at(a, name + 1), value_at(b, value)))
            return false;
    }
    return true;
}

static bool side_read(struct side *side, struct span text)
{
    struct json_fault fault;

    side->text = text.data;
    return json_scan(&side->tape, text, 0, &fault) && side->tape.tokens[0].kind == JSON_OBJECT;
}

static void side_release(struct side *side)
{
    json_tape_release(&side->tape);
    buf_release(&side->scratch);
}

static void append_member(struct buf *out, const struct side *side, uint32_t name, const char *text,
                          const struct json_token *value)
{
    const struct json_token *key = &side->tape.tokens[name];
    bool quoted = value->kind == JSON_STRING;

    buf_append_text(out, out->data[out->size - 1] == '{' ? "\"" : ",\"");
    buf_append(out, side->text + key->start, key->size);
    buf_append_text(out, quoted ? "\":\"" : "\":");
    buf_append(out, text + value->start, value->size);
    if (quoted)
        buf_append_char(out, '"');
}

/* Appends the members of a, each with its value from b where b has one. */
static void append_members(struct buf *out, struct side *a, struct side *b)
{
    const struct json_token *tokens = a->tape.tokens;
    uint32_t cursor = 1;

    for (uint32_t name = 1; name < tokens[0].next; name = tokens[name + 1].next) {
        uint32_t value = find_value(a, name, b, 0, &cursor);

        append_member(out, a, name, value ? b->text : a->text,
                      value ? &b->tape.tokens[value] : &tokens[name + 1]);
    }
}

/* Appends the members of a whose names b does not have. */
static void append_others(struct buf *out, struct side *a, struct side *b)
{
    const struct json_token *tokens = a->tape.tokens;
    uint32_t cursor = 1;

    for (uint32_t name = 1; name < tokens[0].next; name = tokens[name + 1].next)
        if (!find_value(a, name, b, 0, &cursor))
            append_member(out, a, name, a->text, &tokens[name + 1]);
}

void api_fields_merge(struct buf *out, struct span ours, struct span theirs)
{
    struct side a = {0}, b = {0};

    if (side_read(&a, ours) && side_read(&b, theirs.size ? theirs : span_of("{}"))) {
        buf_append_char(out, '{');
        append_members(out, &b, &a);
        append_others(out, &a, &b);
        buf_append_char(out, '}');
    }
    side_release(&a);
    side_release(&b);
}

bool api_fields_held(struct span ours, struct span theirs)
{
    struct side a = {0}, b = {0};
    bool held = side_read(&a, ours) && side_read(&b, theirs);
    uint32_t cursor = 1;

    for (uint32_t name = 1; held && name < a.tape.tokens[0].next;
         name = a.tape.tokens[name + 1].next) {
        uint32_t value = find_value(&a, name, &b, 0, &cursor);

        held = value ? value_equal(value_at(&a, name + 1), value_at(&b, value))
                     : a.tape.tokens[name + 1].kind == JSON_NULL;
    }
    side_release(&a);
    side_release(&b);
    return held;
}

bool api_fields_within(struct span ours, struct span theirs)
{
    struct side a = {0}, b = {0};
    bool within = side_read(&a, ours) && side_read(&b, theirs) && is_within(&a, 0, &b, 0);

    side_release(&a);
    side_release(&b);
    return within;
}

/* Takes the next member off the rest of an object that has no spaces, escapes or containers in it.
 * Returns false if it is written in any other way, or has no more. */
static bool take_plain(struct span *rest, struct span *name, struct span *value)
{
    const char *at = rest->data, *end = at + rest->size, *quote;

    if (rest->size < 5 || at[1] != '"' || !(quote = memchr(at + 2, '"', rest->size - 2)) ||
        end - quote < 3 || quote[1] != ':')
        return false;
    *name = (struct span){at + 2, (size_t)(quote - at) - 2};
    value->data = at = quote + 2;
    if (*at == '"') {
        if (!(quote = memchr(at + 1, '"', (size_t)(end - at) - 1)))
            return false;
        at = quote + 1;
    } else {
        while (at < end &&
               (str_is_digit(*at) || (*at >= 'a' && *at <= 'z') || *at == '-' || *at == '.'))
            at++;
    }
    value->size = (size_t)(at - value->data);
    *rest = (struct span){at, (size_t)(end - at)};
    return value->size && at < end && (*at == ',' || *at == '}');
}

static bool is_number(struct span value)
{
    return *value.data == '-' || str_is_digit(*value.data);
}

/* Compares two objects with the same plain members in the same order, which is how most records
 * come back. Returns false if they are not such objects; *same can be wrong then. */
static bool compare_plain(struct span ours, struct span theirs, bool *same)
{
    struct span name, value, other_name, other_value;
    struct decimal number, other;

    if (!ours.size || *ours.data != '{' || !theirs.size || *theirs.data != '{' ||
        memchr(ours.data, '\\', ours.size) || memchr(theirs.data, '\\', theirs.size))
        return false;
    *same = true;
    do {
        if (!take_plain(&ours, &name, &value) || !take_plain(&theirs, &other_name, &other_value) ||
            !span_equal(name, other_name) || *ours.data != *theirs.data)
            return false;
        if (span_equal(value, other_value))
            continue;
        *same = *same && is_number(value) && is_number(other_value);
        if (*same) {
            number = decimal_parse(value);
            other = decimal_parse(other_value);
            *same = decimal_compare(&number, &other) == 0;
        }
    } while (*ours.data == ',');
    return ours.size == 1 && theirs.size == 1;
}

struct api_fields_relation api_fields_relate(struct span ours, struct span theirs)
{
    struct side a = {0}, b = {0};
    struct api_fields_relation relation = {span_equal(ours, theirs), false};

    if (relation.is_within || compare_plain(ours, theirs, &relation.is_within))
        return relation;
    relation.is_within = false;
    if (side_read(&a, ours) && side_read(&b, theirs)) {
        const struct json_token *tokens = b.tape.tokens;
        uint32_t cursor = 1;

        relation.is_within = is_within(&a, 0, &b, 0);
        for (uint32_t name = 1; name < tokens[0].next && !relation.has_others;
             name = tokens[name + 1].next)
            relation.has_others = !find_value(&b, name, &a, 0, &cursor);
    }
    side_release(&a);
    side_release(&b);
    return relation;
}

/* The value as it is written; a string with its quotes. */
static struct span value_text(const struct side *side, uint32_t value)
{
    return json_written(&side->tape.tokens[value], side->text);
}

/* Visits the members of a that b does not have or, if a is `ours`, has another value for. */
static void visit_differing(struct side *a, struct side *b, bool ours,
                            void (*visit)(void *context,
                                          const struct api_fields_difference *difference),
                            void *context)
{
    const struct json_token *tokens = a->tape.tokens;
    uint32_t cursor = 1;

    for (uint32_t name = 1; name < tokens[0].next; name = tokens[name + 1].next) {
        uint32_t value = find_value(a, name, b, 0, &cursor);
        struct api_fields_difference difference = {0};

        if (value && (!ours || value_equal(value_at(a, name + 1), value_at(b, value))))
            continue;
        difference.name = json_string(&tokens[name], a->text, &a->scratch);
        *(ours ? &difference.ours : &difference.theirs) = value_text(a, name + 1);
        if (value)
            difference.theirs = value_text(b, value);
        visit(context, &difference);
    }
}

void api_fields_differing(struct span ours, struct span theirs,
                          void (*visit)(void *context,
                                        const struct api_fields_difference *difference),
                          void *context)
{
    struct side a = {0}, b = {0};

    if (side_read(&a, ours) && side_read(&b, theirs)) {
        visit_differing(&a, &b, true, visit, context);
        visit_differing(&b, &a, false, visit, context);
    }
    side_release(&a);
    side_release(&b);
}
