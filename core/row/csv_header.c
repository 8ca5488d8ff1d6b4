/* The header row: where it ends, what stands between its cells, what they name. */
#include "core/base/mem.h"
#include "core/row/csv.h"

#include <stdio.h>
#include <stdlib.h>

enum { CANDIDATES = 4 };

/* What may stand between cells; the first where nothing speaks for another. */
static const char candidates[CANDIDATES] = {',', ';', '\t', '|'};

/* The header row as it is when one candidate stands between cells. */
struct trial {
    struct csv_lexer start, lexer; /* before and behind it */
    enum csv_end end;
    size_t count; /* cells, up to where it ended */
    struct csv_heading heading;
};

/* A fault that leaves no header row. Bytes that are not UTF-8 in its first line explain it better.
 */
static bool refuse_header(struct source *source, const char *fault, struct err *err)
{
    uint64_t line_no = source->lines + 1;
    struct span line;
    bool whole;

    if (!source_take_line(source, &line, &whole, err))
        return false;
    return err_set(err, ERR_INPUT, "%s: line %llu: header row: %s", source->name,
                   (unsigned long long)line_no, fault);
}

static size_t trial_size(const struct trial *trial)
{
    return (size_t)(trial->lexer.at - trial->start.at);
}

/* Why the trial found no header row that can be read; NULL: it found one. */
static const char *trial_fault(const struct trial *trial, char text[CSV_DESCRIPTION_SIZE])
{
    if (trial_size(trial) > READER_ROW_MAX)
        return "longer than 1048576 bytes";
    if (trial->end == CSV_FAULT)
        return csv_describe(&trial->lexer, trial->count, text);
    if (trial->count > READER_COLUMNS_MAX)
        return "more than 2000 columns";
    if (trial->lexer.has_nul)
        return "holds a NUL byte";
    if (trial->lexer.has_return)
        return "holds a carriage return; end lines with LF or CRLF";
    return NULL;
}

static void try_delimiter(struct csv *csv, const struct source *source, char delimiter,
                          struct trial *trial)
{
    struct csv_cell cell;

    csv->delimiter = delimiter;
    *trial = (struct trial){.start = csv_lexer_start(csv, source)};
    trial->lexer = trial->start;
    do {
        trial->end = csv_lex(&trial->lexer, &cell);
        trial->count++;
    } while (trial->end == CSV_DELIMITER);
}

/* Brings the header row into the window as a whole, whatever stands between its cells. */
static bool try_all(struct csv *csv, struct source *source, const char *delimiter, size_t count,
                    struct trial *trials, struct err *err)
{
    for (;;) {
        bool more = false;

        for (size_t i = 0; i < count; i++) {
            try_delimiter(csv, source, delimiter[i], &trials[i]);
            more |= trials[i].end == CSV_MORE && trial_size(&trials[i]) <= READER_ROW_MAX;
        }
        if (!more)
            return true;
        if (!source_fill(source, err))
            return false;
    }
}

static bool refuse_ambiguous(const struct source *source, const struct trial *a,
                             const struct trial *b, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "%s: line %llu: the header row can be read with %s and with %s between cells; "
                   "declare \"csv\": {\"delimiter\": ...} under x-rowferry in the schema file, or "
                   "give --delimiter",
                   source->name, (unsigned long long)source->lines + 1,
                   dialect_delimiter_name(a->start.delimiter),
                   dialect_delimiter_name(b->start.delimiter));
}

/* The trial whose cells are all known, or else the one that comes closest to it. NULL: there are
 * two of the first kind. */
static struct trial *choose(struct source *source, struct trial *trials, size_t count,
                            struct err *err)
{
    struct trial *best = NULL, *fitting = NULL;

    for (size_t i = 0; i < count; i++) {
        struct trial *trial = &trials[i];

        if (!trial->heading.columns)
            continue;
        if (!best || trial->heading.column_count > best->heading.column_count)
            best = trial;
        if (!csv_heading_fits(&trial->heading))
            continue;
        /* a row of one cell is the same whatever stands between others */
        if (fitting && trial->count + fitting->count > 2) {
            refuse_ambiguous(source, fitting, trial, err);
            return NULL;
        }
        fitting = fitting ? fitting : trial;
    }
    if (fitting)
        return fitting;
    if (best && best->heading.column_count)
        return best;
    best = trials;
    for (size_t i = 1; i < count; i++)
        if (trials[i].count > best->count)
            best = &trials[i];
    return best;
}

