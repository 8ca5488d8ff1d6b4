#include "core/row/reader.h"

#include "core/base/mem.h"
#include "core/row/csv.h"
#include "core/row/ndjson.h"
#include "core/row/source.h"

#include <errno.h>
#include <stdlib.h>

struct reader {
    enum row_format format;
    uint32_t rows;
    struct source source;
    struct csv csv;
    struct ndjson ndjson;
};

static bool start(struct reader *reader, int fd, const char *name, const struct row_shape *shape,
                  struct err *err)
{
    const struct row_dialect *dialect = &shape->dialect;
    struct source_kind kind = {.row_max = dialect->row_max ? dialect->row_max : ROW_SIZE_MAX};

    if (reader->format == ROW_FORMAT_CSV) {
        kind.utf8 = true;
        kind.encoding = dialect->encoding;
        kind.forced = dialect->encoding_forced;
        kind.delimiter = dialect->delimiter;
        /* a cell that can be longer than a row needs room for the rest of its row */
        if (dialect->cell_size_max > kind.row_max)
            kind.row_max += dialect->cell_size_max;
    }
    if (!source_init(&reader->source, fd, name, &kind, err))
        return false;
    return reader->format == ROW_FORMAT_NDJSON
               ? ndjson_init(&reader->ndjson, &reader->source, shape, err)
               : csv_init(&reader->csv, &reader->source, shape, err);
}

struct reader *reader_open(int fd, const char *name, enum row_format format,
                           const struct row_shape *shape, struct err *err)
{
    struct reader *reader;

    if (format == ROW_FORMAT_NONE) {
        err_set(err, ERR_INTERNAL, "%s: no format to read it by", name);
        return NULL;
    }
    reader = mem_calloc(1, sizeof *reader);
    reader->format = format;
    if (start(reader, fd, name, shape, err))
        return reader;
    reader_close(reader);
    return NULL;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    csv_release(&reader->csv);
    ndjson_release(&reader->ndjson);
    source_release(&reader->source);
    free(reader);
}

enum row_step reader_next(struct reader *reader, struct row *row, struct violations *violations,
                          struct err *err)
{
    enum row_step step;

    if (reader->format == ROW_FORMAT_CSV)
        step = csv_next(&reader->csv, &reader->source, row, violations, err);
    else
        step = ndjson_next(&reader->ndjson, &reader->source, row, violations, err);
    if (step != ROW_STEP_ROW)
        return step;
    if (reader->rows == ROW_COUNT_MAX) {
        err_set(err, ERR_INPUT, "%s: line %llu: more than %d rows; split the file",
                reader->source.name, (unsigned long long)row->line_no, ROW_COUNT_MAX);
        return ROW_STEP_ERROR;
    }
    row->row_no = ++reader->rows;
    return ROW_STEP_ROW;
}

void reader_position(struct reader *reader, struct reader_position *position)
{
    position->bytes = reader->source.bytes;
    position->lines = reader->source.lines;
    position->rows = reader->rows;
    source_hash(&reader->source, position->hash);
}

/* Reads the rows before a position again, since later rows depend on them: on the cell that a short
 * row left open, and on what they show of the encoding. */
static bool skip_rows(struct reader *reader, uint64_t bytes, struct err *err)
{
    struct violations violations = {0};
    enum row_step step = ROW_STEP_ROW;
    struct row row;

    while (step == ROW_STEP_ROW && reader->source.bytes < bytes)
        step = csv_next(&reader->csv, &reader->source, &row, &violations, err);
    violations_release(&violations);
    return step != ROW_STEP_ERROR && source_skip_to(&reader->source, bytes, err);
}

static bool skip_to(struct reader *reader, const struct reader_position *position, struct err *err)
{
    if (reader->format != ROW_FORMAT_CSV)
        return ndjson_skip_to(&reader->ndjson, &reader->source, position->bytes, err);
    if (position->rows)
        return skip_rows(reader, position->bytes, err);
    return source_skip_to(&reader->source, position->bytes, err);
}

bool reader_resume(struct reader *reader, const struct reader_position *position, struct err *err)
{
    struct source *source = &reader->source;
    char hash[INPUT_HASH_SIZE];

    if (source->bytes > position->bytes)
        return err_set(err, ERR_INPUT, "%s: its header row has changed", source->name);
    if (!skip_to(reader, position, err))
        return false;
    source_hash(source, hash);
    if (strcmp(hash, position->hash) != 0)
        return err_set(err, ERR_INPUT, "%s: its first %llu bytes have changed", source->name,
                       (unsigned long long)position->bytes);
    source->lines = position->lines;
    reader->rows = position->rows;
    return true;
}

void reader_file(struct reader *reader, char hash[33], uint64_t *bytes)
{
    source_file(&reader->source, hash, bytes);
}

bool reader_is_compressed(const struct reader *reader)
{
    return input_is_compressed(reader->source.input);
}

const char *reader_detected_delimiter(const struct reader *reader,
                                      char out[DIALECT_DELIMITER_NAME_SIZE])
{
    bool worth_saying = reader->csv.delimiter_detected && reader->csv.delimiter != ',';

    return worth_saying ? dialect_delimiter_name(reader->csv.delimiter, out) : NULL;
}

uint64_t reader_footer(const struct reader *reader, uint64_t *first)
{
    *first = reader->csv.lines.footer_first;
    return *first ? reader->csv.lines.footer_lines : 0;
}

bool reader_ctrl_z_dropped(const struct reader *reader)
{
    return reader->source.ctrl_z_taken;
}

enum row_encoding reader_encoding_doubtful(const struct reader *reader)
{
    return source_doubtful(&reader->source) ? reader->source.encoding : ROW_ENCODING_NONE;
}

bool reader_version_ignored(const struct reader *reader)
{
    return reader->csv.row.version_ignored || reader->ndjson.version_ignored;
}

bool reader_outcome_ignored(const struct reader *reader)
{
    return reader->ndjson.outcome_ignored || csv_has_outcome(&reader->csv);
}

bool reader_undoes(const struct reader *reader)
{
    return reader->ndjson.undoes;
}

struct span reader_header(const struct reader *reader)
{
    return buf_span(&reader->csv.lines.header);
}

bool reader_fingerprint(int fd, char hash[33], uint64_t *size, struct err *err)
{
    enum { BLOCK = 64 << 10 };
    XXH3_state_t *state = XXH3_createState();
    char *block = mem_resize(NULL, 1, BLOCK);
    ssize_t got;

    if (!state)
        abort(); /* out of memory, as in mem_ */
    XXH3_128bits_reset(state);
    *size = 0;
    while ((got = input_read_fd(fd, block, BLOCK)) > 0) {
        XXH3_128bits_update(state, block, (size_t)got);
        *size += (uint64_t)got;
    }
    if (got < 0)
        err_set(err, ERR_INPUT, "read: %s", strerror(errno));
    else
        input_hash_text(state, hash);
    free(block);
    XXH3_freeState(state);
    return got >= 0;
}
