/* The output of the program: data on stdout, messages on stderr (for people, or as a log), JSON
 * lines with --json, and the exit status. */
#pragma once

#include "cmd/rowferry/exit.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/notice.h"

#include <stdbool.h>
#include <stdio.h>

/* In the order of --log-format's words, after none. */
enum log_format { LOG_NONE, LOG_TEXT, LOG_JSON };

struct report {
    bool json, quiet, verbose;
    bool color;      /* on stderr */
    bool bar;        /* stderr is a terminal that can rewrite a line */
    bool stopped;    /* a signal was reported */
    bool line_shown; /* a progress line is on the terminal, and has to be wiped first */
    int status;
    int output_errno; /* why stdout could not be written; 0: it could */
    bool closed;      /* stdout is */
    bool holding;     /* the text of report_out waits for report_release */
    struct buf held;
    int held_errno;
    FILE *spilled; /* text before `held` that was too much for memory; or NULL */
    enum log_format log;
    const char *command; /* of log lines, and the run; 0: none yet */
    int64_t run_id;
};

/* Looks for --json and --log-format among the arguments, and for ROWFERRY_LOG_FORMAT, because a
 * wrong option is reported in that form too. */
void report_init(struct report *report, int argc, char *const *argv);

/* Reports an error: its text to stderr, an `error` line with --json, its exit status combined. The
 * place in the sources is in JSON, and in text with --verbose or for internal errors. Returns
 * false, so that a caller can write `return report_fail(...)`. */
bool report_fail(struct report *report, const struct err *err);
#define report_error(report, kind, ...) report_error_at(report, ERR_SOURCE, kind, __VA_ARGS__)
bool report_error_at(struct report *report, const char *source, enum err_kind kind,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Reports, once, that SIGINT, SIGTERM or SIGHUP came or --max-time is over. */
void report_stopped(struct report *report);

/* Reports news that are not an error: stderr unless --quiet, a `notice` line with --json. */
void report_notice(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reports a notice, only with --verbose. */
void report_detail(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Logs an event, unless --quiet: its kind, members of the JSON line (json_line_...; NULL: none),
 * and a text. Without --log-format it does nothing. */
void report_event(struct report *report, const char *event, const struct buf *members,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Returns a sink for core, whose texts become notices. */
struct notice_sink report_sink(struct report *report);

/* Prints a question that `y` answers to stderr, also with --quiet. */
void report_ask(struct report *report, const char *question);

/* Adds an exit status without a message. */
void report_status(struct report *report, int status);

/* Writes data to stdout; text is empty afterwards. A failed write is reported by report_close,
 * because a run does not stop when nobody reads its output. */
void report_out(struct report *report, struct buf *text);
void report_flush(struct report *report);

/* Ends a line of --json, and writes it as report_out does. */
void report_json(struct report *report, struct buf *line);

/* From report_hold to report_release, report_out keeps its text: in memory up to a ceiling, beyond
 * it in an unnamed file. It is for output from an open read of the database, which would otherwise
 * stay open, and let the write-ahead log grow, for as long as a pager is open. report_release
 * writes the text. ERR_STOPPED if a signal comes; ERR_CONFIG if the file cannot be used. With fine
 * false it returns false and leaves err as it is. */
void report_hold(struct report *report);
bool report_release(struct report *report, bool fine, struct err *err);

/* Writes unlimited data to stdout at once; a signal ends it even if the reader is slow.
 * ERR_STOPPED, or ERR_CONFIG if it cannot be written; here a reader that has gone is an error,
 * because it misses the rest. text is empty afterwards. */
bool report_stream(struct report *report, struct buf *text, struct err *err);

/* Shows the progress line: rewritten in place if `bar` is set, else as a new line. The text is
 * printable, and not wider than the terminal. */
void report_line(struct report *report, const char *text);
void report_line_wipe(struct report *report);

/* Returns the columns of the terminal on a descriptor, 0 if it is not a terminal. */
unsigned report_columns(int fd);

/* Flushes and closes stdout, reports what could not be written, and returns the exit status.
 * Messages can still follow, without lines of --json. */
int report_close(struct report *report);
