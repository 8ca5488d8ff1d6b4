#include "cmd/rowferry/progress.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"

#include <inttypes.h>

enum { TERMINAL_US = 200000, ELSEWHERE_US = 30000000 };

void progress_begin(struct progress *progress, struct report *report)
{
    int64_t now_us = clock_monotonic_us();

    *progress = (struct progress){.report = report, .began_us = now_us, .shown_us = now_us};
}

void progress_end(struct progress *progress)
{
    report_line_wipe(progress->report);
}

/* True when it is time for a line again. */
static bool is_due(struct progress *progress)
{
    const struct report *report = progress->report;
    bool rewritten = report->terminal && !report->json;
    int64_t now_us = clock_monotonic_us();

    if (report->quiet || now_us - progress->shown_us < (rewritten ? TERMINAL_US : ELSEWHERE_US))
        return false;
    progress->shown_us = now_us;
    return true;
}

static void show(struct progress *progress, struct buf *text)
{
    if (progress->report->json) {
        json_line_end(text);
        report_out(progress->report, text);
        report_flush(progress->report);
    } else {
        report_line(progress->report, buf_text(text));
    }
    buf_release(text);
}

static double seconds_since(int64_t began_us)
{
    double seconds = (double)(clock_monotonic_us() - began_us) / 1e6;

    return seconds > 0.001 ? seconds : 0.001;
}

void progress_reading(void *context, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                      uint64_t rows)
{
    struct progress *progress = context;
    double rows_per_s;
    struct buf text = {0};

    if (progress->source != source) {
        progress->source = source;
        progress->began_us = clock_monotonic_us();
    }
    if (!is_due(progress))
        return;
    rows_per_s = (double)rows / seconds_since(progress->began_us);
    if (progress->report->json) {
        json_line_begin(&text, "status");
        json_line_text(&text, "event", span_of("reading"));
        json_line_text(&text, "source", span_of(source));
        json_line_count(&text, "bytes", bytes_done);
        json_line_count(&text, "bytes_total", bytes_total);
        json_line_count(&text, "rows", rows);
    } else {
        buf_append_text(&text, "reading ");
        words_printable(&text, source);
        buf_append_text(&text, ": ");
        if (bytes_total > 0)
            buf_printf(&text, "%.0f%%, ", 100 * (double)bytes_done / (double)bytes_total);
        buf_printf(&text, "%" PRIu64 " rows, %.0f/s", rows, rows_per_s);
    }
    show(progress, &text);
}

void progress_sending(void *context, uint64_t settled, uint64_t left, double rate_per_s,
                      int64_t paused_ms)
{
    struct progress *progress = context;
    double measured_per_s = (double)settled / seconds_since(progress->began_us);
    double left_per_s = rate_per_s > 0 && rate_per_s < measured_per_s ? rate_per_s : measured_per_s;
    char span[WORDS_SIZE];
    struct buf text = {0};

    if (!is_due(progress))
        return;
    if (progress->report->json) {
        json_line_begin(&text, "status");
        json_line_text(&text, "event", span_of("sending"));
        json_line_count(&text, "settled", settled);
        json_line_count(&text, "left", left);
        json_line_number(&text, "jobs_per_s", measured_per_s, 1);
        json_line_count(&text, "paused_ms", paused_ms > 0 ? (uint64_t)paused_ms : 0);
        show(progress, &text);
        return;
    }
    buf_printf(&text, "sending: %" PRIu64 " of %" PRIu64 " jobs, %.1f/s", settled, settled + left,
               measured_per_s);
    if (paused_ms > 0)
        buf_printf(&text, ", paused for %s", words_duration(paused_ms, span));
    else if (left_per_s > 0)
        buf_printf(&text, ", %s left",
                   words_duration((int64_t)((double)left / left_per_s * 1000), span));
    show(progress, &text);
}
