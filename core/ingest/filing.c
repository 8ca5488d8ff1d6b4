/* Steps 4 to 6: the files in done/ and refused/. */
#include "core/ingest/filing.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/whole_file.h"
#include "core/inbox/file_name.h"
#include "core/store/filed.h"
#include "core/store/unfiled.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { WRITE_AT_ONCE = 1 << 16 };

/* A file that is moved, and what is written about it from the database. */
struct sheet {
    struct store *store;
    const struct inbox_place *place;
    const char *folder; /* done/ or refused/, absolute */
    int64_t batch_id;
    int fd;
    struct buf pending;
    struct span header; /* for the rejected rows */
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

/* Returns the line end of a file by its beginning: two bytes in UTF-16. */
static struct span line_end_of(struct span header)
{
    if (span_starts(header, span_of("\xFF\xFE")))
        return (struct span){"\n\0", 2};
    if (span_starts(header, span_of("\xFE\xFF")))
        return (struct span){"\0\n", 2};
    return (struct span){"\n", 1};
}

/* Ends the line of a row: the last row of a file can lack a line end. */
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

/* Writes a cell that a spreadsheet shows as it is: without cell or line ends, and not a formula. */
static void put_cell(struct buf *out, struct span cell)
{
    size_t room = 4 * cell.size + 1; /* a byte becomes at most \xNN */

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

static struct filed filed_of(const struct sheet *sheet, const char *name, bool is_sheet,
                             const struct inbox_identity *file)
{
    return (struct filed){
        .batch_id = sheet->batch_id,
        .sheet = is_sheet,
        .folder = sheet->folder,
        .name = name,
        .device = file->device,
        .inode = file->inode,
        .size = file->size,
        .mtime_ns = file->mtime_ns,
    };
}

/* Checks whether a sheet was written for the same batch by an earlier process: by identity, not by
 * name. */
static bool is_ours(void *context, const char *name, const struct inbox_identity *file, bool *ours,
                    struct err *err)
{
    const struct sheet *sheet = context;
    struct inbox_identity noted;
    struct filed filed;

    if (!filed_at(sheet->store, sheet->folder, name, &filed, ours, err))
        return false;
    if (!*ours)
        return true;
    noted = (struct inbox_identity){filed.device, filed.inode, filed.size, filed.mtime_ns};
    *ours = filed.sheet && filed.batch_id == sheet->batch_id && inbox_identity_equal(&noted, file);
    return true;
}

static bool note_sheet(void *context, const char *name, const struct inbox_identity *file,
                       struct err *err)
{
    const struct sheet *sheet = context;
    struct filed filed = filed_of(sheet, name, true, file);

    return filed_note(sheet->store, &filed, clock_now_ms(), err);
}

static bool put_sheet(struct sheet *sheet, const char *filed, const char *suffix,
                      bool (*write)(void *context, int fd, struct err *err),
                      char name[INBOX_NAME_SIZE], struct err *err)
{
    const struct inbox_sheet form = {suffix, write, is_ours, note_sheet, sheet};

    return inbox_place_write(sheet->place, filed, &form, name, err);
}

/* Only CSV has a header row, so its absence shows the format. */
static bool write_sheets(struct sheet *sheet, const char *name, const struct notice_sink *notices,
                         struct err *err)
{
    const struct inbox_place *place = sheet->place;
    char rejected[INBOX_NAME_SIZE], errors[INBOX_NAME_SIZE];
    struct buf header = {0};
    bool ok = batch_header(sheet->store, sheet->batch_id, &header, err);

    sheet->header = buf_span(&header);
    ok = ok &&
         put_sheet(sheet, name, header.size > 0 ? ".rejected.csv" : ".rejected.ndjson",
                   write_rejected, rejected, err) &&
         put_sheet(sheet, name, ".errors.tsv", write_errors, errors, err);
    if (ok)
        notice_say(notices,
                   "%s/%s/%s has the rejected rows: fix them and put the file into %s%s%s; "
                   "%s says what is wrong with them",
                   place->folder, place->sub, rejected, place->folder, place->from ? "/" : "",
                   place->from ? place->from : "", errors);
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

bool filing_mark(struct store *store, const struct ingest_result *result, struct err *err)
{
    return result->batch_id == 0 || batch_filed(store, result->batch_id, clock_now_ms(), err);
}

/* Notes the file before it is moved, so that it is known after a crash in between. */
static bool note_file(const struct sheet *sheet, const char *name,
                      const struct inbox_identity *file, struct err *err)
{
    struct filed filed = filed_of(sheet, name, false, file);

    return filed_note(sheet->store, &filed, clock_now_ms(), err);
}

static bool forget_file(const struct sheet *sheet, const char *name, struct err *err)
{
    struct filed filed;
    bool found;

    return filed_at(sheet->store, sheet->folder, name, &filed, &found, err) &&
           (!found || filed_forget(sheet->store, filed.id, err));
}

/* Notes the file again under the name that it has now: name and link may have changed. */
static bool note_moved(const struct sheet *sheet, const char *noted, const char *moved,
                       struct err *err)
{
    char *path = mem_printf("%s/%s", sheet->folder, moved);
    struct inbox_identity identity = *sheet->place->file;
    struct stat status;

    if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode))
        identity = inbox_identity_of(&status);
    free(path);
    return (strcmp(moved, noted) == 0 && inbox_identity_equal(&identity, sheet->place->file)) ||
           note_file(sheet, moved, &identity, err);
}

static bool say_written(const struct inbox_place *place, struct err *err)
{
    return err_set(err, ERR_NETWORK, "%s/%s%s%s is still open for writing: left for later",
                   place->folder, place->from ? place->from : "", place->from ? "/" : "",
                   place->name);
}

/* Moves the file and notes its place before and after. name: as it was found. */
static bool move_file(const struct sheet *sheet, const char *name,
                      const struct notice_sink *notices, struct err *err)
{
    const struct inbox_place *place = sheet->place;
    char moved[INBOX_NAME_SIZE];
    enum inbox_move end;

    if (!note_file(sheet, name, place->file, err) || !inbox_place_move(place, moved, &end, err))
        return false;
    if (end == INBOX_MOVE_DONE)
        return note_moved(sheet, name, moved, err);
    if (end == INBOX_MOVE_LOST)
        return err_set(err, ERR_INPUT,
                       "%s/%s/%s is not what was read: it took the place of %s while that was "
                       "moved, or grew: move it back to %s, where the next run reads it",
                       place->folder, place->sub, moved, place->name, place->folder);
    if (!forget_file(sheet, name, err))
        return false;
    if (end == INBOX_MOVE_BUSY)
        return say_written(place, err);
    if (end == INBOX_MOVE_LATE)
        notice_say(notices, "%s/%s%s%s is not what was read any more: it stays, and is read next",
                   place->folder, place->from ? place->from : "", place->from ? "/" : "",
                   place->name);
    return true;
}

/* Moves what the sender put next to the file, before the file: a marker that stayed would make a
 * later file of that name count as complete. */
static bool move_companion(const struct sheet *sheet, const char *name, struct err *err)
{
    struct inbox_place place = *sheet->place;
    char *path = mem_printf("%s/%s%s%s", place.folder, place.from ? place.from : "",
                            place.from ? "/" : "", name);
    char moved[INBOX_NAME_SIZE];
    struct inbox_identity identity;
    struct stat status;
    enum inbox_move end;
    bool seen = lstat(path, &status) == 0, known = seen || errno == ENOENT || errno == ENAMETOOLONG;

    if (!known)
        err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    free(path);
    if (!seen || !S_ISREG(status.st_mode))
        return known;
    identity = inbox_identity_of(&status);
    place.name = name;
    place.file = &identity;
    return inbox_place_move(&place, moved, &end, err) &&
           (end != INBOX_MOVE_DONE || note_sheet((void *)sheet, moved, &identity, err));
}

static bool move_companions(const struct sheet *sheet, const char *suffix, struct err *err)
{
    const char *name = sheet->place->name, *ending;
    char other[PATH_MAX];
    bool ok = true;

    for (size_t n = 0; ok && (ending = file_name_checksum(n, NULL)); n++) {
        snprintf(other, sizeof other, "%s%s", name, ending);
        ok = move_companion(sheet, other, err);
    }
    if (!ok || !*suffix)
        return ok;
    snprintf(other, sizeof other, "%s%s", name, suffix);
    return move_companion(sheet, other, err) &&
           (!file_name_stem_marker(name, suffix, other, sizeof other) ||
            move_companion(sheet, other, err));
}

static bool file_at(struct sheet *sheet, const struct ingest_options *options,
                    const struct ingest_result *result, struct err *err)
{
    const struct inbox_place *place = sheet->place;
    bool refused = result->outcome == INGEST_REFUSED;
    char filed[INBOX_NAME_SIZE], written[INBOX_NAME_SIZE];
    enum inbox_whereabouts where;
    bool ok;

    if (!inbox_place_find(place, filed, &where, err))
        return false;
    if (where == INBOX_WRITTEN)
        return say_written(place, err);
    if (!refused && result->has_sheets && !write_sheets(sheet, filed, options->notices, err))
        return false;
    /* a file that is gone does not need to be fixed */
    if (refused && where != INBOX_GONE &&
        !put_sheet(sheet, filed, ".error.txt", write_reason, written, err))
        return false;
    if (where == INBOX_WAITING && !move_companions(sheet, options->done_suffix, err))
        return false;
    ok = move_file(sheet, filed, options->notices, err);
    if (!ok && err->kind != ERR_INPUT)
        return false;
    crash_point(CRASH_FILE_MOVED);
    if (!filing_mark(sheet->store, result, err))
        return false;
    crash_point(CRASH_FILE_RECORDED);
    return ok;
}

static bool file_from(struct store *store, const struct ingest_options *options,
                      const struct inbox_place *place, const struct ingest_result *result,
                      struct err *err)
{
    char *inbox = realpath(place->folder, NULL);
    struct sheet sheet = {.store = store,
                          .place = place,
                          .batch_id = result->batch_id,
                          .fd = -1,
                          .reason = result->reason};
    char *folder;
    bool ok;

    if (!inbox)
        return err_set(err, ERR_CONFIG, "cannot open inbox %s: %s", place->folder, strerror(errno));
    folder = mem_printf("%s/%s", strcmp(inbox, "/") == 0 ? "" : inbox, place->sub);
    sheet.folder = folder;
    ok = file_at(&sheet, options, result, err);
    buf_release(&sheet.pending);
    free(folder);
    free(inbox);
    return ok;
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

    if (result->outcome == INGEST_HELD || result->outcome == INGEST_WAITS ||
        result->outcome == INGEST_UNREADABLE)
        return true;
    from = slash ? mem_copy(name, (size_t)(slash - name)) : NULL;
    place.from = from;
    ok = file_from(store, options, &place, result, err);
    free(from);
    return ok;
}
