#include "core/api/comparison.h"

#include "core/api/fields.h"

#include <stdlib.h>

/* A value of fewer bytes is in a record by chance. */
enum { VALUE_BYTES_MIN = 3 };

struct comparing {
    const struct target *target;
    const struct comparison_sides *sides;
    void (*visit)(void *context, const struct comparison *comparison);
    void *context;
    size_t count;
};

/* A record that is searched for a value. */
struct search {
    struct json_tape tape;
    const char *text;
    struct buf scratch, pair[2];
    const struct pointer *own; /* where it belongs, or NULL: it does not count there */
    struct pointer at;
    struct buf found;
    unsigned count;
};

static void wrap(struct buf *out, struct span value)
{
    buf_reset(out);
    buf_append_text(out, "{\"\":");
    buf_append_span(out, value);
    buf_append_char(out, '}');
}

static bool same_value(struct search *search, struct span other)
{
    wrap(&search->pair[1], other);
    return api_fields_within(buf_span(&search->pair[0]), buf_span(&search->pair[1]));
}

static bool same_pointer(const struct pointer *a, const struct pointer *b)
{
    return b && pointer_is_within(a, b) && pointer_is_within(b, a);
}

/* Looks at the members of an object, and in the objects among them. */
static void search_object(struct search *search, uint32_t object)
{
    const struct json_token *tokens = search->tape.tokens;

    for (uint32_t i = object + 1; i < tokens[object].next; i = tokens[i + 1].next) {
        pointer_add_name(&search->at, json_string(&tokens[i], search->text, &search->scratch));
        if (!same_pointer(&search->at, search->own) &&
            same_value(search, json_written(&tokens[i + 1], search->text))) {
            buf_reset(&search->found);
            pointer_print(&search->at, &search->found);
            search->count++;
        } else if (tokens[i + 1].kind == JSON_OBJECT) {
            search_object(search, i + 1);
        }
        free((char *)search->at.names[--search->at.count].data);
    }
}

static void search_release(struct search *search)
{
    json_tape_release(&search->tape);
    pointer_release(&search->at);
    buf_release(&search->scratch);
    buf_release(&search->pair[0]);
    buf_release(&search->pair[1]);
    buf_release(&search->found);
}

static const struct pointer *own_place(const struct target *target, struct span name)
{
    const struct description *description = target_description(target);

    for (uint32_t i = 0; i < description->property_count; i++)
        if (span_equal(description->properties[i].name, name))
            return &description->properties[i].at;
    return NULL;
}

static bool has_member(struct span object, struct span name)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct buf scratch = {0};
    bool has = object.size && json_scan(&tape, object, 0, &fault) &&
               pointer_member(name, &tape, object.data, 0, &scratch) != POINTER_NOTHING;

    json_tape_release(&tape);
    buf_release(&scratch);
    return has;
}

static void visit_difference(void *context, const struct api_fields_difference *difference)
{
    struct comparing *comparing = context;
    struct span sent = difference->ours, read = difference->theirs;
    struct comparison comparison = {COMPARISON_REWRITTEN, difference->name, sent, read, {0}};
    struct search search = {.text = comparing->sides->body.data};
    struct json_fault fault;

    if (!sent.data)
        comparison.kind = COMPARISON_EXTRA;
    else if (!read.data)
        comparison.kind = COMPARISON_LOST;
    if ((!sent.data &&
         (span_is(read, "null") || has_member(comparing->sides->before, difference->name))) ||
        (sent.data && !read.data && span_is(sent, "null")))
        return;
    comparing->count++;
    if (!comparing->visit)
        return;
    if (sent.data && sent.size >= VALUE_BYTES_MIN && !span_is(sent, "null") &&
        !span_is(sent, "true") && !span_is(sent, "false") &&
        json_scan(&search.tape, comparing->sides->body, 0, &fault)) {
        search.own = own_place(comparing->target, difference->name);
        wrap(&search.pair[0], sent);
        search_object(&search, 0);
        if (search.count == 1)
            comparison.elsewhere = buf_span(&search.found);
    }
    comparing->visit(comparing->context, &comparison);
    search_release(&search);
}

size_t comparison_make(const struct target *target, const struct comparison_sides *sides,
                       void (*visit)(void *context, const struct comparison *comparison),
                       void *context)
{
    struct comparing comparing = {target, sides, visit, context, 0};
    struct target_scratch ours = {0}, theirs = {0};

    api_fields_differing(target_comparable(target, sides->sent, &ours),
                         target_comparable(target, sides->read, &theirs), visit_difference,
                         &comparing);
    target_scratch_release(&ours);
    target_scratch_release(&theirs);
    return comparing.count;
}

