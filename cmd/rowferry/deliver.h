/* Pending notifications are delivered to the ERP. */
#pragma once

#include "cmd/rowferry/session.h"
#include "cmd/rowferry/signing_keys.h"
#include "core/notify/sender.h"
#include "core/notify/signature.h"
#include "core/store/notification.h"
#include "core/validate/catalog.h"

#include <stdbool.h>

struct deliver {
    const char *endpoint; /* NULL: none is set */
    struct signature_keys *keys;
    struct signing_keys_file keys_file;
    const char *client_id;   /* by which echoes are recognised; or NULL */
    struct catalog *catalog; /* of schema files; NULL: none */
    bool delivers_echoes;
};

/* Reads the settings. False: a setting is wrong; reported. deliver_release is due either way. */
bool deliver_open(struct deliver *deliver, struct cli *cli);
void deliver_release(struct deliver *deliver);

/* Fills the options of a sender. max_tries 0: without end. */
void deliver_options(const struct deliver *deliver, const struct session *session,
                     unsigned max_tries, struct sender_options *options);

/* Delivers what is pending, unless another process does, and counts it in the summary. What is
 * still pending at the end makes exit status 5, what failed 3. */
void deliver_work(const struct deliver *deliver, struct session *session);

/* Counts what the database has of notifications and deliveries, for the summary. */
bool deliver_count(struct session *session, struct notification_counts *counts);
