#include "tests/fuzz/reading.h"

#include "core/row/source.h"
#include "core/row/writer.h"
#include "tests/fuzz/feed.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/rows.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    STRETCHES_MAX = 4,
    CHUNKS_MAX = 24, /* of one reading */
};

/* A pass over the file. */
struct pass {
    const struct reading *reading;
    struct span file;    /* its bytes */
    struct span content; /* its content; data NULL: it is compressed and can be damaged */
    size_t unit;         /* bytes of a code unit: 2 in UTF-16 */
    bool big_endian;
    struct reader *reader;
    struct reader_position before, now; /* around the current row */
    uint64_t line_feeds;                /* before before.bytes */
    struct buf dump;
    bool complete; /* ROW_STEP_END was reached */
    /* at resume_rows */
    struct reader_position middle;
    size_t middle_dump;
    bool has_middle;
};

static unsigned unit_at(const struct pass *pass, size_t at)
{
    const unsigned char *bytes = (const unsigned char *)pass->content.data + at;

    if (at + pass->unit > pass->content.size)
        return 0;
    if (pass->unit == 1)
        return bytes[0];
    return pass->big_endian ? bytes[0] * 256U + bytes[1] : bytes[1] * 256U + bytes[0];
}

/* Counts line feeds. memchr skips long runs: this is called for every byte of the file. */
static uint64_t count_feeds(const struct pass *pass, size_t from, size_t to)
{
    uint64_t feeds = 0;

    while (from < to) {
        const char *feed = memchr(pass->content.data + from, '\n', to - from);
        size_t at = feed ? (size_t)(feed - pass->content.data) : to;

        at -= at % pass->unit;
        feeds += feed && unit_at(pass, at) == '\n';
        from = at + pass->unit;
    }
    return feeds;
}

/* Returns where the text ends: before a Ctrl-Z, which is not part of it. */
static size_t end_of(const struct pass *pass)
{
    size_t size = pass->content.size;

    return size >= pass->unit && unit_at(pass, size - pass->unit) == 0x1A ? size - pass->unit
                                                                          : size;
}

static bool at_comment(const struct pass *pass, size_t at)
{
    struct span comment = pass->reading->shape->dialect.comment;

    if (!comment.size || pass->reading->format != ROW_FORMAT_CSV ||
        at + comment.size * pass->unit > end_of(pass))
        return false;
    for (size_t i = 0; i < comment.size; i++)
        if (unit_at(pass, at + i * pass->unit) != (unsigned char)comment.data[i])
            return false;
    return true;
}

/* Counts the record separators (RFC 7464) at an offset of an NDJSON file. */
static size_t separators_at(const struct pass *pass, size_t at)
{
    size_t count = 0;

    if (pass->reading->format == ROW_FORMAT_CSV)
        return 0;
    while (unit_at(pass, at + count) == 0x1E)
        count++;
    return count;
}

/* Returns the offset after the blank lines and comments that begin at an offset. */
static size_t skip_blank(const struct pass *pass, size_t at)
{
    size_t end = end_of(pass);

    while (at < end) {
        size_t feed = at + separators_at(pass, at);

        feed += unit_at(pass, feed) == '\r' ? pass->unit : 0;

        if (at_comment(pass, at))
            while (feed < end && unit_at(pass, feed) != '\n')
                feed += pass->unit;
        if (feed < end && unit_at(pass, feed) != '\n')
            break;
        at = feed < end ? feed + pass->unit : feed;
    }
    return at;
}

static bool is_cut(const struct violations *violations)
{
    static const char cut[] = "is longer than ";

    for (size_t i = 0; i < violations->count; i++) {
        struct span message = violation_message(violations, i);

        if (span_is(violation_rule(violations, i), "row") && message.size >= sizeof cut - 1 &&
            memcmp(message.data, cut, sizeof cut - 1) == 0)
            return true;
    }
    return false;
}

static void check_place(const struct pass *pass, const struct row *row,
                        const struct violations *violations)
{
    size_t start = skip_blank(pass, pass->before.bytes);
    struct span bytes = {pass->content.data + start, row->raw.size};

    fuzz_must(row->raw.size > 0 && start + row->raw.size <= pass->content.size,
              "a row has bytes of the file");
    fuzz_must(span_equal(row->raw, bytes), "raw is what is in the file");
    if (is_cut(violations))
        fuzz_must(start + row->raw.size < pass->now.bytes, "a row that was cut is longer than raw");
    else
        fuzz_must(start + row->raw.size == pass->now.bytes,
                  "a row ends at the position of the reader");
    fuzz_must(row->line_no == pass->line_feeds + count_feeds(pass, pass->before.bytes, start) + 1,
              "line_no is that of the row's first byte");
}

