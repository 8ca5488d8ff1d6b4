#include "core/drain/meter.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGES_MAX = 3 }; /* for one status and code */

/* 0 also for a status that HTTP does not have. */
static unsigned class_of(const struct http_answer *answer)
{
    long class = answer->end == HTTP_DONE ? answer->status / 100 : 0;

    return class > 0 && class < METER_CLASSES ? (unsigned)class : 0;
}

void meter_count(struct meter *meter, const struct http_answer *answer)
{
    if (answer->end == HTTP_NEVER_LEFT || answer->end == HTTP_UNTRUSTED ||
        answer->end == HTTP_PROXY)
        return;
    meter->requests++;
    meter->errors += answer->end != HTTP_DONE || answer->status >= 400;
    meter->throttled += answer->status == 429;
    meter->answers[class_of(answer)]++;
    histogram_add(&meter->latencies, (uint64_t)answer->latency_us);
}

/* Returns the kind that a reply counts with; NULL: it is a new one. */
static struct meter_reply *find_reply(struct meter_replies *replies,
                                      const struct meter_reply *reply)
{
    struct meter_reply *first = NULL;
    unsigned messages = 0;

    for (unsigned i = 0; i < replies->count; i++) {
        struct meter_reply *item = &replies->items[i];

        if (item->status != reply->status || strcmp(item->code, reply->code) != 0)
            continue;
        if (strcmp(item->message, reply->message) == 0)
            return item;
        first = first ? first : item;
        messages++;
    }
    if (!first || (messages < MESSAGES_MAX && replies->count < METER_REPLIES))
        return NULL;
    first->varies = true;
    return first;
}

void meter_note(struct meter *meter, const struct http_answer *answer, const char *code,
                const char *message)
{
    struct meter_replies *replies = &meter->replies;
    struct meter_reply reply = {.status = answer->end == HTTP_DONE ? answer->status : 0};
    struct meter_reply *found;

    if (answer->end == HTTP_NEVER_LEFT || answer->end == HTTP_UNTRUSTED)
        return;
    snprintf(reply.code, sizeof reply.code, "%s", code);
    snprintf(reply.message, sizeof reply.message, "%s", message);
    found = find_reply(replies, &reply);
    if (!found && replies->count < METER_REPLIES) {
        found = &replies->items[replies->count++];
        *found = reply;
    }
    if (found)
        found->count++;
    else
        replies->others++;
}

void meter_sort(struct meter_replies *replies)
{
    for (unsigned i = 1; i < replies->count; i++) {
        struct meter_reply item = replies->items[i];
        unsigned at = i;

        for (; at > 0 && replies->items[at - 1].count < item.count; at--)
            replies->items[at] = replies->items[at - 1];
        replies->items[at] = item;
    }
}

void meter_report(const struct meter *meter, struct store_run *run)
{
    run->requests = meter->requests;
    run->throttled = meter->throttled;
    run->error_rate = meter->requests ? (double)meter->errors / (double)meter->requests : 0;
    run->latency_avg_us = histogram_average(&meter->latencies);
    run->latency_p50_us = histogram_percentile(&meter->latencies, 50);
    run->latency_p95_us = histogram_percentile(&meter->latencies, 95);
    run->latency_p99_us = histogram_percentile(&meter->latencies, 99);
}
