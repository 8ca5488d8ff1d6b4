/* What records hold, as far as it is known, of schemas with `version: known`: the table known. All
 * of these but known_find, known_keep and known_count belong into a transaction of the caller's. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum known_source { KNOWN_BY_PUT, KNOWN_BY_GET, KNOWN_BY_NOTIFICATION };

/* What the answer to a PUT or a GET shows of a record. */
struct known_sight {
    struct span schema, record_id;
    enum known_source source; /* not a notification */
    int64_t version;
    struct span fields; /* a JSON object */
    int64_t known_id;   /* struct known has it; 0: it was not looked for */
    int64_t
        asked_ms; /* when the request left, or before that: the record held them then or later */
    const unsigned char *correlation; /* that the record carries, for known_keep; or NULL */
};

/* Stores a sight if it is newer than what is known: a higher version, or the same one asked for
 * later. What contradicts it (a lower version that was asked for later, other fields right before
 * or after a notification) makes the record unknown. now_ms: times after it are by a wrong clock.
 */
bool known_learn(struct store *store, const struct known_sight *sight, int64_t now_ms,
                 struct err *err);

/* Makes a record unknown from at_ms on: an update may have landed, or the record is gone. */
bool known_forget(struct store *store, struct span schema, struct span record_id,
                  enum known_source source, int64_t at_ms, struct err *err);

/* The same if it is known to have that version, which the server denies. */
bool known_refute(struct store *store, struct span schema, struct span record_id, int64_t version,
                  int64_t at_ms, struct err *err);

/* Deletes what is known of the records of a schema, because an update is about to be sent whose
 * answer is not stored here. */
bool known_forget_schema(struct store *store, struct span schema, struct err *err);

enum { KNOWN_SLACK_MS = 300000 /* between the server's clock and ours, at most */ };

/* Stores what a notification about somebody else's change says. fields empty: unknown, since the
 * record was not just updated. modified_ms: the time of the change by the server's clock; 0: not
 * known. If the clocks leave open whether that is newer than what is known, and it is something
 * else, the record becomes unknown. */
bool known_notify(struct store *store, struct span schema, struct span record_id,
                  struct span fields, int64_t modified_ms, int64_t now_ms, struct err *err);

/* What is known of a record; zeroed before its first use. */
struct known {
    bool is_known; /* the rest counts */
    int64_t id;    /* of its row, which another record can get once it is forgotten */
    bool has_version;
    int64_t version;
    int64_t seen_ms;
    enum known_source source;
    struct buf fields; /* freed by the caller */
};

/* Fills *known, whose buffer is used again. */
bool known_find(struct store *store, struct span schema, struct span record_id, struct known *known,
                struct err *err);

/* The same in the transaction of a caller, who looks for many records. They are mostly stored in
 * the order in which they are looked for: then one statement, which is open until known_stop, finds
 * them. */
bool known_find_next(struct store *store, struct span schema, struct span record_id,
                     struct known *known, struct err *err);
void known_stop(struct store *store);

/* Stores what a GET showed that is not part of a job, in a transaction of its own. Nothing is
 * stored while an update of the record is under way or in doubt, because its answer decides; nor if
 * the record carries an id as ours that this database never sent: another copy of it may have sent
 * rows that are still to be sent here, and a fetch has to find that. */
bool known_keep(struct store *store, const struct known_sight *sight, int64_t now_ms,
                struct err *err);

/* How much is known of the records of a schema. */
struct known_count {
    const char *schema;
    uint64_t records;
    int64_t oldest_ms, newest_ms; /* of seen_ms */
};

/* Visits the schemas of which something is known. Reads all that is known, for each schema. */
bool known_count(struct store *store,
                 bool (*visit)(void *context, const struct known_count *count, struct err *err),
                 void *context, struct err *err);
