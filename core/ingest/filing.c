/* Steps 4 to 6: what a person finds in done/ and refused/ in the morning. */
#include "core/ingest/filing.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/whole_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WRITE_AT_ONCE = 1 << 16 };

/* A file that is being written from the database. */
struct sheet {
    struct store *store;
    int64_t batch_id;
    int fd;
    struct buf pending;
    struct span header; /* of the rejected rows */
    const char *reason; /* of a refused file */
};

static bool flush(struct sheet *sheet, struct err *err)
{
    if (!whole_file_fill(sheet->fd, buf_span(&sheet->pending)))
        return err_set(err, ERR_CONFIG, "%s", strerror(errno));
    buf_reset(&sheet->pending);
    return true;
}

static bool flush_when_full(struct sheet *sheet, struct err *err)
{
    return sheet->pending.size < WRITE_AT_ONCE || flush(sheet, err);
}

/* The line end of a file that begins so: in UTF-16, which its mark tells, it is two bytes. */
static struct span line_end_of(struct span header)
{
    if (header.size >= 2 && memcmp(header.data, "\xFF\xFE", 2) == 0)
        return (struct span){"\n\0", 2};
    if (header.size >= 2 && memcmp(header.data, "\xFE\xFF", 2) == 0)
        return (struct span){"\0\n", 2};
    return (struct span){"\n", 1};
}

/* A row that was the last of its file may lack the line end that the next one needs. */
static void put_line(struct buf *out, struct span line, struct span line_end)
{
    buf_append_span(out, line);
    if (line.size > 0 && (line.size < line_end.size || memcmp(line.data + line.size - line_end.size,
                                                              line_end.data, line_end.size) != 0))
        buf_append_span(out, line_end);
}

static bool put_rejected(void *context, const struct rejection *rejection, struct err *err)
{
    struct sheet *sheet = context;

    if (rejection->first)
        put_line(&sheet->pending, rejection->raw, line_end_of(sheet->header));
    return flush_when_full(sheet, err);
}

static bool write_rejected(void *context, int fd, struct err *err)
{
    struct sheet *sheet = context;

    sheet->fd = fd;
    put_line(&sheet->pending, sheet->header, line_end_of(sheet->header));
    return batch_rejections(sheet->store, sheet->batch_id, put_rejected, sheet, err) &&
           flush(sheet, err);
}

/* A cell that a spreadsheet shows as it is: nothing that ends a cell or a line, no formula. */
static void put_cell(struct buf *out, struct span cell)
{
    size_t room = 4 * cell.size + 1; /* a byte becomes \xNN at most */

    if (cell.size > 0 && strchr("=+-@\t\r", cell.data[0]) && cell.data[0] != '\0')
        buf_append_char(out, '\'');
    str_printable(cell, buf_reserve(out, room), room);
    out->size += strlen(out->data + out->size);
}

static bool put_error(void *context, const struct rejection *rejection, struct err *err)
{
    struct sheet *sheet = context;
    const struct span cells[] = {rejection->record_id, rejection->field, rejection->rule,
                                 rejection->message};

    buf_printf(&sheet->pending, "%" PRIu64 "\t%" PRIu32, rejection->line_no, rejection->row_no);
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        buf_append_char(&sheet->pending, '\t');
        put_cell(&sheet->pending, cells[i]);
    }
    buf_append_char(&sheet->pending, '\n');
    return flush_when_full(sheet, err);
}

static bool write_errors(void *context, int fd, struct err *err)
{
    struct sheet *sheet = context;

    sheet->fd = fd;
    buf_append_text(&sheet->pending, "line\trow\trecord_id\tfield\trule\tmessage\n");
    return batch_rejections(sheet->store, sheet->batch_id, put_error, sheet, err) &&
           flush(sheet, err);
}

