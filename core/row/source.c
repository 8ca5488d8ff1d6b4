#include "core/row/source.h"

#include "core/base/mem.h"
#include "core/row/encoding.h"
#include "core/row/file_kind.h"
#include "core/row/input.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CTRL_Z = 0x1A,
    UTF8_PENDING = 3, /* bytes that can be the beginning of a character */
};

static void hash_taken(struct source *source)
{
    struct transcoder *transcoder = source->transcoder;

    if (transcoder) {
        XXH3_128bits_update(source->hash, transcoder->data + transcoder->hashed,
                            transcoder->begin - transcoder->hashed);
        transcoder->hashed = transcoder->begin;
        return;
    }
    XXH3_128bits_update(source->hash, source->data + source->hashed,
                        source->begin - source->hashed);
    source->hashed = source->begin;
}

void source_hash(struct source *source, char hash[INPUT_HASH_SIZE])
{
    hash_taken(source);
    input_hash_text(source->hash, hash);
}

void source_file(struct source *source, char hash[INPUT_HASH_SIZE], uint64_t *bytes)
{
    if (input_is_compressed(source->input)) {
        input_file(source->input, hash, bytes);
        return;
    }
    source_hash(source, hash);
    *bytes = source->bytes;
}

/* Returns the size of the window: a row, and the piece that source_fill adds to it. */
static size_t capacity(const struct source *source)
{
    return source->row_max + source->row_max / 4 + source->block;
}

/* Puts the last byte back if it does not end a text. */
static void restore_ctrl_z(struct source *source)
{
    if (!source->ends_in_ctrl_z)
        return;
    source->data[source->end++] = CTRL_Z;
    source->data[source->end] = '\n';
    source->ends_in_ctrl_z = false;
}

/* Starts to convert, beginning with what is in the window. */
static bool start_transcoder(struct source *source, enum row_encoding encoding, size_t mark_size,
                             struct err *err)
{
    struct transcoder *transcoder =
        transcode_open(encoding, mark_size == 2 && source->data[0] == '\xFE', capacity(source),
                       capacity(source), err);

    if (!transcoder)
        return err_wrap(err, "%s", source->name);
    restore_ctrl_z(source);
    memcpy(transcoder->data, source->data, source->end);
    memcpy(source->mark, source->data, mark_size);
    source->mark_size = mark_size;
    transcoder->end = source->end;
    transcoder->begin = transcoder->converted = mark_size;
    transcoder->ended = source->ended;
    source->transcoder = transcoder;
    source->bytes = mark_size;
    source->end = source->checked = 0;
    source->ended = source->several = false;
    return source_fill(source, err);
}

static enum row_encoding marked_encoding(const struct source *source, size_t *mark_size)
{
    static const struct {
        struct span mark;
        enum row_encoding encoding;
    } marks[] = {{{"\xEF\xBB\xBF", 3}, ROW_ENCODING_UTF_8},
                 {{"\xFF\xFE", 2}, ROW_ENCODING_UTF_16LE},
                 {{"\xFE\xFF", 2}, ROW_ENCODING_UTF_16BE}};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        *mark_size = marks[i].mark.size;
        if (source->end >= *mark_size && memcmp(source->data, marks[i].mark.data, *mark_size) == 0)
            return marks[i].encoding;
    }
    *mark_size = 0;
    return ROW_ENCODING_NONE;
}

