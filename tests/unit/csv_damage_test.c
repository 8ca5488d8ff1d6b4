/* CSV files that are broken: what is rejected, what is said, and that the rows around stay. */
#include "tests/unit/rows_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void check(struct span bytes, const char *expected)
{
    assert_read(bytes, ROW_FORMAT_CSV, &rows_shape, expected);
}

static void assert_rows(const char *text, const char *expected)
{
    check(span_of(text), expected);
}

static void a_row_of_another_size_than_the_header_is_rejected(void **state)
{
    (void)state;
    assert_rows("record_id,sku,price\na,x\nb,x,1,2\nc\nd,x,1\n\"e\",\ne,x,1,\n",
                "1@2 [a]\n  |row|2 cells, but the header row has 3" ROWS_SHORT "\n"
                "2@3 [b]\n  |row|4 cells, but the header row has 3\n"
                "3@4 [c]\n  |row|1 cell, but the header row has 3" ROWS_ONE "\n"
                "4@5 [d] {\"sku\":\"x\",\"price\":1}\n"
                "5@6 [e]\n  |row|2 cells, but the header row has 3" ROWS_SHORT "\n"
                "6@7 [e]\n  |row|4 cells, but the header row has 3" ROWS_LONG "\n"
                "end\n");
}

static void a_row_of_another_size_has_no_other_violations(void **state)
{
    (void)state;
    assert_rows("record_id,version,price\n.,x,y,z\n",
                "1@2\n  |row|4 cells, but the header row has 3\n"
                "end\n");
}

static void a_ragged_row_of_several_lines_is_one_row(void **state)
{
    (void)state;
    assert_rows("record_id,sku\na,\"x\ny\",z\nb,\"\n\"\n",
                "1@2 [a]\n  |row|3 cells, but the header row has 2\n"
                "2@4 [b] {\"sku\":\"\\n\"}\n"
                "end\n");
}

static void a_quote_inside_an_unquoted_cell_rejects_its_line(void **state)
{
    (void)state;
    assert_rows("record_id,sku\na,6\" pipe\nb,x\nc,x\"\nd,y",
                "1@2 [a]\n  |row|quote inside the unquoted cell 2" ROWS_UNQUOTED "\n"
                "2@3 [b] {\"sku\":\"x\"}\n"
                "3@4 [c]\n  |row|quote inside the unquoted cell 2" ROWS_UNQUOTED "\n"
                "4@5 [d] {\"sku\":\"y\"}\n"
                "end\n");
}

static void text_after_a_closing_quote_rejects_its_line(void **state)
{
    (void)state;
    assert_rows(
        "record_id,sku\na,\"x\"y\nb,x\nc,\"x\" \nd,\"x\"\r\ne,\"x\"\r,\nf,\"y\n\"z\ng,\"x\"\r",
        "1@2 [a]\n  |row|the closing quote of cell 2 is followed by 'y', "
        "not by a delimiter or line end\n"
        "2@3 [b] {\"sku\":\"x\"}\n"
        "3@4 [c]\n  |row|the closing quote of cell 2 is followed by ' ', "
        "not by a delimiter or line end\n"
        "4@5 [d] {\"sku\":\"x\"}\n"
        "5@6 [e]\n  |row|the closing quote of cell 2 is followed by '\\r', "
        "not by a delimiter or line end\n"
        "6@7 [f]\n  |row|the closing quote of cell 2 is followed by 'z', "
        "not by a delimiter or line end\n"
        "7@8\n  |row|the closing quote of cell 1 is followed by 'x', "
        "not by a delimiter or line end\n"
        "8@9 [g]\n  |row|the closing quote of cell 2 is followed by '\\r', "
        "not by a delimiter or line end\n"
        "end\n");
}

static void a_quote_that_never_closes_rejects_one_line(void **state)
{
    (void)state;
    assert_rows("record_id,sku\na,x\nb,\"y\nc,z\n\"d,w\ne,v\n",
                "1@2 [a] {\"sku\":\"x\"}\n"
                "2@3 [b]\n  |row|the closing quote of cell 2 is followed by 'd', "
                "not by a delimiter or line end\n"
                "3@4 [c] {\"sku\":\"z\"}\n"
                "4@5\n  |row|the quoted cell 1 is not closed before the end of the file\n"
                "5@6 [e] {\"sku\":\"v\"}\n"
                "end\n");
    assert_rows("record_id,sku\na,\"", "1@2 [a]\n  |row|the quoted cell 2 is not closed before the "
                                       "end of the file\nend\n");
    assert_rows("record_id,sku\n\"a\"\"", "1@2\n  |row|the quoted cell 1 is not closed before the "
                                          "end of the file\nend\n");
}

