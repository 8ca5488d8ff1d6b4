/* What a verdict is made from, and the steps that verdicts on all kinds of requests share. */
#pragma once

#include "core/job/meaning.h"
#include "core/job/state.h"
#include "core/target/kind.h"

#include <stdbool.h>
#include <stdint.h>

/* How the transfer ended. */
enum policy_end {
    POLICY_ANSWERED,   /* complete final answer: status counts */
    POLICY_NEVER_LEFT, /* no byte of it went out */
    POLICY_UNTRUSTED,  /* never left: certificate */
    POLICY_PROXY,      /* never left: the proxy wants credentials */
    POLICY_NO_ANSWER,  /* it left, and no complete answer came back */
};

/* Who made the version after the one we sent, by the entry that an audit page has for it. */
enum policy_entry {
    POLICY_NO_ENTRY,
    POLICY_UNNAMED_ENTRY,   /* without an id: unknown */
    POLICY_OUR_USERS_ENTRY, /* without an id, by the user who made earlier updates of ours */
    POLICY_OUR_ENTRY,       /* with our id */
    POLICY_THEIR_ENTRY,     /* with another one */
};

struct policy_answer {
    enum policy_end end;
    long status;
    const char *code;        /* of an API error, or "" */
    int64_t retry_after_ms;  /* -1 without */
    enum target_answer said; /* what the target says about the status and code */
    bool is_shared;          /* it is about several jobs, of which some may have been done */
    bool is_garbled;         /* the body is neither empty nor JSON */
    bool has_record;         /* of a read: the body is a record, with the token of the lock */
    bool has_version;        /* the body is a record with a version; of a GET, with fields too */
    int64_t version;
    bool token_is_sent;      /* the record still has the token that the PUT carried */
    bool is_ours;            /* the record carries this job's correlation id */
    bool is_anothers;        /* ... or another one */
    bool is_later;           /* ... that of a later row of ours, which this database never sent */
    bool fields_are_ours;    /* the record holds what we sent, by value */
    bool is_there;           /* sending it would change nothing */
    bool next_is_known;      /* another job of ours was answered with the version after ours, or
                                with the token that the record has */
    bool is_behind;          /* ... and that job came before this one */
    bool rule_broken;        /* of a fetch: what we would send breaks a rule of the schema */
    bool has_page;           /* the body is a page of the audit log */
    bool has_more;           /* ... and not the last one */
    enum policy_entry entry; /* its version is `version` */
    bool is_elsewhere;       /* the page has our id at another version */
    int64_t elsewhere;       /* ... the lowest; -1: it names none */
};

/* The job that asked, as it was claimed. */
struct policy_job {
    enum job_request request;
    enum target_lock lock;
    enum target_missing missing; /* what is done about a record that is not there */
    bool no_audit;               /* the target has no audit log */
    bool reads_first;            /* an update is built on the record */
    bool is_declared;            /* the row has the token that the PUT carries */
    unsigned creates;            /* the PUT is for a record that is not there: CREATES_ */
    bool doubt;                  /* an earlier attempt may have landed */
    bool is_known;      /* its PUTs so far carried a version that was known, and not fetched */
    bool refused_token; /* this run's last answer to this job was a 401 */
    bool looks_again;   /* of a read-back: the one before showed no newer version */
    bool is_gone;       /* of an audit: the record was not there any more */
    bool was_there;     /* ... or held our values already */
    bool is_copied;     /* ... or held a later row of ours, which this database never sent */
    bool is_look;       /* of a fetch: the PUT after it is sent as it is, whatever the GET shows */
    bool is_exact;      /* it undoes an update, so that only a person puts it over another change */
    int64_t version;    /* that the PUT in question carried */
    int64_t asked_ms;   /* of an audit: how long ago the log was first asked, when this look into it
                           began with its first page */
    long put_status;    /* of a read-back: what the PUT was answered; 0: nothing */
    enum target_answer put_said; /* ... and what the target says about that */
    unsigned attempts, readbacks, run_retries;
    unsigned attempts_before; /* of these, before `retry` opened the job again: not counted against
                                 max_attempts */
    unsigned rounds;          /* fetches that its PUTs were built on so far */
};

/* What is done about a proven conflict automatically. */
enum policy_on_conflict { POLICY_PARK, POLICY_REBASE, POLICY_DISMISS };

/* Why an update carries no token of a lock. */
enum {
    CREATES_NOT,
    CREATES_MISSING, /* the record was not there */
    CREATES_AGAIN,   /* ... and the server said the same about the update that creates it */
};

enum { POLICY_ROUNDS_MAX = 3 }; /* fetches for one job, before its conflict is parked */

