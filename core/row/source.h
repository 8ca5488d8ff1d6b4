/* The bytes of one file behind a window that holds at least one whole row: private to the readers.
 * What is taken from the window enters the running hash and the counts of bytes and lines. */
#ifndef ROWFERRY_ROW_SOURCE_H
#define ROWFERRY_ROW_SOURCE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <xxhash.h>

enum {
    /* Bytes behind the window that may be read, so that loops may look at 16 bytes at once. The
     * first of them is a line feed, which ends every search. */
    SOURCE_SLACK = 64,
    SOURCE_HASH_SIZE = 33,
};

struct source {
    int fd;
    const char *name;
    bool utf8;  /* the file is refused at the first byte that is not UTF-8 */
    bool ended; /* nothing comes behind data[end] */
    char *data; /* the window is data[begin] .. data[end - 1] */
    size_t begin, end;
    size_t hashed;   /* up to here the hash has seen the window */
    size_t checked;  /* up to here the window is UTF-8; a row that goes beyond is not */
    uint64_t bytes;  /* taken so far */
    uint64_t lines;  /* line feeds taken, and the end of a last line without one */
    uint64_t column; /* bytes taken of a line that was too long to be in the window as a whole */
    XXH3_state_t *hash;
    struct buf cut; /* the beginning of such a line */
};

/* Reads the first bytes and takes a byte order mark. An empty file is refused. release also after
 * an error. */
bool source_init(struct source *source, int fd, const char *name, bool utf8, struct err *err);
void source_release(struct source *source);

/* Reads more behind what the window holds, or sets `ended`. Moves the window: pointers into it end
 * here. The window holds at most READER_ROW_MAX bytes before. */
bool source_fill(struct source *source, struct err *err);

/* ERR_INPUT that names the first byte of the window that is not UTF-8, and where it stands. */
bool source_refuse_byte(const struct source *source, struct err *err);

/* Takes size bytes that hold `lines` line ends. They stay readable until the next source_fill. */
static inline bool source_take(struct source *source, size_t size, uint64_t lines, struct err *err)
{
    if (source->utf8 && source->begin + size > source->checked)
        return source_refuse_byte(source, err);
    source->begin += size;
    source->bytes += size;
    source->lines += lines;
    return true;
}

/* Takes the physical line at the beginning of the window, its line end included; the window is not
 * at the end of the file. A line of more than READER_ROW_MAX bytes is taken as a whole, and `line`
 * is its beginning; `whole` tells. */
bool source_take_line(struct source *source, struct span *line, bool *whole, struct err *err);

/* Takes bytes up to an offset in the file; false with ERR_INPUT where the file ends before. */
bool source_skip_to(struct source *source, uint64_t bytes, struct err *err);

/* XXH3-128 of all that was taken, hexadecimal. */
void source_hash(struct source *source, char hash[SOURCE_HASH_SIZE]);

/* read(2) that goes on after a signal and waits where the descriptor does not block. -1 with errno.
 */
ssize_t source_read(int fd, char *bytes, size_t size);

void source_hash_text(XXH3_state_t *state, char hash[SOURCE_HASH_SIZE]);

#endif
