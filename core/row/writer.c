#include "core/row/writer.h"

#include "core/base/mem.h"
#include "core/row/encoding.h"
#include "core/row/parts.h"

#include <inttypes.h>
#include <stdlib.h>

struct writer {
    const struct writer_options *options;
    struct csv_writer csv;
    struct recoder *decoder; /* of raw bytes; NULL: they are UTF-8 */
    struct json_tape tape;
    struct buf raw, shown[OUTCOME_PARTS];
};

/* Opens the conversion of raw bytes, if they are not UTF-8. A header row in UTF-16 begins with its
 * byte order mark. */
static bool open_decoder(struct writer *writer, struct err *err)
{
    const struct writer_options *options = writer->options;
    enum row_encoding encoding = ROW_ENCODING_NONE;
    bool big_endian = false;

    if (options->source == ROW_FORMAT_CSV) {
        encoding = options->shape->dialect.encoding;
        big_endian = span_starts(options->header, span_of("\xFE\xFF"));
        if (big_endian || span_starts(options->header, span_of("\xFF\xFE")))
            encoding = ROW_ENCODING_UTF_16;
    }
    if (encoding <= ROW_ENCODING_UTF_8)
        return true;
    writer->decoder = recode_from(encoding, big_endian, err);
    return writer->decoder != NULL;
}

struct writer *writer_open(const struct writer_options *options, struct err *err)
{
    struct writer *writer = mem_calloc(1, sizeof *writer);

    writer->options = options;
    if (open_decoder(writer, err) &&
        (options->format != ROW_FORMAT_CSV || csv_writer_init(&writer->csv, options, err)))
        return writer;
    writer_close(writer);
    return NULL;
}

void writer_close(struct writer *writer)
{
    if (!writer)
        return;
    csv_writer_release(&writer->csv);
    recode_close(writer->decoder);
    json_tape_release(&writer->tape);
    buf_release(&writer->raw);
    for (size_t i = 0; i < OUTCOME_PARTS; i++)
        buf_release(&writer->shown[i]);
    free(writer);
}

void writer_begin(struct writer *writer, struct buf *out)
{
    if (writer->options->format == ROW_FORMAT_CSV)
        csv_writer_begin(&writer->csv, out);
}

/* --- one line --- */

static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || (unsigned char)text.data[i] >= 0x7F)
            return false;
    return text.size <= WRITER_RAW_MAX;
}

/* Returns the text as a single line of UTF-8: control characters become blanks, and it is cut at
 * WRITER_RAW_MAX bytes. */
static struct span one_line(struct span text, struct buf *shown)
{
    if (is_plain(text))
        return text;
    buf_reset(shown);
    while (text.size && shown->size < WRITER_RAW_MAX) {
        unsigned char byte = (unsigned char)text.data[0];
        size_t size = 1;

        while (byte >= 0xC0 && size < text.size && ((unsigned char)text.data[size] & 0xC0) == 0x80)
            size++;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7F)
            buf_append_char(shown, ' ');
        else if (str_utf8_valid((struct span){text.data, size}) == size)
            buf_append(shown, text.data, size);
        else
            buf_append_text(shown, "\xEF\xBF\xBD");
        text = span_from(text, size);
    }
    return buf_span(shown);
}

static struct outcome shown_outcome(struct writer *writer, const struct outcome *outcome)
{
    struct outcome shown = *outcome;

    for (size_t i = 0; i < OUTCOME_PARTS; i++)
        if (shown.parts[i].data)
            shown.parts[i] = one_line(shown.parts[i], &writer->shown[i]);
    return shown;
}

/* --- NDJSON --- */

/* Writes the member "outcome" and the end of its line. between: what comes before it. */
static void put_outcome(const struct outcome *outcome, const char *between, struct buf *out)
{
    const char *comma = "{\"";

    buf_append_text(out, between);
    buf_append_text(out, "\"outcome\": ");
    for (size_t i = 0; i < OUTCOME_PARTS; i++) {
        if (!outcome->parts[i].data)
            continue;
        buf_append_text(out, comma);
        buf_append_text(out, outcome_names[i].member);
        buf_append_text(out, "\": ");
        if (outcome_names[i].is_number)
            buf_append_span(out, outcome->parts[i]);
        else
            buf_append_quoted(out, outcome->parts[i]);
        comma = ", \"";
    }
    buf_append_text(out, "}}\n");
}

/* Writes a line up to its fields. */
static void put_fields(const char *opening, const struct row_shape *shape, const struct row *row,
                       struct buf *out)
{
    static const struct row_shape plain;
    struct buf scratch = {0};

