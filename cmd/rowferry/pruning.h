/* A prune at work: what it is to do, and what it has done. */
#ifndef ROWFERRY_CMD_PRUNING_H
#define ROWFERRY_CMD_PRUNING_H

#include "cmd/rowferry/progress.h"
#include "cmd/rowferry/session.h"
#include "core/inbox/place.h"
#include "core/store/prune.h"
#include "core/store/sweep.h"

enum { PRUNING_LINES = 50 }; /* of each kind, for people */

struct pruning {
    struct session session; /* without a run and without a lock */
    bool dry_run, files;
    int64_t before_ms;
    struct prune_plan plan;
    uint64_t go, stay;        /* batches of the plan */
    uint64_t asked;           /* of those that go, not begun by an earlier prune */
    uint64_t jobs, rows;      /* of those that go; rows with the rejected ones */
    uint64_t pruned, deleted; /* batches; their rows */
    uint64_t files_by_end[3]; /* enum inbox_deletion, of the last pass */
    struct sweep_size before; /* what the database took */
    struct progress progress;
    struct buf going, staying, filed; /* the lines for people */
};

static inline struct report *pruning_report(struct pruning *pruning)
{
    return &pruning->session.cli->report;
}

/* Deletes the files of all batches that are pruned and old enough, and those of none, and counts
 * them; without --files none. rehearsed: of those that the plan lets go too, and nothing is
 * deleted. A file that cannot be deleted is told, and is left to the next prune. False: the rest
 * was not looked at. */
bool pruning_files(struct pruning *pruning, bool rehearsed, struct err *err);

#endif