/* Refuses what is not text in a supported encoding. */
static bool check_kind(const struct source *source, enum row_encoding marked, struct err *err)
{
    struct span first = {source->data, source->end < FILE_KIND_SIZE ? source->end : FILE_KIND_SIZE};
    enum row_encoding guess = encoding_guess_utf_16(first);
    bool utf_16 =
        encoding_is_utf_16(marked) && (first.size < 4 || memcmp(first.data, "\xFF\xFE\0", 4) != 0);
    char fault[FILE_KIND_FAULT_SIZE];

    if (utf_16 && source->utf8)
        return true;
    if (!source->utf8 && (utf_16 || guess))
        return err_set(
            err, ERR_INPUT,
            "%s: is UTF-16, but NDJSON must be UTF-8: convert it with iconv -f %s -t UTF-8",
            source->name, marked ? "UTF-16" : encoding_name(guess));
    if (source->utf8 && guess && !encoding_is_utf_16(source->encoding))
        return err_set(err, ERR_INPUT,
                       "%s: looks like UTF-16 without a byte order mark: declare \"csv\": "
                       "{\"encoding\": \"%s\"} under x-rowferry in the schema file",
                       source->name, encoding_name(guess));
    if (encoding_is_utf_16(source->encoding) && source->utf8) {
        /* delimiters and line ends have a byte 0 in UTF-16 */
        if (marked || !first.size || memchr(first.data, '\0', first.size) ||
            str_utf8_valid(first) + UTF8_PENDING < first.size)
            return true;
        return err_set(err, ERR_INPUT,
                       "%s: is not %s, as the schema file declares, but UTF-8: remove \"encoding\" "
                       "from it if the export is UTF-8 now",
                       source->name, encoding_name(source->encoding));
    }
    if (source->utf8 && file_kind_json(first))
        return err_set(err, ERR_INPUT, "%s: is %s", source->name, file_kind_json(first));
    return !file_kind_fault(first, source->delimiter, fault) ||
           err_set(err, ERR_INPUT, "%s: is %s", source->name, fault);
}

/* Chooses the encoding by the declaration and the byte order mark, which must not contradict each
 * other. */
static bool start_encoding(struct source *source, bool in_memory, struct err *err)
{
    size_t mark_size;
    enum row_encoding marked = marked_encoding(source, &mark_size), declared = source->encoding;

    /* a header row that was read is known to be text, and need not be the first line of its file */
    if (in_memory && encoding_is_single_byte(declared))
        return source->end == 0 || start_transcoder(source, declared, 0, err);
    if (!in_memory && !check_kind(source, marked, err))
        return false;
    if (marked && declared && marked != declared && source->utf8 &&
        !(declared == ROW_ENCODING_UTF_16 && encoding_is_utf_16(marked)))
        return err_set(err, ERR_INPUT,
                       "%s: begins with the byte order mark of %s, but the schema file declares %s",
                       source->name,
                       encoding_name(encoding_is_utf_16(marked) ? ROW_ENCODING_UTF_16 : marked),
                       encoding_name(declared));
    if (declared == ROW_ENCODING_UTF_16 && !marked && source->utf8 && source->end > 0)
        return err_set(err, ERR_INPUT,
                       "%s: does not begin with a byte order mark, which UTF-16 needs; without "
                       "one, declare UTF-16LE (which Windows writes) or UTF-16BE",
                       source->name);
    if (encoding_is_utf_16(marked) && source->utf8)
        return start_transcoder(source, ROW_ENCODING_UTF_16, mark_size, err);
    if (source->utf8 && declared > ROW_ENCODING_UTF_16 && source->end > 0)
        return start_transcoder(source, declared, 0, err);
    return source_take(source, mark_size, 0, err);
}

/* Reads enough of the file to see what it is. */
static bool fill_first(struct source *source, struct err *err)
{
    while (source->end < FILE_KIND_SIZE && !source->ended)
        if (!source_fill(source, err))
            return false;
    return true;
}

bool source_init(struct source *source, int fd, const char *name, const struct source_kind *kind,
                 struct err *err)
{
    *source = (struct source){.name = name,
                              .row_max = kind->row_max,
                              .block = input_block(fd, kind->text),
                              .encoding = kind->encoding,
                              .delimiter = kind->delimiter,
                              .utf8 = kind->utf8,
                              .forced = kind->forced};
    source->input = input_open(fd, kind->text, name);
    source->data = mem_calloc(1, capacity(source) + SOURCE_SLACK);
    source->hash = XXH3_createState();
    if (!source->hash)
        abort(); /* out of memory, as in mem_ */
    XXH3_128bits_reset(source->hash);

