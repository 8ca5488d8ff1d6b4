#include "core/drain/audit.h"

#include "core/api/audit.h"
#include "core/api/fault.h"
#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/drain/loop.h"
#include "core/drain/rounds.h"
#include "core/job/id.h"
#include "core/store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    JOBS_MAX = 100,             /* of one request; several can be of one record */
    IDS_BYTES_MAX = 2000,       /* of one request: a byte takes up to 3 in the URL, of which
                                   servers often take 8 KB */
    PAGES_MAX = 1000,           /* of one request */
    ENTRY_BYTES_MAX = 64 << 10, /* a longer entry is not kept */
    READ_AHEAD = 256,           /* jobs read from the database at once */
    WRITE_JOBS = 512,           /* verdicts of one transaction */
    WRITE_US = 200000,          /* a verdict waits for others for at most this long */
    IDLE_MS = 1000,
};

/* A request for some records, page by page. */
struct inquiry {
    struct task task; /* first, so that a task's address is its inquiry's; for loop_heed */
    unsigned job_count, id_count;
    struct audit_job jobs[JOBS_MAX];
    struct verdict_facts facts[JOBS_MAX];
    struct {
        size_t at, size;
    } entries[JOBS_MAX]; /* in entry_texts; size 0: none is kept */
    struct buf entry_texts;
    struct buf schema, texts; /* texts: the record ids */
    unsigned ids[JOBS_MAX];   /* jobs, one for each record */
    size_t ids_bytes;
    int64_t page;  /* from 1 */
    uint64_t seen; /* entries on the pages before */
    uint64_t first_hash, last_hash;
    int64_t asked_ms; /* when its first page was asked for */
};

struct audit {
    struct loop *loop;
    struct store *store;
    struct audit_scope scope;
    struct rounds rounds;
    int64_t begun_ms, begun_us;

    int64_t batch_id, after; /* the jobs up to `after` have had their turn in this round */
    bool at_end;             /* ... and there is no batch after this one */
    struct buf schema;
    struct audit_job jobs[READ_AHEAD]; /* read and not yet asked for, from job_at on */
    unsigned job_at, job_count;
    struct buf job_texts;

    struct inquiry *inquiries;
    struct task_list free, ready; /* ready: to be sent before others are filled */

    struct audit_result results[WRITE_JOBS];
    unsigned result_count;
    int64_t results_since_us;
    struct buf result_texts;
    uint64_t jobs_at_most, verdicts;
    int64_t left_out[ROUNDS_ENDLESS_MAX * JOBS_MAX]; /* jobs that this run does not ask for again */
    unsigned left_out_count;

    bool between; /* two rounds */
    bool ended;
    bool succeeded;     /* some request did */
    bool only_denied;   /* all that failed were 403 */
    struct err trouble; /* what the last request that failed was answered */
};

/* The wall clock as it was when the audit began, and what has passed since: a step of the clock in
 * between changes no age. */
static int64_t now_ms(const struct audit *audit)
{
    return audit->begun_ms + (clock_monotonic_us() - audit->begun_us) / 1000;
}

/* Since the job was applied; a time after the audit began was set by a clock that was ahead. */
static int64_t age_ms(const struct audit *audit, const struct audit_job *job, int64_t at_ms)
{
    return at_ms - (job->applied_ms < audit->begun_ms ? job->applied_ms : audit->begun_ms);
}

/* --- verdicts --- */

static bool write_results(struct audit *audit, struct err *err)
{
    bool fine;

    if (!audit->result_count)
        return true;
    fine = audit_write(audit->store, audit->results, audit->result_count,
                       buf_text(&audit->result_texts), audit->scope.run_id, clock_now_ms(), err);
    audit->result_count = 0;
    buf_reset(&audit->result_texts);
    crash_point(CRASH_AUDITS_WRITTEN);
    return fine;
}

static bool add_result(struct audit *audit, const struct inquiry *inquiry, unsigned index,
                       enum verdict verdict, struct err *err)
{
    struct audit_result *result;

    if (audit->result_count == WRITE_JOBS && !write_results(audit, err))
        return false;
    if (!audit->result_count)
        audit->results_since_us = clock_monotonic_us();
    result = &audit->results[audit->result_count++];
    *result = (struct audit_result){inquiry->jobs[index].job_id, verdict, audit->result_texts.size,
                                    inquiry->entries[index].size};
    buf_append(&audit->result_texts, inquiry->entry_texts.data + inquiry->entries[index].at,
               inquiry->entries[index].size);
    audit->verdicts++;
    return true;
}

