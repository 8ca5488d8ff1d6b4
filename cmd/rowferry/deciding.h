/* A person's decision about jobs, as a command: told job by job and summed up. */
#ifndef ROWFERRY_CMD_DECIDING_H
#define ROWFERRY_CMD_DECIDING_H

#include "cmd/rowferry/choosing.h"
#include "cmd/rowferry/session.h"
#include "core/store/decide.h"

struct deciding;

/* What the commands differ in. */
struct deciding_verb {
    /* Decides about all the jobs, in the decision's pass. */
    bool (*decide)(struct deciding *deciding, const struct decision *decision, struct err *err);
    /* Tells of one job; context is the deciding. */
    bool (*visit)(void *context, const struct decided *decided, struct err *err);
    /* What is about to be done with that many jobs: `retry 3 jobs`. */
    void (*append_question)(struct deciding *deciding, uint64_t count, struct buf *out);
    /* What was done, a line or more. */
    void (*append_counts)(struct deciding *deciding, struct buf *out);
};

struct deciding {
    struct session session; /* without a run: nothing is read or sent */
    const struct deciding_verb *verb;
    int64_t batch_id; /* whose jobs they are, where job_ids does not hold them; or 0 */
    bool sends;       /* what moved is for the next drain */
    bool dry_run;
    bool telling;               /* this pass names jobs */
    struct buf job_ids;         /* int64_t, ascending */
    uint64_t ends[DECIDE_ENDS]; /* of this pass */
    uint64_t lines;             /* for people, also those beyond what is shown */
    struct buf out;
};

void deciding_release(struct deciding *deciding);

/* The command once its jobs are known. A rehearsal first: what it finds is shown, or asked about,
 * before anything is changed; nothing is where a job that was named is not there. Then the summary,
 * with status 3 where a job stays as it is. */
void deciding_work(struct deciding *deciding);

size_t deciding_count(const struct deciding *deciding);
const int64_t *deciding_ids(const struct deciding *deciding);

/* Counts a job that was visited; one that there is not is told as an error. False: it is not to be
 * named in this pass. */
bool deciding_hear(struct deciding *deciding, const struct decided *decided);

/* True while a line about the job would be shown. */
bool deciding_shows(const struct deciding *deciding);

/* The `row` line of --json in deciding->out, to which members may be added; tell it then. */
void deciding_json(struct deciding *deciding, const struct decided *decided, const char *outcome);
void deciding_tell_json(struct deciding *deciding);

/* `5/812 InventoryItem WH-1042: ` in deciding->out, to which the rest is added; tell it then.
 * False: enough lines were shown. */
bool deciding_line(struct deciding *deciding, const struct decided *decided);
void deciding_tell_line(struct deciding *deciding);

/* `superseded by 5/900, which is applied` */
void deciding_superseded(const struct decided *decided, struct buf *out);

/* `, 2 jobs stay as they are` with its line end, and what --even-if-superseded would do. */
void deciding_stay(const struct deciding *deciding, struct buf *out);

#endif
