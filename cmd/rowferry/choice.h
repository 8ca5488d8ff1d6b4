/* A person's decision about jobs, as a command: it reports each job, and a summary. */
#pragma once

#include "cmd/rowferry/session.h"
#include "core/store/decide.h"

struct choice;

/* What the commands differ in. */
struct choice_verb {
    /* Makes the decision for all the jobs. */
    bool (*decide)(struct choice *choice, const struct decision *decision, struct err *err);
    /* Reports one job; context is the choice. */
    bool (*visit)(void *context, const struct decided *decided, struct err *err);
    /* Appends what is about to be done with that many jobs: `retry 3 jobs`. */
    void (*append_question)(struct choice *choice, uint64_t count, struct buf *out);
    /* Appends what was done, a line or more. */
    void (*append_counts)(struct choice *choice, struct buf *out);
};

struct choice {
    struct session session; /* without a run: nothing is read or sent */
    const struct choice_verb *verb;
    int64_t batch_id; /* the batch of the jobs, if job_ids does not hold them; else 0 */
    bool sends;       /* the next drain sends the jobs that moved */
    bool dry_run;
    bool reporting;             /* this pass names jobs */
    struct id_list job_ids;     /* ascending */
    uint64_t ends[DECIDE_ENDS]; /* of this pass */
    uint64_t lines;             /* for people, the ones that are not shown included */
    struct buf out;
};

void choice_release(struct choice *choice);

/* Runs the command once its jobs are known. It rehearses first, and shows or asks about what it
 * found before it changes anything; it changes nothing if a named job does not exist. Then it
 * prints the summary, with status 3 if a job stays as it is. */
void choice_work(struct choice *choice);

/* Counts a visited job, and reports one that does not exist as an error. Returns whether to name
 * the job in this pass. */
bool choice_count(struct choice *choice, const struct decided *decided);

/* Returns whether a line about the job would be shown. */
bool choice_shows(const struct choice *choice);

/* Begins the `row` line of --json in choice->out; add members, then call report_json. */
void choice_json(struct choice *choice, const struct decided *decided, const char *outcome);

/* Begins the line `5/812 InventoryItem WH-1042: ` in choice->out; add the rest, then call
 * choice_end_line. Returns false if enough lines were shown. */
bool choice_line(struct choice *choice, const struct decided *decided);
void choice_end_line(struct choice *choice);

/* Appends `superseded by 5/900, which is applied`. */
void choice_superseded(const struct decided *decided, struct buf *out);

/* Appends `, 2 jobs stay as they are` if any do, the line end, and what --even-if-superseded does.
 */
void choice_stay(const struct choice *choice, struct buf *out);

/* Checks that jobs are chosen in exactly one way, as arguments, by --batch or by --all, and appends
 * the ids of the arguments to job_ids, ascending, each once. Returns false after reporting. */
bool choice_read(struct cli *cli, struct id_list *job_ids);

/* Reads the batch that the first argument names; 0 without one. Returns false after reporting that
 * it is not a batch. */
bool choice_batch(struct cli *cli, int64_t *batch_id);

/* Appends the name of a job, `5/812`. */
void choice_name(struct buf *out, int64_t job_id);

/* Asks `what? [y/N]` on the terminal, unless --yes was given. Returns false after reporting if the
 * answer is no, a signal came, or there is no terminal; the exit status says so. */
bool choice_confirmed(struct cli *cli, const char *what);