    if (!fill_first(source, err))
        return false;
    if (!start_encoding(source, kind->text.data != NULL, err))
        return false;
    if (source->begin == source->end && !source->ended && !source_fill(source, err))
        return false;
    if (source->begin == source->end)
        return err_set(err, ERR_INPUT, "%s: the file is empty", name);
    return true;
}

void source_release(struct source *source)
{
    free(source->data);
    XXH3_freeState(source->hash);
    buf_release(&source->cut);
    transcode_close(source->transcoder);
    input_close(source->input);
    *source = (struct source){0};
}

static void move_to_front(struct source *source)
{
    size_t begin = source->begin;

    hash_taken(source);
    if (source->transcoder)
        transcode_move(source->transcoder);
    memmove(source->data, source->data + begin, source->end - begin);
    source->begin = 0;
    source->hashed = 0;
    source->end -= begin;
    source->checked = source->checked > begin ? source->checked - begin : 0;
}

static void check_utf8(struct source *source)
{
    struct span unchecked = {source->data + source->checked, source->end - source->checked};

    if (source->utf8)
        source->checked += str_utf8_scan(unchecked, &source->several);
}

/* Adds converted text to the window. An invalid character becomes a byte that is not UTF-8, and
 * ends the reading. */
static bool fill_converted(struct source *source, size_t *added, struct err *err)
{
    struct transcoder *transcoder = source->transcoder;
    size_t got = 0;

    *added =
        transcode_more(transcoder, source->data + source->end, capacity(source) - source->end - 1);
    source->end += *added;
    if (transcoder->bad) {
        source->data[source->end++] = '\xFF';
        source->ended = true;
        return true;
    }
    if (*added)
        return true;
    if (transcoder->ended) {
        source->ended = true;
        return true;
    }
    if (!input_read(source->input, transcode_room(transcoder), source->block, &got, err))
        return false;
    transcoder->ended = got == 0;
    transcoder->end += got;
    return true;
}

bool source_fill(struct source *source, struct err *err)
{
    size_t pending, wanted, got = 0;
    bool fine = true;

    move_to_front(source);
    pending = source->end;
    /* A long row that arrives in small pieces is parsed again after each fill: the pieces grow with
     * it, so that the work stays proportional to the bytes. */
    wanted = pending > 4096 ? pending / 4 : 1;
    while (fine && got < wanted && !source->ended) {
        size_t room = capacity(source) - source->end, added = 0;

        if (source->transcoder) {
            fine = fill_converted(source, &added, err);
        } else {
            fine = input_read(source->input, source->data + source->end,
                              room < source->block ? room : source->block, &added, err);
            source->ended = fine && added == 0;
            source->end += added;
        }
        got += added;
    }
    check_utf8(source);
    /* CP/M and DOS end a text with it */
    if (source->ended && source->end > source->begin && source->data[source->end - 1] == CTRL_Z &&
        source->delimiter != CTRL_Z && !source->ends_in_ctrl_z && !source->ctrl_z_taken) {
        source->ends_in_ctrl_z = true;
        source->end--;
    }
    source->data[source->end] = '\n'; /* after an error as well: the window is searched again */
    return fine;
}

bool source_finish(struct source *source, struct err *err)
{
    const struct utf8_evidence *utf8 = source->transcoder ? &source->transcoder->utf8 : NULL;

    if (source->ends_in_ctrl_z) {
        restore_ctrl_z(source);
        source->ctrl_z_taken = true;
        if (!source_take(source, 1, 1, err))
            return false;
    }
    if (!utf8 || source->forced || utf8->broken || utf8->pending_size || utf8->sequences < 2)
        return true;
    return err_set(err, ERR_INPUT,
                   "%s: all its bytes above 0x7f are UTF-8 (%zu characters), but the schema file "
                   "declares %s: remove \"encoding\" from it if the export is UTF-8 now, or give "
                   "--force to read the file as declared",
                   source->name, utf8->sequences, encoding_name(source->transcoder->encoding));
}

