/* What was read, written and read again: the same jobs, the same rejections, for all
 * cells; and what a written file looks like. */
#include "core/row/writer.h"

#include "core/base/zone.h"
#include "core/row/cell_form.h"
#include "core/row/csv_writer.h"
#include "core/row/encoding.h"
#include "core/row/formula.h"
#include "tests/unit/rows_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static const struct span yes_no[] = {{"ja", 2}, {"J", 1}, {"nein", 4}, {"N", 1}};

static const struct cell_form forms[] = {
    {.property = {"price", 5}, .kind = CELL_DECIMAL, .decimal = ',', .thousands = {".", 1}},
    {.property = {"quantity", 8}, .kind = CELL_DECIMAL, .decimal = ','},
    {.property = {"status", 6}, .kind = CELL_DATE, .pattern = {"D.MM.YYYY", 9}},
    {.property = {"active", 6},
     .kind = CELL_BOOLEAN,
     .words = yes_no,
     .true_count = 2,
     .word_count = 4},
};

static const struct row_column german_columns[] = {
    {{"Artikel", 7}, {"record_id", 9}},
    {{"Preis", 5}, {"price", 5}},
    {{"Gr\xC3\xB6\xC3\x9F"
      "en",
      8},
     {"sizes", 5}},
    {{"Bemerkung", 9}, {NULL, 0}},
};

static struct row_shape german(enum row_encoding encoding)
{
    struct row_shape shape = rows_shape;

    shape.dialect = (struct row_dialect){.delimiter = ';',
                                         .encoding = encoding,
                                         .columns = german_columns,
                                         .column_count = 4,
                                         .forms = forms,
                                         .form_count = 4};
    return shape;
}

/* --- reading, and reading again --- */

/* One file on its way to being another. */
struct copy {
    struct writer_options options;
    bool jobs_only;
    struct buf out;    /* the other file */
    struct buf report; /* a line per row: its outcome */
    unsigned jobs, rows;
    struct err err;
};

static void write_row(struct copy *copy, struct writer *writer, const struct row *row, bool good)
{
    static const struct outcome applied = {{[OUTCOME_JOB] = {"5/1", 3},
                                            [OUTCOME_STATE] = {"applied", 7},
                                            [OUTCOME_HTTP_STATUS] = {"200", 3}}};
    static const struct outcome rejected = {
        {[OUTCOME_JOB] = {"5/2", 3},
         [OUTCOME_STATE] = {"rejected", 8},
         [OUTCOME_ERROR] = {"\"quoted\", ; and\nbroken \xE5\x80\x89", 26}}};

    if (!good && !copy->jobs_only)
        writer_rejected(writer, row, &rejected, &copy->out);
    if (good && !writer_job(writer, row, &applied, &copy->out, &copy->err))
        fail_msg("%s", copy->err.text);
}

/* Reads bytes in the source format, reports their rows, and writes the other file unless the
 * format is none. */
static void copy_rows(struct copy *copy, struct span bytes)
{
    struct violations violations = {0};
    struct writer *writer = NULL;
    struct rows_feed feed;
    struct reader *reader;
    struct row row = {0};
    enum row_step step;

    rows_feed_open(&feed, bytes, ROWS_FILE);
    reader = reader_open(feed.fd, "in", copy->options.source, copy->options.shape, &copy->err);
    if (!reader)
        fail_msg("%s", copy->err.text);
    copy->options.name = "batch 5";
    copy->options.opening = "{";
    copy->options.header = reader_header(reader);
    if (copy->options.format != ROW_FORMAT_NONE) {
        writer = writer_open(&copy->options, &copy->err);
        if (!writer)
            fail_msg("%s", copy->err.text);
        writer_begin(writer, &copy->out);
    }
    while ((step = reader_next(reader, &row, &violations, &copy->err)) == ROW_STEP_ROW) {
        if (violations.count > 0 && !copy->jobs_only)
            buf_append_text(&copy->report, "rejected\n");
        if (violations.count == 0)
            buf_printf(&copy->report, "[%.*s] v%lld %.*s %.*s\n", (int)row.record_id.size,
                       row.record_id.data, row.has_version ? (long long)row.version : -1,
                       (int)row.tags.size, row.tags.data, (int)row.fields.size, row.fields.data);
        copy->jobs += violations.count == 0;
        copy->rows++;
        if (writer)
            write_row(copy, writer, &row, violations.count == 0);
    }
    if (step != ROW_STEP_END)
        fail_msg("%s", copy->err.text);
    writer_close(writer);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
}

