/* Settles conflicts: with our rows, which the next drain sends again, or with theirs. */
#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/api/fields.h"
#include "core/store/decide.h"

#include <inttypes.h>
#include <stddef.h>

enum { FIELDS_MAX = 8 };

struct resolving {
    struct choice choice;
    enum resolution resolution;
    struct resolve_sides sides;
};

static struct resolving *resolving_of(struct choice *choice)
{
    return (struct resolving *)((char *)choice - offsetof(struct resolving, choice));
}

/* The fields in which the sides differ, as they are printed. */
struct fields {
    struct buf *out;
    uint64_t count;
};

static void add_field_json(void *context, const struct api_fields_difference *difference)
{
    struct fields *fields = context;

    buf_append_text(fields->out, fields->count++ ? ", " : "");
    buf_append_quoted(fields->out, difference->name);
}

static void add_field(void *context, const struct api_fields_difference *difference)
{
    struct fields *fields = context;

    if (fields->count++ >= FIELDS_MAX)
        return;
    buf_append_text(fields->out, fields->count == 1 ? ", differing in " : ", ");
    words_printable_span(fields->out, difference->name);
}

static void print_json(struct resolving *resolving, const struct decided *decided)
{
    static const char *const outcomes[] = {
        [DECIDE_MOVED] = "settled",
        [DECIDE_UNFIT] = "no_conflict",
        [DECIDE_SUPERSEDED] = "superseded",
    };
    const struct resolve_sides *sides = &resolving->sides;
    struct buf *line = &resolving->choice.out;

    choice_json(&resolving->choice, decided, outcomes[decided->end]);
    json_line_text(line, "resolution", span_of(resolution_name(resolving->resolution)));
    if (resolving->choice.dry_run) {
        json_line_known(line, "submitted_version", sides->has_submitted, sides->submitted_version);
        json_line_known(line, "server_version", sides->has_server, sides->server_version);
        buf_append_text(line, ", \"fields\": [");
        api_fields_differing(buf_span(&sides->ours), buf_span(&sides->theirs), add_field_json,
                             &(struct fields){line, 0});
        buf_append_char(line, ']');
    }
    report_json(&resolving->choice.session.cli->report, line);
}

/* Appends the version, the token in its place, or `-`. */
static void append_version(struct buf *out, bool is_there, int64_t version, const struct buf *token)
{
    if (is_there)
        buf_printf(out, "%" PRId64, version);
    else
        words_printable_span(out, token->size ? buf_span(token) : span_of("-"));
}

/* Appends `version 5 against 7, differing in price, quantity`. */
static void append_sides(const struct resolve_sides *sides, struct buf *out)
{
    struct fields fields = {out, 0};

    buf_append_text(out, "version ");
    append_version(out, sides->has_submitted, sides->submitted_version, &sides->token);
    if (sides->is_gone) {
        buf_append_text(out, ", and the record is gone");
        return;
    }
    buf_append_text(out, " against ");
    append_version(out, sides->has_server, sides->server_version, &sides->server_token);
    api_fields_differing(buf_span(&sides->ours), buf_span(&sides->theirs), add_field, &fields);
    if (fields.count > FIELDS_MAX)
        buf_printf(out, " and %" PRIu64 " more", fields.count - FIELDS_MAX);
}

static void append_reason(const struct resolving *resolving, const struct decided *decided,
                          struct buf *out)
{
    if (decided->end == DECIDE_UNFIT) {
        buf_printf(out, "is %s, not in conflict", job_state_name(decided->state));
    } else if (decided->end == DECIDE_SUPERSEDED) {
        choice_superseded(decided, out);
    } else if (resolving->choice.dry_run) {
        append_sides(&resolving->sides, out);
    } else {
        buf_printf(out, "settled with %s", resolution_name(resolving->resolution));
    }
}

static bool visit(void *context, const struct decided *decided, struct err *err)
{
    struct choice *choice = context;
    struct resolving *resolving = resolving_of(choice);
    struct report *report = &choice->session.cli->report;

    if (!choice_count(choice, decided))
        return true;
    if (choice->dry_run && choice_shows(choice) &&
        !resolve_show(choice->session.store, decided->job_id, &resolving->sides, err))
        return false;
    if (report->json) {
        print_json(resolving, decided);
    } else if ((choice->dry_run || report->verbose || decided->end != DECIDE_MOVED) &&
               choice_line(choice, decided)) {
        append_reason(resolving, decided, &choice->out);
        choice_end_line(choice);
    }
    return true;
}

static bool decide(struct choice *choice, const struct decision *decision, struct err *err)
{
    return resolve_jobs(choice->session.store, resolving_of(choice)->resolution, decision,
                        &choice->job_ids, err);
}

static void append_question(struct choice *choice, uint64_t count, struct buf *out)
{
    char conflicts[WORDS_SIZE];

    buf_printf(out, "settle %s with %s", words_count(count, "conflict", conflicts),
               resolution_name(resolving_of(choice)->resolution));
}

static void append_counts(struct choice *choice, struct buf *out)
{
    char conflicts[WORDS_SIZE];
    if (choice->job_ids.count == 0) {
        buf_append_text(out, "no conflict waits for a decision\n");
        return;
    }
    buf_printf(
        out, "%s%s settled with %s", words_count(choice->ends[DECIDE_MOVED], "conflict", conflicts),
        choice->dry_run ? " would be" : "", resolution_name(resolving_of(choice)->resolution));
    choice_stay(choice, out);
}

static bool choose(struct choice *choice)
{
    struct session *session = &choice->session;
    int64_t batch_id = options_number(&session->cli->options, OPT_BATCH);
    struct err err = {0};

    if (session->cli->options.path_count > 0)
        return true;
    if (batch_id && !session_find_batch(session, batch_id, NULL))
        return false;
    return resolve_find(session->store, batch_id, &choice->job_ids, &err) ||
           report_fail(&session->cli->report, &err);
}

static bool read_options(struct resolving *resolving, struct cli *cli)
{
    const struct options *options = &cli->options;
    bool ours = options_flag(options, OPT_OURS), theirs = options_flag(options, OPT_THEIRS);

    if (ours == theirs)
        return report_error(&cli->report, ERR_CONFIG,
                            "%s: use one of them; see rowferry resolve --help",
                            ours ? "--ours and --theirs cannot be used together"
                                 : "neither --ours nor --theirs is given");
    if (theirs && options_flag(options, OPT_EVEN_IF_SUPERSEDED))
        return report_error(&cli->report, ERR_CONFIG,
                            "--even-if-superseded cannot be used with --theirs: use --ours");
    resolving->resolution = ours ? RESOLVE_OURS : RESOLVE_THEIRS;
    resolving->choice.sends = ours;
    resolving->choice.dry_run = options_flag(options, OPT_DRY_RUN);
    return choice_read(cli, &resolving->choice.job_ids);
}

void command_resolve(struct cli *cli)
{
    static const struct choice_verb verb = {decide, visit, append_question, append_counts};
    struct resolving resolving = {.choice = {.session = {.cli = cli}, .verb = &verb}};

    if (read_options(&resolving, cli) && session_look(&resolving.choice.session) &&
        choose(&resolving.choice))
        choice_work(&resolving.choice);
    resolve_sides_release(&resolving.sides);
    choice_release(&resolving.choice);
}
