#include "cmd/rowferry/batch_table.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_COLUMNS_MIN = 12, COLUMNS_MAX = BATCH_TABLE_NUMBERS };

/* One printed line: `older` or `more`, and `all`, have a word where a batch has its id. */
struct printed {
    const char *id, *state, *source;
    const uint64_t *numbers;
};

/* A column of the table adds up numbers of a batch: a set of their indices. */
struct column {
    const char *name;
    unsigned numbers;
};

#define NUMBER(state) (1U << (3 + JOB_##state))

static const struct column wide[COLUMNS_MAX] = {
    {"ROWS", 1},
    {"REJECTED", 2},
    {"DISCARDED", 4},
    {"PENDING", NUMBER(PENDING)},
    {"SENDING", NUMBER(SENDING)},
    {"UNKNOWN", NUMBER(UNKNOWN)},
    {"APPLIED", NUMBER(APPLIED)},
    {"UNCHANGED", NUMBER(UNCHANGED)},
    {"CONFLICT", NUMBER(CONFLICT)},
    {"REFUSED", NUMBER(REFUSED)},
    {"FAILED", NUMBER(FAILED)},
    {"DISMISSED", NUMBER(DISMISSED)},
    {"CANCELLED", NUMBER(CANCELLED)},
};

/* For a terminal that has no room for all of them. */
static const struct column narrow[COLUMNS_MAX] = {
    {"ROWS", 1},
    {"REJECTED", 2},
    {"DISCARDED", 4},
    {"LEFT", NUMBER(PENDING) | NUMBER(SENDING) | NUMBER(UNKNOWN)},
    {"SETTLED", NUMBER(APPLIED) | NUMBER(UNCHANGED) | NUMBER(DISMISSED) | NUMBER(CANCELLED)},
    {"CONFLICT", NUMBER(CONFLICT)},
    {"FAILED", NUMBER(REFUSED) | NUMBER(FAILED)},
};

/* The columns that are shown, and how wide each is. */
struct layout {
    const struct column *columns;
    int id_width, state_width, used;
    int widths[COLUMNS_MAX]; /* 0: not shown */
    unsigned source_columns; /* 0: no limit */
};

static uint64_t value_of(const struct column *column, const uint64_t *numbers)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++)
        if (column->numbers & 1U << i)
            value += numbers[i];
    return value;
}

void batch_table_release(struct batch_table *table)
{
    for (unsigned i = 0; i < table->shown; i++)
        free(table->lines[i].source);
    *table = (struct batch_table){0};
}

/* Takes out a line that is shown no longer. */
static void sum_up(struct batch_table *table, unsigned index)
{
    struct batch_line *line = &table->lines[index];

    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++)
        table->summed[i] += line->numbers[i];
    if (line->id > table->last_summed_id)
        table->last_summed_id = line->id;
    free(line->source);
    table->shown--;
    memmove(line, line + 1, (table->shown - index) * sizeof *line);
}

/* The oldest that has ended, or else the oldest. */
static unsigned least_wanted(const struct batch_table *table)
{
    for (unsigned i = 0; i < table->shown; i++)
        if (table->lines[i].ended)
            return i;
    return 0;
}

