#include "core/drain/drain.h"

#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/drain/audit.h"
#include "core/drain/bulk.h"
#include "core/drain/diff.h"
#include "core/drain/knowledge.h"
#include "core/drain/loop.h"
#include "core/job/id.h"
#include "core/store/audit.h"
#include "core/store/lock.h"
#include "core/store/runs.h"
#include "core/store/summary.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP_US = 10000,       /* how long an outcome waits for others at most */
    IDLE_MS = 1000,         /* of one wait; progress is reported in between */
    PAUSE_STORED_MS = 1000, /* a pause that ends earlier is not stored */
    WINDOW_SHARE = 3,       /* jobs claimed ahead, of those that can be in flight */
    HANDING_SHARE = 2,      /* a turn begins when half of the window can be settled or claimed */
};

/* How many jobs are claimed ahead at most: so many that requests can be full. */
static unsigned room_ahead(const struct loop *loop)
{
    unsigned room = loop->window * loop->rows;
    unsigned most = 2 * loop->rows < LOOP_WINDOW_MAX ? LOOP_WINDOW_MAX : 2 * loop->rows;

    return room < most ? room : most;
}

/* How many more jobs the window holds, of those that the pace allows within a second. */
static unsigned lacking(const struct loop *loop)
{
    uint64_t allowed = governor_allows(&loop->governor, clock_monotonic_us(), 1000000);
    unsigned room = room_ahead(loop);

    if (loop->stopping)
        return 0;
    if (room > allowed * loop->rows)
        room = (unsigned)(allowed * loop->rows);
    if (loop->sampling && room > TRIAL_JOBS)
        room = TRIAL_JOBS;
    return room > loop->ready_jobs ? room - loop->ready_jobs : 0;
}

/* How many jobs to claim now. */
static unsigned wanted(const struct loop *loop)
{
    /* jobs of refused requests are held: the sample that decides about them needs tasks, too */
    unsigned kept = loop->rows > 1 && !loop->sampling ? LOOP_HELD_MAX : 0;
    unsigned room = lacking(loop), free = loop->free.count > kept ? loop->free.count - kept : 0;

    room = room < free ? room : free;
    return room < LOOP_WINDOW_MAX ? room : LOOP_WINDOW_MAX;
}

/* Adds tasks, at first or where requests have many jobs. */
static void add_tasks(struct loop *loop, unsigned count)
{
    struct loop_block *block = mem_calloc(1, sizeof *block + count * sizeof *block->tasks);

    block->next = loop->blocks;
    block->count = count;
    loop->blocks = block;
    loop->task_count += count;
    for (unsigned i = 0; i < count; i++)
        task_list_push(&loop->free, &block->tasks[i]);
}

/* True while jobs that the unfinished request can have are about to come: at once, or when answers
 * have made tasks free. */
static bool awaits_jobs(const struct loop *loop)
{
    return !keeper_is_idle(loop->keeper) || loop->settled.first || loop->fetching ||
           (loop->more && loop->fed && (loop->in_flight ? lacking(loop) : wanted(loop)));
}

/* Moves the mark, before the request can leave. */
static void mark(struct loop *loop, const struct task *first)
{
    for (const struct task *task = first; task; task = task->row) {
        loop->ready_jobs--;
        if (task->claim.attempt_id > loop->marked_id)
            loop->marked_id = task->claim.attempt_id;
    }
    lock_mark(loop->options->lock, loop->marked_id);
}

static struct task_sender sender_of(struct loop *loop)
{
    return (struct task_sender){
        .options = loop->options, .rebase = loop->rebase, .scratch = &loop->scratch};
}

/* Starts claimed jobs while there are slots and a token and the pace allows it. False: libcurl
 * failed. */
static bool start_ready(struct loop *loop, struct err *err)
{
    struct task_sender sender = sender_of(loop);
    struct err why = {0};

    while (!loop->stopping && loop->ready_jobs && loop->in_flight < loop_room(loop)) {
        int64_t now_us = clock_monotonic_us();
        const char *authorization = token_authorization(loop->token, now_us);
        struct http_request request;
        struct task *task;

        if (!authorization || governor_wait_us(&loop->governor, now_us) > 0)
            return true;
        if (!loop->ready.first && !awaits_jobs(loop))
            loop_end_filling(loop);
        task = task_list_take(&loop->ready);
        if (!task)
            return true;
        sender.authorization = authorization;
        if (task->row_count) {
            bulk_request(task, &sender, &request);
        } else if (!task_request(task, &sender, &request, &why)) {
            loop_put_back(loop, task, false);
            loop_fail(loop, &why, err);
            return true;
        }
        governor_departed(&loop->governor, now_us);
        mark(loop, task);
        loop->in_flight++;
        if (!http_pool_start(loop->pool, &request, err))
            return false;
        crash_point(CRASH_REQUEST_STARTED);
    }
    return true;
}

