#include "core/row/reader.h"

#include "tests/unit/rows_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static const char csv[] = "\xEF\xBB\xBF\"record_id\",version,sku,quantity,status\r\n"
                          "r1,1,plain,1,x\n"
                          "\n"
                          "r2,2,\"quo\"\"ted, \xE2\x82\xAC\",\"2\",\"two\nlines\"\r\n"
                          "r3,3,bad\"quote,3,x\n"
                          "\r\n"
                          "r4,,,,\"\"\n"
                          "r5,5,ragged\n"
                          "r6,x,back\\slash,six,tab\there\n"
                          "r7,7,\"closed\"not,7,x\n"
                          "r8,8,\xF0\x9F\x98\x80,8,\"\"\"\"\r\n"
                          "r9,9,\"never closed,9,x\n"
                          "r10,10,last,10,x\r";

static const char ndjson[] =
    "\xEF\xBB\xBF{\"recordId\":\"r1\",\"version\":1,\"fields\":{\"sku\":\"a\",\"quantity\":1.50}}\n"
    "\r\n"
    "{\"recordId\":\"r\\u0032\",\"fields\":{\"a\":[1,{\"b\":null}]},\"tags\":[\"x\"]}\r\n"
    "{\"recordId\":\"r3\",\"fields\":{\"a\":\"\xE9\"}}\n"
    "not json\n"
    "\n"
    "{\"recordId\":\"r5\",\"fields\":{},\"more\":0}\n"
    "{\"recordId\":\"r6\",\"version\":6,\"fields\":{\"a\":\"\xE2\x82\xAC\"}}";

static const struct {
    struct span text;
    enum row_format format;
} samples[] = {{{csv, sizeof csv - 1}, ROW_FORMAT_CSV},
               {{ndjson, sizeof ndjson - 1}, ROW_FORMAT_NDJSON}};

static void rows_do_not_depend_on_how_the_bytes_arrive(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char *whole = rows_dump(samples[i].text, samples[i].format, &rows_shape, ROWS_FILE);

        assert_null(strstr(whole, "DIFFER"));
        assert_string_equal(whole + strlen(whole) - 5, "\nend\n");
        for (size_t chunk = 1; chunk < 80; chunk++) {
            char *dump = rows_dump(samples[i].text, samples[i].format, &rows_shape, chunk);

            assert_string_equal(dump, whole);
            free(dump);
        }
        free(whole);
    }
}

/* A text that ends at any byte is read the same way from a file as byte by byte. */
static void rows_of_a_truncated_file_do_not_depend_on_it_either(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        for (size_t size = 0; size < samples[i].text.size; size++) {
            struct span text = {samples[i].text.data, size};
            char *whole = rows_dump(text, samples[i].format, &rows_shape, ROWS_FILE);
            char *bytes = rows_dump(text, samples[i].format, &rows_shape, 1);

            assert_string_equal(bytes, whole);
            assert_null(strstr(whole, "DIFFER"));
            free(whole);
            free(bytes);
        }
    }
}

/* Longer than the window, with rows of all lengths across every border of it. */
static void rows_of_a_long_file_do_not_depend_on_it_either(void **state)
{
    struct buf text = {0};
    unsigned seed = 3;
    char *file, *packets;

    (void)state;
    buf_append_text(&text, "record_id,sku,quantity\n");
    for (int i = 0; text.size < 3 * (size_t)ROW_SIZE_MAX; i++) {
        size_t size = (size_t)rand_r(&seed) % (i % 50 ? 60 : 90000);

        buf_printf(&text, "r%d,\"", i);
        memset(buf_reserve(&text, size), 'x', size);
        text.size += size;
        buf_append_text(&text, i % 7 ? "\",1\n" : "\xE2\x82\xAC\"\"\n\",x\r\n");
    }
    file = rows_dump(buf_span(&text), ROW_FORMAT_CSV, &rows_shape, ROWS_FILE);
    packets = rows_dump(buf_span(&text), ROW_FORMAT_CSV, &rows_shape, 4001);
    assert_string_equal(packets, file);
    assert_null(strstr(file, "DIFFER"));
    free(file);
    free(packets);
    buf_release(&text);
}

static void positions_count_bytes_lines_and_rows(void **state)
{
    static const struct reader_position expected[] = {
        {44, 1, 0, ""}, {59, 2, 1, ""}, {98, 5, 2, ""}, {117, 6, 3, ""}, {128, 8, 4, ""}};
    struct reader_position position;
    struct violations violations = {0};
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;
    struct row row;

    (void)state;
    rows_feed_open(&feed, samples[0].text, ROWS_FILE);
    reader = open_feed(&feed, ROW_FORMAT_CSV);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        reader_position(reader, &position);
        assert_int_equal(position.bytes, expected[i].bytes);
        assert_int_equal(position.lines, expected[i].lines);
        assert_int_equal(position.rows, expected[i].rows);
        assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ROW);
    }
    while (reader_next(reader, &row, &violations, &err) == ROW_STEP_ROW)
        continue;
    reader_position(reader, &position);
    assert_int_equal(position.bytes, samples[0].text.size);
    assert_int_equal(position.lines, 14);
    assert_int_equal(position.rows, 10);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
}