static void check_position(struct pass *pass)
{
    bool unfinished;
    size_t end;

    fuzz_must(pass->now.bytes <= pass->content.size, "a position is within the file");
    pass->line_feeds += count_feeds(pass, pass->before.bytes, pass->now.bytes);
    end = end_of(pass);
    unfinished =
        pass->now.bytes >= end && end >= pass->unit && unit_at(pass, end - pass->unit) != '\n';
    /* at the end, a Ctrl-Z is a line of its own */
    fuzz_must(pass->now.lines == pass->line_feeds + unfinished + (pass->now.bytes > end),
              "a position counts line ends");
}

static void check_row(const struct pass *pass, const struct row *row,
                      const struct violations *violations)
{
    char text[ROW_FAULT_SIZE];

    fuzz_must(row->row_no == pass->before.rows + 1 && row->row_no == pass->now.rows,
              "rows are numbered one by one");
    fuzz_must(rows_tape_fits(row), "the tape is that of the fields");
    for (size_t i = 0; i < violations->count; i++) {
        struct span message = violation_message(violations, i);

        fuzz_must(message.size && str_utf8_valid(message) == message.size,
                  "a violation says something, in UTF-8");
    }
    if (violations->count)
        return;
    fuzz_must(row->fields.size >= 2 && row->tape.count, "a good row has fields");
    fuzz_must(!row_record_id_fault(row->record_id, text), "a good row has a good record id");
    fuzz_must(row->has_version || !pass->reading->shape->version_required,
              "a good row has a version");
    fuzz_must(row->version >= 0, "a version is not negative");
}

static void check_hash(struct span bytes, const char *hash)
{
    XXH3_state_t *state = XXH3_createState();
    char expected[INPUT_HASH_SIZE];

    fuzz_must(state != NULL, "there is memory");
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, bytes.data, bytes.size);
    input_hash_text(state, expected);
    XXH3_freeState(state);
    fuzz_must(strcmp(hash, expected) == 0, "a hash is that of the bytes");
}

static void check_end(struct pass *pass)
{
    char hash[INPUT_HASH_SIZE];
    uint64_t size;

    reader_file(pass->reader, hash, &size);
    fuzz_must(size == pass->file.size, "the file's size is known at its end");
    check_hash(pass->file, hash);
    if (!pass->content.data)
        return;
    reader_position(pass->reader, &pass->now);
    fuzz_must(pass->now.bytes == pass->content.size, "a file is read completely");
    check_hash(pass->content, pass->now.hash);
    fuzz_must(pass->reading->shape->dialect.is_footer ||
                  skip_blank(pass, pass->before.bytes) == end_of(pass),
              "nothing but blank lines and comments is after the last row");
    check_position(pass);
}

static void take_row(struct pass *pass, const struct row *row, const struct violations *violations)
{
    reader_position(pass->reader, &pass->now);
    check_row(pass, row, violations);
    if (pass->content.data) {
        check_place(pass, row, violations);
        check_position(pass);
    }
    if (pass->reading->visit)
        pass->reading->visit(row, violations);
    rows_print(&pass->dump, row, violations);
    buf_append_span(&pass->dump, row->raw);
    buf_append_char(&pass->dump, '\n');
    pass->before = pass->now;
}

static void note_middle(struct pass *pass)
{
    if (pass->before.rows != pass->reading->resume_rows)
        return;
    pass->middle = pass->before;
    pass->middle_dump = pass->dump.size;
    pass->has_middle = true;
}

/* Reads the rest, from `from` if that is given. */
static enum row_step read_rows(struct pass *pass, const struct reader_position *from,
                               struct err *err)
{
    struct violations violations = {0};
    enum row_step step = ROW_STEP_ROW;
    struct row row;

    reader_position(pass->reader, &pass->before);
    if (from) {
        fuzz_must(reader_resume(pass->reader, from, err), "a position is found again");
        pass->before = *from;
    }
    if (pass->content.data)
        pass->line_feeds = count_feeds(pass, 0, pass->before.bytes);
    while (step == ROW_STEP_ROW) {
        note_middle(pass);
        step = reader_next(pass->reader, &row, &violations, err);
        if (step == ROW_STEP_ROW)
            take_row(pass, &row, &violations);
    }
    violations_release(&violations);
    return step;
}

