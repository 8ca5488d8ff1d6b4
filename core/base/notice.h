/* How core tells the person at the other end something that is no error: only cmd/ prints. */
#ifndef ROWFERRY_BASE_NOTICE_H
#define ROWFERRY_BASE_NOTICE_H

/* say may be NULL: then nobody listens. */
struct notice_sink {
    void (*say)(void *context, const char *text);
    void *context;
};

/* Formats and passes on; the text holds no control characters afterwards. */
void notice_say(const struct notice_sink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
