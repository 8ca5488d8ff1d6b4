#include "cmd/rowferry/options.h"

#include "cmd/rowferry/option_value.h"
#include "cmd/rowferry/words.h"
#include "core/base/mem.h"
#include "core/target/target.h"

#include <stdlib.h>
#include <string.h>

/* Finds an option by name. Several options can have one name, for different commands: it prefers
 * that of this command, then the first. */
static bool find_long(const struct options *options, struct span name, enum option_id *id)
{
    bool found = false;

    *id = OPT_COUNT;
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const struct option *option = option_at((enum option_id)i);

        if (!option->name || !span_is(name, option->name))
            continue;
        if (!found || option->commands & options->command)
            *id = (enum option_id)i;
        found = true;
    }
    return found;
}

/* Returns the name of this command's option that is nearest, or NULL. */
static const char *nearest(const struct options *options, const char *name)
{
    unsigned best = 3;
    const char *found = NULL;

    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const struct option *option = option_at((enum option_id)i);
        unsigned distance;

        if (!option->name || !(option->commands & options->command))
            continue;
        distance = str_distance(name, option->name);
        if (strlen(name) >= 3 && str_starts(option->name, name) && distance > 2)
            distance = 2;
        if (distance < best) {
            best = distance;
            found = option->name;
        }
    }
    return found;
}

/* name: without dashes and value, because the value can be a secret. */
static bool refuse_unknown(const struct options *options, struct span name, struct err *err)
{
    static const struct {
        const char *name, *advice;
    } never[] = {
        {"api-key", "a secret is never an argument, use ROWFERRY_API_KEY or --api-key-file"},
        {"client-secret", "a secret is never an argument, use GENESYS_CLIENT_SECRET or "
                          "--client-secret-file"},
        {"client-id", "set GENESYS_CLIENT_ID"},
    };
    char *text = mem_copy(name.data, name.size);
    const char *other;

    err_set(err, ERR_CONFIG, "unknown option '--%s': see rowferry %s --help", text,
            options->command_name);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        if (strcmp(text, never[i].name) == 0) {
            err_set(err, ERR_CONFIG, "unknown option '--%s': %s", text, never[i].advice);
            free(text);
            return false;
        }
    }
    other = nearest(options, text);
    if (other)
        err_set(err, ERR_CONFIG, "unknown option '--%s': did you mean --%s? See rowferry %s --help",
                text, other, options->command_name);
    free(text);
    return false;
}

/* A walk over the arguments. */
struct arguments {
    int count, next;
    char **items;
};

static bool take(struct options *options, enum option_id id, const char *text, struct err *err)
{
    const struct option *option = option_at(id);
    struct option_value value = {.text = text, .origin = FROM_ARGUMENT};

    if (!(option->commands & options->command))
        return err_set(err, ERR_CONFIG, "option '--%s' is not for `%s`: see rowferry %s --help",
                       option->name, options->command_name, options->command_name);
    if (!*text && id != OPT_SCOPE) /* '' asks for none */
        return err_set(err, ERR_CONFIG, "option '--%s' has no value: write --%s %s", option->name,
                       option->name, option->argument);
    if (!option_value_parse(option, &value, err))
        return err_wrap(err, "--%s", option->name);
    options->values[id] = value;
    return true;
}

/* Reads `--name`, `--name=value` or `--name value`. */
static bool read_long(struct options *options, struct arguments *arguments, const char *argument,
                      struct err *err)
{
    struct span name = {argument + 2, strcspn(argument + 2, "=")};
    const char *inside = name.data[name.size] ? name.data + name.size + 1 : NULL;
    enum option_id id;

    if (!find_long(options, name, &id))
        return refuse_unknown(options, name, err);
    if (option_at(id)->kind == KIND_FLAG)
        return inside
                   ? err_set(err, ERR_CONFIG, "option '--%s' takes no value: leave the value out",
                             option_at(id)->name)
                   : take(options, id, "1", err);
    if (!inside)
        inside = arguments->next < arguments->count ? arguments->items[arguments->next++] : "";
    return take(options, id, inside, err);
}

/* Reads `-q` or `-qv`: every short option is a flag. */
static bool read_letters(struct options *options, const char *letters, struct err *err)
{
    for (; *letters; letters++) {
        unsigned id = 0;

        while (id < OPT_COUNT && option_at((enum option_id)id)->letter != *letters)
            id++;
        if (id == OPT_COUNT)
            return err_set(err, ERR_CONFIG, "unknown option '-%c': see rowferry %s --help",
                           *letters, options->command_name);
        if (!take(options, (enum option_id)id, "1", err))
            return false;
    }
    return true;
}

bool options_read_arguments(struct options *options, int argc, char **argv, struct err *err)
{
    struct arguments arguments = {argc, 0, argv};
    bool only_paths = false;

    options->paths = mem_calloc((size_t)argc + 1, sizeof options->paths[0]);
    while (arguments.next < argc) {
        char *argument = argv[arguments.next++];
        bool fine = true;

        if (only_paths || argument[0] != '-' || !argument[1])
            options->paths[options->path_count++] = argument;
        else if (strcmp(argument, "--") == 0)
            only_paths = true;
        else if (argument[1] == '-')
            fine = read_long(options, &arguments, argument, err);
        else
            fine = read_letters(options, argument + 1, err);
        if (!fine)
            return false;
    }
    return true;
}