/* --- jobs whose pages never end --- */

static bool is_left_out(const struct audit *audit, int64_t job_id)
{
    for (unsigned i = 0; i < audit->left_out_count; i++)
        if (audit->left_out[i] == job_id)
            return true;
    return false;
}

/* What all pages show. incomplete: not all of them came, so that nothing but our own entries
 * counts. */
static bool decide_jobs(struct audit *audit, struct inquiry *inquiry, bool incomplete,
                        struct err *err)
{
    bool endless = incomplete && inquiry->page == PAGES_MAX;
    unsigned absent = 0;
    int64_t oldest_ms = 0;

    for (unsigned i = 0; i < inquiry->job_count; i++) {
        int64_t age = age_ms(audit, &inquiry->jobs[i], inquiry->asked_ms);
        enum verdict verdict = incomplete && !inquiry->facts[i].is_ours
                                   ? VERDICT_NONE
                                   : verdict_of(&inquiry->facts[i]);

        if (verdict == VERDICT_NONE) {
            absent++;
            oldest_ms = age > oldest_ms ? age : oldest_ms;
            inquiry->entries[i].size = 0;
            if (endless && audit->left_out_count < sizeof audit->left_out / sizeof *audit->left_out)
                audit->left_out[audit->left_out_count++] = inquiry->jobs[i].job_id;
            if (!incomplete && rounds_is_missing(&audit->rounds, age))
                verdict = VERDICT_MISSING;
        }
        if (verdict != VERDICT_NONE && !add_result(audit, inquiry, i, verdict, err))
            return false;
    }
    if (endless && absent)
        rounds_note_endless(&audit->rounds);
    else if (incomplete && absent)
        rounds_note_failure(&audit->rounds, absent, true);
    else
        rounds_note_answer(&audit->rounds, inquiry->job_count, absent, oldest_ms);
    audit->succeeded = audit->succeeded || !incomplete || !absent;
    return true;
}

/* --- pages --- */

static struct span record_id_of(const struct inquiry *inquiry, unsigned index)
{
    const struct audit_job *job = &inquiry->jobs[index];

    return (struct span){inquiry->texts.data + job->record_id, job->record_id_size};
}

static void match_entry(void *context, const struct api_audit_entry *entry)
{
    struct inquiry *inquiry = context;

    for (unsigned i = 0; i < inquiry->job_count; i++) {
        const struct audit_job *job = &inquiry->jobs[i];
        struct verdict_facts *facts = &inquiry->facts[i];
        bool is_version = entry->has_version && job->has_version && entry->version == job->version;
        enum api_owner owner = api_owner(&entry->id, job->correlation);

        if (facts->is_ours || (owner != API_OURS && !is_version) ||
            !span_equal(entry->record_id, record_id_of(inquiry, i)))
            continue;
        facts->is_ours = owner == API_OURS;
        facts->is_anothers = facts->is_anothers || owner == API_ANOTHERS;
        facts->is_unnamed = facts->is_unnamed || owner == API_OWNER_UNKNOWN;
        inquiry->entries[i].at = inquiry->entry_texts.size;
        inquiry->entries[i].size = entry->text.size <= ENTRY_BYTES_MAX ? entry->text.size : 0;
        buf_append(&inquiry->entry_texts, entry->text.data, inquiry->entries[i].size);
    }
}

/* Whether further pages can change a verdict. While a job is absent, a full page is not
 * believed to be the last one, whatever it says. */
static bool wants_more(const struct inquiry *inquiry, const struct api_audit_page *page)
{
    bool more = api_audit_has_more(page, inquiry->seen, inquiry->last_hash);
    unsigned ours = 0, absent = 0;

    for (unsigned i = 0; i < inquiry->job_count; i++) {
        ours += inquiry->facts[i].is_ours;
        absent += verdict_of(&inquiry->facts[i]) == VERDICT_NONE;
    }
    return ours < inquiry->job_count && (more || (absent && api_audit_is_full(page)));
}

