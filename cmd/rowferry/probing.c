#include "cmd/rowferry/probing.h"

#include "cmd/rowferry/option_value.h"
#include "cmd/rowferry/summary.h"
#include "core/api/fields.h"
#include "core/api/record.h"
#include "core/base/mem.h"
#include "core/base/stop.h"

#include <poll.h>
#include <stdlib.h>
#include <uuid/uuid.h>

enum {
    TRIES = 3,
    PAUSE_MS = 1000,
    LOOKS = 3,           /* reads after an update, which can lag */
    WAIT_MAX_MS = 60000, /* of what the API asks for */
};

struct probing *probing_open(struct checkup *checkup, const struct schema *schema,
                             const char *record_id)
{
    const struct options *options = &checkup->cli->options;
    struct probing *probing = mem_calloc(1, sizeof *probing);

    probing->checkup = checkup;
    probing->schema = schema;
    probing->target = schema_target(schema);
    probing->description = target_description(probing->target);
    uuid_generate(probing->correlation);
    option_value_tags(options_text(options, OPT_TAGS), &probing->tags);
    probing->row = (struct target_row){.schema = span_of(schema_name(schema)),
                                       .record_id = span_of(record_id),
                                       .tags = buf_span(&probing->tags),
                                       .source = span_of(options_text(options, OPT_SOURCE)),
                                       .correlation = probing->correlation};
    return probing;
}

static void seen_release(struct seen *seen)
{
    buf_release(&seen->body);
    buf_release(&seen->fields);
    buf_release(&seen->token);
    buf_release(&seen->under);
    buf_release(&seen->back);
}

void probing_close(struct probing *probing)
{
    if (!probing)
        return;
    seen_release(&probing->first);
    seen_release(&probing->last);
    buf_release(&probing->tags);
    buf_release(&probing->given);
    buf_release(&probing->older);
    buf_release(&probing->answered);
    buf_release(&probing->shown);
    buf_release(&probing->before);
    buf_release(&probing->sent);
    buf_release(&probing->shown_fields);
    api_probe_answer_release(&probing->answer);
    free(probing);
}

static void set(struct buf *to, struct span text)
{
    buf_reset(to);
    buf_append_span(to, text);
}

/* Waits. False when a signal ends the probe, which it does only as long as nothing was written. */
static bool pause_ms(const struct probing *probing, int ms)
{
    if (!stop_wait_ms(ms))
        return true;
    return probing->wrote && poll(NULL, 0, ms) == 0;
}

/* Notes what the answer means to a run. */
static void note_meaning(struct probing *probing)
{
    const struct api_probe_answer *answer = &probing->answer;
    enum target_answer said = target_answer_of(probing->target, answer->status, answer->code);
    struct json_tape tape = {0};
    struct json_fault fault;
    bool garbled = answer->body.size && !json_scan(&tape, buf_span(&answer->body), 0, &fault);

    json_tape_release(&tape);
    probing->meaning = meaning_of_answer(probing->description->lock, answer->status, said, garbled);
    if (answer->is_unread)
        probing->meaning = MEANS_AMBIGUOUS;
}

/* Sends a request; again where the API says that it did not take it, and a read after each answer
 * that can be another one the next time. */
static bool send(struct probing *probing, enum target_request kind, struct err *err)
{
    struct checkup *checkup = probing->checkup;
    struct api_probe_answer *answer = &probing->answer;
    bool reads = kind == TARGET_READ_IT, answered, again;

    for (unsigned tries = 1;; tries++) {
        checkup->cli->summary->run.requests++;
        *err = (struct err){0};
        answered =
            api_probe_send(checkup->probe, probing->target, kind, &probing->row, answer, err);
        again = answered ? answer->status == 429 || answer->status == 503 ||
                               (reads && (answer->status == 408 || answer->status >= 500))
                         : reads && err->kind == ERR_NETWORK;
        if (!again || tries == TRIES || (answered && answer->wait_ms > WAIT_MAX_MS))
            break;
        if (!pause_ms(probing, answered && answer->wait_ms > 0 ? (int)answer->wait_ms : PAUSE_MS))
            return err_set(err, ERR_STOPPED, "stopped");
    }
    if (answered)
        note_meaning(probing);
    return answered;
}

bool probing_is_accepted(const struct probing *probing)
{
    return probing->meaning == MEANS_DONE || probing->meaning == MEANS_UNCHANGED;
}

const char *probing_answer(const struct probing *probing, struct buf *out)
{
    const struct api_probe_answer *answer = &probing->answer;

    buf_reset(out);
    buf_printf(out, "%ld%s%s", answer->status, answer->code[0] ? " " : "", answer->code);
    if (answer->message[0])
        buf_printf(out, " (%s)", answer->message);
    return buf_text(out);
}

enum err_kind probing_kind(const struct probing *probing)
{
    long status = probing->answer.status;

    if (status == 401 || status == 403)
        return ERR_AUTH;
    return status == 408 || status == 429 || status >= 500 ? ERR_NETWORK : ERR_INPUT;
}