/* Adds a job to the request that is filled with jobs like it. *fits is false, and that request
 * leaves, if there is no room in it. */
static bool add_filling(struct loop *loop, struct task *task, unsigned room,
                        struct task_sender *sender, bool *fits, struct err *why)
{
    unsigned i = 0;

    *fits = false;
    while (i < loop->filling_count && !bulk_is_alike(loop->filling[i], task, loop->rebase))
        i++;
    if (i == loop->filling_count)
        return true;
    if (!bulk_add(loop->filling[i], task, room, sender, fits, why))
        return false;
    if (!*fits || loop->filling[i]->row_count >= room)
        loop_end_one(loop, i);
    return true;
}

/* Puts a claimed job among those that can leave: alone, or in a request that is filled, which takes
 * `room` jobs. */
static void add_ready(struct loop *loop, struct task *task, unsigned room, struct err *err)
{
    struct task_sender sender;
    struct err why = {0};
    bool fits = false, fine = true;

    loop->ready_jobs++;
    loop->fetching += loop_feeds(task);
    if (!room) {
        task->row = NULL;
        task->row_count = 0;
        task->is_further = false;
        task_list_add(&loop->ready, task);
        return;
    }
    sender = sender_of(loop);
    if (task->begins)
        loop_end_filling(loop);
    fine = add_filling(loop, task, room, &sender, &fits, &why);
    if (fine && fits)
        return;
    fine = fine && bulk_begin(task, &sender, &why);
    if (!fine) {
        task->row = NULL;
        task->row_count = 0;
        loop_put_back(loop, task, false);
        loop_fail(loop, &why, err);
        return;
    }
    if (loop->filling_count == LOOP_FILLING_MAX)
        loop_end_one(loop, 0);
    loop->filling[loop->filling_count++] = task;
    if (room < 2)
        loop_end_one(loop, loop->filling_count - 1);
}

/* True when a waiting job is due. One that is due later than any delay can be was put off by a
 * wrong clock. */
static bool is_due(const struct loop *loop)
{
    int64_t now_ms = clock_now_ms(), due_ms = loop->next_due_ms;

    return due_ms && (due_ms <= now_ms || due_ms > now_ms + POLICY_DELAY_MAX_MS);
}

/* So many jobs to settle or to claim are worth a turn. */
static unsigned share(const struct loop *loop)
{
    unsigned room = room_ahead(loop);

    return (room < LOOP_WINDOW_MAX ? room : LOOP_WINDOW_MAX) / HANDING_SHARE;
}

/* True when so many claims are worth a turn. */
static bool is_worth_claiming(const struct loop *loop, unsigned want)
{
    return want && (want >= share(loop) || !loop->ready.first);
}

/* True when there is enough work for a turn of the store. */
static bool should_hand(const struct loop *loop, unsigned want)
{
    if (is_worth_claiming(loop, want) && (loop->more || is_due(loop)))
        return true;
    if (!loop->settled.first)
        return false;
    return loop->stopping || loop->settled.count >= share(loop) || !loop->in_flight ||
           clock_monotonic_us() - loop->settled_since_us >= GROUP_US;
}

static void hand_turn(struct loop *loop)
{
    struct exchange *exchange = &loop->exchange;
    const struct task *next;
    unsigned want;

    if (!keeper_is_idle(loop->keeper))
        return;
    want = wanted(loop);
    if (!should_hand(loop, want))
        return;
    exchange->now_ms = clock_now_ms();
    exchange->settled = loop->settling;
    exchange->settled_count = 0;
    exchange->claims = loop->claiming;
    exchange->wanted = want;
    exchange->spread = loop->sampling;
    /* the jobs of a request that is sent again stay together */
    while ((next = loop->settled.first) && (exchange->settled_count < LOOP_SETTLED_MAX ||
                                            (next->claim.outcome.repeats && !next->begins)))
        loop->settling[exchange->settled_count++] = &task_list_take(&loop->settled)->claim;
    for (unsigned i = 0; i < want; i++)
        loop->claiming[i] = &task_list_take(&loop->free)->claim;
    if (exchange->settled_count)
        crash_point(CRASH_TURN_READY);
    keeper_hand(loop->keeper, exchange);
}