static void copy_release(struct copy *copy)
{
    buf_release(&copy->out);
    buf_release(&copy->report);
}

static unsigned all_jobs, all_rows; /* of assert_same, so far */

/* The file written in a format and read again holds what the first one did. Returns what was
 * written; the caller releases it. */
static struct buf assert_same(struct span bytes, enum row_format source, enum row_format format,
                              const struct row_shape *shape, bool jobs_only)
{
    struct copy first = {.options = {.source = source, .format = format, .shape = shape},
                         .jobs_only = jobs_only};
    struct copy again = {.options = {.source = format, .shape = shape}, .jobs_only = jobs_only};
    struct buf out;

    copy_rows(&first, bytes);
    all_jobs += first.jobs;
    all_rows += first.rows;
    copy_rows(&again, buf_span(&first.out));
    if (strcmp(buf_text(&first.report), buf_text(&again.report)) != 0)
        fail_msg("%s\nbecame, through\n%s\n%s", buf_text(&first.report), buf_text(&first.out),
                 buf_text(&again.report));
    out = first.out;
    first.out = (struct buf){0};
    copy_release(&first);
    copy_release(&again);
    return out;
}

/* --- rows by chance --- */

static unsigned chance_state;

static unsigned chance(unsigned count)
{
    chance_state = chance_state * 1103515245U + 12345U;
    return (chance_state >> 16) % count;
}

#define PICK(texts) (texts)[chance(sizeof(texts) / sizeof *(texts))]

/* Contents of cells, in the order of the columns below; not all fit their column. */
static const char *const texts[] = {"",           "a",   "x,y;z", "\"quoted\"", "two\nlines",
                                    "cr\rlf\r\n", " b ", "\\n",   "=1+1",       "\xC3\xBC\xC3\x9F",
                                    "\x01",       "|",   "\t",    "-5",         "'"};
static const char *const numbers[] = {"0",    "-0",  "12",  "1e5", "1.5E-3",
                                      "-1.5", "007", "1,5", "abc", "12345678901234567890.10"};
static const char *const german_numbers[] = {"0",     "-1,5",     "1.234,50", "12345,6", "1,5e3",
                                             "12.34", "-123.456", "1,",       "1 000"};
static const char *const booleans[] = {"true", "false", "null", "TRUE", "[1]"};
static const char *const german_booleans[] = {"ja", "N", "J", "nein", "ne", "true"};
static const char *const dates[] = {"1.12.2026", "29.02.2024", "05.01.0001", "31.04.2026", "x"};
static const char *const arrays[] = {"[]", "[1, \"a;b,\\\"c\"]", "[\"\n\"]",
                                     "{}", "[1,[2,{}]]",         "["};
static const char *const objects[] = {"{}", "{\"a\": [1.50, null]}", "[]",
                                      "{\"\\u0000\":\"\\\"\"}"};
static const char *const ids[] = {"A-1", "a,b;c", "\"x\"", "=id", "\xC3\xA9", "", "."};
static const char *const versions[] = {"0", "5", "9223372036854775807", "-1", "5.0", ""};
static const char *const tags[] = {"", "a", "a;b", ";;a;", "\"t\",u", "\xC3\xBC;b"};

struct pool {
    const char *heading;
    const char *const *texts;
    unsigned count, good; /* the good ones come first */
};

#define POOL(heading, texts, good)                                                                 \
    {                                                                                              \
        heading, texts, sizeof(texts) / sizeof *(texts), good                                      \
    }

