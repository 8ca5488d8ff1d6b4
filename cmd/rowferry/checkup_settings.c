#include "cmd/rowferry/checkup_settings.h"

#include "cmd/rowferry/proxy.h"
#include "cmd/rowferry/signing_keys.h"
#include "core/base/mem.h"
#include "core/http/redact.h"
#include "core/inbox/inbox.h"
#include "core/inbox/writers.h"
#include "core/notify/sender.h"
#include "core/notify/signature.h"
#include "core/validate/catalog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char inbox_default[] = "inbox";

/* --- configuration --- */

/* Whether the value is a secret, which is named and not shown; a file is shown. */
static bool is_secret(const struct option *option, const struct option_value *value)
{
    return option->kind == KIND_SECRET && value->env && !str_ends(value->env, "_FILE");
}

/* Adds the line of a setting, without the user name and the password of a URL. */
static void say_setting(struct checkup *checkup, const char *name, const char *value, bool chosen)
{
    char *shown = mem_strdup(value);

    redact_user_info(shown);
    checkup_say(checkup, "%s=%s%s", name, shown, chosen ? "" : ", the default");
    explicit_bzero(shown, strlen(shown));
    free(shown);
}

/* Adds `.env: ROWFERRY_RATE=100/m` for each setting that is not the default; with --verbose, for
 * all. */
static void list_settings(struct checkup *checkup)
{
    const struct options *options = &checkup->cli->options;
    unsigned set = 0;

    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const struct option *option = option_at((enum option_id)i);
        const struct option_value *value = &options->values[i];
        bool chosen = value->origin > FROM_DEFAULT;
        struct buf name = {0};

        if (!value->text || option->kind == KIND_FLAG || (!chosen && !checkup->cli->report.verbose))
            continue;
        options_describe(options, (enum option_id)i, &name);
        if (is_secret(option, value))
            checkup_say(checkup, "%s, which is not shown", buf_text(&name));
        else
            say_setting(checkup, buf_text(&name), value->text, chosen);
        set += chosen;
        buf_release(&name);
    }
    if (!checkup->cli->report.verbose)
        checkup_say(checkup, set ? "all other settings have their defaults"
                                 : "all settings have their defaults");
}

static bool check_environment(struct checkup *checkup)
{
    struct err err = {0};

    if (credentials_resolve(&checkup->credentials, &checkup->cli->options, &err))
        return true;
    return checkup_take(
        checkup, &err,
        "--environment and GENESYS_ENVIRONMENT take a URL, a domain (mypurecloud.de) or a "
        "region (eu-central-1)");
}

static bool check_proxy(struct checkup *checkup)
{
    struct err err = {0};

    return proxy_check(&checkup->credentials.environment, &err) ||
           checkup_take(checkup, &err, "correct the variable, or unset it if no proxy is needed");
}

static bool check_secret(struct checkup *checkup)
{
    struct err err = {0};

    return credentials_identify(&checkup->credentials, &checkup->cli->options, &err) ||
           checkup_take(checkup, &err,
                        "a secret or key comes from a variable, or from a file that nobody but its "
                        "owner can read");
}

static bool check_certificates(struct checkup *checkup)
{
    const char *path = options_text(&checkup->cli->options, OPT_CA_FILE);

    return !path || access(path, R_OK) == 0 ||
           checkup_fail(checkup, ERR_CONFIG,
                        "--ca-file and ROWFERRY_CA_FILE name a file of certificates (PEM); without "
                        "them, the system's are trusted",
                        "certificate file %s: %s", path, strerror(errno));
}

/* What `listen`, `forward` and `run` need for notifications, as far as it is set. */
static void check_notifications(struct checkup *checkup)
{
    static const enum option_id secrets[] = {OPT_ERP_SECRET, OPT_WEBHOOK_SECRET};
    const char *endpoint = options_text(&checkup->cli->options, OPT_ERP_ENDPOINT);
    struct err err = {0};

    if (endpoint && !sender_check(endpoint, &err))
        checkup_take(checkup, &err, "set --erp-endpoint or ERP_ENDPOINT right");
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        struct signature_keys *keys;

        if (!signing_keys_read(&checkup->cli->options, secrets[i], &keys, NULL, &err))
            checkup_take(
                checkup, &err,
                "a secret is whsec_ and base64, or plain text, one per line, in a file that "
                "nobody but its owner can read");
        signature_keys_free(keys);
    }
}

