#include "cmd/rowferry/progress.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/bar.h"
#include "core/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TERMINAL_US = 200000,
    ELSEWHERE_US = 30000000,
    PAUSE_SHOWN_MS = 1000, /* shorter pauses space requests at the limit */
    PAUSE_LOGGED_MS = 2000,
    PART_SIZE = 128,
    PARTS = 5,
    NAME_COLUMNS = 32,
};

/* The parts of a line, in the order in which they are shown; empty ones are not. */
struct line {
    const char *what; /* before the parts, without a bar */
    double share;     /* done, 0 to 1; negative: unknown */
    char parts[PARTS][PART_SIZE];
};

void progress_begin(struct progress *progress, struct report *report)
{
    int64_t now_us = clock_monotonic_us();

    *progress = (struct progress){.report = report, .shown_us = now_us};
    rate_begin(&progress->rate, 0, now_us);
}

void progress_end(struct progress *progress)
{
    report_line_wipe(progress->report);
}

static bool has_bar(const struct report *report)
{
    return report->bar && !report->json && !report->log;
}

/* Returns whether it is time for a line again. */
static bool is_due(struct progress *progress, int64_t now_us)
{
    const struct report *report = progress->report;

    if (report->quiet ||
        now_us - progress->shown_us < (has_bar(report) ? TERMINAL_US : ELSEWHERE_US))
        return false;
    progress->shown_us = now_us;
    return true;
}

/* Appends `what: part, part`, or the bar. */
static void append_line(const struct line *line, bool bar, struct buf *out)
{
    const char *parts[PARTS], *separator = ": ";

    for (unsigned i = 0; i < PARTS; i++)
        parts[i] = line->parts[i];
    if (bar) {
        bar_render(out, report_columns(STDERR_FILENO), line->share, parts, PARTS);
        return;
    }
    buf_append_text(out, line->what);
    for (unsigned i = 0; i < PARTS; i++) {
        if (!*parts[i])
            continue;
        buf_append_text(out, separator);
        buf_append_text(out, parts[i] + strspn(parts[i], " "));
        separator = ", ";
    }
}

/* Writes a line in all its forms, and releases the members. */
static void show(struct report *report, const char *event, struct line *line, struct buf *members)
{
    struct buf out = {0};

    if (line->share >= 0)
        snprintf(line->parts[0], PART_SIZE, "%3.0f%%", 100 * line->share);
    if (report->json) {
        json_line_status(&out, event);
        buf_append_span(&out, buf_span(members));
        report_json(report, &out);
        report_flush(report);
    }
    append_line(line, has_bar(report), &out);
    if (report->log)
        report_event(report, event, members, "%s", buf_text(&out));
    else if (!report->json)
        report_line(report, buf_text(&out));
    buf_release(&out);
    buf_release(members);
}

static void put_left(struct line *line, int64_t left_ms)
{
    char span[WORDS_SIZE];

    snprintf(line->parts[4], PART_SIZE, "%s left", words_duration(left_ms, span));
}

void progress_reading(void *context, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                      uint64_t rows)
{
    struct progress *progress = context;
    int64_t now_us = clock_monotonic_us();
    struct line line = {.what = "reading", .share = -1};
    struct buf members = {0}, name = {0};
    const char *slash = strrchr(source, '/');
    char count[WORDS_SIZE];
    double per_s;

    if (progress->source != source) {
        progress->source = source;
        rate_begin(&progress->rate, rows, now_us);
    }
    rate_note(&progress->rate, rows, now_us);
    if (!is_due(progress, now_us))
        return;
    per_s = rate_per_s(&progress->rate);
    if (bytes_total > 0)
        line.share = (double)bytes_done / (double)bytes_total;
    words_printable(&name, slash && slash[1] ? slash + 1 : source);
    snprintf(line.parts[1], PART_SIZE, "%.*s", (int)bar_fit(buf_span(&name), NAME_COLUMNS),
             buf_text(&name));
    buf_release(&name);
    snprintf(line.parts[2], PART_SIZE, "%s rows", words_grouped(rows, count));
    if (per_s > 0)
        snprintf(line.parts[3], PART_SIZE, "%s/s", words_grouped((uint64_t)per_s, count));
    if (per_s > 0 && line.share > 0.01)
        put_left(&line, (int64_t)((double)rows * (1 - line.share) / line.share / per_s * 1000));
    json_line_text(&members, "source", span_of(source));
    json_line_count(&members, "bytes", bytes_done);
    json_line_count(&members, "bytes_total", bytes_total);
    json_line_count(&members, "rows", rows);
    show(progress->report, "reading", &line, &members);
}

