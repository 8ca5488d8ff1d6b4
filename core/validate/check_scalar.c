#include "core/validate/check_scalar.h"

#include "core/base/mem.h"
#include "core/row/cell_hint.h"
#include "core/target/target.h"
#include "core/validate/schema.h"

#include <stdlib.h>

enum {
    LIST_MAX = 200, /* bytes of the values of enum in a message */
    FEW = 8,        /* items that are compared each with each */
};

struct item_hash {
    uint64_t hash;
    uint32_t token, item;
};

bool check_never_holds(struct checker *c, const struct check *check, uint32_t token)
{
    (void)c;
    (void)check;
    (void)token;
    return false;
}

void check_never_report(struct checker *c, const struct check *check, uint32_t token)
{
    (void)token;
    violations_add(c->violations, check_field(c), check->keyword, "is not allowed");
}

bool check_type_holds(struct checker *c, const struct check *check, uint32_t token)
{
    return value_has_type(check_at(c, token), check->with.types);
}

void check_type_report(struct checker *c, const struct check *check, uint32_t token)
{
    buf_reset(&c->shown);
    value_name_types(&c->shown, check->with.types);
    buf_append_text(&c->shown, ", is ");
    value_describe(&c->shown, check_at(c, token));
    violations_add(c->violations, check_field(c), "type", "must be %s", buf_text(&c->shown));
}

/* Draft-04 core, section 3.5: an integer is a number without a fraction or an exponent part. */
bool check_integer_04_holds(struct checker *c, const struct check *check, uint32_t token)
{
    struct span text = value_span(check_at(c, token));

    if (c->row->tape.tokens[token].kind != JSON_NUMBER)
        return check_type_holds(c, check, token);
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '.' || (text.data[i] | 0x20) == 'e')
            return false;
    return true;
}

void check_integer_04_report(struct checker *c, const struct check *check, uint32_t token)
{
    check_type_report(c, check, token);
}

bool check_enum_holds(struct checker *c, const struct check *check, uint32_t token)
{
    struct value value = check_at(c, token), item = check_operand(c, check);
    const struct json_token *list = value_token(item);

    check_work(c, list->count >> 1);
    for (item.index++; item.index < list->next; item.index = value_token(item)->next)
        if (value_equal(value, item))
            return true;
    return false;
}

/* Lists all its values, or as many as a message can hold. */
void check_enum_report(struct checker *c, const struct check *check, uint32_t token)
{
    struct value item = check_operand(c, check);
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
    value_describe(&c->shown, check_at(c, token));
    violations_add(c->violations, check_field(c), "enum", "must be one of %s", buf_text(&c->shown));
}

bool check_const_holds(struct checker *c, const struct check *check, uint32_t token)
{
    return value_equal(check_at(c, token), check_operand(c, check));
}

void check_const_report(struct checker *c, const struct check *check, uint32_t token)
{
    buf_reset(&c->shown);
    value_describe(&c->shown, check_operand(c, check));
    buf_append_text(&c->shown, ", is ");
    value_describe(&c->shown, check_at(c, token));
    violations_add(c->violations, check_field(c), "const", "must be %s", buf_text(&c->shown));
}

bool check_limit_holds(struct checker *c, const struct check *check, uint32_t token)
{
    struct decimal number = decimal_parse(value_span(check_at(c, token)));
    int order = decimal_compare(&number, &check->with.number);

    if (check->kind == CHECK_MINIMUM)
        return order >= 0;
    if (check->kind == CHECK_EXCLUSIVE_MINIMUM)
        return order > 0;
    return check->kind == CHECK_MAXIMUM ? order <= 0 : order < 0;
}

void check_limit_report(struct checker *c, const struct check *check, uint32_t token)
{
    static const char *const words[CHECK_KINDS] = {
        [CHECK_MINIMUM] = "at least",
        [CHECK_MAXIMUM] = "at most",
        [CHECK_EXCLUSIVE_MINIMUM] = "more than",
        [CHECK_EXCLUSIVE_MAXIMUM] = "less than",
    };
    struct span limit = value_span(check_operand(c, check));

    violations_add(c->violations, check_field(c), check->keyword, "must be %s %.*s, is %s",
                   words[check->kind], (int)limit.size, limit.data,
                   check_show(c, check_at(c, token)));
}

bool check_multiple_holds(struct checker *c, const struct check *check, uint32_t token)
{
    struct decimal number = decimal_parse(value_span(check_at(c, token)));

    return decimal_is_multiple(&number, &check->with.number);
}

void check_multiple_report(struct checker *c, const struct check *check, uint32_t token)
{
    struct span divisor = value_span(check_operand(c, check));

    violations_add(c->violations, check_field(c), "multipleOf", "must be a multiple of %.*s, is %s",
                   (int)divisor.size, divisor.data, check_show(c, check_at(c, token)));
}

/* A code point has 1 to 4 bytes, so most strings need not be counted. */
bool check_length_holds(struct checker *c, const struct check *check, uint32_t token)
{
    bool lower = check->kind == CHECK_MIN_LENGTH;
    struct span text = check_string(c, token);
    uint64_t count = check->with.count;
    size_t length;

    if (lower ? text.size / 4 >= count : text.size <= count)
        return true;
    length = str_utf8_length(text);
    return lower ? length >= count : length <= count;
}

void check_length_report(struct checker *c, const struct check *check, uint32_t token)
{
    violations_add(
        c->violations, check_field(c), check->keyword, "must have at %s %llu character%s, has %zu",
        check->kind == CHECK_MIN_LENGTH ? "least" : "most", (unsigned long long)check->with.count,
        check->with.count == 1 ? "" : "s", str_utf8_length(check_string(c, token)));
}