/* Fails because another process has touched a job that was in hand. */
static void fail_taken(struct loop *loop, int64_t job_id, struct err *err)
{
    char name[ID_TEXT_SIZE];
    struct err why;

    err_set(&why, ERR_BUSY,
            "job %s was changed by another process while this one worked on it: another drain is "
            "at work on this database, perhaps because its lock file was deleted; look for that "
            "process, then run the same command again",
            id_print(job_id, name));
    loop_fail(loop, &why, err);
}

/* Takes back the tasks that were settled, which are free again; those that are sent again are
 * ready, in the halves of their request. */
static void take_settled(struct loop *loop, struct err *err)
{
    struct exchange *exchange = &loop->exchange;
    struct task *filling[LOOP_FILLING_MAX];
    unsigned count = loop->filling_count, waiting = loop->ready.count;

    memcpy(filling, loop->filling, sizeof filling);
    loop->filling_count = 0;
    for (unsigned i = 0; i < exchange->settled_count; i++) {
        struct task *task = (struct task *)exchange->settled[i];

        if (task->claim.outcome.repeats) {
            task->claim.outcome.repeats = false;
            add_ready(loop, task, UINT_MAX, err);
        } else {
            task_list_push(&loop->free, task);
        }
    }
    loop_end_filling(loop);
    /* halves leave before what waits, so that the row that is wrong is found soon */
    for (unsigned i = 0; loop->ready.count > waiting && i < waiting; i++)
        task_list_add(&loop->ready, task_list_take(&loop->ready));
    memcpy(loop->filling, filling, sizeof filling);
    loop->filling_count = count;
}

/* Store and loop read each schema file by themselves, so it can be another one for the loop. */
static bool check_schema(const struct loop *loop, const struct claim *claim, struct err *err)
{
    struct span schema = claim_schema(claim);
    const char *hash = rebase_hash(loop->rebase, schema);

    return (hash && claim->schema_hash ? strcmp(hash, claim->schema_hash) == 0
                                       : hash == claim->schema_hash) ||
           err_set(err, ERR_CONFIG,
                   "the schema file of %.*s was replaced or removed while it was read: run the "
                   "same command again when it is there",
                   (int)schema.size, schema.data);
}

static void take_claimed(struct loop *loop, struct err *err)
{
    struct exchange *exchange = &loop->exchange;

    if (!exchange->wanted)
        return;
    loop->rows = exchange->claimed ? 1 : loop->rows;
    for (unsigned i = 0; i < exchange->wanted; i++) {
        struct task *task = (struct task *)exchange->claims[i];
        unsigned rows = 0;
        struct err why = {0};

        if (i >= exchange->claimed) {
            task_list_push(&loop->free, task);
            continue;
        }
        if (!check_schema(loop, &task->claim, &why)) {
            add_ready(loop, task, 0, err);
            loop_fail(loop, &why, err);
            continue;
        }
        if (task->claim.bulk)
            rows = bulk_room(task, loop->rebase);
        if (rows > loop->rows)
            loop->rows = rows;
        add_ready(loop, task, task_is_bulk(task, loop->rebase) ? rows : 0, err);
    }
    loop->fed = false;
    if (loop->rows > 1 && loop->free.count < LOOP_WINDOW_MAX + LOOP_HELD_MAX &&
        loop->task_count + LOOP_WINDOW_MAX <= LOOP_TASKS_MAX)
        add_tasks(loop, LOOP_WINDOW_MAX);
    for (unsigned i = 0; i < exchange->claimed && !loop->fed; i++)
        for (unsigned j = 0; j < loop->filling_count && !loop->fed; j++)
            loop->fed = span_equal(claim_schema(exchange->claims[i]),
                                   claim_schema(&loop->filling[j]->claim));
}

/* Takes a finished turn back: what was claimed may be sent now, everything else is free again.
 * False: the turn failed. */