bool source_seems_utf8(const struct source *source, size_t size)
{
    const struct transcoder *transcoder = source->transcoder;
    struct utf8_evidence utf8 = {0};

    if (!transcoder || source->forced || encoding_is_utf_16(transcoder->encoding))
        return false;
    size = transcode_size(transcoder, (struct span){source->data + source->begin, size});
    utf8_evidence_add(&utf8, (struct span){transcoder->data + transcoder->begin, size});
    return !utf8.broken && !utf8.pending_size && utf8.sequences > 0;
}

bool source_doubtful(const struct source *source)
{
    const struct utf8_evidence *utf8 = source->transcoder ? &source->transcoder->utf8 : NULL;

    return utf8 && !utf8->broken && !utf8->pending_size && utf8->sequences == 1;
}

size_t source_take_converted(struct source *source, size_t size)
{
    struct span text = {source->data + source->begin, size};
    size_t bytes = transcode_size(source->transcoder, text);

    source->transcoder->begin += bytes;
    source->taken = bytes;
    return bytes;
}

struct span source_raw_converted(const struct source *source)
{
    const struct transcoder *transcoder = source->transcoder;

    return (struct span){transcoder->data + transcoder->begin - source->taken, source->taken};
}

size_t source_size_converted(const struct source *source, struct span text)
{
    return transcode_size(source->transcoder, text);
}

struct span source_mark(const struct source *source)
{
    return (struct span){source->mark, source->mark_size};
}

/* Returns a column for messages: characters if the text was converted, else bytes. */
static size_t columns_of(const struct source *source, const char *text, size_t size)
{
    return source->transcoder ? transcode_characters((struct span){text, size}) : size;
}

/* Describes the first bad byte and what can help. row: from its beginning, or from the bad byte on.
 */
static void describe_byte(const struct source *source, struct span row, char *out, size_t size)
{
    enum row_encoding likely;
    const char *names = source->controls ? NULL : encoding_guess_single_byte(row, &likely);
    size_t used;

    if (source->transcoder) {
        transcode_describe(source->transcoder, out, size);
        return;
    }
    used = (size_t)snprintf(out, size, "byte 0x%02x is not UTF-8",
                            (unsigned char)source->data[source->checked]);
    if (names)
        snprintf(out + used, size - used,
                 " (looks like %s; declare it with \"csv\": {\"encoding\": \"%s\"} under "
                 "x-rowferry in the schema file)",
                 names, encoding_name(likely));
    else
        snprintf(
            out + used, size - used, "%s",
            encoding_fits(ROW_ENCODING_CP437, row) && !source->controls
                ? "; declare the encoding with \"csv\": {\"encoding\": ...} under x-rowferry "
                  "in the schema file"
                : ", and its control characters rule out another encoding: export the file again");
}

/* Returns the line and the column of a bad byte. */
static uint64_t place_byte(const struct source *source, size_t at, uint64_t *column)
{
    const char *line = source->data + source->begin, *bad = source->data + at;
    uint64_t line_no = source->lines + 1;
    const char *feed;

    *column = source->column + 1;
    while ((feed = memchr(line, '\n', (size_t)(bad - line)))) {
        line = feed + 1;
        line_no++;
        *column = 1;
    }
    *column += columns_of(source, line, (size_t)(bad - line));
    return line_no;
}

/* True if nothing shows yet that the file is UTF-8: any bad byte can be of another encoding. */
static bool is_in_doubt(const struct source *source)
{
    return !source->several && source->encoding != ROW_ENCODING_UTF_8;
}

