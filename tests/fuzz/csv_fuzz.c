/* Input: four bytes of settings, four more if the first has the bit 0x40, then a CSV file. Only the
 * low bits of settings count, so they can be printable; those of '0' are 0. */
#include "core/base/zone.h"
#include "core/row/cell_form.h"
#include "tests/fuzz/feed.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reading.h"
#include "tests/lib/rows.h"

enum { SETTINGS = 4, MORE = 0x40 };

static const struct span words[] = {{"ja", 2}, {"J", 1}, {"nein", 4}};

static const struct cell_form forms[] = {
    {.property = {"price", 5}, .kind = CELL_DECIMAL, .decimal = ',', .thousands = {".", 1}},
    {.property = {"status", 6}, .kind = CELL_DATE, .pattern = {"DD.M.YYYY", 9}},
    {.property = {"active", 6},
     .kind = CELL_BOOLEAN,
     .words = words,
     .true_count = 2,
     .word_count = 3},
};

/* More forms; the zone is opened once. */
static struct cell_form more_forms[] = {
    {.property = {"price", 5},
     .kind = CELL_DECIMAL,
     .decimal = ',',
     .thousands = {" ", 1},
     .sign = CELL_SIGN_TRAILING,
     .padding = '0',
     .unit = {"\xE2\x82\xAC", 3}},
    {.property = {"quantity", 8},
     .kind = CELL_DECIMAL,
     .thousands = {".", 1},
     .sign = CELL_SIGN_PARENTHESES,
     .padding = ' ',
     .absent = {words, 3}},
    {.property = {"status", 6},
     .kind = CELL_DATETIME,
     .pattern = {"D.M.YYYY h:mm", 13},
     .fold = CELL_FOLD_LATER},
    {.property = {"sku", 3}, .kind = CELL_PLAIN, .absent = {words, 2}},
};

static const struct row_column columns[] = {
    {{"Artikel", 7}, {"record_id", 9}},
    {{"Preis", 5}, {"price", 5}},
    {{"Bemerkung", 9}, {NULL, 0}},
};

static const char delimiters[8] = {0, ',', ';', '\t', '|', '~', '\x01', ' '};

static const enum row_encoding encodings[8] = {ROW_ENCODING_NONE,       ROW_ENCODING_UTF_8,
                                               ROW_ENCODING_UTF_16,     ROW_ENCODING_WINDOWS_1252,
                                               ROW_ENCODING_ISO_8859_1, ROW_ENCODING_ISO_8859_15,
                                               ROW_ENCODING_CP850,      ROW_ENCODING_UTF_16LE};

static const struct span absent[] = {{"NULL", 4}, {"-", 1}};

static bool is_total(const void *footer, struct span line)
{
    (void)footer;
    return line.size >= 5 && memcmp(line.data, "Total", 5) == 0;
}

/* delimiter, version; encoding and forms; gzip and limits; chunks and where to resume */
static void set(const uint8_t settings[SETTINGS], struct row_shape *shape, struct reading *reading)
{
    struct row_dialect *dialect = &shape->dialect;

    *shape = settings[0] & 8 ? rows_shape_versioned : rows_shape;
    dialect->delimiter = delimiters[settings[0] & 7];
    dialect->encoding = encodings[settings[1] & 7];
    dialect->row_max = dialect->cell_size_max = FUZZ_ROW_MAX;
    if (settings[1] & 8) {
        dialect->forms = forms;
        dialect->form_count = sizeof forms / sizeof *forms;
        dialect->columns = columns;
        dialect->column_count = sizeof columns / sizeof *columns;
    }
    if (settings[2] & 4) {
        dialect->cell_size_max = 20;
        dialect->cell_lines_max = 2;
    }
    *reading = (struct reading){.format = ROW_FORMAT_CSV,
                                .shape = shape,
                                .chunk = settings[3] & 8 ? FEED_RANDOM : 1,
                                .resume_rows = settings[3] & 7,
                                .gzip_members = settings[2] & 3,
                                .stretched = (settings[2] & ~3) == 'X'};
}

/* quotes and absent words; rows; lines; forms */
static void set_more(const uint8_t settings[SETTINGS], struct row_shape *shape)
{
    struct row_dialect *dialect = &shape->dialect;
    struct err err = {0};

    dialect->unquoted = settings[0] & 1;
    dialect->quoted_absent = settings[0] & 2 && !dialect->unquoted;
    if (settings[0] & 4)
        dialect->absent = (struct row_words){absent, 2};
    shape->trim = settings[0] & 8;
    dialect->short_rows = settings[1] & 1;
    dialect->long_rows = settings[1] & 2;
    if (settings[1] & 4)
        dialect->is_footer = is_total;
    if (settings[1] & 8)
        dialect->comment = (struct span){"#", 1};
    dialect->skip_lines = settings[2] & 3;
    if (!(settings[3] & 1))
        return;
    if (!more_forms[2].zone)
        more_forms[2].zone = zone_open((struct span){"Europe/Berlin", 13}, &err);
    fuzz_must(more_forms[2].zone != NULL, "there is a tz database");
    dialect->forms = more_forms;
    dialect->form_count = sizeof more_forms / sizeof *more_forms;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct row_shape shape;
    struct reading reading;

    if (size < SETTINGS)
        return 0;
    set(data, &shape, &reading);
    text = (struct span){text.data + SETTINGS, text.size - SETTINGS};
    if (data[0] & MORE) {
        if (text.size < SETTINGS)
            return 0;
        set_more(data + SETTINGS, &shape);
        text = (struct span){text.data + SETTINGS, text.size - SETTINGS};
    }
    reading_check(&reading, text);
    return 0;
}
