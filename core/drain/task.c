#include "core/drain/task.h"

#include "core/api/audit.h"
#include "core/api/fields.h"
#include "core/api/record.h"
#include "core/api/request.h"
#include "core/base/mem.h"
#include "core/job/id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    KEPT_BYTES = 64 << 10,      /* a larger buffer is given back after its task */
    AUDIT_PAGES_MAX = 1000,     /* of one record's log: pages after these are not asked for */
    AUDIT_PAGES_FOUND = 40,     /* ... once another update was found to have made the version */
    ENTRY_BYTES_MAX = 64 << 10, /* a longer audit entry is not kept */
    SECOND_MS = 1000,
};

/* What an answer shows, for the texts about it. */
struct shown {
    struct span fields;                  /* of a fetch: what the record holds */
    struct rebased rebased;              /* of a fetch */
    struct span entry;                   /* of an audit: the version's entry, or empty */
    bool has_entry;                      /* ... and it is by another update */
    struct api_record record;            /* of an answer that has one */
    bool is_record;                      /* ... of a read */
    const struct claim_sibling *sibling; /* another job of ours that made the version; or NULL */
};

void task_reset(struct buf *buf)
{
    if (buf->capacity > KEPT_BYTES)
        buf_release(buf);
    buf_reset(buf);
}

void task_release(struct task *task)
{
    claim_release(&task->claim);
    buf_release(&task->url);
    buf_release(&task->body);
}

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