/* Returns how many bytes of a character are left at the end of the file; 0: it is complete, or in
 * doubt because of other bytes before. */
static size_t cut_size(const struct source *source, size_t size)
{
    size_t cut;

    if (!source->ended || source->transcoder || source->begin + size != source->end)
        return 0;
    cut = str_utf8_cut((struct span){source->data + source->begin, size});
    return is_in_doubt(source) && source->checked + cut != source->end ? 0 : cut;
}

bool source_refuse_byte(const struct source *source, size_t size, struct err *err)
{
    struct span row = {source->data + source->begin, size};
    size_t cut = cut_size(source, size);
    uint64_t column,
        line_no = place_byte(source, cut ? source->end - cut : source->checked, &column);
    char what[400];

    if (cut)
        return err_set(err, ERR_INPUT,
                       "%s: line %llu, column %llu: the file ends within a UTF-8 character: it "
                       "is cut off: export it again",
                       source->name, (unsigned long long)line_no, (unsigned long long)column);
    if (!size)
        row = (struct span){source->data + source->checked, 1};
    describe_byte(source, row, what, sizeof what);
    return err_set(err, ERR_INPUT, "%s: line %llu, column %llu: %s", source->name,
                   (unsigned long long)line_no, (unsigned long long)column, what);
}

bool source_pass_byte(struct source *source, size_t size, char fault[SOURCE_FAULT_SIZE],
                      struct err *err)
{
    uint64_t column, line_no = place_byte(source, source->checked, &column);

    if (source->transcoder || cut_size(source, size) || is_in_doubt(source))
        return source_refuse_byte(source, size, err);
    snprintf(fault, SOURCE_FAULT_SIZE,
             "is in another encoding: byte 0x%02x (line %llu, column %llu) is not UTF-8, as the "
             "rest of the file is",
             (unsigned char)source->data[source->checked], (unsigned long long)line_no,
             (unsigned long long)column);
    source->checked = source->begin + size;
    check_utf8(source);
    return true;
}

void source_note(struct source *source, struct span text)
{
    for (size_t i = 0; i < text.size && !source->controls; i++)
        source->controls = (unsigned char)text.data[i] < 0x20 &&
                           !memchr("\t\r\n", text.data[i], 3) &&
                           (!text.data[i] || text.data[i] != source->delimiter);
}

/* Takes a piece of a line. The result does not depend on where a line is cut. */
static bool take_piece(struct source *source, size_t size, uint64_t lines, bool whole,
                       char fault[SOURCE_FAULT_SIZE], struct err *err)
{
    char later[SOURCE_FAULT_SIZE] = "";

    if (source_holds_other(source, size)) {
        if (!whole)
            source_note(source, (struct span){source->data + source->begin,
                                              source->checked > source->begin
                                                  ? source->checked - source->begin
                                                  : 0});
        if (!whole && !cut_size(source, size) && is_in_doubt(source))
            return source_refuse_byte(source, 0, err);
        if (!source_pass_byte(source, size, *fault ? later : fault, err))
            return false;
    }
    source_note(source, (struct span){source->data + source->begin, size});
    return source_take(source, size, lines, err);
}

/* Returns how much of a window can be taken without cutting a character, be it valid or not. */
static size_t size_of_piece(const char *data, size_t size)
{
    size_t most = size > UTF8_PENDING ? size - UTF8_PENDING : 0, piece = most;

    while (piece && ((unsigned char)data[piece] & 0xC0) == 0x80)
        piece--;
    return piece ? piece : most;
}

