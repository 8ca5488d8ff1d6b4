/* Sends pending jobs to the API, for `run`, `drain` and `audit`. */
#pragma once

#include "cmd/rowferry/credentials.h"
#include "cmd/rowferry/session.h"

struct diff_options;

/* Checks environment, login and the file of the secret or key before the command starts. Returns
 * false after reporting the error; credentials_release is due either way. */
bool send_open(struct credentials *credentials, struct cli *cli);

/* Drains the session's scope; batch_id 0: all batches. It needs credentials, network and lock only
 * if there is something to send, and reports how it ended. Returns true if nothing keeps it from
 * sending more. */
bool send_work(const struct credentials *credentials, struct session *session, int64_t batch_id);

/* Looks up the applied jobs of all batches, or of one, in the audit log, and reports how it ended.
 */
void send_audit(const struct credentials *credentials, struct session *session, int64_t batch_id);

/* Has records read and compared, and reports how it ended. Returns true if all of them were. */
bool send_compare(const struct credentials *credentials, struct session *session,
                  const struct diff_options *diff);
