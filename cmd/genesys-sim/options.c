#include "cmd/genesys-sim/options.h"

#include "cmd/genesys-sim/routes.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#include <math.h>
#include <stdlib.h>

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_FLAG, OPTION_PACE, OPTION_CALL };

/* One option. NUMBERs have limits; a CALL reads its value itself. */
struct option {
    const char *name;
    const char *argument; /* NULL for a flag */
    const char *help;
    enum option_type type;
    bool changeable;
    size_t offset;
    int64_t minimum, maximum;
    bool (*set)(struct options *options, const char *value, struct err *err);
};

enum { DAY_MS = 86400000 };

static bool set_lifetime(struct options *options, const char *value, struct err *err)
{
    char *end = NULL;
    double seconds = strtod(value, &end);

    if (end == value || *end || !isfinite(seconds) || seconds < 0.001 || seconds > 1e9)
        return err_set(err, ERR_CONFIG, "'%s' is not a number of seconds", value);
    options->token_lifetime_us = (int64_t)(seconds * 1e6);
    return true;
}

static bool set_retry_after(struct options *options, const char *value, struct err *err)
{
    static const struct {
        const char *word;
        enum wait_form form;
    } forms[] = {{"seconds", WAIT_SECONDS},
                 {"date", WAIT_DATE},
                 {"message", WAIT_MESSAGE},
                 {"none", WAIT_NONE}};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(value, forms[i].word) == 0) {
            options->wait_form = forms[i].form;
            return true;
        }
    }
    if (!str_to_int64(span_of(value), 0, INT32_MAX, &options->retry_after_s))
        return err_set(err, ERR_CONFIG, "'%s' is not seconds, date, message, none or a number",
                       value);
    options->wait_form = WAIT_FIXED;
    return true;
}

static bool set_api_key(struct options *options, const char *value, struct err *err)
{
    if (!strchr(value, ':'))
        return err_set(err, ERR_CONFIG, "'%s' is not NAME:VALUE", value);
    free(options->api_key);
    options->api_key = mem_strdup(value);
    return true;
}

static bool set_fault(struct options *options, const char *value, struct err *err)
{
    return faults_parse(&options->faults, value, err);
}

/* Removes `*N` and `@reused` from the end of STATUS[:CODE][*N][@reused]. */
static bool take_condition(struct fixed_answer *answer, struct span *text, struct err *err)
{
    static const char reused[] = "@reused";
    const char *star;

    answer->times = -1;
    if (text->size >= strlen(reused) &&
        memcmp(text->data + text->size - strlen(reused), reused, strlen(reused)) == 0) {
        text->size -= strlen(reused);
        answer->reused = true;
    }
    star = memchr(text->data, '*', text->size);
    if (!star)
        return true;
    if (!str_to_int64((struct span){star + 1, text->size - (size_t)(star - text->data) - 1}, 1,
                      INT32_MAX, &answer->times))
        return err_set(err, ERR_CONFIG, "'%s' needs a number of answers after *", star);
    text->size = (size_t)(star - text->data);
    return true;
}

static bool set_distort(struct options *options, const char *value, struct err *err)
{
    return distort_parse(&options->distortions, value, err);
}

static bool set_answer(struct options *options, const char *value, struct err *err)
{
    static const struct {
        const char *word;
        unsigned scopes;
    } scopes[] = {
        {"put:", ANSWER_PUT},    {"get:", ANSWER_GET},     {"all:", ANSWER_PUT | ANSWER_GET},
        {"erp:", ANSWER_ERP},    {"early:", ANSWER_EARLY}, {"token:", ANSWER_TOKEN},
        {"audit:", ANSWER_AUDIT}};
    struct fixed_answer answer = {.scopes = ANSWER_PUT};
    const char *prefix = value, *equals = strrchr(value, '='), *colon;
    struct span rest, status;
    int64_t number;

    if (!equals)
        return err_set(err, ERR_CONFIG, "'%s' is not PREFIX=STATUS[:CODE]", value);
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        if (str_starts(value, scopes[i].word)) {
            answer.scopes = scopes[i].scopes;
            prefix = value + strlen(scopes[i].word);
            break;
        }
    }
    rest = status = span_of(equals + 1);
    if (!take_condition(&answer, &rest, err))
        return false;
    colon = memchr(rest.data, ':', rest.size);
    status.size = colon ? (size_t)(colon - rest.data) : rest.size;
    if (!str_to_int64(status, 0, 599, &number) || (number > 0 && number < 200))
        return err_set(err, ERR_CONFIG, "'%s' needs a status from 200 to 599, or 0", value);
    answer.status = (unsigned)number;
    answer.prefix = mem_copy(prefix, (size_t)(equals - prefix));
    answer.code = colon ? mem_copy(colon + 1, rest.size - status.size - 1) : NULL;
    options->answer =
        mem_resize(options->answer, options->answer_count + 1, sizeof *options->answer);
    options->answer[options->answer_count++] = answer;
    return true;
}

