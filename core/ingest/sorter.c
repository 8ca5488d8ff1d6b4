#include "core/ingest/sorter.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/ingest/key_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    RUN_KEYS = 1 << 16,
    RUN_TEXT = 4 << 20, /* bytes of keys in a run */
    WRITE_AT_ONCE = 256 << 10,
    /* for all runs together while they are merged, unless there are thousands */
    WINDOWS_SIZE = 8 << 20,
    WINDOW_MIN = 2 * SORTER_KEY_MAX,
    WINDOW_MAX = 64 << 10,
};

/* The rest of a run in the file, and the part of it in memory. */
struct run {
    uint64_t offset, end; /* in the file, of what is not yet in the window */
    char *window;
    size_t at, size;
    uint64_t prefix; /* of the next key */
    struct span key;
    uint32_t row_no;
};

struct sorter {
    char *folder;
    struct key_run keys; /* in memory */
    size_t next;         /* index of the next of these, if there are no others */
    int fd;
    struct run *runs; /* in the file */
    size_t run_count, run_capacity;
    size_t window_size;
    struct run **heap; /* the one with the smallest key first */
    size_t heap_size;
    bool started; /* the key of heap[0] was returned */
};

struct sorter *sorter_open(const char *folder)
{
    struct sorter *sorter = mem_calloc(1, sizeof *sorter);

    sorter->folder = mem_strdup(folder);
    sorter->fd = -1;
    key_run_init(&sorter->keys, RUN_KEYS);
    return sorter;
}

void sorter_close(struct sorter *sorter)
{
    if (!sorter)
        return;
    for (size_t i = 0; i < sorter->run_count; i++)
        free(sorter->runs[i].window);
    if (sorter->fd >= 0)
        close(sorter->fd);
    key_run_release(&sorter->keys);
    free(sorter->runs);
    free(sorter->heap);
    free(sorter->folder);
    free(sorter);
}

static bool fail(const struct sorter *sorter, int code, const char *advice, struct err *err)
{
    return err_set(err, ERR_STORE, "temporary file in %s: %s: %s", sorter->folder, strerror(code),
                   advice);
}

/* --- runs into the file --- */

static bool make_file(struct sorter *sorter, struct err *err)
{
    char *path = mem_printf("%s/.rowferry-XXXXXX", sorter->folder);

    sorter->fd = mkostemp(path, O_CLOEXEC);
    if (sorter->fd < 0)
        fail(sorter, errno, "make that folder writable for this user", err);
    else
        unlink(path);
    free(path);
    return sorter->fd >= 0;
}

static bool write_all(const struct sorter *sorter, struct buf *bytes, uint64_t *offset,
                      struct err *err)
{
    size_t done = 0;

    while (done < bytes->size) {
        ssize_t size =
            pwrite(sorter->fd, bytes->data + done, bytes->size - done, (off_t)(*offset + done));

        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return fail(sorter, errno, "free space on that disk, then run the same command again",
                        err);
        done += (size_t)size;
    }
    *offset += bytes->size;
    buf_reset(bytes);
    return true;
}

static bool write_keys(const struct sorter *sorter, uint64_t *offset, struct err *err)
{
    struct buf bytes = {0};
    bool ok = true;

    for (size_t i = 0; ok && i < sorter->keys.count; i++) {
        buf_append_span(&bytes, key_run_packed(&sorter->keys, i));
        ok = bytes.size < WRITE_AT_ONCE || write_all(sorter, &bytes, offset, err);
    }
    ok = ok && write_all(sorter, &bytes, offset, err);
    buf_release(&bytes);
    return ok;
}

static bool write_run(struct sorter *sorter, struct err *err)
{
    uint64_t begin = sorter->run_count ? sorter->runs[sorter->run_count - 1].end : 0, end = begin;

    if (sorter->fd < 0 && !make_file(sorter, err))
        return false;
    key_run_sort(&sorter->keys);
    if (!write_keys(sorter, &end, err))
        return false;
    if (sorter->run_count == sorter->run_capacity) {
        sorter->run_capacity = sorter->run_capacity ? 2 * sorter->run_capacity : 16;
        sorter->runs = mem_resize(sorter->runs, sorter->run_capacity, sizeof sorter->runs[0]);
    }
    sorter->runs[sorter->run_count++] = (struct run){.offset = begin, .end = end};
    key_run_reset(&sorter->keys);
    return true;
}

