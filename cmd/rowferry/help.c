#include "cmd/rowferry/help.h"

#include "cmd/rowferry/command.h"
#include "cmd/rowferry/words.h"
#include "core/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_COLUMN = 26, STATUS_COLUMN = 7 };

void help_option(const struct option *option, struct buf *out)
{
    const char *separator = " [";

    buf_append_text(out, option->help);
    for (unsigned i = option->name ? 0 : 1; i < OPTION_ENV_MAX && option->env[i]; i++) {
        buf_printf(out, "%s%s", separator, option->env[i]);
        separator = ", ";
    }
    if (*separator == ',')
        buf_append_char(out, ']');
    if (option->fallback)
        buf_printf(out, " (%s)", option->fallback);
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
    help_option(option, &text);
    buf_append_text(out, left);
    if (size > TEXT_COLUMN - 2)
        buf_printf(out, "\n%*s", TEXT_COLUMN, "");
    else
        buf_printf(out, "%*s", TEXT_COLUMN - size, "");
    words_wrap(out, buf_text(&text), TEXT_COLUMN, TEXT_COLUMN);
    buf_release(&text);
}

static void append_group(const struct command *command, enum option_group group, struct buf *out)
{
    bool begun = false;

    for (unsigned id = 0; id < OPT_COUNT; id++) {
        const struct option *option = option_at((enum option_id)id);

        if (option->group != group || !(option->commands & command->bit))
            continue;
        if (!begun)
            buf_printf(out, "\n%s\n", option_heading(group));
        begun = true;
        append_option(option, out);
    }
}

static void append_status(int status, const char *meaning, struct buf *out)
{
    buf_printf(out, "%5d  ", status);
    words_wrap(out, meaning ? meaning : exit_meaning(status), STATUS_COLUMN, STATUS_COLUMN);
}

void help_command(const struct command *command, struct buf *out)
{
    const char *paragraph = command->description, *end;

    buf_printf(out, "Usage: rowferry %s [OPTION...]%s%s\n", command->name,
               *command->arguments ? " " : "", command->arguments);
    for (; paragraph; paragraph = *end ? end + 2 : NULL) {
        char *text;

        end = strstr(paragraph, "\n\n");
        end = end ? end : strchr(paragraph, '\0');
        text = mem_copy(paragraph, (size_t)(end - paragraph));
        buf_append_char(out, '\n');
        words_wrap(out, text, 0, 0);
        free(text);
    }
    for (unsigned group = 0; group < OPTION_GROUPS; group++)
        append_group(command, (enum option_group)group, out);
    buf_append_text(out,
                    "\nBrackets show the environment variable, which is also read from .env, and\n"
                    "parentheses the default. An option wins over the environment, and the\n"
                    "environment over .env.\n\nExit status\n");
    for (const struct command_status *status = command->statuses; status->code >= 0; status++)
        append_status(status->code, status->meaning, out);
    buf_printf(out, "\nExample\n  %s\n", command->example);
}

void help_program(struct buf *out)
{
    int status;

    buf_append_text(
        out, "Usage: rowferry COMMAND [OPTION...] [ARGUMENT...]\n\n"
             "Loads CSV and NDJSON files into Genesys Cloud or another HTTP API. It sends one\n"
             "versioned update per row and records what happened to each one in an SQLite\n"
             "database.\n\nCommands\n");
    for (const struct command *command = commands; command->name; command++) {
        char left[32];

        snprintf(left, sizeof left, "%s %s", command->name, command->arguments);
        buf_printf(out, "  %-20s %s\n", left, command->summary);
    }
    buf_append_text(out,
                    "\nrowferry COMMAND --help lists the options of a command.\n\nExit status\n");
    for (size_t i = 0; exit_listed(i, &status); i++)
        append_status(status, NULL, out);
}