#define AT(member) offsetof(struct options, member)

static const struct option table[] = {
    {"port", "N", "0: a free one (default)", OPTION_NUMBER, false, AT(port), 0, 65535, NULL},
    {"client-id", "ID", "default sim-client", OPTION_TEXT, false, AT(client_id), 0, 0, NULL},
    {"client-secret", "S", "default sim-secret", OPTION_TEXT, true, AT(client_secret), 0, 0, NULL},
    {"token-lifetime", "S", "seconds, for example 0.5; default 3600", OPTION_CALL, true, 0, 0, 0,
     set_lifetime},
    {"expires-in", "S", "expires_in of a login, for example 0 or -5; default: the\nlifetime",
     OPTION_NUMBER, true, AT(expires_in), INT32_MIN, INT64_MAX, NULL},
    {"token-limit", "N/P", "logins per period (s, m, h)", OPTION_PACE, true, AT(token_limit), 0, 0,
     NULL},
    {"jwt-issuer", "URL", "tokens are JWTs of this issuer", OPTION_TEXT, false, AT(jwt_issuer), 0,
     0, NULL},
    {"api-key", "NAME:VALUE",
     "API requests need this header field instead of a token;\na wrong one is repeated in the 401",
     OPTION_CALL, false, 0, 0, 0, set_api_key},
    {"base-version", "N", "version of a record that is new; default 1", OPTION_NUMBER, false,
     AT(base_version), 0, INT64_MAX / 2, NULL},
    {"records", "FILE", "seeds, NDJSON: schema, id, version, fields, metadata", OPTION_TEXT, false,
     AT(records_path), 0, 0, NULL},
    {"only-seeded", NULL, "other records are 404", OPTION_FLAG, false, AT(only_seeded), 0, 0, NULL},
    {"upsert", NULL, "a PUT to /rest-... creates a record that is missing", OPTION_FLAG, false,
     AT(upsert), 0, 0, NULL},
    {"latency-ms", "N", "delay of every API answer", OPTION_NUMBER, true, AT(latency_ms), 0, DAY_MS,
     NULL},
    {"login-latency-ms", "N",
     "additional delay of a login's answer; the token's\nlifetime starts before it", OPTION_NUMBER,
     true, AT(login_latency_ms), 0, DAY_MS, NULL},
    {"rate-limit", "N/P", "API requests per period (s, m, h), then 429", OPTION_PACE, true,
     AT(rate_limit), 0, 0, NULL},
    {"retry-after", "HOW",
     "how a 429 gives the wait: seconds, N, date, message,\nnone; N applies to the login's 400 too",
     OPTION_CALL, true, 0, 0, 0, set_retry_after},
    {"bare-conflicts", NULL, "a 409 does not give the version", OPTION_FLAG, false,
     AT(bare_conflicts), 0, 0, NULL},
    {"answer", "[SCOPE:]PREFIX=STATUS[:CODE][*N][@reused]",
     "fixed answer for record ids with this prefix; SCOPE is\n"
     "put (default), get, all (put and get), audit (the first\n"
     "id of the query), erp, early (an update before its body\n"
     "is read) or token (the client id);\n"
     "*N: only the next N times; @reused: only on a\n"
     "connection that has served a request; the last match\n"
     "applies; STATUS 0: as usual; 422:details, 422:errors:\n"
     "the violations are in that member",
     OPTION_CALL, true, 0, 0, 0, set_answer},
    {"fault", "[SCOPE:]KIND=P",
     "probability of a fault; SCOPE is put (default), get,\n"
     "token, erp; `none` removes all",
     OPTION_CALL, true, 0, 0, 0, set_fault},
    {"fault-limit", "N", "number of faults, after which there are no more", OPTION_NUMBER, true,
     AT(fault_limit), 0, INT64_MAX, NULL},
    {"distort", "SCOPE:KIND=P",
     "probability of a distorted answer; SCOPE is put, get,\n"
     "audit, token, webhook; `none` removes all",
     OPTION_CALL, true, 0, 0, 0, set_distort},
    {"seed", "N", "seed of faults and distortions; default 1", OPTION_NUMBER, false, AT(seed), 0,
     INT64_MAX, NULL},
    {"stall-ms", "N", "silence of the stall and halt faults; default 15000", OPTION_NUMBER, true,
     AT(stall_ms), 0, DAY_MS, NULL},
    {"bulk-max", "N", "rows of a bulk request, then 413; default: what the API allows",
     OPTION_NUMBER, true, AT(bulk_max), 0, 1000, NULL},
    {"late-ms", "N", "delay of the late fault; default 1000", OPTION_NUMBER, true, AT(late_ms), 0,
     DAY_MS, NULL},
    {"date-offset", "S", "seconds that the Date of answers is ahead (-S: late)", OPTION_NUMBER,
     true, AT(date_offset_s), -DAY_MS, DAY_MS, NULL},
    {"audit-lag-ms", "N", "delay until an audit entry is visible", OPTION_NUMBER, true,
     AT(audit_lag_ms), 0, DAY_MS, NULL},
    {"read-lag-ms", "N", "a GET shows the record of that time ago", OPTION_NUMBER, true,
     AT(read_lag_ms), 0, DAY_MS, NULL},
    {"webhook-url", "URL", "a notification of each change of a record is POSTed here", OPTION_TEXT,
     true, AT(webhook_url), 0, 0, NULL},
    {"webhook-secret", "S",
     "signs them, by Standard Webhooks and X-Hub-Signature-256:\nwhsec_BASE64 or plain text",
     OPTION_TEXT, true, AT(webhook_secret), 0, 0, NULL},
    {"webhook-delay-ms", "N", "notifications are sent that much after the change", OPTION_NUMBER,
     true, AT(webhook_delay_ms), 0, DAY_MS, NULL},
    {"webhook-retries", "N",
     "how often one is sent again, 1 s later each time, until\nit is answered 2xx; default 3",
     OPTION_NUMBER, true, AT(webhook_retries), 0, INT32_MAX, NULL},
    {"erp-secret", "S",
     "/erp answers 401 to what is not signed with it, by\nStandard Webhooks: whsec_BASE64 or plain "
     "text",
     OPTION_TEXT, true, AT(erp_secret), 0, 0, NULL},
    {"erp-latency-ms", "N", "further delay of answers of /erp", OPTION_NUMBER, true,
     AT(erp_latency_ms), 0, DAY_MS, NULL},
    {"notifications", "FILE",
     "one JSON line each time a notification was sent:\nwebhook_id, id of the record, attempt, "
     "status, body ...,\nappended",
     OPTION_TEXT, false, AT(notifications_path), 0, 0, NULL},
    {"ledger", "FILE", "appends one JSON line per applied update", OPTION_TEXT, false,
     AT(ledger_path), 0, 0, NULL},
    {"requests", "FILE", "appends one JSON line per request", OPTION_TEXT, false, AT(requests_path),
     0, 0, NULL},
    {"tls-cert", "FILE",
     "PEM: https with this certificate; faults that break\nHTTP itself do not work then",
     OPTION_TEXT, false, AT(tls_cert_path), 0, 0, NULL},
    {"tls-key", "FILE", "PEM: the certificate's key", OPTION_TEXT, false, AT(tls_key_path), 0, 0,
     NULL},
    {"with-parent", NULL, "exits when its parent does", OPTION_FLAG, false, AT(with_parent), 0, 0,
     NULL},
    {"max-seconds", "N", "maximum run time in seconds; default 3600", OPTION_NUMBER, false,
     AT(max_seconds), 1, INT32_MAX, NULL},
    {"help", NULL, "this text", OPTION_FLAG, false, AT(help), 0, 0, NULL},
};

