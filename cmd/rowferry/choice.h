/* A person's decision about jobs, as a command: told job by job and summed up. */
#ifndef ROWFERRY_CMD_CHOICE_H
#define ROWFERRY_CMD_CHOICE_H

#include "cmd/rowferry/session.h"
#include "core/store/decide.h"

struct choice;

/* What the commands differ in. */
struct choice_verb {
    /* Decides about all the jobs, in the decision's pass. */
    bool (*decide)(struct choice *choice, const struct decision *decision, struct err *err);
    /* Tells of one job; context is the choice. */
    bool (*visit)(void *context, const struct decided *decided, struct err *err);
    /* What is about to be done with that many jobs: `retry 3 jobs`. */
    void (*append_question)(struct choice *choice, uint64_t count, struct buf *out);
    /* What was done, a line or more. */
    void (*append_counts)(struct choice *choice, struct buf *out);
};

struct choice {
    struct session session; /* without a run: nothing is read or sent */
    const struct choice_verb *verb;
    int64_t batch_id; /* whose jobs they are, where job_ids does not hold them; or 0 */
    bool sends;       /* what moved is for the next drain */
    bool dry_run;
    bool telling;               /* this pass names jobs */
    struct id_list job_ids;     /* ascending */
    uint64_t ends[DECIDE_ENDS]; /* of this pass */
    uint64_t lines;             /* for people, also those beyond what is shown */
    struct buf out;
};

void choice_release(struct choice *choice);

/* The command once its jobs are known. A rehearsal first: what it finds is shown, or asked about,
 * before anything is changed; nothing is where a job that was named is not there. Then the summary,
 * with status 3 where a job stays as it is. */
void choice_work(struct choice *choice);

/* Counts a job that was visited; one that there is not is told as an error. False: it is not to be
 * named in this pass. */
bool choice_hear(struct choice *choice, const struct decided *decided);

/* True while a line about the job would be shown. */
bool choice_shows(const struct choice *choice);

/* The `row` line of --json in choice->out, to which members may be added; tell it then. */
void choice_json(struct choice *choice, const struct decided *decided, const char *outcome);
void choice_tell_json(struct choice *choice);

/* `5/812 InventoryItem WH-1042: ` in choice->out, to which the rest is added; tell it then.
 * False: enough lines were shown. */
bool choice_line(struct choice *choice, const struct decided *decided);
void choice_tell_line(struct choice *choice);

/* `superseded by 5/900, which is applied` */
void choice_superseded(const struct decided *decided, struct buf *out);

/* `, 2 jobs stay as they are` with its line end, and what --even-if-superseded would do. */
void choice_stay(const struct choice *choice, struct buf *out);

/* Jobs are chosen as arguments, by --batch or by --all, and by one of these alone. Appends the ids
 * of the arguments to job_ids, ascending, each once. ERR_CONFIG. */
bool choice_read(const struct options *options, struct id_list *job_ids, struct err *err);

/* The batch that the first argument names; 0 without one. ERR_CONFIG. */
bool choice_batch(const struct options *options, int64_t *batch_id, struct err *err);

/* Appends a job as it is named everywhere: `5/812`. */
void choice_name(struct buf *out, int64_t job_id);

/* Asks `what? [y/N]` on the terminal, unless --yes was given. False: no, or a signal, or nobody to
 * ask; told, and in the exit status. */
bool choice_confirmed(struct cli *cli, const char *what);

#endif
