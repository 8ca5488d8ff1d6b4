/* A schema file, a line `---`, then the fields of rows, a line each. A row is judged alike whatever
 * was judged before it, by the same checker or another, and whatever the order of its members. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/schemas.h"

enum { ROWS_MAX = 8 };

struct judged {
    struct row row;
    struct buf text; /* what is said of it */
    size_t violations;
};

static unsigned read_rows(struct span text, struct judged rows[ROWS_MAX])
{
    unsigned count = 0;

    while (text.size && count < ROWS_MAX) {
        struct judged *judged = &rows[count];
        struct json_fault fault;

        *judged = (struct judged){.row.fields = fuzz_take_part(&text, "\n")};
        if (json_scan(&judged->row.tape, judged->row.fields, 0, &fault) &&
            judged->row.tape.tokens[0].kind == JSON_OBJECT)
            count++;
        else
            json_tape_release(&judged->row.tape);
    }
    return count;
}

static void judge(const struct schema *schema, struct judged *rows, unsigned count)
{
    struct err err = {0};
    struct checker *checker = checker_open(schema, &err);

    fuzz_must(checker != NULL, "a schema has checkers");
    for (unsigned i = 0; i < count; i++)
        rows[i].violations = schemas_check(checker, &rows[i].row, &rows[i].text);
    checker_close(checker);
}

/* Each row twice, in the other order, by a checker of its own. */
static void judge_again(const struct schema *schema, struct judged *rows, unsigned count)
{
    struct err err = {0};
    struct checker *checker = checker_open(schema, &err);
    struct buf text = {0};

    for (unsigned i = 2 * count; checker && i--;) {
        buf_reset(&text);
        schemas_check(checker, &rows[i / 2].row, &text);
        fuzz_must_equal(buf_span(&text), buf_span(&rows[i / 2].text),
                        "a row is judged alike again");
    }
    checker_close(checker);
    buf_release(&text);
}

static void append_token(struct buf *out, const struct row *row, uint32_t index)
{
    const struct json_token *token = &row->tape.tokens[index];
    bool string = token->kind == JSON_STRING;

    buf_append_text(out, string ? "\"" : "");
    buf_append(out, row->fields.data + token->start, token->size);
    buf_append_text(out, string ? "\"" : "");
}

static void append_reversed(struct buf *out, const struct row *row, uint32_t name, unsigned left)
{
    if (!left)
        return;
    append_reversed(out, row, row->tape.tokens[name + 1].next, left - 1);
    append_token(out, row, name);
    buf_append_char(out, ':');
    append_token(out, row, name + 1);
    buf_append_char(out, name == 1 ? '}' : ',');
}

/* A row that takes too many steps takes them in any order, but not through the same members. */
static bool gave_up(const struct judged *judged)
{
    return judged->text.size &&
           memmem(judged->text.data, judged->text.size, "steps to check against", 22);
}

static void judge_reversed(const struct schema *schema, const struct judged *judged)
{
    enum { MEMBERS_MAX = 100 };
    struct err err = {0};
    struct buf fields = {0}, text = {0};
    struct row row = {0};
    struct json_fault fault;
    struct checker *checker;
    unsigned count = judged->row.tape.tokens[0].count;

    if (count < 2 || count > MEMBERS_MAX || gave_up(judged))
        return;
    buf_append_char(&fields, '{');
    append_reversed(&fields, &judged->row, 1, count);
    row.fields = buf_span(&fields);
    fuzz_must(json_scan(&row.tape, row.fields, 0, &fault), "members can be put into another order");
    checker = checker_open(schema, &err);
    fuzz_must(!schemas_check(checker, &row, &text) == !judged->violations,
              "a row is judged alike in another order");
    checker_close(checker);
    json_tape_release(&row.tape);
    buf_release(&fields);
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = {(const char *)data, size}, text = fuzz_take_part(&rest, "\n---\n");
    struct judged rows[ROWS_MAX];
    struct err err = {0};
    struct schema *schema = schemas_open(text, &err);
    unsigned count = schema ? read_rows(rest, rows) : 0;

    if (count) {
        judge(schema, rows, count);
        judge_again(schema, rows, count);
        judge_reversed(schema, &rows[0]);
    }
    for (unsigned i = 0; i < count; i++) {
        json_tape_release(&rows[i].row.tape);
        buf_release(&rows[i].text);
    }
    schema_close(schema);
    return 0;
}
