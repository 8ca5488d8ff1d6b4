/* What an answer means for the run as a whole; see loop.h. */
#include "core/base/clock.h"
#include "core/drain/loop.h"
#include "core/drain/pace.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_REFUSED_FROM = 100 }; /* jobs, before a share of them is judged */

void task_list_init(struct task_list *list)
{
    list->first = NULL;
    list->end = &list->first;
    list->count = 0;
}

void task_list_add(struct task_list *list, struct task *task)
{
    task->next = NULL;
    *list->end = task;
    list->end = &task->next;
    list->count++;
}

struct task *task_list_take(struct task_list *list)
{
    struct task *task = list->first;

    if (!task)
        return NULL;
    list->first = task->next;
    if (!list->first)
        list->end = &list->first;
    list->count--;
    return task;
}

double loop_dice(struct loop *loop)
{
    loop->dice ^= loop->dice >> 12;
    loop->dice ^= loop->dice << 25;
    loop->dice ^= loop->dice >> 27;
    return (double)((loop->dice * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

void loop_fail(struct loop *loop)
{
    loop->failed = true;
    loop->stopping = true;
}

/* ` CODE (MESSAGE)` of what the API said to a task. */
static const char *said(const struct task *task, char *out, size_t out_size)
{
    const struct claim_outcome *outcome = &task->claim.outcome;
    const char *code = outcome->error_code;

    snprintf(out, out_size, "%d%s%s (%s)", outcome->http_status, code[0] ? " " : "", code,
             outcome->error_message);
    return out;
}

static void stop_auth(struct loop *loop, const struct task *task, struct err *err)
{
    char text[ERR_TEXT_SIZE / 2];
    const char *advice =
        task->claim.outcome.http_status == 403
            ? "give the OAuth client a role with the custom objects permissions, or check that "
              "--environment is the organisation that the client belongs to"
            : "check the OAuth client and the address that it may be used from";

    if (loop->stopping)
        return;
    err_set(err, ERR_AUTH, "the API refused us with %s: %s; no job was lost",
            said(task, text, sizeof text), advice);
    loop_fail(loop);
}

static void stop_place(struct loop *loop, const struct task *task, struct err *err)
{
    static const char *const requests[] = {
        [REQUEST_UPDATE] = "an update",
        [REQUEST_READ_BACK] = "a read-back",
        [REQUEST_AUDIT] = "a question to the audit log",
        [REQUEST_FETCH] = "a fetch",
    };
    const struct claim_outcome *outcome = &task->claim.outcome;

    if (loop->stopping)
        return;
    err_set(err, ERR_CONFIG,
            "%s answered %d to %s (%s): it does not look like the API; check --environment",
            loop->options->environment.api_url, outcome->http_status, requests[task->job.request],
            outcome->error_message);
    loop_fail(loop);
}

static void stop_refused(struct loop *loop, const struct task *task, struct err *err)
{
    char text[ERR_TEXT_SIZE / 2];
    struct span schema = claim_schema(&task->claim);

    if (loop->stopping)
        return;
    err_set(err, ERR_CONFIG,
            "%u jobs were answered %s, and none succeeded: check that --environment is the right "
            "organisation, and that it has the object %.*s; these jobs are pending again",
            loop->trials[trial_kind_of(task->job.request)].alike.jobs,
            said(task, text, sizeof text), (int)schema.size, schema.data);
    loop_fail(loop);
}

static void stop_untrusted(struct loop *loop, const struct http_answer *answer, struct err *err)
{
    if (loop->stopping)
        return;
    err_set(err, ERR_CONFIG,
            "the certificate of %s is not trusted: %s: name the authority that signed it with "
            "--ca-file, or check --environment",
            loop->options->environment.api_url, answer->error);
    loop_fail(loop);
}

static void stop_proxy(struct loop *loop, struct err *err)
{
    const char *proxy = loop->options->proxy;

    if (loop->stopping)
        return;
    err_set(err, ERR_CONFIG,
            "%s%s wants credentials (407): set http://USER:PASSWORD@HOST:PORT; no job was lost",
            proxy ? "the proxy " : "a proxy before ",
            proxy ? proxy : loop->options->environment.api_url);
    loop_fail(loop);
}

static void stop_us(struct loop *loop, const struct task *task, struct err *err)
{
    static void (*const stops[])(struct loop *, const struct task *, struct err *) = {
        [POLICY_FORBIDDEN] = stop_auth,
        [POLICY_WRONG_PLACE] = stop_place,
        [POLICY_REFUSING] = stop_refused,
    };

    stops[task->open](loop, task, err);
}

/* --max-refused, by jobs that are at their end. doomed ones are refused unless it is our fault. */
static void check_refused(struct loop *loop, struct err *err)
{
    const struct drain_options *options = loop->options;
    uint64_t refused = loop->refused + loop->doomed, answered = loop->answered + loop->doomed;
    char allowed[32];
    bool over = options->has_max_refused && refused > options->max_refused;

    if (options->has_max_refused_percent && answered >= MAX_REFUSED_FROM)
        over = over || (double)refused * 100 > options->max_refused_percent * (double)answered;
    if (!over || loop->stopping)
        return;
    loop->over_refused = true;
    if (options->has_max_refused)
        snprintf(allowed, sizeof allowed, "%" PRIu64, options->max_refused);
    else
        snprintf(allowed, sizeof allowed, "%g%%", options->max_refused_percent);
    err_set(err, ERR_LIMIT,
            "%" PRIu64 " of %" PRIu64
            " jobs were refused, and --max-refused allows %s: fix what the "
            "API names, then run the same command again",
            refused, answered, allowed);
    loop_fail(loop);
}

static void count_end(struct loop *loop, const struct task *task, struct err *err)
{
    if (job_state_is_open(task->claim.outcome.state))
        return;
    loop->answered++;
    loop->refused += task->claim.outcome.state == JOB_REFUSED;
    check_refused(loop, err);
}

/* Denied, and nothing of the kind has been taken so far. */
static void hold(struct loop *loop, struct task *task, enum policy_run run, struct err *err)
{
    const struct claim_outcome *outcome = &task->claim.outcome;
    enum trial_kind kind = trial_kind_of(task->job.request);
    /* a read-back is asked for wherever its job is in the queue */
    bool sampled = task->claim.spread || job_state_of_request(task->job.request) == JOB_UNKNOWN;

    task->open = run;
    if (trial_count(&loop->trials[kind], run, outcome->http_status, outcome->error_code, sampled) ==
        TRIAL_US)
        stop_us(loop, task, err);
    loop->doomed += run == POLICY_REFUSING;
    task_list_add(&loop->held, task);
    check_refused(loop, err);
}

void loop_rule_held(struct loop *loop, bool dry, struct err *err)
{
    struct task_list held = loop->held;
    struct task *task;

    if (!held.first)
        return;
    task_list_init(&loop->held);
    while ((task = held.first)) {
        const struct trial *trial = &loop->trials[trial_kind_of(task->job.request)];
        enum trial_ruling ruling = trial_rule(trial, task->open, dry);

        held.first = task->next;
        if (loop->over_refused && task->open == POLICY_REFUSING)
            ruling = TRIAL_RECORD;
        if (ruling == TRIAL_US)
            stop_us(loop, task, err);
        if (ruling != TRIAL_RECORD && !loop->stopping) {
            task_list_add(&loop->held, task);
            continue;
        }
        loop->doomed -= task->open == POLICY_REFUSING;
        if (ruling != TRIAL_RECORD)
            task_spare(task, clock_now_ms());
        count_end(loop, task, err);
        task_list_add(&loop->settled, task);
    }
}

bool loop_wants_sample(const struct loop *loop)
{
    bool wants = loop->budget.low;

    for (int kind = 0; kind < TRIAL_KINDS; kind++)
        wants = wants || trial_wants(&loop->trials[kind]);
    return wants && !loop->stopping;
}

unsigned loop_room(const struct loop *loop)
{
    unsigned room = loop->options->concurrency;
    unsigned left = (unsigned)loop->budget.units / BUDGET_RETRY;

    if (loop->budget.low && left < room)
        room = left > 0 ? left : 1;
    for (int kind = 0; kind < TRIAL_KINDS; kind++) {
        unsigned wants = trial_wants(&loop->trials[kind]);

        if (wants && wants < room)
            room = wants;
    }
    return room;
}

/* The retry budget, which counts jobs: one that was charged earns nothing by being read back. */
static void account(struct loop *loop, const struct task *task,
                    const struct policy_verdict *verdict)
{
    if (verdict->success &&
        (!job_state_is_open(verdict->state) || verdict->next == POLICY_NEXT_SEND))
        policy_budget_earn(&loop->budget);
    if (verdict->retry &&
        !policy_budget_charge(&loop->budget, task->claim.job_id, task->claim.spread))
        pace_exhausted(loop);
}

static void note_success(struct loop *loop, const struct task *task,
                         const struct policy_verdict *verdict)
{
    enum trial_kind kind = trial_kind_of(task->job.request);

    if (verdict->works)
        loop->trials[kind].works = true;
    if (!verdict->success)
        return;
    loop->accepted = task->authorization;
    loop->tokens_refused[kind] = 0;
}

void loop_react(struct loop *loop, struct task *task, const struct http_answer *answer,
                const struct policy_verdict *verdict, struct err *err)
{
    if (verdict->left)
        loop->unreachable = 0;
    note_success(loop, task, verdict);
    pace_count(loop, answer, verdict);
    switch (verdict->run) {
    case POLICY_GO_ON:
        break;
    case POLICY_NEW_TOKEN:
        if (token_refused(loop->token, task->authorization) &&
            ++loop->tokens_refused[trial_kind_of(task->job.request)] >= LOOP_TOKENS_MAX)
            stop_auth(loop, task, err);
        break;
    case POLICY_PAUSE:
        pace_throttle(loop, answer, verdict->pause_ms);
        break;
    case POLICY_UNREACHABLE:
        pace_unreachable(loop, answer->error, err);
        break;
    case POLICY_FORBIDDEN:
    case POLICY_WRONG_PLACE:
    case POLICY_REFUSING:
        hold(loop, task, verdict->run, err);
        return;
    case POLICY_STOP_AUTH:
        stop_auth(loop, task, err);
        break;
    case POLICY_STOP_CONFIG:
        stop_untrusted(loop, answer, err);
        break;
    case POLICY_STOP_PROXY:
        stop_proxy(loop, err);
        break;
    }
    account(loop, task, verdict);
    count_end(loop, task, err);
    task_list_add(&loop->settled, task);
}

void loop_take_token(struct loop *loop, const struct http_answer *answer, struct err *err)
{
    struct err why = {0};
    int64_t wait_ms = 0;
    enum token_verdict verdict =
        token_take(loop->token, answer, clock_monotonic_us(), &wait_ms, &why);

    if (verdict == TOKEN_FRESH)
        loop->unreachable = 0;
    if (verdict == TOKEN_FRESH || loop->stopping)
        return;
    if (verdict == TOKEN_REFUSED &&
        (answer->end == HTTP_PROXY || (answer->end == HTTP_DONE && answer->status == 407))) {
        stop_proxy(loop, err);
        return;
    }
    if (verdict == TOKEN_REFUSED) {
        *err = why;
        loop_fail(loop);
        return;
    }
    if (answer->retry_after_ms >= 0)
        pace_ask(loop, wait_ms, token_trouble(loop->token));
    if (pace_park(loop, wait_ms, token_trouble(loop->token)))
        return;
    /* a renewal may fail for a while, as long as the present token lives */
    if (token_failures(loop->token) <= loop->options->max_retries ||
        token_authorization(loop->token, clock_monotonic_us())) {
        notice_say(loop->options->notices, "%s: asking again in %lld s", token_trouble(loop->token),
                   (long long)(wait_ms + 999) / 1000);
        return;
    }
    err_set(err, ERR_NETWORK,
            "no token: %s: check the network, --environment and --login-url, then run the same "
            "command again; nothing was lost",
            token_trouble(loop->token));
    loop_fail(loop);
}
