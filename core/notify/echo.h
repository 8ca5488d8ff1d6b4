/* Is a notification the echo of an update of our own? */
#pragma once

#include "core/api/record.h"
#include "core/notify/payload.h"
#include "core/store/notification.h"
#include "core/validate/catalog.h"

#include <stdbool.h>

enum { ECHO_SLACK_MS = 60000 }; /* between a job's attempt and the time of its change, either way */

/* A notification, seen from one job of its record. */
struct echo_facts {
    enum api_owner owner; /* by the id in the record's metadata */
    bool is_open;         /* the job is not finished */
    bool is_applied;
    bool has_same_fields; /* those that were sent, by value */
    bool is_likely;       /* our client made the change, or its time fits the job's attempt */
    bool is_overwritten;  /* the record held other fields after the job's change and before this one
                           */
    bool has_another_echo; /* of another time */
};

enum echo_verdict { ECHO_NO, ECHO_YES, ECHO_WAIT };

/* In doubt it is not an echo: an echo that is delivered does no harm, a change that is not
 * delivered does. */
enum echo_verdict echo_decide(const struct echo_facts *facts);

/* What echo_of_store needs; zeroed but for store, client_id (NULL: not known) and catalog. */
struct echo {
    struct store *store;
    const char *client_id;
    const struct catalog *catalog; /* of schema files; NULL: none */
    struct payload_reader reader, earlier;
};

void echo_release(struct echo *echo);

/* For struct notification_decider: asks the jobs in the store. context: a struct echo. */
bool echo_of_store(void *context, const struct notification *notification,
                   struct notification_verdict *verdict, struct err *err);

/* For the same: whether the schema file says `version: known`. */
bool echo_knows(void *context, struct span schema);
