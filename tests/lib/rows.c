#include "tests/lib/rows.h"

#include "core/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct row_property properties[] = {
    {{"sku", 3}, ROW_STRING},
    {{"status", 6}, ROW_STRING},
    {{"quantity", 8}, ROW_INTEGER},
    {{"price", 5}, ROW_NUMBER},
    {{"active", 6}, ROW_BOOLEAN},
    {{"count", 5}, ROW_INTEGER | ROW_NULL},
    {{"sizes", 5}, ROW_ARRAY},
    {{"extra", 5}, ROW_OBJECT},
    {{"mixed", 5}, ROW_BOOLEAN | ROW_ARRAY | ROW_NULL},
    {{"any", 3}, ROW_ANY},
    {{"odd\"name", 8}, ROW_STRING},
};

const struct row_shape rows_shape = {.schema_name = "Item",
                                     .properties = properties,
                                     .count = sizeof properties / sizeof *properties};
const struct row_shape rows_shape_versioned = {.schema_name = "Item",
                                               .properties = properties,
                                               .count = sizeof properties / sizeof *properties,
                                               .version_required = true};

static void must(bool fine, const char *what)
{
    if (!fine) {
        perror(what);
        abort();
    }
}

/* Sends packets as long as there is room; 0 flags: waits for it. A packet is read as a whole and
 * alone, so that the chunks of the writer are those of the reader. False: there is no room. */
static bool send_packets(struct rows_feed *feed, int flags)
{
    while (feed->sent < feed->bytes.size) {
        size_t size = feed->bytes.size - feed->sent, chunk = feed->chunk;
        unsigned seed = feed->seed;

        if (chunk == ROWS_RANDOM)
            chunk = 1 + (size_t)rand_r(&seed) % 40;
        if (size > chunk)
            size = chunk;
        if (send(feed->writer, feed->bytes.data + feed->sent, size, flags | MSG_NOSIGNAL) < 0) {
            if (errno == EAGAIN)
                return false;
            break; /* the reader has seen enough */
        }
        feed->seed = seed;
        feed->sent += size;
    }
    close(feed->writer);
    return true;
}

static void *write_packets(void *context)
{
    send_packets(context, 0);
    return NULL;
}

void rows_feed_open(struct rows_feed *feed, struct span bytes, size_t chunk)
{
    int pair[2];

    *feed = (struct rows_feed){.bytes = bytes, .chunk = chunk, .seed = 7};
    if (chunk == ROWS_FILE) {
        feed->fd = memfd_create("rows", MFD_CLOEXEC);
        must(feed->fd >= 0, "memfd_create");
        must(write(feed->fd, bytes.data, bytes.size) == (ssize_t)bytes.size, "write");
        must(lseek(feed->fd, 0, SEEK_SET) == 0, "lseek");
        return;
    }
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
    feed->fd = pair[0];
    feed->writer = pair[1];
    feed->has_thread = !send_packets(feed, MSG_DONTWAIT);
    if (feed->has_thread)
        must(pthread_create(&feed->thread, NULL, write_packets, feed) == 0, "pthread_create");
}

void rows_feed_close(struct rows_feed *feed)
{
    close(feed->fd);
    if (feed->has_thread)
        pthread_join(feed->thread, NULL);
}

void rows_print(struct buf *out, const struct row *row, const struct violations *violations)
{
    buf_printf(out, "%u@%llu", row->row_no, (unsigned long long)row->line_no);
    if (row->record_id.size)
        buf_printf(out, " [%.*s]", (int)row->record_id.size, row->record_id.data);
    if (row->has_version)
        buf_printf(out, " v%lld", (long long)row->version);
    if (row->tags.size)
        buf_printf(out, " %.*s", (int)row->tags.size, row->tags.data);
    if (row->fields.size)
        buf_printf(out, " %.*s", (int)row->fields.size, row->fields.data);
    buf_append_char(out, '\n');
    for (size_t i = 0; i < violations->count; i++) {
        struct span field = violation_field(violations, i), rule = violation_rule(violations, i),
                    message = violation_message(violations, i);

        buf_printf(out, "  %.*s|%.*s|%.*s\n", (int)field.size, field.data, (int)rule.size,
                   rule.data, (int)message.size, message.data);
    }
}

static bool same_token(const struct json_token *a, const struct json_token *b)
{
    return a->kind == b->kind && a->escaped == b->escaped && a->start == b->start &&
           a->size == b->size && a->next == b->next && a->count == b->count;
}

bool rows_tape_fits(const struct row *row)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    bool same = !row->fields.size || json_scan(&tape, row->fields, 0, &fault);

    same = same && tape.count == row->tape.count;
    for (uint32_t i = 0; same && i < tape.count; i++)
        same = same_token(&tape.tokens[i], &row->tape.tokens[i]);
    json_tape_release(&tape);
    return same;
}

/* raw ends where the reader is, except for a line that was too long. */
static void check_raw(struct buf *out, struct span bytes, const struct row *row,
                      struct reader *reader)
{
    struct reader_position position;

    reader_position(reader, &position);
    if (row->raw.size == ROW_SIZE_MAX)
        return;
    if (row->raw.size == 0 || row->raw.size > position.bytes ||
        memcmp(bytes.data + position.bytes - row->raw.size, row->raw.data, row->raw.size) != 0)
        buf_append_text(out, "RAW DIFFERS\n");
}

char *rows_dump(struct span bytes, enum row_format format, const struct row_shape *shape,
                size_t chunk)
{
    struct rows_feed feed;
    struct violations violations = {0};
    struct err err = {0};
    struct buf out = {0};
    struct row row;
    enum row_step step = ROW_STEP_ERROR;
    struct reader *reader;

    rows_feed_open(&feed, bytes, chunk);
    reader = reader_open(feed.fd, "in", format, shape, &err);
    while (reader && (step = reader_next(reader, &row, &violations, &err)) == ROW_STEP_ROW) {
        rows_print(&out, &row, &violations);
        if (!rows_tape_fits(&row))
            buf_append_text(&out, "TAPE DIFFERS\n");
        check_raw(&out, bytes, &row, reader);
    }
    if (step == ROW_STEP_END)
        buf_append_text(&out, "end\n");
    else
        buf_printf(&out, "error: %s\n", err.text);
    if (step != ROW_STEP_END && err.kind != ERR_INPUT)
        buf_printf(&out, "KIND IS %d\n", err.kind);
    reader_close(reader);
    rows_feed_close(&feed);
    violations_release(&violations);
    buf_append_char(&out, '\0');
    return out.data;
}
