/* Messages of core to the user that are not errors; cmd/ prints them. */
#pragma once

/* say NULL: notices are dropped. */
struct notice_sink {
    void (*say)(void *context, const char *text);
    void *context;
};

/* Formats a notice, without control characters, and passes it to the sink. */
void notice_say(const struct notice_sink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