static bool is_known(const char *key)
{
    for (unsigned i = 0; i < OPT_COUNT; i++)
        for (unsigned j = 0; j < OPTION_ENV_MAX; j++)
            if (option_at((enum option_id)i)->env[j] &&
                strcmp(option_at((enum option_id)i)->env[j], key) == 0)
                return true;
    return false;
}

/* Names the settings that begin with ROWFERRY_ and are unknown. */
static void name_strangers(const struct dotenv *dotenv, const struct notice_sink *notices)
{
    for (size_t i = 0; i < dotenv->count; i++)
        if (str_starts(dotenv->entries[i].key, "ROWFERRY_") && !is_known(dotenv->entries[i].key))
            notice_say(notices,
                       "%s: line %u: '%s' is not a setting of this version: check its name",
                       dotenv->path, dotenv->entries[i].line, dotenv->entries[i].key);
}

/* Returns the default, which always parses. */
static struct option_value fall_back(const struct option *option)
{
    struct option_value value = {.text = option->fallback,
                                 .origin = option->fallback ? FROM_DEFAULT : FROM_NOWHERE};
    struct err err;

    if (value.text)
        option_value_parse(option, &value, &err);
    return value;
}

/* Whether an empty variable of the setting is an error: a unit file or a script that lost its value
 * would otherwise send rows to the default region, or as another client. */
static bool must_not_be_empty(const struct option *option)
{
    return option->kind == KIND_SECRET || option == option_at(OPT_ENVIRONMENT) ||
           option == option_at(OPT_CLIENT_ID);
}

/* Returns the value of the first of the option's variables that is set, in the environment and then
 * in .env; else the default. An empty variable counts as not set, unless that is an error. */
static struct option_value look_up(const struct options *options, const struct option *option)
{
    for (unsigned i = 0; i < OPTION_ENV_MAX && option->env[i]; i++) {
        const char *text = getenv(option->env[i]);

        if (text && (*text || must_not_be_empty(option)))
            return (struct option_value){
                .text = text, .origin = FROM_ENVIRONMENT, .env = option->env[i]};
    }
    for (unsigned i = 0; i < OPTION_ENV_MAX && option->env[i]; i++) {
        const struct dotenv_entry *entry =
            dotenv_find(&options->dotenv, option->env[i], must_not_be_empty(option));

        if (entry)
            return (struct option_value){
                .text = entry->value, .origin = FROM_DOTENV, .env = option->env[i]};
    }
    return fall_back(option);
}

/* Looks a setting up and parses it. A wrong value is replaced by the default, so that callers can
 * go on with the other settings. */
static bool take_value(struct options *options, enum option_id id, struct err *err)
{
    struct option_value *value = &options->values[id];
    struct buf name = {0};

    *value = look_up(options, option_at(id));
    if (value->origin > FROM_DEFAULT && !*value->text && must_not_be_empty(option_at(id)))
        err_set(err, ERR_CONFIG, "set but empty: give it a value, or unset it");
    else if (value->origin <= FROM_DEFAULT || option_value_parse(option_at(id), value, err))
        return true;
    options_describe(options, id, &name);
    err_wrap(err, "%s", buf_text(&name));
    buf_release(&name);
    *value = fall_back(option_at(id));
    return false;
}

/* Of the program's options. */
static const struct dotenv *dotenv_shared;

/* Returns a variable for the parameters of targets, as those of settings are found. */
static const char *find_variable(const char *name)
{
    const char *text = getenv(name);
    const struct dotenv_entry *entry = NULL;

    if (!text || !*text)
        entry = dotenv_find(dotenv_shared, name, false);
    return entry ? entry->value : text;
}

bool options_resolve(struct options *options, const struct notice_sink *notices, struct err *err)
{
    const char *named = options_text(options, OPT_ENV_FILE);
    bool fine =
        dotenv_read(&options->dotenv, named ? named : ".env", named != NULL, option_is_secret, err);

    if (!fine)
        dotenv_release(&options->dotenv);
    dotenv_shared = &options->dotenv;
    target_set_environment(find_variable);
    name_strangers(&options->dotenv, notices);
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const struct option *option = option_at((enum option_id)i);
        struct err fault = {0};

        if (options->values[i].origin == FROM_ARGUMENT || !(option->commands & options->command) ||
            take_value(options, (enum option_id)i, &fault))
            continue;
        if (fine)
            *err = fault;
        fine = false;
    }
    return fine;
}

void options_release(struct options *options)
{
    dotenv_release(&options->dotenv);
    free(options->paths);
    *options = (struct options){0};
}

void options_describe(const struct options *options, enum option_id id, struct buf *out)
{
    const struct option_value *value = &options->values[id];

    if (value->origin == FROM_DOTENV)
        buf_printf(out, "%s: %s", options->dotenv.path, value->env);
    else if (value->origin == FROM_ENVIRONMENT)
        buf_append_text(out, value->env);
    else
        buf_printf(out, "--%s", option_at(id)->name);
}

void options_repeat(const struct options *options, unsigned command, struct buf *out)
{
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const struct option *option = option_at((enum option_id)i);
        const struct option_value *value = &options->values[i];

        if (value->origin != FROM_ARGUMENT || !(option->commands & command) || option->letter ||
            i == OPT_JSON || i == OPT_NO_COLOR)
            continue;
        buf_printf(out, " --%s", option->name);
        if (option->kind == KIND_FLAG)
            continue;
        buf_append_char(out, ' ');
        words_quote(out, value->text);
    }
}
