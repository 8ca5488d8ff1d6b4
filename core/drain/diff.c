#include "core/drain/diff.h"

#include "core/api/fields.h"
#include "core/api/record.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/drain/loop.h"
#include "core/job/budget.h"
#include "core/job/freshness.h"
#include "core/store/known.h"
#include "core/store/lock.h"
#include "core/store/projection.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ENTRIES_MAX = LOOP_WINDOW_MAX,
    BYTES_MAX = 32 << 20, /* of the texts of all entries; one alone can have more */
    IDLE_MS = 1000,
    LOOK_US = 1000000, /* between two looks for a drain */
};

enum entry_state {
    ENTRY_READY,     /* to be read, at due_us */
    ENTRY_IN_FLIGHT, /* ... or being read */
    ENTRY_LATER,     /* an earlier row of its record decides */
    ENTRY_SHOWN,
    ENTRY_MISSING,
    ENTRY_UNREAD,
};

/* A row and its record. */
struct entry {
    struct task task; /* first, so that a task's address is its entry's; its claim has the texts */
    struct diff_row row;
    enum entry_state state;
    unsigned tries;
    int64_t number; /* of the rows */
    int64_t due_us, asked_ms;
    int64_t version; /* of the record */
    struct buf record;
    char why[ERR_TEXT_SIZE / 4];
};

struct diff {
    struct loop *loop;
    struct store *store;
    const struct diff_options *options;
    struct projections *projections;
    struct projection projection; /* of the row that is compared */
    struct known known;
    struct budget budget;
    struct target_scratch scratch; /* of what is compared */
    struct entry *entries;         /* a ring */
    unsigned size, first, count;
    size_t bytes;
    uint64_t added, denied;
    enum policy_run denied_run; /* of the last one that was denied */
    char denied_why[ERR_TEXT_SIZE / 4];
    int64_t looked_us; /* for a drain */
};

static struct entry *entry_at(struct diff *diff, unsigned index)
{
    return &diff->entries[(diff->first + index) % diff->size];
}

static bool is_final(const struct entry *entry)
{
    return entry->state != ENTRY_READY && entry->state != ENTRY_IN_FLIGHT;
}

/* --- comparing --- */

/* Whether an update with the row's version would be accepted: the version is the record's, or is
 * chained to what an earlier row of the file would have made. */
static bool is_accepted(const struct diff_row *row, const struct projection *before,
                        int64_t version)
{
    return row->version == version ||
           (before->is_there && before->source == row->source && before->returned >= 0 &&
            before->first_version >= 0 && row->version >= before->first_version &&
            row->version <= before->returned);
}

/* A row that replaces the record's fields if the record has its version. */
static void compare_own(struct diff *diff, const struct diff_row *row, struct entry *entry,
                        struct difference *difference)
{
    const struct target *target = rebase_target(diff->loop->rebase, row->schema);
    struct span ours = target_comparable(target, row->fields, &diff->scratch);
    bool is_within = api_fields_within(ours, difference->theirs);
    bool accepted = is_accepted(row, &diff->projection, difference->version);
    bool others_stay =
        !accepted && !row->is_whole && rebase_merges(diff->loop->rebase, row->schema);

    difference->ours = ours;
    difference->verdict = DIFF_UPDATE;
    if (is_within && (others_stay || api_fields_within(difference->theirs, ours))) {
        difference->verdict = DIFF_UNCHANGED;
    } else if (!accepted) {
        difference->verdict = DIFF_CONFLICT;
        snprintf(entry->why, sizeof entry->why, "the row has version %lld, the record %lld",
                 (long long)row->version, (long long)difference->version);
    }
}

/* A row that is built on the record. */
static bool compare_built(struct diff *diff, const struct diff_row *row, struct entry *entry,
                          struct difference *difference, struct err *err)
{
    struct rebased rebased;

    if (!rebase_build(diff->loop->rebase, row->schema, row->is_whole, row->fields,
                      difference->theirs, &rebased, err))
        return false;
    difference->ours = rebased.fields;
    difference->verdict = rebased.is_there ? DIFF_UNCHANGED : DIFF_UPDATE;
    if (!rebased.is_there && rebased.broken) {
        difference->verdict = DIFF_CONFLICT;
        snprintf(entry->why, sizeof entry->why, "%s", rebased.broken);
    }
    return true;
}