static void page_url(struct audit *audit, struct inquiry *inquiry, struct span next)
{
    const char *api_url = audit->loop->options->environment.api_url;
    struct span ids[JOBS_MAX];

    buf_reset(&inquiry->task.url);
    if (inquiry->page > 1 && api_audit_next_url(&inquiry->task.url, api_url, next))
        return;
    for (unsigned i = 0; i < inquiry->id_count; i++)
        ids[i] = record_id_of(inquiry, inquiry->ids[i]);
    api_audit_url(&inquiry->task.url, api_url,
                  rebase_target(audit->loop->rebase, buf_span(&inquiry->schema)),
                  buf_span(&inquiry->schema), ids, inquiry->id_count, inquiry->page);
}

/* Takes a page that came: goes on to the next one, or ends the inquiry. */
static bool take_page(struct audit *audit, struct inquiry *inquiry,
                      const struct api_audit_page *page, struct span next, struct err *err)
{
    bool repeats = page->count > 0 && inquiry->page > 1 &&
                   (page->hash == inquiry->last_hash || page->hash == inquiry->first_hash);
    bool more = !repeats && wants_more(inquiry, page);

    if (more && inquiry->page < PAGES_MAX) {
        inquiry->seen += page->count;
        inquiry->last_hash = page->hash;
        if (inquiry->page++ == 1)
            inquiry->first_hash = page->hash;
        page_url(audit, inquiry, next);
        task_list_add(&audit->ready, &inquiry->task);
        return true;
    }
    if (more || repeats) {
        err_set(&audit->trouble, ERR_NETWORK, "its pages repeat or do not end");
        audit->only_denied = false;
    }
    task_list_add(&audit->free, &inquiry->task);
    return decide_jobs(audit, inquiry, more || repeats, err);
}

/* --- answers --- */

/* An answer without a page: the same request again where nothing was said about it, else its jobs
 * are left for the next round. */
static void take_failure(struct audit *audit, struct inquiry *inquiry,
                         const struct http_answer *answer, enum policy_run run)
{
    bool again = run == POLICY_NEW_TOKEN || run == POLICY_PAUSE || run == POLICY_UNREACHABLE;
    bool refused =
        answer->end == HTTP_TOO_LARGE || (answer->end == HTTP_DONE && answer->status >= 400 &&
                                          answer->status < 500 && answer->status != 408);

    inquiry->task.job.refused_token = run == POLICY_NEW_TOKEN;
    if (again) {
        task_list_add(&audit->ready, &inquiry->task);
        return;
    }
    audit->only_denied = audit->only_denied && answer->status == 403;
    rounds_note_failure(&audit->rounds, inquiry->job_count, refused);
    task_list_add(&audit->free, &inquiry->task);
}

static bool take_answer(void *context, const struct http_answer *answer, struct err *err)
{
    struct audit *audit = context;
    struct loop *loop = audit->loop;
    struct inquiry *inquiry = answer->context;
    struct policy_answer facts = {.end = task_end(answer),
                                  .status = answer->status,
                                  .code = "",
                                  .retry_after_ms = answer->retry_after_ms};
    const struct policy_limits limits = {.max_attempts = UINT32_MAX,
                                         .audit_wait_ms = INT64_MAX,
                                         .token_accepted =
                                             loop->accepted == inquiry->task.authorization,
                                         .fixed_key = loop->options->client.key,
                                         .dice = loop_dice(loop)};
    struct policy_verdict verdict;
    struct api_audit_page page = {0};
    struct buf next = {0};
    char why[ERR_TEXT_SIZE];
    bool fine = true;

    crash_point(CRASH_AUDIT_ANSWERED);
    loop->in_flight--;
    meter_count(&loop->meter, answer);
    facts.has_page = answer->end == HTTP_DONE && answer->status == 200 &&
                     api_read_audit_page(answer->body, match_entry, inquiry, &page, &next);
    if (!facts.has_page) {
        loop_note_fault(loop, &inquiry->task, target_guide(), answer,
                        "the answer is not a page of the audit log", &facts, why, sizeof why);
        err_set(&audit->trouble, ERR_NETWORK, "%s", why);
    }
    policy_assess(&inquiry->task.job, &facts, &limits, &verdict);
    loop_heed(loop, &inquiry->task, answer, &verdict, err);
    if (facts.has_page)
        fine = take_page(audit, inquiry, &page, buf_span(&next), err);
    else
        take_failure(audit, inquiry, answer, verdict.run);
    buf_release(&next);
    return fine;
}