static bool take_turn(struct loop *loop, struct err *err)
{
    struct exchange *exchange = &loop->exchange;
    bool done;

    if (keeper_is_idle(loop->keeper))
        return true;
    if (!keeper_take(loop->keeper, &done, err))
        return false;
    if (!done)
        return true;
    take_settled(loop, err);
    take_claimed(loop, err);
    if (exchange->claimed)
        crash_point(CRASH_CLAIMS_TAKEN);
    if (exchange->prior && !loop->said_prior) {
        loop->said_prior = true;
        notice_say(loop->options->notices,
                   "rows of batch %lld wait for earlier rows of their records in other batches: "
                   "those are sent first",
                   (long long)loop->options->batch_id);
    }
    if (exchange->taken_id)
        fail_taken(loop, exchange->taken_id, err);
    if (exchange->ahead && !loop->said_ahead) {
        loop->said_ahead = true;
        notice_say(loop->options->notices,
                   "the clock was ahead when an earlier run stored times: jobs that were put off "
                   "until then are due now");
    }
    loop->left = exchange->left;
    loop->finished += exchange->finished;
    loop->meter.skipped += exchange->skipped;
    loop->meter.fetched += exchange->fetched;
    loop->meter.drifted += exchange->drifted;
    if (exchange->wanted) {
        loop->more = exchange->claimed > 0;
        loop->next_due_ms = exchange->next_due_ms;
    } else if (exchange->settled_count) {
        /* what was settled may be due again, or others may have waited for it */
        loop->more = true;
    }
    return true;
}

/* True when no request, claim or outcome is in progress. */
static bool is_quiet(const struct loop *loop)
{
    return !loop->in_flight && !loop->ready_jobs && !loop->settled.first &&
           keeper_is_idle(loop->keeper);
}

/* True when no job can be claimed either, neither now nor later in this run. */
static bool is_dry(const struct loop *loop)
{
    return is_quiet(loop) && !loop->more && !loop->next_due_ms;
}

static bool is_finished(const struct loop *loop)
{
    return !loop->held.first && (loop->stopping ? is_quiet(loop) : is_dry(loop));
}

/* How long to sleep at most, if no answer comes. */
static int wait_ms(const struct loop *loop)
{
    int64_t now_us = clock_monotonic_us(), wait = IDLE_MS;
    int64_t pace_ms = (governor_wait_us(&loop->governor, now_us) + 999) / 1000;

    if (loop->settled.first && keeper_is_idle(loop->keeper))
        wait = GROUP_US / 1000;
    if ((loop->ready_jobs || !token_authorization(loop->token, now_us)) && pace_ms > 0 &&
        pace_ms < wait)
        wait = pace_ms;
    if (loop->next_due_ms && keeper_is_idle(loop->keeper) &&
        is_worth_claiming(loop, wanted(loop)) && loop->next_due_ms - clock_now_ms() < wait)
        wait = loop->next_due_ms - clock_now_ms();
    return wait > 0 ? (int)wait : 0;
}

/* Begins or ends sampling. When it begins, what was claimed from the head of the queue is put back
 * and comes last. */
static void switch_sampling(struct loop *loop)
{
    unsigned count;

    loop->sampling = loop_wants_sample(loop);
    if (!loop->sampling)
        return;
    loop_end_filling(loop);
    count = loop->ready.count;
    for (unsigned i = 0; i < count; i++) {
        struct task *task = task_list_take(&loop->ready);

        if (!task->claim.spread && job_state_of_request(task->claim.request) != JOB_UNKNOWN)
            loop_put_back(loop, task, true);
        else
            task_list_add(&loop->ready, task);
    }
}

/* One round: turns, departures, answers. False when the store or libcurl failed, so that nothing
 * more can be settled. */
static bool turn_round(struct loop *loop, struct err *err)
{
    loop_look(loop, err);
    if (loop->stopping)
        loop_put_back_ready(loop);
    if (!take_turn(loop, err))
        return false;
    loop_rule_held(loop, is_dry(loop), err);
    switch_sampling(loop);
    if (!loop_start_token(loop, err) || !start_ready(loop, err))
        return false;
    hand_turn(loop);
    if (is_finished(loop))
        return true;
    loop_say_wait(loop);
    if (!http_pool_wait(loop->pool, wait_ms(loop), stop_fd(), err))
        return false;
    loop_take_answers(loop, err);
    loop_report(loop, false);
    return true;
}