static const char *const pauses[] = {
    [DRAIN_PAUSE_NONE] = "",
    [DRAIN_PAUSE_ASKED] = "the API asked for a wait",
    [DRAIN_PAUSE_UNREACHABLE] = "the API cannot be reached",
    [DRAIN_PAUSE_EARLIER] = "an earlier run was asked to wait",
};

/* Logs 429s, at most every 30 s, and each pause of 2 s or more. */
static void log_waits(struct progress *progress, const struct drain_progress *drain, int64_t now_us)
{
    uint64_t throttled = drain->meter->throttled;
    int64_t until_us = now_us + drain->paused_ms * 1000;
    struct buf members = {0};
    char span[WORDS_SIZE];

    if (throttled > progress->throttled &&
        (!progress->throttled || now_us - progress->throttled_us >= ELSEWHERE_US)) {
        progress->throttled = throttled;
        progress->throttled_us = now_us;
        json_line_count(&members, "throttled", throttled);
        json_line_number(&members, "pace_per_s", drain->rate_per_s, 3);
        report_event(progress->report, "throttled", &members,
                     "throttled: %" PRIu64 " of %" PRIu64 " requests were answered 429 so far",
                     throttled, drain->meter->requests);
    }
    if (drain->pause && drain->paused_ms >= PAUSE_LOGGED_MS &&
        until_us > progress->paused_until_us + 1000000) {
        progress->paused_until_us = until_us;
        buf_reset(&members);
        json_line_time(&members, "until", clock_now_ms() + drain->paused_ms);
        json_line_text(&members, "reason", span_of(pauses[drain->pause]));
        report_event(progress->report, "paused", &members, "paused for %s: %s",
                     words_duration(drain->paused_ms, span), pauses[drain->pause]);
    }
    buf_release(&members);
}

/* Writes the pace, and why requests wait. */
static void put_pace(struct line *line, const struct drain_progress *drain, double per_s)
{
    bool paused = drain->pause && drain->paused_ms >= PAUSE_SHOWN_MS;
    char moment[WORDS_SIZE];

    if (drain->parked_until_ms)
        snprintf(line->parts[1], PART_SIZE, "parked until %s",
                 words_time(drain->parked_until_ms, moment));
    else if (paused)
        snprintf(line->parts[1], PART_SIZE, "paused for %s: %s",
                 words_duration(drain->paused_ms, moment), pauses[drain->pause]);
    if (paused || per_s <= 0)
        return;
    if (drain->learned_per_s > 0 && per_s > drain->learned_per_s)
        per_s = drain->learned_per_s; /* learned from the burst before the pause */
    if (drain->learned_per_s > 0)
        snprintf(line->parts[3], PART_SIZE, "throttled: %.1f/s", per_s);
    else
        snprintf(line->parts[3], PART_SIZE, "%.1f/s%s", per_s,
                 per_s > 0.9 * drain->rate_per_s && drain->rate_per_s > 0 ? " as --rate" : "");
}

/* Returns the time left at the recent pace, or at the allowed one if that is lower; -1: unknown. */
static int64_t time_left_ms(const struct drain_progress *drain, double per_s)
{
    if (per_s <= 0 || (drain->rate_per_s > 0 && drain->rate_per_s < per_s))
        per_s = drain->rate_per_s;
    return per_s > 0 ? (int64_t)((double)drain->left / per_s * 1000) + drain->paused_ms : -1;
}