/* --- requests --- */

/* The next job of the round; *job NULL: none is left. */
static bool peek_job(struct audit *audit, const struct audit_job **job, struct err *err)
{
    while (audit->job_at == audit->job_count && !audit->at_end) {
        buf_reset(&audit->job_texts);
        audit->job_at = audit->job_count = 0;
        if (audit->batch_id &&
            !audit_next_jobs(audit->store, &audit->scope, audit->after, audit->jobs, READ_AHEAD,
                             &audit->job_count, &audit->job_texts, err))
            return false;
        if (audit->job_count) {
            audit->after = audit->jobs[audit->job_count - 1].job_id;
            break;
        }
        if (!audit_next_batch(audit->store, &audit->scope, &audit->batch_id, &audit->schema, err))
            return false;
        audit->after = id_before(audit->batch_id);
        audit->at_end = audit->batch_id == 0;
    }
    *job = audit->job_at < audit->job_count ? &audit->jobs[audit->job_at] : NULL;
    return true;
}

static bool has_comma(struct span id)
{
    return memchr(id.data, ',', id.size);
}

/* Whether the inquiry can ask for a further record. */
static bool has_room(const struct audit *audit, const struct inquiry *inquiry,
                     struct span record_id)
{
    return inquiry->id_count == 0 ||
           (inquiry->id_count < audit->rounds.ids &&
            inquiry->ids_bytes + record_id.size <= IDS_BYTES_MAX && !has_comma(record_id) &&
            !has_comma(record_id_of(inquiry, 0)));
}

/* Adds a job. False: there is no room for it. */
static bool add_job(const struct audit *audit, struct inquiry *inquiry, const struct audit_job *job)
{
    struct span record_id = {audit->job_texts.data + job->record_id, job->record_id_size};
    unsigned index = inquiry->job_count, id = 0;

    while (id < inquiry->id_count &&
           !span_equal(record_id_of(inquiry, inquiry->ids[id]), record_id))
        id++;
    if (index == JOBS_MAX || (id == inquiry->id_count && !has_room(audit, inquiry, record_id)))
        return false;
    if (id == inquiry->id_count) {
        inquiry->ids[inquiry->id_count++] = index;
        inquiry->ids_bytes += record_id.size;
    }
    inquiry->jobs[index] = *job;
    inquiry->jobs[index].record_id = inquiry->texts.size;
    inquiry->facts[index] = (struct verdict_facts){.is_answered = job->is_answered};
    inquiry->entries[index].size = 0;
    buf_append_span(&inquiry->texts, record_id);
    inquiry->job_count++;
    return true;
}

/* Fills an inquiry with the next jobs of the round that are of one schema; with none where none is
 * left. */
static bool fill(struct audit *audit, struct inquiry *inquiry, struct err *err)
{
    int64_t at_ms = now_ms(audit);
    const struct audit_job *job;

    inquiry->job_count = inquiry->id_count = 0;
    inquiry->ids_bytes = 0;
    buf_reset(&inquiry->texts);
    buf_reset(&inquiry->entry_texts);
    for (;; audit->job_at++) {
        if (!peek_job(audit, &job, err))
            return false;
        if (!job || (inquiry->job_count &&
                     !span_equal(buf_span(&inquiry->schema), buf_span(&audit->schema))))
            break;
        if (is_left_out(audit, job->job_id) ||
            rounds_skips(&audit->rounds, age_ms(audit, job, at_ms)))
            continue;
        if (inquiry->job_count == 0) {
            buf_reset(&inquiry->schema);
            buf_append_span(&inquiry->schema, buf_span(&audit->schema));
        }
        if (!add_job(audit, inquiry, job))
            break;
    }
    inquiry->page = 1;
    inquiry->seen = inquiry->last_hash = inquiry->first_hash = 0;
    inquiry->asked_ms = at_ms;
    inquiry->task.job = (struct policy_job){.request = REQUEST_AUDIT};
    if (inquiry->job_count)
        page_url(audit, inquiry, (struct span){0});
    return true;
}

