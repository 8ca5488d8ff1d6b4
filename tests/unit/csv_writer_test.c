/* Rows as lines of CSV: in quotes where a reader needs them, and refused where no cell says it. */
#include "core/row/csv_writer.h"

#include "core/row/cell_form.h"
#include "tests/unit/rows_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Ten cells of an empty outcome. */
#define END_COMMA             ",,,,,,,,,,\n"
#define END_SEMI              ";;;;;;;;;;\n"
#define END_TAB               "\t\t\t\t\t\t\t\t\t\t\n"

#define REFUSED(name, reason) "batch 5: row 7: " name ": " reason "; use --format ndjson"
#define NO_CELL(name)         REFUSED(name, "no CSV cell can hold this value")
#define TOO_LARGE(name)       REFUSED(name, "longer than a CSV cell with quotes may be")
#define NO_COLUMN(name)       REFUSED(name, "there is no column for it")
#define NO_TAGS               REFUSED("tags", "one of them is empty or holds ';'")

struct sample {
    struct row_dialect dialect;
    const char *header, *id, *fields, *tags;
    int version; /* negative: none */
    const char *expected;
    bool trim, for_spreadsheet;
};

/* Opens the writer of a sample; the header row is that of a CSV file, or that of the shape. */
static bool open_writer(const struct sample *sample, struct row_shape *shape,
                        struct writer_options *options, struct csv_writer *writer, struct err *err)
{
    *shape = rows_shape;
    shape->dialect = sample->dialect;
    shape->trim = sample->trim;
    *options = (struct writer_options){.source = ROW_FORMAT_CSV,
                                       .format = ROW_FORMAT_CSV,
                                       .shape = shape,
                                       .name = "batch 5",
                                       .header = span_of(sample->header),
                                       .for_spreadsheet = sample->for_spreadsheet};
    return csv_writer_init(writer, options, err);
}

static void assert_job(const struct sample *sample)
{
    struct writer_options options;
    struct row_shape shape;
    struct csv_writer writer;
    struct err err = {0};
    struct buf out = {0};
    const struct outcome outcome = {0};
    struct row row = {.row_no = 7,
                      .record_id = span_of(sample->id),
                      .fields = span_of(sample->fields),
                      .tags = span_of(sample->tags ? sample->tags : ""),
                      .has_version = sample->version >= 0,
                      .version = sample->version};

    if (!open_writer(sample, &shape, &options, &writer, &err))
        fail_msg("%s", err.text);
    if (csv_writer_job(&writer, &row, &outcome, &out, &err)) {
        assert_string_equal(buf_text(&out), sample->expected);
    } else {
        assert_string_equal(err.text, sample->expected);
        assert_int_equal(out.size, 0);
    }
    csv_writer_release(&writer);
    buf_release(&out);
}

static const struct span null_words[] = {{"NULL", 4}, {"5", 1}, {"a;b", 3}};
static const struct span booleans[] = {{"null", 4}, {"no", 2}};
static const struct cell_form forms[] = {
    {.property = {"price", 5}, .kind = CELL_DECIMAL, .decimal = ',', .absent = {null_words, 2}},
    {.property = {"count", 5}, .kind = CELL_DECIMAL, .thousands = {".", 1}},
    {.property = {"mixed", 5},
     .kind = CELL_BOOLEAN,
     .words = booleans,
     .true_count = 1,
     .word_count = 2},
};

#define ABSENT                                                                                     \
    {                                                                                              \
        .absent = { null_words, 3 }                                                                \
    }
#define FORMED                                                                                     \
    {                                                                                              \
        .forms = forms, .form_count = 3                                                            \
    }
#define LITERAL                                                                                    \
    {                                                                                              \
        .delimiter = '\t', .unquoted = true                                                        \
    }
