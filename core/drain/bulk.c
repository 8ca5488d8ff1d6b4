#include "core/drain/bulk.h"

#include "core/api/request.h"
#include "core/base/mem.h"
#include "core/job/meaning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXCERPT_SIZE = 41, /* of a body without results, in messages */
    DENIED_MAX = 20,   /* jobs that are denied alone, one after another: so are all */
};

static const struct description_bulk *described(const struct target *target)
{
    return &target_description(target)->bulk;
}

static const struct target *target_of(const struct task *task, struct rebase *rebase)
{
    return rebase_target(rebase, claim_schema(&task->claim));
}

/* Writes URL and item of a job. */
static bool write_item(struct task *task, const struct target *target, struct task_sender *sender,
                       struct buf *body, struct err *err)
{
    struct api_request request = {
        .api_url = sender->options->environment.api_url, .target = target, .kind = TARGET_SEVERAL};
    char digits[TASK_DIGITS_SIZE];
    enum target_method method;

    task_reset(&task->url);
    task_row(task, sender->options, digits, &request.row);
    return api_request_add(&request, sender->scratch, &method, &task->url, body) ||
           task_does_not_fit(task, err);
}

bool bulk_begin(struct task *task, struct task_sender *sender, struct err *err)
{
    const struct target *target = target_of(task, sender->rebase);

    if (!task->begins) {
        task->half = NULL;
        task->half_worked = false;
    }
    task->begins = task->is_further = false;
    task->row = NULL;
    task->row_count = 1;
    task->last = task;
    task_reset(&task->body);
    buf_append_text(&task->body, described(target)->head);
    return write_item(task, target, sender, &task->body, err);
}

/* Returns what a record id has before the id itself: the parts that are columns. */
static struct span parts_of(const struct task *task)
{
    struct span id = claim_record_id(&task->claim);

    while (id.size && id.data[id.size - 1] != '/')
        id.size--;
    return id;
}

bool bulk_is_alike(const struct task *first, const struct task *task, struct rebase *rebase)
{
    const struct target *target = target_of(first, rebase);

    /* a result names its row by the last part of the record id alone */
    return target_of(task, rebase) == target && (!target_description(target)->column_count ||
                                                 span_equal(parts_of(first), parts_of(task)));
}

bool bulk_add(struct task *first, struct task *task, unsigned max, struct task_sender *sender,
              bool *fits, struct err *err)
{
    const struct target *target = target_of(first, sender->rebase);
    uint64_t declared = target_description(target)->limits.bytes;
    uint64_t bytes_max = declared ? declared : BULK_BYTES_MAX;
    size_t size = first->body.size;

    *fits = false;
    if (first->row_count >= max || !bulk_is_alike(first, task, sender->rebase))
        return true;
    buf_append_char(&first->body, ',');
    if (!write_item(task, target, sender, &first->body, err))
        return false;
    *fits = first->body.size + strlen(described(target)->tail) <= bytes_max &&
            span_equal(buf_span(&first->url), buf_span(&task->url));
    if (!*fits) {
        first->body.size = size;
        return true;
    }
    task->row = task->half = NULL;
    task->is_further = true;
    task->row_count = 0;
    first->last = first->last->row = task;
    first->row_count++;
    return true;
}

void bulk_request(struct task *first, struct task_sender *sender, struct http_request *request)
{
    const struct target *target = target_of(first, sender->rebase);
    const struct api_request whole = {.target = target, .kind = TARGET_SEVERAL};

    buf_append_text(&first->body, described(target)->tail);
    *request = (struct http_request){.authorization = sender->authorization,
                                     .timeout_ms = sender->options->timeout_ms,
                                     .answer_max = HTTP_SEVERAL_MAX,
                                     .context = first};
    for (struct task *task = first; task; task = task->row) {
        task->authorization = sender->authorization;
        request->new_connection = request->new_connection || task->claim.http_status == 421 ||
                                  task->claim.http_status == 425;
    }
    api_request_fill(&whole, described(target)->call.method, sender->scratch, sender->fields,
                     &first->url, &first->body, request);
}

/* Reads what the answer says about each job; false: nothing. */
static bool read_results(const struct task *first, const struct http_answer *answer,
                         const struct target *target, struct target_scratch *scratch,
                         struct result *results)
{
    struct buf ids = {0};
    size_t from = 0, i = 0;
    bool good = true;

    for (const struct task *task = first; good && task; task = task->row) {
        good = target_own_id(target, claim_record_id(&task->claim), scratch, &ids);
        results[i++].id.size = ids.size - from;
        from = ids.size;
    }
    from = 0;
    for (i = 0; i < first->row_count; i++) {
        results[i].id.data = ids.data + from;
        from += results[i].id.size;
    }
    good = good && results_read(target, answer->body, results, first->row_count, scratch);
    buf_release(&ids);
    return good;
}