static void the_hash_of_a_position_is_that_of_the_bytes_before_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct violations violations = {0};
        struct err err = {0};
        struct rows_feed feed;
        struct reader *reader;
        struct row row;
        enum row_step step;

        rows_feed_open(&feed, samples[i].text, 5);
        reader = open_feed(&feed, samples[i].format);
        do {
            struct reader_position position;
            struct rows_feed prefix;
            char hash[33];
            uint64_t size;

            step = reader_next(reader, &row, &violations, &err);
            reader_position(reader, &position);
            rows_feed_open(&prefix, (struct span){samples[i].text.data, position.bytes}, 11);
            assert_true(reader_fingerprint(prefix.fd, hash, &size, &err));
            assert_int_equal(size, position.bytes);
            assert_string_equal(hash, position.hash);
            rows_feed_close(&prefix);
        } while (step == ROW_STEP_ROW);
        assert_int_equal(step, ROW_STEP_END);
        reader_close(reader);
        rows_feed_close(&feed);
        violations_release(&violations);
    }
}

static void a_fingerprint_is_the_xxh3_128_of_all_bytes(void **state)
{
    struct err err = {0};
    struct rows_feed feed;
    char hash[33];
    uint64_t size;

    (void)state;
    rows_feed_open(&feed, span_of(""), ROWS_FILE);
    assert_true(reader_fingerprint(feed.fd, hash, &size, &err));
    assert_string_equal(hash, "99aa06d3014798d86001c324468d497f"); /* of nothing, seed 0 */
    assert_int_equal(size, 0);
    rows_feed_close(&feed);
}

/* Dumps what the reader gives from here on. */
static void dump_rest(struct buf *out, struct reader *reader)
{
    struct violations violations = {0};
    struct err err = {0};
    struct row row;

    buf_reset(out);
    while (reader_next(reader, &row, &violations, &err) == ROW_STEP_ROW)
        rows_print(out, &row, &violations);
    if (err.kind != ERR_NONE)
        buf_append_text(out, err.text);
    violations_release(&violations);
}

static void resume_at(struct span text, enum row_format format,
                      const struct reader_position *position, const char *expected)
{
    static const size_t chunks[] = {ROWS_FILE, 3};

    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct err err = {0};
        struct buf rest = {0};
        struct rows_feed feed;
        struct reader *reader;

        rows_feed_open(&feed, text, chunks[i]);
        reader = open_feed(&feed, format);
        if (!reader_resume(reader, position, &err))
            fail_msg("%s", err.text);
        dump_rest(&rest, reader);
        assert_string_equal(buf_text(&rest), expected);
        buf_release(&rest);
        reader_close(reader);
        rows_feed_close(&feed);
    }
}

static void reading_resumes_after_every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        enum row_step step = ROW_STEP_ROW;

        for (uint32_t rows = 0; step == ROW_STEP_ROW; rows++) {
            struct violations violations = {0};
            struct reader_position position;
            struct err err = {0};
            struct buf rest = {0};
            struct rows_feed feed;
            struct reader *reader;
            struct row row;

            rows_feed_open(&feed, samples[i].text, ROWS_FILE);
            reader = open_feed(&feed, samples[i].format);
            for (uint32_t n = 0; n < rows; n++)
                step = reader_next(reader, &row, &violations, &err);
            reader_position(reader, &position);
            dump_rest(&rest, reader);
            resume_at(samples[i].text, samples[i].format, &position, buf_text(&rest));
            buf_release(&rest);
            reader_close(reader);
            rows_feed_close(&feed);
            violations_release(&violations);
        }
        assert_int_equal(step, ROW_STEP_END);
    }
}

/* Which rows may be short depends on those before them: lines of a cell that is not closed are not.
 */
