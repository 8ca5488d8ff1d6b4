#include "core/notify/echo.h"

#include "core/api/fields.h"
#include "core/base/clock.h"

/* The first line that fits decides. */
enum echo_verdict echo_decide(const struct echo_facts *facts)
{
    enum { ANY = -1 };
    static const struct {
        int owner, same, likely, overwritten, another, open, applied;
        enum echo_verdict verdict;
    } rules[] = {
        {API_ANOTHERS, ANY, ANY, ANY, ANY, ANY, ANY, ECHO_NO},
        {API_OURS, ANY, ANY, ANY, ANY, true, ANY, ECHO_WAIT},
        /* another writer changed the fields and left the metadata as it was */
        {API_OURS, false, ANY, ANY, true, ANY, ANY, ECHO_NO},
        {API_OURS, ANY, ANY, true, true, ANY, ANY, ECHO_NO},
        {API_OURS, ANY, ANY, ANY, ANY, ANY, ANY, ECHO_YES},
        {API_OWNER_UNKNOWN, false, ANY, ANY, ANY, ANY, ANY, ECHO_NO},
        {API_OWNER_UNKNOWN, ANY, false, ANY, ANY, ANY, ANY, ECHO_NO},
        {API_OWNER_UNKNOWN, ANY, ANY, true, ANY, ANY, ANY, ECHO_NO},
        {API_OWNER_UNKNOWN, ANY, ANY, ANY, ANY, true, ANY, ECHO_WAIT},
        {API_OWNER_UNKNOWN, ANY, ANY, ANY, ANY, ANY, true, ECHO_YES},
    };

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].owner == (int)facts->owner &&
            (rules[i].same == ANY || rules[i].same == facts->has_same_fields) &&
            (rules[i].likely == ANY || rules[i].likely == facts->is_likely) &&
            (rules[i].overwritten == ANY || rules[i].overwritten == facts->is_overwritten) &&
            (rules[i].another == ANY || rules[i].another == facts->has_another_echo) &&
            (rules[i].open == ANY || rules[i].open == facts->is_open) &&
            (rules[i].applied == ANY || rules[i].applied == facts->is_applied))
            return rules[i].verdict;
    return ECHO_NO;
}

void echo_release(struct echo *echo)
{
    payload_reader_release(&echo->reader);
    payload_reader_release(&echo->earlier);
}

/* A notification while the jobs of its record are looked at. */
struct look {
    struct echo *echo;
    const struct notification *notification;
    int64_t modified_ms;
    bool is_read;
    struct payload payload;
    struct notification_verdict *verdict;

    bool is_overwritten; /* after the change of the job that is looked at */
};

/* An earlier notification of the record, which came after the job was sent. The echo of the job is
 * one of them: what it does not have was added later, by somebody else. */
static void look_between(void *context, struct span body)
{
    char problem[PAYLOAD_PROBLEM_SIZE];
    struct look *look = context;
    struct payload payload;

    if (payload_read(&look->echo->earlier, body, NULL, &payload, problem) &&
        !(api_fields_held(payload.fields, look->payload.fields) &&
          api_fields_held(look->payload.fields, payload.fields)))
        look->is_overwritten = true;
}

static bool is_likely(const struct look *look, const struct notification_candidate *candidate)
{
    const char *client_id = look->echo->client_id;
    int64_t ended_ms =
        candidate->ended_ms > candidate->started_ms ? candidate->ended_ms : candidate->started_ms;

    return (client_id && span_is(look->payload.author, client_id)) ||
           (look->payload.notification.modified_ms &&
            look->modified_ms >= candidate->started_ms - ECHO_SLACK_MS &&
            look->modified_ms <= ended_ms + ECHO_SLACK_MS);
}

static bool look_at(void *context, const struct notification_candidate *candidate, bool *go_on,
                    struct err *err)
{
    char problem[PAYLOAD_PROBLEM_SIZE];
    struct look *look = context;
    struct echo_facts facts = {.is_open = job_state_is_open(candidate->state),
                               .is_applied = candidate->state == JOB_APPLIED};
    int64_t since_ms = candidate->started_ms;

    if (!look->is_read &&
        !payload_read(&look->echo->reader, look->notification->body, NULL, &look->payload, problem))
        return err_set(err, ERR_INTERNAL, "a notification cannot be read again: %s", problem);
    look->is_read = true;
    facts.owner = api_owner(&look->payload.correlation, candidate->correlation);
    /* another copy of the database sent it, if anybody did */
    if (!candidate->started_ms && facts.owner != API_OURS)
        return true;
    look->is_overwritten = false;
    facts.has_same_fields = api_fields_within(candidate->fields, look->payload.fields);
    facts.is_likely = is_likely(look, candidate);
    facts.has_another_echo = candidate->echo_ms && candidate->echo_ms != look->modified_ms;
    if (facts.has_same_fields &&
        (facts.owner == API_OURS ? facts.has_another_echo
                                 : facts.owner == API_OWNER_UNKNOWN && facts.is_likely) &&
        !notification_between(look->echo->store, look->notification->record_id, since_ms,
                              candidate->echo_ms ? candidate->echo_ms : since_ms, look->modified_ms,
                              look_between, look, err))
        return false;
    facts.is_overwritten = look->is_overwritten;
    switch (echo_decide(&facts)) {
    case ECHO_NO:
        break;
    case ECHO_YES:
        *look->verdict = (struct notification_verdict){NOTIFICATION_OF_JOB, candidate->job_id};
        *go_on = false;
        break;
    case ECHO_WAIT:
        *look->verdict = (struct notification_verdict){NOTIFICATION_WAITS, candidate->job_id};
        break;
    }
    return true;
}

bool echo_of_store(void *context, const struct notification *notification,
                   struct notification_verdict *verdict, struct err *err)
{
    struct echo *echo = context;
    struct look look = {.echo = echo,
                        .notification = notification,
                        .verdict = verdict,
                        .modified_ms =
                            notification->modified_ms ? notification->modified_ms : clock_now_ms()};

    *verdict = (struct notification_verdict){NOTIFICATION_FOREIGN, 0};
    return notification_candidates(echo->store, notification, look.modified_ms, look_at, &look,
                                   err);
}

bool echo_knows(void *context, struct span schema)
{
    const struct echo *echo = context;
    const struct schema *found = NULL;
    struct err ignored = {0};

    for (size_t i = 0; echo->catalog && !found && i < catalog_count(echo->catalog); i++)
        if (span_is(schema, catalog_name(echo->catalog, i)))
            found = catalog_find(echo->catalog, catalog_name(echo->catalog, i), &ignored);
    return found && schema_shape(found)->version_known;
}
