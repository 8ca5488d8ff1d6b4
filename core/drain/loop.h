/* Inside core/drain only: the state of one drain. */
#ifndef ROWFERRY_DRAIN_LOOP_H
#define ROWFERRY_DRAIN_LOOP_H

#include "core/drain/drain.h"
#include "core/drain/keeper.h"
#include "core/drain/meter.h"
#include "core/drain/task.h"
#include "core/http/governor.h"
#include "core/http/token.h"
#include "core/job/policy.h"
#include "core/job/trial.h"

enum {
    LOOP_WINDOW_MAX = 256,                        /* jobs claimed ahead at most */
    LOOP_HELD_MAX = TRIAL_KINDS * TRIAL_JOBS * 2, /* tasks beyond those of the windows */
    LOOP_TASKS_MAX = LOOP_WINDOW_MAX * 3 + LOOP_HELD_MAX,
    LOOP_TOKENS_MAX = 3, /* as many tokens refused in a row, and nothing succeeded: it is us */
};

/* Tasks, first in first out. */
struct task_list {
    struct task *first, **end; /* end: where the next one is hung */
    unsigned count;
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
    struct api_fault fault; /* scratch */

    struct task *tasks;
    unsigned task_count, window;
    struct task_list free, ready, settled;
    struct task_list held;              /* denied, and it is not clear yet whose fault it is */
    struct trial trials[TRIAL_KINDS];   /* ... by what kind of request */
    bool sampling;                      /* jobs are claimed from all over the queue */
    uint64_t answered, refused, doomed; /* jobs: at their end; of these, refused; or will be */
    bool over_refused;                  /* beyond --max-refused */
    unsigned in_flight;                 /* PUTs and GETs, without the token request */

    struct exchange exchange; /* of the turn that is with the keeper */
    struct claim *settling[LOOP_TASKS_MAX], *claiming[LOOP_WINDOW_MAX];
    bool more;           /* the last turn ended because enough was claimed */
    int64_t next_due_ms; /* when a waiting job is due; 0: none waits */
    int64_t settled_since_us;
    uint64_t left, finished;

    bool stopping; /* start nothing more; settle what is in flight */
    bool told_errands;
    bool told_ahead; /* of stored times that a wrong clock had put into the future */
    bool failed;     /* err is filled: the drain ends with it */
    struct policy_budget budget;
    enum drain_pause pause; /* why the governor paused last */
    int64_t asked_until_us; /* the end of the longest wait that we were asked for; 0: none */
    bool asked_now;         /* ... by this run's server, not an earlier run's */
    char asked_why[ERR_TEXT_SIZE];
    char trouble[1024];                   /* of DRAIN_PAUSE_UNREACHABLE */
    int64_t said_until_us;                /* the end of the wait that was said last */
    double said_per_s;                    /* the pace that was said last, because it is slow */
    unsigned unreachable;                 /* pauses in a row after which nothing was reached */
    unsigned tokens_refused[TRIAL_KINDS]; /* in a row, with nothing of the kind that succeeded */
    const char *accepted;                 /* the token that a request was answered 2xx with */
    int64_t progress_us;                  /* of the last report */
    uint64_t dice;                        /* state of the generator */
};

void task_list_init(struct task_list *list);
void task_list_add(struct task_list *list, struct task *task);
struct task *task_list_take(struct task_list *list);

/* 0 to 1 for jitter (xorshift64*). */
double loop_dice(struct loop *loop);

/* What the verdict on an answer means for the run. Errors stop the loop. */
void loop_react(struct loop *loop, struct task *task, const struct http_answer *answer,
                const struct policy_verdict *verdict, struct err *err);

/* Settles what was held where it is clear by now whose fault it is. dry: nothing else is under way
 * or to come. */
void loop_rule_held(struct loop *loop, bool dry, struct err *err);

/* True while a verdict on the run is due that a sample of the queue has to decide. */
bool loop_wants_sample(const struct loop *loop);

/* How many requests may be in flight. */
unsigned loop_room(const struct loop *loop);

/* The answer to a token request. */
void loop_take_token(struct loop *loop, const struct http_answer *answer, struct err *err);

/* Ends the loop with an error, the first one that came. */
void loop_fail(struct loop *loop);

#endif
