/* PUT and GET of one record. */
#pragma once

#include "cmd/genesys-sim/sim.h"

void put_answer(struct sim *sim, struct request *request);
/* Answers a POST of several records: {"records": [{"id", and the members of a PUT}]} with
 * [{"id", "status", "record" or "error"}], what each PUT would have been answered. */
void put_several(struct sim *sim, struct request *request);

void get_answer(struct sim *sim, struct request *request);

/* Applies the update of the PUT numbered seq, now or after its connection was closed. */
enum update_result put_apply(struct sim *sim, uint64_t seq, const struct route *route,
                             const struct payload *payload);
