/* External contacts and organizations by a key of the caller's (enrich, single and bulk; lookup),
 * and contacts of outbound lists in bulk. */
#ifndef GENESYS_SIM_CONTACTS_H
#define GENESYS_SIM_CONTACTS_H

#include "cmd/genesys-sim/sim.h"

void contacts_enrich(struct sim *sim, struct request *request);
void contacts_bulk(struct sim *sim, struct request *request);
void contacts_lookup(struct sim *sim, struct request *request);

#endif
