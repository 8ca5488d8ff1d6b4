#include "cmd/rowferry/batch_table.h"

#include "cmd/rowferry/words.h"
#include "core/base/mem.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_COLUMNS_MIN = 16 };

/* One printed line: `older` and `all` have a word where a batch has its id. */
struct printed {
    const char *id, *state, *source;
    const uint64_t *numbers;
};

/* The columns that are shown, and how wide each is. */
struct layout {
    int id_width, state_width;
    int widths[BATCH_TABLE_NUMBERS]; /* 0: not shown */
    unsigned source_columns;         /* 0: no limit */
};

static const char *number_name(unsigned index)
{
    static const char *const names[] = {"rows", "rejected", "discarded"};

    return index < 3 ? names[index] : job_state_name((enum job_state)(index - 3));
}

void batch_table_release(struct batch_table *table)
{
    for (unsigned i = 0; i < BATCH_TABLE_LINES; i++)
        free(table->lines[i].source);
    *table = (struct batch_table){0};
}

void batch_table_add(struct batch_table *table, const struct batch_counts *batch)
{
    struct batch_line *line = &table->lines[table->count % BATCH_TABLE_LINES];

    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++)
        table->older[i] += line->numbers[i];
    free(line->source);
    *line = (struct batch_line){.id = batch->id, .source = mem_strdup(batch->source)};
    snprintf(line->state, sizeof line->state, "%s", batch->state);
    line->numbers[0] = batch->rows_read;
    line->numbers[1] = batch->rows_rejected;
    line->numbers[2] = batch->rows_discarded;
    for (unsigned state = 0; state < JOB_STATES; state++)
        line->numbers[3 + state] = batch->by_state[state];
    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++)
        table->all[i] += line->numbers[i];
    table->count++;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static struct layout lay_out(const struct batch_table *table, unsigned columns)
{
    struct layout layout = {.id_width = 5, .state_width = 5};
    uint64_t shown = table->count < BATCH_TABLE_LINES ? table->count : BATCH_TABLE_LINES;
    int used;

    for (uint64_t i = 0; i < shown; i++) {
        layout.id_width =
            larger(layout.id_width, snprintf(NULL, 0, "%" PRId64, table->lines[i].id));
        layout.state_width = larger(layout.state_width, (int)strlen(table->lines[i].state));
    }
    used = 2 + layout.id_width + 2 + layout.state_width;
    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++) {
        if (i > 0 && table->all[i] == 0)
            continue;
        layout.widths[i] =
            larger((int)strlen(number_name(i)), snprintf(NULL, 0, "%" PRIu64, table->all[i]));
        used += 2 + layout.widths[i];
    }
    used += 2;
    if (columns > 0)
        layout.source_columns = columns > (unsigned)used + SOURCE_COLUMNS_MIN
                                    ? columns - (unsigned)used
                                    : SOURCE_COLUMNS_MIN;
    return layout;
}

/* The end of a name tells more than its beginning. */
static void print_source(const struct layout *layout, const char *source, struct buf *out)
{
    struct buf text = {0};
    size_t length, skip = 0;

    words_printable(&text, source);
    length = str_utf8_length(buf_span(&text));
    if (layout->source_columns == 0 || length <= layout->source_columns) {
        buf_append_span(out, buf_span(&text));
        buf_release(&text);
        return;
    }
    for (size_t drop = length - layout->source_columns + 3; drop > 0; drop--) {
        skip++;
        while (skip < text.size && ((unsigned char)text.data[skip] & 0xC0) == 0x80)
            skip++;
    }
    buf_append_text(out, "...");
    buf_append(out, text.data + skip, text.size - skip);
    buf_release(&text);
}

static void print_line(const struct layout *layout, const struct printed *line, struct buf *out)
{
    buf_printf(out, "  %*s  %-*s", layout->id_width, line->id, layout->state_width, line->state);
    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++) {
        if (!layout->widths[i])
            continue;
        if (line->numbers[i])
            buf_printf(out, "  %*" PRIu64, layout->widths[i], line->numbers[i]);
        else
            buf_printf(out, "  %*s", layout->widths[i], "-");
    }
    if (*line->source) {
        buf_append_text(out, "  ");
        print_source(layout, line->source, out);
    } else {
        while (out->size > 0 && out->data[out->size - 1] == ' ')
            out->size--;
    }
    buf_append_char(out, '\n');
}

static void append_upper(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_append_char(out, (char)toupper((unsigned char)*text));
}

static void print_head(const struct layout *layout, struct buf *out)
{
    buf_printf(out, "  %*s  %-*s", layout->id_width, "BATCH", layout->state_width, "STATE");
    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++) {
        if (!layout->widths[i])
            continue;
        buf_printf(out, "  %*s", layout->widths[i] - (int)strlen(number_name(i)), "");
        append_upper(out, number_name(i));
    }
    buf_append_text(out, "  FILE\n");
}

void batch_table_print(const struct batch_table *table, unsigned columns, struct buf *out)
{
    struct layout layout = lay_out(table, columns);
    uint64_t first = table->count > BATCH_TABLE_LINES ? table->count - BATCH_TABLE_LINES : 0;
    char text[48];

    print_head(&layout, out);
    if (first > 0) {
        snprintf(text, sizeof text, "%" PRIu64 " older", first);
        print_line(&layout, &(struct printed){"", "older", text, table->older}, out);
    }
    for (uint64_t i = first; i < table->count; i++) {
        const struct batch_line *line = &table->lines[i % BATCH_TABLE_LINES];

        snprintf(text, sizeof text, "%" PRId64, line->id);
        print_line(&layout, &(struct printed){text, line->state, line->source, line->numbers}, out);
    }
    if (table->count > 1)
        print_line(&layout, &(struct printed){"all", "", "", table->all}, out);
}
