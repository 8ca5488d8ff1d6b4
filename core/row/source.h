/* A file through a window that holds at least one whole row: private to the readers. What is taken
 * from the window enters the hash and the counts of bytes and lines. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/row/encoding.h"
#include "core/row/input.h"

#include <stdbool.h>
#include <stdint.h>
#include <xxhash.h>

enum {
    /* Readable bytes after the window, so that loops can look at 16 bytes at once. The first is a
     * line feed, which ends every search. */
    SOURCE_SLACK = 64,
};

struct transcoder;

struct source {
    struct input *input;
    const char *name;
    size_t row_max;             /* bytes of a row that the window can hold */
    size_t block;               /* bytes of one read(2) */
    enum row_encoding encoding; /* as declared */
    char delimiter;             /* as declared, or by a sep= line; 0: not declared */
    bool utf8;                  /* invalid bytes are reported */
    bool ended;                 /* nothing comes after data[end] */
    char *data; /* the window is data[begin] .. data[end - 1]: UTF-8 where utf8 is set */
    size_t begin, end;
    size_t hashed;       /* the window is hashed up to here */
    size_t checked;      /* the window is UTF-8 up to here; a row that goes beyond is not */
    bool several;        /* a character of several bytes was before that */
    bool controls;       /* control characters were found that text does not have */
    bool forced;         /* the declared encoding is used in spite of any evidence */
    bool ends_in_ctrl_z; /* the last byte is 0x1A, and not in the window */
    bool ctrl_z_taken;   /* it was taken; only at the end */
    size_t taken;        /* bytes of the file that source_take took last, if converted */
    uint64_t bytes;      /* taken so far, of the file or of its inflated content */
    uint64_t lines;      /* line feeds taken, and a last line without one */
    uint64_t column; /* bytes (characters, where they were converted) taken of a line that was too
                        long to be in the window as a whole */
    XXH3_state_t *hash;
    struct buf cut;                /* the beginning of such a line */
    struct transcoder *transcoder; /* NULL: the window holds the bytes as they are */
    char mark[2];                  /* the byte order mark of UTF-16, if mark_size is 2 */
    size_t mark_size;
};

/* How a file is read. */
struct source_kind {
    bool utf8;                  /* as above; the encoding is used only then */
    enum row_encoding encoding; /* as declared */
    bool forced;                /* as above */
    char delimiter;             /* as declared, or 0 */
    size_t row_max;             /* ROW_SIZE_MAX or more, but in tests */
    struct span text;           /* the content, in memory; without data the descriptor is read */
};

/* Reads the first bytes, refuses a file that is empty or not text, and takes a byte order mark.
 * Call release also after an error. */
bool source_init(struct source *source, int fd, const char *name, const struct source_kind *kind,
                 struct err *err);
void source_release(struct source *source);

static inline struct span source_window(const struct source *source)
{
    return (struct span){source->data + source->begin, source->end - source->begin};
}

/* Reads more into the window, or sets `ended`. Moves the window: pointers into it become invalid.
 * Before, the window must hold at most row_max bytes. */
bool source_fill(struct source *source, struct err *err);

/* Fails with ERR_INPUT that names the first byte of the window that is not UTF-8, its place, and
 * evidence of another encoding. size: of the row that begins the window; 0: unknown. */
bool source_refuse_byte(const struct source *source, size_t size, struct err *err);

enum { SOURCE_FAULT_SIZE = 200 };

/* The same for a row with bytes that are not UTF-8 in a file that is otherwise: only the row is
 * rejected, for the reason in fault, and can then be taken. */
bool source_pass_byte(struct source *source, size_t size, char fault[SOURCE_FAULT_SIZE],
                      struct err *err);

/* Returns whether the row at the beginning of the window has bytes that are not UTF-8. */
static inline bool source_holds_other(const struct source *source, size_t size)
{
    return source->utf8 && source->begin + size > source->checked;
}

/* For source_take, source_raw and source_size: the bytes of the file from which a text was
 * converted. */
size_t source_take_converted(struct source *source, size_t size);
struct span source_raw_converted(const struct source *source);
size_t source_size_converted(const struct source *source, struct span text);

/* Takes size bytes of the window, with `lines` line ends. They stay readable until the next
 * source_fill. */
static inline bool source_take(struct source *source, size_t size, uint64_t lines, struct err *err)
{
    if (source_holds_other(source, size))
        return source_refuse_byte(source, size, err);
    source->bytes += source->transcoder ? source_take_converted(source, size) : size;
    source->begin += size;
    source->lines += lines;
    return true;
}

/* Returns the bytes of the file for the `size` bytes that source_take took last; valid as long as
 * these. */
static inline struct span source_raw(const struct source *source, size_t size)
{
    return source->transcoder ? source_raw_converted(source)
                              : (struct span){source->data + source->begin - size, size};
}

/* Returns how many bytes of the file a text of the window was. */
static inline size_t source_size(const struct source *source, struct span text)
{
    return source->transcoder ? source_size_converted(source, text) : text.size;
}

/* Returns the byte order mark that is needed to read the file; usually empty. */
struct span source_mark(const struct source *source);

/* Takes the physical line at the beginning of the window with its line end; not at the end of the
 * file. *line: its bytes in the file; of a line longer than row_max only the beginning, with *whole
 * false. fault: why the line is rejected, as in source_pass_byte, or "". */
bool source_take_line(struct source *source, struct span *line, bool *whole,
                      char fault[SOURCE_FAULT_SIZE], struct err *err);

/* Notes evidence against text in the bytes of a row or line that is taken. */
void source_note(struct source *source, struct span text);

/* Brings the whole physical line at the beginning of the window into it; *size includes the line
 * end. False with ERR_INPUT: it is longer than row_max. */
bool source_show_line(struct source *source, size_t *size, struct err *err);

/* To be called at the end of the file, with an empty window. ERR_INPUT: all its bytes are UTF-8,
 * and another encoding is declared. */
bool source_finish(struct source *source, struct err *err);

/* Returns whether the bytes above 0x7f of the row at the beginning of the window are UTF-8 while
 * another encoding is declared. */
bool source_seems_utf8(const struct source *source, size_t size);

/* Returns whether a single character looked like UTF-8 in another declared encoding; only at the
 * end. */
bool source_doubtful(const struct source *source);

/* Takes bytes up to an offset in the file. False with ERR_INPUT if the file ends before. */
bool source_skip_to(struct source *source, uint64_t bytes, struct err *err);

/* Returns hash and size of the file itself, compressed or not; only at its end. */
void source_file(struct source *source, char hash[INPUT_HASH_SIZE], uint64_t *bytes);

/* Returns the XXH3-128 of all that was taken, hexadecimal. */
void source_hash(struct source *source, char hash[INPUT_HASH_SIZE]);