void progress_sending(void *context, const struct drain_progress *drain)
{
    struct progress *progress = context;
    int64_t now_us = clock_monotonic_us(), left_ms;
    uint64_t total = drain->settled + drain->left;
    struct line line = {.what = drain->auditing ? "auditing" : "sending", .share = -1};
    char settled[WORDS_SIZE], all[WORDS_SIZE];
    struct buf members = {0};
    double per_s;

    if (drain->auditing && !progress->auditing)
        rate_begin(&progress->rate, drain->settled, now_us);
    progress->auditing = drain->auditing;
    if (drain->pause)
        rate_pass(&progress->rate, drain->settled, now_us);
    else
        rate_note(&progress->rate, drain->settled, now_us);
    log_waits(progress, drain, now_us);
    if (!is_due(progress, now_us))
        return;
    per_s = rate_per_s(&progress->rate);
    left_ms = drain->auditing ? -1 : time_left_ms(drain, per_s); /* one request covers many jobs */
    if (total > 0)
        line.share = (double)drain->settled / (double)total;
    snprintf(line.parts[2], PART_SIZE, "%s of %s jobs", words_grouped(drain->settled, settled),
             words_grouped(total, all));
    put_pace(&line, drain, per_s);
    if (left_ms >= 0 && drain->left > 0 && !drain->parked_until_ms)
        put_left(&line, left_ms);
    json_line_count(&members, "settled", drain->settled);
    json_line_count(&members, "left", drain->left);
    json_line_number(&members, "jobs_per_s", per_s, 1);
    json_line_count(&members, "paused_ms", (uint64_t)drain->paused_ms);
    json_line_count(&members, "throttled", drain->meter->throttled);
    show(progress->report, line.what, &line, &members);
}

void progress_pruning(struct progress *progress, uint64_t rows, uint64_t rows_total,
                      uint64_t free_bytes)
{
    int64_t now_us = clock_monotonic_us();
    struct line line = {.what = "pruning", .share = -1};
    struct buf members = {0};
    char count[WORDS_SIZE], total[WORDS_SIZE];
    double per_s;

    rate_note(&progress->rate, rows, now_us);
    if (!is_due(progress, now_us))
        return;
    per_s = rate_per_s(&progress->rate);
    if (free_bytes > 0) {
        snprintf(line.parts[1], PART_SIZE, "giving space back: %s left",
                 words_bytes(free_bytes, count));
    } else {
        line.share = rows_total > 0 ? (double)rows / (double)rows_total : -1;
        snprintf(line.parts[1], PART_SIZE, "%s of %s rows", words_grouped(rows, count),
                 words_grouped(rows_total, total));
        if (per_s > 0) {
            snprintf(line.parts[2], PART_SIZE, "%s/s", words_grouped((uint64_t)per_s, count));
            put_left(&line, (int64_t)((double)(rows_total - rows) / per_s * 1000));
        }
    }
    json_line_count(&members, "rows", rows);
    json_line_count(&members, "rows_total", rows_total);
    json_line_count(&members, "free_bytes", free_bytes);
    show(progress->report, "pruning", &line, &members);
}

void progress_copying(struct progress *progress, uint64_t bytes, uint64_t bytes_total)
{
    int64_t now_us = clock_monotonic_us();
    bool copied = bytes == bytes_total;
    struct line line = {.what = copied ? "checking the copy" : "copying", .share = -1};
    struct buf members = {0};
    char done[WORDS_SIZE], total[WORDS_SIZE];
    double per_s;

    rate_note(&progress->rate, bytes, now_us);
    if (!is_due(progress, now_us))
        return;
    per_s = rate_per_s(&progress->rate);
    line.share = bytes_total > 0 ? (double)bytes / (double)bytes_total : -1;
    snprintf(line.parts[1], PART_SIZE, "%s of %s", words_bytes(bytes, done),
             words_bytes(bytes_total, total));
    if (copied)
        snprintf(line.parts[2], PART_SIZE, "checking the copy");
    else if (per_s > 0)
        put_left(&line, (int64_t)((double)(bytes_total - bytes) / per_s * 1000));
    json_line_count(&members, "bytes", bytes);
    json_line_count(&members, "bytes_total", bytes_total);
    show(progress->report, "copying", &line, &members);
}

void progress_upgrading(void *context, unsigned step, unsigned steps)
{
    struct progress *progress = context;
    struct line line = {.what = "upgrading the database", .share = -1};
    struct buf members = {0};

    if (!is_due(progress, clock_monotonic_us()))
        return;
    snprintf(line.parts[0], PART_SIZE, "upgrading the database");
    if (!has_bar(progress->report))
        *line.parts[0] = '\0';
    snprintf(line.parts[1], PART_SIZE, "step %u of %u", step, steps);
    json_line_count(&members, "step", step);
    json_line_count(&members, "steps", steps);
    show(progress->report, "upgrading", &line, &members);
}