static void run_pass(struct pass *pass, size_t chunk, const struct reader_position *from)
{
    const struct reading *reading = pass->reading;
    enum row_step step = ROW_STEP_ERROR;
    struct err err = {0};

    pass->reader =
        reader_open(feed_open(pass->file, chunk), "in", reading->format, reading->shape, &err);
    if (pass->reader)
        step = read_rows(pass, from, &err);
    pass->complete = step == ROW_STEP_END;
    if (pass->complete) {
        check_end(pass);
    } else {
        fuzz_must(err.kind == ERR_INPUT, "a file is refused as input");
        fuzz_must(str_starts(err.text, "in: "), "a refusal names the file");
        fuzz_must_be_printable(err.text);
        buf_append_text(&pass->dump, err.text);
    }
    reader_close(pass->reader);
}

/* Appends the text as a gzip member. */
static void append_member(struct buf *file, struct span text)
{
    z_stream stream = {0};
    size_t room;

    fuzz_must(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
              "zlib is there");
    room = deflateBound(&stream, text.size);
    stream.next_out = (unsigned char *)buf_reserve(file, room);
    stream.avail_out = (unsigned)room;
    stream.next_in = (z_const unsigned char *)text.data;
    stream.avail_in = (unsigned)text.size;
    fuzz_must(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib compresses");
    file->size += stream.total_out;
    deflateEnd(&stream);
}

static void compress_text(struct buf *file, struct span text, unsigned members)
{
    for (; members; members--) {
        size_t size = text.size / members;

        append_member(file, (struct span){text.data, size});
        text = (struct span){text.data + size, text.size - size};
    }
}

static void stretch(struct buf *out, struct span text)
{
    unsigned left = STRETCHES_MAX;

    while (left-- && text.size && memchr(text.data, '\x01', text.size)) {
        buf_append_span(out, fuzz_take_part(&text, "\x01"));
        memset(buf_reserve(out, FUZZ_STRETCH), 'x', FUZZ_STRETCH);
        out->size += FUZZ_STRETCH;
    }
    buf_append_span(out, text);
}

/* Returns a pass. Code units are found by the byte order mark or the declaration, as by the reader.
 */
static struct pass pass_over(const struct reading *reading, struct span file, struct span content)
{
    enum row_encoding declared = reading->shape->dialect.encoding;
    struct pass pass = {.reading = reading, .file = file, .content = content, .unit = 1};

    if (reading->format != ROW_FORMAT_CSV || content.size < 2)
        return pass;
    pass.big_endian = memcmp(content.data, "\xFE\xFF", 2) == 0 || declared == ROW_ENCODING_UTF_16BE;
    if (pass.big_endian || memcmp(content.data, "\xFF\xFE", 2) == 0 ||
        declared == ROW_ENCODING_UTF_16LE)
        pass.unit = 2;
    return pass;
}

static struct span behind_middle(const struct pass *pass)
{
    if (pass->dump.size == pass->middle_dump)
        return (struct span){0};
    return (struct span){pass->dump.data + pass->middle_dump, pass->dump.size - pass->middle_dump};
}

/* Checks the passes. Returns true if the file is read completely. */
static bool check_file(const struct reading *reading, struct span file, struct span content)
{
    struct pass whole = pass_over(reading, file, content), pieces = whole, rest = whole;
    size_t chunk = reading->chunk;

    if (chunk < file.size / CHUNKS_MAX || file.size > (size_t)CHUNKS_MAX * 20)
        chunk = 1 + file.size / CHUNKS_MAX;
    run_pass(&whole, FEED_WHOLE, NULL);
    run_pass(&pieces, chunk, NULL);
    fuzz_must(pieces.complete == whole.complete, "a file ends alike however its bytes arrive");
    /* a damaged gzip file can be refused before or after rows */
    if (content.data || whole.complete)
        fuzz_must_equal(buf_span(&pieces.dump), buf_span(&whole.dump),
                        "rows do not depend on how the bytes arrive");
    if (content.data && whole.has_middle) {
        run_pass(&rest, chunk, &whole.middle);
        fuzz_must_equal(buf_span(&rest.dump), behind_middle(&whole),
                        "a reader that goes on gives the rows that are left");
    }
    buf_release(&whole.dump);
    buf_release(&pieces.dump);
    buf_release(&rest.dump);
    return whole.complete;
}

/* --- export --- */

/* A file that is exported and read again. */
struct trip {
    struct writer_options options;
    struct buf out;      /* the other file */
    struct buf accepted; /* accepted rows, a line each */
    unsigned rejected;
};

/* Returns whether a row can be refused: without quotes it can look like a comment or the footer,
 * and its outcome can make it too long. */
static bool may_refuse(const struct err *err)
{
    return strstr(err->text, "reads like") || strstr(err->text, "longer than");
}

static void note_row(struct trip *trip, const struct row *row)
{
    buf_printf(&trip->accepted, "[%.*s] v%lld %.*s %.*s\n", (int)row->record_id.size,
               row->record_id.data, row->has_version ? (long long)row->version : -1,
               (int)row->tags.size, row->tags.data, (int)row->fields.size, row->fields.data);
}

static void write_row(struct trip *trip, struct writer *writer, const struct row *row, bool good)
{
    static const struct outcome outcome = {
        {[OUTCOME_JOB] = {"1/1", 3}, [OUTCOME_ERROR] = {"\"a\",;\tb", 7}}};
    struct err err = {0};

    if (!good)
        writer_rejected(writer, row, &outcome, &trip->out);
    else if (writer_job(writer, row, &outcome, &trip->out, &err))
        note_row(trip, row);
    else
        fuzz_must(may_refuse(&err), "what a CSV file held can be written into one");
}

/* Reads a file, and writes the export if a format is set. False: the file is refused. */
static bool travel(struct trip *trip, struct span file)
{
    struct violations violations = {0};
    struct writer *writer = NULL;
    enum row_step step = ROW_STEP_ERROR;
    struct err err = {0};
    struct reader *reader;
    struct row row;

    reader = reader_open(feed_open(file, FEED_WHOLE), "in", trip->options.source,
                         trip->options.shape, &err);
    if (reader && trip->options.format) {
        trip->options.header = reader_header(reader);
        writer = writer_open(&trip->options, &err);
        fuzz_must(writer != NULL, "a header row that was read can be written");
        writer_begin(writer, &trip->out);
    }
    while (reader && (step = reader_next(reader, &row, &violations, &err)) == ROW_STEP_ROW) {
        trip->rejected += violations.count > 0;
        if (writer)
            write_row(trip, writer, &row, !violations.count);
        else if (!violations.count)
            note_row(trip, &row);
    }
    fuzz_must(step == ROW_STEP_END || err.kind == ERR_INPUT, "a file is refused as input");
    violations_release(&violations);
    writer_close(writer);
    reader_close(reader);
    return step == ROW_STEP_END;
}

static void check_export(const struct reading *reading, struct span file)
{
    struct row_shape shape = *reading->shape;
    struct trip first = {.options = {.name = "batch 1",
                                     .format = ROW_FORMAT_CSV,
                                     .source = ROW_FORMAT_CSV,
                                     .shape = reading->shape,
                                     .opening = "{"}};
    struct trip again = {.options = {.source = ROW_FORMAT_CSV, .shape = &shape}};

    if (travel(&first, file)) {
        /* a few rows of a file in its declared encoding can look like UTF-8 */
        shape.dialect.encoding_forced = true;
        fuzz_must(travel(&again, buf_span(&first.out)), "an export can be read");
        fuzz_must_equal(buf_span(&again.accepted), buf_span(&first.accepted),
                        "rows come back the same through an export");
    }
    buf_release(&first.out);
    buf_release(&first.accepted);
    buf_release(&again.accepted);
}

void reading_check(const struct reading *reading, struct span text)
{
    struct buf content = {0}, file = {0};
    bool damaged =
        !reading->gzip_members && text.size >= 3 && memcmp(text.data, "\x1F\x8B\x08", 3) == 0;

    if (reading->stretched)
        stretch(&content, text);
    else
        buf_append_span(&content, text);
    buf_reserve(&content, 1); /* so that data is not NULL */
    compress_text(&file, buf_span(&content), reading->gzip_members);
    if (check_file(reading, buf_span(reading->gzip_members ? &file : &content),
                   damaged ? (struct span){0} : buf_span(&content)) &&
        reading->format == ROW_FORMAT_CSV)
        check_export(reading, buf_span(reading->gzip_members ? &file : &content));
    buf_release(&content);
    buf_release(&file);
}