static const struct pool plain_pools[] = {
    POOL("record_id", ids, 5),    POOL("version", versions, 3), POOL("sku", texts, 15),
    POOL("status", texts, 15),    POOL("quantity", numbers, 6), POOL("price", numbers, 6),
    POOL("active", booleans, 3),  POOL("count", numbers, 6),    POOL("sizes", arrays, 3),
    POOL("extra", objects, 2),    POOL("mixed", booleans, 3),   POOL("any", texts, 15),
    POOL("odd\"name", texts, 15), POOL("tags", tags, 6),
};

static const struct pool german_pools[] = {
    POOL("Artikel", ids, 5),
    POOL("version", versions, 3),
    POOL("sku", texts, 15),
    POOL("status", dates, 3),
    POOL("quantity", german_numbers, 5),
    POOL("Preis", german_numbers, 5),
    POOL("active", german_booleans, 4),
    POOL("count", numbers, 6),
    POOL("Gr\xC3\xB6\xC3\x9F"
         "en",
         arrays, 3),
    POOL("extra", objects, 2),
    POOL("mixed", booleans, 3),
    POOL("any", texts, 15),
    POOL("odd\"name", texts, 15),
    POOL("tags", tags, 6),
    POOL("Bemerkung", texts, 15),
};

static void put_cell(struct buf *out, const char *text, char delimiter)
{
    /* quotes that nobody needs are part of what a file may hold */
    if (chance(4) == 0 || strchr(text, delimiter) || strpbrk(text, "\"\r\n")) {
        buf_append_char(out, '"');
        for (; *text; text++)
            buf_printf(out, *text == '"' ? "\"%c" : "%c", *text);
        buf_append_char(out, '"');
    } else {
        buf_append_text(out, text);
    }
}

/* A line that no row can be made of. */
static void put_damage(struct buf *out)
{
    static const char *const damages[] = {"A-9",
                                          "A-9;1,2;\"open",
                                          "A-9,\"x\"y,1;\"x\"y",
                                          ",,,,,,,,,,,,,,,,,,,;;;;;;;;;;;;;;;;;;;;;;;;",
                                          "a\rb,c;d",
                                          "\"one\ntwo\"",
                                          "x\"y"};

    buf_append_text(out, PICK(damages));
    buf_append_char(out, '\n');
}

static void put_rows(struct buf *out, const struct pool *pools, size_t count, char delimiter,
                     unsigned rows)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_append_char(out, delimiter);
        put_cell(out, pools[i].heading, delimiter);
    }
    buf_append_text(out, "\r\n");
    for (unsigned row = 0; row < rows; row++) {
        if (chance(12) == 0) {
            put_damage(out);
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            if (i)
                buf_append_char(out, delimiter);
            if (i < 2 || chance(3))
                put_cell(out, pools[i].texts[chance(chance(30) ? pools[i].good : pools[i].count)],
                         delimiter);
        }
        buf_append_text(out, chance(2) ? "\n" : "\r\n");
    }
}

enum { ROUNDS = 200 };

static void csv_round_trips(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct buf file = {0}, out;

        chance_state = round;
        put_rows(&file, plain_pools, sizeof plain_pools / sizeof *plain_pools, ",;\t|"[round % 4],
                 40);
        out = assert_same(buf_span(&file), ROW_FORMAT_CSV, ROW_FORMAT_CSV, &rows_shape, false);
        buf_release(&out);
        buf_release(&file);
    }
    /* chance leaves enough of both */
    assert_in_range(all_jobs, all_rows / 4, all_rows * 3 / 4);
}

static void blanks_around_json_text_are_kept(void **state)
{
    static const char file[] =
        "record_id,sizes,extra,mixed\na,\" [1 ]\n \", {} , [] \nb,[],{},[]\n";
    struct buf out;

    (void)state;
    out = assert_same(span_of(file), ROW_FORMAT_CSV, ROW_FORMAT_CSV, &rows_shape, false);
    buf_release(&out);
}