static const struct span check_marks[] = {{"\xE2\x9C\x93", 3}, {"ja", 2}, {"\xE2\x9C\x97", 3}};
static const struct cell_form latin_forms[] = {
    {.property = {"price", 5}, .kind = CELL_DECIMAL, .decimal = ',', .unit = {"\xE2\x82\xAC", 3}},
    {.property = {"count", 5}, .kind = CELL_DECIMAL, .unit = {"\xC2\xA3", 2}},
    {.property = {"mixed", 5},
     .kind = CELL_BOOLEAN,
     .words = check_marks,
     .true_count = 2,
     .word_count = 3},
};
#define FORMED_LATIN                                                                               \
    {                                                                                              \
        .encoding = ROW_ENCODING_ISO_8859_1, .forms = latin_forms, .form_count = 3                 \
    }
#define HASH                                                                                       \
    {                                                                                              \
        .comment = { "#", 1 }                                                                      \
    }
#define SMALL                                                                                      \
    {                                                                                              \
        .cell_size_max = 5, .cell_lines_max = 1                                                    \
    }
#define PLAIN                                                                                      \
    {                                                                                              \
        0                                                                                          \
    }

#define ASSERT_JOBS(samples)                                                                       \
    do {                                                                                           \
        for (size_t i = 0; i < sizeof(samples) / sizeof *(samples); i++)                           \
            assert_job(&(samples)[i]);                                                             \
    } while (0)

#define HEADER "record_id,version,tags,sku,price,count,mixed,any\n"
#define TABS   "record_id\tversion\ttags\tsku\n"

static void a_job_is_a_line_that_is_read_as_the_same_job(void **state)
{
    static const struct sample samples[] = {
        {PLAIN, HEADER, "a", "{\"sku\":\"x\"}", "[\"t\",\"u\"]", 5,
         .expected = "a,5,t;u,x,,,," END_COMMA},
        {PLAIN, HEADER, "a", "{\"sku\":\"x\\n\\\"\"}", NULL, -1,
         .expected = "a,,,\"x\n\"\"\",,,," END_COMMA},
        {PLAIN, HEADER, "a", "{\"sku\":\"\"}", NULL, -1, .expected = "a,,,\"\",,,," END_COMMA},
        {PLAIN, HEADER, "a", "{\"sku\":\" x\"}", NULL, -1, "a,,,\" x\",,,," END_COMMA,
         .trim = true},
        {PLAIN, HEADER,
         "\xEF\xBB\xBF"
         "a",
         "{}", NULL, -1,
         .expected = "\"\xEF\xBB\xBF"
                     "a\",,,,,,," END_COMMA},
        {PLAIN, HEADER, "a", "{\"sku\":\"x\\u0000\"}", NULL, -1, .expected = NO_CELL("sku")},
        {PLAIN, HEADER, "a", "{\"ean\":1}", NULL, -1, .expected = NO_COLUMN("ean")},
        {PLAIN, HEADER, "a", "{\"sku\":", NULL, -1,
         .expected = "batch 5: row 7: the fields that are kept are not JSON: expected a value, "
                     "found the end"},
        {PLAIN, "record_id\n", "a", "{}", NULL, 5, .expected = NO_COLUMN("version")},
        {PLAIN, "record_id\n", "a", "{}", "[\"t\"]", -1, .expected = NO_COLUMN("tags")},
    };

    (void)state;
    ASSERT_JOBS(samples);
}

static void a_cell_that_means_absent_holds_no_value(void **state)
{
    static const struct sample samples[] = {
        {ABSENT, HEADER, "a", "{\"sku\":\"NULL\"}", NULL, -1, .expected = NO_CELL("sku")},
        {ABSENT, HEADER, "NULL", "{}", NULL, -1, .expected = NO_CELL("record_id")},
        {ABSENT, HEADER, "a", "{}", NULL, 5, .expected = NO_CELL("version")},
        {ABSENT, HEADER, "a", "{}", "[\"a\",\"b\"]", -1, .expected = NO_TAGS},
        {{.quoted_absent = true},
         HEADER,
         "a",
         "{\"sku\":\"\"}",
         NULL,
         -1,
         .expected = NO_CELL("sku")},
    };

    (void)state;
    ASSERT_JOBS(samples);
}

