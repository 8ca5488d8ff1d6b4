#include "tests/fuzz/schemas.h"

#include "tests/fuzz/feed.h"
#include "tests/fuzz/fuzz.h"

struct schema *schemas_open(struct span text, struct err *err)
{
    size_t size = strlen(feed_path);
    struct schema *schema;

    feed_open(text, FEED_WHOLE);
    schema = schema_open(feed_path, err);

    if (schema) {
        fuzz_must(err->kind == ERR_NONE, "a schema comes without an error");
        return schema;
    }
    fuzz_must(err->kind == ERR_CONFIG, "a schema file is refused as configuration");
    fuzz_must(str_starts(err->text, feed_path) && str_starts(err->text + size, ": ") &&
                  err->text[size + 2],
              "a refusal names the file and says something");
    return NULL;
}

/* Decodes one step of a pointer (RFC 6901 section 4). */
static bool decode_step(struct span step, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < step.size; i++) {
        char byte = step.data[i];

        if (byte == '~') {
            if (++i == step.size || (step.data[i] != '0' && step.data[i] != '1'))
                return false;
            byte = step.data[i] == '0' ? '~' : '/';
        }
        buf_append_char(out, byte);
    }
    return true;
}

/* Returns the token that a step leads to, or 0. */
static uint32_t follow(const struct row *row, uint32_t token, struct span step, struct buf *scratch)
{
    const struct json_token *tokens = row->tape.tokens;
    uint32_t at = token + 1;
    int64_t item;

    if (tokens[token].kind == JSON_OBJECT) {
        for (; at < tokens[token].next; at = tokens[at + 1].next)
            if (span_equal(json_string(&tokens[at], row->fields.data, scratch), step))
                return at + 1;
        return 0;
    }
    if (tokens[token].kind != JSON_ARRAY ||
        !str_to_int64(step, 0, (int64_t)tokens[token].count - 1, &item))
        return 0;
    while (item--)
        at = tokens[at].next;
    return at;
}

/* Returns whether every step but the last leads to something in the row. */
static bool is_pointer(const struct row *row, struct span field)
{
    struct buf step = {0}, scratch = {0};
    uint32_t token = 0;
    bool good = true;
    unsigned steps = 0;

    while (good && field.size) {
        const char *slash = memchr(field.data + 1, '/', field.size - 1);
        size_t size = slash ? (size_t)(slash - field.data) : field.size;

        good = field.data[0] == '/' && decode_step((struct span){field.data + 1, size - 1}, &step);
        field = (struct span){field.data + size, field.size - size};
        steps++;
        if (good && field.size) {
            token = follow(row, token, buf_span(&step), &scratch);
            good = token != 0;
        }
    }
    buf_release(&step);
    buf_release(&scratch);
    return good && steps > 1;
}

/* Checks a field; one that was cut can end anywhere. */
static void check_field(const struct row *row, struct span field, struct span rule)
{
    struct buf scratch = {0};
    bool top;

    fuzz_must(str_utf8_valid(field) == field.size, "a field is UTF-8");
    fuzz_must(field.size <= VIOLATION_FIELD_MAX, "a field is as long as it may be");
    if (field.size > VIOLATION_FIELD_MAX - 4)
        return;
    top = field.size == 0 || follow(row, 0, field, &scratch) ||
          memmem(rule.data, rule.size, "equired", 7) || span_is(rule, "check") ||
          memmem(rule.data, rule.size, "depend", 6);
    buf_release(&scratch);
    fuzz_must(top || is_pointer(row, field), "a field is a property or a pointer into the row");
}

size_t schemas_check(struct checker *checker, const struct row *row, struct buf *out)
{
    struct violations list = {0};
    struct err err = {0};
    size_t count;

    fuzz_must(checker_check(checker, row, &list, &err), "a row can be checked");
    fuzz_must(list.count <= VIOLATIONS_MAX, "violations are as many as they may be");
    for (size_t i = 0; i < list.count; i++) {
        struct span field = violation_field(&list, i), rule = violation_rule(&list, i),
                    message = violation_message(&list, i);

        check_field(row, field, rule);
        fuzz_must(rule.size && message.size, "a violation has a rule and a message");
        fuzz_must(str_utf8_valid(message) == message.size, "a message is UTF-8");
        fuzz_must(message.size <= VIOLATION_MESSAGE_MAX, "a message is as long as it may be");
        buf_append_span(out, field);
        buf_append_char(out, '|');
        buf_append_span(out, rule);
        buf_append_char(out, '|');
        buf_append_span(out, message);
        buf_append_char(out, '\n');
    }
    count = list.count;
    violations_release(&list);
    return count;
}