#undef AT

static const struct option *find_option(struct span name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (span_is(name, table[i].name))
            return &table[i];
    return NULL;
}

static bool set_option(struct options *options, const struct option *option, const char *value,
                       struct err *err)
{
    void *member = (char *)options + option->offset;

    switch (option->type) {
    case OPTION_TEXT:
        free(*(char **)member);
        *(char **)member = mem_strdup(value);
        return true;
    case OPTION_NUMBER:
        if (str_to_int64(span_of(value), option->minimum, option->maximum, (int64_t *)member))
            return true;
        return err_set(err, ERR_CONFIG, "'%s' is not a whole number from %lld to %lld", value,
                       (long long)option->minimum, (long long)option->maximum);
    case OPTION_FLAG:
        *(bool *)member = true;
        return true;
    case OPTION_PACE:
        return pace_parse(member, value, err);
    case OPTION_CALL:
        return option->set(options, value, err);
    }
    return err_set(err, ERR_INTERNAL, "an option has an unknown type");
}

void options_init(struct options *options)
{
    *options = (struct options){
        .client_id = mem_strdup("sim-client"),
        .client_secret = mem_strdup("sim-secret"),
        .token_lifetime_us = INT64_C(3600000000),
        .expires_in = INT64_MIN,
        .base_version = 1,
        .stall_ms = 15000,
        .late_ms = 1000,
        .webhook_retries = 3,
        .max_seconds = 3600,
        .seed = 1,
        .fault_limit = -1,
    };
}

