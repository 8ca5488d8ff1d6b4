#include "cmd/rowferry/checkup_api.h"

#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/words.h"
#include "core/api/probe.h"
#include "core/validate/catalog.h"

enum {
    AHEAD_REMARK_MS = 2000,
    AHEAD_FAILED_MS = 30000,
};

/* No record has this id, and none is created. */
static const char record_id[] = "rowferry-doctor-looks-for-no-record";

/* Returns what to check if the login or the API does not answer as expected. */
static const char *advice_of(enum err_kind kind)
{
    return kind == ERR_NETWORK
               ? "check the network, a proxy (https_proxy) and --environment; nothing is lost, and "
                 "`rowferry run` resumes later"
           : kind == ERR_CONFIG
               ? "check --environment and --login-url; if a proxy or a test server has its own "
                 "certificate authority, name its certificate with --ca-file"
               : "please report this";
}

/* Appends where the credentials come from. */
static void append_origins(const struct options *options, struct buf *out)
{
    bool key = options_text(options, OPT_API_KEY);

    buf_append_text(out, "what was used: ");
    if (key) {
        buf_append_text(out, "the key from ");
        options_describe(options, OPT_API_KEY, out);
        buf_printf(out, " as %s", options_text(options, OPT_API_KEY_HEADER));
    } else {
        buf_append_text(out, "the client id from ");
        options_describe(options, OPT_CLIENT_ID, out);
        buf_append_text(out, ", the secret from ");
        options_describe(options, OPT_CLIENT_SECRET, out);
    }
    buf_append_text(out, ", at the environment ");
    buf_append_text(out, options_text(options, OPT_ENVIRONMENT));
}

static bool has_credentials(struct checkup *checkup)
{
    static const char advice[] =
        "set both in the environment or in .env; without them no request was "
        "made";
    bool id = checkup->credentials.client.id, secret = checkup->credentials.secret;

    if (credentials_complete(&checkup->credentials))
        return true;
    if (!id)
        checkup_fail(checkup, ERR_CONFIG, advice, "no client id is set: GENESYS_CLIENT_ID");
    if (!secret)
        checkup_fail(checkup, ERR_CONFIG, advice,
                     "no client secret is set: GENESYS_CLIENT_SECRET or "
                     "GENESYS_CLIENT_SECRET_FILE");
    return false;
}

void check_login(struct checkup *checkup)
{
    const struct options *options = &checkup->cli->options;
    struct api_probe_answer answer = {0};
    struct buf origins = {0};
    struct err err = {0};
    bool keyed;

    if (!checkup->addressed) {
        checkup_skip(checkup, "the configuration is wrong; no request was made");
        return;
    }
    if (!has_credentials(checkup))
        return;
    checkup_busy(checkup, "asking the login for a token ...");
    checkup->probe = api_probe_open(
        &(struct api_probe_options){
            .environment = &checkup->credentials.environment,
            .client = checkup->credentials.client,
            .ca_file = options_text(options, OPT_CA_FILE),
            .user_agent = "rowferry/" ROWFERRY_VERSION,
            .timeout_ms = options_number(options, OPT_TIMEOUT),
        },
        &err);
    keyed = checkup->probe && checkup->credentials.key;
    checkup->cli->summary->run.requests += checkup->probe && !keyed;
    checkup->has_token =
        keyed || (checkup->probe && api_probe_login(checkup->probe, &answer, &err));
    append_origins(options, &origins);
    if (keyed)
        checkup_say(checkup, "no token is needed; %s", buf_text(&origins));
    else if (checkup->has_token)
        checkup_say(checkup, "%s gave a token after %.0f ms",
                    checkup->credentials.environment.login_url, (double)answer.latency_us / 1000);
    else
        checkup_take(checkup, &err,
                     err.kind == ERR_AUTH ? buf_text(&origins) : advice_of(err.kind));
    buf_release(&origins);
}

