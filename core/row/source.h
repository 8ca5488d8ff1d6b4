/* The bytes of one file behind a window that holds at least one whole row: private to the readers.
 * What is taken from the window enters the running hash and the counts of bytes and lines. */
#ifndef ROWFERRY_ROW_SOURCE_H
#define ROWFERRY_ROW_SOURCE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/row/encoding.h"
#include "core/row/input.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <xxhash.h>

enum {
    /* Bytes behind the window that may be read, so that loops may look at 16 bytes at once. The
     * first of them is a line feed, which ends every search. */
    SOURCE_SLACK = 64,
};

struct transcoder;

struct source {
    struct input *input;
    const char *name;
    size_t row_max;             /* bytes of a row that the window holds for sure */
    size_t block;               /* bytes of one read(2) */
    enum row_encoding encoding; /* as declared */
    char delimiter;             /* likewise, or by a sep= line; 0: not declared */
    bool utf8;                  /* bytes that are not of its encoding are found */
    bool ended;                 /* nothing comes behind data[end] */
    char *data; /* the window is data[begin] .. data[end - 1]: UTF-8 where utf8 is set */
    size_t begin, end;
    size_t hashed;       /* up to here the hash has seen the window */
    size_t checked;      /* up to here the window is UTF-8; a row that goes beyond is not */
    bool several;        /* a character of several bytes came before that */
    bool controls;       /* control characters came that no text has: source_note, and the lexer */
    bool forced;         /* the declared encoding holds, whatever speaks against it */
    bool ends_in_ctrl_z; /* the last byte is 0x1A, and not in the window yet */
    bool ctrl_z_taken;   /* it was; only at the end */
    size_t taken;    /* bytes of the file that source_take took last, where they are converted */
    uint64_t bytes;  /* taken so far, of the file, or of what it holds where it is compressed */
    uint64_t lines;  /* line feeds taken, and the end of a last line without one */
    uint64_t column; /* bytes (characters, where they were converted) taken of a line that was too
                        long to be in the window as a whole */
    XXH3_state_t *hash;
    struct buf cut;                /* the beginning of such a line */
    struct transcoder *transcoder; /* NULL: the window holds the bytes as they are */
    char mark[2];                  /* the byte order mark of UTF-16, where mark_size is 2 */
    size_t mark_size;
};

/* How a file is to be read. */
struct source_kind {
    bool utf8;                  /* as above; only then the encoding counts */
    enum row_encoding encoding; /* as declared */
    bool forced;                /* as above */
    char delimiter;             /* as declared, or 0 */
    size_t row_max;             /* of most files ROW_SIZE_MAX or more */
    struct span text; /* the file itself, in memory; without data the descriptor is read */
};

/* Reads the first bytes, which say whether the file is compressed, or no text at all, and takes a
 * byte order mark. An empty file is refused. release also after an error. */
bool source_init(struct source *source, int fd, const char *name, const struct source_kind *kind,
                 struct err *err);
void source_release(struct source *source);

static inline struct span source_window(const struct source *source)
{
    return (struct span){source->data + source->begin, source->end - source->begin};
}

/* Reads more behind what the window holds, or sets `ended`. Moves the window: pointers into it end
 * here. The window holds at most row_max bytes before. */
bool source_fill(struct source *source, struct err *err);

/* ERR_INPUT that names the first byte of the window that is not UTF-8, where it is, and what speaks
 * for another encoding. size: of the row that begins the window; 0: not known. */
bool source_refuse_byte(const struct source *source, size_t size, struct err *err);

enum { SOURCE_FAULT_SIZE = 200 };

/* The same for a row of that size with bytes that are not UTF-8, where others of the file are: the
 * row alone is rejected, for the reason in fault, and can be taken then. */
bool source_pass_byte(struct source *source, size_t size, char fault[SOURCE_FAULT_SIZE],
                      struct err *err);

/* Whether the row of that size that begins the window has bytes that are not UTF-8. */
static inline bool source_holds_other(const struct source *source, size_t size)
{
    return source->utf8 && source->begin + size > source->checked;
}

/* Of source_take, source_raw and source_size: the bytes of the file that a converted text was made
 * of. */
size_t source_take_converted(struct source *source, size_t size);
struct span source_raw_converted(const struct source *source);
size_t source_size_converted(const struct source *source, struct span text);

/* Takes size bytes of the window that hold `lines` line ends. They stay readable until the next
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

/* The bytes of the file of which the `size` bytes were made that source_take took last; valid as
 * long as these. */
static inline struct span source_raw(const struct source *source, size_t size)
{
    return source->transcoder ? source_raw_converted(source)
                              : (struct span){source->data + source->begin - size, size};
}

/* How many bytes of the file a text of the window is. */
static inline size_t source_size(const struct source *source, struct span text)
{
    return source->transcoder ? source_size_converted(source, text) : text.size;
}

/* The byte order mark without which the file's bytes cannot be read; mostly empty. */
struct span source_mark(const struct source *source);

/* Takes the physical line at the beginning of the window, its line end included; the window is not
 * at the end of the file. A line of more than row_max bytes is taken as a whole, and `line` is its
 * beginning; `whole` says so. line: bytes of the file. fault: why the line is rejected, as
 * source_pass_byte has it, or "". */
bool source_take_line(struct source *source, struct span *line, bool *whole,
                      char fault[SOURCE_FAULT_SIZE], struct err *err);

/* Notes what the text of a row or line, which was or is being taken, says against an encoding. */
void source_note(struct source *source, struct span text);

/* Brings the physical line at the beginning of the window into it as a whole; size: with its line
 * end. False with ERR_INPUT: it is longer than row_max. */
bool source_show_line(struct source *source, size_t *size, struct err *err);

/* To be called at the end of the file, where the window is empty. ERR_INPUT: its bytes are UTF-8
 * throughout, and another encoding is declared. */
bool source_finish(struct source *source, struct err *err);

/* The bytes above 0x7f of the row of that size that begins the window are UTF-8, and another
 * encoding is declared. */
bool source_seems_utf8(const struct source *source, size_t size);

/* A single character looked like UTF-8 in another declared encoding; only at the end. */
bool source_doubtful(const struct source *source);

/* Takes bytes up to an offset in the file; false with ERR_INPUT where the file ends before. */
bool source_skip_to(struct source *source, uint64_t bytes, struct err *err);

/* Hash and size of the file itself, compressed or not; only at its end. */
void source_file(struct source *source, char hash[INPUT_HASH_SIZE], uint64_t *bytes);

/* XXH3-128 of all that was taken, hexadecimal. */
void source_hash(struct source *source, char hash[INPUT_HASH_SIZE]);

#endif