void batch_table_add(struct batch_table *table, const struct batch_counts *batch)
{
    struct batch_line *line;

    if (table->shown == (table->limit ? table->limit : BATCH_TABLE_LINES))
        sum_up(table, least_wanted(table));
    line = &table->lines[table->shown++];
    *line = (struct batch_line){
        .id = batch->id,
        .ended = strcmp(batch->state, "done") == 0 || strcmp(batch->state, "refused") == 0,
        .source = mem_strdup(batch->source),
    };
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

static struct layout lay_out_columns(const struct batch_table *table, const struct column *columns)
{
    struct layout layout = {.columns = columns, .id_width = 5, .state_width = 5};

    for (unsigned i = 0; i < table->shown; i++) {
        layout.id_width =
            larger(layout.id_width, snprintf(NULL, 0, "%" PRId64, table->lines[i].id));
        layout.state_width = larger(layout.state_width, (int)strlen(table->lines[i].state));
    }
    layout.used = 2 + layout.id_width + 2 + layout.state_width;
    for (unsigned i = 0; i < COLUMNS_MAX && columns[i].name; i++) {
        uint64_t all = value_of(&columns[i], table->all);

        if (i > 0 && all == 0)
            continue;
        layout.widths[i] = larger((int)strlen(columns[i].name), snprintf(NULL, 0, "%" PRIu64, all));
        layout.used += 2 + layout.widths[i];
    }
    layout.used += 2;
    return layout;
}

static struct layout lay_out(const struct batch_table *table, unsigned columns)
{
    struct layout layout = lay_out_columns(table, wide);

    if (columns == 0)
        return layout;
    if ((unsigned)layout.used + SOURCE_COLUMNS_MIN > columns)
        layout = lay_out_columns(table, narrow);
    layout.source_columns = (unsigned)larger((int)columns - layout.used, SOURCE_COLUMNS_MIN);
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
    for (unsigned i = 0; i < COLUMNS_MAX; i++) {
        uint64_t value = value_of(&layout->columns[i], line->numbers);

        if (!layout->widths[i])
            continue;
        if (value)
            buf_printf(out, "  %*" PRIu64, layout->widths[i], value);
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

static void print_head(const struct layout *layout, struct buf *out)
{
    buf_printf(out, "  %*s  %-*s", layout->id_width, "BATCH", layout->state_width, "STATE");
    for (unsigned i = 0; i < COLUMNS_MAX; i++)
        if (layout->widths[i])
            buf_printf(out, "  %*s", layout->widths[i], layout->columns[i].name);
    buf_append_text(out, "  FILE\n");
}

/* Older than what is shown, or some of them newer than a batch that has not ended. */
static void print_summed(const struct layout *layout, const struct batch_table *table,
                         struct buf *out)
{
    const char *word = table->last_summed_id < table->lines[0].id ? "older" : "more";
    char text[48];

    snprintf(text, sizeof text, "%" PRIu64 " %s", table->count - table->shown, word);
    print_line(layout, &(struct printed){"", word, text, table->summed}, out);
}

void batch_table_print(const struct batch_table *table, unsigned columns, struct buf *out)
{
    struct layout layout = lay_out(table, columns);
    char id[24];

    print_head(&layout, out);
    if (table->count > table->shown)
        print_summed(&layout, table, out);
    for (unsigned i = 0; i < table->shown; i++) {
        const struct batch_line *line = &table->lines[i];

        snprintf(id, sizeof id, "%" PRId64, line->id);
        print_line(&layout, &(struct printed){id, line->state, line->source, line->numbers}, out);
    }
    if (table->count > 1)
        print_line(&layout, &(struct printed){"all", "", "", table->all}, out);
}

void batch_members(const struct batch_counts *batch, struct buf *line)
{
    json_line_count(line, "batch", (uint64_t)batch->id);
    json_line_text(line, "source", span_of(batch->source));
    json_line_text(line, "schema", span_of(batch->schema));
    json_line_text(line, "state", span_of(batch->state));
    json_line_text(line, "reason", *batch->reason ? span_of(batch->reason) : (struct span){0});
    json_line_count(line, "rows_read", batch->rows_read);
    json_line_count(line, "rows_rejected", batch->rows_rejected);
    json_line_count(line, "rows_discarded", batch->rows_discarded);
    json_line_count(line, "jobs", batch->jobs);
    for (unsigned state = 0; state < JOB_STATES; state++)
        json_line_count(line, job_state_name((enum job_state)state), batch->by_state[state]);
    json_line_time(line, "created", batch->created_ms);
    json_line_time(line, "finished", batch->finished_ms);
    json_line_time(line, "pruned", batch->pruned_ms);
}