static void a_quoted_cell_can_have_100_line_breaks(void **state)
{
    struct buf text = {0}, expected = {0};

    (void)state;
    for (int breaks = 100; breaks <= 101; breaks++) {
        buf_reset(&text);
        buf_reset(&expected);
        buf_append_text(&text, "record_id,sku\na,\"");
        buf_append_text(&expected, "1@2 [a]");
        if (breaks == 100)
            buf_append_text(&expected, " {\"sku\":\"");
        else
            buf_append_text(&expected,
                            "\n  |row|the quoted cell 2 holds more than 100 line breaks; "
                            "is its closing quote missing?" ROWS_LIMIT("maxFieldLines") "\n");
        for (int i = 0; i < breaks; i++) {
            buf_append_text(&text, "\r\n");
            if (breaks == 100)
                buf_append_text(&expected, "\\r\\n");
        }
        buf_append_text(&text, "\"\nb,x\n");
        if (breaks == 100)
            buf_append_text(&expected, "\"}\n2@103 [b] {\"sku\":\"x\"}\nend\n");
        else
            buf_append_text(&expected,
                            "2@103\n  |row|the quoted cell 1 is not closed before the end of the "
                            "file\n3@104 [b] {\"sku\":\"x\"}\nend\n");
        check(buf_span(&text), buf_text(&expected));
    }
    buf_release(&text);
    buf_release(&expected);
}

static void append_fill(struct buf *text, size_t size)
{
    memset(buf_reserve(text, size), 'x', size);
    text->size += size;
}

static void a_row_longer_than_1_mib_is_cut_and_the_next_line_is_read(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_append_text(&text, "record_id,sku\na,");
    append_fill(&text, ROW_SIZE_MAX - 2);
    buf_append_text(&text, "\nb,y\n");
    check(buf_span(&text),
          "1@2 [a]\n  |row|is longer than 1048576 bytes; only those at its beginning are kept\n"
          "2@3 [b] {\"sku\":\"y\"}\n"
          "end\n");

    text.size = strlen("record_id,sku\na,");
    append_fill(&text, 5 * (size_t)ROW_SIZE_MAX);
    check(buf_span(&text),
          "1@2 [a]\n  |row|is longer than 1048576 bytes; only those at its beginning are kept\n"
          "end\n");
    buf_release(&text);
}

static void a_row_of_exactly_1_mib_is_read(void **state)
{
    struct buf text = {0}, expected = {0};

    (void)state;
    buf_append_text(&text, "record_id,sku\na,");
    append_fill(&text, ROW_SIZE_MAX - 3);
    buf_append_text(&text, "\nb,y\n");
    buf_append_text(&expected, "1@2 [a] {\"sku\":\"");
    append_fill(&expected, ROW_SIZE_MAX - 3);
    /* rows_dump recognizes a cut line by its size: this one is not checked */
    buf_append_text(&expected, "\"}\n2@3 [b] {\"sku\":\"y\"}\nend\n");
    check(buf_span(&text), buf_text(&expected));
    buf_release(&text);
    buf_release(&expected);
}

static void a_quoted_cell_longer_than_1_mib_rejects_the_line_where_it_began(void **state)
{
    struct buf text = {0};
    char *dump;
    size_t rows = 0;

    (void)state;
    buf_append_text(&text, "record_id,sku\na,x\nb,\"lost\n");
    for (int i = 0; i < 60; i++) {
        buf_printf(&text, "r%d,", i);
        append_fill(&text, 20000);
        buf_append_char(&text, '\n');
    }
    buf_append_text(&text, "z,y\n");
    dump = rows_dump(buf_span(&text), ROW_FORMAT_CSV, &rows_shape, ROWS_FILE);
    assert_memory_equal(dump,
                        "1@2 [a] {\"sku\":\"x\"}\n"
                        "2@3 [b]\n  |row|the row that begins here is longer than 1048576 bytes; "
                        "is a closing quote missing?\n"
                        "3@4 [r0] {\"sku\":\"xxx",
                        130);
    for (const char *at = dump; (at = strstr(at, "] {\"sku\":\"x")); at++)
        rows++;
    assert_int_equal(rows, 61);
    assert_string_equal(dump + strlen(dump) - 26, "63@64 [z] {\"sku\":\"y\"}\nend\n");
    free(dump);
    buf_release(&text);
}

