#include "cmd/rowferry/checkup_probe.h"

#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/probing.h"
#include "cmd/rowferry/words.h"
#include "core/api/comparison.h"
#include "core/api/fields.h"
#include "core/api/record.h"
#include "core/base/stop.h"
#include "core/job/id.h"
#include "core/store/history.h"
#include "core/validate/catalog.h"
#include "core/validate/checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_MAX = 120, /* bytes of a value in messages */
    SHOWN_SIZE = 4 * SHOWN_MAX + 8,
    NAMED_MAX = 8, /* members in messages */
};

static const char *show(struct span value, char out[SHOWN_SIZE])
{
    size_t end;

    if (value.size <= SHOWN_MAX)
        return str_printable(value, out, SHOWN_SIZE);
    end = strlen(str_printable((struct span){value.data, SHOWN_MAX}, out, SHOWN_SIZE - 4));
    snprintf(out + end, SHOWN_SIZE - end, "...");
    return out;
}

/* --- what is probed --- */

/* Returns the schema of the record: that of --schema, or the only one. NULL after the finding. */
static const struct schema *find_schema(struct checkup *checkup)
{
    const struct catalog *catalog = checkup->catalog;
    const char *name = options_text(&checkup->cli->options, OPT_SCHEMA);
    const struct schema *schema;
    struct buf names = {0};
    struct err err = {0};

    if (!name && catalog_count(catalog) > 1) {
        for (size_t i = 0; i < catalog_count(catalog); i++)
            buf_printf(&names, "%s%s", i ? ", " : "", catalog_name(catalog, i));
        checkup_fail(checkup, ERR_CONFIG, "name the schema of the record with --schema",
                     "there are several schema files: %s", buf_text(&names));
        buf_release(&names);
        return NULL;
    }
    schema = catalog_find(catalog, name ? name : catalog_name(catalog, 0), &err);
    if (!schema)
        checkup_take(checkup, &err, "fix it, or name another schema with --schema");
    return schema;
}

/* Finds a job of the record that is still to be sent. */
static bool find_open_job(void *context, const struct history_event *event, struct err *err)
{
    int64_t *job_id = context;
    enum job_state state;
    char name[32];

    (void)err;
    if (event->kind != HISTORY_STATE || event->what.size >= sizeof name)
        return true;
    snprintf(name, sizeof name, "%.*s", (int)event->what.size, event->what.data);
    if (job_state_parse(name, &state) && job_state_is_open(state))
        *job_id = event->job_id;
    return true;
}

/* An update of ours would make a conflict of what is waiting. */
static bool check_jobs(struct checkup *checkup, struct probing *probing)
{
    struct err err = {0};
    int64_t job_id = 0;
    char name[ID_TEXT_SIZE];

    if (!checkup->readable)
        return true;
    if (!history_record(checkup->store, probing->row.record_id, schema_name(probing->schema),
                        find_open_job, &job_id, &err))
        return checkup_take(checkup, &err, "the record was not probed");
    return !job_id ||
           checkup_fail(checkup, ERR_NETWORK, "run `rowferry drain` first",
                        "job %s of this record is still to be sent", id_print(job_id, name));
}

/* Reads --fields, and checks it as a row of a file; what a row would have to have besides is in the
 * record. */