/* Whether the records of the row's schema have versions, which rows can bring. */
static bool is_versioned(const struct diff *diff, const struct diff_row *row)
{
    return target_description(rebase_target(diff->loop->rebase, row->schema))->lock == TARGET_STEP;
}

/* Notes what the record would hold then, for later rows. */
static bool project(struct diff *diff, const struct entry *entry,
                    const struct difference *difference, struct err *err)
{
    const struct diff_row *row = &entry->row;
    struct projection *after = &diff->projection;
    bool updates = difference->verdict == DIFF_UPDATE;

    if (!after->is_there || after->source != row->source) {
        after->source = row->source;
        after->first_version = row->has_version ? row->version : -1;
        after->returned = -1;
    }
    after->state = updates ? ENTRY_SHOWN : entry->state;
    after->version = difference->version;
    if (updates && after->version >= 0)
        after->version++;
    if (updates || difference->verdict == DIFF_UNCHANGED)
        after->returned = after->version;
    buf_reset(&after->fields);
    buf_append_span(&after->fields, updates ? difference->ours : difference->theirs);
    return projection_keep(diff->projections, row->schema, row->record_id, after, err);
}

/* Compares the first row, whose record is known by now, with it. */
static bool compare_first(struct diff *diff, struct err *err)
{
    struct entry *entry = entry_at(diff, 0);
    const struct diff_row *row = &entry->row;
    struct difference difference = {.row = row, .version = -1, .why = entry->why};

    diff->projection.is_there = false;
    if (row->has_others &&
        !projection_find(diff->projections, row->schema, row->record_id, &diff->projection, err))
        return false;
    if (diff->projection.is_there) {
        entry->state = (enum entry_state)diff->projection.state;
        entry->version = diff->projection.version;
        buf_reset(&entry->record);
        buf_append_span(&entry->record, buf_span(&diff->projection.fields));
        if (entry->state == ENTRY_UNREAD)
            snprintf(entry->why, sizeof entry->why, "an earlier row shows why");
    }
    if (entry->state == ENTRY_SHOWN) {
        difference.version = entry->version;
        difference.theirs = buf_span(&entry->record);
        if (row->has_version && is_versioned(diff, row))
            compare_own(diff, row, entry, &difference);
        else if (!compare_built(diff, row, entry, &difference, err))
            return false;
    } else if (entry->state == ENTRY_UNREAD) {
        difference.verdict = DIFF_UNREAD;
    } else if (target_description(rebase_target(diff->loop->rebase, row->schema))->missing !=
               TARGET_REFUSE) {
        difference.ours = row->fields;
        difference.theirs = span_of("{}");
    } else {
        difference.verdict = DIFF_MISSING;
    }
    diff->loop->finished++;
    if (!diff->options->visit(diff->options->context, &difference, err))
        return false;
    return !row->has_others || project(diff, entry, &difference, err);
}

static bool compare_ready(struct diff *diff, struct err *err)
{
    while (diff->count > 0 && is_final(entry_at(diff, 0))) {
        struct entry *entry = entry_at(diff, 0);

        if (!compare_first(diff, err))
            return false;
        diff->bytes -= entry->task.claim.text.size + entry->record.size;
        buf_release(&entry->record);
        diff->first = (diff->first + 1) % diff->size;
        diff->count--;
    }
    return true;
}

/* --- answers --- */

static bool keeps_known(struct diff *diff, struct span schema, int64_t *known_for_ms)
{
    const struct row_shape *shape = rebase_shape(diff->loop->rebase, schema);

    *known_for_ms = shape ? shape->known_for_ms : 0;
    return shape && shape->version_known;
}

/* Takes the record that a GET shows. */
static bool take_record(struct diff *diff, struct entry *entry, const struct api_record *record,
                        struct err *err)
{
    const struct known_sight sight = {.schema = entry->row.schema,
                                      .record_id = entry->row.record_id,
                                      .source = KNOWN_BY_GET,
                                      .version = record->version,
                                      .fields = record->fields,
                                      .asked_ms = entry->asked_ms,
                                      .correlation = record->id.is_uuid ? record->id.bytes : NULL};
    int64_t known_for_ms;

    entry->state = ENTRY_SHOWN;
    entry->version = record->has_version ? record->version : -1;
    buf_append_span(&entry->record, record->fields);
    diff->bytes += record->fields.size;
    return !record->has_version || !keeps_known(diff, entry->row.schema, &known_for_ms) ||
           known_keep(diff->store, &sight, clock_now_ms(), err);
}

