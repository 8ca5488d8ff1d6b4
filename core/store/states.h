/* Inside core/store only: the lists of states as parts of statements. */
#pragma once

#include "core/job/state.h"

/* `IN ('pending', 'sending')`. A partial index is used where the statement has the words in the
 * order of the index. */
#define SQL_WORD(state, name)       "'" #name "'"
#define SQL_COMMA_WORD(state, name) ", '" #name "'"
#define SQL_IN(LIST)                "IN (" LIST(SQL_WORD, SQL_COMMA_WORD) ")"

#define IN_OPEN                     SQL_IN(JOB_OPEN_LIST)
#define IN_DUE                      SQL_IN(JOB_DUE_LIST)
#define IN_LANDED                   SQL_IN(JOB_LANDED_LIST)
#define IN_RETRIABLE                SQL_IN(JOB_RETRIABLE_LIST)

#define IN_BATCHES_UNFINISHED       SQL_IN(BATCH_UNFINISHED_LIST)
#define IN_BATCHES_READ             SQL_IN(BATCH_READ_LIST)
#define IN_BATCHES_ENDED            SQL_IN(BATCH_ENDED_LIST)

/* `t.pending, t.sending`: all counters of t, a batch_tally. */
#define SQL_COUNTER(state, name)       "t." #name
#define SQL_COMMA_COUNTER(state, name) ", t." #name
#define SQL_COUNTERS                   JOB_STATE_LIST(SQL_COUNTER, SQL_COMMA_COUNTER)

/* `pending + sending`: the open jobs, by the counters of a batch_tally. */
#define SQL_COLUMN(state, name)      #name
#define SQL_PLUS_COLUMN(state, name) " + " #name
#define SQL_OPEN_JOBS                JOB_OPEN_LIST(SQL_COLUMN, SQL_PLUS_COLUMN)
