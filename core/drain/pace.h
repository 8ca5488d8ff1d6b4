/* Inside core/drain only: what answers mean for the pace of the run, and whether it goes on at
 * all. */
#ifndef ROWFERRY_DRAIN_PACE_H
#define ROWFERRY_DRAIN_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct http_answer;
struct loop;
struct policy_verdict;

/* Reports a complete answer to the governor. */
void pace_count(struct loop *loop, const struct http_answer *answer,
                const struct policy_verdict *verdict);

/* The retry budget is empty: stops the run. */
void pace_exhausted(struct loop *loop);

/* The server asks to wait for wait_ms. The longest such wait holds, with its reason, and is stored
 * however the run ends. why: what the server did, before ", and asks to wait until". */
void pace_ask(struct loop *loop, int64_t wait_ms, const char *why);

/* Parks the run where the wait is longer than --max-wait; false: it is not. why: what the server
 * did, before ", and asks to wait until". */
bool pace_park(struct loop *loop, int64_t wait_ms, const char *why);

/* A 429, or a 503 that names a time: everything waits for pause_ms (-1: no time is named). Beyond
 * --max-wait the run is parked. */
void pace_throttle(struct loop *loop, const struct http_answer *answer, int64_t pause_ms);

/* Nothing was reached: wait, longer each time, and give up when that changes nothing. What fails
 * while the wait already runs belongs to the same try. */
void pace_unreachable(struct loop *loop, const char *why, struct err *err);

#endif