static void a_nul_byte_rejects_its_row(void **state)
{
    static const char text[] = "record_id,sku,price\na,x\0y,1\nb,\"\0\n\",z\nc,x,\0\n\0\nd,x,1\n";

    (void)state;
    check((struct span){text, sizeof text - 1}, "1@2 [a] {\"sku\":\"x\\u0000y\",\"price\":1}\n"
                                                "  |row|holds a NUL byte, at byte 23 of the file\n"
                                                "2@3 [b] {\"sku\":\"\\u0000\\n\"}\n"
                                                "  price|type|must be a number, is \"z\"\n"
                                                "  |row|holds a NUL byte, at byte 31 of the file\n"
                                                "3@5 [c] {\"sku\":\"x\"}\n"
                                                "  price|type|must be a number, is \"\\x00\"\n"
                                                "  |row|holds a NUL byte, at byte 41 of the file\n"
                                                "4@6\n"
                                                "  |row|holds a NUL byte, at byte 43 of the file\n"
                                                "5@7 [d] {\"sku\":\"x\",\"price\":1}\n"
                                                "end\n");
}

static void a_lone_carriage_return_outside_quotes_rejects_its_row(void **state)
{
    (void)state;
    assert_rows("record_id,sku\na,x\ry\nb,\"x\ry\"\nc,z\r\r\nd,w\r",
                "1@2 [a] {\"sku\":\"x\\ry\"}\n"
                "  |row|holds a carriage return outside quotes that does not end a line\n"
                "2@3 [b] {\"sku\":\"x\\ry\"}\n"
                "3@4 [c] {\"sku\":\"z\\r\"}\n"
                "  |row|ends with CR CR LF: its line ends were converted twice; end lines with LF "
                "or CRLF\n"
                "4@5 [d] {\"sku\":\"w\\r\"}\n"
                "  |row|holds a carriage return outside quotes that does not end a line\n"
                "end\n");
}

static void bytes_that_are_not_utf8_refuse_the_file_with_their_place(void **state)
{
    static const char declare[] = "declare it with \"csv\": {\"encoding\": \"windows-1252\"} under "
                                  "x-rowferry in the schema file)\n";
    static const char one[] = " is not UTF-8 (looks like windows-1252; ";
    static const char two[] = " is not UTF-8 (looks like windows-1252 or CP850: see which one "
                              "shows the right letters; ";
    static const struct {
        const char *text, *rows, *error, *looks;
    } cases[] = {
        {"record_id,sku\na,x\nb,gr\xFC"
         "n\nc,y\n",
         "1@2 [a] {\"sku\":\"x\"}\n", "line 3, column 5: byte 0xfc", one},
        {"record_id,sku\na,\"x\n\xE9\"\n", "", "line 3, column 1: byte 0xe9", two},
        {"record_id,sku\na,\xE2\x82\n", "", "line 2, column 3: byte 0xe2", two},
        {"record_id,sku\na,x\n\n\n\xFF\n", "1@2 [a] {\"sku\":\"x\"}\n",
         "line 5, column 1: byte 0xff", one},
        {"record_id,sku\na,\"x\nb,y\nc,\x80\n",
         "1@2 [a]\n  |row|the quoted cell 2 is not closed before the end of the file\n"
         "2@3 [b] {\"sku\":\"y\"}\n",
         "line 4, column 3: byte 0x80", two},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf expected = {0};

        buf_printf(&expected, "%serror: in: %s%s%s", cases[i].rows, cases[i].error, cases[i].looks,
                   declare);
        assert_rows(cases[i].text, buf_text(&expected));
        buf_release(&expected);
    }
}

