/* The layout of a CSV file without declarations, found in its bytes. */
#include "core/ingest/suggest_layout.h"

#include "core/ingest/feed.h"
#include "tests/unit/scene.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The layout in one line: delimiter, lines to skip, comment, footer, record column, and what else
 * is there. */
static const char *describe(const struct layout *layout)
{
    static char text[2048];
    size_t size = 0;

    size += (size_t)snprintf(text, sizeof text, "%c %u", layout->delimiter, layout->skip_lines);
    if (layout->encoding)
        size += (size_t)snprintf(text + size, sizeof text - size, " encoding %d",
                                 (int)layout->encoding);
    if (*layout->comment)
        size += (size_t)snprintf(text + size, sizeof text - size, " comment %s", layout->comment);
    if (layout->footer.size)
        size += (size_t)snprintf(text + size, sizeof text - size, " footer %.*s",
                                 (int)layout->footer.size, layout->footer.data);
    size +=
        (size_t)snprintf(text + size, sizeof text - size, "%s%s%s%s",
                         layout->quote_none ? " unquoted" : "", layout->short_rows ? " short" : "",
                         layout->long_rows ? " long" : "", layout->versioned ? " versioned" : "");
    snprintf(text + size, sizeof text - size, " id %s",
             layout->record_column < layout->column_count
                 ? layout->columns[layout->record_column].name
                 : "-");
    return text;
}

/* Finds the layout of a file of this text; delimiter: given, or 0. */
static const char *find(struct scene *scene, const char *text, char delimiter)
{
    struct layout layout = {0};
    struct err err = {0};
    struct feed feed;
    static char said[ERR_TEXT_SIZE];
    const char *found;

    scratch_write(at(scene, "a.csv"), text, strlen(text));
    assert_true(feed_open(&feed, "a.csv", at(scene, "a.csv"), false, &err));
    if (layout_find(&feed, delimiter, &layout, &err)) {
        found = describe(&layout);
    } else {
        snprintf(said, sizeof said, "%s", err.text);
        found = said;
    }
    layout_release(&layout);
    feed_close(&feed);
    return found;
}