static bool read_given(struct checkup *checkup, struct probing *probing)
{
    static const char advice[] = "--fields is a JSON object, like the fields of an NDJSON row";
    const char *text = options_text(&checkup->cli->options, OPT_FIELDS);
    struct row row = {.fields = span_of(text ? text : "")};
    struct violations violations = {0};
    struct checker *checker;
    struct json_fault fault;
    struct err err = {0};
    bool fine = true;

    if (!text)
        return true;
    if (!json_scan(&row.tape, row.fields, 0, &fault) || row.tape.tokens[0].kind != JSON_OBJECT) {
        json_tape_release(&row.tape);
        return checkup_fail(checkup, ERR_CONFIG, advice, "--fields is not a JSON object");
    }
    checker = checker_open(probing->schema, &err);
    fine = checker && checker_check(checker, &row, &violations, &err);
    if (!fine)
        checkup_take(checkup, &err, "please report this");
    for (size_t i = 0; i < violations.count; i++) {
        struct span field = violation_field(&violations, i);
        struct span message = violation_message(&violations, i);

        if (!span_is(violation_rule(&violations, i), "required"))
            fine = checkup_fail(checkup, ERR_CONFIG, "give values that a file could have",
                                "--fields: %.*s%s%.*s", (int)field.size, field.data,
                                field.size ? ": " : "", (int)message.size, message.data);
    }
    probing_fields(probing, row.fields, (struct span){0}, &probing->given);
    violations_release(&violations);
    json_tape_release(&row.tape);
    checker_close(checker);
    return fine;
}

/* Returns the object at a pointer, or what is empty. */
static struct span object_at(struct span text, const struct pointer *at)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct buf scratch = {0};
    struct span object = {0};
    uint32_t found;

    if (json_scan(&tape, text, 0, &fault)) {
        found = pointer_find(at, &tape, text.data, 0, &scratch);
        if (found != POINTER_NOTHING)
            object = (struct span){text.data + tape.tokens[found].start, tape.tokens[found].size};
    }
    json_tape_release(&tape);
    buf_release(&scratch);
    return object;
}

/* Says what is there, and what an update does not send back. */
static void say_record(struct checkup *checkup, struct probing *probing)
{
    const struct description *d = probing->description;
    const struct seen *seen = &probing->first;
    struct target_scratch scratch = {0};
    struct buf path = {0}, body = {0}, names = {0};
    enum target_method method;
    size_t count = 0;

    checkup_say(checkup, "%.*s of %s%s%.*s holds %.*s", (int)probing->row.record_id.size,
                probing->row.record_id.data, schema_name(probing->schema),
                seen->token.size ? ", version " : "", (int)seen->token.size,
                seen->token.size ? seen->token.data : "", (int)seen->fields.size,
                seen->fields.data);
    probing->row.fields = buf_span(&seen->fields);
    probing->row.under = buf_span(&seen->under);
    probing->row.token = buf_span(&seen->token);
    if (!d->keeps && target_request(probing->target, TARGET_WRITE_IT, &probing->row, &scratch,
                                    &method, &path, &body))
        count = comparison_gone(object_at(buf_span(&seen->body), &d->read_root),
                                object_at(buf_span(&body), &d->root), NAMED_MAX, &names);
    if (count)
        checkup_say(checkup,
                    "an update does not send %s%s of it: they are the API's own, or are lost in "
                    "each night unless `back` of the target names them",
                    buf_text(&names), count > NAMED_MAX ? ", ..." : "");
    target_scratch_release(&scratch);
    buf_release(&path);
    buf_release(&body);
    buf_release(&names);
}

void check_record(struct checkup *checkup)
{
    const char *record_id = options_text(&checkup->cli->options, OPT_PROBE);
    char fault[ROW_FAULT_SIZE];
    const char *wrong = row_record_id_fault(span_of(record_id), fault);
    const struct schema *schema;
    struct probing *probing;

    if (wrong) {
        checkup_fail(checkup, ERR_CONFIG, "name a record that is there for tests",
                     "the record id %s", wrong);
        return;
    }
    if (!checkup->has_token || !checkup->catalog) {
        checkup_skip(checkup, checkup->catalog ? "there is no token" : "there is no schema file");
        return;
    }
    schema = find_schema(checkup);
    if (!schema)
        return;
    checkup->probing = probing = probing_open(checkup, schema, record_id);
    checkup_busy(checkup, "reading the record ...");
    if (!read_given(checkup, probing) || !check_jobs(checkup, probing))
        return;
    switch (probing_read(probing)) {
    case PROBING_SEEN:
        probing_begin(probing);
        say_record(checkup, probing);
        break;
    case PROBING_MISSING:
        checkup_fail(checkup, ERR_CONFIG,
                     "create it at the API for tests, or name another: a probe creates nothing, "
                     "because it could not delete it",
                     "%s of %s does not exist", record_id, schema_name(schema));
        break;
    case PROBING_FAILED:
        break;
    }
}

