#include "core/row/input.h"

#include "core/base/mem.h"
#include "core/base/stop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    BLOCK = 256 << 10, /* bytes of one read(2): few calls, and fits in the second level cache */
    BLOCK_LEAST = 1 << 10,
    BLOCK_STREAM = 64 << 10, /* what a pipe holds; also for compressed bytes */
    STOP_LOOK_MS = 250,      /* delay until a signal that another thread received is seen */
    GZIP_WINDOW = 15 + 16,   /* 32 KiB, and only the gzip format */
    GZIP_MARK = 3,
};

struct input {
    int fd;
    struct span text;
    const char *name;
    bool begun; /* anything was read */
    bool ended; /* the file is read completely */
    /* of a gzip file */
    unsigned char *block; /* NULL: it is not one */
    z_stream stream;
    bool in_member; /* there can be several */
    unsigned members;
    XXH3_state_t *hash;
    uint64_t bytes;
};

/* Waits until there is something to read. False with ECANCELED if a signal to stop came first,
 * which stays pending for its owner. */
static bool wait_for_input(int fd)
{
    struct pollfd waiting[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};

    for (;;) {
        int ready = poll(waiting, 2, STOP_LOOK_MS);

        if (ready < 0 && errno != EINTR)
            return false;
        if (ready > 0 && waiting[0].revents)
            return true;
        if (stop_noted() || (ready > 0 && waiting[1].revents)) {
            errno = ECANCELED;
            return false;
        }
    }
}

ssize_t input_read_fd(int fd, char *bytes, size_t size)
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

void input_hash_text(XXH3_state_t *state, char hash[INPUT_HASH_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    for (size_t i = 0; i < sizeof canonical.digest; i++) {
        hash[2 * i] = digits[canonical.digest[i] >> 4];
        hash[2 * i + 1] = digits[canonical.digest[i] & 15];
    }
    hash[INPUT_HASH_SIZE - 1] = '\0';
}

size_t input_block(int fd, struct span text)
{
    struct stat status = {.st_mode = S_IFREG, .st_size = (off_t)text.size};

    if (!text.data && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)))
        return BLOCK_STREAM;
    if (status.st_size >= BLOCK)
        return BLOCK;
    return status.st_size < BLOCK_LEAST ? BLOCK_LEAST : (size_t)status.st_size + 1;
}

static void take_block(struct input *input, size_t size)
{
    XXH3_128bits_update(input->hash, input->block, size);
    input->bytes += size;
    input->stream.next_in = input->block;
    input->stream.avail_in = (unsigned)size;
}

struct input *input_open(int fd, struct span text, const char *name)
{
    struct input *input = mem_calloc(1, sizeof *input);

    *input = (struct input){.fd = fd, .text = text, .name = name};
    return input;
}

void input_close(struct input *input)
{
    if (!input)
        return;
    if (input->block)
        inflateEnd(&input->stream);
    XXH3_freeState(input->hash);
    free(input->block);
    free(input);
}

/* Reads bytes of the file itself. */
static bool read_file(struct input *input, char *out, size_t room, size_t *size, struct err *err)
{
    ssize_t got;

    if (input->text.data) {
        got = (ssize_t)(room < input->text.size ? room : input->text.size);
        memcpy(out, input->text.data, (size_t)got);
        input->text = (struct span){input->text.data + got, input->text.size - (size_t)got};
    } else {
        got = input_read_fd(input->fd, out, room);
    }
    if (got < 0) {
        int fault = errno;

        err_set(err, fault == ECANCELED ? ERR_STOPPED : ERR_INPUT, "%s: read: %s", input->name,
                fault == ECANCELED ? "stopped" : strerror(fault));
        err->fault = fault;
        return false;
    }
    *size = (size_t)got;
    input->ended = got == 0;
    return true;
}

/* Makes sure that there is input unless the file has ended. */
static bool read_compressed(struct input *input, struct err *err)
{
    size_t size = 0;

    if (input->stream.avail_in > 0 || input->ended)
        return true;
    if (!read_file(input, (char *)input->block, BLOCK_STREAM, &size, err))
        return false;
    take_block(input, size);
    return true;
}

static bool refuse_damage(const struct input *input, struct err *err)
{
    if (input->members > 0 && input->stream.total_out == 0)
        return err_set(err, ERR_INPUT, "%s: something else follows the gzip data", input->name);
    return err_set(err, ERR_INPUT, "%s: the gzip data is damaged after byte %llu (%s)", input->name,
                   (unsigned long long)(input->bytes - input->stream.avail_in),
                   input->stream.msg ? input->stream.msg : "unknown method");
}

/* Runs zlib once; the stream says what it wrote. */
static bool step(struct input *input, struct err *err)
{
    int result;

    if (!input->in_member && input->members > 0)
        inflateReset(&input->stream);
    input->in_member = true;
    if (input->stream.avail_in == 0)
        return err_set(err, ERR_INPUT, "%s: the gzip data is cut off: the file ends within it",
                       input->name);
    result = inflate(&input->stream, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR)
        abort(); /* as in mem_ */
    if (result == Z_STREAM_END) {
        input->in_member = false;
        input->members++;
        return true;
    }
    return result == Z_OK || result == Z_BUF_ERROR || refuse_damage(input, err);
}

static bool inflate_some(struct input *input, char *out, size_t room, size_t *size, struct err *err)
{
    input->stream.next_out = (unsigned char *)out;
    input->stream.avail_out = (unsigned)room;
    *size = 0;
    while (*size == 0) {
        if (!read_compressed(input, err))
            return false;
        if (input->ended && input->stream.avail_in == 0 && !input->in_member)
            return true;
        if (!step(input, err))
            return false;
        *size = room - input->stream.avail_out;
    }
    return true;
}

bool input_read(struct input *input, char *out, size_t room, size_t *size, struct err *err)
{
    size_t got = 0;

    *size = 0;
    if (input->block)
        return inflate_some(input, out, room, size, err);
    if (input->begun)
        return read_file(input, out, room, size, err);
    /* enough to recognize gzip; UTF-8 text never begins so */
    input->begun = true;
    for (*size = 0; *size < GZIP_MARK && !input->ended; *size += got)
        if (!read_file(input, out + *size, room - *size, &got, err))
            return false;
    if (*size < GZIP_MARK || memcmp(out, "\x1F\x8B\x08", GZIP_MARK) != 0)
        return true;
    input->block = mem_calloc(1, *size > BLOCK_STREAM ? *size : BLOCK_STREAM);
    input->hash = XXH3_createState();
    if (!input->hash || inflateInit2(&input->stream, GZIP_WINDOW) != Z_OK)
        abort(); /* out of memory, as in mem_ */
    XXH3_128bits_reset(input->hash);
    memcpy(input->block, out, *size);
    take_block(input, *size);
    return inflate_some(input, out, room, size, err);
}

bool input_is_compressed(const struct input *input)
{
    return input->block != NULL;
}

void input_file(struct input *input, char hash[INPUT_HASH_SIZE], uint64_t *bytes)
{
    input_hash_text(input->hash, hash);
    *bytes = input->bytes;
}
