/* A claim: a job in hand, what the drain sends for it, and the outcome. */
#pragma once

#include "core/base/buf.h"
#include "core/job/correlation.h"
#include "core/job/policy.h"
#include "core/job/state.h"
#include "core/store/before.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CLAIM_ERROR_CODE_SIZE = 128,
    CLAIM_ERROR_SIZE = 512,
    CLAIM_HEADER_SIZE = 128,
    CLAIM_EVIDENCE_SIZE = 128,
    CLAIM_USER_SIZE = 64,
    CLAIM_TOKEN_SIZE = 128,
    CLAIM_STATUS_NONE = -1,
};

/* Another job of ours for the same record. */
struct claim_sibling {
    int64_t job_id;
    int64_t made_version; /* that the server answered its PUT with; -1: none is known */
    char made_token[CLAIM_TOKEN_SIZE]; /* ... or the token; "": none, or a longer one */
    bool is_sent; /* by this database; else only another copy of it may have sent it */
    unsigned char correlation[CORRELATION_SIZE];
};

/* One error that the server named in a 422. */
struct claim_violation {
    char *field, *code, *message;
};

/* A job in hand: filled by jobs_exchange, sent, and given back to it with its outcome. Reused for
 * one job after another; zeroed means fresh. What few jobs have is last: a job in hand passes
 * between two threads twice, and each line of the processor's cache that is touched costs. */
struct claim {
    /* what to send; texts are offsets into text */
    int64_t job_id;
    int64_t attempt_id;
    int64_t claimed_ms;
    enum job_request request;
    bool is_first;     /* the first request of its job, a PUT */
    bool doubt;        /* an earlier attempt may have been applied */
    bool is_reopened;  /* a decision opened it again, after it was finished */
    bool is_known;     /* its PUTs so far carried a version that was known, and not fetched */
    int64_t known_id;  /* ... and where that is stored */
    bool has_base;     /* what an earlier PUT was built on is stored */
    bool keeps_record; /* what an answer shows of the record is kept */
    bool keeps_before; /* what the record held before the update is stored */
    bool is_look;      /* of a fetch: for that alone, the row is sent as it is */
    bool is_exact;     /* the row undoes an update: its fields are all that the record is to hold */
    bool refused_token; /* this run's last answer to this job was a 401 */
    enum target_lock lock;
    bool is_declared; /* the row has the token, and the record is fetched for the rest alone */
    bool has_version; /* false: nothing, or another token, is sent in place of a version */
    bool reads_first; /* the update is built on the record, whatever the lock */
    unsigned bulk;    /* rows that an update can have, 0: it is a request of its own */
    const char *schema_hash; /* of the schema file that this was read from; NULL: there was none */
    unsigned creates;        /* the update is for a record that is not there: CREATES_ */
    int64_t version;         /* to send; of a read-back or an audit: what the PUT carried */
    unsigned char correlation[CORRELATION_SIZE];
    unsigned attempts;        /* PUTs that may have been sent, including this one */
    unsigned attempts_before; /* of these, before a person had the job tried again */
    unsigned readbacks;       /* GETs in a row without an answer */
    unsigned rounds;  /* fetches that its PUTs were built on; 0: it is sent as its row says */
    int64_t asked_ms; /* of an audit: for how long the log had been asked when the first page of
                         this look into it was claimed */
    bool asked_ahead; /* ... by a clock that was ahead of this one */
    int64_t page;     /* ... and its page, from 1 */
    bool is_gone;     /* ... and the record was not there any more */
    bool was_there;   /* ... or held our values already */
    bool is_copied;   /* ... or a later row of ours, which this database never sent */
    bool has_entry;   /* ... and a page before this one has the version by another update */
    int64_t shown_version; /* ... or what a GET showed it to be */
    uint64_t seen;         /* ... entries on the pages before this one */
    uint64_t page_hash;    /* ... and the hash of the last of them */
    bool looks_again;      /* of a read-back: the one before showed no newer version */
    int put_status;        /* of a read-back or an audit: what the PUT was answered; 0: nothing */
    struct buf base; /* of a PUT that was built on a record: the token of the lock, what goes back,
                        and the fields of the row alone */
    size_t token_size, under_size;
    struct buf siblings;  /* of a read-back or an audit: struct claim_sibling, the nearest ones */
    unsigned run_retries; /* of this run */
    bool spread;          /* claimed as part of a sample of the whole queue */
    int http_status;      /* of the last answer, 0 where there is none: 409 before a read-back */
    struct buf record;    /* of keeps_record: the fields that the answer shows; empty: none */
    struct buf text;
    size_t schema_size; /* text has schema, record id, fields and tags, in that order */
    size_t record_id_size;
    size_t fields_size;
    size_t tags_size; /* 0: the row names none */