/* The next inquiry to send; *inquiry NULL: none for now. */
static bool next_inquiry(struct audit *audit, struct inquiry **inquiry, struct err *err)
{
    bool fine;

    *inquiry = (struct inquiry *)task_list_take(&audit->ready);
    if (*inquiry || audit->between || rounds_is_hopeless(&audit->rounds))
        return true;
    *inquiry = (struct inquiry *)task_list_take(&audit->free);
    if (!*inquiry)
        return true;
    fine = fill(audit, *inquiry, err);
    if (!fine || (*inquiry)->job_count == 0) {
        task_list_add(&audit->free, &(*inquiry)->task);
        *inquiry = NULL;
    }
    return fine;
}

static bool start_inquiries(struct audit *audit, struct err *err)
{
    struct loop *loop = audit->loop;

    while (!loop->stopping && loop->in_flight < loop->options->concurrency) {
        int64_t now_us = clock_monotonic_us();
        const char *authorization = token_authorization(loop->token, now_us);
        struct inquiry *inquiry;
        struct http_request request;

        if (!authorization || governor_wait_us(&loop->governor, now_us) > 0)
            return true;
        if (!next_inquiry(audit, &inquiry, err))
            return false;
        if (!inquiry)
            return true;
        inquiry->task.authorization = authorization;
        request = (struct http_request){.method = HTTP_GET,
                                        .url = buf_text(&inquiry->task.url),
                                        .authorization = authorization,
                                        .timeout_ms = loop->options->timeout_ms,
                                        .context = inquiry};
        governor_departed(&loop->governor, now_us);
        loop->in_flight++;
        if (!http_pool_start(loop->pool, &request, err))
            return false;
        crash_point(CRASH_AUDIT_STARTED);
    }
    return true;
}

/* --- rounds --- */

static void begin_round(struct audit *audit)
{
    rounds_begin(&audit->rounds);
    audit->between = false;
    audit->batch_id = audit->after = 0;
    audit->job_at = audit->job_count = 0;
    audit->at_end = false;
    audit->loop->next_due_ms = 0;
}

/* All jobs of the run's batches have a verdict, or are not in the sample. */
static bool end_batches(struct audit *audit, struct err *err)
{
    int64_t batch_id = 0;

    crash_point(CRASH_AUDITS_DONE);
    do {
        if (!audit_next_batch(audit->store, &audit->scope, &batch_id, &audit->schema, err))
            return false;
        if (batch_id && !audit_end_batch(audit->store, batch_id, err))
            return false;
    } while (batch_id);
    audit->ended = true;
    return true;
}

/* Everything was answered 403, for each record alone: it is us, and asking again changes nothing.
 */
static bool is_denied(const struct audit *audit)
{
    return audit->rounds.ids == 1 && audit->rounds.failed > 0 && !audit->succeeded &&
           audit->only_denied;
}

static bool give_up(struct audit *audit, struct err *err)
{
    struct loop *loop = audit->loop;
    const char *api_url = loop->options->environment.api_url;
    struct err why = {0};

    if (!audit->succeeded && audit->only_denied)
        err_set(
            &why, ERR_AUTH,
            "the API does not let us read the audit log: %s: give the OAuth client a role with the "
            "permission to view it, or use --audit none; all updates stay as they are",
            audit->trouble.text);
    else
        err_set(&why, ERR_NETWORK,
                "the audit log of %s cannot be read: %s: all updates stay as they are, and %" PRIu64
                " of them are still to be looked up: run the same command again",
                api_url, audit->trouble.text, audit->jobs_at_most - audit->verdicts);
    loop_fail(loop, &why, err);
    return true;
}

static bool is_round_over(const struct audit *audit)
{
    bool walked = audit->at_end && audit->job_at == audit->job_count;

    return !audit->between && !audit->loop->in_flight && !audit->ready.first &&
           (walked || rounds_is_hopeless(&audit->rounds));
}

static bool end_round(struct audit *audit, struct err *err)
{
    int64_t wait_ms;

    if (!write_results(audit, err))
        return false;
    if (is_denied(audit))
        return give_up(audit, err);
    switch (rounds_end(&audit->rounds, loop_dice(audit->loop), &wait_ms)) {
    case ROUNDS_DONE:
        return end_batches(audit, err);
    case ROUNDS_GIVE_UP:
        return give_up(audit, err);
    case ROUNDS_AGAIN:
        break;
    }
    audit->between = true;
    audit->loop->next_due_ms = clock_now_ms() + wait_ms;
    return true;
}

