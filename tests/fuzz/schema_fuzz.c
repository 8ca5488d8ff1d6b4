/* Input: a schema file. Compiling it twice must give the same schema or the same error, its shape
 * must suit the readers, and it must check the empty row. */
#include "core/row/cell_form.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/schemas.h"

static void check_dialect(const struct row_dialect *dialect)
{
    fuzz_must(dialect->cell_size_max <= DIALECT_CELL_SIZE_MAX, "cells have a size they may have");
    fuzz_must(dialect->cell_lines_max <= DIALECT_CELL_LINES_MAX, "cells have lines they may have");
    fuzz_must(!dialect->delimiter || !strchr("\"\r\n", dialect->delimiter),
              "the delimiter is none of what the format is made of");
    for (size_t i = 0; i < dialect->form_count; i++) {
        const struct cell_form *form = &dialect->forms[i];

        bool with_time = form->kind == CELL_DATETIME;

        fuzz_must((form->kind != CELL_DATE && !with_time) ||
                      !cell_form_pattern_fault(form->pattern, with_time),
                  "a date has a pattern that can be read");
        fuzz_must(form->true_count <= form->word_count, "words for true are words");
    }
}

static void check_shape(const struct schema *schema)
{
    const struct row_shape *shape = schema_shape(schema);

    fuzz_must(strcmp(shape->schema_name, schema_name(schema)) == 0, "a shape knows its schema");
    fuzz_must(strlen(schema_hash(schema)) == 32, "a schema has a hash");
    for (size_t i = 0; i < shape->count; i++) {
        fuzz_must(!(shape->properties[i].types & ~(unsigned)(ROW_ANY | ROW_WORDS)),
                  "types are types");
        for (size_t j = 0; j < i && j < 50; j++)
            fuzz_must(!span_equal(shape->properties[i].name, shape->properties[j].name),
                      "a property is there once");
    }
    check_dialect(&shape->dialect);
}

static void check_empty_row(const struct schema *schema)
{
    struct row row = {.fields = span_of("{}")};
    struct json_fault fault;
    struct err err = {0};
    struct buf first = {0}, second = {0};
    struct checker *checker = checker_open(schema, &err);

    fuzz_must(checker != NULL, "a schema has checkers");
    fuzz_must(json_scan(&row.tape, row.fields, 0, &fault), "{} is JSON");
    schemas_check(checker, &row, &first);
    schemas_check(checker, &row, &second);
    fuzz_must_equal(buf_span(&second), buf_span(&first), "a row has the same violations again");
    checker_close(checker);
    json_tape_release(&row.tape);
    buf_release(&first);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct err err = {0}, again = {0};
    struct schema *first = schemas_open(text, &err), *second = schemas_open(text, &again);

    fuzz_must(!first == !second, "a text is a schema again");
    fuzz_must_equal(span_of(again.text), span_of(err.text), "a text is refused in the same words");
    if (first) {
        fuzz_must(strcmp(schema_hash(first), schema_hash(second)) == 0, "a hash stays the same");
        check_shape(first);
        check_empty_row(first);
    }
    schema_close(first);
    schema_close(second);
    return 0;
}
