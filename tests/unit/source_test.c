#include "core/row/source.h"

#include "tests/unit/rows_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Reads that succeed before one fails with EIO; negative: none fails. */
static int reads_before_fault = -1;

/* Replaces that of the C library, so that every read(2) of the program can be made to fail. */
ssize_t read(int fd, void *bytes, size_t size)
{
    if (reads_before_fault == 0) {
        errno = EIO;
        return -1;
    }
    if (reads_before_fault > 0)
        reads_before_fault--;
    return (ssize_t)syscall(SYS_read, fd, bytes, size);
}

static void an_unreadable_file_is_an_input_error_with_the_reason(void **state)
{
    struct err err = {0};
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char hash[33];
    uint64_t size;

    (void)state;
    assert_null(reader_open(folder, "in", ROW_FORMAT_NDJSON, &rows_shape, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, "in: read: Is a directory");
    assert_false(reader_fingerprint(folder, hash, &size, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, "read: Is a directory");
    close(folder);
    assert_null(reader_open(folder, "in", ROW_FORMAT_CSV, &rows_shape, &err));
    assert_string_equal(err.text, "in: read: Bad file descriptor");
}

static void a_descriptor_that_does_not_block_is_waited_for(void **state)
{
    struct violations violations = {0};
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;
    struct row row;

    (void)state;
    rows_feed_open(&feed, span_of("record_id,sku\na,x\n"), 1);
    assert_int_equal(fcntl(feed.fd, F_SETFL, O_NONBLOCK), 0);
    reader = open_feed(&feed, ROW_FORMAT_CSV);
    assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ROW);
    assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_END);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
}

/* Dumps a text whose n-th read fails. True when it was read completely before. */
static bool read_with_fault(struct span text, enum row_format format, const struct row_shape *shape,
                            int n)
{
    static const char fault[] = "error: in: read: Input/output error\n";
    bool ended;
    char *dump;

    reads_before_fault = n;
    dump = rows_dump(text, format, shape, 9);
    reads_before_fault = -1;
    ended = strlen(dump) >= 4 && strcmp(dump + strlen(dump) - 4, "end\n") == 0;
    if (!ended) {
        assert_true(strlen(dump) >= sizeof fault - 1);
        assert_string_equal(dump + strlen(dump) - (sizeof fault - 1), fault);
    }
    free(dump);
    return ended;
}

static void a_read_that_fails_anywhere_ends_in_an_error(void **state)
{
    static const struct {
        enum row_format format;
        const char *text;
        size_t size; /* 0: up to its end */
    } samples[] = {
        {ROW_FORMAT_CSV, "\xEF\xBB\xBFrecord_id,sku\r\na,x\nb,\"two\nlines\"\nc,bad\"\nlast,z", 0},
        {ROW_FORMAT_CSV,
         "\xEF\xBB\xBF\n\n\r\n\n\n\r\n\n\n\nrecord_id,sku\na,x\n\n\r\n\n\n\n\n\n\n\n\n\n\n", 0},
        {ROW_FORMAT_NDJSON, "{\"recordId\":\"a\",\"fields\":{}}\n\n\n\n\n\n\n\n\nno json\r\n[]", 0},
        /* in UTF-16, and compressed */
        {ROW_FORMAT_CSV,
         "\xFF\xFE\x72\x00\x65\x00\x63\x00\x6F\x00\x72\x00\x64\x00\x5F\x00\x69\x00\x64\x00\x2C\x00"
         "\x73\x00\x6B\x00\x75\x00\x0A\x00\x61\x00\x2C\x00\xE9\x00\x0A\x00\x0A\x00\x0A\x00\x0A\x00"
         "\x0A\x00\x0A\x00\x0A\x00",
         50},
        {ROW_FORMAT_CSV,
         "\x1F\x8B\x08\x00\x00\x00\x00\x00\x02\x03\x2B\x4A\x4D\xCE\x2F\x4A\x89\xCF\x4C\xD1\x29\xCE"
         "\x2E\xE5\x4A\xD4\xA9\xE0\x42\x06\x00\x5E\xF6\x97\x85\x1E\x00\x00\x00",
         39},
    };

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct span text = span_of(samples[i].text);
        int n = 0;

        if (samples[i].size)
            text.size = samples[i].size;
        while (!read_with_fault(text, samples[i].format, &rows_shape, n))
            n++;
        assert_true(n > 5);
    }
}