bool sorter_add(struct sorter *sorter, struct span key, uint32_t row_no, struct err *err)
{
    if (key.size > SORTER_KEY_MAX)
        return err_set(err, ERR_INTERNAL, "a key of %zu bytes is too long to sort", key.size);
    if ((sorter->keys.count == RUN_KEYS || sorter->keys.text.size + key.size > RUN_TEXT) &&
        !write_run(sorter, err))
        return false;
    key_run_add(&sorter->keys, key, row_no);
    return true;
}

/* --- runs out of the file --- */

/* Reads more of the run, after the rest of the window. */
static bool refill(const struct sorter *sorter, struct run *run, struct err *err)
{
    size_t kept = run->size - run->at, room = sorter->window_size - kept;
    uint64_t left = run->end - run->offset;
    ssize_t size;

    memmove(run->window, run->window + run->at, kept);
    run->at = 0;
    run->size = kept;
    do
        size = pread(sorter->fd, run->window + kept, left < room ? left : room, (off_t)run->offset);
    while (size < 0 && errno == EINTR);
    if (size <= 0)
        return fail(sorter, size < 0 ? errno : EIO, "check that disk", err);
    run->offset += (uint64_t)size;
    run->size += (size_t)size;
    return true;
}

/* Takes the next key of the run. *found false: it has ended. */
static bool advance(const struct sorter *sorter, struct run *run, bool *found, struct err *err)
{
    size_t size;

    *found = run->at < run->size || run->offset < run->end;
    if (!*found)
        return true;
    while (!(size = key_run_unpack((struct span){run->window + run->at, run->size - run->at},
                                   &run->key, &run->row_no)))
        if (!refill(sorter, run, err))
            return false;
    run->prefix = key_run_prefix(run->key);
    run->at += size;
    return true;
}

static bool is_less(const struct run *a, const struct run *b)
{
    int order;

    if (a->prefix != b->prefix)
        return a->prefix < b->prefix;
    order = span_compare(a->key, b->key);
    return order ? order < 0 : a->row_no < b->row_no;
}

static void sift_down(struct sorter *sorter, size_t at)
{
    struct run *moved = sorter->heap[at];

    for (size_t least; (least = 2 * at + 1) < sorter->heap_size; at = least) {
        if (least + 1 < sorter->heap_size && is_less(sorter->heap[least + 1], sorter->heap[least]))
            least++;
        if (!is_less(sorter->heap[least], moved))
            break;
        sorter->heap[at] = sorter->heap[least];
    }
    sorter->heap[at] = moved;
}

/* Fills the windows of all runs and builds the heap of their first keys. */
static bool begin_merge(struct sorter *sorter, struct err *err)
{
    size_t share = WINDOWS_SIZE / sorter->run_count;
    bool found;

    sorter->window_size = share < WINDOW_MIN ? WINDOW_MIN : share > WINDOW_MAX ? WINDOW_MAX : share;
    sorter->heap = mem_calloc(sorter->run_count, sizeof sorter->heap[0]);
    for (size_t i = 0; i < sorter->run_count; i++) {
        struct run *run = &sorter->runs[i];

        run->window = mem_calloc(1, sorter->window_size);
        if (!advance(sorter, run, &found, err))
            return false;
        sorter->heap[sorter->heap_size++] = run;
    }
    for (size_t i = sorter->heap_size / 2; i-- > 0;)
        sift_down(sorter, i);
    return true;
}

bool sorter_finish(struct sorter *sorter, struct err *err)
{
    if (sorter->run_count == 0) {
        key_run_sort(&sorter->keys);
        return true;
    }
    if (sorter->keys.count > 0 && !write_run(sorter, err))
        return false;
    key_run_release(&sorter->keys);
    return begin_merge(sorter, err);
}

/* Advances the run whose key was returned. */
static bool step_heap(struct sorter *sorter, struct err *err)
{
    bool found;

    if (!advance(sorter, sorter->heap[0], &found, err))
        return false;
    if (!found)
        sorter->heap[0] = sorter->heap[--sorter->heap_size];
    if (sorter->heap_size > 0)
        sift_down(sorter, 0);
    return true;
}

bool sorter_next(struct sorter *sorter, bool *found, struct span *key, uint32_t *row_no,
                 struct err *err)
{
    if (sorter->run_count == 0) {
        *found = sorter->next < sorter->keys.count;
        if (*found)
            key_run_unpack(key_run_packed(&sorter->keys, sorter->next++), key, row_no);
        return true;
    }
    if (sorter->started && sorter->heap_size > 0 && !step_heap(sorter, err))
        return false;
    sorter->started = true;
    *found = sorter->heap_size > 0;
    if (*found) {
        *key = sorter->heap[0]->key;
        *row_no = sorter->heap[0]->row_no;
    }
    return true;
}
