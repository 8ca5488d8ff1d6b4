#include "core/row/csv.h"

#include "core/row/row_check.h"

struct csv_lexer csv_lexer_start(const struct csv *csv, const struct source *source)
{
    return (struct csv_lexer){.at = source->data + source->begin,
                              .end = source->data + source->end,
                              .ended = source->ended,
                              .delimiter = csv->delimiter,
                              .cell_size_max = csv->cell_size_max,
                              .cell_lines_max = csv->cell_lines_max};
}

/* Size of the blank line at the beginning of the window; 0: it is not blank, or not there whole. */
static size_t blank_size(const struct source *source)
{
    const char *at = source->data + source->begin, *end = source->data + source->end;

    if (at < end && *at == '\n')
        return 1;
    if (at == end || *at != '\r' || at[1] != '\n')
        return 0;
    /* a line feed at `end` is the window's own */
    return at + 1 < end ? 2 : source->ended;
}

bool csv_skip_blank(struct source *source, struct err *err)
{
    for (;;) {
        size_t size = blank_size(source), left = source->end - source->begin;

        if (size && !source_take(source, size, 1, err))
            return false;
        if (size)
            continue;
        if (source->ended || (left && source->data[source->begin] != '\r') || left > 1)
            return true;
        if (!source_fill(source, err))
            return false;
    }
}

/* One try at the row that begins the window. count: cells, up to where it ended. */
static enum csv_end read_cells(struct csv *csv, struct csv_lexer *lexer, struct row *row,
                               struct violations *violations, size_t *count)
{
    struct csv_cell cell;
    enum csv_end end;
    size_t number = 0;

    csv_row_begin(csv, row);
    violations_reset(violations);
    do {
        end = csv_lex(lexer, &cell);
        if (number < csv->column_count && end <= CSV_LINE_END)
            csv_put(csv, &csv->columns[number], &cell, row, violations);
        number++;
    } while (end == CSV_DELIMITER);
    *count = number;
    return end;
}

/* Leaves nothing of a row whose form is wrong but its record id, where that is one. */
static void strip(struct csv *csv, struct row *row, struct violations *violations)
{
    char text[ROW_FAULT_SIZE];

    violations_reset(violations);
    if (row_record_id_fault(row->record_id, text)) {
        row->record_id = (struct span){0};
    } else if (row->record_id.data != csv->record_id.data) {
        /* it stands in the window, which may move */
        buf_reset(&csv->record_id);
        buf_append_span(&csv->record_id, row->record_id);
        row->record_id = buf_span(&csv->record_id);
    }
    row->has_version = false;
    row->version = 0;
    row->tags = (struct span){0};
    row->fields = (struct span){0};
    row->tape = (struct json_tape){0};
}

/* Rejects the physical line at the beginning of the window, so that a quote that never closes does
 * not swallow the good rows behind it: reading goes on at the next line. */
static enum reader_step reject_line(struct csv *csv, struct source *source, const char *fault,
                                    struct row *row, struct violations *violations, struct err *err)
{
    bool whole;

    strip(csv, row, violations);
    row->line_no = source->lines + 1;
    if (!source_take_line(source, &row->raw, &whole, err))
        return READER_ERROR;
    if (fault)
        row_refuse(violations, "%s", fault);
    if (!whole)
        row_refuse_length(source->row_max, violations);
    else if (!fault)
        row_refuse(violations,
                   "the row that begins here is longer than %zu bytes; "
                   "is a closing quote missing?",
                   source->row_max);
    return READER_ROW;
}

/* A row that reached its end. */
static enum reader_step finish_row(struct csv *csv, struct source *source,
                                   const struct csv_lexer *lexer, size_t count, struct row *row,
                                   struct violations *violations, struct err *err)
{
    size_t size = (size_t)(lexer->at - (source->data + source->begin));

    row->line_no = source->lines + 1;
    if (!source_take(source, size, lexer->feeds + 1, err))
        return READER_ERROR;
    row->raw = source_raw(source, size);
    if (count != csv->column_count) {
        strip(csv, row, violations);
        row_refuse(violations, "%zu cell%s, but the header row has %zu", count,
                   count == 1 ? "" : "s", csv->column_count);
        return READER_ROW;
    }
    csv_row_end(csv, row, violations);
    if (lexer->has_nul)
        row_refuse(violations, "holds a NUL byte");
    if (lexer->has_return)
        row_refuse(violations, "holds a carriage return that ends no line, outside quotes");
    return READER_ROW;
}

enum reader_step csv_next(struct csv *csv, struct source *source, struct row *row,
                          struct violations *violations, struct err *err)
{
    char text[CSV_DESCRIPTION_SIZE];

    if (!csv_skip_blank(source, err))
        return READER_ERROR;
    if (source->begin == source->end)
        return READER_END;
    for (;;) {
        struct csv_lexer lexer = csv_lexer_start(csv, source);
        size_t count;
        enum csv_end end = read_cells(csv, &lexer, row, violations, &count);
        size_t size = (size_t)(lexer.at - (source->data + source->begin));

        if (size > source->row_max)
            return reject_line(csv, source, NULL, row, violations, err);
        if (end == CSV_FAULT)
            return reject_line(csv, source, csv_describe(&lexer, count, text), row, violations,
                               err);
        if (end == CSV_LINE_END)
            return finish_row(csv, source, &lexer, count, row, violations, err);
        if (!source_fill(source, err))
            return READER_ERROR;
    }
}