enum bulk_answer bulk_read(const struct task *first, const struct http_answer *answer,
                           const struct task_reader *reader, struct result **results)
{
    const struct target *target = target_of(first, reader->rebase);
    struct rebase_rows *rows = rebase_rows(reader->rebase, claim_schema(&first->claim));
    enum target_lock lock = first->claim.lock;
    enum target_answer said;
    bool splits, denied;

    *results = NULL;
    api_fault_reset(reader->fault);
    if (answer->end != HTTP_DONE)
        return BULK_SHARED;
    if (answer->status == 200 || answer->status == 201) {
        *results = mem_calloc(first->row_count, sizeof **results);
        if (read_results(first, answer, target, reader->scratch, *results))
            return BULK_RESULTS;
        free(*results);
        *results = NULL;
    }
    if (answer->status < 300)
        return BULK_SHARED;
    api_read_fault(target, answer->body, answer->status, reader->fault);
    said = target_answer_of(target, answer->status, reader->fault->code);
    splits = meaning_splits(lock, answer->status, said, false);
    denied = !splits && meaning_splits(lock, answer->status, said, true);
    if (first->row_count == 1)
        rows->denied += denied;
    return first->row_count > 1 && (splits || (denied && (rows->worked || rows->parts) &&
                                               rows->denied < DENIED_MAX))
               ? BULK_REFUSED
               : BULK_SHARED;
}

void bulk_answer_for(const struct result *result, struct http_answer *answer)
{
    static const char *const reasons[] = {
        "the answer to several rows does not name this one",
        "the answer to several rows does not say as described what happened to this one",
        "the answer to several rows names this one more than once",
    };
    char excerpt[EXCERPT_SIZE];

    if (result && result->status) {
        answer->status = result->status;
        answer->body = result->body;
    } else if (result) {
        answer->end = HTTP_CUT;
        answer->status = 0;
        snprintf(answer->error, sizeof answer->error, "%s",
                 reasons[result->named > 1 ? 2 : result->named]);
    } else if (answer->end == HTTP_DONE && answer->status >= 200 && answer->status < 300) {
        answer->end = HTTP_CUT;
        snprintf(answer->error, sizeof answer->error,
                 "HTTP %ld with a body without the results that the target describes (\"%s\")",
                 answer->status, str_printable(answer->body, excerpt, sizeof excerpt));
    }
}

static void fill_repeat(struct task *task, const struct http_answer *answer, const char *message,
                        unsigned row_count)
{
    struct claim_outcome *outcome = &task->claim.outcome;

    /* what was refused as a whole may have been done in part */
    task->claim.doubt = task->claim.doubt || task->claim.lock != TARGET_NONE;
    *outcome = (struct claim_outcome){.repeats = true,
                                      .state = JOB_SENDING,
                                      .left = true,
                                      .doubt = task->claim.doubt,
                                      .http_status = (int)answer->status,
                                      .ended_ms = answer->ended_ms,
                                      .latency_us = answer->latency_us};
    snprintf(outcome->attempt_error, sizeof outcome->attempt_error, "%s", message);
    snprintf(outcome->evidence, sizeof outcome->evidence,
             "%u rows were refused as a whole: they are sent again in two halves", row_count);
    snprintf(outcome->correlation_header, sizeof outcome->correlation_header, "%s",
             answer->correlation);
}

void bulk_split(struct task *first, const struct http_answer *answer, const char *message)
{
    unsigned count = first->row_count, half = (count + 1) / 2, i = 0;
    struct task *second = first;

    for (struct task *task = first; task; task = task->row, i++) {
        fill_repeat(task, answer, message, count);
        task->begins = i == 0 || i == half;
        if (i == half)
            second = task;
    }
    first->half = second;
    second->half = first;
    first->half_worked = second->half_worked = false;
}

void bulk_note(struct task *first, bool worked, struct rebase *rebase)
{
    struct rebase_rows *rows = rebase_rows(rebase, claim_schema(&first->claim));
    struct task *other = first->half;

    if (other) {
        other->half = NULL;
        other->half_worked = worked;
    }
    if (worked)
        rows->denied = 0;
    if (worked && first->row_count > rows->worked)
        rows->worked = first->row_count;
    /* both halves were taken, and nothing that is larger: they were too many */
    if (worked && first->half_worked && rows->worked <= first->row_count + 1)
        rows->is_limited = true;
    first->half = NULL;
    first->half_worked = false;
}

bool bulk_parts(const struct task *task, struct rebase *rebase)
{
    struct rebase_rows *rows = rebase_rows(rebase, claim_schema(&task->claim));

    if (!task->is_shared || rows->denied >= DENIED_MAX)
        return false;
    rows->parts = true;
    return true;
}

unsigned bulk_room(const struct task *task, struct rebase *rebase)
{
    const struct rebase_rows *rows = rebase_rows(rebase, claim_schema(&task->claim));

    return rows->is_limited && rows->worked < task->claim.bulk ? rows->worked : task->claim.bulk;
}
