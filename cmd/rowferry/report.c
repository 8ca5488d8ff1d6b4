#include "cmd/rowferry/report.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/base/whole_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a log, named as syslog names them. */
enum log_level { LOG_ERROR, LOG_NOTICE, LOG_DEBUG };

enum {
    COLUMNS_DEFAULT = 80,
    HELD_MAX = 8 << 20, /* bytes of output that is held in memory */
    HELD_PART = 64 << 10,
};

static enum log_format log_format_of(const char *text)
{
    return !text                       ? LOG_NONE
           : strcmp(text, "json") == 0 ? LOG_JSON
           : strcmp(text, "text") == 0 ? LOG_TEXT
                                       : LOG_NONE;
}

void report_init(struct report *report, int argc, char *const *argv)
{
    static const char option[] = "--log-format";
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool dumb = term && strcmp(term, "dumb") == 0;

    *report = (struct report){.bar = isatty(STDERR_FILENO) && !dumb, .command = ""};
    report->color = report->bar && !(no_color && *no_color);
    report->log = log_format_of(getenv("ROWFERRY_LOG_FORMAT"));
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        report->json |= strcmp(argv[i], "--json") == 0;
        if (strcmp(argv[i], option) == 0 && i + 1 < argc)
            report->log = log_format_of(argv[i + 1]);
        else if (str_starts(argv[i], option) && argv[i][sizeof option - 1] == '=')
            report->log = log_format_of(argv[i] + sizeof option);
    }
}

/* Moves the held text to the file. */
static void spill(struct report *report)
{
    errno = 0;
    if (!report->spilled)
        report->spilled = unnamed_file_open();
    if (!report->spilled ||
        fwrite(report->held.data, 1, report->held.size, report->spilled) != report->held.size)
        report->held_errno = errno ? errno : EIO;
    buf_reset(&report->held);
}

void report_out(struct report *report, struct buf *text)
{
    if (report->holding) {
        if (!report->held_errno)
            buf_append_span(&report->held, buf_span(text));
        buf_reset(text);
        if (report->held.size > HELD_MAX)
            spill(report);
        return;
    }
    errno = 0;
    if (text->size && fwrite(text->data, 1, text->size, stdout) != text->size &&
        !report->output_errno)
        report->output_errno = errno ? errno : EIO;
    buf_reset(text);
}

void report_json(struct report *report, struct buf *line)
{
    json_line_end(line);
    report_out(report, line);
}

void report_flush(struct report *report)
{
    if (!report->closed && fflush(stdout) != 0 && !report->output_errno)
        report->output_errno = errno;
}

/* Writes as much as stdout takes without waiting; a file takes all. */
static bool write_some(struct report *report, const char *bytes, size_t size, size_t *written,
                       struct err *err)
{
    struct pollfd waiting[] = {{STDOUT_FILENO, POLLOUT, 0}, {stop_fd(), POLLIN, 0}};
    ssize_t count;

    if (poll(waiting, 2, -1) > 0 && waiting[1].revents && stop_requested())
        return err_set(err, ERR_STOPPED, "stopped");
    if (!waiting[0].revents)
        return true;
    count = write(STDOUT_FILENO, bytes, size);
    if (count >= 0) {
        *written = (size_t)count;
        return true;
    }
    if (errno == EINTR || errno == EAGAIN)
        return true;
    report->output_errno = errno;
    return err_set(err, ERR_CONFIG, "cannot write to standard output: %s", strerror(errno));
}

static bool stream(struct report *report, struct buf *text, struct err *err)
{
    struct stat status;
    bool is_file = fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode), fine = true;
    size_t done = 0;

    report_flush(report);
    while (fine && done < text->size) {
        size_t left = text->size - done, written = 0;

        fine = write_some(report, text->data + done, is_file || left < PIPE_BUF ? left : PIPE_BUF,
                          &written, err);
        done += written;
    }
    buf_reset(text);
    return fine;
}

bool report_stream(struct report *report, struct buf *text, struct err *err)
{
    bool fine = stream(report, text, err);

    if (!fine)
        report->output_errno = EPIPE; /* err is reported, once */
    return fine;
}

void report_hold(struct report *report)
{
    report->holding = true;
}