void options_release(struct options *options)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].type == OPTION_TEXT)
            free(*(char **)(void *)((char *)options + table[i].offset));
    for (size_t i = 0; i < options->answer_count; i++) {
        free(options->answer[i].prefix);
        free(options->answer[i].code);
    }
    free(options->answer);
    free(options->api_key);
    *options = (struct options){0};
}

bool options_parse(struct options *options, int argc, char *const *argv, struct err *err)
{
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        const struct option *option = NULL;
        const char *value = equals ? equals + 1 : NULL;
        struct span name = span_of(argv[i]);

        if (equals)
            name.size = (size_t)(equals - argv[i]);
        if (name.size > 2 && str_starts(argv[i], "--"))
            option = find_option(span_from(name, 2));
        if (!option)
            return err_set(err, ERR_CONFIG, "unknown option '%s'", argv[i]);
        if (!option->argument && value)
            return err_set(err, ERR_CONFIG, "--%s takes no value", option->name);
        if (option->argument && !value) {
            if (i + 1 == argc)
                return err_set(err, ERR_CONFIG, "--%s needs a value", option->name);
            value = argv[++i];
        }
        if (!set_option(options, option, value, err))
            return err_wrap(err, "--%s", option->name);
    }
    options->distortions.seed = (uint64_t)options->seed;
    return true;
}

bool options_change(struct options *options, const char *name, const char *value, struct err *err)
{
    const struct option *option = find_option(span_of(name));

    if (!option || !option->changeable)
        return err_set(err, ERR_CONFIG, "'%s' cannot be changed at run time", name);
    if (!set_option(options, option, value, err))
        return err_wrap(err, "%s", name);
    return true;
}

static void help_line(FILE *out, const char *left, const char *right)
{
    fprintf(out, "  %-24s", left);
    if (strlen(left) > 23)
        fprintf(out, "\n  %-24s", "");
    for (; *right; right++) {
        fputc(*right, out);
        if (*right == '\n')
            fprintf(out, "  %-24s", "");
    }
    fputc('\n', out);
}

void options_help(FILE *out)
{
    static const char *const control[][2] = {
        {"GET  /sim/stats", "counts"},
        {"GET  /sim/records/S/ID", "a record of schema S as it is, without a token"},
        {"POST /sim/records/S/ID", "{\"fields\", \"correlationId\"?}: an update by someone else"},
        {"POST /sim/revoke", "revokes all tokens issued so far"},
        {"POST /sim/config?KEY=VALUE", "changes an option marked *: fault=cut-after=0.05"},
    };
    char left[64];

    fputs("genesys-sim serves the Custom Objects API, its login and an ERP endpoint on 127.0.0.1.\n"
          "It prints one line, `listening on http://127.0.0.1:PORT`.\n\nOptions:\n",
          out);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        snprintf(left, sizeof left, "--%s%s%s%s", table[i].name, table[i].argument ? " " : "",
                 table[i].argument ? table[i].argument : "", table[i].changeable ? " *" : "");
        help_line(out, left, table[i].help);
    }
    fputs("\nOther resources, with records of their own, in the ledger as RESOURCE/TABLE:\n", out);
    for (int i = RESOURCE_NONE + 1; i < RESOURCE_KINDS; i++)
        help_line(out, route_resource_name((enum resource_kind)i),
                  route_resource_help((enum resource_kind)i));
    fputs("\nKinds of faults:\n", out);
    for (int i = 0; i < FAULT_KINDS; i++)
        help_line(out, fault_rule(i)->name, fault_rule(i)->help);
    fputs("\nKinds of distortions (put, get: a record; audit: an entry or a page; webhook: a "
          "notification;\ncoded bodies: put, get, audit, token):\n",
          out);
    for (int i = 0; i < DISTORT_KINDS; i++)
        help_line(out, distort_name((enum distort_kind)i), distort_help((enum distort_kind)i));
    fputs("\nControl requests:\n", out);
    for (size_t i = 0; i < sizeof control / sizeof *control; i++)
        help_line(out, control[i][0], control[i][1]);
}

struct fixed_answer *options_answer(const struct options *options, enum answer_scope scope,
                                    const char *id, bool reused)
{
    for (size_t i = options->answer_count; i-- > 0;) {
        struct fixed_answer *answer = &options->answer[i];

        if ((answer->scopes & (unsigned)scope) && answer->times != 0 &&
            (reused || !answer->reused) && str_starts(id, answer->prefix))
            return answer->status ? answer : NULL;
    }
    return NULL;
}