/* The first 512 bytes are read at once, so each `^` becomes so many blank lines. */
static void append_filled(struct buf *out, const char *text)
{
    for (; *text; text++)
        if (*text == '^')
            buf_printf(out, "%600s", "");
        else
            buf_append_char(out, *text);
    for (size_t i = 0; i < out->size; i++)
        if (out->data[i] == ' ')
            out->data[i] = '\n';
}

static void a_read_that_fails_within_lines_that_are_not_rows_ends_in_an_error(void **state)
{
    static const struct {
        struct row_dialect dialect;
        const char *text;
    } samples[] = {
        {{0}, "^sep=;\n\n\n\n\n\n\n\n\n\nrecord_id;sku\na;b\n"},
        {{.skip_lines = 603}, "the_first_of_three_lines\n^\nand_the_third\nrecord_id\na\n"},
        {{.comment = {"//", 2}},
         "^//a\n//the_second_comment\n\r\n//d\nrecord_id\n//e\na\n\n//f\n/"},
        {{.is_footer = begins_with_total}, "record_id,sku\na,b\n^Total,1\n\nTotal,2\n\n\n"},
        {{.comment = {"#", 1}, .is_footer = begins_with_total, .delimiter = ';'},
         "^sep=;\n#one\n#two\nrecord_id;sku\n^#three\na;b\n^Total;1\n"},
    };
    struct buf text = {0};

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct row_shape shape = rows_shape;
        size_t n = 0;

        shape.dialect = samples[i].dialect;
        buf_reset(&text);
        append_filled(&text, samples[i].text);
        while (!read_with_fault(buf_span(&text), ROW_FORMAT_CSV, &shape, (int)n))
            n++;
        assert_int_equal(n, (text.size + 8) / 9 + 1);
    }
    buf_release(&text);
}

static void a_read_that_fails_within_an_overlong_line_ends_in_an_error(void **state)
{
    struct buf text = {0};
    struct rows_feed feed;
    struct err err = {0};
    struct violations violations = {0};
    struct row row;

    (void)state;
    buf_append_text(&text, "record_id\n");
    memset(buf_reserve(&text, 4 * ROW_SIZE_MAX), 'x', 4 * ROW_SIZE_MAX);
    text.size += 4 * ROW_SIZE_MAX;
    for (enum row_format format = ROW_FORMAT_CSV; format <= ROW_FORMAT_NDJSON; format++) {
        struct reader *reader;

        rows_feed_open(&feed, buf_span(&text), ROWS_FILE);
        reader = open_feed(&feed, format);
        if (format == ROW_FORMAT_NDJSON)
            assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ROW);
        reads_before_fault = 8;
        assert_int_equal(reader_next(reader, &row, &violations, &err), ROW_STEP_ERROR);
        reads_before_fault = -1;
        assert_string_equal(err.text, "in: read: Input/output error");
        reader_close(reader);
        rows_feed_close(&feed);
    }
    violations_release(&violations);
    buf_release(&text);
}

static void a_resume_whose_read_fails_ends_in_an_error(void **state)
{
    struct reader_position position = {.bytes = 2000};
    struct buf text = {0};
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;

    (void)state;
    buf_append_text(&text, "record_id\n");
    while (text.size < position.bytes)
        buf_append_text(&text, "a\n");
    rows_feed_open(&feed, buf_span(&text), 70);
    reader = open_feed(&feed, ROW_FORMAT_CSV);
    reads_before_fault = 3;
    assert_false(reader_resume(reader, &position, &err));
    reads_before_fault = -1;
    assert_string_equal(err.text, "in: read: Input/output error");
    reader_close(reader);
    rows_feed_close(&feed);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unreadable_file_is_an_input_error_with_the_reason),
        cmocka_unit_test(a_descriptor_that_does_not_block_is_waited_for),
        cmocka_unit_test(a_read_that_fails_anywhere_ends_in_an_error),
        cmocka_unit_test(a_read_that_fails_within_lines_that_are_not_rows_ends_in_an_error),
        cmocka_unit_test(a_read_that_fails_within_an_overlong_line_ends_in_an_error),
        cmocka_unit_test(a_resume_whose_read_fails_ends_in_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