/* Writes the file, and then the memory, to stdout. */
static bool stream_held(struct report *report, struct err *err)
{
    struct buf part = {0};
    size_t got = report->spilled ? 1 : 0;
    bool fine = true;

    if (report->spilled)
        rewind(report->spilled);
    while (fine && got > 0) {
        part.size = got = fread(buf_reserve(&part, HELD_PART), 1, HELD_PART, report->spilled);
        fine = stream(report, &part, err);
    }
    buf_release(&part);
    if (fine && report->spilled && ferror(report->spilled))
        report->held_errno = EIO;
    return fine && stream(report, &report->held, err);
}

bool report_release(struct report *report, bool fine, struct err *err)
{
    struct err fault = {0};
    bool written;

    report->holding = false;
    written = report->held_errno || stream_held(report, &fault);
    if (report->held_errno)
        written = err_set(&fault, ERR_CONFIG,
                          "cannot keep the output in a temporary file: %s: check TMPDIR",
                          strerror(report->held_errno));
    else if (!written && fault.kind != ERR_STOPPED)
        written = true; /* report_close reports it, unless the reader has seen enough */
    if (report->spilled)
        fclose(report->spilled);
    report->spilled = NULL;
    report->held_errno = 0;
    buf_release(&report->held);
    if (fine && !written)
        *err = fault;
    return fine && written;
}

void report_line_wipe(struct report *report)
{
    if (report->line_shown)
        fputs("\r\033[K", stderr);
    report->line_shown = false;
}

void report_line(struct report *report, const char *text)
{
    if (!report->bar) {
        fprintf(stderr, "rowferry: %s\n", text);
        return;
    }
    report_line_wipe(report);
    fputs(text, stderr);
    fflush(stderr);
    report->line_shown = true;
}

unsigned report_columns(int fd)
{
    const char *columns = getenv("COLUMNS");
    struct winsize window = {0};
    int64_t value;

    if (!isatty(fd))
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        return window.ws_col;
    return columns && str_to_int64(span_of(columns), 1, UINT16_MAX, &value) ? (unsigned)value
                                                                            : COLUMNS_DEFAULT;
}

/* Writes the line `2026-11-24T02:00:00.123Z notice run=12 TEXT`, or {"time", "level", "run",
 * "command", "event", "message", members}. event: its kind, for programs; NULL: an ordinary
 * message.
 */
static void log_event(struct report *report, enum log_level level, const char *event,
                      struct span members, const char *text)
{
    static const char *const levels[] = {
        [LOG_ERROR] = "error", [LOG_NOTICE] = "notice", [LOG_DEBUG] = "debug"};
    struct buf line = {0};
    char iso[CLOCK_ISO_SIZE];

    clock_iso(clock_now_ms(), iso);
    if (report->log == LOG_JSON) {
        buf_printf(&line, "{\"time\": \"%s\"", iso);
        json_line_text(&line, "level", span_of(levels[level]));
        json_line_id(&line, "run", report->run_id);
        json_line_text(&line, "command", span_of(report->command));
        if (event)
            json_line_text(&line, "event", span_of(event));
        json_line_text(&line, "message", span_of(text));
        buf_append_span(&line, members);
        json_line_end(&line);
    } else {
        buf_printf(&line, "%s %s ", iso, levels[level]);
        if (report->run_id)
            buf_printf(&line, "run=%" PRId64 " ", report->run_id);
        words_printable(&line, text);
        buf_append_char(&line, '\n');
    }
    fwrite(line.data, 1, line.size, stderr);
    buf_release(&line);
}

static const char *source_of(const struct err *err)
{
    return err->source ? err->source : "core: an error without a cause";
}

/* Appends the members of a JSON line that an error has before its message. */
static void append_error(const struct err *err, struct buf *line)
{
    json_line_text(line, "kind", span_of(exit_kind_name(err->kind)));
    json_line_count(line, "exit_status", (uint64_t)exit_of(err->kind));
    json_line_text(line, "source", span_of(source_of(err)));
}

static void write_text(struct report *report, const struct err *err, const char *text)
{
    struct buf out = {0};

    report_line_wipe(report);
    buf_append_text(&out, "rowferry: ");
    if (err)
        buf_printf(&out, "%s%serror:%s ", report->color ? "\033[31m" : "",
                   err->kind == ERR_INTERNAL ? "internal " : "", report->color ? "\033[0m" : "");
    words_printable(&out, text);
    buf_append_char(&out, '\n');
    fwrite(out.data, 1, out.size, stderr);
    buf_release(&out);
}