/* How long nothing needs to be looked at, if no answer comes. */
static int wait_ms(const struct audit *audit)
{
    const struct loop *loop = audit->loop;
    int64_t now_us = clock_monotonic_us(), wait = IDLE_MS;
    int64_t pace_ms = (governor_wait_us(&loop->governor, now_us) + 999) / 1000;

    if (audit->result_count)
        wait = WRITE_US / 1000;
    if (!audit->between && pace_ms > 0 && pace_ms < wait)
        wait = pace_ms;
    if (audit->between && loop->next_due_ms - clock_now_ms() < wait)
        wait = loop->next_due_ms - clock_now_ms();
    return wait > 0 ? (int)wait : 0;
}

static bool turn(struct audit *audit, struct err *err)
{
    struct loop *loop = audit->loop;

    loop_look(loop, err);
    if (loop->stopping)
        return true;
    if (audit->between && clock_now_ms() >= loop->next_due_ms)
        begin_round(audit);
    if (!loop_start_token(loop, err) || !start_inquiries(audit, err))
        return false;
    if (is_round_over(audit) && !end_round(audit, err))
        return false;
    if (audit->result_count && clock_monotonic_us() - audit->results_since_us >= WRITE_US &&
        !write_results(audit, err))
        return false;
    if (audit->ended || loop->stopping)
        return true;
    loop_say_wait(loop);
    if (!http_pool_wait(loop->pool, wait_ms(audit), stop_fd(), err) ||
        !loop_each_answer(loop, take_answer, audit, err))
        return false;
    loop->finished = audit->verdicts;
    loop->left = audit->jobs_at_most > audit->verdicts ? audit->jobs_at_most - audit->verdicts : 0;
    loop_report(loop, false);
    return true;
}

static bool begin(struct audit *audit, struct err *err)
{
    const struct drain_options *options = audit->loop->options;
    uint64_t jobs;

    if (!audit_begin(audit->store, &audit->scope, &jobs, err))
        return false;
    crash_point(CRASH_AUDITS_BEGUN);
    audit->jobs_at_most = (uint64_t)((double)jobs * audit->scope.share);
    audit->begun_ms = clock_now_ms();
    audit->begun_us = clock_monotonic_us();
    audit->only_denied = true;
    task_list_init(&audit->free);
    task_list_init(&audit->ready);
    audit->inquiries = mem_calloc(options->concurrency, sizeof *audit->inquiries);
    for (unsigned i = 0; i < options->concurrency; i++)
        task_list_add(&audit->free, &audit->inquiries[i].task);
    rounds_init(&audit->rounds, options->audit_wait_ms, options->audit_ids, options->max_retries);
    audit->loop->auditing = true;
    audit->loop->more = false;
    begin_round(audit);
    return true;
}

static void release(struct audit *audit)
{
    for (unsigned i = 0; audit->inquiries && i < audit->loop->options->concurrency; i++) {
        task_release(&audit->inquiries[i].task);
        buf_release(&audit->inquiries[i].texts);
        buf_release(&audit->inquiries[i].entry_texts);
        buf_release(&audit->inquiries[i].schema);
    }
    free(audit->inquiries);
    buf_release(&audit->schema);
    buf_release(&audit->job_texts);
    buf_release(&audit->result_texts);
    free(audit);
}

bool audit_run(struct loop *loop, struct store *store, struct err *err)
{
    const struct drain_options *options = loop->options;
    struct audit *audit = mem_calloc(1, sizeof *audit);
    struct err why = {0};
    bool fine;

    audit->loop = loop;
    audit->store = store;
    audit->scope = (struct audit_scope){.run_id = options->run_id,
                                        .batch_id = options->batch_id,
                                        .again = options->audit_only,
                                        .share = options->audit_share};
    fine = begin(audit, err);
    while (fine && !audit->ended && !loop->stopping)
        fine = turn(audit, err);
    /* what is known is kept, whatever ended it */
    if (!write_results(audit, &why) && fine) {
        fine = false;
        *err = why;
    }
    loop_report(loop, true);
    release(audit);
    return fine && !loop->failed;
}
