/* Sends pending jobs to the API, for `run`, `drain` and `audit`. */
#pragma once

#include "cmd/rowferry/credentials.h"
#include "cmd/rowferry/session.h"

struct diff_options;

struct send {
    struct credentials credentials;
};

/* Checks environment, login and the file of the secret or key before the command starts. Returns
 * false after reporting the error. */
bool send_open(struct send *send, struct cli *cli);
void send_release(struct send *send);

/* Drains the session's scope; batch_id 0: all batches. It needs credentials, network and lock only
 * if there is something to send, and reports how it ended. Returns true if nothing keeps it from
 * sending more. */
bool send_work(struct send *send, struct session *session, int64_t batch_id);

/* Looks up the applied jobs of all batches, or of one, in the audit log, and reports how it ended.
 */
void send_audit(struct send *send, struct session *session, int64_t batch_id);

/* Has records read and compared, and reports how it ended. Returns true if all of them were. */
bool send_compare(struct send *send, struct session *session, const struct diff_options *diff);