/* Skips a check of a record that was not updated. */
static bool is_updated(struct checkup *checkup)
{
    if (checkup->probing && checkup->probing->updated && !checkup->probing->is_unclear)
        return true;
    checkup_skip(checkup, checkup->probing && checkup->probing->is_unclear
                              ? "somebody else may have changed the record"
                              : "the record was not updated");
    return false;
}

/* --- the first update --- */

static void print_json(struct checkup *checkup, const struct comparison *comparison)
{
    static const char *const kinds[] = {[COMPARISON_REWRITTEN] = "rewritten",
                                        [COMPARISON_LOST] = "lost",
                                        [COMPARISON_EXTRA] = "extra"};
    static const struct span none = {"null", 4};
    struct buf line = {0};

    json_line_status(&line, "field");
    json_line_text(&line, "field", comparison->name);
    json_line_text(&line, "finding", span_of(kinds[comparison->kind]));
    buf_append_text(&line, ", \"sent\": ");
    buf_append_json_text(&line, comparison->sent.data ? comparison->sent : none);
    buf_append_text(&line, ", \"read\": ");
    buf_append_json_text(&line, comparison->read.data ? comparison->read : none);
    json_line_text(&line, "elsewhere", comparison->elsewhere);
    report_json(&checkup->cli->report, &line);
    buf_release(&line);
}

static void say_difference(void *context, const struct comparison *comparison)
{
    struct checkup *checkup = context;
    char name[SHOWN_SIZE], sent[SHOWN_SIZE], read[SHOWN_SIZE], advice[SHOWN_SIZE * 2];
    struct span at = comparison->elsewhere;

    show(comparison->name, name);
    show(comparison->sent, sent);
    show(comparison->read, read);
    if (checkup->cli->report.json)
        print_json(checkup, comparison);
    if (comparison->kind == COMPARISON_EXTRA) {
        checkup_remark(checkup, "the API sets it by itself: `ignore` is for fields that rows have",
                       "%s was not sent, and came back as %s", name, read);
        return;
    }
    snprintf(advice, sizeof advice, "\"read\": {\"as\": {\"%s\": \"%.*s\"}} in the target", name,
             at.size < SHOWN_MAX ? (int)at.size : SHOWN_MAX, at.data ? at.data : "");
    if (at.size)
        checkup_fail(checkup, ERR_CONFIG, advice, "%s: %s was sent, and came back at \"%.*s\"",
                     name, sent, (int)at.size, at.data);
    else if (comparison->kind == COMPARISON_LOST)
        checkup_fail(checkup, ERR_CONFIG,
                     "check where the target writes the field (`fields`) and where it reads it "
                     "(`read`); if the API never shows it, name it in `read`, `ignore`",
                     "%s: %s was sent, and did not come back", name, sent);
    else
        checkup_fail(checkup, ERR_CONFIG,
                     "have the ERP write it as the API keeps it, or name the field in `read`, "
                     "`ignore` of the target; until then a row whose answer is lost is not "
                     "recognised",
                     "%s: %s was sent, and came back as %s", name, sent, read);
}