struct policy_limits {
    unsigned max_attempts;
    enum policy_on_conflict on_conflict;
    int64_t audit_wait_ms; /* before this, a missing entry in the audit log proves nothing */
    int64_t timeout_ms;    /* of a request: a stray one is not expected to be applied after it */
    bool kind_works;       /* a request of this kind was taken in this run */
    bool token_accepted;   /* ... and one with the token that this request carried */
    bool fixed_key;        /* it is a key, which no other can replace */
    double dice;           /* 0 to 1, for jitter */
};

/* What the run as a whole does. */
enum policy_run {
    POLICY_GO_ON,
    POLICY_NEW_TOKEN,   /* fetch one, then the same request again */
    POLICY_PAUSE,       /* nothing leaves for pause_ms (-1: the server named no time) */
    POLICY_UNREACHABLE, /* nothing was reached: try again, end when nothing works */
    /* No request of the kind was accepted so far: either this record is refused, as the verdict
     * says, or everything is (trial.h). */
    POLICY_FORBIDDEN,   /* 403 */
    POLICY_WRONG_PLACE, /* not what the API would say */
    POLICY_REFUSING,    /* the request is wrong, or what it names is not there */
    POLICY_STOP_AUTH,
    POLICY_STOP_CONFIG,
    POLICY_STOP_PROXY,
    POLICY_STOP_TARGET, /* the target is wrong, or is not there */
};

/* What the job's next request is, where the state alone does not determine it. */
enum policy_next {
    POLICY_BY_STATE,
    POLICY_NEXT_FETCH, /* of pending: GET the record, and build the PUT on it */
    POLICY_NEXT_SEND,  /* of pending: PUT what was just built on the fetched record, or looked at */
    POLICY_NEXT_AUDIT, /* of unknown: ask the audit log, from its first page */
    POLICY_NEXT_PAGE,  /* of unknown: its next page */
};

struct policy_verdict {
    enum job_state state;
    enum policy_run run;
    bool left;    /* the request may have left */
    bool excused; /* the server did nothing, for a reason other than this job: the attempt does not
                     count against max_attempts */
    bool doubt, unsettled;
    bool success;     /* a 2xx with a body that we understand: refills the retry budget */
    bool works;       /* the API accepts requests of this kind: a success, or a 409 to a PUT */
    bool conflict;    /* someone else changed the record; the state says what follows from that */
    bool proven;      /* ... and our PUT did not land for certain */
    bool ahead;       /* ... or the record never came to the version that was sent */
    bool looks_again; /* of unknown: the record is read again, because a read can lag */
    bool refused; /* the server will never take this PUT: the job is refused, or will be when it is
                     certain that no earlier attempt landed */
    enum policy_next next;
    bool is_copied;   /* of POLICY_NEXT_AUDIT: another copy of the database has sent more than this
                         one, so that it may have applied the job */
    unsigned creates; /* of POLICY_NEXT_SEND: CREATES_ */
    bool retry;       /* costs the retry budget */
    unsigned readbacks, run_retries;
    int64_t delay_ms; /* of pending and unknown: not before now + this */
    int64_t pause_ms;
    bool has_server_version;
    int64_t server_version;
    const char *evidence; /* what the verdict on a GET rests on, or "" */
};

/* What an answer is assessed by. */
struct facts {
    const struct policy_job *job;
    const struct policy_answer *answer;
    const struct policy_limits *limits;
    enum meaning meaning; /* of the answer's status */
};

/* Sets how the job goes on, and what the verdict rests on. */
void assess_conclude(struct policy_verdict *out, enum job_state state, const char *evidence);

/* The job is sent, or fetched, again; that counts as a retry of this run. */
void assess_send_again(const struct facts *in, struct policy_verdict *out);

/* It stays open whether the PUT landed, and the server is asked again later. Only requests in a row
 * without a usable answer end that. */
void assess_ask_again(const struct facts *in, struct policy_verdict *out);

/* A 503 with Retry-After pauses the whole run. */
void assess_pause(const struct facts *in, struct policy_verdict *out);

/* The row is built again on a new fetch: no PUT so far can land any more. */
void assess_fetch_again(struct policy_verdict *out);

/* Someone else changed the record. Only a proven conflict is rebased or dismissed automatically.
 * The version of a PUT by what was known is not the row's own, so that a wrong one is not a
 * conflict. */
void assess_conflict(const struct facts *in, struct policy_verdict *out, bool proven,
                     const char *evidence);

/* None of our updates was applied, and none needs to be. */
void assess_unchanged(struct policy_verdict *out);

enum { ASSESS_BACKOFF_MAX_MS = 60000 };
enum { POLICY_DELAY_MAX_MS = 120000 }; /* more than any delay_ms that is set */

/* 1 s doubled with each retry after the first, at most 60 s, plus up to a quarter of jitter by the
 * dice (0 to 1). */
int64_t assess_backoff_ms(unsigned retries, double dice);
