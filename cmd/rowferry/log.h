/* Messages as a log (--log-format): one event per line, as text or as JSON. */
#pragma once

#include "core/base/buf.h"

#include <stdint.h>

/* In the order of --log-format's words, after none. */
enum log_format { LOG_NONE, LOG_TEXT, LOG_JSON };

/* Named as syslog names them. */
enum log_level { LOG_ERROR, LOG_NOTICE, LOG_DEBUG };

struct log_event {
    int64_t now_ms;
    enum log_level level;
    int64_t run_id;      /* 0: there is no run yet */
    const char *command; /* "" before it is known */
    const char *event;   /* its kind, for programs; NULL: an ordinary message */
    struct span members; /* of the JSON line, as json_line_... append them */
    const char *text;    /* for people; control characters are escaped here */
};

/* Appends the line `2026-11-24T02:00:00.123Z notice run=12 TEXT`, or {"time", "level", "run",
 * "command", "event", "message", members}. Not for LOG_NONE. */
void log_line(enum log_format format, const struct log_event *event, struct buf *out);