static bool run_loop(struct loop *loop, struct err *err)
{
    bool fine = true;

    while (fine && !is_finished(loop))
        fine = turn_round(loop, err);
    loop_report(loop, true);
    return fine && !loop->failed;
}

static void wake(void *context)
{
    http_pool_wake(context);
}

static bool open_loop(struct loop *loop, struct store *store, struct err *err)
{
    const struct drain_options *options = loop->options;
    struct http_options http = {options->concurrency + 1, options->ca_file, options->user_agent,
                                options->client.key_field};

    loop->window = options->concurrency * WINDOW_SHARE < LOOP_WINDOW_MAX
                       ? options->concurrency * WINDOW_SHARE
                       : LOOP_WINDOW_MAX;
    loop->rows = 1;
    task_list_init(&loop->free);
    task_list_init(&loop->ready);
    task_list_init(&loop->settled);
    task_list_init(&loop->held);
    add_tasks(loop, loop->window * 3 + LOOP_HELD_MAX);
    loop->exchange.run_id = options->run_id;
    loop->exchange.batch_id = options->batch_id;
    loop->exchange.max_retries = options->max_retries;
    loop->more = true;
    budget_init(&loop->budget);
    loop->dice = (uint64_t)clock_monotonic_us() * UINT64_C(0x9E3779B97F4A7C15) | 1;
    governor_init(&loop->governor, options->rate_per_s);
    loop->token = environment_token(&options->environment, &options->client, options->timeout_ms);
    loop->rebase = rebase_open(options->schemas);
    loop->knowledge = knowledge_open(options->schemas);
    loop->exchange.decider = knowledge_decider(loop->knowledge);
    loop->pool = http_pool_open(&http, err);
    if (!loop->pool)
        return false;
    loop->keeper = keeper_open(store_path(store), wake, loop->pool, err);
    return loop->keeper != NULL;
}

static void close_loop(struct loop *loop)
{
    keeper_close(loop->keeper);
    http_pool_close(loop->pool);
    token_close(loop->token);
    rebase_close(loop->rebase);
    target_scratch_release(&loop->scratch);
    knowledge_close(loop->knowledge);
    while (loop->blocks) {
        struct loop_block *block = loop->blocks;

        loop->blocks = block->next;
        for (unsigned i = 0; i < block->count; i++)
            task_release(&block->tasks[i]);
        free(block);
    }
}

/* Reads the pause that an earlier run stored. It holds all requests, or, if it is longer than
 * --max-wait, parks the run at once: *parked. */
static bool heed_pause(struct loop *loop, struct store *store, bool *parked, struct err *err)
{
    const struct drain_options *options = loop->options;
    struct drain_result *result = loop->result;
    int64_t now_ms = clock_now_ms();
    struct pause_info pause;
    char until[CLOCK_ISO_SIZE];

    *parked = false;
    if (!pause_read(store, PAUSE_OF_API, now_ms, &pause, err))
        return false;
    if (pause.until_ms > now_ms && options->ignore_pause)
        notice_say(options->notices, "the pause until %s is ignored: %s",
                   clock_iso(pause.until_ms, until), pause.reason);
    if (pause.until_ms <= now_ms || options->ignore_pause)
        return !pause.until_ms || pause_write(store, PAUSE_OF_API, now_ms, 0, "", 0, err);
    if (pause.ahead_ms > 0) {
        notice_say(options->notices,
                   "the clock was ahead when a pause was stored: it ends at %s instead",
                   clock_iso(pause.until_ms, until));
        if (!pause_write(store, PAUSE_OF_API, now_ms, pause.until_ms, pause.reason, options->run_id,
                         err))
            return false;
    }
    loop->asked_until_us = clock_monotonic_us() + (pause.until_ms - now_ms) * 1000;
    snprintf(loop->asked_why, sizeof loop->asked_why, "%s", pause.reason);
    if (pause.until_ms - now_ms > options->max_wait_ms) {
        *parked = true;
        result->end = DRAIN_PARKED;
        result->parked_until_ms = pause.until_ms;
        memcpy(result->reason, loop->asked_why, sizeof result->reason);
        return true;
    }
    notice_say(options->notices, "waiting %lld s: %s (until %s)",
               (long long)(pause.until_ms - now_ms) / 1000, pause.reason,
               clock_iso(pause.until_ms, until));
    loop->pause = DRAIN_PAUSE_EARLIER;
    loop->said_until_us = loop->asked_until_us;
    governor_pause(&loop->governor, loop->asked_until_us);
    return true;
}