static void a_line_break_within_fields_does_not_end_a_line_of_ndjson(void **state)
{
    struct copy copy = {
        .options = {.source = ROW_FORMAT_CSV, .format = ROW_FORMAT_NDJSON, .shape = &rows_shape}};

    (void)state;
    copy_rows(&copy, span_of("record_id,sizes\na,\"[1,\n2]\"\n"));
    assert_string_equal(buf_text(&copy.out),
                        "{\"recordId\": \"a\", \"fields\": {\"sizes\":[1, 2]}, \"outcome\": "
                        "{\"job\": \"5/1\", \"state\": \"applied\", \"http_status\": 200}}\n");
    copy_release(&copy);
}

/* --- everything that can be declared --- */

static const struct span absent_words[] = {{"NULL", 4}, {"-", 1}, {"00000000", 8}};

static struct cell_form real_forms[] = {
    {.property = {"price", 5},
     .kind = CELL_DECIMAL,
     .decimal = ',',
     .thousands = {" ", 1},
     .sign = CELL_SIGN_TRAILING,
     .padding = '0',
     .unit = {"EUR", 3}},
    {.property = {"quantity", 8},
     .kind = CELL_DECIMAL,
     .thousands = {".", 1},
     .sign = CELL_SIGN_PARENTHESES,
     .padding = ' ',
     .absent = {absent_words, 2}},
    {.property = {"status", 6},
     .kind = CELL_DATETIME,
     .pattern = {"DD.MM.YYYY hh:mm:ss", 19},
     .fold = CELL_FOLD_EARLIER},
    {.property = {"count", 5}, .kind = CELL_DECIMAL, .decimal = '.', .sign = CELL_SIGN_LEADING},
    {.property = {"sku", 3}, .kind = CELL_PLAIN, .absent = {absent_words + 2, 1}},
};

static const char *const real_texts[] = {"a",        " b ",     "NULL",  "00000000", "-",
                                         "x\"y",     "#c",      "Total", "",         "\xC2\xA0z",
                                         "\xC3\xBC", "1;2|3~4", "n\nl",  "\\N"};
static const char *const real_prices[] = {"1 234,50-", "0000012,5", "7 EUR",  "EUR 5-", "0",
                                          "-",         "1,5",       "12-EUR", "-5",     "1.5"};
static const char *const real_counts[] = {"+5", "-5", "0", "05", "5-"};
static const char *const real_quantities[] = {"(1.234)", "  12 ", "( 5 )", "NULL",
                                              "-",       "-5",    "1,5"};
static const char *const real_times[] = {"23.11.2026 10:00:00", "01.07.2026 00:00:59",
                                         "25.10.2026 02:30:00", "01.01.1890 12:00:00",
                                         "29.03.2026 02:30:00", "1.1.2026 0:00:00"};
static const char *const real_ids[] = {"A-1", " A-2 ", "Total", "#A-3", "a b", "x", "NULL", ""};

static const struct pool real_pools[] = {
    POOL("Artikel", real_ids, 5),         POOL("version", versions, 3),
    POOL("sku", real_texts, 14),          POOL("status", real_times, 4),
    POOL("quantity", real_quantities, 5), POOL("Preis", real_prices, 8),
    POOL("active", booleans, 3),          POOL("count", real_counts, 3),
    POOL("Bemerkung", real_texts, 14),    POOL("tags", tags, 6),
    POOL("odd\"name", real_texts, 14),    POOL("any", real_texts, 14),
};

