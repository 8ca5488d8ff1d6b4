/* What the checks of `doctor` find, and what they leave for each other. */
#pragma once

#include "cmd/rowferry/cli.h"
#include "cmd/rowferry/credentials.h"

#include <stdbool.h>

enum outcome { OUTCOME_FINE, OUTCOME_REMARK, OUTCOME_FAILED, OUTCOME_SKIPPED };

/* What one check finds. Each thing is a line of text, and the worst sets the outcome. */
struct finding {
    enum outcome outcome;
    int status; /* the exit status that it means */
    struct buf text, advice;
};

/* What a check leaves for later ones. */
struct checkup {
    struct cli *cli;
    struct finding finding; /* of the current check */
    struct credentials credentials;
    bool addressed; /* the environment is understood, and a secret that is set can be read */
    struct catalog *catalog; /* NULL: none */
    struct store *store;     /* NULL: it cannot be opened */
    bool readable;           /* it is not damaged, and has all tables of this version */
    struct api_probe *probe; /* NULL: no request was made */
    bool has_token;
    struct probing *probing; /* of --probe; NULL: nothing is probed */
};

/* Adds a line of text. */
void checkup_say(struct checkup *checkup, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds a line that is a remark, or that fails the check with the exit status of that kind. advice:
 * what to do, in lower case and without a full stop. checkup_fail returns false. */
void checkup_remark(struct checkup *checkup, const char *advice, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool checkup_fail(struct checkup *checkup, enum err_kind kind, const char *advice,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Fails the check with an error of core; ERR_STOPPED skips it. Returns false. */
bool checkup_take(struct checkup *checkup, const struct err *err, const char *advice);

/* Skips the check, with the reason. */
void checkup_skip(struct checkup *checkup, const char *because);

/* Shows a line on the terminal while something takes a while. */
void checkup_busy(struct checkup *checkup, const char *doing);