/* Notes the token that the record has now. */
static void note_token(struct probing *probing, struct span token)
{
    if (probing->last.token.size && !span_equal(buf_span(&probing->last.token), token))
        set(&probing->older, buf_span(&probing->last.token));
    set(&probing->last.token, token);
}

/* Takes a record apart, for an update of its own fields and for one of all of it. False where the
 * body is not a record; *text says what it lacks. */
static bool read_seen(struct probing *probing, struct buf *text)
{
    struct seen *seen = &probing->last;
    const struct span header = span_of(probing->answer.header);
    struct api_view view = {probing->target, false, true, header};
    struct target_scratch scratch = {0};
    struct api_record record;
    bool good;

    set(&seen->body, buf_span(&probing->answer.body));
    good = api_read_record(&view, buf_span(&seen->body), &scratch, &record);
    if (!good)
        buf_append_text(text, "a JSON object");
    good = good && !api_record_lack(probing->target, &record, text);
    if (good) {
        set(&seen->back, record.under);
        view.replaces = false;
        good = api_read_record(&view, buf_span(&seen->body), &scratch, &record);
        set(&seen->under, record.under);
        set(&seen->fields, record.fields);
        note_token(probing, record.token);
        seen->version = record.version;
        seen->is_ours = api_owner(&record.id, probing->correlation) == API_OURS;
        seen->is_anothers = api_owner(&record.id, probing->correlation) == API_ANOTHERS;
    }
    target_scratch_release(&scratch);
    return good;
}

void probing_begin(struct probing *probing)
{
    const struct seen *last = &probing->last;
    struct seen *first = &probing->first;

    set(&first->body, buf_span(&last->body));
    set(&first->fields, buf_span(&last->fields));
    set(&first->token, buf_span(&last->token));
    set(&first->under, buf_span(&last->under));
    first->version = last->version;
    probing->is_ready = true;
}

enum probing_look probing_read(struct probing *probing)
{
    struct checkup *checkup = probing->checkup;
    enum probing_look look = PROBING_FAILED;
    struct buf text = {0};
    struct err err = {0};

    if (!send(probing, TARGET_READ_IT, &err)) {
        if (err.kind != ERR_STOPPED)
            err_wrap(&err, "the record could not be read");
        checkup_take(checkup, &err, "try again when the API answers");
    } else if (probing->meaning == MEANS_MISSING) {
        look = PROBING_MISSING;
    } else if (probing->answer.status != 200) {
        checkup_fail(checkup, probing_kind(probing),
                     probing_kind(probing) == ERR_NETWORK
                         ? "try again when the API works"
                         : "see what the API says: the client needs the rights to read and to "
                           "update it",
                     "reading it was answered %s", probing_answer(probing, &text));
    } else if (!read_seen(probing, &text)) {
        checkup_fail(checkup, ERR_CONFIG,
                     "compare what the API shows with `read`, `fields` and `lock` of the target",
                     "what was read lacks %s", buf_text(&text));
    } else {
        look = PROBING_SEEN;
    }
    buf_release(&text);
    return look;
}

static bool is_ignored(const struct description *description, struct span name)
{
    for (uint32_t i = 0; i < description->property_count; i++)
        if (description->properties[i].is_ignored &&
            span_equal(description->properties[i].name, name))
            return true;
    return false;
}

void probing_fields(const struct probing *probing, struct span fields, struct span leave_out,
                    struct buf *out)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct buf scratch = {0};

    buf_append_char(out, '{');
    if (json_scan(&tape, fields, 0, &fault)) {
        const struct json_token *tokens = tape.tokens;

        for (uint32_t i = 1; i < tokens[0].next; i = tokens[i + 1].next) {
            struct span name = json_string(&tokens[i], fields.data, &scratch);

            if (tokens[i + 1].kind == JSON_NULL ||
                (leave_out.data && span_equal(name, leave_out)) ||
                (probing->description->keeps && is_ignored(probing->description, name)))
                continue;
            if (out->data[out->size - 1] != '{')
                buf_append_char(out, ',');
            body_write_value(out, &tokens[i], fields.data, false);
            buf_append_char(out, ':');
            body_write_value(out, &tokens[i + 1], fields.data, false);
        }
    }
    buf_append_char(out, '}');
    json_tape_release(&tape);
    buf_release(&scratch);
}

/* Notes what the answer to an update means, and the tokens that it has: where the target looks for
 * one, and where a record that is read has it. */
static void read_answered(struct probing *probing)
{
    const struct api_probe_answer *answer = &probing->answer;
    struct api_view view = {probing->target, true, false, span_of(answer->header)};
    struct target_scratch scratch = {0};
    struct api_record record = {.token = view.header};

    if (answer->body.size && !api_read_record(&view, buf_span(&answer->body), &scratch, &record))
        record.token = (struct span){0};
    if (probing->meaning == MEANS_DONE && probing->description->lock == TARGET_STEP &&
        !record.has_version)
        probing->meaning = MEANS_AMBIGUOUS;
    set(&probing->answered, record.token);
    view.is_answer = false;
    view.header = (struct span){0};
    record.token = view.header;
    if (answer->body.size && !api_read_record(&view, buf_span(&answer->body), &scratch, &record))
        record = (struct api_record){0};
    set(&probing->shown, record.token);
    set(&probing->shown_fields, record.has_fields ? record.fields : (struct span){0});
    target_scratch_release(&scratch);
}