/* All that was read so far was denied, so that the records are not at fault. */
static void stop_denied(struct diff *diff, struct err *err)
{
    struct err why = {0};

    if (diff->denied_run == POLICY_FORBIDDEN)
        err_set(&why, ERR_AUTH,
                "the API does not let us read records: %s: give the OAuth client a role with the "
                "custom objects permissions, or check that --environment is the organisation that "
                "the client belongs to",
                diff->denied_why);
    else
        err_set(&why, ERR_CONFIG,
                "%s answered %s to a read: it does not look like the API; check --environment",
                diff->loop->options->environment.api_url, diff->denied_why);
    loop_fail(diff->loop, &why, err);
}

/* A record that was not shown: read again where nothing was said about it. */
static void take_failure(struct diff *diff, struct entry *entry, const struct policy_answer *facts,
                         const struct policy_verdict *verdict, struct err *err)
{
    struct loop *loop = diff->loop;
    enum policy_run run = verdict->run;
    bool denied = run == POLICY_FORBIDDEN || run == POLICY_WRONG_PLACE;
    bool again = run == POLICY_NEW_TOKEN || run == POLICY_PAUSE || run == POLICY_UNREACHABLE;
    struct err why;

    entry->task.job.refused_token = run == POLICY_NEW_TOKEN;
    entry->state = ENTRY_READY;
    entry->due_us = 0;
    if (again)
        return;
    if (verdict->retry && !budget_charge(&diff->budget, entry->number, true)) {
        err_set(&why, ERR_NETWORK,
                "the API answers, but too few requests succeed for their retries (last: %s)",
                entry->why);
        loop_fail(loop, &why, err);
    }
    if (verdict->retry && ++entry->tries <= loop->options->max_retries) {
        entry->due_us = clock_monotonic_us() + verdict->delay_ms * 1000;
        return;
    }
    entry->state =
        facts->status == 404 || facts->said == TARGET_MISSING ? ENTRY_MISSING : ENTRY_UNREAD;
    if (!denied || loop->trials[TRIAL_READ].works)
        return;
    diff->denied++;
    diff->denied_run = run;
    snprintf(diff->denied_why, sizeof diff->denied_why, "%s", entry->why);
    if (trial_count(&loop->trials[TRIAL_READ], run, entry->task.claim.outcome.http_status,
                    entry->task.claim.outcome.error_code, true) == TRIAL_RUN)
        stop_denied(diff, err);
}

static bool take_answer(void *context, const struct http_answer *answer, struct err *err)
{
    struct diff *diff = context;
    struct loop *loop = diff->loop;
    struct entry *entry = answer->context;
    struct policy_answer facts = {.end = task_end(answer),
                                  .status = answer->status,
                                  .code = "",
                                  .retry_after_ms = answer->retry_after_ms};
    const struct policy_limits limits = {.max_attempts = UINT32_MAX,
                                         .kind_works = loop->trials[TRIAL_READ].works,
                                         .token_accepted =
                                             loop->accepted == entry->task.authorization,
                                         .fixed_key = loop->options->client.key,
                                         .dice = loop_dice(loop)};
    const struct target *target = rebase_target(loop->rebase, entry->row.schema);
    const struct api_view view = {.target = target,
                                  .replaces = !rebase_merges(loop->rebase, entry->row.schema),
                                  .header = span_of(answer->wanted)};
    struct policy_verdict verdict;
    struct api_record record = {0};
    char why[ERR_TEXT_SIZE / 4] = "the answer is not a record";
    struct buf lack = {0};
    bool is_record;

    loop->in_flight--;
    meter_count(&loop->meter, answer);
    is_record = answer->end == HTTP_DONE && answer->status == 200 &&
                api_read_record(&view, answer->body, &loop->scratch, &record);
    facts.has_record =
        is_record && record.has_fields && (record.has_version || !is_versioned(diff, &entry->row));
    facts.has_version = facts.has_record && record.has_version;
    if (!facts.has_record) {
        if (is_record && api_record_lack(target, &record, &lack))
            snprintf(why, sizeof why, "the record lacks %s", buf_text(&lack));
        buf_release(&lack);
        loop_note_fault(loop, &entry->task, target, answer, why, &facts, entry->why,
                        sizeof entry->why);
        facts.said = target_answer_of(target, answer->status, facts.code);
    } else {
        facts.version = record.version;
    }
    entry->task.job.lock = target_description(target)->lock;
    entry->task.job.run_retries = entry->tries;
    policy_assess(&entry->task.job, &facts, &limits, &verdict);
    loop_heed(loop, &entry->task, answer, &verdict, err);
    if (facts.has_record) {
        budget_earn(&diff->budget);
        return take_record(diff, entry, &record, err);
    }
    take_failure(diff, entry, &facts, &verdict, err);
    return true;
}