static const struct {
    const char *text, *layout;
} layouts[] = {
    {"id;n\na;1\nb;2\n", "; 0 id id"},
    /* the header row comes after titles, of which one has two lines */
    {"Report\nof today\nid;n\na;1\nb;2\n", "; 2 id id"},
    {"\"Report\nof today\";\nid;n\na;1\nb;2\n", "; 2 id id"},
    {"# one\n# two\nid;n\na;1\nb;2\n", "; 0 comment # id id"},
    {"# one\ntwo\nid;n\na;1\nb;2\n", "; 2 id id"},
    {"sep=;\nid;n\na;1\nb;2\n", "; 0 id id"},
    {"sepia\nid;n\na;1\nb;2\n", "; 1 id id"},
    /* a title with the cells of a spreadsheet after it */
    {"Prices;;\nid;n;m\na;1;1\nb;2;2\n", "; 1 id id"},
    {"a:b\n1:2\n", ": 0 id a"},
    /* a row with a name twice, or with a number, is not a header row */
    {"n;n\nid;n\na;1\nb;2\n", "; 1 id id"},
    {"2026;2027\nid;n\na;1\nb;2\n", "; 1 id id"},
    {"#d1\nd1;d2\na;1\nb;2\n", "; 0 comment # id d1"},
    {"record_id;7;7\na;1;2\nb;2;3\n", "; 0 id record_id"},
    /* a line of dashes, and what only looks like one */
    {"id;n\n--;-\na;1\nb;2\n", "; 0 comment --;- id id"},
    {"#\nid;n\n--;-\na;1\nb;2\n", "; 0 comment # id id"},
    {"id;n\n--;-", "; 0 id id"},
    /* comments between rows */
    {"id;n\na;1\n# page\nb;2\n#c;3\n", "; 0 comment # id id"},
    {"id;n\na;1\n\n\nb;2\n", "; 0 id id"},
    /* rows that are too short or too long, more than one in twenty of them */
    {"id;n;m\na;1;1\nb;2\nc;3\nd;4;4\n", "; 0 short id id"},
    {"id;n;m\na;1;1\nb;2;3;4\nc;3;3;3\nd;4;4\n", "; 0 long id id"},
    {"id;n;m\na;1;1\nb;2\nc;3;3\nd;4;4\n", "; 0 id id"},
    /* the record is named by a column of its own values */
    {"n;kundennr;m\na;1;1\na;2;1\na;3;1\n", "; 0 id kundennr"},
    {"order no;code\n1;1\n2;2\n", "; 0 id order no"},
    {"width;n\n1;1\n2;2\n", "; 0 id width"},
    {"a;b\n1;\n1;\n", "; 0 id a"},
    {";b;c\n1;;x\n2;;x\n", ", 0 id ;b;c"},
    {"a;b\n;\n;\n", "; 0 id -"},
    {"record_id;version\na;1\na;1\n", "; 0 versioned id record_id"},
    /* lines after the last row */
    {"id;n\na;1\nb;2\nTotal;2\n", "; 0 footer ^(Total) id id"},
    {"id;n\na;1\nb;2\nTOTAL 2\n\x1A", "; 0 footer ^(TOTAL [0-9]+) id id"},
    {"id;n\na;1\nb;2\nTotal 2\nTotal 3\n", "; 0 footer ^(Total [0-9]+) id id"},
    {"id;n\na;1\nb;2\nTotal \xC3\xA4\n", "; 0 footer ^(Total ) id id"},
    {"id;n\na;1\nb;2\nTotal\x7F\n", "; 0 footer ^(Total) id id"},
    {"id;n\na;1\nb;2\n\"Total\"\n", "; 0 id id"},
    {"id;n\na;1\nb;2\nTotal\t9\n", "; 0 footer ^(Total) id id"},
    {"id;n\na;1\nb;2\nTotal (a+b) of [x]?\n",
     "; 0 footer ^(Total \\(a\\+b\\) of \\[x\\]\\?) id id"},
    {"id;n\na;1\nb;2\na\n", "; 0 id id"},
    {"id;n\na;1\nb;2\nfinished at 23:59:59 o'clock in Ulm\n",
     "; 0 footer ^(finished at [0-9]+:[0-9]+:[0-9]+ o'cloc) id id"},
    {"id;n\na;1\nb;2\n\r\n", "; 0 id id"},
    {"#\nid;n\na;1\nb;2\n# end\n", "; 0 comment # id id"},
    {"id;n\na;1\nb;2\n# end\n", "; 0 comment # id id"},
    {"id;n;m\na;1;1\nb;2\nc;3\nok\n", ", 0 id id;n;m"},
    {"id;n", "; 0 id id"},
    {"id;n\na;1\nb;2", "; 0 id id"},
    {"id;n\n--;-\na;1\n# end\n", "; 0 comment --;- footer ^(# end) id id"},
    {"id;n;m\na;1;1\nb;2\nc;3\nd;4;4\ne;5;5\nf;6;6\nok\n", "; 0 short id id"},
    {"id;n\na;1\nb;2\nc;3\nd;4\ne;5\nEnd 1\nEnde 2\nEof 3\nFin 4\nRows 5\nSum 6\nSumme 7\n"
     "Total 8\nTotal x\n",
     "; 0 footer ^(Total x|Total [0-9]+|Summe [0-9]+|Sum [0-9]+|Rows [0-9]+|Fin [0-9]+|"
     "Eof [0-9]+|Ende [0-9]+) id id"},
    {"id;n\na;1\nb;2\n;;;\n", "; 0 id id"},
    {"a;\n1;x\n1;x\n", "; 0 id a"},
    {"\na;b\n", "; 1 id a"},
    /* no table */
    {"", "a.csv: the file is empty"},
    {"{\"a\":1}\n", "a.csv: is JSON, not CSV: rename it to .ndjson; where an object continues "
                    "on the next line, convert it with jq -c . first"},
    {"1;2\n3;4\n", "a.csv: none of the first 30 lines is a header row: save it with the names "
                   "of its columns in one line"},
    {"\n\n\n", "a.csv: none of the first 30 lines is a header row: save it with the names of "
               "its columns in one line"},
    {"id;\"n\na;1\nb;2\n", "; 0 unquoted id id"},
    /* encodings */
    {"id;n\na;M\xFCnchen\nb;Stra\xDF"
     "e\n",
     "; 0 encoding 5 id id"},
    {"id;n\na;M\x81nchen\nb;Stra\xE1"
     "e\n",
     "; 0 encoding 8 id id"},
    {"id;n\na;M\x84rz\nb;\x94l\n", "; 0 encoding 8 id id"},
    {"id;n\na;\xC3\xA4\xC3\xB6\xC3\xBC\nb;\xFC\n", "; 0 id id"},
};

static void a_layout_is_found_in_the_text(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < COUNT(layouts); i++) {
        const char *found = find(scene, layouts[i].text, 0);

        if (strcmp(found, layouts[i].layout) != 0)
            fail_msg("%s: %s, not %s", layouts[i].text, found, layouts[i].layout);
    }
}

static void a_delimiter_that_is_given_is_taken(void **state)
{
    static const char text[] = "id;n,m\na;1,2\nb;2,3\n";
    struct scene *scene = *state;

    assert_string_equal(find(scene, text, ','), ", 0 id id;n");
    assert_string_equal(find(scene, text, ';'), "; 0 id id");
    assert_string_equal(find(scene, "id*n\na*1\nb*2\n***\n", '*'), "* 0 id id");
}

static void a_first_line_beyond_the_sample_is_named(void **state)
{
    struct scene *scene = *state;
    struct buf text = {0};

    for (int i = 0; i < 30000; i++)
        buf_printf(&text, "column%d;", i);
    assert_string_equal(find(scene, buf_text(&text), 0),
                        "a.csv: the first line is longer than 262144 bytes");
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_layout_is_found_in_the_text, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(a_delimiter_that_is_given_is_taken, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(a_first_line_beyond_the_sample_is_named, scene_begin,
                                        scene_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
