/* What rows of schemas with `version: known` become by what is known of their records: the
 * decisions of the store's thread, which has the schema files to itself. */
#pragma once

#include "core/store/known_claim.h"

struct knowledge;

/* folder: of the schema files. Each is read when the first record of its schema comes. */
struct knowledge *knowledge_open(const char *folder);
void knowledge_close(struct knowledge *knowledge);

const struct known_decider *knowledge_decider(const struct knowledge *knowledge);
