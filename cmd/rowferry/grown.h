/* Filed files that grew or changed after they were read, because a process that rowferry could not
 * see still wrote them. */
#pragma once

#include "cmd/rowferry/session.h"

/* Reports which of the watched files grew or changed, by how much, and what to do (status 3). At
 * the beginning of a run (first) it checks all of them, and keeps watching only those that grew; at
 * the end it checks those that were filed since since_ms. */
void grown_look(struct session *session, int64_t since_ms, bool first);