void check_configuration(struct checkup *checkup)
{
    struct options *options = &checkup->cli->options;
    struct notice_sink notices = report_sink(&checkup->cli->report);
    struct err err = {0};
    bool environment, proxy, secret, certificates;

    options->command = FOR_ALL; /* other commands take more settings than this one */
    if (!options_resolve(options, &notices, &err))
        checkup_take(
            checkup, &err,
            "no other command runs until that is fixed; the other checks go on without it");
    environment = check_environment(checkup);
    proxy = environment && check_proxy(checkup);
    secret = check_secret(checkup);
    certificates = check_certificates(checkup);
    check_notifications(checkup);
    checkup->addressed = proxy && secret && certificates;
    if (options->values[OPT_RATE].rate <= 0)
        checkup_remark(checkup, "the platform's default limit for a token is 300/m, and so is ours",
                       "requests are not spaced: the rate is none");
    list_settings(checkup);
}

/* --- schemas --- */

/* Says what is rejected at intake for its size. */
static void say_limits(struct checkup *checkup, const struct schema *schema,
                       const struct description_limits *limits)
{
    const struct {
        const char *what;
        uint64_t most;
    } kinds[] = {{"bytes an update", limits->bytes},
                 {"rows a file", limits->rows},
                 {"fields a row", limits->fields}};
    struct buf text = {0};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].most)
            buf_printf(&text, "%s %" PRIu64 " %s", text.size ? "," : " at most", kinds[i].most,
                       kinds[i].what);
    if (text.size)
        checkup_say(checkup, "%s: its target takes%s", schema_name(schema), buf_text(&text));
    buf_release(&text);
}

/* Says what cannot be known or prevented at the target of a schema, and what it takes. schema NULL:
 * at the guide's target. */
static void say_target(struct checkup *checkup, const struct schema *schema)
{
    const struct target *target = schema ? schema_target(schema) : target_guide();
    const char *limit = target_limit(target);

    if (limit)
        checkup_say(checkup, "%s: its target (%s) %s", schema_name(schema), target_own_name(target),
                    limit);
    if (target_description(target)->bulk.max > 1)
        checkup_say(checkup, "%s: up to %u rows are sent in one request", schema_name(schema),
                    (unsigned)target_description(target)->bulk.max);
    if (target_own_name(target))
        say_limits(checkup, schema, &target_description(target)->limits);
}

void check_schemas(struct checkup *checkup)
{
    const char *folder = options_text(&checkup->cli->options, OPT_SCHEMAS);
    struct buf names = {0};
    struct err err = {0};

    checkup->catalog = catalog_open(folder, &err);
    if (!checkup->catalog) {
        checkup_take(checkup, &err,
                     "--schemas or ROWFERRY_SCHEMAS names a folder with a file NAME.json for each "
                     "object: see rowferry-schema(5)");
        return;
    }
    for (size_t i = 0; i < catalog_fault_count(checkup->catalog); i++)
        checkup_fail(checkup, ERR_CONFIG,
                     "fix it: until then the files of its object stay in the inbox", "%s",
                     catalog_fault(checkup->catalog, i));
    for (size_t i = 0; i < catalog_count(checkup->catalog); i++)
        if (catalog_find(checkup->catalog, catalog_name(checkup->catalog, i), &err))
            buf_printf(&names, "%s%s", names.size ? ", " : "", catalog_name(checkup->catalog, i));
    if (names.size)
        checkup_say(checkup, "%s: %s", folder, buf_text(&names));
    for (size_t i = 0; i < catalog_count(checkup->catalog); i++)
        say_target(checkup,
                   catalog_find(checkup->catalog, catalog_name(checkup->catalog, i), &err));
    buf_release(&names);
}

/* --- inbox --- */

static void say_inbox(struct checkup *checkup, const char *folder, size_t waiting)
{
    checkup_say(checkup, "%s, %zu file%s waiting", folder, waiting, waiting == 1 ? "" : "s");
    if (writers_seen_in(folder))
        checkup_say(checkup, "--min-age is %ds: this user can see who writes the files",
                    INBOX_AGE_MS / 1000);
    else
        checkup_say(
            checkup,
            "--min-age is %ds: this user cannot see who writes the files (they belong to another "
            "user, or are on a network file system)",
            INBOX_AGE_UNSEEN_MS / 1000);
}

void check_inbox(struct checkup *checkup)
{
    const struct options *options = &checkup->cli->options;
    const char *folder = options->path_count ? options->paths[0] : inbox_default, *advice;
    struct err err = {0};
    size_t waiting;

    if (options->path_count == 0 && access(folder, F_OK) != 0 && errno == ENOENT)
        checkup_remark(checkup, "create it, or name another: rowferry doctor FOLDER",
                       "there is no inbox folder '%s' here", folder);
    else if (!inbox_usable(folder, checkup->catalog, &waiting, &advice, &err))
        checkup_take(checkup, &err, advice);
    else
        say_inbox(checkup, folder, waiting);
}