static void tags_are_one_cell_if_semicolons_separate_them(void **state)
{
    static const struct sample samples[] = {
        {PLAIN, HEADER, "a", "{}", "[\"\"]", -1, .expected = NO_TAGS},
        {PLAIN, HEADER, "a", "{}", "[\"a;b\"]", -1, .expected = NO_TAGS},
        {PLAIN, HEADER, "a", "{}", "[\"a\\u0000\"]", -1, .expected = NO_TAGS},
        {PLAIN, HEADER, "a", "{}", "[\"a", -1, .expected = NO_TAGS},
        {PLAIN, HEADER, "a", "{}", "[\" a\"]", -1, NO_TAGS, .trim = true},
        {PLAIN, HEADER, "a", "{}", "[\" a\"]", -1, .expected = "a,, a,,,,," END_COMMA},
    };

    (void)state;
    ASSERT_JOBS(samples);
}

static void a_value_is_written_in_its_form(void **state)
{
    static const struct sample samples[] = {
        {FORMED, HEADER, "a", "{\"price\":-1.5,\"count\":null}", NULL, -1,
         .expected = "a,,,,\"-1,5\",null,," END_COMMA},
        {FORMED, HEADER, "a", "{\"price\":null}", NULL, -1, .expected = NO_CELL("price")},
        {FORMED, HEADER, "a", "{\"price\":5}", NULL, -1, .expected = NO_CELL("price")},
        {FORMED, HEADER, "a", "{\"price\":\"x\"}", NULL, -1, .expected = NO_CELL("price")},
        {FORMED, HEADER, "a", "{\"mixed\":false}", NULL, -1, .expected = "a,,,,,,no," END_COMMA},
        {FORMED, HEADER, "a", "{\"mixed\":true}", NULL, -1, .expected = NO_CELL("mixed")},
    };

    (void)state;
    ASSERT_JOBS(samples);
}

static void text_without_quoting_holds_no_delimiter_and_no_line_end(void **state)
{
    static const struct sample samples[] = {
        {LITERAL, TABS, "a", "{\"sku\":\"\\\"x,\"}", NULL, -1, .expected = "a\t\t\t\"x," END_TAB},
        {LITERAL, TABS, "a", "{\"sku\":\"x\\ty\"}", NULL, -1, .expected = NO_CELL("sku")},
        {LITERAL, TABS, "a", "{\"sku\":\"x\\ny\"}", NULL, -1, .expected = NO_CELL("sku")},
        {LITERAL, TABS, "a", "{\"sku\":\"x\\ry\"}", NULL, -1, .expected = NO_CELL("sku")},
        {LITERAL, TABS, "a", "{\"sku\":\"\"}", NULL, -1, .expected = NO_CELL("sku")},
        {LITERAL, TABS, "a", "{\"sku\":\" x\"}", NULL, -1, .expected = "a\t\t\t x" END_TAB},
        {LITERAL, TABS, "a", "{\"sku\":\" x\"}", NULL, -1, NO_CELL("sku"), .trim = true},
        {LITERAL, TABS, "a", "{\"sku\":\"x\"}", NULL, -1, "a\t\t\tx" END_TAB, .trim = true},
    };

    (void)state;
    ASSERT_JOBS(samples);
}

