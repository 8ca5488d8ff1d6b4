/* The header row: where it ends, what stands between its cells, what they name. */
#include "core/base/mem.h"
#include "core/row/csv.h"

#include <inttypes.h>
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
static bool refuse_header(const struct csv *csv, struct source *source, const char *fault,
                          struct err *err)
{
    uint64_t line_no = source->lines + 1;
    char other[SOURCE_FAULT_SIZE];
    struct buf hint = {0};
    struct span line;
    bool whole, taken;

    csv_hint_header(csv, source, &hint);
    taken = source_take_line(source, &line, &whole, other, err);
    if (taken)
        err_set(err, ERR_INPUT, "%s: line %llu: header row: %s%s%s", source->name,
                (unsigned long long)line_no, fault, hint.size ? "; " : "", buf_text(&hint));
    buf_release(&hint);
    return false;
}

static size_t trial_size(const struct trial *trial)
{
    return (size_t)(trial->lexer.at - trial->start.at);
}

static const char *describe_nul(const struct source *source, const struct trial *trial,
                                char text[CSV_DESCRIPTION_SIZE])
{
    struct span before = {trial->start.at, strnlen(trial->start.at, trial_size(trial))};
    uint64_t first = source->bytes + source_size(source, before);
    size_t count = 0;

    for (const char *at = trial->start.at; at < trial->lexer.at; at++)
        count += *at == '\0';
    snprintf(text, CSV_DESCRIPTION_SIZE,
             "holds %zu NUL byte%s, the first at byte %" PRIu64
             " of the file: was it cut off by a crash?",
             count, count == 1 ? "" : "s", first);
    return text;
}

static bool ends_in_two_returns(const struct trial *trial)
{
    return trial_size(trial) >= 3 && memcmp(trial->lexer.at - 3, "\r\r\n", 3) == 0;
}

/* Why the trial found no header row that can be read; NULL: it found one. */
static const char *trial_fault(const struct source *source, const struct trial *trial,
                               char text[CSV_DESCRIPTION_SIZE])
{
    if (trial_size(trial) > source->row_max) {
        snprintf(text, CSV_DESCRIPTION_SIZE, "longer than %zu bytes", source->row_max);
        return text;
    }
    if (trial->end == CSV_FAULT)
        return csv_describe(&trial->lexer, trial->count, text);
    if (trial->count > ROW_COLUMNS_MAX)
        return "more than 2000 columns";
    if (trial->lexer.has_nul)
        return describe_nul(source, trial, text);
    if (trial->lexer.has_return && ends_in_two_returns(trial))
        return "ends with CR CR LF: the line ends were converted twice; end lines with LF or CRLF";
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
            more |= trials[i].end == CSV_MORE && trial_size(&trials[i]) <= source->row_max;
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
    char first[DIALECT_DELIMITER_NAME_SIZE], second[DIALECT_DELIMITER_NAME_SIZE];

    return err_set(err, ERR_INPUT,
                   "%s: line %llu: the header row can be read with %s and with %s between cells; "
                   "declare \"csv\": {\"delimiter\": ...} under x-rowferry in the schema file, or "
                   "give --delimiter",
                   source->name, (unsigned long long)source->lines + 1,
                   dialect_delimiter_name(a->start.delimiter, first),
                   dialect_delimiter_name(b->start.delimiter, second));
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

/* header: in the window. */
static bool refuse_heading(const struct csv *csv, struct source *source,
                           const struct csv_heading *heading, struct span header, struct err *err)
{
    char name[DIALECT_DELIMITER_NAME_SIZE];
    bool told = csv->delimiter_told && csv->delimiter != ',';
    struct buf text = {0}, hint = {0};

    csv_heading_complain(heading, header, &text);
    if (csv_hint_header(csv, source, &hint))
        buf_printf(&text, "; %s", buf_text(&hint));
    if (source_seems_utf8(source, header.size))
        buf_printf(&text,
                   "; its bytes above 0x7f are UTF-8, but the schema file declares %s: take "
                   "\"encoding\" out of it if the export is UTF-8 now",
                   encoding_name(csv->shape->dialect.encoding));
    err_set(err, ERR_INPUT, "%s: line %llu: %s%s%s%s", source->name,
            (unsigned long long)source->lines + 1, told ? "with " : "",
            told ? dialect_delimiter_name(csv->delimiter, name) : "",
            told ? " between cells: " : "", buf_text(&text));
    buf_release(&text);
    buf_release(&hint);
    return false;
}

/* Takes the header row as the trial reads it. */
static bool take_header(struct csv *csv, struct source *source, struct trial *trial,
                        struct err *err)
{
    char text[CSV_DESCRIPTION_SIZE];
    const char *fault = trial_fault(source, trial, text);
    size_t size = trial_size(trial);

    csv->delimiter = trial->start.delimiter;
    if (fault)
        return refuse_header(csv, source, fault, err);
    if (source_holds_other(source, size))
        return source_refuse_byte(source, size, err);
    if (!csv_heading_fits(&trial->heading))
        return refuse_heading(csv, source, &trial->heading, (struct span){trial->start.at, size},
                              err);
    if (!source_take(source, size, trial->lexer.feeds + 1, err))
        return false;
    source->controls |= trial->lexer.has_control;
    buf_append_span(&csv->header, source_raw(source, size));
    csv->columns = trial->heading.columns;
    csv->column_count = trial->heading.column_count;
    trial->heading.columns = NULL;
    trial->heading.column_count = 0;
    return true;
}

static bool read_header(struct csv *csv, struct source *source, struct trial trials[CANDIDATES],
                        struct err *err)
{
    char declared = csv->delimiter_line ? csv->delimiter : csv->shape->dialect.delimiter;
    char text[CSV_DESCRIPTION_SIZE];
    size_t count = declared ? 1 : CANDIDATES;
    struct trial *chosen;

    csv->delimiter_told = !declared;
    if (!try_all(csv, source, declared ? &declared : candidates, count, trials, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!trial_fault(source, &trials[i], text))
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
        .screens_lines = dialect->comment.size || dialect->is_footer,
    };
    buf_append_span(&csv->header, source_mark(source));
    if (!csv_take_preamble(csv, source, err))
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
    buf_release(&csv->preamble);
    buf_release(&csv->fields);
    buf_release(&csv->tags);
    buf_release(&csv->record_id);
    buf_release(&csv->scratch);
    buf_release(&csv->formed);
    json_tape_release(&csv->tape);
    *csv = (struct csv){0};
}
