/* What `doctor` looks at, check by check, and what each of them finds. */
#ifndef ROWFERRY_CMD_CHECKUP_H
#define ROWFERRY_CMD_CHECKUP_H

#include "cmd/rowferry/cli.h"
#include "core/api/environment.h"

#include <stdbool.h>

enum outcome { OUTCOME_FINE, OUTCOME_REMARK, OUTCOME_FAILED, OUTCOME_SKIPPED };

/* Of one check. A check may find several things: each is a line of text, and the worst counts. */
struct finding {
    enum outcome outcome;
    int status; /* the exit status that it means */
    struct buf text, advice;
};

/* What one check leaves for those after it. */
struct checkup {
    struct cli *cli;
    struct finding finding; /* of the check at work */
    struct environment environment;
    bool addressed; /* the environment is understood, and a secret that is set can be read */
    char *secret;
    struct catalog *catalog; /* NULL: none */
    struct store *store;     /* NULL: it cannot be looked at */
    bool readable;           /* it is whole, and has all tables that we know */
    struct api_probe *probe; /* NULL: no request was made */
    bool has_token;
};

/* A line of text. */
void checkup_say(struct checkup *checkup, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, as a remark or as what fails the check with the exit status of that kind; advice: what
 * to do, beginning small and without a full stop, wherever one of these is said. */
void checkup_remark(struct checkup *checkup, const char *advice, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void checkup_fail(struct checkup *checkup, enum err_kind kind, const char *advice,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Fails it with an error of core's; ERR_STOPPED skips it. */
void checkup_take(struct checkup *checkup, const struct err *err, const char *advice);

/* Cannot be made, because ... */
void checkup_skip(struct checkup *checkup, const char *because);

/* A word on the terminal, before something that takes its time. */
void checkup_busy(struct checkup *checkup, const char *doing);

#endif