/* Takes the rest of a line that does not fit into the window. */
static bool take_rest_of_line(struct source *source, char fault[SOURCE_FAULT_SIZE], struct err *err)
{
    for (;;) {
        size_t size = source->end - source->begin;
        const char *begin = source->data + source->begin, *feed = memchr(begin, '\n', size);
        size_t columns;
        bool taken;

        if (feed || source->ended) {
            if (feed)
                size = (size_t)(feed - begin) + 1;
            taken = take_piece(source, size, 1, false, fault, err);
            source->column = 0;
            return taken;
        }
        size = size_of_piece(begin, size);
        columns = columns_of(source, begin, size);
        if (!take_piece(source, size, 0, false, fault, err))
            return false;
        source->column += columns;
        if (!source_fill(source, err))
            return false;
    }
}

/* Keeps the bytes of the first row_max bytes of the window. */
static struct span keep_beginning(struct source *source)
{
    const struct transcoder *transcoder = source->transcoder;
    struct span kept = {source->data + source->begin, source->row_max};

    if (transcoder) {
        /* in the file, there is no part of a character */
        while (kept.size && ((unsigned char)kept.data[kept.size] & 0xC0) == 0x80)
            kept.size--;
        kept =
            (struct span){transcoder->data + transcoder->begin, transcode_size(transcoder, kept)};
    }
    buf_reset(&source->cut);
    buf_append_span(&source->cut, kept);
    return buf_span(&source->cut);
}

bool source_take_line(struct source *source, struct span *line, bool *whole,
                      char fault[SOURCE_FAULT_SIZE], struct err *err)
{
    fault[0] = '\0';
    for (;;) {
        const char *begin = source->data + source->begin;
        size_t size = source->end - source->begin;
        const char *feed = memchr(begin, '\n', size);

        if (feed)
            size = (size_t)(feed - begin) + 1;
        /* a Ctrl-Z is not part of the line if the file ends with it */
        if (size > source->row_max + (!feed && !source->ended && size && begin[size - 1] == CTRL_Z))
            break;
        if (feed || source->ended) {
            /* empty if only a Ctrl-Z was left */
            if (!take_piece(source, size, size > 0, true, fault, err))
                return false;
            *line = source_raw(source, size);
            *whole = true;
            return true;
        }
        if (!source_fill(source, err))
            return false;
    }
    *line = keep_beginning(source);
    *whole = false;
    return take_rest_of_line(source, fault, err);
}

bool source_show_line(struct source *source, size_t *size, struct err *err)
{
    for (;;) {
        const char *begin = source->data + source->begin;
        size_t held = source->end - source->begin;
        const char *feed = memchr(begin, '\n', held);

        *size = feed ? (size_t)(feed - begin) + 1 : held;
        if (*size > source->row_max)
            return err_set(err, ERR_INPUT, "%s: line %llu: longer than %zu bytes", source->name,
                           (unsigned long long)source->lines + 1, source->row_max);
        if (feed || source->ended)
            return true;
        if (!source_fill(source, err))
            return false;
    }
}

/* Takes what the window holds of the next `left` bytes of the file. */
static void skip_some(struct source *source, uint64_t left)
{
    struct span text = {source->data + source->begin, source->end - source->begin};

    if (source->transcoder) {
        if (transcode_size(source->transcoder, text) > left)
            text.size = transcode_text_size(source->transcoder, text, (size_t)left);
        source->bytes += source_take_converted(source, text.size);
    } else {
        if (text.size > left)
            text.size = (size_t)left;
        source->bytes += text.size;
    }
    source_note(source, text);
    source->begin += text.size;
}

bool source_skip_to(struct source *source, uint64_t bytes, struct err *err)
{
    while (source->bytes < bytes) {
        if (source->ended && source->begin == source->end)
            return err_set(err, ERR_INPUT, "%s: the file is shorter than it was: %llu bytes",
                           source->name, (unsigned long long)source->bytes);
        if (source->begin == source->end && !source_fill(source, err))
            return false;
        skip_some(source, bytes - source->bytes);
    }
    /* rows in another encoding were skipped: checking continues after them */
    if (source->checked < source->begin) {
        source->checked = source->begin;
        check_utf8(source);
    }
    return true;
}
