/* What an answer means for a job and for the run: a pure function over values, the API's
 * documentation as tables. */
#ifndef ROWFERRY_JOB_POLICY_H
#define ROWFERRY_JOB_POLICY_H

#include "core/job/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the transfer ended. */
enum policy_end {
    POLICY_ANSWERED,   /* complete final answer: status counts */
    POLICY_NEVER_LEFT, /* no byte of it went out */
    POLICY_UNTRUSTED,  /* never left: certificate */
    POLICY_PROXY,      /* never left: the proxy wants credentials */
    POLICY_NO_ANSWER,  /* it left, and no complete answer came */
};

/* Whose the entry is that an audit page holds for the version after the one we sent. */
enum policy_entry {
    POLICY_NO_ENTRY,
    POLICY_UNNAMED_ENTRY,   /* without an id: nobody's */
    POLICY_OUR_USERS_ENTRY, /* without an id, by the user who made earlier updates of ours */
    POLICY_OUR_ENTRY,       /* with our id */
    POLICY_THEIR_ENTRY,     /* with another one */
};

struct policy_answer {
    enum policy_end end;
    long status;
    const char *code;       /* of an API error, or "" */
    int64_t retry_after_ms; /* -1 without */
    bool has_version;       /* the body is an object that holds an integer `version`, and of a GET
                               `fields` */
    int64_t version;
    bool is_ours;            /* the record carries this job's correlation id */
    bool is_anothers;        /* ... or another one */
    bool fields_are_ours;    /* the record holds what we sent, by value */
    bool is_there;           /* sending it would change nothing */
    bool next_is_known;      /* another job of ours was answered with the version after ours */
    bool rule_broken;        /* of a fetch: what we would send breaks a rule of the schema's */
    bool has_page;           /* the body is a page of the audit log */
    bool has_more;           /* ... and not the last one */
    enum policy_entry entry; /* its version is `version` */
    bool is_elsewhere;       /* it has our id at another version */
};

/* The job that asked, as it was claimed. */
struct policy_job {
    enum job_request request;
    bool doubt;         /* an earlier attempt may have landed */
    bool refused_token; /* this run's last answer to this job was a 401 */
    bool looks_again;   /* of a read-back: the one before showed no newer version */
    bool is_gone;       /* of an audit: the record was not there any more */
    bool was_there;     /* ... or held our values already */
    int64_t version;    /* that the PUT in question carried */
    int64_t asked_ms;   /* of an audit: for how long the log had been asked when this look into
                           it, page by page, began */
    long put_status;    /* of a read-back: what the PUT was answered; 0: nothing */
    unsigned attempts, readbacks, run_retries;
    unsigned attempts_before; /* of these, before a person had the job tried again: not counted
                                 against max_attempts */
    unsigned rounds;          /* fetches that its PUTs were built on so far */
};

/* What becomes of a proven conflict by itself. */
enum policy_on_conflict { POLICY_PARK, POLICY_REBASE, POLICY_DISMISS };

enum { POLICY_ROUNDS_MAX = 3 }; /* fetches for one job, before its conflict is parked */

struct policy_limits {
    unsigned max_retries, max_attempts;
    enum policy_on_conflict on_conflict;
    int64_t audit_wait_ms; /* for so long the audit log's silence is no evidence */
    bool kind_works;       /* a request of this kind was taken in this run */
    bool token_accepted;   /* ... and one with the token that this request carried */
    double dice;           /* 0 to 1, for jitter */
};

/* What the run as a whole does. */
enum policy_run {
    POLICY_GO_ON,
    POLICY_NEW_TOKEN,   /* fetch one, then the same request again */
    POLICY_PAUSE,       /* nothing leaves for pause_ms (-1: the server named no time) */
    POLICY_UNREACHABLE, /* nothing was reached: try again, end when nothing works */
    /* Nothing of the kind was taken so far: is it this record, as the verdict says, or all of us
     * (policy_spare)? */
    POLICY_FORBIDDEN,   /* 403 */
    POLICY_WRONG_PLACE, /* not what the API would say */
    POLICY_REFUSING,    /* the request is wrong, or what it names is not there */
    POLICY_STOP_AUTH,
    POLICY_STOP_CONFIG,
    POLICY_STOP_PROXY,
};

/* What the job's next request is, where the state alone does not tell. */
enum policy_next {
    POLICY_BY_STATE,
    POLICY_NEXT_FETCH, /* of pending: GET the record, build the PUT anew */
    POLICY_NEXT_SEND,  /* of pending: PUT what was just built on the fetched record */
    POLICY_NEXT_AUDIT, /* of unknown: ask the audit log, from its first page */
    POLICY_NEXT_PAGE,  /* of unknown: its next page */
};

struct policy_verdict {
    enum job_state state;
    enum policy_run run;
    bool left;    /* the request may have left */
    bool excused; /* the server has said that nothing was done, and not for the job's sake: no
                     attempt that counts against max_attempts */
    bool doubt, unsettled;
    bool success;     /* a 2xx with a body that we understand: refills the retry budget */
    bool works;       /* the API takes requests of this kind: a success, or a 409 to a PUT */
    bool conflict;    /* someone else changed the record; the state tells what became of that */
    bool proven;      /* ... and our PUT did not land for certain */
    bool ahead;       /* ... or the record never came to the version that was sent */
    bool looks_again; /* of unknown: the record is read once more, because a read can lag */
    bool refused; /* the server will not have this PUT: the job is refused, or will be once it is
                     clear that no earlier attempt landed */
    enum policy_next next;
    bool retry; /* costs the retry budget */
    unsigned readbacks, run_retries;
    int64_t delay_ms; /* of pending and unknown: not before now + this */
    int64_t pause_ms;
    bool has_server_version;
    int64_t server_version;
    const char *evidence; /* what the verdict on a GET rests on, or "" */
};

void policy_judge(const struct policy_job *job, const struct policy_answer *answer,
                  const struct policy_limits *limits, struct policy_verdict *verdict);

/* The state of a job whose answer concerns all of us, and not the job: as before the request. */
enum job_state policy_spared_state(const struct policy_job *job);

/* 1 s doubled with each retry after the first, at most 60 s, plus up to a quarter of jitter. */
enum { POLICY_DELAY_MAX_MS = 120000 }; /* more than any delay_ms that is set */

int64_t policy_backoff_ms(unsigned retries, double dice);

/* The retry budget of a run (docs/api.md#pace): a service that answers, but not usefully, ends the
 * run instead of every job's attempts. It counts jobs, not the repeats of the same few, and its
 * last quarter is for jobs from places all over the queue. */
enum {
    BUDGET_FULL = 100,     /* units, at the start and at most */
    BUDGET_RETRY = 5,      /* what a job costs that has to be retried; a success earns 1 */
    BUDGET_LOW = 50,       /* at this or below, a sample of the queue decides */
    BUDGET_HEAD = 25,      /* below this, only that sample counts */
    BUDGET_RECOVERED = 75, /* ... until this is reached */
    BUDGET_JOBS = 256,     /* the last ones charged, which are not charged again */
};

struct policy_budget {
    int units;
    bool low;
    size_t count; /* of jobs charged so far */
    int64_t job_ids[BUDGET_JOBS];
};

void policy_budget_init(struct policy_budget *budget);
void policy_budget_earn(struct policy_budget *budget);

/* Charges for a job that has to be retried; sampled: it was not taken from the head of the queue.
 * False when nothing is left: no further request should leave. */
bool policy_budget_charge(struct policy_budget *budget, int64_t job_id, bool sampled);

#endif