static bool refuse_heading(const struct csv *csv, const struct csv_heading *heading,
                           struct span header, const char *name, uint64_t line_no, struct err *err)
{
    struct buf text = {0};

    csv_heading_complain(heading, header, &text);
    err_set(
        err, ERR_INPUT, "%s: line %llu: %s%s%s%s", name, (unsigned long long)line_no,
        csv->delimiter_told && csv->delimiter != ',' ? "with " : "",
        csv->delimiter_told && csv->delimiter != ',' ? dialect_delimiter_name(csv->delimiter) : "",
        csv->delimiter_told && csv->delimiter != ',' ? " between cells: " : "", buf_text(&text));
    buf_release(&text);
    return false;
}

/* Takes the header row as the trial reads it. */
static bool take_header(struct csv *csv, struct source *source, struct trial *trial,
                        struct err *err)
{
    uint64_t line_no = source->lines + 1;
    char text[CSV_DESCRIPTION_SIZE];
    const char *fault = trial_fault(trial, text);
    size_t size = trial_size(trial);
    struct span header;

    csv->delimiter = trial->start.delimiter;
    if (fault)
        return refuse_header(source, fault, err);
    if (!source_take(source, size, trial->lexer.feeds + 1, err))
        return false;
    buf_append_span(&csv->header, source_mark(source));
    buf_append_span(&csv->header, source_raw(source, size));
    header = (struct span){source->data + source->begin - size, size};
    if (!csv_heading_fits(&trial->heading))
        return refuse_heading(csv, &trial->heading, header, source->name, line_no, err);
    csv->columns = trial->heading.columns;
    csv->column_count = trial->heading.column_count;
    trial->heading.columns = NULL;
    trial->heading.column_count = 0;
    return true;
}

static bool read_header(struct csv *csv, struct source *source, struct trial trials[CANDIDATES],
                        struct err *err)
{
    char declared = csv->shape->dialect.delimiter, text[CSV_DESCRIPTION_SIZE];
    size_t count = declared ? 1 : CANDIDATES;
    struct trial *chosen;

    csv->delimiter_told = !declared;
    if (!try_all(csv, source, declared ? &declared : candidates, count, trials, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!trial_fault(&trials[i], text))
            csv_heading_read(&trials[i].heading, csv->shape, trials[i].start, trials[i].count);
    chosen = choose(source, trials, count, err);
    return chosen && take_header(csv, source, chosen, err);
}

bool csv_init(struct csv *csv, struct source *source, const struct row_shape *shape,
              struct err *err)
{
    const struct row_dialect *dialect = &shape->dialect;
    struct trial trials[CANDIDATES] = {0};
    bool done;

    *csv = (struct csv){
        .shape = shape,
        .cell_size_max = dialect->cell_size_max ? dialect->cell_size_max : DIALECT_CELL_SIZE,
        .cell_lines_max = dialect->cell_lines_max ? dialect->cell_lines_max : DIALECT_CELL_LINES,
    };
    if (!csv_skip_blank(source, err))
        return false;
    if (source->begin == source->end)
        return err_set(err, ERR_INPUT, "%s: there is no header row, only blank lines",
                       source->name);
    done = read_header(csv, source, trials, err);
    for (size_t i = 0; i < CANDIDATES; i++)
        csv_heading_release(&trials[i].heading);
    return done;
}

void csv_release(struct csv *csv)
{
    csv_columns_release(csv->columns, csv->column_count);
    free(csv->columns);
    buf_release(&csv->header);
    buf_release(&csv->fields);
    buf_release(&csv->tags);
    buf_release(&csv->record_id);
    buf_release(&csv->scratch);
    buf_release(&csv->formed);
    json_tape_release(&csv->tape);
    *csv = (struct csv){0};
}