/* Appends the letters and digits of a value, in lower case. */
static void append_letters(struct span value, struct buf *out)
{
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];

        if (str_is_letter(byte) || str_is_digit(byte) || (unsigned char)byte >= 0x80)
            buf_append_char(out, byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte);
    }
}

/* Whether one value is the other with other punctuation or case, or the other's beginning. */
static bool resembles(struct span a, struct span b)
{
    enum { BEGINNING_MIN = 4 };
    struct buf left = {0}, right = {0};
    size_t size;
    bool alike;

    append_letters(a, &left);
    append_letters(b, &right);
    size = left.size < right.size ? left.size : right.size;
    alike = (left.size == right.size || size >= BEGINNING_MIN) &&
            (size == 0 || memcmp(left.data, right.data, size) == 0);
    buf_release(&left);
    buf_release(&right);
    return alike;
}

struct explanation {
    struct span before, answered;
    bool has_answer, holds;
};

/* Whether a record has that value at that name; `null` is none. */
static bool holds_value(struct span fields, struct span name, struct span value)
{
    struct buf pair = {0};
    bool held;

    if (!value.data || span_is(value, "null"))
        return !has_member(fields, name);
    buf_append_text(&pair, "{\"");
    buf_append_json(&pair, name);
    buf_append_text(&pair, "\":");
    buf_append_span(&pair, value);
    buf_append_char(&pair, '}');
    held = fields.size && api_fields_within(buf_span(&pair), fields);
    buf_release(&pair);
    return held;
}

static void explain(void *context, const struct comparison *comparison)
{
    struct explanation *explanation = context;
    struct span name = comparison->name, read = comparison->read;

    explanation->holds =
        explanation->holds &&
        (comparison->elsewhere.size || holds_value(explanation->before, name, read) ||
         (explanation->has_answer && holds_value(explanation->answered, name, read)) ||
         (comparison->kind == COMPARISON_REWRITTEN && resembles(comparison->sent, read)));
}

bool comparison_is_explained(const struct target *target, const struct comparison_sides *sides,
                             struct span answered)
{
    const struct comparison_sides all = {sides->sent, sides->read, {0}, sides->body};
    struct target_scratch before = {0}, answer = {0};
    struct explanation explanation = {target_comparable(target, sides->before, &before),
                                      target_comparable(target, answered, &answer),
                                      answered.size > 0, true};

    comparison_make(target, &all, explain, &explanation);
    target_scratch_release(&before);
    target_scratch_release(&answer);
    return explanation.holds;
}

/* Two records whose members are compared by name. */
struct walk {
    struct json_tape before, after;
    const char *before_text, *after_text;
    struct buf scratch, other;
    struct pointer at;
    size_t count, limit;
    struct buf *out;
};

static void walk_object(struct walk *walk, uint32_t before, uint32_t after)
{
    const struct json_token *tokens = walk->before.tokens;

    for (uint32_t i = before + 1; i < tokens[before].next; i = tokens[i + 1].next) {
        struct span name = json_string(&tokens[i], walk->before_text, &walk->scratch);
        uint32_t found = pointer_member(name, &walk->after, walk->after_text, after, &walk->other);
        bool is_null = tokens[i + 1].kind == JSON_NULL;

        pointer_add_name(&walk->at, name);
        if (found == POINTER_NOTHING && !is_null && walk->count++ < walk->limit) {
            if (walk->out->size)
                buf_append_text(walk->out, ", ");
            pointer_print(&walk->at, walk->out);
        } else if (found != POINTER_NOTHING && tokens[i + 1].kind == JSON_OBJECT) {
            walk_object(walk, i + 1, found);
        }
        free((char *)walk->at.names[--walk->at.count].data);
    }
}

size_t comparison_gone(struct span before, struct span after, size_t limit, struct buf *out)
{
    struct walk walk = {
        .before_text = before.data, .after_text = after.data, .limit = limit, .out = out};
    struct json_fault fault;

    if (json_scan(&walk.before, before, 0, &fault) && json_scan(&walk.after, after, 0, &fault))
        walk_object(&walk, 0, 0);
    json_tape_release(&walk.before);
    json_tape_release(&walk.after);
    pointer_release(&walk.at);
    buf_release(&walk.scratch);
    buf_release(&walk.other);
    return walk.count;
}