bool probing_send(struct probing *probing, struct span fields, struct span under, struct span token,
                  struct err *err)
{
    struct target_row *row = &probing->row;

    api_probe_persist(probing->checkup->probe);
    probing->wrote = probing->in_doubt = true;
    set(&probing->before, buf_span(&probing->last.fields));
    set(&probing->sent, fields);
    buf_reset(&probing->shown_fields);
    row->fields = buf_span(&probing->sent);
    row->under = under;
    row->token = token;
    /* what a bulk request leaves alone does not go back, unless the record is read anyway */
    if (probing->description->bulk.max && probing->description->lock == TARGET_NONE &&
        !target_reads_first(probing->target, schema_shape(probing->schema)->write_replaces))
        row->under = (struct span){0};
    if (!send(probing, probing->description->bulk.max ? TARGET_SEVERAL : TARGET_WRITE_IT, err))
        return false;
    read_answered(probing);
    probing->in_doubt = probing->meaning == MEANS_AMBIGUOUS || probing->answer.status >= 500;
    return true;
}

bool probing_write(struct probing *probing, struct span fields, struct span under,
                   struct span token)
{
    struct err err = {0};

    return probing_send(probing, fields, under, token, &err) ||
           checkup_fail(probing->checkup, err.kind, "try again when the API answers",
                        "no answer came to an update, which may have been applied: %s", err.text);
}

bool probing_same(const struct probing *probing, struct span a, struct span b)
{
    struct target_scratch one = {0}, other = {0};
    bool same;

    a = target_comparable(probing->target, a, &one);
    b = target_comparable(probing->target, b, &other);
    same = api_fields_held(a, b) && api_fields_held(b, a);
    target_scratch_release(&one);
    target_scratch_release(&other);
    return same;
}

struct comparison_sides probing_sides(const struct probing *probing)
{
    return (struct comparison_sides){buf_span(&probing->sent), buf_span(&probing->last.fields),
                                     buf_span(&probing->first.fields),
                                     buf_span(&probing->last.body)};
}

bool probing_is_explained(const struct probing *probing)
{
    const struct comparison_sides sides = {
        buf_span(&probing->sent), buf_span(&probing->last.fields), buf_span(&probing->before),
        buf_span(&probing->last.body)};

    return comparison_is_explained(probing->target, &sides, buf_span(&probing->shown_fields));
}

/* Whether somebody else has changed the record since an update that was accepted. A lock that is
 * described wrongly does not look so, unless the API also rewrites fields. */
static bool is_changed(const struct probing *probing)
{
    bool other_token =
        probing->description->lock != TARGET_NONE && probing->answered.size &&
        !target_same_token(buf_span(&probing->answered), buf_span(&probing->last.token));

    return (other_token || probing->last.is_anothers) &&
           !probing_same(probing, buf_span(&probing->sent), buf_span(&probing->last.fields));
}

bool probing_read_after(struct probing *probing)
{
    bool changes =
        !probing_same(probing, buf_span(&probing->sent), buf_span(&probing->last.fields));
    bool locked = probing->description->lock != TARGET_NONE;
    struct buf token = {0};
    bool lags = true, fine = true;
    struct comparison_sides sides;

    buf_append_span(&token, buf_span(&probing->last.token));
    for (unsigned looks = 0; fine && lags && looks < LOOKS; looks++) {
        if (looks)
            stop_wait_ms(PAUSE_MS);
        switch (probing_read(probing)) {
        case PROBING_MISSING:
            checkup_fail(probing->checkup, ERR_INPUT, "try it with another record",
                         "the record does not exist any more");
            fine = false;
            break;
        case PROBING_FAILED:
            probing->in_doubt = true;
            fine = false;
            break;
        case PROBING_SEEN:
            sides = probing_sides(probing);
            lags =
                comparison_make(probing->target, &sides, NULL, NULL) ||
                (locked && changes && span_equal(buf_span(&token), buf_span(&probing->last.token)));
            break;
        }
    }
    buf_release(&token);
    if (fine && !probing->in_doubt && is_changed(probing)) {
        probing->is_foreign = true;
        fine = checkup_fail(probing->checkup, ERR_INPUT,
                            "try it with a record that nobody else updates",
                            "somebody else changed the record during the probe");
    }
    /* without a token and a mark, the values alone show whose they are */
    if (fine && !probing->answered.size && !probing->description->mark.is_there)
        probing->is_unclear = !probing_is_explained(probing);
    return fine;
}

bool probing_has(struct span fields, struct span name)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct buf scratch = {0};
    uint32_t found = POINTER_NOTHING;
    bool has;

    if (json_scan(&tape, fields, 0, &fault))
        found = pointer_member(name, &tape, fields.data, 0, &scratch);
    has = found != POINTER_NOTHING && tape.tokens[found].kind != JSON_NULL;
    json_tape_release(&tape);
    buf_release(&scratch);
    return has;
}
