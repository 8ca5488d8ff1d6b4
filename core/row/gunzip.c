#include "core/row/gunzip.h"

#include "core/base/mem.h"
#include "core/row/source.h"

#include <stdlib.h>
#include <zlib.h>

enum { BLOCK = 64 << 10, GZIP_WINDOW = 15 + 16 /* 32 KiB, and the gzip format alone */ };

struct gunzip {
    int fd;
    const char *name;
    z_stream stream;
    unsigned char *block;
    bool ended;     /* the file is read to its end */
    bool in_member; /* of which there may be several */
    unsigned members;
    XXH3_state_t *hash;
    uint64_t bytes;
};

bool gunzip_knows(struct span first)
{
    return first.size >= 3 && memcmp(first.data, "\x1F\x8B\x08", 3) == 0;
}

static void take_block(struct gunzip *gunzip, size_t size)
{
    XXH3_128bits_update(gunzip->hash, gunzip->block, size);
    gunzip->bytes += size;
    gunzip->stream.next_in = gunzip->block;
    gunzip->stream.avail_in = (unsigned)size;
}

struct gunzip *gunzip_open(int fd, const char *name, struct span first, bool ended)
{
    struct gunzip *gunzip = mem_calloc(1, sizeof *gunzip);

    gunzip->fd = fd;
    gunzip->name = name;
    gunzip->ended = ended;
    gunzip->block = mem_calloc(1, first.size > BLOCK ? first.size : BLOCK);
    gunzip->hash = XXH3_createState();
    if (!gunzip->hash || inflateInit2(&gunzip->stream, GZIP_WINDOW) != Z_OK)
        abort(); /* out of memory, as in mem_ */
    XXH3_128bits_reset(gunzip->hash);
    memcpy(gunzip->block, first.data, first.size);
    take_block(gunzip, first.size);
    return gunzip;
}

void gunzip_close(struct gunzip *gunzip)
{
    if (!gunzip)
        return;
    inflateEnd(&gunzip->stream);
    XXH3_freeState(gunzip->hash);
    free(gunzip->block);
    free(gunzip);
}

/* Sees to it that there is input, or that the file has ended. */
static bool feed(struct gunzip *gunzip, struct err *err)
{
    ssize_t size;

    if (gunzip->stream.avail_in > 0 || gunzip->ended)
        return true;
    size = source_read(gunzip->fd, (char *)gunzip->block, BLOCK);
    if (size < 0)
        return source_refuse_read(gunzip->name, err);
    gunzip->ended = size == 0;
    take_block(gunzip, (size_t)size);
    return true;
}

static bool refuse_damage(const struct gunzip *gunzip, struct err *err)
{
    if (gunzip->members > 0 && gunzip->stream.total_out == 0)
        return err_set(err, ERR_INPUT, "%s: something else follows the gzip data", gunzip->name);
    return err_set(err, ERR_INPUT, "%s: the gzip data is damaged behind byte %llu (%s)",
                   gunzip->name, (unsigned long long)(gunzip->bytes - gunzip->stream.avail_in),
                   gunzip->stream.msg ? gunzip->stream.msg : "unknown method");
}

/* One step of zlib; what it wrote is told by the stream. */
static bool step(struct gunzip *gunzip, struct err *err)
{
    int result;

    if (!gunzip->in_member && gunzip->members > 0)
        inflateReset(&gunzip->stream);
    gunzip->in_member = true;
    if (gunzip->stream.avail_in == 0)
        return err_set(err, ERR_INPUT, "%s: the gzip data is cut off: the file ends within it",
                       gunzip->name);
    result = inflate(&gunzip->stream, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR)
        abort(); /* as in mem_ */
    if (result == Z_STREAM_END) {
        gunzip->in_member = false;
        gunzip->members++;
        return true;
    }
    return result == Z_OK || result == Z_BUF_ERROR || refuse_damage(gunzip, err);
}

bool gunzip_read(struct gunzip *gunzip, char *out, size_t room, size_t *size, struct err *err)
{
    gunzip->stream.next_out = (unsigned char *)out;
    gunzip->stream.avail_out = (unsigned)room;
    *size = 0;
    while (*size == 0) {
        if (!feed(gunzip, err))
            return false;
        if (gunzip->ended && gunzip->stream.avail_in == 0 && !gunzip->in_member)
            return true;
        if (!step(gunzip, err))
            return false;
        *size = room - gunzip->stream.avail_out;
    }
    return true;
}

void gunzip_file(struct gunzip *gunzip, char hash[SOURCE_HASH_SIZE], uint64_t *bytes)
{
    source_hash_text(gunzip->hash, hash);
    *bytes = gunzip->bytes;
}