static void short_rows_are_the_same_after_a_resume(void **state)
{
    static const char text[] = "record_id,sku,status\na,1,x\nb,\"open\nc,2\nd\ne,3,y\nf\n";
    struct row_shape shape = rows_shape;
    struct buf whole = {0}, rest = {0};
    struct rows_feed feed;

    (void)state;
    shape.dialect.short_rows = true;
    shape.dialect.cell_lines_max = 2;
    for (unsigned rows = 0; rows < 5; rows++) {
        struct violations violations = {0};
        struct reader_position position;
        struct err err = {0};
        struct reader *reader;
        struct row row;

        rows_feed_open(&feed, span_of(text), ROWS_FILE);
        reader = reader_open(feed.fd, "in", ROW_FORMAT_CSV, &shape, &err);
        for (unsigned i = 0; i < rows; i++)
            assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ROW);
        reader_position(reader, &position);
        dump_rest(&whole, reader);
        reader_close(reader);
        rows_feed_close(&feed);

        rows_feed_open(&feed, span_of(text), ROWS_FILE);
        reader = reader_open(feed.fd, "in", ROW_FORMAT_CSV, &shape, &err);
        assert_true(reader_resume(reader, &position, &err));
        dump_rest(&rest, reader);
        assert_string_equal(buf_text(&rest), buf_text(&whole));
        reader_close(reader);
        rows_feed_close(&feed);
        violations_release(&violations);
    }
    assert_non_null(strstr(buf_text(&whole), "[f]"));
    buf_release(&whole);
    buf_release(&rest);
}

static void assert_no_resume(const char *text, struct reader_position *position,
                             const char *expected)
{
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;

    rows_feed_open(&feed, span_of(text), ROWS_FILE);
    reader = open_feed(&feed, ROW_FORMAT_CSV);
    assert_false(reader_resume(reader, position, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, expected);
    reader_close(reader);
    rows_feed_close(&feed);
}

static void a_file_that_changed_before_the_position_is_not_resumed(void **state)
{
    static const char text[] = "record_id,sku\na,x\nb,y\n";
    struct reader_position position;
    struct violations violations = {0};
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;
    struct row row;

    (void)state;
    rows_feed_open(&feed, span_of(text), ROWS_FILE);
    reader = open_feed(&feed, ROW_FORMAT_CSV);
    assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ROW);
    reader_position(reader, &position);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);

    assert_no_resume("record_id,sku\na,z\nb,y\n", &position, "in: its first 18 bytes have changed");
    assert_no_resume("record_id,sku\na,x", &position,
                     "in: the file is shorter than it was: 17 bytes");
    assert_no_resume("record_id,sku,price\na,x,1\n", &position, "in: its header row has changed");
    resume_at(span_of("record_id,sku\na,x\nc,z\n"), ROW_FORMAT_CSV, &position,
              "2@3 [c] {\"sku\":\"z\"}\n");
}

static void a_file_has_at_most_999999999_rows(void **state)
{
    static const char text[] = "record_id\na\nb\n";
    struct reader_position position;
    struct violations violations = {0};
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;
    struct row row;

    (void)state;
    rows_feed_open(&feed, span_of(text), ROWS_FILE);
    reader = open_feed(&feed, ROW_FORMAT_CSV);
    reader_position(reader, &position);
    position.rows = ROW_COUNT_MAX - 1;
    assert_true(reader_resume(reader, &position, &err));
    assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ROW);
    assert_int_equal(row.row_no, ROW_COUNT_MAX);
    assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ERROR);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, "in: line 3: more than 999999999 rows; split the file");
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
}

static void the_end_is_returned_again(void **state)
{
    struct violations violations = {0};
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;
    struct row row;

    (void)state;
    rows_feed_open(&feed, span_of("record_id\na"), ROWS_FILE);
    reader = open_feed(&feed, ROW_FORMAT_CSV);
    assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ROW);
    for (int i = 0; i < 3; i++)
        assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_END);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
}

static void a_reader_without_a_format_is_a_bug(void **state)
{
    struct err err = {0};

    (void)state;
    assert_null(reader_open(0, "in", ROW_FORMAT_NONE, &rows_shape, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    reader_close(NULL);
}

static void an_ndjson_file_has_no_header_row(void **state)
{
    struct rows_feed feed;
    struct reader *reader;

    (void)state;
    rows_feed_open(&feed, span_of("{}\n"), ROWS_FILE);
    reader = open_feed(&feed, ROW_FORMAT_NDJSON);
    assert_int_equal(reader_header(reader).size, 0);
    reader_close(reader);
    rows_feed_close(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_do_not_depend_on_how_the_bytes_arrive),
        cmocka_unit_test(rows_of_a_truncated_file_do_not_depend_on_it_either),
        cmocka_unit_test(rows_of_a_long_file_do_not_depend_on_it_either),
        cmocka_unit_test(positions_count_bytes_lines_and_rows),
        cmocka_unit_test(the_hash_of_a_position_is_that_of_the_bytes_before_it),
        cmocka_unit_test(a_fingerprint_is_the_xxh3_128_of_all_bytes),
        cmocka_unit_test(reading_resumes_after_every_row),
        cmocka_unit_test(short_rows_are_the_same_after_a_resume),
        cmocka_unit_test(a_file_that_changed_before_the_position_is_not_resumed),
        cmocka_unit_test(a_file_has_at_most_999999999_rows),
        cmocka_unit_test(the_end_is_returned_again),
        cmocka_unit_test(a_reader_without_a_format_is_a_bug),
        cmocka_unit_test(an_ndjson_file_has_no_header_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