static void a_cell_and_a_row_have_their_limits(void **state)
{
    static const struct sample samples[] = {
        {SMALL, HEADER, "a", "{\"sku\":\"12345\"}", NULL, -1,
         .expected = "a,,,12345,,,," END_COMMA},
        {SMALL, HEADER, "a", "{\"sku\":\"123456\"}", NULL, -1,
         .expected = "a,,,123456,,,," END_COMMA},
        {SMALL, HEADER, "a", "{\"sku\":\"1234,\"}", NULL, -1,
         .expected = "a,,,\"1234,\",,,," END_COMMA},
        {SMALL, HEADER, "a", "{\"sku\":\"123\\\",\"}", NULL, -1, .expected = TOO_LARGE("sku")},
        {SMALL, HEADER, "12345,", "{}", NULL, -1, .expected = TOO_LARGE("record_id")},
        {SMALL, HEADER, "a", "{}", "[\"12,\",\"45\"]", -1, .expected = TOO_LARGE("tags")},
        {SMALL, HEADER, "a", "{\"sku\":\"1\\n2\"}", NULL, -1,
         .expected = "a,,,\"1\n2\",,,," END_COMMA},
        {SMALL, HEADER, "a", "{\"sku\":\"1\\n\\n2\"}", NULL, -1, .expected = TOO_LARGE("sku")},
        {{.row_max = 60},
         HEADER,
         "a",
         "{\"sku\":\"1234567890123456789012345678901234567890\"}",
         NULL,
         -1,
         .expected = "a,,,1234567890123456789012345678901234567890,,,," END_COMMA},
        {{.row_max = 60},
         HEADER,
         "a",
         "{\"sku\":\"123456789012345678901234567890123456789012\"}",
         NULL,
         -1,
         .expected = REFUSED("a", "longer than a row of CSV may be")},
    };

    (void)state;
    ASSERT_JOBS(samples);
}

static void a_row_is_not_taken_for_a_comment_or_a_footer(void **state)
{
    static const struct sample samples[] = {
        {HASH, HEADER, "#1", "{}", NULL, -1, .expected = "\"#1\",,,,,,," END_COMMA},
        {HASH, HEADER, "1#", "{}", NULL, -1, .expected = "1#,,,,,,," END_COMMA},
        {{.comment = {"#", 1}, .unquoted = true, .delimiter = '\t'},
         TABS,
         "#1",
         "{}",
         NULL,
         -1,
         .expected = REFUSED("#1", "a row that reads like a declared footer or comment")},
        {{.is_footer = begins_with_total},
         HEADER,
         "Total\n",
         "{}",
         NULL,
         -1,
         .expected = "\"Total\n\",,,,,,," END_COMMA},
        {{.is_footer = begins_with_total},
         HEADER,
         "Total",
         "{}",
         NULL,
         -1,
         .expected = "\"Total\",,,,,,," END_COMMA},
        {{.is_footer = begins_with_total},
         HEADER,
         "total",
         "{}",
         NULL,
         -1,
         .expected = "total,,,,,,," END_COMMA},
        {{.is_footer = begins_with_total, .unquoted = true, .delimiter = '\t'},
         TABS,
         "Total",
         "{}",
         NULL,
         -1,
         .expected = REFUSED("Total", "a row that reads like a declared footer or comment")},
        {{.is_footer = begins_with_total, .cell_size_max = 5},
         HEADER,
         "Total1",
         "{}",
         NULL,
         -1,
         .expected = TOO_LARGE("record_id")},
        {HASH, HEADER, "#1", "{}", NULL, -1, "\"#1\",,,,,,,," END_COMMA, .for_spreadsheet = true},
    };

    (void)state;
    ASSERT_JOBS(samples);
}

static void a_character_that_the_encoding_lacks_is_refused(void **state)
{
    static const struct sample samples[] = {
        {{.encoding = ROW_ENCODING_WINDOWS_1252},
         HEADER,
         "a",
         "{\"sku\":\"\xC3\xA4\"}",
         NULL,
         -1,
         .expected = "a,,,\xE4,,,," END_COMMA},
        {{.encoding = ROW_ENCODING_WINDOWS_1252},
         HEADER,
         "a",
         "{\"sku\":\"\xC4\x80\"}",
         NULL,
         -1,
         .expected = REFUSED("a", "holds what the declared encoding does not")},
        /* what the encoding lacks was not in the file */
        {FORMED_LATIN, HEADER, "a", "{\"price\":1.5}", NULL, -1,
         .expected = "a,,,,\"1,5\",,," END_COMMA},
        {FORMED_LATIN, HEADER, "a", "{\"count\":2}", NULL, -1,
         .expected = "a,,,,,2 \xA3,," END_COMMA},
        {FORMED_LATIN, HEADER, "a", "{\"mixed\":true}", NULL, -1,
         .expected = "a,,,,,,ja," END_COMMA},
        {FORMED_LATIN, HEADER, "a", "{\"mixed\":false}", NULL, -1, .expected = NO_CELL("mixed")},
    };

    (void)state;
    ASSERT_JOBS(samples);
}