bool check_pattern_holds(struct checker *c, const struct check *check, uint32_t token)
{
    return check_search(c, check->with.pattern, check_string(c, token)) == PATTERN_FOUND;
}

void check_pattern_report(struct checker *c, const struct check *check, uint32_t token)
{
    const struct pattern *pattern = check->with.pattern;
    bool absent = check_search(c, pattern, check_string(c, token)) == PATTERN_ABSENT;

    violations_add(c->violations, check_field(c), "pattern",
                   absent ? "must match %s, is %s"
                          : "takes too many steps to match against %s, is %s",
                   pattern_source(pattern), check_show(c, check_at(c, token)));
}

bool check_format_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct format *format = check->with.format.is;
    const struct pattern *pattern = check->with.format.pattern;
    struct span text = check_string(c, token);

    return (!pattern || check_search(c, pattern, text) == PATTERN_FOUND) &&
           (!format->holds || format->holds(text));
}

void check_format_report(struct checker *c, const struct check *check, uint32_t token)
{
    const struct format *format = check->with.format.is;
    bool is_date = strcmp(format->name, "date") == 0;
    struct buf hint = {0};

    /* a property that a CSV column may fill */
    if (c->depth == 1 && (is_date || strcmp(format->name, "date-time") == 0))
        cell_hint_date(check_field(c), !is_date, value_span(check_at(c, token)), &hint);
    violations_add(c->violations, check_field(c), "format", "must be %s, is %s%s", format->meaning,
                   check_show(c, check_at(c, token)), buf_text(&hint));
    buf_release(&hint);
}

bool check_count_holds(struct checker *c, const struct check *check, uint32_t token)
{
    uint32_t count = c->row->tape.tokens[token].count;

    if (check->kind == CHECK_MIN_ITEMS || check->kind == CHECK_MIN_PROPERTIES)
        return count >= check->with.count;
    return count <= check->with.count;
}

void check_count_report(struct checker *c, const struct check *check, uint32_t token)
{
    bool lower = check->kind == CHECK_MIN_ITEMS || check->kind == CHECK_MIN_PROPERTIES;
    bool items = check->kind == CHECK_MIN_ITEMS || check->kind == CHECK_MAX_ITEMS;
    const char *one = items ? "item" : "property", *more = items ? "items" : "properties";

    violations_add(c->violations, check_field(c), check->keyword, "must have at %s %llu %s, has %u",
                   lower ? "least" : "most", (unsigned long long)check->with.count,
                   check->with.count == 1 ? one : more, c->row->tape.tokens[token].count);
}

static int hash_order(const void *a, const void *b)
{
    const struct item_hash *left = a, *right = b;

    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return (left->item > right->item) - (left->item < right->item);
}

/* Finds two equal items: the pair whose second item comes first. False if there is none. */
static bool find_pair(struct checker *c, const struct item_hash *hashes, uint32_t count,
                      bool by_hash, struct item_hash pair[2])
{
    bool found = false;

    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = i + 1; j < count; j++) {
            if (by_hash && hashes[j].hash != hashes[i].hash)
                break;
            if (found && hashes[j].item >= pair[1].item)
                break;
            check_work(c, 1);
            if (!c->work_left)
                return false;
            if (!value_equal(check_at(c, hashes[i].token), check_at(c, hashes[j].token)))
                continue;
            pair[0] = hashes[i];
            pair[1] = hashes[j];
            found = true;
            break;
        }
    }
    return found;
}

static bool find_equal(struct checker *c, uint32_t token, struct item_hash pair[2])
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t count = tokens[token].count, item = 0;
    bool many = count > FEW;

    if (c->hash_capacity < count) {
        c->hashes = mem_resize(c->hashes, count, sizeof *c->hashes);
        c->hash_capacity = count;
    }
    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i].next, item++)
        c->hashes[item] = (struct item_hash){many ? value_hash(check_at(c, i)) : 0, i, item};
    if (many)
        qsort(c->hashes, count, sizeof *c->hashes, hash_order);
    return find_pair(c, c->hashes, count, many, pair);
}

bool check_unique_holds(struct checker *c, const struct check *check, uint32_t token)
{
    struct item_hash pair[2];

    (void)check;
    check_work(c, c->row->tape.tokens[token].size >> 6);
    return !find_equal(c, token, pair);
}

void check_unique_report(struct checker *c, const struct check *check, uint32_t token)
{
    struct item_hash pair[2];

    if (find_equal(c, token, pair))
        violations_add(c->violations, check_field(c), check->keyword,
                       "must not contain a value twice, items %u and %u are both %s", pair[0].item,
                       pair[1].item, check_show(c, check_at(c, pair[1].token)));
}

void check_record_id(struct checker *c)
{
    struct span id = c->row->record_id, source = span_of(pattern_source(c->schema->record_id));
    char shown_id[VIOLATION_QUOTE_SIZE], shown_pattern[VIOLATION_QUOTE_SIZE];

    for (size_t i = 0; i < c->violations->count; i++)
        if (span_is(violation_rule(c->violations, i), "record_id"))
            return;
    if (check_search(c, c->schema->record_id, id) != PATTERN_FOUND)
        violations_add(c->violations, span_of("record_id"), "record_id",
                       "must match the pattern %s, is %s", violation_quote(source, shown_pattern),
                       violation_quote(id, shown_id));
}

void check_taken(struct checker *c)
{
    const struct description *target = target_description(schema_target(c->schema));

    for (uint32_t i = 0; i < target->taken_count; i++)
        if (pointer_member(target->taken[i], &c->row->tape, c->row->fields.data, 0, &c->decoded) !=
            POINTER_NOTHING)
            violations_add(c->violations, target->taken[i], "target",
                           "must not be a field: the target sends something else in its place");
}
