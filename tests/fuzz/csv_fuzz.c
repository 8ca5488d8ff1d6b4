/* CSV files: four bytes of settings, then the text. Printable settings do: of each byte only the
 * low bits count, and those of '0' are none. */
#include "core/row/cell_form.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reading.h"
#include "tests/lib/rows.h"

enum { SETTINGS = 4 };

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

static const struct row_column columns[] = {
    {{"Artikel", 7}, {"record_id", 9}},
    {{"Preis", 5}, {"price", 5}},
    {{"Bemerkung", 9}, {NULL, 0}},
};

static const char delimiters[8] = {0, ',', ';', '\t', '|', 0, 0, 0};

static const enum row_encoding encodings[8] = {ROW_ENCODING_NONE,       ROW_ENCODING_UTF_8,
                                               ROW_ENCODING_UTF_16,     ROW_ENCODING_WINDOWS_1252,
                                               ROW_ENCODING_ISO_8859_1, ROW_ENCODING_ISO_8859_15};

/* delimiter; encoding and how a form is declared; gzip and limits; chunks and where to go on */
static void set(const uint8_t settings[SETTINGS], struct row_shape *shape, struct reading *reading)
{
    *shape = settings[0] & 8 ? rows_shape_versioned : rows_shape;
    shape->dialect.delimiter = delimiters[settings[0] & 7];
    shape->dialect.encoding = encodings[settings[1] & 7];
    if (settings[1] & 8) {
        shape->dialect.forms = forms;
        shape->dialect.form_count = sizeof forms / sizeof *forms;
        shape->dialect.columns = columns;
        shape->dialect.column_count = sizeof columns / sizeof *columns;
    }
    if (settings[2] & 4) {
        shape->dialect.cell_size_max = 20;
        shape->dialect.cell_lines_max = 2;
    }
    *reading = (struct reading){.format = ROW_FORMAT_CSV,
                                .shape = shape,
                                .chunk = settings[3] & 8 ? ROWS_RANDOM : 1,
                                .resume_rows = settings[3] & 7,
                                .gzip_members = settings[2] & 3,
                                .stretched = (settings[2] & ~3) == 'X'};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct row_shape shape;
    struct reading reading;

    if (size < SETTINGS)
        return 0;
    set(data, &shape, &reading);
    reading_check(&reading, (struct span){(const char *)data + SETTINGS, size - SETTINGS});
    return 0;
}