static void every_declared_setting_is_written(void **state)
{
    struct row_shape shape = german(ROW_ENCODING_NONE);
    struct err err = {0};

    (void)state;
    real_forms[2].zone = zone_open((struct span){"Europe/Berlin", 13}, &err);
    assert_non_null(real_forms[2].zone);
    all_jobs = all_rows = 0;
    for (unsigned round = 0; round < 2 * ROUNDS; round++) {
        struct buf file = {0}, out;

        chance_state = round;
        shape.trim = round & 1;
        shape.dialect = (struct row_dialect){
            .delimiter = ";~\t\x01"[round / 2 % 4],
            .quoted_absent = round & 8,
            .short_rows = round & 16,
            .long_rows = true,
            .skip_lines = round % 3,
            .comment = {"#", round & 32 ? 1 : 0},
            .is_footer = round & 64 ? begins_with_total : NULL,
            .absent = {absent_words, round & 128 ? 2 : 0},
            .columns = german_columns,
            .column_count = 4,
            .forms = real_forms,
            .form_count = sizeof real_forms / sizeof *real_forms,
        };
        for (unsigned i = 0; i < shape.dialect.skip_lines; i++)
            buf_append_text(&file, "a title; \"of several lines\n");
        put_rows(&file, real_pools, sizeof real_pools / sizeof *real_pools, shape.dialect.delimiter,
                 40);
        if (shape.dialect.is_footer)
            buf_append_text(&file, "Total;7\n\nTotal\n");
        out = assert_same(buf_span(&file), ROW_FORMAT_CSV, ROW_FORMAT_CSV, &shape, false);
        buf_release(&out);
        buf_release(&file);
    }
    assert_in_range(all_jobs, all_rows / 10, all_rows);
    zone_close(real_forms[2].zone);
}

static void text_without_quoting_is_written_without_quotes(void **state)
{
    static const char file[] =
        "record_id\tsku\tprice\tany\na\t6\" x\t1\t\"\nb\t\t\t\nc\t,;\tx\ty\n";
    struct row_shape shape = rows_shape;
    struct buf out;

    (void)state;
    shape.dialect = (struct row_dialect){.delimiter = '\t', .unquoted = true};
    out = assert_same(span_of(file), ROW_FORMAT_CSV, ROW_FORMAT_CSV, &shape, false);
    assert_non_null(memmem(out.data, out.size, "\na\t6\" x\t1\t\"\t5/1\tapplied", 23));
    buf_release(&out);
}

static void declared_forms_names_and_encodings_are_written(void **state)
{
    static const enum row_encoding encodings[] = {ROW_ENCODING_NONE, ROW_ENCODING_WINDOWS_1252,
                                                  ROW_ENCODING_ISO_8859_1, ROW_ENCODING_ISO_8859_15,
                                                  ROW_ENCODING_UTF_16};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        enum row_encoding encoding = encodings[round % 5];
        struct row_shape shape = german(encoding);
        struct buf text = {0}, file = {0}, out;
        struct err err = {0};

        chance_state = round;
        if (encoding == ROW_ENCODING_UTF_16)
            buf_append_text(&text, "\xEF\xBB\xBF");
        put_rows(&text, german_pools, sizeof german_pools / sizeof *german_pools, ';', 40);
        if (encoding) {
            struct recoder *recoder = recode_to(encoding, &err);

            assert_true(recode(recoder, buf_span(&text), NULL, &file));
            recode_close(recoder);
        } else {
            buf_append_span(&file, buf_span(&text));
        }
        out = assert_same(buf_span(&file), ROW_FORMAT_CSV, ROW_FORMAT_CSV, &shape, false);
        buf_release(&out);
        buf_release(&file);
        buf_release(&text);
    }
}

/* CSV -> NDJSON -> CSV by the shape alone -> NDJSON: always the same jobs. The columns are in the
 * order of the shape, so that the fields keep their order. */
static void jobs_are_the_same_across_formats(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool is_german = round % 2;
        struct row_shape shape = is_german ? german(ROW_ENCODING_NONE) : rows_shape;
        struct buf file = {0}, ndjson, csv, last;

        chance_state = round;
        put_rows(&file, is_german ? german_pools : plain_pools,
                 sizeof plain_pools / sizeof *plain_pools, is_german ? ';' : ',', 40);
        ndjson = assert_same(buf_span(&file), ROW_FORMAT_CSV, ROW_FORMAT_NDJSON, &shape, true);
        csv = assert_same(buf_span(&ndjson), ROW_FORMAT_NDJSON, ROW_FORMAT_CSV, &shape, true);
        last = assert_same(buf_span(&csv), ROW_FORMAT_CSV, ROW_FORMAT_NDJSON, &shape, true);
        assert_string_equal(buf_text(&ndjson), buf_text(&last));
        buf_release(&file);
        buf_release(&ndjson);
        buf_release(&csv);
        buf_release(&last);
    }
}

