/* What the program says: data on stdout, messages on stderr (for people, or as a log), JSON lines
 * with --json, and the exit status that all of it adds up to. */
#ifndef ROWFERRY_CMD_REPORT_H
#define ROWFERRY_CMD_REPORT_H

#include "cmd/rowferry/exit.h"
#include "cmd/rowferry/log.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/notice.h"

#include <stdbool.h>
#include <stdio.h>

struct report {
    bool json, quiet, verbose;
    bool color;      /* on stderr */
    bool bar;        /* stderr is a terminal that can rewrite a line */
    bool stopped;    /* said that a signal came */
    bool line_shown; /* a progress line stands on the terminal and is to be wiped first */
    int status;
    int output_errno; /* why stdout could not be written; 0: it could */
    bool closed;      /* stdout is */
    bool holding;     /* what report_out is given waits for report_release */
    struct buf held;
    int held_errno;
    FILE *spilled; /* what came before `held` and was too much for memory; or NULL */
    enum log_format log;
    const char *command; /* of log lines, and the run; 0: none yet */
    int64_t run_id;
};

/* Looks for --json and --log-format among the arguments, and for ROWFERRY_LOG_FORMAT, because a
 * wrong option is told in that form too. */
void report_init(struct report *report, int argc, char *const *argv);

/* Reports an error: its text to stderr, an `error` line with --json, its exit status combined. The
 * place in the sources is in JSON, and in text with --verbose or for internal errors. Returns
 * false, so that a caller can write `return report_fail(...)`. */
bool report_fail(struct report *report, const struct err *err);
#define report_error(report, kind, ...) report_error_at(report, ERR_SOURCE, kind, __VA_ARGS__)
bool report_error_at(struct report *report, const char *source, enum err_kind kind,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* SIGINT, SIGTERM or SIGHUP came, or --max-time is over; said once. */
void report_stopped(struct report *report);

/* News that are no error: stderr unless --quiet, a `notice` line with --json. */
void report_notice(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Like a notice, with --verbose only. */
void report_detail(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An event for the log alone, unless --quiet: its kind, members of the JSON line (json_line_...;
 * NULL: none), and a text. */
void report_event(struct report *report, const char *event, const struct buf *members,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* For core: says what it hears as a notice. */
struct notice_sink report_sink(struct report *report);

/* A question that `y` answers: stderr, whatever else is said. */
void report_ask(struct report *report, const char *question);

/* An exit status that needs no message of its own. */
void report_status(struct report *report, int status);

/* Data to stdout; text is empty afterwards. A failed write is kept for report_close, for a night
 * does not end because nobody reads along. */
void report_out(struct report *report, struct buf *text);
void report_flush(struct report *report);

/* From report_hold to report_release, report_out keeps what it is given: in memory up to a ceiling,
 * beyond it in a file without a name. For output that comes out of an open read of the database,
 * which would stay open, and let the write-ahead log grow, for as long as a pager is read.
 * report_release writes it, unless a signal comes: ERR_STOPPED; ERR_CONFIG when the file cannot be
 * used. With fine false, which it returns then, err is left as it is. */
void report_hold(struct report *report);
bool report_release(struct report *report, bool fine, struct err *err);

/* The same for data without end: written at once, and nobody who reads slowly keeps a signal from
 * ending it. ERR_STOPPED, or ERR_CONFIG where it cannot be written; a reader who has gone is an
 * error here, for he lacks the rest. text is empty afterwards. */
bool report_stream(struct report *report, struct buf *text, struct err *err);

/* The progress line: rewritten in place where `bar` says so, a line of its own elsewhere. The text
 * is printable, and not wider than the terminal. */
void report_line(struct report *report, const char *text);
void report_line_wipe(struct report *report);

/* Columns of the terminal on a descriptor, 0 where there is none. */
unsigned report_columns(int fd);

/* Flushes and closes stdout, says what could not be written, and returns the exit status. Messages
 * may still follow, without lines of --json. */
int report_close(struct report *report);

#endif