static void another_encoding_is_advised_only_without_evidence_against_it(void **state)
{
    (void)state;
    assert_rows("record_id,sku\na,t\x81r\n",
                "error: in: line 2, column 4: byte 0x81 is not UTF-8 (looks like CP850; declare it "
                "with \"csv\": {\"encoding\": \"CP850\"} under x-rowferry in the schema file)\n");
    /* a frame, as DOS programs draw it; a lone letter is none */
    assert_rows("record_id,sku\na,\xC9\xCD\xCD\xBB\n",
                "error: in: line 2, column 3: byte 0xc9 is not UTF-8 (looks like windows-1252 or "
                "CP850: see which one shows the right letters; declare it with \"csv\": "
                "{\"encoding\": \"windows-1252\"} under x-rowferry in the schema file)\n");
    assert_rows("record_id,sku\na,\xC4\xD6\xDC\n",
                "error: in: line 2, column 3: byte 0xc4 is not UTF-8 (looks like windows-1252; "
                "declare it with \"csv\": {\"encoding\": \"windows-1252\"} under x-rowferry in the "
                "schema file)\n");
    assert_rows("record_id,sku\na,\x81\xFC\n",
                "error: in: line 2, column 3: byte 0x81 is not UTF-8; declare the encoding with "
                "\"csv\": {\"encoding\": ...} under x-rowferry in the schema file\n");
    assert_rows("record_id,sku\nz,\x02\na,t\xFCr\n",
                "1@2 [z] {\"sku\":\"\\u0002\"}\n"
                "error: in: line 3, column 4: byte 0xfc is not UTF-8, and its control characters "
                "rule out another encoding: export the file again\n");
}

static void a_row_in_another_encoding_is_rejected_alone(void **state)
{
    (void)state;
    assert_rows(
        "record_id,sku\na,gr\xC3\xBCn\nb,gr\xFCn\nc,\"x\n\xE9\"\nd,y\n\xFF\"x\n",
        "1@2 [a] {\"sku\":\"gr\xC3\xBCn\"}\n"
        "2@3 [b]\n  |row|is in another encoding: byte 0xfc (line 3, column 5) is not UTF-8, "
        "as the rest of the file is\n"
        "3@4 [c]\n  |row|is in another encoding: byte 0xe9 (line 5, column 1) is not UTF-8, "
        "as the rest of the file is\n"
        "4@6 [d] {\"sku\":\"y\"}\n"
        "5@7\n  |row|is in another encoding: byte 0xff (line 7, column 1) is not UTF-8, as "
        "the rest of the file is\n"
        "  |row|quote inside the unquoted cell 1" ROWS_UNQUOTED "\nend\n");
}