static void ndjson_round_trips(void **state)
{
    static const char *const lines[] = {
        "{\"recordId\":\"a\",\"version\": 5 ,\"fields\":{ \"x\" : [1.50,\"\\u00fc\"] }}",
        "{\"fields\": {}, \"recordId\": \"\\u0061\\\"b\", \"tags\": [ \"a;b\", \"\" ]}",
        "{\"recordId\":\"a\",\"fields\":{},\"outcome\":{\"job\":\"1/1\"}}",
        "{\"outcome\":{},\"recordId\":\"a\"}",
        "{\"outcome\":{}}",
        "{\"recordId\":\"a\",\"fields\":{},\"outcome\":7}",
        "{}",
        "[]",
        "{\"recordId\":\"a\",\"fields\":{}",
        "not \xFF JSON",
        "{\"recordId\":\"a\",\"recordId\":\"b\",\"fields\":{}}",
        "\x1E{\"recordId\":\"a\",\"fields\":{}}",
        "\x1E{\"recordId\":1,\"x\":{}}",
        "{\"recordId\":\"a\",\"version\":\"x\",\"fields\":{\"n\":1}}",
    };

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct buf file = {0}, out;

        chance_state = round;
        /* the first line says what kind of JSON it is */
        buf_append_text(&file, "{}\n");
        for (unsigned row = 0; row < 40; row++)
            buf_printf(&file, "%s%s", PICK(lines), chance(2) ? "\n" : "\r\n");
        out =
            assert_same(buf_span(&file), ROW_FORMAT_NDJSON, ROW_FORMAT_NDJSON, &rows_shape, false);
        buf_release(&out);
        buf_release(&file);
    }
}

/* --- what it looks like --- */

#define TAIL                                                                                       \
    "rowferry_job,rowferry_state,rowferry_http_status,rowferry_server_version,"                    \
    "rowferry_error_code,rowferry_error,rowferry_attempts,rowferry_updated,rowferry_audit,"        \
    "rowferry_raw"
#define REJECTED "5/2,rejected,,,,\"\"\"quoted\"\", ; and broken \xE5\x80\x89\",,,,"

/* What is written of a file that is read with a shape. */
static void assert_written(struct writer_options options, const char *file, const char *expected)
{
    struct copy copy = {.options = options};

    copy_rows(&copy, span_of(file));
    assert_string_equal(buf_text(&copy.out), expected);
    copy_release(&copy);
}

static const struct writer_options csv_to_csv = {
    .source = ROW_FORMAT_CSV, .format = ROW_FORMAT_CSV, .shape = &rows_shape};

static void the_outcome_follows_the_columns_of_the_file(void **state)
{
    (void)state;
    assert_written(csv_to_csv, "sku,record_id,quantity\n\"x,\"\"y\",a,\n\"\",b,x\n",
                   "sku,record_id,quantity," TAIL "\n"
                   "\"x,\"\"y\",a,,5/1,applied,200,,,,,,,\n"
                   "\"\",b,x," REJECTED "\n");
}

static void a_row_that_cannot_be_split_is_in_one_cell_only(void **state)
{
    (void)state;
    assert_written(csv_to_csv, "record_id,sku\na\nb,\"open\nc,\"x\"y\nd,e,f\ng,h\n",
                   "record_id,sku," TAIL "\n"
                   ","
                   "," REJECTED "a\n"
                   ","
                   "," REJECTED "\"b,\"\"open\"\n"
                   ","
                   "," REJECTED "\"c,\"\"x\"\"y\"\n"
                   ","
                   "," REJECTED "\"d,e,f\"\n"
                   "g,h,5/1,applied,200,,,,,,,\n");
}