static void write_json(struct report *report, const struct err *err, const char *text)
{
    struct buf line = {0};

    json_line_begin(&line, err ? "error" : "notice");
    if (err)
        append_error(err, &line);
    json_line_text(&line, "message", span_of(text));
    report_json(report, &line);
    buf_release(&line);
}

/* Writes a message in all its forms. err: NULL unless it is an error. */
static void say(struct report *report, enum log_level level, const struct err *err,
                const char *text)
{
    bool internal = err && err->kind == ERR_INTERNAL;
    struct buf whole = {0}, members = {0};

    if (report->json && !report->closed)
        write_json(report, err, text);
    report_flush(report);
    if (report->quiet && !err)
        return;
    buf_append_text(&whole, text);
    if (internal || (err && report->verbose && report->log != LOG_JSON))
        buf_printf(&whole, " (%s)", source_of(err));
    if (internal)
        buf_append_text(&whole, ": please report this");
    if (report->log && err)
        append_error(err, &members);
    if (report->log)
        log_event(report, level, NULL, buf_span(&members), buf_text(&whole));
    else
        write_text(report, err, buf_text(&whole));
    buf_release(&members);
    buf_release(&whole);
}

void report_status(struct report *report, int status)
{
    report->status = exit_combine(report->status, status);
}

bool report_fail(struct report *report, const struct err *err)
{
    if (err->kind == ERR_STOPPED) {
        report_stopped(report);
    } else {
        report_status(report, exit_of(err->kind));
        say(report, LOG_ERROR, err, err->text);
    }
    return false;
}

bool report_error_at(struct report *report, const char *source, enum err_kind kind,
                     const char *format, ...)
{
    struct err err = {.kind = kind, .source = source};
    va_list args;

    va_start(args, format);
    vsnprintf(err.text, sizeof err.text, format, args);
    va_end(args);
    return report_fail(report, &err);
}

void report_stopped(struct report *report)
{
    int status = exit_of(ERR_STOPPED);
    const char *cause = status == EXIT_SIGHUP    ? "by SIGHUP"
                        : status == EXIT_SIGINT  ? "by SIGINT"
                        : status == EXIT_SIGTERM ? "by SIGTERM"
                                                 : "at --max-time";
    char text[64];

    if (report->stopped)
        return;
    report->stopped = true;
    report_status(report, status);
    snprintf(text, sizeof text, "stopped %s; everything so far is kept", cause);
    say(report, LOG_NOTICE, NULL, text);
}

static void say_formatted(struct report *report, enum log_level level, const char *format,
                          va_list args)
{
    char text[ERR_TEXT_SIZE];

    vsnprintf(text, sizeof text, format, args);
    say(report, level, NULL, text);
}

void report_notice(struct report *report, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say_formatted(report, LOG_NOTICE, format, args);
    va_end(args);
}

void report_detail(struct report *report, const char *format, ...)
{
    va_list args;

    if (!report->verbose)
        return;
    va_start(args, format);
    say_formatted(report, LOG_DEBUG, format, args);
    va_end(args);
}

void report_event(struct report *report, const char *event, const struct buf *members,
                  const char *format, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;

    if (!report->log || report->quiet)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_event(report, LOG_NOTICE, event, members ? buf_span(members) : (struct span){0}, text);
}

void report_ask(struct report *report, const char *question)
{
    report_flush(report);
    report_line_wipe(report);
    fprintf(stderr, "rowferry: %s [y/N] ", question);
}

static void say_notice(void *context, const char *text)
{
    say(context, LOG_NOTICE, NULL, text);
}

struct notice_sink report_sink(struct report *report)
{
    return (struct notice_sink){say_notice, report};
}

int report_close(struct report *report)
{
    report_line_wipe(report);
    report_flush(report);
    report->closed = true;
    if (fclose(stdout) != 0 && !report->output_errno)
        report->output_errno = errno;
    /* a reader who has seen enough (`| head`) is not an error */
    if (report->output_errno && report->output_errno != EPIPE)
        report_error(report, ERR_CONFIG, "cannot write to standard output: %s",
                     strerror(report->output_errno));
    return report->status;
}
