/* Input: a schema file, a line `---`, then the fields of rows, one per line. The result of a row
 * must not depend on rows before it, on the checker, or on the order of its members. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/schemas.h"

enum { ROWS_MAX = 8 };

struct checked {
    struct row row;
    struct buf text; /* its violations */
    size_t violations;
};

static unsigned read_rows(struct span text, struct checked rows[ROWS_MAX])
{
    unsigned count = 0;

    while (text.size && count < ROWS_MAX) {
        struct checked *checked = &rows[count];
        struct json_fault fault;

        *checked = (struct checked){.row.fields = fuzz_take_part(&text, "\n")};
        if (json_scan(&checked->row.tape, checked->row.fields, 0, &fault) &&
            checked->row.tape.tokens[0].kind == JSON_OBJECT)
            count++;
        else
            json_tape_release(&checked->row.tape);
    }
    return count;
}

static void check(const struct schema *schema, struct checked *rows, unsigned count)
{
    struct err err = {0};
    struct checker *checker = checker_open(schema, &err);

    fuzz_must(checker != NULL, "a schema has checkers");
    for (unsigned i = 0; i < count; i++)
        rows[i].violations = schemas_check(checker, &rows[i].row, &rows[i].text);
    checker_close(checker);
}

/* Checks each row twice, in reverse order, with another checker. */
static void check_again(const struct schema *schema, struct checked *rows, unsigned count)
{
    struct err err = {0};
    struct checker *checker = checker_open(schema, &err);
    struct buf text = {0};

    for (unsigned i = 2 * count; checker && i--;) {
        buf_reset(&text);
        schemas_check(checker, &rows[i / 2].row, &text);
        fuzz_must_equal(buf_span(&text), buf_span(&rows[i / 2].text),
                        "a row has the same violations again");
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

/* Returns whether checking stopped at the limit of steps: the order of members decides which of
 * them are checked. */
static bool gave_up(const struct checked *checked)
{
    return checked->text.size &&
           memmem(checked->text.data, checked->text.size, "steps to check against", 22);
}

static void check_reversed(const struct schema *schema, const struct checked *checked)
{
    enum { MEMBERS_MAX = 100 };
    struct err err = {0};
    struct buf fields = {0}, text = {0};
    struct row row = {0};
    struct json_fault fault;
    struct checker *checker;
    unsigned count = checked->row.tape.tokens[0].count;

    if (count < 2 || count > MEMBERS_MAX || gave_up(checked))
        return;
    buf_append_char(&fields, '{');
    append_reversed(&fields, &checked->row, 1, count);
    row.fields = buf_span(&fields);
    fuzz_must(json_scan(&row.tape, row.fields, 0, &fault), "members can be put into another order");
    checker = checker_open(schema, &err);
    fuzz_must(!schemas_check(checker, &row, &text) == !checked->violations,
              "a row has the same result in another order");
    checker_close(checker);
    json_tape_release(&row.tape);
    buf_release(&fields);
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = {(const char *)data, size}, text = fuzz_take_part(&rest, "\n---\n");
    struct checked rows[ROWS_MAX];
    struct err err = {0};
    struct schema *schema = schemas_open(text, &err);
    unsigned count = schema ? read_rows(rest, rows) : 0;

    if (count) {
        check(schema, rows, count);
        check_again(schema, rows, count);
        check_reversed(schema, &rows[0]);
    }
    for (unsigned i = 0; i < count; i++) {
        json_tape_release(&rows[i].row.tape);
        buf_release(&rows[i].text);
    }
    schema_close(schema);
    return 0;
}