/* Stores the pause that the server asked this run for, unless it is over, for the next run. */
static bool store_pause(struct loop *loop, struct store *store, struct err *err)
{
    int64_t left_ms = (loop->asked_until_us - clock_monotonic_us()) / 1000;
    int64_t now_ms = clock_now_ms();
    struct err ignored = {0};
    bool fine = true;

    if (loop->asked_now && left_ms >= PAUSE_STORED_MS)
        fine = pause_write(store, PAUSE_OF_API, now_ms, now_ms + left_ms, loop->asked_why,
                           loop->options->run_id, err->kind == ERR_NONE ? err : &ignored);
    if (loop->result->end == DRAIN_PARKED)
        crash_point(CRASH_PAUSE_WRITTEN);
    return fine;
}

/* Recovers the jobs that an earlier process had in hand when it ended. Claims leave in the order of
 * their attempts, so that one number says which of them have left. */
static bool take_up(struct loop *loop, struct store *store, struct err *err)
{
    struct lock *lock = loop->options->lock;
    int64_t now_ms = clock_now_ms();
    struct lock_mark mark;
    uint64_t recovered;

    if (lock_read_mark(lock, &mark) && !jobs_uncount(store, &mark, now_ms, err))
        return false;
    if (!jobs_recover(store, now_ms, &recovered, err))
        return false;
    lock_begin_mark(lock, loop->options->run_id);
    if (loop->options->audit_share > 0 && !audit_expect(store, err))
        return false;
    crash_point(CRASH_DRAIN_RECOVERED);
    if (recovered)
        notice_say(loop->options->notices,
                   "%llu jobs were interrupted while they were sent: they are read back first",
                   (unsigned long long)recovered);
    return true;
}

/* Has the next run begin with other jobs than those whose retries were still to come. An earlier
 * error stays the one that is reported. */
static bool leave_charged(struct loop *loop, struct store *store, struct err *err)
{
    const struct budget *budget = &loop->budget;
    struct err ignored = {0};

    return !budget->count ||
           jobs_leave(store, budget->job_ids,
                      budget->count < BUDGET_JOBS ? budget->count : BUDGET_JOBS,
                      loop->options->run_id, err->kind == ERR_NONE ? err : &ignored);
}

/* What is known of records holds for one API, and for the organisation of one client. */
static bool note_place(const struct loop *loop, struct store *store, struct err *err)
{
    const struct drain_options *options = loop->options;
    struct buf place = {0};
    bool forgotten = false, fine;

    buf_append_text(&place, options->environment.api_url);
    if (options->client.id)
        buf_printf(&place, " %s", options->client.id);
    fine = run_place(store, options->run_id, buf_text(&place), &forgotten, err);
    buf_release(&place);
    if (forgotten)
        notice_say(options->notices,
                   "the run before this one used another API or client: what was known of its "
                   "records is forgotten");
    return fine;
}

bool drain_run(struct store *store, const struct drain_options *options,
               struct drain_result *result, struct err *err)
{
    struct loop *loop = mem_calloc(1, sizeof *loop);
    bool sends = !options->audit_only && !options->diff, parked = false, fine;

    mem_keep_freed();
    *result = (struct drain_result){.end = DRAIN_FINISHED};
    loop->options = options;
    loop->result = result;
    if (options->before)
        loop->meter = *options->before;
    fine = open_loop(loop, store, err) && (options->audit_only || note_place(loop, store, err)) &&
           heed_pause(loop, store, &parked, err) && (!sends || take_up(loop, store, err));
    if (fine && !parked && sends)
        fine = run_loop(loop, err);
    if (fine && !parked && options->diff)
        fine = diff_run(loop, store, err);
    if (fine && options->audit_share > 0 && result->end == DRAIN_FINISHED)
        fine = audit_run(loop, store, err);
    meter_report(&loop->meter, &result->run);
    result->meter = loop->meter;
    result->learned_per_s = governor_learned_per_s(&loop->governor);
    close_loop(loop);
    fine = leave_charged(loop, store, err) && fine;
    fine = store_pause(loop, store, err) && fine;
    free(loop);
    return fine;
}
