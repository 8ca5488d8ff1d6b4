#include "cmd/rowferry/hook.h"

#include "cmd/rowferry/option_table.h"
#include "core/base/child.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 60000 };

/* A secret, what we say ourselves, and ourselves: a hook that runs us and fails would go on for
 * ever. */
static bool is_withheld(const char *variable)
{
    static const char *const own[] = {"ROWFERRY_EXIT_STATUS", "ROWFERRY_ON_FAILURE"};
    size_t size = strcspn(variable, "=");
    struct span name = {variable, size};

    for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
        if (span_is(name, own[i]))
            return true;
    return option_is_secret(name);
}

/* Our environment less what is withheld, and `first` before it; the strings stay where they are. */
static char **make_environment(char *first)
{
    size_t count = 0, kept = 0;
    char **made;

    while (environ && environ[count])
        count++;
    made = mem_calloc(count + 2, sizeof made[0]);
    made[kept++] = first;
    for (size_t i = 0; i < count; i++)
        if (!is_withheld(environ[i]))
            made[kept++] = environ[i];
    return made;
}

static void tell(struct report *report, const struct child_result *result)
{
    switch (result->end) {
    case CHILD_EXITED:
        if (result->status != 0)
            report_notice(report, "the command of --on-failure ended with exit status %d",
                          result->status);
        break;
    case CHILD_KILLED:
        report_notice(report, "the command of --on-failure was ended by signal %d", result->status);
        break;
    case CHILD_TIMED_OUT:
        report_notice(report, "the command of --on-failure was cut: it took longer than %d s",
                      TIMEOUT_MS / 1000);
        break;
    case CHILD_STOPPED:
        report_notice(report, "the command of --on-failure was cut by signal %d", result->status);
        break;
    }
}

void hook_run(struct report *report, const char *command, struct span summary, int exit_status)
{
    char *status = mem_printf("ROWFERRY_EXIT_STATUS=%d", exit_status);
    char **environment = make_environment(status);
    struct child_result result = {0};
    struct err err = {0};

    fflush(stderr);
    if (child_run(&(struct child_order){command, summary, environment, TIMEOUT_MS}, &result, &err))
        tell(report, &result);
    else
        report_notice(report, "the command of --on-failure: %s", err.text);
    free(environment);
    free(status);
}