static void the_outcome_of_an_earlier_export_is_replaced(void **state)
{
    (void)state;
    assert_written(csv_to_csv,
                   "record_id,rowferry_state,sku,rowferry_job\na,failed,x,1/1\nb,?,y,z,\n",
                   "record_id,sku," TAIL "\n"
                   "a,x,5/1,applied,200,,,,,,,\n"
                   ",," REJECTED "\"b,?,y,z,\"\n");
}

static void what_an_earlier_export_could_not_split_is_kept(void **state)
{
    (void)state;
    assert_written(csv_to_csv, "record_id,sku,rowferry_raw\n,,\"a,\"\"b\"\n,x,\n",
                   "record_id,sku," TAIL "\n"
                   ","
                   "," REJECTED "\"a,\"\"b\"\n"
                   ",x," REJECTED "\n");
}

static void a_property_of_the_name_of_an_outcome_column_keeps_it(void **state)
{
    static const struct row_property own = {{"rowferry_error", 14}, ROW_STRING};
    struct row_shape shape = {.schema_name = "Item", .properties = &own, .count = 1};
    struct writer_options options = csv_to_csv;

    (void)state;
    options.shape = &shape;
    assert_written(options, "record_id,rowferry_error\na,mine\n",
                   "record_id,rowferry_error,rowferry_job,rowferry_state,rowferry_http_status,"
                   "rowferry_server_version,rowferry_error_code,rowferry_attempts,"
                   "rowferry_updated,rowferry_audit,rowferry_raw\na,mine,5/1,applied,200,,,,,,\n");
}

static void rejected_lines_of_json_keep_their_members(void **state)
{
    struct writer_options options = {
        .source = ROW_FORMAT_NDJSON, .format = ROW_FORMAT_NDJSON, .shape = &rows_shape};

    (void)state;
    assert_written(
        options, "{ \"recordId\" :\"a\", \"x\":[ 1 ]}\n{\"outcome\":{}}\nno \"JSON\"\n",
        "{\"recordId\" :\"a\", \"x\":[ 1 ], \"outcome\": {\"job\": \"5/2\", \"state\": "
        "\"rejected\", \"error\": \"\\\"quoted\\\", ; and broken \xE5\x80\x89\"}}\n"
        "{\"outcome\": {\"job\": \"5/2\", \"state\": \"rejected\", \"error\": "
        "\"\\\"quoted\\\", ; and broken \xE5\x80\x89\"}}\n"
        "{\"outcome\": {\"job\": \"5/2\", \"state\": \"rejected\", \"error\": "
        "\"\\\"quoted\\\", ; and broken \xE5\x80\x89\", \"raw\": \"no \\\"JSON\\\"\"}}\n");
}

/* --- spreadsheets --- */

static void a_cell_is_a_formula_if_a_spreadsheet_would_evaluate_it(void **state)
{
    static const char *const formulas[] = {"=1+1",
                                           "+1",
                                           "-x",
                                           "@SUM(A1)",
                                           "\tx",
                                           "\rx",
                                           "  =1",
                                           "\xC2\xA0=1",
                                           "\n\t -x",
                                           "-1+1",
                                           "\xEF\xBC\x9D"
                                           "1",
                                           "-",
                                           "-1.5=",
                                           "+49 30 1",
                                           "-,5",
                                           " -5"};
    static const char *const cells[] = {"",  "a=1", "-5", "-1.5e3", "-1.234,50",
                                        "5", "'=1", " a", "-0"};

    (void)state;
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++)
        if (!formula_is(span_of(formulas[i])))
            fail_msg("%s is a formula", formulas[i]);
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (formula_is(span_of(cells[i])))
            fail_msg("%s is not a formula", cells[i]);
}

