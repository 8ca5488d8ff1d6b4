/* Inside core/drain only: the state of one drain, and what answers do to it. */
#pragma once

#include "core/drain/drain.h"
#include "core/drain/keeper.h"
#include "core/drain/meter.h"
#include "core/drain/task.h"
#include "core/http/governor.h"
#include "core/http/token.h"
#include "core/job/budget.h"
#include "core/job/trial.h"

enum {
    LOOP_WINDOW_MAX = 768, /* jobs claimed ahead at most */
    LOOP_FILLING_MAX = 16, /* bulk requests that are filled at once, each with other columns */
    LOOP_HELD_MAX = TRIAL_KINDS * TRIAL_JOBS * 2, /* tasks beyond those of the windows */
    LOOP_TASKS_MAX = 8192,                        /* in hand, where requests have many jobs */
    LOOP_SETTLED_MAX = 1024                       /* of one turn, unless a request is larger */
};

/* Tasks are allocated in blocks. */
struct loop_block {
    struct loop_block *next;
    unsigned count;
    struct task tasks[];
};

struct loop {
    const struct drain_options *options;
    struct drain_result *result;
    struct http_pool *pool;
    struct token *token;
    struct keeper *keeper;
    struct governor governor;
    struct meter meter;
    struct rebase *rebase;
    struct knowledge *knowledge; /* the keeper's, after it was opened */
    struct api_fault fault;      /* scratch */
    struct target_scratch scratch;

    struct loop_block *blocks; /* of tasks: each is in one list, part of a request, in flight, or
                                  with the keeper */
    unsigned task_count, window;
    struct task_list free, settled;
    struct task_list ready;                 /* requests: of a bulk request the first task */
    struct task *filling[LOOP_FILLING_MAX]; /* ... those that are not full yet, the oldest first */
    unsigned filling_count;
    unsigned ready_jobs;   /* of both */
    unsigned fetching;     /* reads in hand after which their jobs can go into bulk requests */
    unsigned rows;         /* of a request, by the last claims */
    bool fed;              /* the last claims had jobs of a schema of `filling` */
    int64_t marked_id;     /* the last attempt that has left */
    struct task_list held; /* refused, while it is unclear whether the record or the run is at
                              fault */
    struct trial trials[TRIAL_KINDS];   /* ... by the kind of request */
    bool sampling;                      /* jobs are claimed from all over the queue */
    uint64_t answered, refused, doomed; /* final jobs; of these, refused; held and refused unless
                                           the run is at fault */
    bool over_refused;                  /* beyond --max-refused */
    unsigned in_flight;                 /* PUTs and GETs, without the token request */

    struct exchange exchange; /* of the turn that is with the keeper */
    struct claim *settling[LOOP_TASKS_MAX], *claiming[LOOP_WINDOW_MAX];
    bool more;           /* the last turn ended because enough was claimed */
    int64_t next_due_ms; /* when a waiting job is due; 0: none waits */
    int64_t settled_since_us;
    uint64_t left, finished;

    bool auditing; /* next_due_ms is that of the audit */
    bool stopping; /* start nothing more; settle what is in flight */
    bool said_prior;
    bool said_ahead; /* of stored times that a wrong clock had put into the future */
    bool failed;     /* err is set: the drain ends with it */
    struct budget budget;
    enum drain_pause pause; /* why the governor paused last */
    int64_t asked_until_us; /* the end of the longest wait that a server asked for; 0: none */
    bool asked_now;         /* ... in this run, not in an earlier one */
    char asked_why[ERR_TEXT_SIZE];
    char trouble[1024];                   /* of DRAIN_PAUSE_UNREACHABLE */
    int64_t said_until_us;                /* the end of the wait that was reported last */
    double said_per_s;                    /* the slow pace that was reported last */
    unsigned unreachable;                 /* pauses in a row after which nothing was reached */
    unsigned tokens_refused[TRIAL_KINDS]; /* in a row, without a success of the kind */
    const char *accepted;                 /* the token that a request was answered 2xx with */
    int64_t progress_us;                  /* of the last report */
    uint64_t dice;                        /* state of the generator; not 0 */
};

/* Takes every answer that has come: that to the token request, and each other by `take`, until that
 * fails. */
bool loop_each_answer(struct loop *loop,
                      bool (*take)(void *context, const struct http_answer *answer,
                                   struct err *err),
                      void *context, struct err *err);

/* Takes every answer that has come: settles its task or holds it, and changes pace, budget, token
 * and the run accordingly. An error that ends the run is in err, and the loop is failed. */
void loop_take_answers(struct loop *loop, struct err *err);

/* 0 to 1, for jitter. */
double loop_dice(struct loop *loop);

/* Changes pace, token and run as the verdict on an answer demands. task: what was sent, and the
 * outcome. Denials of a kind of request are left to the caller. */
void loop_heed(struct loop *loop, const struct task *task, const struct http_answer *answer,
               const struct policy_verdict *verdict, struct err *err);

/* Writes what the server said about a request that was not answered as it should be to loop->fault,
 * to the task's outcome, to the meter and to why. lacks: what is wrong with a 200. */
void loop_note_fault(struct loop *loop, struct task *task, const struct target *target,
                     const struct http_answer *answer, const char *lacks,
                     struct policy_answer *facts, char *why, size_t why_size);

/* Settles the held tasks for which the fault is known by now. dry: nothing else is in flight or to
 * come, so that it is decided by what is known. */
void loop_rule_held(struct loop *loop, bool dry, struct err *err);

/* True while a decision about the run needs jobs from all over the queue. */
bool loop_wants_sample(const struct loop *loop);

/* How many requests may be in flight. */
unsigned loop_room(const struct loop *loop);

/* Whether the job of a task can go into a bulk request when its record has been read. */
bool loop_feeds(const struct task *task);

/* Has the request that is filled leave as it is. */
void loop_end_filling(struct loop *loop);

/* Has that request of `filling` leave as it is. */
void loop_end_one(struct loop *loop, unsigned index);

/* Gives the jobs of a request that has not left back to the queue. last: for the end of this run.
 */
void loop_put_back(struct loop *loop, struct task *first, bool last);

/* The same for all that have not left. */
void loop_put_back_ready(struct loop *loop);

/* Stops the loop with an error, unless an earlier one did. */
void loop_fail(struct loop *loop, const struct err *why, struct err *err);

/* Stops the loop when a signal asks for it, or fails it when the lock is lost: nothing more leaves,
 * and what is in flight is settled where no other process has touched it. */
void loop_look(struct loop *loop, struct err *err);

/* Starts the token request when it is due, in its own slot. It takes no place in the pace, which is
 * the API's and not the login's: at a few requests an hour the token requests would take every
 * place, and each token would expire before the next one. False: libcurl failed. */
bool loop_start_token(struct loop *loop, struct err *err);

/* Reports a wait of more than 10 s, once, with its reason and end. */
void loop_say_wait(struct loop *loop);

/* Calls options.progress if that is due, or for the last time. */
void loop_report(struct loop *loop, bool last);