/* --- requests --- */

/* Returns the first entry that can be read now; NULL: none. *due_us: when the next one can. */
static struct entry *find_ready(struct diff *diff, int64_t now_us, int64_t *due_us)
{
    *due_us = INT64_MAX;
    for (unsigned i = 0; i < diff->count; i++) {
        struct entry *entry = entry_at(diff, i);

        if (entry->state != ENTRY_READY)
            continue;
        if (entry->due_us <= now_us)
            return entry;
        if (entry->due_us < *due_us)
            *due_us = entry->due_us;
    }
    return NULL;
}

/* *wait_us: how long nothing needs to be looked at. */
static bool start_ready(struct diff *diff, int64_t *wait_us, struct err *err)
{
    struct loop *loop = diff->loop;
    struct task_sender sender = {
        .options = loop->options, .rebase = loop->rebase, .scratch = &loop->scratch};

    *wait_us = (int64_t)IDLE_MS * 1000;
    while (loop->in_flight < loop->options->concurrency) {
        int64_t now_us = clock_monotonic_us(), due_us, pace_us;
        const char *authorization = token_authorization(loop->token, now_us);
        struct entry *entry = find_ready(diff, now_us, &due_us);
        struct http_request request;

        pace_us = governor_wait_us(&loop->governor, now_us);
        if ((entry || !authorization) && pace_us > 0 && pace_us < *wait_us)
            *wait_us = pace_us;
        if (!entry && due_us - now_us < *wait_us)
            *wait_us = due_us - now_us;
        if (!entry || !authorization || pace_us > 0)
            return true;
        sender.authorization = authorization;
        if (!task_request(&entry->task, &sender, &request, err))
            return false;
        governor_departed(&loop->governor, now_us);
        entry->asked_ms = clock_now_ms();
        entry->state = ENTRY_IN_FLIGHT;
        loop->in_flight++;
        if (!http_pool_start(loop->pool, &request, err))
            return false;
    }
    return true;
}

/* A drain that begins has the pace to itself, and changes what was compared. */
static void look_for_drain(struct diff *diff, struct err *err)
{
    char holder[LOCK_HOLDER_SIZE];
    struct err why;

    if (clock_monotonic_us() - diff->looked_us < LOOK_US)
        return;
    diff->looked_us = clock_monotonic_us();
    if (!lock_is_held(store_path(diff->store), LOCK_DRAIN, holder))
        return;
    err_set(&why, ERR_BUSY,
            "%s is sending from this database, at the pace that reads would share: run the same "
            "command again when it has ended",
            holder);
    loop_fail(diff->loop, &why, err);
}

static bool turn(struct diff *diff, struct err *err)
{
    struct loop *loop = diff->loop;
    int64_t wait_us;

    loop_look(loop, err);
    look_for_drain(diff, err);
    if (loop->stopping)
        return true;
    if (!loop_start_token(loop, err) || !start_ready(diff, &wait_us, err))
        return false;
    loop_say_wait(loop);
    if (!http_pool_wait(loop->pool, (int)((wait_us + 999) / 1000), stop_fd(), err) ||
        !loop_each_answer(loop, take_answer, diff, err) ||
        (!loop->stopping && !compare_ready(diff, err)))
        return false;
    loop->left = diff->count;
    if (diff->options->rows > loop->finished)
        loop->left = diff->options->rows - loop->finished;
    loop_report(loop, false);
    return true;
}

/* --- rows --- */

/* Whether an earlier row of the record was compared, or is waiting to be. */
static bool comes_later(struct diff *diff, const struct diff_row *row, bool *later, struct err *err)
{
    *later = false;
    for (unsigned i = 0; row->has_others && !*later && i < diff->count; i++) {
        const struct diff_row *earlier = &entry_at(diff, i)->row;

        *later = span_equal(earlier->record_id, row->record_id) &&
                 span_equal(earlier->schema, row->schema);
    }
    if (*later || !row->has_others)
        return true;
    if (!projection_find(diff->projections, row->schema, row->record_id, &diff->projection, err))
        return false;
    *later = diff->projection.is_there;
    return true;
}

