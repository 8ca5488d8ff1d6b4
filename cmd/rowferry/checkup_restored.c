#include "cmd/rowferry/checkup_restored.h"

#include "cmd/rowferry/probing.h"
#include "cmd/rowferry/words.h"
#include "core/api/comparison.h"
#include "core/api/fields.h"

enum {
    ROUNDS = 3,    /* updates that put the record back */
    NAMED_MAX = 8, /* members in messages */
};

/* Adds what the record held, for a person who has to put it back. */
static void say_first(struct checkup *checkup, struct probing *probing)
{
    struct buf *text = &checkup->finding.text;

    buf_append_text(text, "\nit held ");
    words_printable_span(text, buf_span(&probing->first.fields));
}

/* Whether the record is as one of our updates, or nobody's, left it. */
static bool is_ours(const struct probing *probing, struct span token, struct span fields)
{
    struct span now = buf_span(&probing->last.token);

    if (probing->description->lock != TARGET_NONE && span_equal(token, now))
        return true;
    if (probing->description->mark.is_there)
        return probing->last.is_ours;
    if (probing->description->lock != TARGET_NONE && !probing->in_doubt)
        return false;
    return probing_same(probing, fields, buf_span(&probing->last.fields)) ||
           (probing->in_doubt && probing_is_explained(probing));
}

/* Builds what puts the record back. What was not there is sent as null to a target that keeps what
 * is not sent. */
static void build_first(const struct probing *probing, struct buf *out)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct buf nulls = {0}, own = {0}, scratch = {0};
    struct span now = buf_span(&probing->last.fields);

    probing_fields(probing, buf_span(&probing->first.fields), (struct span){0}, &own);
    buf_append_char(&nulls, '{');
    if (probing->description->keeps && json_scan(&tape, now, 0, &fault)) {
        for (uint32_t i = 1; i < tape.tokens[0].next; i = tape.tokens[i + 1].next) {
            struct span name = json_string(&tape.tokens[i], now.data, &scratch);

            if (!probing_has(buf_span(&probing->given), name) || probing_has(buf_span(&own), name))
                continue;
            buf_append_text(&nulls, nulls.size > 1 ? ",\"" : "\"");
            buf_append_json(&nulls, name);
            buf_append_text(&nulls, "\":null");
        }
    }
    buf_append_char(&nulls, '}');
    api_fields_merge(out, buf_span(&own), buf_span(&nulls));
    json_tape_release(&tape);
    buf_release(&nulls);
    buf_release(&own);
    buf_release(&scratch);
}

static bool fail_unclear(struct checkup *checkup)
{
    return checkup_fail(checkup, ERR_INPUT, "put it back by hand",
                        "it was not put back, because it holds what nobody here sent, and nothing "
                        "shows whether the API or somebody else wrote that");
}

/* Whether an answer means that another update is refused, too. */
static bool is_final(enum meaning meaning)
{
    return meaning == MEANS_REFUSED || meaning == MEANS_FORBIDDEN || meaning == MEANS_TOKEN ||
           meaning == MEANS_WRONG_PLACE || meaning == MEANS_PROXY || meaning == MEANS_STOP;
}

/* Sends updates until the record is as it was. last: what came of the last one, unless it was
 * accepted. False after the finding. */
static bool restore(struct checkup *checkup, struct probing *probing, struct buf *last)
{
    struct buf fields = {0}, text = {0};
    bool fine = true, answered;

    for (unsigned round = 0; fine && round < ROUNDS; round++) {
        if (probing_same(probing, buf_span(&probing->first.fields),
                         buf_span(&probing->last.fields)))
            break;
        buf_reset(&fields);
        build_first(probing, &fields);
        buf_reset(last);
        answered = probing_send(probing, buf_span(&fields), buf_span(&probing->first.under),
                                buf_span(&probing->last.token), &(struct err){0});
        if (!answered)
            buf_append_text(last, ", to the last of which no answer came");
        else if (!probing_is_accepted(probing))
            buf_printf(last, ", the last of which was answered %s", probing_answer(probing, &text));
        if (answered && is_final(probing->meaning))
            fine = checkup_fail(checkup, ERR_INPUT, "put it back by hand",
                                "what it held was refused: %s", probing_answer(probing, &text));
        fine =
            fine && probing_read_after(probing) && (!probing->is_unclear || fail_unclear(checkup));
    }
    buf_release(&fields);
    buf_release(&text);
    return fine;
}

/* Says whether the record is as it was. */
static void say_restored(struct checkup *checkup, struct probing *probing, struct buf *last)
{
    struct buf gone = {0};
    size_t count;

    if (!probing_same(probing, buf_span(&probing->first.fields), buf_span(&probing->last.fields))) {
        checkup_fail(checkup, ERR_INPUT, "put it back by hand",
                     "the record does not hold what it held, after %d updates%s", ROUNDS,
                     buf_text(last));
        say_first(checkup, probing);
        return;
    }
    count = comparison_gone(buf_span(&probing->first.body), buf_span(&probing->last.body),
                            NAMED_MAX, &gone);
    if (count) {
        checkup_fail(
            checkup, ERR_INPUT,
            probing->description->bulk.max
                ? "put them back by hand; \"bulk\": null sends row by row, with what `back` "
                  "names"
                : "put them back by hand; `back` of the target names what an update has to "
                  "send too",
            "the record has lost %s%s", buf_text(&gone), count > NAMED_MAX ? ", ..." : "");
        buf_append_text(&checkup->finding.text, "\nit was ");
        words_printable_span(&checkup->finding.text, buf_span(&probing->first.body));
    } else {
        checkup_say(checkup, "the record holds what it held%s%s%.*s",
                    probing->description->mark.is_there ? ", but for the mark" : "",
                    probing->last.token.size ? ", version " : "", (int)probing->last.token.size,
                    probing->last.token.size ? probing->last.token.data : "");
    }
    buf_release(&gone);
}

void check_restored(struct checkup *checkup)
{
    struct probing *probing = checkup->probing;
    struct buf token = {0}, fields = {0}, last = {0};
    bool known;

    if (!probing || !probing->wrote) {
        checkup_skip(checkup, "nothing was written");
        return;
    }
    buf_append_span(&token, buf_span(&probing->last.token));
    buf_append_span(&fields, buf_span(&probing->last.fields));
    checkup_busy(checkup, "putting the record back ...");
    known = probing_read(probing) == PROBING_SEEN;
    if (!known && checkup->finding.outcome != OUTCOME_FAILED)
        checkup_fail(checkup, ERR_INPUT, "put it back by hand",
                     "the record does not exist any more");
    if (known && probing->is_unclear)
        known = fail_unclear(checkup);
    else if (known &&
             (probing->is_foreign || !is_ours(probing, buf_span(&token), buf_span(&fields))))
        known = checkup_fail(checkup, ERR_INPUT, "put it back by hand",
                             "it was not put back, because somebody else changed it meanwhile");
    if (known && restore(checkup, probing, &last))
        say_restored(checkup, probing, &last);
    else
        say_first(checkup, probing);
    buf_release(&token);
    buf_release(&fields);
    buf_release(&last);
}