static void a_file_that_ends_within_a_character_is_refused(void **state)
{
    static const char error[] =
        ": the file ends within a UTF-8 character: it is cut off: export it again\n";
    static const struct {
        const char *text, *rows, *place;
    } cases[] = {
        {"record_id,sku\na,\xE2\x82", "", "line 2, column 3"},
        {"record_id,sku\na,\xC3\xA9\nb,x\xF0\x9F\x98", "1@2 [a] {\"sku\":\"\xC3\xA9\"}\n",
         "line 3, column 4"},
        {"record_id,sku\na,\xC3\xA9\nb,\"\xC3", "1@2 [a] {\"sku\":\"\xC3\xA9\"}\n",
         "line 3, column 4"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf expected = {0};

        buf_printf(&expected, "%serror: in: %s%s", cases[i].rows, cases[i].place, error);
        assert_rows(cases[i].text, buf_text(&expected));
        buf_release(&expected);
    }
}

static void the_seam_of_two_concatenated_files_is_rejected(void **state)
{
    (void)state;
    assert_rows(
        "record_id,sku\na,x\n\"record_id\",sku\n\xEF\xBB\xBFrecord_id,sku\nb,sku\n"
        "\xEF\xBB\xBF\"record_id\",sku\n\xEF\xBB\xBF"
        "c,x\nrecord_id,x\nRecord_ID,SKU\n",
        "1@2 [a] {\"sku\":\"x\"}\n"
        "2@3 [record_id]\n  |row|repeats the header row: remove it, or export a single file\n"
        "3@4\n  |row|begins with a byte order mark (U+FEFF) and repeats the header row: two files "
        "were concatenated: remove it\n"
        "4@5 [b] {\"sku\":\"sku\"}\n"
        "5@6\n  |row|begins with a byte order mark (U+FEFF): two files were concatenated: remove "
        "it\n"
        "  |row|quote inside the unquoted cell 1" ROWS_UNQUOTED "\n"
        "6@7\n  |row|begins with a byte order mark (U+FEFF): two files were concatenated: remove "
        "it\n"
        "7@8 [record_id] {\"sku\":\"x\"}\n"
        "8@9 [Record_ID]\n  |row|repeats the header row: remove it, or export a single file\n"
        "end\n");
}

static void a_header_row_of_other_columns_is_rejected_too(void **state)
{
    static const char text[] = "record_id,sku,status\na,x,y\nrecord_id,status,sku\n"
                               "record_id,STATUS\nrecord_id\nrecord_id,sku,y\n";
    static const char repeats[] = "repeats the header row: remove it, or export a single file\n";
    struct row_shape shape = rows_shape;
    struct buf expected = {0};
    char *rows;

    (void)state;
    shape.dialect.short_rows = true;
    buf_append_text(&expected, "1@2 [a] {\"sku\":\"x\",\"status\":\"y\"}\n");
    for (int i = 2; i < 5; i++)
        buf_printf(&expected, "%d@%d [record_id]\n  |row|%s", i, i + 1, repeats);
    buf_append_text(&expected, "5@6 [record_id] {\"sku\":\"sku\",\"status\":\"y\"}\nend\n");
    rows = rows_dump(span_of(text), ROW_FORMAT_CSV, &shape, ROWS_FILE);
    assert_string_equal(rows, buf_text(&expected));
    free(rows);
    buf_release(&expected);
}

static void a_bad_byte_late_in_an_overlong_line_is_found(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_append_text(&text, "record_id,sku\na,");
    append_fill(&text, 4 * (size_t)ROW_SIZE_MAX);
    buf_append_text(&text, "\xFF\nb,y\n");
    check(buf_span(&text), "error: in: line 2, column 4194307: byte 0xff is not UTF-8 (looks like "
                           "windows-1252; declare it with \"csv\": {\"encoding\": "
                           "\"windows-1252\"} under x-rowferry in the schema file)\n");
    buf_release(&text);
}

static void the_column_of_a_bad_byte_at_the_beginning_is_right(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_append_text(&text, "record_id,sku\na,\xFF");
    append_fill(&text, 4 * (size_t)ROW_SIZE_MAX);
    buf_append_text(&text, "\nb,y\n");
    check(buf_span(&text), "error: in: line 2, column 3: byte 0xff is not UTF-8 (looks like "
                           "windows-1252; declare it with \"csv\": {\"encoding\": "
                           "\"windows-1252\"} under x-rowferry in the schema file)\n");
    buf_release(&text);
}

/* A file of 50 rows; row i is from starts[i] to starts[i + 1]. */
struct sample {
    struct buf text;
    size_t starts[51];
};

enum quoting { UNQUOTED, QUOTED, LINES };

/* In the forms, # is the number of the row and @ the delimiter. */
static void make_sample(struct sample *sample, enum quoting quoting, char delimiter)
{
    static const char *const forms[] = {
        "r#@word #@#@@x\n",
        "r#@\"say \"\"#\"\"\"@#@\"\"@\"a@ b\"\n",
        "r#@\"one #\ntwo@ three\"@#@\"\"@\"a\n\nb\"\r\n",
    };

    buf_printf(&sample->text, "record_id%csku%cquantity%cany%cstatus\n", delimiter, delimiter,
               delimiter, delimiter);
    for (int i = 0; i < 50; i++) {
        sample->starts[i] = sample->text.size;
        for (const char *at = forms[quoting]; *at; at++) {
            if (*at == '#')
                buf_printf(&sample->text, "%d", i);
            else if (*at == '@')
                buf_append_char(&sample->text, delimiter);
            else
                buf_append_char(&sample->text, *at);
        }
    }
    sample->starts[50] = sample->text.size;
}

/* What rows_print makes of each good row, by the number in its record id; "" where there is none.
 */
struct outcome {
    char rows[50][200];
};

/* The lines of a row's dump from its record id on: row and line numbers shift after a fault. */
static void note_row(struct outcome *outcome, const struct row *row,
                     const struct violations *violations)
{
    struct buf text = {0};
    char id[8] = "";

    /* what is left of the damaged row may be a row too, by another id */
    if (violations->count == 0 && row->record_id.size < sizeof id &&
        row->record_id.data[0] == 'r') {
        memcpy(id, row->record_id.data, row->record_id.size);
        rows_print(&text, row, violations);
        snprintf(outcome->rows[strtol(id + 1, NULL, 10)], sizeof outcome->rows[0], "%s",
                 strchr(buf_text(&text), '['));
    }
    buf_release(&text);
}

/* Reads all rows and checks that together they are all bytes after the header row. */
static void read_sample(struct span text, struct outcome *outcome)
{
    struct violations violations = {0};
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;
    struct row row;
    size_t at;

    *outcome = (struct outcome){0};
    rows_feed_open(&feed, text, ROWS_FILE);
    reader = reader_open(feed.fd, "in", ROW_FORMAT_CSV, &rows_shape, &err);
    assert_non_null(reader);
    at = reader_header(reader).size;
    while (reader_next(reader, &row, &violations, &err) == ROW_STEP_ROW) {
        while (row.raw.data[0] != '\n' && text.data[at] == '\n')
            at++; /* a blank line, left by a quote */
        assert_true(row.raw.size <= text.size - at);
        assert_memory_equal(row.raw.data, text.data + at, row.raw.size);
        at += row.raw.size;
        note_row(outcome, &row, &violations);
    }
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(at, text.size);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
}

static void sweep(enum quoting quoting, char delimiter)
{
    struct sample sample = {0};
    struct outcome whole, damaged;
    struct buf text = {0};
    int touched = 0;

    make_sample(&sample, quoting, delimiter);
    read_sample(buf_span(&sample.text), &whole);
    for (int i = 0; i < 50; i++)
        assert_true(whole.rows[i][0] != '\0');
    for (size_t at = sample.starts[0]; at < sample.text.size; at++) {
        if (at == sample.starts[touched + 1])
            touched++;
        buf_reset(&text);
        buf_append(&text, sample.text.data, at);
        buf_append_char(&text, '"');
        buf_append(&text, sample.text.data + at, sample.text.size - at);
        read_sample(buf_span(&text), &damaged);
        for (int i = 0; i < 50; i++)
            if (i != touched)
                assert_string_equal(damaged.rows[i], whole.rows[i]);
    }
    assert_int_equal(touched, 49);
    buf_release(&text);
    buf_release(&sample.text);
}

static void a_stray_quote_affects_only_its_own_row(void **state)
{
    static const char delimiters[] = ",;\t|";

    (void)state;
    for (enum quoting quoting = UNQUOTED; quoting <= LINES; quoting++)
        for (const char *delimiter = delimiters; *delimiter; delimiter++)
            sweep(quoting, *delimiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_another_size_than_the_header_is_rejected),
        cmocka_unit_test(a_row_of_another_size_has_no_other_violations),
        cmocka_unit_test(a_ragged_row_of_several_lines_is_one_row),
        cmocka_unit_test(a_quote_inside_an_unquoted_cell_rejects_its_line),
        cmocka_unit_test(text_after_a_closing_quote_rejects_its_line),
        cmocka_unit_test(a_quote_that_never_closes_rejects_one_line),
        cmocka_unit_test(a_quoted_cell_can_have_100_line_breaks),
        cmocka_unit_test(a_row_longer_than_1_mib_is_cut_and_the_next_line_is_read),
        cmocka_unit_test(a_row_of_exactly_1_mib_is_read),
        cmocka_unit_test(a_quoted_cell_longer_than_1_mib_rejects_the_line_where_it_began),
        cmocka_unit_test(a_nul_byte_rejects_its_row),
        cmocka_unit_test(a_lone_carriage_return_outside_quotes_rejects_its_row),
        cmocka_unit_test(bytes_that_are_not_utf8_refuse_the_file_with_their_place),
        cmocka_unit_test(another_encoding_is_advised_only_without_evidence_against_it),
        cmocka_unit_test(a_row_in_another_encoding_is_rejected_alone),
        cmocka_unit_test(a_file_that_ends_within_a_character_is_refused),
        cmocka_unit_test(the_seam_of_two_concatenated_files_is_rejected),
        cmocka_unit_test(a_header_row_of_other_columns_is_rejected_too),
        cmocka_unit_test(a_bad_byte_late_in_an_overlong_line_is_found),
        cmocka_unit_test(the_column_of_a_bad_byte_at_the_beginning_is_right),
        cmocka_unit_test(a_stray_quote_affects_only_its_own_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
