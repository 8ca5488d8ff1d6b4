/* One request from its first header to its answer: route, token, rate limit, fault, handler, line
 * in the ledger. */
#pragma once

struct request;
struct sim;

/* Finds the route of a request whose headers are complete, and sets early if it is to be answered
 * before its body is read. */
void dispatch_begin(struct sim *sim, struct request *request);

/* Decides a request that is complete, or early. All it changes is changed and written to the ledger
 * on return, but for late updates, which sim->timers runs. */
void dispatch_answer(struct sim *sim, struct request *request);

/* Ends a request after its answer was sent or its connection closed. */
void dispatch_end(struct sim *sim, const struct request *request);