    /* what happened to it */
    struct claim_outcome {
        enum job_state state;
        bool untouched; /* never started: the job is put back as it was before the claim, due at
                           not_before_ms; the other members are not read */
        bool last;      /* of untouched: after all others of this run */
        bool repeats;   /* the update, which several jobs shared, did nothing and goes out again:
                           the job stays in hand with a new attempt, and the old one does not count
                           against max_attempts; state and what follows from it are not read */
        bool left;      /* false: the PUT was not sent, and does not count as an attempt */
        bool excused;   /* an attempt that does not count against max_attempts */
        enum policy_next next;
        bool doubt;
        bool unsettled;
        unsigned readbacks, run_retries;
        int64_t not_before_ms; /* of pending and unknown */
        int http_status;       /* of the attempt */
        int job_status;        /* of the job, where it is another: 409 for a conflict that a GET
                                  proved, that of the PUT after a read-back; CLAIM_STATUS_NONE: it
                                  has none; 0: the same */
        bool has_server_version;
        int64_t server_version;
        bool shows_record; /* of keeps_record: the record is at server_version and holds
                              claim.record, or after an update without that what was sent */
        bool shows_ours;   /* ... and an update of ours made it so, here or from another copy */
        int64_t ended_ms, latency_us;
        bool error_stays; /* code and message of the job stay as the PUT's answer had them */
        bool code_stays;  /* the code alone */
        struct claim_violation *violations; /* freed by jobs_exchange */
        size_t violation_count;
        bool conflict, proven, ahead; /* of the state or of what it was before that */
        bool looks_again;
        bool was_there;           /* of POLICY_NEXT_AUDIT: the record held our values */
        bool is_copied;           /* ... or a later row of ours, which this database never sent */
        uint64_t seen, page_hash; /* of POLICY_NEXT_PAGE, with the page that was read */
        char *server_record;   /* of a conflict, and of what the audit log is asked about; freed by
                                  jobs_exchange; or NULL: of an audit, as it was stored before */
        char *audit_entry;     /* of a conflict after an audit: the entry, or `null`; of
                                  POLICY_NEXT_PAGE: that of another update; freed likewise; NULL: as
                                  it was stored before */
        bool has_base_version; /* of POLICY_NEXT_SEND: the PUT carries a version; with a step, that
                                  is server_version, unless the PUT creates the record */
        int64_t base_version;
        unsigned creates;    /* ... CREATES_ */
        char *token, *under; /* ... and what claim.base has; freed likewise; or NULL. token: of a
                                read or an answer, unless it is a version */
        char *fields; /* of POLICY_NEXT_SEND unless it was a look: what the PUT carries, built on
                         server_version; freed by jobs_exchange */
        struct before *before; /* of POLICY_NEXT_SEND: what the record holds at the version that the
                                  PUT carries; freed likewise; NULL: not kept */
        char correlation_header[CLAIM_HEADER_SIZE];
        char evidence[CLAIM_EVIDENCE_SIZE];     /* what a verdict rests on, or "" */
        char error_code[CLAIM_ERROR_CODE_SIZE]; /* of the job, or "" */
        char error_message[CLAIM_ERROR_SIZE];
        char attempt_error[CLAIM_ERROR_SIZE]; /* why the attempt has no answer, or "" */
        char entry_user[CLAIM_USER_SIZE], own_user[CLAIM_USER_SIZE]; /* of POLICY_NEXT_PAGE */
    } outcome;

    char entry_user[CLAIM_USER_SIZE]; /* of an audit: who made the next version, by an entry without
                                         an id */
    char own_user[CLAIM_USER_SIZE];   /* ... and earlier updates of ours */
    char put_code[CLAIM_ERROR_CODE_SIZE]; /* of put_status, or "" */
    char put_error[CLAIM_ERROR_SIZE];     /* ... and what was said with that, or "" */
};

struct span claim_schema(const struct claim *claim);
struct span claim_record_id(const struct claim *claim);
struct span claim_fields(const struct claim *claim);
struct span claim_tags(const struct claim *claim);
struct span claim_token(const struct claim *claim);
struct span claim_under(const struct claim *claim);
struct span claim_row_fields(const struct claim *claim); /* without those of the record */
void claim_release(struct claim *claim);

/* Frees what the outcome owns, which few outcomes do. */
void claim_release_outcome(struct claim_outcome *outcome);
