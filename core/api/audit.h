/* The audit log of a record, which tells whose each of its versions is. */
#ifndef ROWFERRY_API_AUDIT_H
#define ROWFERRY_API_AUDIT_H

#include "core/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends `{api}/api/v2/customobjects/schemas/{schema}/records/auditlogs?entityIds={id}&...` for a
 * page from 1 on. One record a request: a comma between ids cannot be told from one inside. */
void api_audit_url(struct buf *out, const char *api_url, struct span schema, struct span id,
                   int64_t page);

enum { API_USER_SIZE = 64 }; /* of a user's id; a longer one is not compared */

/* What the log is asked: whose one version of one record is. */
struct api_audit_question {
    struct span record_id;
    int64_t version;
    const unsigned char *correlation; /* 16 bytes: of the update that can have made it */
    /* True when an id is that of an update that we made to the record before. */
    bool (*is_own)(const void *context, const unsigned char id[16]);
    const void *context;
};

/* What one page says. An entry whose version or record does not parse says nothing. */
struct api_audit {
    bool is_ours;            /* an entry of the version with this correlation id */
    bool is_anothers;        /* ... with another one */
    bool is_unnamed;         /* ... without an id that could tell */
    bool is_elsewhere;       /* an entry of another version, or of none, with this correlation id */
    unsigned char other[16]; /* of is_anothers: the id */
    struct span entry;       /* of any: its JSON text within the body; else empty */
    char user[API_USER_SIZE];     /* of is_unnamed: who made the version; or "" */
    char own_user[API_USER_SIZE]; /* the user of an update of ours on this page; or "" */
    uint64_t count;               /* entries on the page, of whatever record */
    uint64_t hash;                /* of all of them, to see that a page repeats */
    int64_t total;                /* entries on all pages, -1: not said */
    int64_t page_size;
    bool has_next; /* a next page is named */
};

/* False when the body is not a page of the audit log. */
bool api_read_audit(struct span body, const struct api_audit_question *question,
                    struct api_audit *audit);

/* Is it worth asking for the next page? seen, last_hash: entries on the pages before this one, and
 * the hash of the last of them (0: there is none). Not after a page that is empty or repeats. */
bool api_audit_has_more(const struct api_audit *audit, uint64_t seen, uint64_t last_hash);

#endif