/* Says why an update was not accepted. */
static void say_refused(struct checkup *checkup, const struct probing *probing)
{
    struct buf text = {0};
    const char *answer = probing_answer(probing, &text);

    if (probing->answer.status >= 500)
        checkup_fail(checkup, ERR_NETWORK,
                     "try again when the API works; a night reads the record after such an answer",
                     "an update was answered %s, and may have been applied", answer);
    else if (probing->answer.is_unread)
        checkup_fail(checkup, ERR_CONFIG,
                     "compare `results` in `bulk` of the target with what the API answers",
                     "the answer to an update does not say as described what happened to the "
                     "record: %.*s",
                     probing->answer.body.size < SHOWN_MAX ? (int)probing->answer.body.size
                                                           : SHOWN_MAX,
                     probing->answer.body.size ? probing->answer.body.data : "");
    else if (probing->meaning == MEANS_AMBIGUOUS)
        checkup_fail(checkup, ERR_CONFIG,
                     "if that means that it is done, name the status in `answers` of the target",
                     "an update was answered %s, which can mean anything", answer);
    else if (probing->meaning == MEANS_CONFLICT)
        checkup_fail(checkup, ERR_INPUT,
                     "either somebody else updates this record now, or `lock` of the target does "
                     "not send the token as the API wants it",
                     "an update with the token that was just read is a conflict: %s", answer);
    else
        checkup_fail(checkup, probing_kind(probing),
                     "see what the API says; a night would end like that for each such row",
                     "an update was answered %s", answer);
    buf_release(&text);
}

/* Asks before anything is written. */
static bool confirm(struct checkup *checkup, const struct probing *probing)
{
    const struct options *options = &checkup->cli->options;
    struct buf question = {0};
    bool yes;

    buf_printf(&question, "update %.*s of %s up to 3 times, and put it back as it was",
               (int)probing->row.record_id.size, probing->row.record_id.data,
               schema_name(probing->schema));
    yes =
        !options_flag(options, OPT_DRY_RUN) && choice_confirmed(checkup->cli, buf_text(&question));
    if (options_flag(options, OPT_DRY_RUN))
        checkup_say(checkup, "would %s", buf_text(&question));
    else if (!yes)
        checkup_skip(checkup, "it was not confirmed");
    buf_release(&question);
    return yes;
}

void check_update(struct checkup *checkup)
{
    struct probing *probing = checkup->probing;
    struct comparison_sides sides;
    struct buf own = {0}, fields = {0};
    size_t differences;
    bool given;

    if (!probing || !probing->is_ready) {
        checkup_skip(checkup, "the record was not read");
        return;
    }
    if (!confirm(checkup, probing))
        return;
    given = probing->given.size > 0;
    probing_fields(probing, buf_span(&probing->first.fields), (struct span){0}, &own);
    if (given)
        api_fields_merge(&fields, buf_span(&probing->given), buf_span(&own));
    checkup_busy(checkup, "updating the record ...");
    if (probing_write(probing, given ? buf_span(&fields) : buf_span(&own),
                      buf_span(&probing->first.under), buf_span(&probing->first.token))) {
        if (probing_is_accepted(probing))
            probing->updated = probing_read_after(probing);
        else
            say_refused(checkup, probing);
    }
    if (probing->updated) {
        sides = probing_sides(probing);
        differences = comparison_make(probing->target, &sides, say_difference, checkup);
        if (probing->description->mark.is_there && !probing->last.is_ours)
            checkup_fail(checkup, ERR_CONFIG, "check `mark` of the target",
                         "the correlation id did not come back at the mark: our own updates are "
                         "recognised by their values alone");
        if (!differences)
            checkup_say(checkup, "all fields came back as they were sent");
        if (!given)
            checkup_say(checkup, "they were the values that the record had; other ones, such as "
                                 "the ERP writes them, can be tried with --fields");
    }
    buf_release(&own);
    buf_release(&fields);
}

/* --- the token --- */

/* What the answer to an update had, compared with what was read after it. */
static void check_answered(struct checkup *checkup, const struct probing *probing)
{
    const struct description *d = probing->description;
    struct span token = buf_span(&probing->last.token);

    if (!d->lock_answer.is_there) {
        if (span_equal(buf_span(&probing->shown), token))
            checkup_remark(checkup,
                           "leave out `answer` of the lock: then a second row of a record in a "
                           "file needs no read",
                           "the answer to an update has the new token, and the target says that "
                           "it has none");
    } else if (!probing->answered.size) {
        checkup_remark(checkup, "\"answer\": null in `lock`, or where the answer has it",
                       "the answer to an update has no token where the target looks for it");
    } else if (!target_same_token(buf_span(&probing->answered), token)) {
        checkup_fail(checkup, ERR_CONFIG, "\"answer\": null in `lock` of the target",
                     "the answer to an update had the token %.*s, and a read after it %.*s: the "
                     "next row of the record would be a conflict",
                     (int)probing->answered.size, probing->answered.data, (int)token.size,
                     token.data);
    } else {
        checkup_say(checkup, "the answer to an update has it");
    }
}

