/* PUT and GET of one record. */
#pragma once

#include "cmd/genesys-sim/sim.h"

void put_answer(struct sim *sim, struct request *request);
void get_answer(struct sim *sim, struct request *request);

/* Applies the update of the PUT numbered seq, now or after its connection was closed. */
enum update_result put_apply(struct sim *sim, uint64_t seq, const struct route *route,
                             const struct payload *payload);
