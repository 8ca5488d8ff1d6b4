/* Pending jobs -> the API, for `run` and `drain`: where to, as whom, and what the end of it means.
 */
#ifndef ROWFERRY_CMD_SEND_H
#define ROWFERRY_CMD_SEND_H

#include "cmd/rowferry/session.h"
#include "core/api/environment.h"

struct send {
    struct environment environment;
    char *secret; /* NULL: none set */
};

/* Checks environment, login and secret file before anything is done. False: told. */
bool send_open(struct send *send, struct cli *cli);
void send_release(struct send *send);

/* Drains what the session's scope holds; batch_id 0: all. Credentials, network and lock are only
 * needed when there is something to send. How it ended is told; true: nothing keeps more from being
 * sent. */
bool send_work(struct send *send, struct session *session, int64_t batch_id);

/* Looks up the applied jobs of all batches, or of one, in the audit log. How it ended is told. */
void send_audit(struct send *send, struct session *session, int64_t batch_id);

#endif