static void check_step(struct checkup *checkup, const struct probing *probing)
{
    long long before = probing->first.version, after = probing->last.version;

    if (after == before + 1)
        checkup_say(checkup, "the version went from %lld to %lld with one update", before, after);
    else
        checkup_fail(checkup, ERR_CONFIG,
                     "leave out `step` of the lock: with it, our own updates would be taken for "
                     "those of others",
                     "the version went from %lld to %lld with one update, and not to %lld", before,
                     after, before + 1);
}

void check_token(struct checkup *checkup)
{
    const struct probing *probing = checkup->probing;
    struct span before, after;

    if (!is_updated(checkup))
        return;
    before = buf_span(&probing->first.token);
    after = buf_span(&probing->last.token);
    if (probing->description->lock == TARGET_NONE) {
        checkup_say(checkup, "the target has no lock");
        return;
    }
    if (probing->description->lock == TARGET_STEP) {
        check_step(checkup, probing);
    } else if (!span_equal(before, after)) {
        checkup_say(checkup, "it went from %.*s to %.*s with one update", (int)before.size,
                    before.data, (int)after.size, after.data);
    } else if (probing_same(probing, buf_span(&probing->first.fields),
                            buf_span(&probing->last.fields))) {
        checkup_say(checkup, "it stays at %.*s if an update changes nothing", (int)after.size,
                    after.data);
    } else {
        checkup_fail(checkup, ERR_CONFIG,
                     "check `lock` of the target: this does not show that a record has changed",
                     "it stayed at %.*s although the record has changed", (int)after.size,
                     after.data);
    }
    check_answered(checkup, probing);
}

/* --- what is not sent --- */

/* Returns the number of violations of the fields as a row of a file. */
static size_t count_violations(struct checker *checker, struct span fields)
{
    struct row row = {.fields = fields};
    struct violations violations = {0};
    struct json_fault fault;
    struct err err = {0};
    size_t count = SIZE_MAX;

    if (json_scan(&row.tape, fields, 0, &fault) && checker_check(checker, &row, &violations, &err))
        count = violations.count;
    violations_release(&violations);
    json_tape_release(&row.tape);
    return count;
}

/* Finds a field that a row can do without, and builds what is left. */
static bool find_spare(struct probing *probing, struct buf *name, struct buf *rest)
{
    struct err err = {0};
    struct checker *checker = checker_open(probing->schema, &err);
    struct json_tape tape = {0};
    struct json_fault fault;
    struct buf all = {0}, scratch = {0};
    bool found = false;
    size_t before;

    probing_fields(probing, buf_span(&probing->last.fields), (struct span){0}, &all);
    if (checker && json_scan(&tape, buf_span(&all), 0, &fault)) {
        before = count_violations(checker, buf_span(&all));
        for (uint32_t i = 1; !found && i < tape.tokens[0].next; i = tape.tokens[i + 1].next) {
            buf_reset(name);
            buf_reset(rest);
            buf_append_span(name, json_string(&tape.tokens[i], all.data, &scratch));
            probing_fields(probing, buf_span(&all), buf_span(name), rest);
            found = count_violations(checker, buf_span(rest)) <= before;
        }
    }
    json_tape_release(&tape);
    buf_release(&all);
    buf_release(&scratch);
    checker_close(checker);
    return found;
}

