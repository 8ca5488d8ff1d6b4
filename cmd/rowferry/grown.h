/* Filed files that have grown or changed since they were read: whoever still wrote them could not
 * be seen. */
#ifndef ROWFERRY_CMD_GROWN_H
#define ROWFERRY_CMD_GROWN_H

#include "cmd/rowferry/session.h"

/* Says which of the watched files have grown or changed, by how much, and what to do (status 3). At
 * the beginning of a run (first) all of them are looked at, and of these only what grew is watched
 * further; at its end those that were filed since that moment. */
void grown_look(struct session *session, int64_t since_ms, bool first);

#endif
