/* External contacts and organizations by a key of the caller's (enrich, single and bulk; lookup),
 * and contacts of outbound lists in bulk. */
#pragma once

#include "cmd/genesys-sim/sim.h"

void contacts_enrich(struct sim *sim, struct request *request);
void contacts_bulk(struct sim *sim, struct request *request);
void contacts_lookup(struct sim *sim, struct request *request);
