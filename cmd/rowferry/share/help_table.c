/* Prints the tables of commands and options as lines for awk: the manual page and the completions
 * are made from them. Fields are separated by tabs:
 *
 *   group     HEADING                                        in the order of --help
 *   command   NAME  ARGUMENTS  SUMMARY
 *   text      NAME  PARAGRAPH                                of its description
 *   option    NAME  GROUP  OPTION    TEXT  LETTER  ARGUMENT  MANUAL
 *   variable  NAME  GROUP  VARIABLE  TEXT  LETTER  ARGUMENT  MANUAL   a setting without an option
 *   own       NAME  CODE  MEANING                            an exit status in its own words
 *   example   NAME  LINE
 *   status    CODE  MEANING                                  all that there are
 *
 * Usage: help_table */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/exit.h"
#include "cmd/rowferry/help.h"

#include <stdio.h>
#include <string.h>

static void print_description(const struct command *command)
{
    for (const char *text = command->description; *text;) {
        const char *end = strstr(text, "\n\n");
        size_t size = end ? (size_t)(end - text) : strlen(text);

        printf("text\t%s\t%.*s\n", command->name, (int)size, text);
        text += size + (end ? 2 : 0);
    }
}

static void print_options(const struct command *command)
{
    for (unsigned group = 0; group < OPTION_GROUPS; group++) {
        for (unsigned id = 0; id < OPT_COUNT; id++) {
            const struct option *option = option_at((enum option_id)id);
            const char *argument = option->argument && option->name ? option->argument : "";
            const char letter[] = {option->letter, '\0'};
            struct buf text = {0};

            if (option->group != group || !(option->commands & command->bit))
                continue;
            help_option(option, &text);
            printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", option->name ? "option" : "variable",
                   command->name, option_heading(option->group),
                   option->name ? option->name : option->env[0], buf_text(&text), letter, argument,
                   option->manual ? option->manual : "");
            buf_release(&text);
        }
    }
}

int main(void)
{
    int status;

    for (unsigned group = 0; group < OPTION_GROUPS; group++)
        printf("group\t%s\n", option_heading((enum option_group)group));
    for (const struct command *command = commands; command->name; command++) {
        printf("command\t%s\t%s\t%s\n", command->name, command->arguments, command->summary);
        print_description(command);
        print_options(command);
        for (const struct command_status *own = command->statuses; own->code >= 0; own++)
            if (own->meaning)
                printf("own\t%s\t%d\t%s\n", command->name, own->code, own->meaning);
        printf("example\t%s\t%s\n", command->name, command->example);
    }
    for (size_t i = 0; exit_listed(i, &status); i++)
        printf("status\t%d\t%s\n", status, exit_meaning(status));
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
