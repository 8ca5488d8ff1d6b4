#include "cmd/rowferry/checkup.h"

#include "cmd/rowferry/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends a line, with control characters escaped. */
static void add_line(struct buf *lines, const char *text)
{
    if (lines->size)
        buf_append_char(lines, '\n');
    words_printable(lines, text);
}

static void add(struct checkup *checkup, enum outcome outcome, const char *format, va_list args)
{
    char text[ERR_TEXT_SIZE];

    vsnprintf(text, sizeof text, format, args);
    add_line(&checkup->finding.text, text);
    if (outcome > checkup->finding.outcome)
        checkup->finding.outcome = outcome;
}

/* Adds advice, but not twice. */
static void advise(struct checkup *checkup, const char *advice)
{
    struct buf *lines = &checkup->finding.advice;

    if (!strstr(buf_text(lines), advice))
        add_line(lines, advice);
}

void checkup_say(struct checkup *checkup, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(checkup, OUTCOME_FINE, format, args);
    va_end(args);
}

void checkup_remark(struct checkup *checkup, const char *advice, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(checkup, OUTCOME_REMARK, format, args);
    va_end(args);
    advise(checkup, advice);
}

bool checkup_fail(struct checkup *checkup, enum err_kind kind, const char *advice,
                  const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(checkup, OUTCOME_FAILED, format, args);
    va_end(args);
    advise(checkup, advice);
    checkup->finding.status = exit_combine(checkup->finding.status, exit_of(kind));
    return false;
}

bool checkup_take(struct checkup *checkup, const struct err *err, const char *advice)
{
    if (err->kind == ERR_STOPPED)
        checkup_skip(checkup, "it was stopped");
    else
        checkup_fail(checkup, err->kind, advice, "%s", err->text);
    return false;
}

void checkup_skip(struct checkup *checkup, const char *because)
{
    /* what failed before stays */
    if (checkup->finding.outcome == OUTCOME_FAILED) {
        checkup_say(checkup, "not checked completely, because %s", because);
        return;
    }
    buf_reset(&checkup->finding.text);
    buf_printf(&checkup->finding.text, "not checked, because %s", because);
    checkup->finding.outcome = OUTCOME_SKIPPED;
}

void checkup_busy(struct checkup *checkup, const char *doing)
{
    struct report *report = &checkup->cli->report;

    if (report->bar && !report->quiet)
        report_line(report, doing);
}
