#include "cmd/rowferry/exit.h"

#include "core/base/stop.h"

/* The first of these that applies wins (README.md#exit-status). */
static const int precedence[] = {
    EXIT_INTERNAL, EXIT_STORE,   EXIT_BUSY,       EXIT_CONFIG, EXIT_AUTH, EXIT_SIGHUP,
    EXIT_SIGINT,   EXIT_SIGTERM, EXIT_INCOMPLETE, EXIT_LIMIT,  EXIT_ROWS, EXIT_DONE,
};

enum { PRECEDENCES = sizeof precedence / sizeof *precedence };

static const struct {
    int status;
    const char *meaning;
} meanings[] = {
    {EXIT_DONE, "everything asked for is done"},
    {EXIT_INTERNAL, "internal error: a bug, please report"},
    {EXIT_CONFIG, "usage, setting, schema file, certificate or environment wrong"},
    {EXIT_ROWS,
     "finished, but rows are rejected, refused, failed or in conflict, an update is not in "
     "the audit log, or the ERP refused a notification"},
    {EXIT_LIMIT,
     "a limit was exceeded or missed: --max-errors, --min-rows, --min-files, --max-refused, or "
     "`limits` of a target"},
    {EXIT_INCOMPLETE, "incomplete: the same command again resumes"},
    {EXIT_AUTH, "the API refused the credentials or permissions"},
    {EXIT_BUSY, "another process is reading into this database or sending from it"},
    {EXIT_STORE, "the database cannot be used"},
    {EXIT_SIGHUP, "stopped by SIGHUP, after finishing requests in flight"},
    {EXIT_SIGINT, "stopped by SIGINT, after finishing requests in flight"},
    {EXIT_SIGTERM, "stopped by SIGTERM, after finishing requests in flight"},
};

enum { MEANINGS = sizeof meanings / sizeof *meanings };

static const struct {
    const char *name;
    int status;
} kinds[] = {
    [ERR_NONE] = {"none", EXIT_DONE},       [ERR_INTERNAL] = {"internal", EXIT_INTERNAL},
    [ERR_CONFIG] = {"config", EXIT_CONFIG}, [ERR_INPUT] = {"input", EXIT_ROWS},
    [ERR_AUTH] = {"auth", EXIT_AUTH},       [ERR_NETWORK] = {"network", EXIT_INCOMPLETE},
    [ERR_BUSY] = {"busy", EXIT_BUSY},       [ERR_STORE] = {"store", EXIT_STORE},
    [ERR_LIMIT] = {"limit", EXIT_LIMIT},    [ERR_STOPPED] = {"stopped", EXIT_SIGTERM},
};

int exit_of(enum err_kind kind)
{
    if (kind == ERR_STOPPED) {
        stop_requested(); /* a reader may have seen a signal that is not taken yet */
        return stop_signal() ? 128 + stop_signal() : EXIT_INCOMPLETE;
    }
    return kinds[kind].status;
}

const char *exit_kind_name(enum err_kind kind)
{
    return kinds[kind].name;
}

int exit_combine(int a, int b)
{
    for (size_t i = 0; i < PRECEDENCES; i++)
        if (precedence[i] == a || precedence[i] == b)
            return precedence[i];
    return EXIT_INTERNAL;
}

const char *exit_meaning(int status)
{
    for (size_t i = 0; i < MEANINGS; i++)
        if (meanings[i].status == status)
            return meanings[i].meaning;
    return "unknown";
}

bool exit_listed(size_t index, int *status)
{
    if (index >= MEANINGS)
        return false;
    *status = meanings[index].status;
    return true;
}
