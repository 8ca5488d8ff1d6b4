/* Pending jobs -> outcomes: the loop that sends jobs and settles them by the answers. */
#pragma once

#include "core/api/environment.h"
#include "core/base/err.h"
#include "core/base/notice.h"
#include "core/drain/meter.h"
#include "core/http/token.h"
#include "core/job/policy.h"
#include "core/store/runs.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Why nothing leaves for a while. */
enum drain_pause {
    DRAIN_PAUSE_NONE,
    DRAIN_PAUSE_ASKED,       /* the API asked for it: a 429, or a 503 that names a time */
    DRAIN_PAUSE_UNREACHABLE, /* nothing was reached; it is tried again */
    DRAIN_PAUSE_EARLIER,     /* an earlier run was asked for it */
};

/* Progress of a drain. */
struct drain_progress {
    uint64_t settled, left; /* jobs: of this run, and to go */
    bool auditing;          /* ... or their verdicts, while the audit log is asked */
    double rate_per_s;      /* the pace in jobs that requests are held to; 0: none */
    double learned_per_s;   /* the same where a 429 has set it below the ceiling; else 0 */
    enum drain_pause pause;
    int64_t paused_ms;       /* for that long, unless DRAIN_PAUSE_NONE */
    int64_t parked_until_ms; /* the run is parked, and ends when all in flight is settled; 0: no */
    const struct meter *meter;
};

struct lock;
struct diff_options;

struct drain_options {
    struct lock *lock; /* checked while the drain runs; NULL: none */
    struct environment environment;
    struct token_client client;
    const char *ca_file; /* NULL: the system's */
    const char *proxy;   /* to the API, for messages: without its user-info; NULL: none is known */
    const char *user_agent;
    const char *source;    /* metadata.source */
    const char *tags;      /* JSON array: metadata.tags of rows that name none */
    unsigned concurrency;  /* 1 to 256 */
    double rate_per_s;     /* 0: none */
    int64_t timeout_ms;    /* of one request */
    unsigned max_retries;  /* per run and job */
    unsigned max_attempts; /* over all runs */
    int64_t max_wait_ms;   /* a longer Retry-After parks the run */
    bool ignore_pause;     /* a stored pause is removed, and not waited for */
    enum policy_on_conflict on_conflict;
    int64_t audit_wait_ms; /* before this, a missing entry in the audit log proves nothing */
    double audit_share;    /* of the applied jobs that are looked up in it afterwards; 0: none */
    unsigned audit_ids;    /* records that one request asks for at most */
    bool audit_only; /* nothing is sent; all applied jobs count, not only those that are due */
    const struct diff_options *diff; /* records are read and compared, and nothing is sent; NULL:
                                        jobs are sent */
    bool has_max_refused, has_max_refused_percent; /* more refused jobs than these stop the run */
    uint64_t max_refused;
    double max_refused_percent; /* of the final jobs, when there are 100 or more */
    const char *schemas;        /* folder of the schema files */
    int64_t batch_id; /* 0: every open batch; else this one, and what its jobs wait for in others */
    int64_t run_id;
    const struct meter *before; /* counts of earlier drains of the run, to be added to; or NULL */
    const struct notice_sink *notices;
    /* Called several times a second while `store` is idle, and at the end; or NULL. */
    void (*progress)(void *context, const struct drain_progress *progress);
    void *progress_context;
};

/* Why the loop ended, other than by an error. */
enum drain_end {
    DRAIN_FINISHED,  /* nothing is left to send now; jobs that have used up their retries of this
                        run can still be pending or unknown */
    DRAIN_PARKED,    /* the API asked for a wait longer than max_wait_ms */
    DRAIN_EXHAUSTED, /* the retry budget is empty: the service answers, but not usefully */
    DRAIN_STOPPED,   /* a signal, or the end of --max-time */
};

struct drain_result {
    enum drain_end end;
    int64_t parked_until_ms;    /* of DRAIN_PARKED */
    double learned_per_s;       /* the pace learned from 429s; 0: none below the ceiling */
    struct store_run run;       /* requests, latencies, ... of this drain */
    struct meter meter;         /* the counts that run was made from */
    char reason[ERR_TEXT_SIZE]; /* of PARKED and EXHAUSTED, for the operator */
};

/* Sends what is due until nothing is left, under the drain lock that the caller holds. Opens a
 * second connection to the database for its store thread; `store` is idle meanwhile. result is
 * filled in either case. False: ERR_AUTH, ERR_BUSY, ERR_CONFIG, ERR_NETWORK, ERR_LIMIT, ERR_STORE,
 * ERR_INTERNAL. Jobs in flight are settled first where that is possible. */
bool drain_run(struct store *store, const struct drain_options *options,
               struct drain_result *result, struct err *err);
