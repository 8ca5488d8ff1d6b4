/* Files that are not UTF-8, and compressed ones: the rows are the same, the bytes are the file's.
 */
#include "core/row/encoding.h"
#include "core/row/reader.h"
#include "core/row/writer.h"
#include "tests/lib/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static bool conversions_missing;

/* In place of that of the C library, for this program. */
iconv_t iconv_open(const char *to, const char *from)
{
    iconv_t (*real)(const char *, const char *) = NULL;

    if (conversions_missing) {
        errno = EINVAL;
        return (iconv_t)-1;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "iconv_open");
    return real(to, from);
}

static const char text[] = "record_id;sku;status;price\r\n"
                           "a;gr\xC3\xBCn;\"\xC3\x84rger, \"\"\xC3\x9F\"\"\";1.5\r\n"
                           "\r\n"
                           "b;\"zwei\nZeilen \xC3\xA9\";x;viel\r\n"
                           "c;\xC3\xB1\n"
                           "\xC3\xA9t\xC3\xA9;s;t;3";
static const char rows[] = "1@2 [a] {\"sku\":\"gr\xC3\xBCn\",\"status\":\"\xC3\x84rger, "
                           "\\\"\xC3\x9F\\\"\",\"price\":1.5}\n"
                           "2@4 [b] {\"sku\":\"zwei\\nZeilen \xC3\xA9\",\"status\":\"x\"}\n"
                           "  price|type|must be a number, is \"viel\"\n"
                           "3@6 [c]\n"
                           "  |row|2 cells, but the header row has 4" ROWS_SHORT "\n"
                           "4@7 [\xC3\xA9t\xC3\xA9] {\"sku\":\"s\",\"status\":\"t\",\"price\":3}\n"
                           "end\n";

/* Returns utf8 in another encoding, after a byte order mark. */
static void encode(const char *name, const char *mark, struct span utf8, struct buf *out)
{
    iconv_t converter = iconv_open(name, "UTF-8");
    char *from = (char *)utf8.data, *to;
    size_t left = utf8.size, room = 4 * utf8.size + 4;

    assert_true(converter != (iconv_t)-1);
    buf_reset(out);
    buf_append_text(out, mark);
    to = buf_reserve(out, room);
    assert_int_equal(iconv(converter, &from, &left, &to, &room), 0);
    assert_int_equal(left, 0);
    out->size = (size_t)(to - out->data);
    iconv_close(converter);
}

static void compress_bytes(struct span bytes, struct buf *out)
{
    z_stream stream = {0};

    assert_int_equal(
        deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)bytes.data;
    stream.avail_in = (unsigned)bytes.size;
    stream.avail_out = (unsigned)deflateBound(&stream, bytes.size);
    stream.next_out = (unsigned char *)buf_reserve(out, stream.avail_out);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->size += stream.total_out;
    deflateEnd(&stream);
}

static const size_t chunks[] = {ROWS_FILE, 1, 7, ROWS_RANDOM};

static void assert_dump(enum row_encoding encoding, struct span bytes, const char *expected)
{
    struct row_shape shape = rows_shape;

    shape.dialect.encoding = encoding;
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        char *dump = rows_dump(bytes, ROW_FORMAT_CSV, &shape, chunks[i]);

        assert_string_equal(dump, expected);
        free(dump);
        if (bytes.size > 10000)
            break;
    }
}

static const struct {
    enum row_encoding declared;
    const char *name, *mark;
} encodings[] = {
    {ROW_ENCODING_WINDOWS_1252, "CP1252", ""},
    {ROW_ENCODING_ISO_8859_1, "ISO-8859-1", ""},
    {ROW_ENCODING_ISO_8859_15, "ISO-8859-15", ""},
    {ROW_ENCODING_NONE, "UTF-16LE", "\xFF\xFE"},
    {ROW_ENCODING_UTF_16, "UTF-16LE", "\xFF\xFE"},
    {ROW_ENCODING_UTF_16, "UTF-16BE", "\xFE\xFF"},
    {ROW_ENCODING_UTF_8, "UTF-8", ""},
    {ROW_ENCODING_UTF_8, "UTF-8", "\xEF\xBB\xBF"},
};
enum { ENCODINGS = sizeof encodings / sizeof *encodings };

