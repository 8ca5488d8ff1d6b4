#include "core/row/source.h"

#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/row/reader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BLOCK = 256 << 10, /* bytes of one read(2): few calls, and still in the second level cache */
    CAPACITY = READER_ROW_MAX + BLOCK,
    STOP_LOOK_MS = 250, /* a signal that another thread took is seen after this long */
    UTF8_PENDING = 3,   /* bytes that may be the beginning of a character */
};

/* Waits until there is something to read. A quiet pipe must not keep the process from stopping:
 * false with ECANCELED when a signal came first. The signal is only looked at: whoever owns it
 * takes it. */
static bool wait_for_input(int fd)
{
    struct pollfd waiting[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};

    for (;;) {
        int ready = poll(waiting, 2, STOP_LOOK_MS);

        if (ready < 0 && errno != EINTR)
            return false;
        if (ready > 0 && waiting[0].revents)
            return true;
        if (stop_signal() || (ready > 0 && waiting[1].revents)) {
            errno = ECANCELED;
            return false;
        }
    }
}

ssize_t source_read(int fd, char *bytes, size_t size)
{
    for (;;) {
        ssize_t got;

        if (!wait_for_input(fd))
            return -1;
        got = read(fd, bytes, size);
        if (got >= 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
            return got;
    }
}

void source_hash_text(XXH3_state_t *state, char hash[SOURCE_HASH_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    for (size_t i = 0; i < sizeof canonical.digest; i++) {
        hash[2 * i] = digits[canonical.digest[i] >> 4];
        hash[2 * i + 1] = digits[canonical.digest[i] & 15];
    }
    hash[SOURCE_HASH_SIZE - 1] = '\0';
}

static void hash_taken(struct source *source)
{
    XXH3_128bits_update(source->hash, source->data + source->hashed,
                        source->begin - source->hashed);
    source->hashed = source->begin;
}

void source_hash(struct source *source, char hash[SOURCE_HASH_SIZE])
{
    hash_taken(source);
    source_hash_text(source->hash, hash);
}

bool source_init(struct source *source, int fd, const char *name, bool utf8, struct err *err)
{
    static const char mark[] = "\xEF\xBB\xBF";

    *source = (struct source){.fd = fd, .name = name, .utf8 = utf8};
    source->data = mem_calloc(1, CAPACITY + SOURCE_SLACK);
    source->hash = XXH3_createState();
    if (!source->hash)
        abort(); /* out of memory, as in mem_ */
    XXH3_128bits_reset(source->hash);

    while (source->end < 3 && !source->ended)
        if (!source_fill(source, err))
            return false;
    if (source->end >= 3 && memcmp(source->data, mark, 3) == 0 && !source_take(source, 3, 0, err))
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
    *source = (struct source){0};
}

static void move_to_front(struct source *source)
{
    size_t begin = source->begin;

    hash_taken(source);
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
        source->checked += str_utf8_valid(unchecked);
}

bool source_fill(struct source *source, struct err *err)
{
    size_t pending, wanted, got = 0;

    move_to_front(source);
    pending = source->end;
    /* A long row that comes in small pieces is looked at again with each fill: the pieces grow with
     * it, so that the work stays in proportion to the bytes. */
    wanted = pending > 4096 ? pending / 4 : 1;
    while (got < wanted && !source->ended) {
        size_t room = CAPACITY - source->end;
        ssize_t size =
            source_read(source->fd, source->data + source->end, room < BLOCK ? room : BLOCK);

        if (size < 0)
            return err_set(err, errno == ECANCELED ? ERR_STOPPED : ERR_INPUT, "%s: read: %s",
                           source->name, errno == ECANCELED ? "stopped" : strerror(errno));
        source->ended = size == 0;
        source->end += (size_t)size;
        got += (size_t)size;
    }
    source->data[source->end] = '\n';
    check_utf8(source);
    return true;
}

static const char *guess_encoding(const struct source *source)
{
    const unsigned char *byte = (const unsigned char *)source->data + source->checked;

    if (source->bytes == 0 && source->checked == 0 && source->end >= 2 &&
        ((byte[0] == 0xFF && byte[1] == 0xFE) || (byte[0] == 0xFE && byte[1] == 0xFF)))
        return "UTF-16";
    return "windows-1252";
}

bool source_refuse_byte(const struct source *source, struct err *err)
{
    const char *line = source->data + source->begin;
    const char *bad = source->data + source->checked;
    uint64_t line_no = source->lines + 1, column = source->column + 1;
    const char *feed;

    while ((feed = memchr(line, '\n', (size_t)(bad - line)))) {
        line = feed + 1;
        line_no++;
        column = 1;
    }
    column += (uint64_t)(bad - line);
    return err_set(err, ERR_INPUT,
                   "%s: line %llu, column %llu: byte 0x%02x is not UTF-8 (looks like %s); "
                   "convert the file to UTF-8",
                   source->name, (unsigned long long)line_no, (unsigned long long)column,
                   (unsigned char)*bad, guess_encoding(source));
}

/* Takes the rest of a line that does not fit into the window. */
static bool take_rest_of_line(struct source *source, struct err *err)
{
    for (;;) {
        size_t size = source->end - source->begin;
        const char *begin = source->data + source->begin, *feed = memchr(begin, '\n', size);
        bool taken;

        if (feed || source->ended) {
            if (feed)
                size = (size_t)(feed - begin) + 1;
            taken = source_take(source, size, 1, err);
            source->column = 0;
            return taken;
        }
        size -= size > UTF8_PENDING ? UTF8_PENDING : size;
        taken = source_take(source, size, 0, err);
        source->column += size;
        if (!taken || !source_fill(source, err))
            return false;
    }
}

bool source_take_line(struct source *source, struct span *line, bool *whole, struct err *err)
{
    for (;;) {
        const char *begin = source->data + source->begin;
        size_t size = source->end - source->begin;
        const char *feed = memchr(begin, '\n', size);

        if (feed)
            size = (size_t)(feed - begin) + 1;
        if (size > READER_ROW_MAX)
            break;
        if (feed || source->ended) {
            *line = (struct span){begin, size};
            *whole = true;
            return source_take(source, size, 1, err);
        }
        if (!source_fill(source, err))
            return false;
    }
    buf_reset(&source->cut);
    buf_append(&source->cut, source->data + source->begin, READER_ROW_MAX);
    *line = buf_span(&source->cut);
    *whole = false;
    return take_rest_of_line(source, err);
}

bool source_skip_to(struct source *source, uint64_t bytes, struct err *err)
{
    while (source->bytes < bytes) {
        uint64_t left = bytes - source->bytes;
        size_t size = source->end - source->begin;

        if (size > left)
            size = (size_t)left;
        source->begin += size;
        source->bytes += size;
        if (source->bytes == bytes)
            return true;
        if (source->ended)
            return err_set(err, ERR_INPUT, "%s: the file is shorter than it was: %llu bytes",
                           source->name, (unsigned long long)source->bytes);
        if (!source_fill(source, err))
            return false;
    }
    return true;
}