    shape = shape ? shape : &plain;
    buf_append_text(out, opening);
    if (row->is_undo)
        buf_append_text(out, "\"undo\": true, ");
    buf_append_text(out, "\"recordId\": ");
    buf_append_quoted(out, parts_pick(shape, row->record_id, shape->part_count, &scratch));
    for (size_t i = 0; i < shape->part_count; i++) {
        buf_append_text(out, ", ");
        buf_append_quoted(out, shape->parts[i]);
        buf_append_text(out, ": ");
        buf_append_quoted(out, parts_pick(shape, row->record_id, i, &scratch));
    }
    buf_release(&scratch);
    if (row->has_version)
        buf_printf(out, ", \"version\": %" PRId64, row->version);
    buf_append_text(out, ", \"fields\": ");
    buf_append_json_text(out, row->fields);
}

void writer_undo(const char *opening, const struct row_shape *shape, const struct row *row,
                 struct buf *out)
{
    put_fields(opening, shape, row, out);
    buf_append_text(out, "}\n");
}

static void put_job(const struct writer *writer, const struct row *row,
                    const struct outcome *outcome, struct buf *out)
{
    put_fields(writer->options->opening, writer->options->shape, row, out);
    if (row->tags.size) {
        buf_append_text(out, ", \"tags\": ");
        buf_append_span(out, row->tags);
    }
    put_outcome(outcome, ", ", out);
}

/* Writes the members of an object as they are, without the outcome of an earlier export. *between:
 * what the next member needs before it. False: the line is not an object, and out is unchanged. */
static bool put_members(struct writer *writer, struct span line, const char **between,
                        struct buf *out)
{
    struct json_tape *tape = &writer->tape;
    struct json_fault fault;
    size_t before = out->size;

    tape->count = 0;
    *between = "";
    if (line.size && line.data[0] == '\x1E') /* before a text of a JSON sequence (RFC 7464) */
        line = span_from(line, 1);
    if (!json_scan(tape, line, 0, &fault) || tape->tokens[0].kind != JSON_OBJECT)
        return false;
    buf_append_text(out, writer->options->opening);
    for (uint32_t i = 1; i < tape->count; i = tape->tokens[i + 1].next) {
        const struct json_token *name = &tape->tokens[i], *value = name + 1;
        size_t start = name->start - 1,
               end = value->start + value->size + (value->kind == JSON_STRING);

        if (span_is(json_string(name, line.data, &writer->raw), "outcome")) {
            if (value->kind == JSON_OBJECT)
                continue;
            out->size = before; /* one of the faults of the line */
            return false;
        }
        buf_append_text(out, *between);
        buf_append(out, line.data + start, end - start);
        *between = ", ";
    }
    return true;
}

/* Writes a row that cannot be split, without fields, so that it is rejected when it is read. */
static void put_whole(const struct writer *writer, const struct row *row,
                      const struct outcome *outcome, struct buf *out)
{
    buf_append_text(out, writer->options->opening);
    if (row->record_id.size) {
        buf_append_text(out, "\"recordId\": ");
        buf_append_quoted(out, row->record_id);
    }
    put_outcome(outcome, row->record_id.size ? ", " : "", out);
}

/* --- both --- */

bool writer_job(struct writer *writer, const struct row *row, const struct outcome *outcome,
                struct buf *out, struct err *err)
{
    struct outcome shown = shown_outcome(writer, outcome);

    if (writer->options->format == ROW_FORMAT_CSV)
        return csv_writer_job(&writer->csv, row, &shown, out, err);
    put_job(writer, row, &shown, out);
    return true;
}

/* Removes the line end. A single carriage return at the end is a fault of the row, and is kept. */
static struct span without_end(struct span text)
{
    if (text.size && text.data[text.size - 1] == '\n')
        text.size -= text.size > 1 && text.data[text.size - 2] == '\r' ? 2 : 1;
    return text;
}

void writer_rejected(struct writer *writer, const struct row *row, const struct outcome *outcome,
                     struct buf *out)
{
    struct outcome shown = shown_outcome(writer, outcome);
    struct buf decoded = {0};
    struct span text = row->raw;
    const char *between;

    if (writer->decoder) {
        recode(writer->decoder, row->raw, "\xEF\xBF\xBD", &decoded);
        text = buf_span(&decoded);
    }
    text = without_end(text);
    shown.parts[OUTCOME_RAW] = one_line(text, &writer->shown[OUTCOME_RAW]);
    if (writer->options->format == ROW_FORMAT_CSV) {
        csv_writer_rejected(&writer->csv, text, &shown, out);
    } else if (writer->options->source == ROW_FORMAT_NDJSON &&
               put_members(writer, text, &between, out)) {
        shown.parts[OUTCOME_RAW] = (struct span){0};
        put_outcome(&shown, between, out);
    } else {
        put_whole(writer, row, &shown, out);
    }
    buf_release(&decoded);
}