static void the_rows_are_the_same_in_every_encoding(void **state)
{
    struct buf bytes = {0};

    (void)state;
    for (size_t i = 0; i < ENCODINGS; i++) {
        encode(encodings[i].name, encodings[i].mark, span_of(text), &bytes);
        assert_dump(encodings[i].declared, buf_span(&bytes), rows);
    }
    buf_release(&bytes);
}

static void the_same_byte_is_another_character_in_each_code_page(void **state)
{
    static const struct span bytes = {"record_id,sku\na,\xA4\x80\n", 18};

    (void)state;
    assert_dump(ROW_ENCODING_WINDOWS_1252, bytes,
                "1@2 [a] {\"sku\":\"\xC2\xA4\xE2\x82\xAC\"}\nend\n");
    assert_dump(ROW_ENCODING_ISO_8859_1, bytes, "1@2 [a] {\"sku\":\"\xC2\xA4\xC2\x80\"}\nend\n");
    assert_dump(ROW_ENCODING_ISO_8859_15, bytes,
                "1@2 [a] {\"sku\":\"\xE2\x82\xAC\xC2\x80\"}\nend\n");
}

static void characters_beyond_the_first_65536_are_two_units_of_utf16(void **state)
{
    static const char utf8[] =
        "record_id,sku\n\xF0\x9F\x98\x80,\xF0\x90\x80\x80\xE2\x82\xAC\nb,c\n";
    struct buf bytes = {0};

    (void)state;
    encode("UTF-16BE", "\xFE\xFF", span_of(utf8), &bytes);
    assert_dump(ROW_ENCODING_NONE, buf_span(&bytes),
                "1@2 [\xF0\x9F\x98\x80] {\"sku\":\"\xF0\x90\x80\x80\xE2\x82\xAC\"}\n"
                "2@3 [b] {\"sku\":\"c\"}\nend\n");
    buf_release(&bytes);
}