static void the_delimiter_is_the_declared_one(void **state)
{
    static const struct sample samples[] = {
        {{.delimiter = ','},
         "record_id;sku\n",
         "a",
         "{\"sku\":\"x,y;\"}",
         NULL,
         -1,
         .expected = "a,\"x,y;\"" END_COMMA},
        {PLAIN, "record_id;sku\n", "a", "{\"sku\":\"x,y;\"}", NULL, -1,
         .expected = "a;\"x,y;\"" END_SEMI},
        {{.delimiter = ';'},
         "sep=;\nrecord_id;sku\n",
         "a",
         "{\"sku\":\"x,y;\"}",
         NULL,
         -1,
         .expected = "a;\"x,y;\"" END_SEMI},
    };

    (void)state;
    ASSERT_JOBS(samples);
}

static void a_header_row_that_does_not_fit_is_a_fault_of_the_schema_file(void **state)
{
    static const struct {
        struct row_dialect dialect;
        const char *header, *expected;
    } samples[] = {
        {{0},
         "record_id,ean\n",
         .expected = "the columns do not fit the current schema file (--format ndjson needs none): "
                     "batch 5: line 1: unknown column \"ean\": not a property of schema Item; add "
                     "it to the schema or remove it from the file"},
        {{.delimiter = ';'},
         "record_id,ean\n",
         .expected = "the columns do not fit the current schema file (--format ndjson needs none): "
                     "batch 5: line 1: the header row is one cell and holds ','; if that is the "
                     "delimiter, declare \"csv\": {\"delimiter\": \",\"} under x-rowferry in the "
                     "schema file, or give --delimiter"},
        {{.delimiter = ';'}, "record_id,sku\n", ""} /* read, but written with semicolons */,
    };

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample sample = {.dialect = samples[i].dialect, .header = samples[i].header};
        struct writer_options options;
        struct row_shape shape;
        struct csv_writer writer;
        struct err err = {0};

        assert_int_equal(open_writer(&sample, &shape, &options, &writer, &err),
                         !*samples[i].expected);
        assert_int_equal(err.kind, *samples[i].expected ? ERR_CONFIG : ERR_NONE);
        assert_string_equal(err.text, samples[i].expected);
        csv_writer_release(&writer);
    }
}

