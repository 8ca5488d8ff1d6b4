#include "cmd/rowferry/help.h"

#include "cmd/rowferry/command.h"
#include "cmd/rowferry/words.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_COLUMN = 26 };

static const struct {
    enum option_id first;
    const char *heading;
} groups[] = {
    {OPT_DB, "Files and database"},     {OPT_BATCH, "Which jobs"},
    {OPT_OURS, "What becomes of them"}, {OPT_ENVIRONMENT, "The API"},
    {OPT_CONCURRENCY, "Sending"},       {OPT_ENV_FILE, "General"},
};

enum { GROUPS = sizeof groups / sizeof *groups };

/* `[ROWFERRY_DB]`; the first variable stands at the left where there is no option. */
static void append_variables(const struct option *option, struct buf *text)
{
    const char *separator = " [";

    for (unsigned i = option->name ? 0 : 1; i < OPTION_ENV_MAX && option->env[i]; i++) {
        buf_printf(text, "%s%s", separator, option->env[i]);
        separator = ", ";
    }
    if (*separator == ',')
        buf_append_char(text, ']');
}

static void append_option(const struct option *option, struct buf *out)
{
    struct buf text = {0};
    char left[64];
    int size;

    if (!option->name)
        size = snprintf(left, sizeof left, "  %s", option->env[0]);
    else if (option->letter)
        size = snprintf(left, sizeof left, "  -%c, --%s", option->letter, option->name);
    else
        size = snprintf(left, sizeof left, "      --%s%s%s", option->name,
                        option->argument ? " " : "", option->argument ? option->argument : "");
    buf_append_text(&text, option->help);
    append_variables(option, &text);
    if (option->fallback)
        buf_printf(&text, " (%s)", option->fallback);
    buf_append_text(out, left);
    if (size > TEXT_COLUMN - 2)
        buf_printf(out, "\n%*s", TEXT_COLUMN, "");
    else
        buf_printf(out, "%*s", TEXT_COLUMN - size, "");
    words_wrap(out, buf_text(&text), TEXT_COLUMN, TEXT_COLUMN);
    buf_release(&text);
}

static void append_group(const struct command *command, unsigned group, struct buf *out)
{
    unsigned last = group + 1 < GROUPS ? groups[group + 1].first : OPT_COUNT;
    bool begun = false;

    for (unsigned id = groups[group].first; id < last; id++) {
        const struct option *option = option_at((enum option_id)id);

        if (!(option->commands & command->bit))
            continue;
        if (!begun)
            buf_printf(out, "\n%s\n", groups[group].heading);
        begun = true;
        append_option(option, out);
    }
}

void help_command(const struct command *command, struct buf *out)
{
    buf_printf(out, "Usage: rowferry %s [OPTION...]%s%s\n\n%s\n", command->name,
               *command->arguments ? " " : "", command->arguments, command->description);
    for (unsigned group = 0; group < GROUPS; group++)
        append_group(command, group, out);
    buf_append_text(out, "\nIn brackets the environment variable, also read from .env, and in "
                         "parentheses\nthe default. An option wins over the environment, and that "
                         "over .env.\n\nExit status\n");
    for (const int *status = command->statuses; *status >= 0; status++)
        buf_printf(out, "%5d  %s\n", *status, exit_meaning(*status));
    buf_printf(out, "\nExample\n  %s\n", command->example);
}

void help_program(struct buf *out)
{
    int status;

    buf_append_text(out, "Usage: rowferry COMMAND [OPTION...] [ARGUMENT...]\n\n"
                         "Takes the rows of CSV and NDJSON files to the custom object records of "
                         "Genesys\nCloud: checked, sent, and every answer kept in one SQLite "
                         "database.\n\nCommands\n");
    for (const struct command *command = commands; command->name; command++) {
        char left[32];

        snprintf(left, sizeof left, "%s %s", command->name, command->arguments);
        buf_printf(out, "  %-20s %s\n", left, command->summary);
    }
    buf_append_text(out, "\nrowferry COMMAND --help tells the options of a command; "
                         "rowferry --version the\nversion.\n\nExit status\n");
    for (size_t i = 0; exit_listed(i, &status); i++)
        buf_printf(out, "%5d  %s\n", status, exit_meaning(status));
}
