#include "cmd/rowferry/tally.h"

#include "cmd/rowferry/json_line.h"
#include "core/base/clock.h"

#include <string.h>

void tally_begin(struct tally *tally)
{
    *tally = (struct tally){.started_ms = clock_now_ms(), .started_us = clock_monotonic_us()};
}

void tally_release(struct tally *tally)
{
    buf_release(&tally->next);
}

void tally_add(struct tally *tally, const struct batch_counts *batch)
{
    tally->batches++;
    tally->batches_loading += strcmp(batch->state, "loading") == 0;
    tally->rows_read += batch->rows_read;
    tally->rows_rejected += batch->rows_rejected;
    tally->rows_discarded += batch->rows_discarded;
    tally->jobs += batch->jobs;
    for (unsigned state = 0; state < JOB_STATES; state++)
        tally->by_state[state] += batch->by_state[state];
}

uint64_t tally_left(const struct tally *tally)
{
    uint64_t left = 0;

    for (unsigned state = 0; state < JOB_STATES; state++)
        if (job_state_is_open((enum job_state)state))
            left += tally->by_state[state];
    return left;
}

int64_t tally_duration_ms(const struct tally *tally)
{
    return (clock_monotonic_us() - tally->started_us) / 1000;
}

int64_t tally_forecast_ms(const struct tally *tally, uint64_t left, double rate_per_s)
{
    if (tally->learned_per_s > 0)
        rate_per_s = tally->learned_per_s;
    return rate_per_s > 0 ? (int64_t)((double)left / rate_per_s * 1000) : -1;
}

/* Bad answers by what they said: `"answers": [{"status", "code", "message", "count"}]`. */
static void append_answers(const struct meter_replies *replies, struct buf *line)
{
    buf_append_text(line, ", \"answers\": [");
    for (unsigned i = 0; i < replies->count; i++) {
        const struct meter_reply *reply = &replies->items[i];

        buf_append_text(line, i ? ", {" : "{");
        if (reply->status)
            buf_printf(line, "\"status\": %ld", reply->status);
        else
            buf_append_text(line, "\"status\": null");
        json_line_text(line, "code", reply->code[0] ? span_of(reply->code) : (struct span){0});
        json_line_text(line, "message", span_of(reply->message));
        json_line_count(line, "count", reply->count);
        buf_append_char(line, '}');
    }
    buf_append_char(line, ']');
    json_line_count(line, "answers_others", replies->others);
}

void tally_json(struct tally *tally, const char *command, double rate_per_s, int exit_status,
                struct buf *line)
{
    const struct store_run *run = &tally->run;
    int64_t forecast_ms = tally_forecast_ms(tally, tally_left(tally), rate_per_s);
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"files", tally->files},
        {"files_known", tally->files_known},
        {"files_refused", tally->files_refused},
        {"files_held", tally->files_held},
        {"files_unreadable", tally->files_unreadable},
        {"files_growing", tally->files_growing},
        {"files_left", tally->files_left},
        {"batches", tally->batches},
        {"rows_read", tally->rows_read},
        {"rows_rejected", tally->rows_rejected},
        {"rows_discarded", tally->rows_discarded},
        {"jobs", tally->jobs},
    };

    json_line_begin(line, "summary");
    json_line_text(line, "command", span_of(command));
    if (tally->run_id)
        json_line_count(line, "run", (uint64_t)tally->run_id);
    else
        json_line_text(line, "run", (struct span){0});
    json_line_time(line, "started", tally->started_ms);
    json_line_time(line, "ended", clock_now_ms());
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_line_count(line, counts[i].name, counts[i].value);
    for (unsigned state = 0; state < JOB_STATES; state++)
        json_line_count(line, job_state_name((enum job_state)state), tally->by_state[state]);
    json_line_count(line, "requests", run->requests);
    json_line_number(line, "latency_avg_ms", (double)run->latency_avg_us / 1000, 3);
    json_line_number(line, "latency_p50_ms", (double)run->latency_p50_us / 1000, 3);
    json_line_number(line, "latency_p95_ms", (double)run->latency_p95_us / 1000, 3);
    json_line_number(line, "latency_p99_ms", (double)run->latency_p99_us / 1000, 3);
    json_line_number(line, "error_rate", run->error_rate, 4);
    json_line_count(line, "validation_failures", run->validation_failures);
    json_line_count(line, "throttled", run->throttled);
    append_answers(&tally->replies, line);
    json_line_number(line, "duration_s", (double)tally_duration_ms(tally) / 1000, 3);
    json_line_count(line, "requests_left", tally_left(tally));
    if (forecast_ms < 0)
        json_line_text(line, "seconds_left", (struct span){0});
    else
        json_line_number(line, "seconds_left", (double)forecast_ms / 1000, 1);
    json_line_text(line, "next", buf_span(&tally->next));
    json_line_count(line, "exit_status", (uint64_t)exit_status);
    json_line_end(line);
}
