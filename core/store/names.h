/* Inside core/store only: the names of parameters and columns, in all statements. A name here is
 * written in SQL in small letters. */
#pragma once

#include "core/job/verdict.h"
#include "core/store/states.h"

/* In alphabetical order, one per line; the counters are those of JOB_STATE_LIST and VERDICT_LIST.
 */
/* clang-format off */
#define DB_NAMES_LIST(X) \
    X(ACCEPTED) \
    X(ACTION) \
    X(AFTER) \
    X(AGAIN) \
    X(ASKED_MS) \
    X(ATTEMPTS) \
    X(ATTEMPTS_BEFORE) \
    X(ATTEMPT_ID) \
    X(AT_MS) \
    X(AUDIT_ENTRY) \
    X(BASE_FIELDS) \
    X(BASE_TOKEN) \
    X(BASE_VERSION) \
    X(BATCH_ID) \
    X(BEFORE) \
    X(BEFORE_MS) \
    X(BODY) \
    X(BYTES_DONE) \
    X(CLAIMED_AS) \
    X(CLAIMED_ATTEMPTS) \
    X(CLAIMED_MS) \
    X(CODE) \
    X(CODE_STAYS) \
    X(COMMAND) \
    X(CONTENT_HASH) \
    X(CORRELATION) \
    X(CORRELATION_HEADER) \
    X(CORRELATION_ID) \
    X(CREATED_MS) \
    X(CREATES) \
    X(DATA_VERSION) \
    X(DELIVERED) \
    X(DEVICE) \
    X(DOUBT) \
    X(DUE_MS) \
    X(ECHO) \
    X(ENDED_MS) \
    X(END_ID) \
    X(ENTERED) \
    X(ENTRY) \
    X(ENTRY_USER) \
    X(ERROR) \
    X(ERROR_CODE) \
    X(ERROR_MESSAGE) \
    X(ERROR_RATE) \
    X(ERROR_STAYS) \
    X(EVIDENCE) \
    X(EXCUSED) \
    X(EXIT_STATUS) \
    X(FIELD) \
    X(FIELDS) \
    X(FILED_MS) \
    X(FILING) \
    X(FINISHED_MS) \
    X(FINISHED_RUN_ID) \
    X(FIRST_ID) \
    X(FIRST_ROW) \
    X(FIRST_VERSION) \
    X(FOLDER) \
    X(FORMAT) \
    X(FOUND) \
    X(HAS_ENTRY) \
    X(HAS_OTHERS) \
    X(HEADER) \
    X(HTTP_STATUS) \
    X(ID) \
    X(INODE) \
    X(IS_AT_STAKE) \
    X(IS_BEGUN) \
    X(IS_CHOSEN) \
    X(IS_COPIED) \
    X(IS_DISCARDING) \
    X(IS_DUE) \
    X(IS_FRESH) \
    X(IS_LEFT) \
    X(IS_OPEN) \
    X(IS_PRUNED) \
    X(IS_REFUSED) \
    X(IS_REOPENED) \
    X(IS_REPEATED) \
    X(IS_SENT) \
    X(IS_SHEET) \
    X(IS_UNFILED) \
    X(IS_WAITING) \
    X(JOBS) \
    X(JOB_ID) \
    X(KEEPS_BEFORE) \
    X(KIND) \
    X(LAG_MS) \
    X(LAST) \
    X(LAST_ID) \
    X(LAST_ROW) \
    X(LATENCY_AVG_MS) \
    X(LATENCY_P50_MS) \
    X(LATENCY_P95_MS) \
    X(LATENCY_P99_MS) \
    X(LATENCY_US) \
    X(LINES_DONE) \
    X(LINE_NO) \
    X(LOOKS_AGAIN) \
    X(LOOK_MS) \
    X(MADE_TOKEN) \
    X(MADE_VERSION) \
    X(MESSAGE) \
    X(METHOD) \
    X(MODIFIED_MS) \
    X(MTIME_NS) \
    X(NAME) \
    X(NEEDED_BY) \
    X(NEWEST_MS) \
    X(NEXT_JOB_ID) \
    X(NOT_ACCEPTED) \
    X(NOT_BEFORE_MS) \
    X(NOW_MS) \
    X(NUMBER) \
    X(OCCURRENCE) \
    X(OLDEST_ID) \
    X(OLDEST_MS) \
    X(PREVIOUS_ID) \
    X(OPTIONS) \
    X(OURS) \
    X(OVER_LIMIT) \
    X(OWN_USER) \
    X(PAGE) \
    X(PAGE_HASH) \
    X(PASSED) \
    X(PATH) \
    X(PLACE) \
    X(PREFIX_HASH) \
    X(PRUNED_MS) \
    X(PUT_CODE) \
    X(PUT_ERROR) \
    X(PUT_STATUS) \
    X(RAW) \
    X(READBACKS) \
    X(REASON) \
    X(RECORDS) \
    X(RECORD_ID) \
    X(REQUESTS) \
    X(REQUEST_ROWS) \
    X(RESOLUTION) \
    X(RETURNED) \
    X(ROUNDS) \
    X(ROWS) \
    X(ROWS_BEFORE) \
    X(ROWS_DISCARDED) \
    X(ROWS_READ) \
    X(ROWS_REJECTED) \
    X(ROW_NO) \
    X(RULE) \
    X(RUN_ID) \
    X(RUN_RETRIES) \
    X(SAME_KEY) \
    X(SCHEMA) \
    X(SCOPE) \
    X(SCHEMA_HASH) \
    X(SEEN) \
    X(SEEN_MS) \
    X(SENT) \
    X(SENT_VERSION) \
    X(SERVER_RECORD) \
    X(SERVER_TOKEN) \
    X(SERVER_VERSION) \
    X(SET_MS) \
    X(SINCE_MS) \
    X(SIZE) \
    X(SIZE_BYTES) \
    X(SLACK_MS) \
    X(SOURCE) \
    X(STARTED_MS) \
    X(STATE) \
    X(STATES) \
    X(SUBMITTED_VERSION) \
    X(TAGS) \
    X(TARGET) \
    X(TARGET_COLUMNS) \
    X(THEIRS) \
    X(THROTTLED) \
    X(TOKEN) \
    X(UNDER) \
    X(UNDOES) \
    X(UNSETTLED) \
    X(UPDATED_MS) \
    X(VALIDATION_FAILURES) \
    X(VERDICT) \
    X(VERSION) \
    X(VIOLATION_COUNT) \
    X(WAITS_FOR) \
    X(WANTED) \
    X(WAS_THERE) \
    X(WHAT)
/* clang-format on */

#define DB_NAME_ENTRY(name)         DB_##name,
#define DB_STATE_ENTRY(state, name) DB_##state,

enum db_name {
    JOB_STATE_LIST(DB_STATE_ENTRY, DB_STATE_ENTRY) VERDICT_LIST(DB_STATE_ENTRY, DB_STATE_ENTRY)
        DB_NAMES_LIST(DB_NAME_ENTRY) DB_NAMES
};

/* The counter of jobs in that state. */
static inline enum db_name db_name_of_state(int state)
{
    return (enum db_name)(DB_PENDING + state);
}

/* The counter of audits with that verdict, which is not VERDICT_NONE. */
static inline enum db_name db_name_of_verdict(int verdict)
{
    return (enum db_name)(DB_VERIFIED + verdict - VERDICT_VERIFIED);
}