/* What is written at the beginning, without the columns of the outcome. */
static void a_header_row_of_the_shape_has_a_column_for_every_value(void **state)
{
    static const struct row_column columns[] = {{{"Key", 3}, {"record_id", 9}},
                                                {{"a;b", 3}, {"price", 5}},
                                                {{"sku", 3}, {NULL, 0}},
                                                {{"status", 6}, {"count", 5}},
                                                {{"Rev", 3}, {"version", 7}}};
    static const struct {
        struct row_dialect dialect;
        const char *expected;
    } samples[] = {
        {{0},
         .expected = "record_id,version,sku,status,quantity,price,active,count,sizes,extra,mixed,"
                     "any,\"odd\"\"name\",tags"},
        {{.delimiter = ';', .columns = columns, .column_count = 5},
         .expected =
             "Key;Rev;quantity;\"a;b\";active;status;sizes;extra;mixed;any;\"odd\"\"name\";tags"},
        {{.delimiter = '\t', .unquoted = true, .columns = columns, .column_count = 5},
         .expected =
             "Key\tRev\tquantity\ta;b\tactive\tstatus\tsizes\textra\tmixed\tany\todd\"name\ttags"},
        {{.skip_lines = 2},
         .expected = "\n\nrecord_id,version,sku,status,quantity,price,active,count,sizes,extra,"
                     "mixed,any,\"odd\"\"name\",tags"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample sample = {.dialect = samples[i].dialect, .header = ""};
        struct writer_options options;
        struct row_shape shape;
        struct csv_writer writer;
        struct err err = {0};
        struct buf out = {0};
        char *end;

        if (!open_writer(&sample, &shape, &options, &writer, &err))
            fail_msg("%s", err.text);
        csv_writer_begin(&writer, &out);
        end = strstr(buf_text(&out), "rowferry_job");
        assert_non_null(end);
        end[-1] = '\0';
        assert_string_equal(out.data, samples[i].expected);
        csv_writer_release(&writer);
        buf_release(&out);
    }
}

static const struct {
    struct row_dialect dialect;
    const char *header;
    struct span text;
    const char *expected;
    bool for_spreadsheet;
} rejected_cells[] = {
    {{0}, "record_id,sku\n", {"a,\"b\"", 5}, .expected = "a,\"b\"" END_COMMA},
    {{0}, "record_id,sku\n", {"a", 1}, .expected = ",,,,,,,,,,,RAW\n"},
    {{0}, "record_id,sku\n", {"a,b,c", 5}, .expected = ",,,,,,,,,,,RAW\n"},
    {{0}, "record_id,sku\n", {"a,b\nc", 5}, .expected = ",,,,,,,,,,,RAW\n"},
    {{0}, "record_id,sku\n", {"a,\0", 3}, .expected = ",,,,,,,,,,,RAW\n"},
    {{0}, "record_id,sku\n", {"a\r,b", 4}, .expected = ",,,,,,,,,,,RAW\n"},
    {{0}, "record_id,sku\n", {"a,\xE4", 3}, .expected = ",,,,,,,,,,,RAW\n"},
    {{.delimiter = ','}, "record_id;sku\n", {"a;b,c", 5}, .expected = "a,\"b,c\"" END_COMMA},
    {{.delimiter = ','}, "record_id;sku\n", {"a;\"b,c\"", 7}, .expected = "a,\"b,c\"" END_COMMA},
    {{.delimiter = '\t', .unquoted = true},
     "record_id\tsku\n",
     {"a\t\"b", 4},
     .expected = "a\t\"b" END_TAB},
    {{.delimiter = '\t', .unquoted = true},
     "record_id\tsku\n",
     {"a\t\"b", 4},
     "a\t\"\"\"b\"\t" END_TAB,
     .for_spreadsheet = true},
    {{.delimiter = '\t', .unquoted = true},
     "record_id|sku\n",
     {"a|b\tc", 5},
     .expected = "\t\t\t\t\t\t\t\t\t\t\tRAW\n"},
    {{0}, "record_id,sku\n", {"a,=b", 4}, "a,'=b," END_COMMA, .for_spreadsheet = true},
    {{.delimiter = ',', .cell_size_max = 5},
     "record_id;sku\n",
     {"a;b,c6", 6},
     .expected = "a,\"b,c6\"" END_COMMA},
    {{.delimiter = ',', .cell_size_max = 5},
     "record_id;sku\n",
     {"a;b,c567", 8},
     .expected = ",,,,,,,,,,,RAW\n"},
    {{.row_max = 20}, "record_id,sku\n", {"a,3456789012345", 15}, .expected = ",,,,,,,,,,,RAW\n"},
    {{.row_max = 20}, "record_id,sku\n", {"a,345678", 8}, .expected = "a,345678" END_COMMA},
    {{.encoding = ROW_ENCODING_WINDOWS_1252},
     "record_id,sku\n",
     {"a,\xC4\x80", 4},
     .expected = ",,,,,,,,,,,RAW\n"},
    {{0}, "record_id,rowferry_raw,sku\n", {"a,,b", 4}, .expected = "a,b" END_COMMA},
    /* too long only by an earlier outcome: it stays rejected */
    {{.row_max = 30},
     "record_id,rowferry_audit\n",
     {"a,3456789012345678901234567890", 30},
     .expected = ",,,,,,,,,,RAW\n"},
    {{0}, "record_id,rowferry_raw,sku\n", {",c,", 3}, .expected = ",,,,,,,,,,,c\n"},
};

static void a_rejected_row_keeps_its_cells_if_it_has_as_many_as_the_header_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rejected_cells / sizeof *rejected_cells; i++) {
        const struct sample sample = {.dialect = rejected_cells[i].dialect,
                                      .header = rejected_cells[i].header,
                                      .for_spreadsheet = rejected_cells[i].for_spreadsheet};
        const struct outcome outcome = {{[OUTCOME_RAW] = {"RAW", 3}}};
        struct writer_options options;
        struct row_shape shape;
        struct csv_writer writer;
        struct err err = {0};
        struct buf out = {0};

        if (!open_writer(&sample, &shape, &options, &writer, &err))
            fail_msg("%s", err.text);
        csv_writer_rejected(&writer, rejected_cells[i].text, &outcome, &out);
        assert_string_equal(buf_text(&out), rejected_cells[i].expected);
        csv_writer_release(&writer);
        buf_release(&out);
    }
}