/* Only CSV has a header, so that its absence tells the format. */
static bool write_sheets(struct store *store, const struct inbox_place *place, const char *name,
                         const struct ingest_result *result, const struct notice_sink *notices,
                         struct err *err)
{
    struct sheet sheet = {.store = store, .batch_id = result->batch_id, .fd = -1};
    char rejected[INBOX_NAME_SIZE], errors[INBOX_NAME_SIZE];
    struct buf header = {0};
    const char *suffix;
    bool ok = batch_header(store, result->batch_id, &header, err);

    sheet.header = buf_span(&header);
    suffix = header.size > 0 ? ".rejected.csv" : ".rejected.ndjson";
    ok = ok && inbox_place_write(place, name, suffix, write_rejected, &sheet, err) &&
         inbox_place_write(place, name, ".errors.tsv", write_errors, &sheet, err);
    inbox_place_sheet(place, name, suffix, rejected);
    inbox_place_sheet(place, name, ".errors.tsv", errors);
    if (ok)
        notice_say(notices,
                   "%s/%s/%s holds the rejected rows, to be mended and dropped in again%s%s%s%s; "
                   "%s says what is wrong with them",
                   place->folder, place->sub, rejected, place->from ? " into " : "",
                   place->from ? place->folder : "", place->from ? "/" : "",
                   place->from ? place->from : "", errors);
    buf_release(&sheet.pending);
    buf_release(&header);
    return ok;
}

static bool write_reason(void *context, int fd, struct err *err)
{
    struct sheet *sheet = context;
    char text[2 * ERR_TEXT_SIZE];

    sheet->fd = fd;
    buf_printf(&sheet->pending, "%s\n", str_printable(span_of(sheet->reason), text, sizeof text));
    return flush(sheet, err);
}

static bool write_refusal(const struct inbox_place *place, const char *name,
                          const struct ingest_result *result, struct err *err)
{
    struct sheet sheet = {.fd = -1, .reason = result->reason};
    bool ok = inbox_place_write(place, name, ".error.txt", write_reason, &sheet, err);

    buf_release(&sheet.pending);
    return ok;
}

bool filing_mark(struct store *store, const struct ingest_result *result, struct err *err)
{
    return result->batch_id == 0 || batch_filed(store, result->batch_id, clock_now_ms(), err);
}

static bool file_at(struct store *store, const struct ingest_options *options,
                    const struct inbox_place *place, const struct ingest_result *result,
                    struct err *err)
{
    enum inbox_whereabouts where;
    char filed[INBOX_NAME_SIZE];
    bool moved;

    if (!inbox_place_find(place, filed, &where, err))
        return false;
    if (result->outcome == INGEST_LOADED && result->rows_rejected > 0 &&
        !write_sheets(store, place, filed, result, options->notices, err))
        return false;
    /* a file that is gone needs nobody to mend it */
    if (result->outcome == INGEST_REFUSED && where != INBOX_GONE &&
        !write_refusal(place, filed, result, err))
        return false;
    if (!inbox_place_move(place, &moved, err))
        return false;
    crash_point(CRASH_FILE_MOVED);
    if (!filing_mark(store, result, err))
        return false;
    crash_point(CRASH_FILE_RECORDED);
    return true;
}

bool ingest_file_away(struct store *store, const struct ingest_options *options, const char *folder,
                      const char *name, const struct ingest_result *result, struct err *err)
{
    const char *slash = strchr(name, '/');
    struct inbox_place place = {
        .folder = folder,
        .name = slash ? slash + 1 : name,
        .sub = result->outcome == INGEST_REFUSED ? "refused" : "done",
        .batch_id = result->batch_id,
        .file = &result->file,
    };
    char *from;
    bool ok;

    if (result->outcome == INGEST_HELD || result->outcome == INGEST_UNREADABLE)
        return true;
    from = slash ? mem_copy(name, (size_t)(slash - name)) : NULL;
    place.from = from;
    ok = file_at(store, options, &place, result, err);
    free(from);
    return ok;
}