static void an_invalid_character_refuses_the_file_with_its_place(void **state)
{
    static const struct {
        enum row_encoding encoding;
        struct span bytes;
        const char *expected;
    } cases[] = {
        {ROW_ENCODING_WINDOWS_1252,
         {"record_id,sku\na,\xFC\nb,\xE9\xE9\x81z\n", 24},
         "1@2 [a] {\"sku\":\"\xC3\xBC\"}\n"
         "error: in: line 3, column 5: byte 0x81 is not windows-1252\n"},
        {ROW_ENCODING_WINDOWS_1252,
         {"record_id,s\x9Du\na,\xFC\n", 19},
         "error: in: line 1, column 12: byte 0x9d is not windows-1252\n"},
        {ROW_ENCODING_NONE,
         {"\xFF\xFEr\0e\0c\0o\0r\0d\0_\0i\0d\0\n\0\xE9\0\x00\xDCz\0\n\0", 30},
         "error: in: line 2, column 2: bytes 0x00 0xdc are half a surrogate pair of UTF-16\n"},
        {ROW_ENCODING_NONE,
         {"\xFE\xFF\0r\0e\0c\0o\0r\0d\0_\0i\0d\0\n\xD8\x00", 24},
         "error: in: line 2, column 1: bytes 0xd8 0x00 are half a surrogate pair of UTF-16\n"},
        {ROW_ENCODING_NONE,
         {"\xFF\xFEr\0e\0c\0o\0r\0d\0_\0i\0d\0\n\0a\0\n", 25},
         "error: in: line 2, column 2: byte 0x0a is half a character of UTF-16: the file is cut "
         "off: export it again\n"},
        {ROW_ENCODING_NONE,
         {"record_id,sku\na,\x81\n", 18},
         "error: in: line 2, column 3: byte 0x81 is not UTF-8 (looks like CP850; declare it with "
         "\"csv\": "
         "{\"encoding\": \"CP850\"} under x-rowferry in the schema file)\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_dump(cases[i].encoding, cases[i].bytes, cases[i].expected);
}

static void a_mark_that_contradicts_the_declaration_refuses_the_file(void **state)
{
    (void)state;
    assert_dump(ROW_ENCODING_WINDOWS_1252, span_of("\xEF\xBB\xBFrecord_id\n"),
                "error: in: begins with the byte order mark of UTF-8, but the schema file declares "
                "windows-1252\n");
    assert_dump(ROW_ENCODING_UTF_8, (struct span){"\xFF\xFEr\0", 4},
                "error: in: begins with the byte order mark of UTF-16, but the schema file "
                "declares UTF-8\n");
    assert_dump(ROW_ENCODING_UTF_16, span_of("record_id\n"),
                "error: in: is not UTF-16, as the schema file declares, but UTF-8: remove "
                "\"encoding\" from it if the export is UTF-8 now\n");
    assert_dump(ROW_ENCODING_UTF_16, (struct span){"r\0e\0", 4},
                "error: in: does not begin with a byte order mark, which UTF-16 needs; without "
                "one, declare UTF-16LE (which Windows writes) or UTF-16BE\n");
    assert_dump(ROW_ENCODING_UTF_16, (struct span){"\xFF\xFE", 2},
                "error: in: the file is empty\n");
    assert_dump(ROW_ENCODING_UTF_16, (struct span){"", 0}, "error: in: the file is empty\n");
    assert_dump(ROW_ENCODING_WINDOWS_1252, (struct span){"", 0}, "error: in: the file is empty\n");
}

static void the_header_row_keeps_the_mark_of_utf16(void **state)
{
    char name[DIALECT_DELIMITER_NAME_SIZE];
    struct buf bytes = {0};
    struct rows_feed feed;
    struct err err = {0};
    struct reader *reader;

    (void)state;
    encode("UTF-16LE", "\xFF\xFE", span_of("record_id;sku\n\xC3\xA9;b\n"), &bytes);
    rows_feed_open(&feed, buf_span(&bytes), ROWS_FILE);
    reader = reader_open(feed.fd, "in", ROW_FORMAT_CSV, &rows_shape, &err);
    assert_non_null(reader);
    assert_int_equal(reader_header(reader).size, 30);
    assert_memory_equal(reader_header(reader).data, bytes.data, 30);
    assert_string_equal(reader_detected_delimiter(reader, name), "';'");
    reader_close(reader);
    rows_feed_close(&feed);
    buf_release(&bytes);
}

/* Reads to the end; adds the rows to out. */
static void read_rest(struct reader *reader, struct buf *out)
{
    struct violations violations = {0};
    struct err err = {0};
    struct row row;

    while (reader_next(reader, &row, &violations, &err) == ROW_STEP_ROW)
        rows_print(out, &row, &violations);
    assert_int_equal(err.kind, ERR_NONE);
    violations_release(&violations);
}

/* Reads n rows, then the rest by a reader of its own that goes on there. False: there are no n. */
static bool read_in_two(struct span bytes, const struct row_shape *shape, unsigned n,
                        struct buf *out)
{
    struct violations violations = {0};
    struct reader_position position;
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;
    struct row row;
    bool enough = true;

    rows_feed_open(&feed, bytes, ROWS_FILE);
    reader = reader_open(feed.fd, "in", ROW_FORMAT_CSV, shape, &err);
    assert_non_null(reader);
    for (unsigned i = 0; enough && i < n; i++) {
        enough = reader_next(reader, &row, &violations, &err) == ROW_STEP_ROW;
        if (enough)
            rows_print(out, &row, &violations);
    }
    reader_position(reader, &position);
    reader_close(reader);
    rows_feed_close(&feed);
    rows_feed_open(&feed, bytes, ROWS_FILE);
    reader = reader_open(feed.fd, "in", ROW_FORMAT_CSV, shape, &err);
    assert_non_null(reader);
    if (!reader_resume(reader, &position, &err))
        fail_msg("%s", err.text);
    read_rest(reader, out);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
    return enough;
}

static void reading_resumes_at_any_row_of_any_encoding(void **state)
{
    struct buf bytes = {0}, packed = {0}, out = {0};

    (void)state;
    for (size_t i = 0; i < 2 * ENCODINGS; i++) {
        struct row_shape shape = rows_shape;
        unsigned n = 0;
        bool enough = true;

        shape.dialect.encoding = encodings[i / 2].declared;
        encode(encodings[i / 2].name, encodings[i / 2].mark, span_of(text), &bytes);
        buf_reset(&packed);
        if (i % 2)
            compress_bytes(buf_span(&bytes), &packed);
        for (; enough; n++) {
            buf_reset(&out);
            enough = read_in_two(buf_span(i % 2 ? &packed : &bytes), &shape, n, &out);
            buf_append_text(&out, "end\n");
            assert_string_equal(buf_text(&out), rows);
        }
        assert_int_equal(n, 6);
    }
    buf_release(&bytes);
    buf_release(&packed);
    buf_release(&out);
}

/* 20000 rows, some of them wrong, in two encodings: what is read many times must agree. */
static void long_files_are_the_same_in_every_encoding(void **state)
{
    struct buf utf8 = {0}, bytes = {0};
    char *expected;

    (void)state;
    buf_append_text(&utf8, "record_id|sku|price\n");
    for (int i = 0; i < 20000; i++)
        buf_printf(&utf8, "r%d|\xC3\xBC%.*s|%s\n", i, i % 90,
                   "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
                   "mmmmmmmmmmmmmmmmmm",
                   i % 100 ? "1" : "one");
    expected = rows_dump(buf_span(&utf8), ROW_FORMAT_CSV, &rows_shape, ROWS_FILE);
    for (size_t i = 0; i < ENCODINGS; i++) {
        encode(encodings[i].name, encodings[i].mark, buf_span(&utf8), &bytes);
        assert_dump(encodings[i].declared, buf_span(&bytes), expected);
    }
    free(expected);
    buf_release(&utf8);
    buf_release(&bytes);
}

static void an_overlong_line_keeps_bytes_of_the_file(void **state)
{
    struct buf utf8 = {0}, bytes = {0};
    struct violations violations = {0};
    struct rows_feed feed;
    struct err err = {0};
    struct reader *reader;
    struct row row;

    (void)state;
    buf_append_text(&utf8, "record_id,sku\na,");
    for (int i = 0; i < 2 * ROW_SIZE_MAX; i++)
        buf_append_text(&utf8, "\xC3\xA9");
    buf_append_text(&utf8, "\nb,y\n");
    encode("UTF-16LE", "\xFF\xFE", buf_span(&utf8), &bytes);
    rows_feed_open(&feed, buf_span(&bytes), ROWS_FILE);
    reader = reader_open(feed.fd, "in", ROW_FORMAT_CSV, &rows_shape, &err);
    assert_non_null(reader);
    assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ROW);
    assert_int_equal(violations.count, 1);
    assert_int_equal(row.raw.size, ROW_SIZE_MAX + 2);
    assert_memory_equal(row.raw.data, bytes.data + 30, row.raw.size);
    assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ROW);
    assert_int_equal(row.line_no, 3);
    assert_memory_equal(row.raw.data, "b\0,\0y\0\n\0", 8);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
    buf_release(&utf8);
    buf_release(&bytes);
}