static void report_answer(struct checkup *checkup, const char *schema,
                          const struct api_probe_answer *answer)
{
    if (answer->status == 429) {
        checkup_remark(checkup,
                       "something else uses up the limit of this client's tokens; a run waits as "
                       "long as the API asks",
                       "%s answered 429: %s", checkup->credentials.environment.api_url,
                       answer->message);
        return;
    }
    checkup_say(checkup, "%s answered %ld after %.0f ms", checkup->credentials.environment.api_url,
                answer->status, (double)answer->latency_us / 1000);
    if (answer->status == 404)
        checkup_say(checkup,
                    "asked for a record of %s that does not exist; 404 is right, and does not show "
                    "whether the object exists",
                    schema);
}

/* Returns the name of the first schema whose file is right, and its target; else the first. */
static const char *schema_to_ask_for(const struct catalog *catalog, const struct target **target)
{
    struct err err = {0};

    *target = target_guide();
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct schema *schema = catalog_find(catalog, catalog_name(catalog, i), &err);

        if (!schema)
            continue;
        *target = schema_target(schema);
        return catalog_name(catalog, i);
    }
    return catalog_name(catalog, 0);
}

/* Returns an id that no record has, with as many parts as those of the target. */
static const char *id_to_ask_for(const struct target *target, struct buf *id)
{
    for (uint32_t i = 0; i < target_description(target)->column_count; i++)
        buf_append_text(id, "0/");
    buf_append_text(id, record_id);
    return buf_text(id);
}

void check_api(struct checkup *checkup)
{
    struct api_probe_answer answer = {0};
    struct err err = {0};
    const struct target *target;
    const char *schema;
    struct buf id = {0};
    bool fine;

    if (!checkup->has_token) {
        checkup_skip(checkup, "there is no token");
        return;
    }
    if (!checkup->catalog) {
        checkup_skip(checkup, "no schema file names an object to ask for");
        return;
    }
    schema = schema_to_ask_for(checkup->catalog, &target);
    checkup_busy(checkup, "asking the API for a record ...");
    checkup->cli->summary->run.requests++;
    fine =
        api_probe_record(checkup->probe, target, schema, id_to_ask_for(target, &id), &answer, &err);
    buf_release(&id);
    if (fine)
        report_answer(checkup, schema, &answer);
    api_probe_answer_release(&answer);
    if (fine)
        return;
    if (err.kind != ERR_STOPPED)
        err_wrap(&err, "GET of a record of %s at %s", schema,
                 checkup->credentials.environment.api_url);
    checkup_take(checkup, &err,
                 err.kind == ERR_AUTH && checkup->credentials.key
                     ? "check the key, and --api-key-header; the key is the whole value of its "
                       "field, with a scheme such as Bearer if the API wants one"
                 : err.kind == ERR_AUTH
                     ? "give the OAuth client the scopes customobjects:read and "
                       "customobjects:write, and a role with the custom objects permissions; or "
                       "it belongs to another organisation than --environment"
                     : advice_of(err.kind));
}

void check_clock(struct checkup *checkup)
{
    int64_t ahead_ms, apart_ms;
    char span[WORDS_SIZE];
    const char *which;

    if (!checkup->probe || !api_probe_clock_ahead_ms(checkup->probe, &ahead_ms)) {
        checkup_skip(checkup, "no server has sent its time");
        return;
    }
    apart_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    which = ahead_ms < 0 ? "earlier" : "later";
    words_duration(apart_ms, span);
    if (apart_ms >= AHEAD_FAILED_MS)
        checkup_fail(checkup, ERR_CONFIG,
                     "set it by NTP (timedatectl set-ntp true): dates in Retry-After, the "
                     "windows of audits, certificates and the times in the database depend on it",
                     "this machine's clock is %s %s than the server's", span, which);
    else if (apart_ms >= AHEAD_REMARK_MS)
        checkup_remark(checkup, "set it by NTP (timedatectl set-ntp true)",
                       "this machine's clock is %s %s than the server's", span, which);
    else
        checkup_say(checkup, "agrees with the server's");
}
