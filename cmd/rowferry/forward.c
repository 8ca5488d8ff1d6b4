/* Notifications of a file are stored, and delivered to the ERP. */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/deliver.h"
#include "cmd/rowferry/summary.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/notify/echo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GROUP = 256, READ_SIZE = 64 << 10, PROBLEMS_SHOWN = 20 };

/* A line that is waiting for the commit of its group. */
struct line {
    struct buf text;
    struct payload_reader reader;
    struct payload payload;
};

struct forward {
    struct session session;
    struct deliver deliver;
    struct echo echo;
    int fd;
    struct buf input; /* what was read and is not a whole line */
    bool is_long;     /* the line goes on, and is refused already */
    uint64_t line_no, problems;
    struct line *lines;
    unsigned count;
};

static void refuse(struct forward *forward, const char *problem)
{
    struct report *report = &forward->session.cli->report;

    forward->problems++;
    if (forward->problems <= PROBLEMS_SHOWN)
        report_error(report, ERR_INPUT, "line %" PRIu64 ": %s", forward->line_no, problem);
    report_status(report, EXIT_ROWS);
}

/* Stores the group in one transaction. */
static bool store_group(struct forward *forward, struct err *err)
{
    const struct notification_decider decider = {
        .decide = echo_of_store,
        .knows = echo_knows,
        .context = &forward->echo,
        .delivers_echoes = forward->deliver.delivers_echoes,
    };
    struct summary_notifications *summary = &forward->session.cli->summary->notifications;
    struct notification *list[GROUP] = {NULL};

    for (unsigned i = 0; i < forward->count; i++)
        list[i] = &forward->lines[i].payload.notification;
    if (forward->count > 0 && !notifications_add(forward->session.store, list, forward->count,
                                                 &decider, clock_now_ms(), err))
        return false;
    for (unsigned i = 0; i < forward->count; i++) {
        summary->received += !list[i]->is_repeated;
        summary->repeated += list[i]->is_repeated;
        summary->by_state[list[i]->state] += !list[i]->is_repeated;
    }
    forward->count = 0;
    return true;
}

static bool take_line(struct forward *forward, struct span text, struct err *err)
{
    struct line *line = &forward->lines[forward->count];
    char problem[PAYLOAD_PROBLEM_SIZE];

    forward->line_no++;
    if (text.size > 0 && text.data[text.size - 1] == '\r')
        text.size--;
    if (forward->line_no == 1 && text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = span_from(text, 3);
    if (str_trim(text).size == 0)
        return true;
    if (text.size > PAYLOAD_MAX) {
        refuse(forward, "longer than 1048576 bytes");
        return true;
    }
    buf_reset(&line->text);
    buf_append_span(&line->text, text);
    if (!payload_read(&line->reader, buf_span(&line->text), NULL, &line->payload, problem)) {
        refuse(forward, problem);
        return true;
    }
    forward->count++;
    return forward->count < GROUP || store_group(forward, err);
}

/* Takes the whole lines of what was read; at the end of the file, what is left too. */
static bool take_lines(struct forward *forward, bool at_end, struct err *err)
{
    struct buf *input = &forward->input;
    size_t begin = 0;
    bool fine = true;

    while (fine && begin < input->size) {
        const char *end = memchr(input->data + begin, '\n', input->size - begin);
        size_t size = end ? (size_t)(end - input->data) - begin : input->size - begin;

        if (!end && !at_end)
            break;
        if (forward->is_long)
            forward->is_long = false;
        else
            fine = take_line(forward, (struct span){input->data + begin, size}, err);
        begin += size + (end != NULL);
    }
    if (begin > 0 && begin <= input->size)
        memmove(input->data, input->data + begin, input->size - begin);
    input->size -= begin < input->size ? begin : input->size;
    if (fine && input->size > PAYLOAD_MAX) {
        if (!forward->is_long)
            fine = take_line(forward, buf_span(input), err);
        forward->is_long = true;
        buf_reset(input);
    }
    return fine;
}

/* Reads to the end, or until a signal comes: then what was read is stored. */
static bool read_all(struct forward *forward, struct err *err)
{
    struct pollfd fds[] = {{forward->fd, POLLIN, 0}, {stop_fd(), POLLIN, 0}};
    ssize_t size = 1;

    while (size != 0) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return err_set(err, ERR_INTERNAL, "poll: %s", strerror(errno));
        if (stop_requested()) {
            report_stopped(&forward->session.cli->report);
            break;
        }
        size = read(forward->fd, buf_reserve(&forward->input, READ_SIZE), READ_SIZE);
        if (size < 0 && errno != EINTR && errno != EAGAIN)
            return err_set(err, ERR_CONFIG, "cannot read '%s': %s",
                           forward->session.cli->options.paths[0], strerror(errno));
        if (size > 0)
            forward->input.size += (size_t)size;
        if (!take_lines(forward, size == 0, err))
            return false;
        if (poll(fds, 1, 0) == 0 && !store_group(forward, err)) /* nothing more for now */
            return false;
    }
    return store_group(forward, err);
}

static void work(struct forward *forward)
{
    struct report *report = &forward->session.cli->report;
    struct err err = {0};

    forward->lines = mem_calloc(GROUP, sizeof *forward->lines);
    forward->echo.store = forward->session.store;
    forward->echo.client_id = forward->deliver.client_id;
    forward->echo.catalog = forward->deliver.catalog;
    if (!read_all(forward, &err))
        report_fail(report, &err);
    else
        deliver_work(&forward->deliver, &forward->session);
    if (forward->problems > PROBLEMS_SHOWN)
        report_notice(report, "%" PRIu64 " more lines are not notifications",
                      forward->problems - PROBLEMS_SHOWN);
    for (unsigned i = 0; i < GROUP; i++) {
        buf_release(&forward->lines[i].text);
        payload_reader_release(&forward->lines[i].reader);
    }
    free(forward->lines);
    buf_release(&forward->input);
    echo_release(&forward->echo);
}

static bool open_file(struct forward *forward, struct cli *cli)
{
    const char *path = cli->options.paths[0];

    forward->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (forward->fd < 0)
        report_error(&cli->report, ERR_CONFIG, "cannot read '%s': %s", path, strerror(errno));
    return forward->fd >= 0;
}

void command_forward(struct cli *cli)
{
    struct forward forward = {.fd = -1};

    if (deliver_open(&forward.deliver, cli) && open_file(&forward, cli) &&
        session_open(&forward.session, cli, STORE_CREATE, SUMMARY_INTAKE, false)) {
        work(&forward);
        session_end(&forward.session);
    }
    if (forward.fd > STDIN_FILENO)
        close(forward.fd);
    deliver_release(&forward.deliver);
}