static void a_file_for_spreadsheets_is_marked_and_refused(void **state)
{
    struct copy copy = {.options = csv_to_csv};
    char *dump;

    (void)state;
    copy.options.for_spreadsheet = true;
    copy_rows(&copy, span_of("record_id,sku,price\n=a,\"=\"\"x\"\"\",-1.5\n@b,=c,x\n"));
    assert_string_equal(buf_text(&copy.out),
                        "\xEF\xBB\xBFrecord_id,sku,price," TAIL ",rowferry_for_spreadsheet\n"
                        "'=a,\"'=\"\"x\"\"\",-1.5,5/1,applied,200,,,,,,,,\n"
                        "'@b,'=c,x," REJECTED ",\n");
    dump = rows_dump(buf_span(&copy.out), ROW_FORMAT_CSV, &rows_shape, ROWS_FILE);
    assert_string_equal(dump,
                        "error: in: line 1: this file was exported with --for-spreadsheet, which "
                        "changes cells; export it again without\n");
    free(dump);
    copy_release(&copy);
}

/* --- what CSV cannot say --- */

static void assert_refused(const char *line, const char *reason)
{
    struct copy copy = {.options = {.source = ROW_FORMAT_NDJSON,
                                    .format = ROW_FORMAT_CSV,
                                    .shape = &rows_shape,
                                    .name = "batch 5"}};
    struct writer *writer = writer_open(&copy.options, &copy.err);
    struct violations violations = {0};
    struct outcome outcome = {0};
    struct rows_feed feed;
    struct reader *reader;
    struct row row;

    assert_non_null(writer);
    rows_feed_open(&feed, span_of(line), ROWS_FILE);
    reader = reader_open(feed.fd, "in", ROW_FORMAT_NDJSON, &rows_shape, &copy.err);
    assert_int_equal(reader_next(reader, &row, &violations, &copy.err), ROW_STEP_ROW);
    assert_false(writer_job(writer, &row, &outcome, &copy.out, &copy.err));
    assert_int_equal(copy.err.kind, ERR_CONFIG);
    assert_string_equal(copy.err.text, reason);
    assert_int_equal(copy.out.size, 0);
    writer_close(writer);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
}

static void a_value_that_no_cell_can_hold_is_an_error(void **state)
{
#define FIELDS(fields)     "{\"recordId\": \"a\", \"fields\": {" fields "}}\n"
#define SAYS(name, reason) "batch 5: row 1: " name ": " reason "; use --format ndjson"
    (void)state;
    assert_refused(FIELDS("\"sku\": null"), SAYS("sku", "no CSV cell can hold this value"));
    assert_refused(FIELDS("\"any\": 5"), SAYS("any", "no CSV cell can hold this value"));
    assert_refused(FIELDS("\"sku\": \"a\\u0000\""), SAYS("sku", "no CSV cell can hold this value"));
    assert_refused(FIELDS("\"ean\": 5"), SAYS("ean", "there is no column for it"));
    assert_refused("{\"recordId\": \"a\", \"fields\": {}, \"tags\": [\"a;b\"]}\n",
                   SAYS("tags", "one of them is empty or holds ';'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_round_trips),
        cmocka_unit_test(blanks_around_json_text_are_kept),
        cmocka_unit_test(a_line_break_within_fields_does_not_end_a_line_of_ndjson),
        cmocka_unit_test(every_declared_setting_is_written),
        cmocka_unit_test(text_without_quoting_is_written_without_quotes),
        cmocka_unit_test(declared_forms_names_and_encodings_are_written),
        cmocka_unit_test(jobs_are_the_same_across_formats),
        cmocka_unit_test(ndjson_round_trips),
        cmocka_unit_test(the_outcome_follows_the_columns_of_the_file),
        cmocka_unit_test(a_row_that_cannot_be_split_is_in_one_cell_only),
        cmocka_unit_test(the_outcome_of_an_earlier_export_is_replaced),
        cmocka_unit_test(what_an_earlier_export_could_not_split_is_kept),
        cmocka_unit_test(a_property_of_the_name_of_an_outcome_column_keeps_it),
        cmocka_unit_test(rejected_lines_of_json_keep_their_members),
        cmocka_unit_test(a_cell_is_a_formula_if_a_spreadsheet_would_evaluate_it),
        cmocka_unit_test(a_file_for_spreadsheets_is_marked_and_refused),
        cmocka_unit_test(a_value_that_no_cell_can_hold_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