void task_list_push(struct task_list *list, struct task *task)
{
    task->next = list->first;
    if (!list->first)
        list->end = &task->next;
    list->first = task;
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

/* The token of an update: as it was read, or the digits of a version. */
static struct span token_of(const struct claim *claim, char digits[TASK_DIGITS_SIZE])
{
    if (claim->token_size || !claim->has_version)
        return claim_token(claim);
    return (struct span){digits,
                         (size_t)snprintf(digits, TASK_DIGITS_SIZE, "%" PRId64, claim->version)};
}

static bool creates_alone(const struct claim *claim, const struct target *target)
{
    return claim->creates && target_description(target)->missing == TARGET_CREATE;
}

bool task_is_bulk(const struct task *task, struct rebase *rebase)
{
    const struct claim *claim = &task->claim;

    return claim->bulk && claim->request == REQUEST_UPDATE &&
           !creates_alone(claim, rebase_target(rebase, claim_schema(claim)));
}

void task_row(const struct task *task, const struct drain_options *options,
              char digits[TASK_DIGITS_SIZE], struct target_row *row)
{
    const struct claim *claim = &task->claim;
    struct span tags = claim_tags(claim);

    *row = (struct target_row){.schema = claim_schema(claim),
                               .record_id = claim_record_id(claim),
                               .fields = claim_fields(claim),
                               .tags = tags.size ? tags : span_of(options->tags),
                               .source = span_of(options->source),
                               .token = token_of(claim, digits),
                               .under = claim_under(claim),
                               .correlation = claim->correlation};
}

bool task_does_not_fit(const struct task *task, struct err *err)
{
    struct span id = claim_record_id(&task->claim), schema = claim_schema(&task->claim);

    return err_set(err, ERR_CONFIG,
                   "the record id \"%.*s\" of schema %.*s does not have the parts that its "
                   "target needs: read the file again with the schema file as it is now",
                   (int)id.size, id.data, (int)schema.size, schema.data);
}

/* Builds an update or a read as the target has it. */
static bool build_request(struct task *task, struct task_sender *sender,
                          const struct target *target, struct http_request *http, struct err *err)
{
    const struct claim *claim = &task->claim;
    char digits[TASK_DIGITS_SIZE];
    struct api_request request = {
        .api_url = sender->options->environment.api_url,
        .target = target,
        .kind = claim->request != REQUEST_UPDATE ? TARGET_READ_IT
                : creates_alone(claim, target)   ? TARGET_CREATE_IT
                                                 : TARGET_WRITE_IT,
    };

    task_row(task, sender->options, digits, &request.row);
    return api_request_build(&request, sender->scratch, sender->fields, &task->url, &task->body,
                             http) ||
           task_does_not_fit(task, err);
}

bool task_request(struct task *task, struct task_sender *sender, struct http_request *request,
                  struct err *err)
{
    const struct claim *claim = &task->claim;
    const struct drain_options *options = sender->options;
    const struct target *target = rebase_target(sender->rebase, claim_schema(claim));
    struct span record_id = claim_record_id(claim);
    bool fine = true;

    task_reset(&task->url);
    task_reset(&task->body);
    task->authorization = sender->authorization;
    *request = (struct http_request){
        .method = HTTP_GET,
        .authorization = sender->authorization,
        .timeout_ms = options->timeout_ms,
        .new_connection = claim->http_status == 421 || claim->http_status == 425,
        .context = task,
    };
    if (claim->request == REQUEST_AUDIT)
        api_audit_url(&task->url, options->environment.api_url, target, claim_schema(claim),
                      &record_id, 1, claim->page);
    else
        fine = build_request(task, sender, target, request, err);
    request->url = buf_text(&task->url);
    return fine;
}

enum policy_end task_end(const struct http_answer *answer)
{
    static const enum policy_end ends[] = {
        [HTTP_DONE] = POLICY_ANSWERED,       [HTTP_NEVER_LEFT] = POLICY_NEVER_LEFT,
        [HTTP_UNTRUSTED] = POLICY_UNTRUSTED, [HTTP_CUT] = POLICY_NO_ANSWER,
        [HTTP_TOO_LARGE] = POLICY_NO_ANSWER, [HTTP_PROXY] = POLICY_PROXY,
    };

    return ends[answer->end];
}

/* The version that the claim's PUT may have made. */
static int64_t next_version(const struct claim *claim)
{
    return claim->version < INT64_MAX ? claim->version + 1 : claim->version;
}

/* Returns the other job of the record that made a version, by its id (NULL: unknown) or by what the
 * server answered to it; NULL: none of ours did. */
static const struct claim_sibling *find_sibling(const struct claim *claim, const unsigned char *id,
                                                int64_t version)
{
    const struct claim_sibling *siblings = (const void *)claim->siblings.data;
    size_t count = claim->siblings.size / sizeof *siblings;

    for (size_t i = 0; i < count; i++)
        if ((id && memcmp(siblings[i].correlation, id, sizeof siblings[i].correlation) == 0) ||
            (version >= 0 && siblings[i].made_version == version))
            return &siblings[i];
    return NULL;
}

/* Likewise by the token that the server answered. */
static const struct claim_sibling *find_maker(const struct claim *claim, struct span token)
{
    const struct claim_sibling *siblings = (const void *)claim->siblings.data;
    size_t count = claim->siblings.size / sizeof *siblings;

    for (size_t i = 0; i < count; i++)
        if (token.size && span_is(token, siblings[i].made_token))
            return &siblings[i];
    return NULL;
}

static bool is_own(const void *claim, const unsigned char id[16])
{
    return find_sibling(claim, id, -1) != NULL;
}

/* Who made the version, by this page and those before it. */
static enum policy_entry entry_of(const struct api_audit *audit, const struct claim *claim)
{
    const struct claim_outcome *outcome = &claim->outcome;

    if (audit->is_ours)
        return POLICY_OUR_ENTRY;
    if (claim->has_entry || (audit->is_anothers && !audit->is_unnamed))
        return POLICY_THEIR_ENTRY;
    if (outcome->entry_user[0] && strcmp(outcome->entry_user, outcome->own_user) == 0)
        return POLICY_OUR_USERS_ENTRY;
    return audit->is_unnamed || outcome->entry_user[0] ? POLICY_UNNAMED_ENTRY : POLICY_NO_ENTRY;
}

static void keep_user(char kept[CLAIM_USER_SIZE], const char *found, const char *before)
{
    _Static_assert((int)CLAIM_USER_SIZE == (int)API_USER_SIZE, "users are kept as they are read");
    snprintf(kept, CLAIM_USER_SIZE, "%s", found[0] ? found : before);
}

/* Reads a page of the audit log for the version that our PUT may have made. */
static void read_audit(struct claim *claim, struct span body, struct policy_answer *facts,
                       struct shown *shown)
{
    struct claim_outcome *outcome = &claim->outcome;
    const struct api_audit_question question = {.record_id = claim_record_id(claim),
                                                .version = next_version(claim),
                                                .correlation = claim->correlation,
                                                .is_own = is_own,
                                                .context = claim};
    struct api_audit audit;

    facts->has_page = api_read_audit(body, &question, &audit);
    if (!facts->has_page)
        return;
    keep_user(outcome->entry_user, audit.user, claim->entry_user);
    keep_user(outcome->own_user, audit.own_user, claim->own_user);
    outcome->seen = claim->seen + audit.page.count;
    outcome->page_hash = audit.page.hash;
    facts->version = question.version;
    facts->entry = entry_of(&audit, claim);
    facts->is_elsewhere = audit.is_elsewhere;
    facts->elsewhere = audit.elsewhere;
    /* our id can be at a later version. A log that begins with the newest had them before */
    facts->has_more =
        api_audit_has_more(&audit.page, claim->seen, claim->page_hash) &&
        (facts->entry == POLICY_THEIR_ENTRY
             ? claim->page < AUDIT_PAGES_FOUND && audit.last_version >= question.version
             : claim->page < AUDIT_PAGES_MAX);
    shown->entry = audit.entry;
    shown->has_entry = audit.is_anothers && facts->entry == POLICY_THEIR_ENTRY;
    shown->sibling = find_sibling(claim, audit.is_anothers ? audit.other : NULL, question.version);
}

/* Keeps what the answer shows of the record, for what is known of it. */
static void keep_record(struct claim *claim, const struct api_record *record)
{
    if (!claim->keeps_record)
        return;
    claim->outcome.shows_record = true;
    claim->outcome.shows_ours = api_owner(&record->id, claim->correlation) == API_OURS ||
                                (record->id.is_uuid && correlation_is_made(record->id.bytes));
    buf_reset(&claim->record);
    if (record->has_fields)
        buf_append_span(&claim->record, record->fields);
}

/* Whether the record holds a later row of ours that this database never sent. */
static bool is_later(const struct claim *claim, const struct api_record *record)
{
    const struct claim_sibling *sibling =
        record->id.is_uuid ? find_sibling(claim, record->id.bytes, -1) : NULL;

    return sibling && !sibling->is_sent && sibling->job_id > claim->job_id;
}

/* True if the record holds the claim's fields and no others. */
static bool is_same(const struct api_record *record, const struct claim *claim)
{
    return api_fields_within(claim_fields(claim), record->fields) &&
           api_fields_within(record->fields, claim_fields(claim));
}

/* Compares the record of a read-back with what we sent. */
static void compare_record(const struct claim *claim, const struct task_reader *reader,
                           const struct target *target, struct policy_answer *facts,
                           struct shown *shown)
{
    const struct api_record *record = &shown->record;
    struct span ours = claim->lock == TARGET_STEP ? claim_fields(claim) : claim_row_fields(claim);
    struct span theirs = record->fields;
    char digits[TASK_DIGITS_SIZE];
    struct target_scratch scratch = {0}, other = {0}; /* the reader's has the record */

    ours = target_comparable(target, ours, &scratch);
    facts->fields_are_ours =
        (claim->lock == TARGET_STEP ? api_fields_within : api_fields_held)(ours, theirs);
    facts->is_there = facts->fields_are_ours &&
                      ((!claim->is_exact && rebase_merges(reader->rebase, claim_schema(claim))) ||
                       api_fields_within(target_comparable(target, theirs, &other), ours));
    target_scratch_release(&other);
    target_scratch_release(&scratch);
    facts->token_is_sent = target_same_token(record->token, token_of(claim, digits));
    shown->sibling = claim->lock == TARGET_OPAQUE
                         ? find_maker(claim, record->token)
                         : find_sibling(claim, NULL, claim->has_version ? next_version(claim) : -1);
    facts->next_is_known = shown->sibling;
    facts->is_behind = shown->sibling && shown->sibling->job_id < claim->job_id;
    if (claim->lock != TARGET_OPAQUE)
        shown->sibling = find_sibling(claim, record->id.is_uuid ? record->id.bytes : NULL,
                                      record->has_version ? record->version : -1);
}

/* Reads the record of an answer. False without one that is of use: a record that a GET shows
 * without its fields or without its token is not. */
static bool read_record(const struct claim *claim, const struct http_answer *answer,
                        const struct task_reader *reader, const struct target *target,
                        struct policy_answer *facts, struct shown *shown)
{
    const bool is_answer = claim->request == REQUEST_UPDATE;
    const struct api_view view = {.target = target,
                                  .is_answer = is_answer,
                                  .replaces = !rebase_merges(reader->rebase, claim_schema(claim)),
                                  .header = span_of(answer->wanted)};
    struct api_record *record = &shown->record;
    bool good = answer->status == 200 ||
                (claim->lock != TARGET_STEP && (answer->status == 201 || answer->status == 204));

    if (good && claim->request == REQUEST_AUDIT)
        return false;
    if (good &&
        (!answer->body.size || !api_read_record(&view, answer->body, reader->scratch, record))) {
        struct json_tape *tape = &reader->scratch->tape;
        struct json_fault fault;

        tape->count = 0;
        facts->is_garbled = answer->body.size && !json_scan(tape, answer->body, 0, &fault);
        *record = (struct api_record){.token = view.header};
        return is_answer && claim->lock != TARGET_STEP && !facts->is_garbled;
    }
    shown->is_record = good && !is_answer;
    facts->has_version = good && record->has_version;
    facts->version = record->version;
    facts->has_record =
        good && record->has_fields &&
        (claim->lock == TARGET_STEP ? record->has_version
                                    : claim->lock == TARGET_NONE || record->token.size > 0);
    if (claim->lock == TARGET_STEP)
        good = good && record->has_version;
    return good && (is_answer || facts->has_record);
}

/* Reads what the server says about a request that it did not do, or what a record lacks. */
static void read_fault(const struct http_answer *answer, const struct task_reader *reader,
                       const struct target *target, const struct shown *shown,
                       struct policy_answer *facts)
{
    struct api_fault *fault = reader->fault;
    struct buf lack = {0};

    if (!reader->is_shared)
        api_read_fault(target, answer->body, answer->status, fault);
    if (shown->is_record && api_record_lack(target, &shown->record, &lack))
        snprintf(fault->message, sizeof fault->message, "HTTP %ld with a record that lacks %s",
                 answer->status, buf_text(&lack));
    buf_release(&lack);
    facts->code = fault->code;
    facts->said = target_answer_of(target, answer->status, fault->code);
    if (facts->retry_after_ms < 0)
        facts->retry_after_ms = fault->retry_after_ms;
}

/* Reads from the answer what the policy depends on, and builds the PUT on a record that was
 * fetched. False with err when it cannot be built. */
static bool read_answer(struct claim *claim, const struct http_answer *answer,
                        const struct task_reader *reader, const struct target *target,
                        struct policy_answer *facts, struct shown *shown, struct err *err)
{
    struct api_record *record = &shown->record;
    enum api_owner owner;

    *facts = (struct policy_answer){.end = task_end(answer),
                                    .status = answer->status,
                                    .code = "",
                                    .is_shared = reader->is_shared,
                                    .retry_after_ms = answer->retry_after_ms};
    if (!reader->is_shared)
        api_fault_reset(reader->fault);
    if (answer->end != HTTP_DONE)
        return true;
    if (claim->request == REQUEST_AUDIT && answer->status == 200)
        read_audit(claim, answer->body, facts, shown);
    if (facts->has_page)
        return true;
    if (!read_record(claim, answer, reader, target, facts, shown)) {
        facts->has_version = false;
        read_fault(answer, reader, target, shown, facts);
        return true;
    }
    keep_record(claim, record);
    if (claim->request == REQUEST_UPDATE)
        return true;
    owner = api_owner(&record->id, claim->correlation);
    facts->is_ours = owner == API_OURS;
    facts->is_anothers = owner == API_ANOTHERS;
    facts->is_later = is_later(claim, record);
    /* what earlier rows are sent by is not to come from a later one */
    claim->outcome.shows_record = claim->outcome.shows_record && !facts->is_later;
    if (claim->request != REQUEST_FETCH) {
        compare_record(claim, reader, target, facts, shown);
        return true;
    }
    shown->fields = record->fields;
    if (claim->is_look) {
        facts->is_there = record->version == claim->version && is_same(record, claim) &&
                          !rebase_sends_unchanged(reader->rebase, claim_schema(claim));
        return true;
    }
    if (!rebase_build(reader->rebase, claim_schema(claim), claim->is_exact, claim_row_fields(claim),
                      record->fields, &shown->rebased, err))
        return false;
    facts->is_there =
        shown->rebased.is_there && !rebase_sends_unchanged(reader->rebase, claim_schema(claim));
    facts->rule_broken = shown->rebased.broken;
    return true;
}

static void copy_violations(const struct api_fault *fault, struct claim_outcome *outcome)
{
    if (!fault->violation_count)
        return;
    outcome->violations = mem_calloc(fault->violation_count, sizeof *outcome->violations);
    outcome->violation_count = fault->violation_count;
    for (size_t i = 0; i < fault->violation_count; i++) {
        outcome->violations[i].field = mem_strdup(fault->violations[i].field);
        outcome->violations[i].code = mem_strdup(fault->violations[i].code);
        outcome->violations[i].message = mem_strdup(fault->violations[i].message);
    }
}

/* Describes a conflict. */
static void explain_conflict(const struct claim *claim, const struct policy_verdict *verdict,
                             const struct claim_sibling *sibling, char text[CLAIM_ERROR_SIZE])
{
    long long sent = claim->version;
    long long shown = verdict->has_server_version ? verdict->server_version : claim->shown_version;
    char name[ID_TEXT_SIZE];

    if (claim->is_copied)
        snprintf(
            text, CLAIM_ERROR_SIZE,
            "another copy of this database sent a later row of the record, which is at version "
            "%lld, and nothing shows that it sent this one",
            shown);
    else if (claim->lock != TARGET_STEP)
        snprintf(text, CLAIM_ERROR_SIZE,
                 verdict->proven ? "someone else changed the record since it was read"
                                 : "the record has changed, and it is not known who did that");
    else if (verdict->ahead)
        snprintf(text, CLAIM_ERROR_SIZE,
                 "version %lld was submitted, the record is at %lld: check where the file's "
                 "versions come from",
                 sent, shown);
    else if (sibling)
        snprintf(text, CLAIM_ERROR_SIZE,
                 "our own %s changed the record: version %lld was submitted, the server has %lld",
                 id_print(sibling->job_id, name), sent, shown);
    else
        snprintf(text, CLAIM_ERROR_SIZE,
                 "someone else changed the record: version %lld was submitted, the server has %lld",
                 sent, shown);
}

/* Describes the answer to the job's last PUT, and what the read-back or the audit log showed.
 */
static void explain_evidence(const struct claim *claim, const struct policy_verdict *verdict,
                             const char *attempt_error, char text[CLAIM_ERROR_SIZE])
{
    enum { CAUSE_MAX = CLAIM_ERROR_SIZE / 2 };
    const char *asked = claim->request == REQUEST_AUDIT ? "the audit log" : "the read-back";

    if (!claim->put_error[0] || job_state_of_request(claim->request) != JOB_UNKNOWN)
        snprintf(text, CLAIM_ERROR_SIZE, "%s",
                 attempt_error[0] ? attempt_error : verdict->evidence);
    else if (attempt_error[0])
        snprintf(text, CLAIM_ERROR_SIZE, "%.*s; %s: %.*s", CAUSE_MAX, claim->put_error, asked,
                 CAUSE_MAX - 32, attempt_error);
    else
        snprintf(text, CLAIM_ERROR_SIZE, "%.*s; %.*s", CAUSE_MAX, claim->put_error, CAUSE_MAX - 32,
                 verdict->evidence);
}

/* True while it is open whether a PUT landed: the job keeps status and code of the answer to
 * it. Not after a 401, because a second one means something else, nor where a 404 refuses the
 * job. */
static bool keeps_cause(const struct claim *claim, const struct policy_verdict *verdict)
{
    return job_state_of_request(claim->request) == JOB_UNKNOWN && !verdict->conflict &&
           verdict->run != POLICY_NEW_TOKEN && verdict->run != POLICY_STOP_AUTH &&
           (job_state_is_open(verdict->state) || verdict->state == JOB_FAILED);
}

/* Fills the texts of the attempt and, unless it is done, of the job. */
static void explain(const struct claim *claim, const struct http_answer *answer,
                    const struct api_fault *fault, const struct policy_verdict *verdict,
                    const struct shown *shown, struct claim_outcome *outcome)
{
    const char *broken = shown->rebased.broken;
    bool done = verdict->state == JOB_APPLIED || verdict->state == JOB_UNCHANGED ||
                verdict->state == JOB_DISMISSED || verdict->next == POLICY_NEXT_SEND;

    outcome->error_code[0] = outcome->error_message[0] = outcome->attempt_error[0] = '\0';
    if (answer->end != HTTP_DONE)
        snprintf(outcome->attempt_error, sizeof outcome->attempt_error, "%s", answer->error);
    else if (fault->message[0])
        snprintf(outcome->attempt_error, sizeof outcome->attempt_error, "%s", fault->message);
    if (done)
        return;
    snprintf(outcome->error_code, sizeof outcome->error_code, "%s", fault->code);
    if (verdict->state == JOB_CONFLICT && !broken)
        explain_conflict(claim, verdict, shown->sibling, outcome->error_message);
    else if (broken)
        snprintf(outcome->error_message, sizeof outcome->error_message, "%s: %s", verdict->evidence,
                 broken);
    else
        explain_evidence(claim, verdict, outcome->attempt_error, outcome->error_message);
}

static struct policy_job job_of(const struct claim *claim, const struct target *target)
{
    const struct description *described = target_description(target);

    return (struct policy_job){
        .request = claim->request,
        .lock = claim->lock,
        .missing = described->missing,
        .no_audit = !described->has_audit,
        .reads_first = claim->reads_first || claim->lock == TARGET_OPAQUE,
        .is_declared = claim->is_declared,
        .creates = claim->creates,
        .put_said = claim->put_status ? target_answer_of(target, claim->put_status, claim->put_code)
                                      : TARGET_UNTOLD,
        .doubt = claim->doubt,
        .is_known = claim->is_known,
        .refused_token = claim->refused_token,
        .looks_again = claim->looks_again,
        .is_gone = claim->is_gone,
        .was_there = claim->was_there,
        .is_copied = claim->is_copied,
        .is_look = claim->is_look,
        .is_exact = claim->is_exact,
        .version = claim->version,
        .asked_ms = claim->asked_ms,
        .put_status = claim->put_status,
        .attempts = claim->attempts,
        .attempts_before = claim->attempts_before,
        .readbacks = claim->readbacks,
        .run_retries = claim->run_retries,
        .rounds = claim->rounds,
    };
}

/* When a job is due again. Jobs that go into bulk requests become due together, at full seconds,
 * because one that is due before the others leaves alone. */
static int64_t due_ms(const struct claim *claim, int64_t now_ms, int64_t delay_ms)
{
    int64_t due_ms = now_ms + delay_ms;

    return claim->bulk && delay_ms ? (due_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS : due_ms;
}

static void fill_outcome(const struct claim *claim, const struct http_answer *answer,
                         const struct policy_verdict *verdict, int64_t now_ms,
                         struct claim_outcome *outcome)
{
    outcome->state = verdict->state;
    outcome->untouched = false;
    outcome->left = verdict->left;
    outcome->last = false;
    outcome->excused = verdict->excused;
    outcome->next = verdict->next;
    outcome->conflict = verdict->conflict;
    outcome->proven = verdict->proven;
    outcome->ahead = verdict->ahead;
    outcome->looks_again = verdict->looks_again;
    outcome->is_copied = verdict->is_copied;
    outcome->doubt = verdict->doubt;
    outcome->unsettled = verdict->unsettled;
    outcome->readbacks = verdict->readbacks;
    outcome->run_retries = verdict->run_retries;
    outcome->not_before_ms = due_ms(claim, now_ms, verdict->delay_ms);
    /* an answer that broke off says nothing, not even that the server refused */
    outcome->http_status = answer->end == HTTP_DONE ? (int)answer->status : 0;
    outcome->job_status = verdict->conflict ? 409 : 0;
    outcome->error_stays = verdict->refused && claim->request == REQUEST_READ_BACK;
    outcome->code_stays = keeps_cause(claim, verdict);
    if (outcome->error_stays || outcome->code_stays)
        outcome->job_status = claim->put_status ? claim->put_status : CLAIM_STATUS_NONE;
    outcome->has_server_version = verdict->has_server_version;
    outcome->server_version = verdict->server_version;
    outcome->ended_ms = answer->ended_ms;
    outcome->latency_us = answer->latency_us;
    outcome->evidence[0] = outcome->correlation_header[0] = '\0';
    if (verdict->evidence[0])
        snprintf(outcome->evidence, sizeof outcome->evidence, "%s", verdict->evidence);
    if (answer->correlation[0])
        snprintf(outcome->correlation_header, sizeof outcome->correlation_header, "%s",
                 answer->correlation);
}

static char *copy_span(struct span span)
{
    return span.size ? mem_copy(span.data, span.size) : NULL;
}

/* Copies a record for the table of conflicts: as it is if its fields are where the views look for
 * them, else with the fields by name. */
static char *copy_record(const struct target *target, const struct http_answer *answer,
                         const struct api_record *record)
{
    struct buf text = {0};

    if (!target_own_name(target))
        return mem_copy(answer->body.data, answer->body.size);
    buf_append_text(&text, "{\"fields\":");
    buf_append_span(&text, record->fields);
    buf_append_text(&text, ",\"record\":");
    buf_append_json_text(&text, answer->body);
    buf_append_char(&text, '}');
    buf_text(&text);
    return text.data;
}

/* Keeps what the next PUT is built on: the record that was fetched, or nothing, where the record is
 * to be created or was there against expectation. */
static void keep_base(const struct claim *claim, const struct policy_verdict *verdict,
                      const struct shown *shown, struct claim_outcome *outcome)
{
    bool built = shown->rebased.fields.size > 0;

    outcome->creates = verdict->creates;
    outcome->fields = copy_span(built ? shown->rebased.fields : claim_fields(claim));
    outcome->under = copy_span(built ? shown->record.under : claim_under(claim));
    outcome->has_base_version = built && shown->record.has_version;
    outcome->base_version = shown->record.version;
    if (built && claim->is_declared) {
        outcome->has_base_version = true;
        outcome->base_version = claim->version;
    } else if (built && claim->lock == TARGET_OPAQUE) {
        outcome->token = copy_span(shown->record.token);
    }
}

/* Copies the parts of the answer that are stored. */
static void keep_answer(const struct claim *claim, const struct http_answer *answer,
                        const struct target *target, const struct policy_verdict *verdict,
                        const struct shown *shown, struct claim_outcome *outcome)
{
    static const struct span none = {"null", 4};
    bool asked = claim->request == REQUEST_AUDIT && verdict->success;
    struct span entry =
        shown->entry.size && shown->entry.size <= ENTRY_BYTES_MAX ? shown->entry : none;

    /* the audit log will be asked about this record: it is needed if that shows a conflict */
    if (shown->record.has_fields && (verdict->conflict || verdict->next == POLICY_NEXT_AUDIT))
        outcome->server_record = copy_record(target, answer, &shown->record);
    if (asked && (verdict->conflict ? shown->entry.size || !claim->has_entry
                                    : verdict->next == POLICY_NEXT_PAGE && shown->has_entry))
        outcome->audit_entry = mem_copy(entry.data, entry.size);
    if (claim->lock == TARGET_OPAQUE && shown->record.token.size &&
        verdict->next != POLICY_NEXT_SEND)
        outcome->token = copy_span(shown->record.token);
    if (verdict->next != POLICY_NEXT_SEND)
        return;
    if (claim->keeps_before && shown->fields.size &&
        (!claim->is_look || verdict->server_version == claim->version))
        outcome->before = before_pack(shown->fields);
    if (!claim->is_look)
        keep_base(claim, verdict, shown, outcome);
}

bool task_answer(struct task *task, const struct http_answer *answer,
                 const struct task_reader *reader, struct policy_verdict *verdict, struct err *err)
{
    struct claim *claim = &task->claim;
    struct claim_outcome *outcome = &claim->outcome;
    const struct target *target = rebase_target(reader->rebase, claim_schema(claim));
    struct shown shown = {0};
    struct policy_answer facts;
    bool fine;

    task->job = job_of(claim, target);
    outcome->shows_record = false;
    fine = read_answer(claim, answer, reader, target, &facts, &shown, err);
    if (fine)
        policy_assess(&task->job, &facts, &reader->limits, verdict);
    else
        *verdict = (struct policy_verdict){.state = JOB_PENDING,
                                           .left = true,
                                           .doubt = claim->doubt,
                                           .run_retries = claim->run_retries,
                                           .evidence = "nothing could be built on the record"};
    fill_outcome(claim, answer, verdict, reader->now_ms, outcome);
    outcome->was_there = fine && facts.is_there;
    explain(claim, answer, reader->fault, verdict, &shown, outcome);
    if (shown.rebased.broken)
        outcome->job_status = 0;
    if (verdict->state == JOB_REFUSED || verdict->refused)
        copy_violations(reader->fault, outcome);
    keep_answer(claim, answer, target, verdict, &shown, outcome);
    return fine;
}

void task_put_back(struct task *task, bool last, int64_t now_ms)
{
    struct claim *claim = &task->claim;

    claim->outcome = (struct claim_outcome){
        .untouched = true,
        .last = last,
        .doubt = claim->doubt,
        .readbacks = claim->readbacks,
        .run_retries = claim->run_retries,
        .not_before_ms = now_ms,
        .http_status = claim->http_status,
    };
}

void task_part(struct task *task, int64_t now_ms)
{
    struct claim_outcome *outcome = &task->claim.outcome;

    outcome->state = policy_spared_state(&task->job);
    outcome->excused = true;
    outcome->doubt = task->job.doubt;
    outcome->readbacks = task->job.readbacks;
    outcome->unsettled = false;
    outcome->not_before_ms = now_ms;
}

void task_spare(struct task *task, int64_t now_ms)
{
    task_part(task, now_ms);
    task->claim.outcome.run_retries = UINT16_MAX; /* left to the next run */
}