/* --- gzip --- */

static char *dump_packed(struct span bytes, enum row_format format, size_t chunk)
{
    struct rows_feed feed;
    struct err err = {0};
    struct violations violations = {0};
    struct buf out = {0};
    struct row row;
    enum row_step step = ROW_STEP_ERROR;
    struct reader *reader;

    rows_feed_open(&feed, bytes, chunk);
    reader = reader_open(feed.fd, "in", format, &rows_shape, &err);
    while (reader && (step = reader_next(reader, &row, &violations, &err)) == ROW_STEP_ROW)
        rows_print(&out, &row, &violations);
    if (step == ROW_STEP_END) {
        char hash[33], expected[33];
        uint64_t size, expected_size;
        struct rows_feed whole;

        rows_feed_open(&whole, bytes, ROWS_FILE);
        assert_true(reader_fingerprint(whole.fd, expected, &expected_size, &err));
        rows_feed_close(&whole);
        reader_file(reader, hash, &size);
        assert_string_equal(hash, expected);
        assert_int_equal(size, expected_size);
        assert_true(reader_is_compressed(reader));
        buf_append_text(&out, "end\n");
    } else {
        assert_int_equal(err.kind, ERR_INPUT);
        buf_printf(&out, "error: %s\n", err.text);
    }
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
    buf_append_char(&out, '\0');
    return out.data;
}

static void assert_packed(struct span bytes, enum row_format format, const char *expected)
{
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        char *dump = dump_packed(bytes, format, chunks[i]);

        assert_string_equal(dump, expected);
        free(dump);
    }
}

static void a_gzip_file_is_inflated(void **state)
{
    struct buf packed = {0};

    (void)state;
    compress_bytes(span_of(text), &packed);
    assert_packed(buf_span(&packed), ROW_FORMAT_CSV, rows);
    buf_reset(&packed);
    compress_bytes(span_of("{\"recordId\":\"a\",\"fields\":{}}\nno\n"), &packed);
    assert_packed(buf_span(&packed), ROW_FORMAT_NDJSON,
                  "1@1 [a] {}\n2@2\n  |row|not JSON: column 1: expected a value, found 'n'\nend\n");
    buf_release(&packed);
}