static void an_outcome_is_cut_to_what_a_cell_with_quotes_can_hold(void **state)
{
    static const struct {
        const char *error, *expected;
    } samples[] = {
        {"1234567", "1234567"},
        {"12,4", "\"12,4\""},
        {"12,456", "\"12,4\""},
        {"1,\"4567", "\"1,\"\"\""},
        {"1,3\"567", "\"1,3\""},
        {"12,\xC3\xA4x", "\"12,\""},
        {"1,\xC3\xA4xy", "\"1,\xC3\xA4\""},
    };
    const struct sample sample = {.dialect = SMALL, .header = "record_id\n"};
    struct writer_options options;
    struct row_shape shape;
    struct csv_writer writer;
    struct err err = {0};
    struct buf out = {0}, expected = {0};

    (void)state;
    if (!open_writer(&sample, &shape, &options, &writer, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct outcome outcome = {{[OUTCOME_ERROR] = span_of(samples[i].error)}};

        buf_reset(&out);
        buf_reset(&expected);
        csv_writer_rejected(&writer, span_of("a"), &outcome, &out);
        buf_printf(&expected, "a,,,,,,%s,,,,\n", samples[i].expected);
        assert_string_equal(buf_text(&out), buf_text(&expected));
    }
    csv_writer_release(&writer);
    buf_release(&out);
    buf_release(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_a_line_that_is_read_as_the_same_job),
        cmocka_unit_test(a_cell_that_means_absent_holds_no_value),
        cmocka_unit_test(tags_are_one_cell_if_semicolons_separate_them),
        cmocka_unit_test(a_value_is_written_in_its_form),
        cmocka_unit_test(text_without_quoting_holds_no_delimiter_and_no_line_end),
        cmocka_unit_test(a_cell_and_a_row_have_their_limits),
        cmocka_unit_test(a_row_is_not_taken_for_a_comment_or_a_footer),
        cmocka_unit_test(a_character_that_the_encoding_lacks_is_refused),
        cmocka_unit_test(the_delimiter_is_the_declared_one),
        cmocka_unit_test(a_header_row_that_does_not_fit_is_a_fault_of_the_schema_file),
        cmocka_unit_test(a_header_row_of_the_shape_has_a_column_for_every_value),
        cmocka_unit_test(an_outcome_is_cut_to_what_a_cell_with_quotes_can_hold),
        cmocka_unit_test(a_rejected_row_keeps_its_cells_if_it_has_as_many_as_the_header_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