/* Takes what is known of the record, if that counts. */
static bool use_known(struct diff *diff, struct entry *entry, struct err *err)
{
    struct diff_row *row = &entry->row;
    int64_t known_for_ms;

    if (diff->options->read || !keeps_known(diff, row->schema, &known_for_ms))
        return true;
    if (!known_find(diff->store, row->schema, row->record_id, &diff->known, err))
        return false;
    if (!diff->known.is_known || !diff->known.has_version ||
        !freshness_counts(known_for_ms, row->schema, row->record_id, diff->known.seen_ms,
                          clock_now_ms()))
        return true;
    entry->state = ENTRY_SHOWN;
    entry->version = diff->known.version;
    buf_append_span(&entry->record, buf_span(&diff->known.fields));
    diff->bytes += entry->record.size;
    return true;
}

/* Copies the row into an entry, whose claim has the texts as those of a fetch. */
static void fill(struct entry *entry, const struct diff_row *row)
{
    struct claim *claim = &entry->task.claim;
    struct buf text = claim->text;

    *claim = (struct claim){.request = REQUEST_FETCH,
                            .schema_size = row->schema.size,
                            .record_id_size = row->record_id.size,
                            .fields_size = row->fields.size};
    buf_reset(&text);
    buf_append_span(&text, row->schema);
    buf_append_span(&text, row->record_id);
    buf_append_span(&text, row->fields);
    claim->text = text;
    entry->task.job = (struct policy_job){.request = REQUEST_FETCH};
    entry->row = *row;
    entry->row.schema = claim_schema(claim);
    entry->row.record_id = claim_record_id(claim);
    entry->row.fields = claim_fields(claim);
    entry->state = ENTRY_READY;
    entry->tries = 0;
    entry->due_us = 0;
    entry->version = -1;
    entry->why[0] = '\0';
    buf_reset(&entry->record);
}

bool diff_check(struct diff *diff, struct span schema, const struct target_parts *parts,
                struct err *err)
{
    return rebase_batch_target(diff->loop->rebase, schema, parts, err) != NULL;
}

bool diff_add(struct diff *diff, const struct diff_row *row, struct err *err)
{
    struct entry *entry;
    bool later;

    while (!diff->loop->stopping &&
           (diff->count == diff->size || (diff->count > 0 && diff->bytes >= BYTES_MAX)))
        if (!turn(diff, err))
            return false;
    if (diff->loop->stopping || !comes_later(diff, row, &later, err))
        return false;
    entry = &diff->entries[(diff->first + diff->count) % diff->size];
    fill(entry, row);
    diff->count++;
    entry->number = (int64_t)++diff->added;
    diff->bytes += entry->task.claim.text.size;
    if (later)
        entry->state = ENTRY_LATER;
    else if (!use_known(diff, entry, err))
        return false;
    return compare_ready(diff, err);
}

static void release(struct diff *diff)
{
    for (unsigned i = 0; i < diff->size; i++) {
        task_release(&diff->entries[i].task);
        buf_release(&diff->entries[i].record);
    }
    free(diff->entries);
    buf_release(&diff->projection.fields);
    buf_release(&diff->known.fields);
    target_scratch_release(&diff->scratch);
    projections_close(diff->projections);
    free(diff);
}

bool diff_run(struct loop *loop, struct store *store, struct err *err)
{
    struct diff *diff = mem_calloc(1, sizeof *diff);
    bool fine;

    diff->loop = loop;
    diff->store = store;
    diff->options = loop->options->diff;
    diff->size = loop->window < ENTRIES_MAX ? loop->window : ENTRIES_MAX;
    diff->entries = mem_calloc(diff->size, sizeof *diff->entries);
    loop->more = false;
    budget_init(&diff->budget);
    diff->projections = projections_open(store, err);
    fine = diff->projections != NULL;
    if (fine && !diff->options->feed(diff->options->context, diff, err))
        fine = loop->stopping; /* the reason for that is the loop's */
    while (fine && diff->count > 0 && !loop->stopping)
        fine = turn(diff, err);
    if (fine && !loop->stopping && diff->denied > 0 &&
        trial_rule(&loop->trials[TRIAL_READ], diff->denied_run, true, 0) == TRIAL_RUN)
        stop_denied(diff, err);
    loop_report(loop, true);
    release(diff);
    return fine && !loop->failed;
}
