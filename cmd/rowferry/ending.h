/* What run, ingest and drain tell people at their end: counts, where to look, what to do next. */
#ifndef ROWFERRY_CMD_ENDING_H
#define ROWFERRY_CMD_ENDING_H

#include "cmd/rowferry/session.h"

/* After session_close. Notes the command that goes on from here in tally.next, and prints the
 * summary; the last line of an incomplete run is that command. */
void ending_tell(struct session *session);

/* `N requests left, about 2m 42s at 300/m`, with its line end; nothing when none is left. */
void ending_forecast(const struct cli *cli, uint64_t left, struct buf *out);

/* Queries to paste, for rows and jobs that a person will want to look at. */
void ending_queries(const struct session *session, struct buf *out);

#endif