/* Compares what happened to a field that was not sent with what the target says. */
static void check_kept(struct checkup *checkup, const struct probing *probing, const char *name)
{
    bool kept = probing_has(buf_span(&probing->last.fields), span_of(name));
    bool keeps = probing->description->keeps;
    bool replaces = schema_shape(probing->schema)->write_replaces;

    if (kept == keeps)
        checkup_say(checkup, "%s was not sent, and %s, as the target says", name,
                    kept ? "stayed as it was" : "was cleared");
    else if (!kept)
        checkup_fail(checkup, ERR_CONFIG, "\"absent\": \"clear\" in `write` of the target",
                     "%s was not sent, and was cleared: rows would clear what they do not have",
                     name);
    else if (replaces)
        checkup_fail(checkup, ERR_CONFIG,
                     "\"absent\": \"keep\" in `write` of the target, and \"write\": \"merge\"",
                     "%s was not sent, and stayed: rows cannot replace what the record holds",
                     name);
    else
        checkup_remark(checkup,
                       "\"absent\": \"keep\" in `write` of the target saves the reads, if that is "
                       "so for all fields",
                       "%s was not sent, and stayed, although the target says that it is cleared",
                       name);
}

void check_absent(struct checkup *checkup)
{
    struct probing *probing = checkup->probing;
    struct buf name = {0}, rest = {0}, text = {0};

    if (!is_updated(checkup))
        return;
    if (!find_spare(probing, &name, &rest)) {
        checkup_skip(checkup, "the record has only fields that the schema file requires");
    } else if (probing_write(probing, buf_span(&rest), buf_span(&probing->last.back),
                             buf_span(&probing->last.token))) {
        if (probing->meaning == MEANS_REFUSED || probing->meaning == MEANS_MISSING)
            checkup_remark(checkup, "require the field in the schema file",
                           "an update without %s was answered %s", buf_text(&name),
                           probing_answer(probing, &text));
        else if (!probing_is_accepted(probing))
            say_refused(checkup, probing);
        else if (probing_read_after(probing))
            check_kept(checkup, probing, buf_text(&name));
    }
    buf_release(&name);
    buf_release(&rest);
    buf_release(&text);
}

/* --- an old token --- */

void check_stale(struct checkup *checkup)
{
    struct probing *probing = checkup->probing;
    struct buf fields = {0}, text = {0}, advice = {0};

    if (!is_updated(checkup))
        return;
    if (probing->description->lock == TARGET_NONE) {
        checkup_say(checkup, "the target has no lock: the last writer wins");
        return;
    }
    if (!probing->older.size || probing->in_doubt) {
        checkup_skip(checkup, probing->in_doubt ? "an update before it may have been applied"
                                                : "the token never changed");
        return;
    }
    probing_fields(probing, buf_span(&probing->last.fields), (struct span){0}, &fields);
    if (probing_write(probing, buf_span(&fields), buf_span(&probing->last.under),
                      buf_span(&probing->older))) {
        probing_answer(probing, &text);
        buf_printf(&advice,
                   "if that is how the API refuses an old token: \"%ld%s%s\": \"conflict\" in "
                   "`answers` of the target",
                   probing->answer.status, probing->answer.code[0] ? " " : "",
                   probing->answer.code);
        if (probing->meaning == MEANS_CONFLICT)
            checkup_say(checkup, "an update with an old token is a conflict: %s", buf_text(&text));
        else if (probing_is_accepted(probing))
            checkup_fail(
                checkup, ERR_CONFIG,
                "check where `lock` of the target sends the token; an API that does not "
                "compare it has no lock",
                "an update with an old token was accepted: nothing keeps two writers apart");
        else if (probing->in_doubt)
            say_refused(checkup, probing);
        else
            checkup_fail(checkup, ERR_CONFIG, buf_text(&advice),
                         "an update with an old token was answered %s, which the target does not "
                         "take for a conflict",
                         buf_text(&text));
        probing->in_doubt = probing->meaning != MEANS_CONFLICT;
    }
    buf_release(&fields);
    buf_release(&text);
    buf_release(&advice);
}
