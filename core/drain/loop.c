#include "core/drain/loop.h"

#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/stop.h"
#include "core/drain/bulk.h"
#include "core/store/lock.h"
#include "core/store/runs.h"
#include "core/store/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKENS_MAX = 3,         /* so many tokens refused in a row end the run */
    MAX_REFUSED_FROM = 100, /* final jobs, before a share of them counts */
    PUT_BACK_MS = 2000,     /* a longer pause puts claimed jobs back */
    PROGRESS_US = 100000,
    SECOND_US = 1000000,
    SAID_US = 10 * SECOND_US, /* a longer wait is reported */
};

/* xorshift64* */
double loop_dice(struct loop *loop)
{
    loop->dice ^= loop->dice >> 12;
    loop->dice ^= loop->dice << 25;
    loop->dice ^= loop->dice >> 27;
    return (double)((loop->dice * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

bool loop_feeds(const struct task *task)
{
    return task->claim.bulk &&
           (task->claim.request == REQUEST_FETCH || task->claim.request == REQUEST_READ_BACK);
}

void loop_end_filling(struct loop *loop)
{
    for (unsigned i = 0; i < loop->filling_count; i++)
        task_list_add(&loop->ready, loop->filling[i]);
    loop->filling_count = 0;
}

void loop_end_one(struct loop *loop, unsigned index)
{
    task_list_add(&loop->ready, loop->filling[index]);
    loop->filling_count--;
    memmove(&loop->filling[index], &loop->filling[index + 1],
            (loop->filling_count - index) * sizeof *loop->filling);
}

void loop_put_back(struct loop *loop, struct task *first, bool last)
{
    struct task *next;

    if (first->row_count)
        bulk_note(first, false, loop->rebase);
    for (struct task *task = first; task; task = next) {
        next = task->row;
        loop->ready_jobs--;
        loop->fetching -= loop_feeds(task);
        task_put_back(task, last, clock_now_ms());
        task_list_add(&loop->settled, task);
    }
}

void loop_put_back_ready(struct loop *loop)
{
    struct task *task;

    loop_end_filling(loop);
    while ((task = task_list_take(&loop->ready)))
        loop_put_back(loop, task, false);
}

void loop_fail(struct loop *loop, const struct err *why, struct err *err)
{
    if (!loop->failed)
        *err = *why;
    loop->failed = loop->stopping = true;
}

/* Stops the loop because of what an answer says. True when the caller is to set err: while the run
 * stops for another reason, answers are not errors. */
static bool begin_failing(struct loop *loop)
{
    if (loop->stopping)
        return false;
    loop->failed = loop->stopping = true;
    return true;
}

static void stop_because(struct loop *loop, enum drain_end end)
{
    if (!loop->stopping)
        loop->result->end = end;
    loop->stopping = true;
}

/* The server asks to wait for wait_ms. The longest such wait is remembered with its reason, and
 * stored however the run ends. why: what the server did. */
static void ask_wait(struct loop *loop, int64_t wait_ms, const char *why)
{
    int64_t until_us = clock_monotonic_us() + wait_ms * 1000;
    char until[CLOCK_ISO_SIZE];

    if (until_us <= loop->asked_until_us)
        return;
    loop->asked_until_us = until_us;
    loop->asked_now = true;
    snprintf(loop->asked_why, sizeof loop->asked_why, "%s" PAUSE_UNTIL "%s", why,
             clock_iso(clock_now_ms() + wait_ms, until));
}

/* Parks the run if the wait is longer than --max-wait; returns whether it is. */
static bool park(struct loop *loop, int64_t wait_ms, const char *why)
{
    if (wait_ms <= loop->options->max_wait_ms)
        return false;
    ask_wait(loop, wait_ms, why);
    loop->result->parked_until_ms =
        clock_now_ms() + (loop->asked_until_us - clock_monotonic_us()) / 1000;
    memcpy(loop->result->reason, loop->asked_why, sizeof loop->result->reason);
    stop_because(loop, DRAIN_PARKED);
    return true;
}

/* A 429, or a 503 that names a time: nothing leaves for pause_ms (-1: no time is named). */
static void throttle(struct loop *loop, const struct http_answer *answer, int64_t pause_ms)
{
    int64_t now_us = clock_monotonic_us(), wait_us = pause_ms < 0 ? -1 : pause_ms * 1000;
    double dice = loop_dice(loop);
    char why[64];

    loop->pause = DRAIN_PAUSE_ASKED;
    if (answer->status == 429) {
        struct governor_refusal refusal = {now_us - answer->latency_us, wait_us};

        wait_us = governor_refused(&loop->governor, &refusal, dice, now_us);
    } else {
        /* a service in trouble shows nothing about its limit */
        governor_pause(&loop->governor, now_us + wait_us + (int64_t)(GOVERNOR_JITTER_US * dice));
    }
    snprintf(why, sizeof why, "the API answered %ld", answer->status);
    ask_wait(loop, wait_us / 1000, why);
    if (!park(loop, wait_us / 1000, why) && wait_us / 1000 > PUT_BACK_MS)
        loop_put_back_ready(loop);
}

/* Nothing was reached: pauses longer each time, and gives up after --max-retries pauses. A failure
 * during such a pause belongs to the same try. */
static void pause_unreachable(struct loop *loop, const char *why, struct err *err)
{
    const char *api_url = loop->options->environment.api_url;
    int64_t now_us = clock_monotonic_us();

    if (loop->stopping || governor_paused(&loop->governor, now_us))
        return;
    if (loop->unreachable++ >= loop->options->max_retries) {
        begin_failing(loop);
        err_set(err, ERR_NETWORK,
                "cannot reach %s: %s: check the network and --environment, then run the same "
                "command again; nothing was lost",
                api_url, why);
        return;
    }
    loop->pause = DRAIN_PAUSE_UNREACHABLE;
    snprintf(loop->trouble, sizeof loop->trouble, "cannot reach %s: %s", api_url, why);
    governor_pause(&loop->governor,
                   now_us + assess_backoff_ms(loop->unreachable, loop_dice(loop)) * 1000);
}

/* `STATUS CODE (MESSAGE)` of what the API answered to a task. */
static const char *answer_text(const struct task *task, char *out, size_t out_size)
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

    if (begin_failing(loop))
        err_set(err, ERR_AUTH, "the API refused us with %s: %s; no job was lost",
                answer_text(task, text, sizeof text),
                task->claim.outcome.http_status == 403
                    ? "give the OAuth client a role with the custom objects permissions, or check "
                      "that --environment is the organisation that the client belongs to"
                : loop->options->client.key
                    ? "check the API key, and the header field that it belongs in"
                    : "check the OAuth client and the address that it may be used from");
}

static void stop_proxy(struct loop *loop, struct err *err)
{
    const char *proxy = loop->options->proxy;

    if (begin_failing(loop))
        err_set(err, ERR_CONFIG,
                "%s%s wants credentials (407): set http://USER:PASSWORD@HOST:PORT; no job was lost",
                proxy ? "the proxy " : "a proxy before ",
                proxy ? proxy : loop->options->environment.api_url);
}

/* Stops the run because an answer means that the target of the rows is wrong. */
static void stop_target(struct loop *loop, const struct task *task, struct err *err)
{
    struct span schema = claim_schema(&task->claim);
    char text[ERR_TEXT_SIZE / 2];

    if (begin_failing(loop))
        err_set(err, ERR_CONFIG,
                "the API answered %s to a row of %.*s: check \"target\" in its schema file, and "
                "that what the target names is there; no job was lost",
                answer_text(task, text, sizeof text), (int)schema.size, schema.data);
}

/* Stops the run because every request of a kind is denied, so that the records are not at fault. */
static void stop_denied(struct loop *loop, const struct task *task, struct err *err)
{
    static const char *const requests[] = {
        [REQUEST_UPDATE] = "an update",
        [REQUEST_READ_BACK] = "a read-back",
        [REQUEST_AUDIT] = "a question to the audit log",
        [REQUEST_FETCH] = "a fetch",
    };
    const struct claim_outcome *outcome = &task->claim.outcome;
    struct span schema = claim_schema(&task->claim);
    char text[ERR_TEXT_SIZE / 2];

    if (task->open == POLICY_FORBIDDEN)
        stop_auth(loop, task, err);
    else if (!begin_failing(loop))
        return;
    else if (task->open == POLICY_WRONG_PLACE)
        err_set(err, ERR_CONFIG,
                "%s answered %d to %s (%s): it does not look like the API; check --environment",
                loop->options->environment.api_url, outcome->http_status,
                requests[task->job.request], outcome->error_message);
    else
        err_set(err, ERR_CONFIG,
                "%u jobs were answered %s, and none succeeded: check that --environment is the "
                "right organisation, and that it has the object %.*s; these jobs are pending again",
                loop->trials[trial_kind_of(task->job.request)].alike.jobs,
                answer_text(task, text, sizeof text), (int)schema.size, schema.data);
}

/* Stops the run when more jobs are refused than --max-refused allows. */
static void check_refused(struct loop *loop, struct err *err)
{
    const struct drain_options *options = loop->options;
    uint64_t refused = loop->refused + loop->doomed, answered = loop->answered + loop->doomed;
    bool over = options->has_max_refused && refused > options->max_refused;
    char allowed[32];

    if (options->has_max_refused_percent && answered >= MAX_REFUSED_FROM)
        over = over || (double)refused * 100 > options->max_refused_percent * (double)answered;
    if (!over || !begin_failing(loop))
        return;
    loop->over_refused = true;
    if (options->has_max_refused)
        snprintf(allowed, sizeof allowed, "%" PRIu64, options->max_refused);
    else
        snprintf(allowed, sizeof allowed, "%g%%", options->max_refused_percent);
    err_set(err, ERR_LIMIT,
            "%" PRIu64 " of %" PRIu64 " jobs were refused, and --max-refused allows %s: fix what "
            "the API names, then run the same command again",
            refused, answered, allowed);
}

/* Has the next turn write the task's outcome, and counts final jobs. */
static void settle_task(struct loop *loop, struct task *task, struct err *err)
{
    task_list_add(&loop->settled, task);
    if (job_state_is_open(task->claim.outcome.state))
        return;
    loop->answered++;
    loop->refused += task->claim.outcome.state == JOB_REFUSED;
    check_refused(loop, err);
}

/* Holds the task of a denied request, because no request of its kind has been accepted so far,
 * until it is clear whether the record or the run is at fault. */
static void hold_task(struct loop *loop, struct task *task, enum policy_run run, struct err *err)
{
    const struct claim_outcome *outcome = &task->claim.outcome;
    struct trial *trial = &loop->trials[trial_kind_of(task->job.request)];
    /* read-backs come from anywhere in the queue */
    bool sampled = task->claim.spread || job_state_of_request(task->job.request) == JOB_UNKNOWN;

    task->open = run;
    if (trial_count(trial, run, outcome->http_status, outcome->error_code, sampled) == TRIAL_RUN)
        stop_denied(loop, task, err);
    loop->doomed += run == POLICY_REFUSING;
    task_list_add(&loop->held, task);
    check_refused(loop, err);
}

void loop_note_fault(struct loop *loop, struct task *task, const struct target *target,
                     const struct http_answer *answer, const char *lacks,
                     struct policy_answer *facts, char *why, size_t why_size)
{
    struct claim_outcome *outcome = &task->claim.outcome;
    struct api_fault *fault = &loop->fault;

    fault->code[0] = '\0';
    snprintf(fault->message, sizeof fault->message, "%s",
             answer->end == HTTP_DONE ? lacks : answer->error);
    if (answer->end == HTTP_DONE && answer->status != 200) {
        api_read_fault(target, answer->body, answer->status, fault);
        if (facts->retry_after_ms < 0)
            facts->retry_after_ms = fault->retry_after_ms;
    }
    facts->code = fault->code;
    outcome->http_status = (int)answer->status;
    snprintf(outcome->error_code, sizeof outcome->error_code, "%s", fault->code);
    snprintf(outcome->error_message, sizeof outcome->error_message, "%s", fault->message);
    meter_note(&loop->meter, answer, fault->code, fault->message);
    if (answer->end == HTTP_DONE)
        answer_text(task, why, why_size);
    else
        snprintf(why, why_size, "%s", fault->message);
}

/* How many jobs were charged for a retry that are not held themselves. */
static unsigned count_doubtful(const struct loop *loop)
{
    const struct budget *budget = &loop->budget;
    unsigned count = 0;

    for (size_t i = 0; i < budget->count && i < BUDGET_JOBS; i++) {
        const struct task *task = loop->held.first;

        while (task && task->claim.job_id != budget->job_ids[i])
            task = task->next;
        count += !task;
    }
    return count;
}

void loop_rule_held(struct loop *loop, bool dry, struct err *err)
{
    unsigned doubtful = dry ? count_doubtful(loop) : 0;
    struct task_list held = loop->held;
    struct task *task;

    if (!held.first)
        return;
    task_list_init(&loop->held);
    while ((task = task_list_take(&held))) {
        const struct trial *trial = &loop->trials[trial_kind_of(task->job.request)];
        enum trial_ruling ruling = trial_rule(trial, task->open, dry, doubtful);

        if (loop->over_refused && task->open == POLICY_REFUSING)
            ruling = TRIAL_RECORD;
        if (ruling == TRIAL_RUN)
            stop_denied(loop, task, err);
        if ((ruling == TRIAL_OPEN || ruling == TRIAL_RUN) && !loop->stopping) {
            task_list_add(&loop->held, task);
            continue;
        }
        loop->doomed -= task->open == POLICY_REFUSING;
        if (ruling != TRIAL_RECORD)
            task_spare(task, clock_now_ms());
        else if (!loop->over_refused && bulk_parts(task, loop->rebase))
            task_part(task, clock_now_ms());
        settle_task(loop, task, err);
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

/* Notes what an answer shows about the service: that it is reached, and accepts this kind of
 * request, the token and the pace. */
static void note_service(struct loop *loop, const struct task *task,
                         const struct http_answer *answer, const struct policy_verdict *verdict)
{
    enum trial_kind kind = trial_kind_of(task->job.request);
    int64_t now_us = clock_monotonic_us();

    if (verdict->left)
        loop->unreachable = 0;
    if (verdict->works)
        loop->trials[kind].works = true;
    if (verdict->success) {
        loop->accepted = task->authorization;
        loop->tokens_refused[kind] = 0;
    }
    if (answer->end == HTTP_DONE && verdict->run != POLICY_PAUSE && !task->is_further)
        governor_accepted(&loop->governor, now_us - answer->latency_us, now_us);
}

/* Charges or refills the retry budget. It counts jobs: one that was charged earns nothing by being
 * read back. */
static void charge(struct loop *loop, const struct task *task, const struct policy_verdict *verdict)
{
    if (verdict->success &&
        (!job_state_is_open(verdict->state) || verdict->next == POLICY_NEXT_SEND))
        budget_earn(&loop->budget);
    if (!verdict->retry || budget_charge(&loop->budget, task->claim.job_id, task->claim.spread) ||
        loop->stopping)
        return;
    snprintf(loop->result->reason, sizeof loop->result->reason,
             "the API answers, but too few requests succeed for their retries (last: %s)",
             loop->fault.message[0] ? loop->fault.message : "no answer");
    stop_because(loop, DRAIN_EXHAUSTED);
}

void loop_heed(struct loop *loop, const struct task *task, const struct http_answer *answer,
               const struct policy_verdict *verdict, struct err *err)
{
    note_service(loop, task, answer, verdict);
    switch (verdict->run) {
    case POLICY_GO_ON:
    case POLICY_FORBIDDEN:
    case POLICY_WRONG_PLACE:
    case POLICY_REFUSING:
        break;
    case POLICY_NEW_TOKEN:
        if (token_refused(loop->token, task->authorization) &&
            ++loop->tokens_refused[trial_kind_of(task->job.request)] >= TOKENS_MAX)
            stop_auth(loop, task, err);
        break;
    case POLICY_PAUSE:
        throttle(loop, answer, verdict->pause_ms);
        break;
    case POLICY_UNREACHABLE:
        pause_unreachable(loop, answer->error, err);
        break;
    case POLICY_STOP_AUTH:
        stop_auth(loop, task, err);
        break;
    case POLICY_STOP_CONFIG:
        if (begin_failing(loop))
            err_set(err, ERR_CONFIG,
                    "the certificate of %s is not trusted: %s: name the authority that signed it "
                    "with --ca-file, or check --environment",
                    loop->options->environment.api_url, answer->error);
        break;
    case POLICY_STOP_PROXY:
        stop_proxy(loop, err);
        break;
    case POLICY_STOP_TARGET:
        stop_target(loop, task, err);
        break;
    }
}

/* shared: the answer means the same for all jobs of a request, which is one failure. */
static void react(struct loop *loop, struct task *task, const struct http_answer *answer,
                  const struct policy_verdict *verdict, bool shared, struct err *err)
{
    loop_heed(loop, task, answer, verdict, err);
    if (verdict->run == POLICY_FORBIDDEN || verdict->run == POLICY_WRONG_PLACE ||
        verdict->run == POLICY_REFUSING) {
        hold_task(loop, task, verdict->run, err);
        return;
    }
    if (!shared || !task->is_further)
        charge(loop, task, verdict);
    settle_task(loop, task, err);
}

/* What answers to requests of a task are read with. */
static struct task_reader reader_for(struct loop *loop, const struct task *task)
{
    const struct drain_options *options = loop->options;

    return (struct task_reader){
        .limits = {.max_attempts = options->max_attempts,
                   .on_conflict = options->on_conflict,
                   .audit_wait_ms = options->audit_wait_ms,
                   .timeout_ms = options->timeout_ms,
                   .kind_works = loop->trials[trial_kind_of(task->claim.request)].works,
                   .token_accepted = loop->accepted == task->authorization,
                   .fixed_key = options->client.key,
                   .dice = task->claim.bulk ? 0 : loop_dice(loop)},
        .now_ms = clock_now_ms(),
        .rebase = loop->rebase,
        .fault = &loop->fault,
        .scratch = &loop->scratch,
    };
}

/* Takes what an answer means for one job. */
static void take_row(struct loop *loop, struct task *task, const struct http_answer *answer,
                     bool shared, struct err *err)
{
    struct task_reader reader = reader_for(loop, task);
    struct policy_verdict verdict;
    struct err why = {0};
    bool fine;

    reader.is_shared = task->is_shared = shared;
    loop->fetching -= loop_feeds(task);
    fine = task_answer(task, answer, &reader, &verdict, &why);
    if (task->claim.outcome.attempt_error[0] && !(shared && task->is_further))
        meter_note(&loop->meter, answer, loop->fault.code, task->claim.outcome.attempt_error);
    if (fine) {
        react(loop, task, answer, &verdict, shared, err);
        return;
    }
    task_list_add(&loop->settled, task);
    loop_fail(loop, &why, err);
}

/* Has jobs whose request was refused as a whole sent again. A run that stops leaves them pending.
 */
static void take_refusal(struct loop *loop, struct task *first, const struct http_answer *answer)
{
    int64_t now_us = clock_monotonic_us();

    meter_note(&loop->meter, answer, loop->fault.code, loop->fault.message);
    governor_accepted(&loop->governor, now_us - answer->latency_us, now_us);
    loop->unreachable = 0;
    bulk_split(first, answer, loop->fault.message);
    task_reset(&first->body);
    for (struct task *task = first; task; task = task->row)
        task_list_add(&loop->settled, task);
}

/* Takes the answer to a bulk request, for each of its jobs. */
static void take_rows(struct loop *loop, struct task *first, const struct http_answer *answer,
                      struct err *err)
{
    struct task_reader reader = reader_for(loop, first);
    struct result *results;
    enum bulk_answer kind = bulk_read(first, answer, &reader, &results);
    bool shared = kind == BULK_SHARED && first->row_count > 1;
    struct task *next;
    size_t i = 0;

    bulk_note(first, kind == BULK_RESULTS, loop->rebase);
    if (kind == BULK_REFUSED) {
        take_refusal(loop, first, answer);
        return;
    }
    for (struct task *task = first; task; task = next) {
        struct http_answer own = *answer;

        next = task->row;
        bulk_answer_for(results ? &results[i++] : NULL, &own);
        take_row(loop, task, &own, shared, err);
    }
    free(results);
    task_reset(&first->body);
}

static bool take_answer(void *context, const struct http_answer *answer, struct err *err)
{
    struct loop *loop = context;
    struct task *task = answer->context;

    crash_point(CRASH_ANSWER_TAKEN);
    loop->in_flight--;
    if (!loop->settled.first)
        loop->settled_since_us = clock_monotonic_us();
    meter_count(&loop->meter, answer);
    if (task->row_count)
        take_rows(loop, task, answer, err);
    else
        take_row(loop, task, answer, false, err);
    crash_point(CRASH_ANSWER_DECIDED);
    return true;
}

static void take_token(struct loop *loop, const struct http_answer *answer, struct err *err)
{
    struct err why = {0};
    int64_t wait_ms = 0;
    enum token_verdict verdict =
        token_take(loop->token, answer, clock_monotonic_us(), &wait_ms, &why);
    const char *trouble = token_trouble(loop->token);

    if (verdict == TOKEN_FRESH)
        loop->unreachable = 0;
    if (verdict == TOKEN_FRESH || loop->stopping)
        return;
    if (verdict == TOKEN_REFUSED) {
        if (answer->end == HTTP_PROXY || (answer->end == HTTP_DONE && answer->status == 407))
            stop_proxy(loop, err);
        else if (begin_failing(loop))
            *err = why;
        return;
    }
    if (answer->retry_after_ms >= 0)
        ask_wait(loop, wait_ms, trouble);
    if (park(loop, wait_ms, trouble))
        return;
    /* a renewal may fail for a while, as long as the present token lives */
    if (token_failures(loop->token) <= loop->options->max_retries ||
        token_authorization(loop->token, clock_monotonic_us()))
        notice_say(loop->options->notices, "%s: asking again in %lld s", trouble,
                   (long long)(wait_ms + 999) / 1000);
    else if (begin_failing(loop))
        err_set(err, ERR_NETWORK,
                "no token: %s: check the network, --environment and --login-url, then run the same "
                "command again; nothing was lost",
                trouble);
}

bool loop_each_answer(struct loop *loop,
                      bool (*take)(void *context, const struct http_answer *answer,
                                   struct err *err),
                      void *context, struct err *err)
{
    struct http_answer *answer;
    bool fine = true;

    while (fine && (answer = http_pool_next(loop->pool))) {
        if (answer->context == loop->token) {
            take_token(loop, answer, err);
            crash_point(CRASH_TOKEN_TAKEN);
        } else {
            fine = take(context, answer, err);
        }
        http_pool_release(loop->pool, answer);
    }
    return fine;
}

void loop_take_answers(struct loop *loop, struct err *err)
{
    loop_each_answer(loop, take_answer, loop, err);
}

void loop_look(struct loop *loop, struct err *err)
{
    struct err why = {0};

    if (stop_requested())
        stop_because(loop, DRAIN_STOPPED);
    if (!loop->failed && !lock_look(loop->options->lock, &why))
        loop_fail(loop, &why, err);
}

bool loop_start_token(struct loop *loop, struct err *err)
{
    struct http_request request;

    if (loop->stopping || !token_due(loop->token, clock_monotonic_us()) ||
        !http_pool_free(loop->pool) || governor_wait_us(&loop->governor, clock_monotonic_us()) > 0)
        return true;
    token_request(loop->token, &request);
    return http_pool_start(loop->pool, &request, err);
}

/* Returns what all requests wait for, and until when (monotonic); NULL: nothing in particular. */
static const char *reason_to_wait(struct loop *loop, int64_t now_us, int64_t *until_us)
{
    const struct governor *governor = &loop->governor;
    int64_t due_ms;

    if (governor_paused(governor, now_us)) {
        *until_us = governor->paused_until_us;
        return loop->pause == DRAIN_PAUSE_UNREACHABLE ? loop->trouble : loop->asked_why;
    }
    if (loop->in_flight)
        return NULL;
    if (!token_authorization(loop->token, now_us)) {
        *until_us = now_us + token_wait_us(loop->token, now_us);
        return token_trouble(loop->token);
    }
    if (loop->left && governor_wait_us(governor, now_us) > SAID_US) {
        double per_s = governor_rate_per_s(governor);

        *until_us = now_us + governor_wait_us(governor, now_us);
        if (per_s > 0.9 * loop->said_per_s && per_s < 1.1 * loop->said_per_s)
            return NULL; /* the same wait before each request is reported once */
        loop->said_per_s = per_s;
        return governor_learned_per_s(governor) > 0 ? "for the pace that the API allows"
                                                    : "for the pace that --rate sets";
    }
    if (loop->more || loop->ready_jobs || loop->settled.first || !loop->next_due_ms)
        return NULL;
    due_ms = loop->next_due_ms - clock_now_ms();
    if (!loop->auditing && due_ms > POLICY_DELAY_MAX_MS)
        return NULL; /* put off by a wrong clock, and due now */
    *until_us = now_us + due_ms * 1000;
    return loop->auditing ? "for the audit log, which does not show all updates yet"
                          : "for the time at which the next job is tried again";
}

void loop_say_wait(struct loop *loop)
{
    int64_t now_us = clock_monotonic_us(), until_us = 0;
    const char *reason = loop->stopping ? NULL : reason_to_wait(loop, now_us, &until_us);
    int64_t wait_us = until_us - now_us;
    char until[CLOCK_ISO_SIZE];

    if (!reason || wait_us <= SAID_US || until_us <= loop->said_until_us + SECOND_US)
        return;
    loop->said_until_us = until_us;
    notice_say(loop->options->notices, "waiting %lld s: %s (until %s)",
               (long long)(wait_us / SECOND_US), reason,
               clock_iso(clock_now_ms() + wait_us / 1000, until));
}

void loop_report(struct loop *loop, bool last)
{
    int64_t now_us = clock_monotonic_us();
    const struct governor *governor = &loop->governor;
    struct drain_progress progress = {
        .settled = loop->finished,
        .left = loop->left,
        .auditing = loop->auditing,
        .rate_per_s = governor_rate_per_s(governor) * loop->rows,
        .learned_per_s = governor_learned_per_s(governor) * loop->rows,
        .parked_until_ms = loop->result->parked_until_ms,
        .meter = &loop->meter,
    };

    if (!loop->options->progress || (!last && now_us - loop->progress_us < PROGRESS_US))
        return;
    if (governor_paused(governor, now_us)) {
        progress.pause = loop->pause;
        progress.paused_ms = (governor->paused_until_us - now_us) / 1000;
    }
    loop->progress_us = now_us;
    loop->options->progress(loop->options->progress_context, &progress);
}
