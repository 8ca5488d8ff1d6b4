/* The audit log of records, which shows who made each of their versions. */
#pragma once

#include "core/api/record.h"
#include "core/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends the URL that asks the target's audit log about records, for a page from 1 on. An id that
 * contains a comma has to be asked alone: a server may decode the query before it splits the list.
 */
void api_audit_url(struct buf *out, const char *api_url, const struct target *target,
                   struct span schema, const struct span *ids, size_t id_count, int64_t page);

enum { API_USER_SIZE = 64 }; /* of a user's id; a longer one is not compared */

/* What the log is asked: whose one version of one record is. */
struct api_audit_question {
    struct span record_id;
    int64_t version;
    const unsigned char *correlation; /* 16 bytes: of the update that may have made it */
    /* True when an id is that of an update that we made to the record before. */
    bool (*is_own)(const void *context, const unsigned char id[16]);
    const void *context;
};

/* One entry of a page. What is not there, or does not parse, is zero. */
struct api_audit_entry {
    struct span record_id; /* decoded; empty without one */
    bool has_version;
    int64_t version;
    struct api_id id;
    char user[API_USER_SIZE]; /* "" without one, or where it is too long */
    struct span text;         /* its JSON text within the body */
};

/* What a page says about itself. */
struct api_audit_page {
    uint64_t count; /* entries, of whatever record */
    uint64_t hash;  /* of all of them, to recognise a page that repeats */
    int64_t total;  /* entries on all pages; -1: not given */
    int64_t page_size;
    bool has_next; /* a next page is named */
};

/* Calls visit for each entry of a page, in order; texts are valid during the call. next: takes the
 * URI of the next page, empty without one; or NULL. False when the body is not a page of the audit
 * log. */
bool api_read_audit_page(struct span body,
                         void (*visit)(void *context, const struct api_audit_entry *entry),
                         void *context, struct api_audit_page *page, struct buf *next);

/* What one page says about the version in question. */
struct api_audit {
    struct api_audit_page page;
    bool is_ours;            /* an entry of the version with this correlation id */
    bool is_anothers;        /* ... with another one */
    bool is_unnamed;         /* ... without an id that identifies anyone */
    bool is_elsewhere;       /* an entry of another version, or of none, with this correlation id */
    int64_t elsewhere;       /* ... the lowest; -1: none is named */
    int64_t last_version;    /* of the record's last entry that names one; -1: there is none */
    unsigned char other[16]; /* of is_anothers: the id */
    struct span entry;       /* of any: its JSON text within the body; else empty */
    char user[API_USER_SIZE];     /* of is_unnamed: who made the version; or "" */
    char own_user[API_USER_SIZE]; /* the user of an update of ours on this page; or "" */
};

/* False when the body is not a page of the audit log. */
bool api_read_audit(struct span body, const struct api_audit_question *question,
                    struct api_audit *audit);

/* Whether more entries would fit on the page; one with room is the last of its log. The server can
 * use smaller pages than we ask for. */
bool api_audit_is_full(const struct api_audit_page *page);

/* Is it worth asking for the next page? seen, last_hash: entries on the pages before this one, and
 * the hash of the last of them (0: there is none). Not after a page that is empty or repeats. */
bool api_audit_has_more(const struct api_audit_page *page, uint64_t seen, uint64_t last_hash);

/* Appends the absolute URL of the page that `next` names: a URL of the API's own origin, or a path
 * on it. False, and nothing is appended, for any other: the token must not go there. */
bool api_audit_next_url(struct buf *out, const char *api_url, struct span next);