static void gzip_members_are_one_text(void **state)
{
    struct buf packed = {0};

    (void)state;
    compress_bytes((struct span){text, 40}, &packed);
    compress_bytes(span_of(""), &packed);
    compress_bytes(span_of(text + 40), &packed);
    assert_packed(buf_span(&packed), ROW_FORMAT_CSV, rows);
    buf_release(&packed);
}

/* Rows before the fault may have been given, or not. */
static void assert_fault(struct span bytes, const char *expected)
{
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        char *dump = dump_packed(bytes, ROW_FORMAT_CSV, chunks[i]);
        const char *error = strstr(dump, "error: ");

        assert_non_null(error);
        assert_string_equal(error, expected);
        free(dump);
    }
}

static void a_gzip_file_that_is_empty_damaged_or_cut_off_is_refused(void **state)
{
    struct buf packed = {0}, expected = {0};
    struct span whole;

    (void)state;
    compress_bytes(span_of(""), &packed);
    assert_packed(buf_span(&packed), ROW_FORMAT_CSV, "error: in: the file is empty\n");
    buf_reset(&packed);
    compress_bytes(span_of("record_id\na\n"), &packed);
    whole = buf_span(&packed);
    for (size_t size = 3; size < whole.size; size++)
        assert_fault((struct span){whole.data, size},
                     "error: in: the gzip data is cut off: the file ends within it\n");
    buf_append_text(&packed, "more");
    assert_fault(buf_span(&packed), "error: in: something else follows the gzip data\n");
    packed.data[whole.size - 8] ^= 1;
    buf_printf(&expected,
               "error: in: the gzip data is damaged after byte %zu (incorrect data check)\n",
               whole.size - 4);
    assert_fault((struct span){packed.data, whole.size}, buf_text(&expected));
    buf_release(&packed);
    buf_release(&expected);
}

static void a_conversion_that_the_system_lacks_is_reported(void **state)
{
    static const char message[] =
        "this system cannot convert between UTF-8 and windows-1252: Invalid argument";
    struct row_shape shape = rows_shape;
    struct writer_options options = {.source = ROW_FORMAT_CSV,
                                     .format = ROW_FORMAT_NDJSON,
                                     .shape = &shape,
                                     .name = "batch 5",
                                     .header = {"record_id\n", 10}};
    struct rows_feed feed;
    struct err err = {0};

    (void)state;
    shape.dialect.encoding = ROW_ENCODING_WINDOWS_1252;
    conversions_missing = true;
    rows_feed_open(&feed, span_of("record_id\na\n"), ROWS_FILE);
    assert_null(reader_open(feed.fd, "in", ROW_FORMAT_CSV, &shape, &err));
    rows_feed_close(&feed);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_memory_equal(err.text, "in: ", 4);
    assert_string_equal(err.text + 4, message);
    assert_null(writer_open(&options, &err));
    assert_string_equal(err.text, message);
    options.format = ROW_FORMAT_CSV;
    options.source = ROW_FORMAT_NDJSON;
    options.header = (struct span){0};
    assert_null(writer_open(&options, &err));
    assert_string_equal(err.text, message);
    conversions_missing = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rows_are_the_same_in_every_encoding),
        cmocka_unit_test(the_same_byte_is_another_character_in_each_code_page),
        cmocka_unit_test(characters_beyond_the_first_65536_are_two_units_of_utf16),
        cmocka_unit_test(an_invalid_character_refuses_the_file_with_its_place),
        cmocka_unit_test(a_mark_that_contradicts_the_declaration_refuses_the_file),
        cmocka_unit_test(the_header_row_keeps_the_mark_of_utf16),
        cmocka_unit_test(reading_resumes_at_any_row_of_any_encoding),
        cmocka_unit_test(long_files_are_the_same_in_every_encoding),
        cmocka_unit_test(an_overlong_line_keeps_bytes_of_the_file),
        cmocka_unit_test(a_gzip_file_is_inflated),
        cmocka_unit_test(gzip_members_are_one_text),
        cmocka_unit_test(a_gzip_file_that_is_empty_damaged_or_cut_off_is_refused),
        cmocka_unit_test(a_conversion_that_the_system_lacks_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
