#include "core/store/delivery.h"

#include "core/store/db.h"

#include <string.h>

enum { LOOKED_AT_MAX = 4096 }; /* deliveries that are due, in search of those that may be sent */

enum {
    DELIVERY_BEGIN,
    DELIVERY_BLOCKED,
    DELIVERY_DROP,
    DELIVERY_FREE,
    DELIVERY_NEXT,
    DELIVERY_BEGIN_RUN,
    DELIVERY_DUE,
    DELIVERY_NEWEST,
    DELIVERY_NEXT_DUE,
    DELIVERY_HASTEN,
    DELIVERY_READ,
    DELIVERY_SETTLE,
    DELIVERY_COUNT,
    DELIVERY_LIST_FAILED,
    DELIVERY_RETRY,
};

static const char *const sql[] = {
    [DELIVERY_BEGIN] = "INSERT INTO outbox (id, state, not_before_ms, updated_ms) "
                       "VALUES (:id, 'pending', :not_before_ms, :now_ms)",
    /* the nearest earlier one decides: before one that is finished there is none that is not,
     * but for those that `retry` put back */
    [DELIVERY_BLOCKED] = "SELECT d.state = 'pending' AS is_waiting FROM notification n "
                         "CROSS JOIN outbox d ON d.id = n.id WHERE n.record_id = :record_id "
                         "AND n.id < :id ORDER BY n.id DESC LIMIT 1",
    [DELIVERY_DROP] = "DELETE FROM outbox WHERE id = :id",
    [DELIVERY_FREE] = "UPDATE outbox SET not_before_ms = :now_ms "
                      "WHERE id = :id AND state = 'pending' AND not_before_ms IS NULL",
    [DELIVERY_NEXT] = "SELECT n.id, n.job_id IS NOT NULL AND n.state = 'accepted' AS is_waiting "
                      "FROM notification n CROSS JOIN outbox d ON d.id = n.id "
                      "AND d.state = 'pending' WHERE n.record_id = :record_id AND n.id > :id "
                      "ORDER BY n.id LIMIT 1",
    [DELIVERY_BEGIN_RUN] = "UPDATE outbox SET attempts_before = attempts, not_before_ms = :now_ms "
                           "WHERE state <> 'delivered' AND not_before_ms IS NOT NULL "
                           "AND (attempts > attempts_before OR not_before_ms > :now_ms)",
    [DELIVERY_DUE] = "SELECT id, attempts > attempts_before AS is_repeated FROM outbox "
                     "WHERE state <> 'delivered' AND not_before_ms <= :now_ms "
                     "AND attempts - attempts_before < :attempts "
                     "ORDER BY not_before_ms, id LIMIT :wanted",
    [DELIVERY_NEWEST] = "SELECT id FROM outbox WHERE state <> 'delivered' "
                        "AND not_before_ms <= :now_ms AND attempts = attempts_before "
                        "ORDER BY not_before_ms DESC, id DESC LIMIT :wanted",
    [DELIVERY_NEXT_DUE] = "SELECT min(not_before_ms) AS due_ms, "
                          "(SELECT max(not_before_ms) FROM outbox WHERE state <> 'delivered') "
                          "AS last FROM outbox WHERE state <> 'delivered' "
                          "AND not_before_ms > :now_ms AND attempts - attempts_before < :attempts",
    [DELIVERY_HASTEN] = "UPDATE outbox SET not_before_ms = :now_ms WHERE state <> 'delivered' "
                        "AND not_before_ms > :not_before_ms",
    [DELIVERY_READ] =
        "SELECT d.attempts, d.attempts_before, n.record_id, n.body, n.same_key FROM outbox d "
        "JOIN notification n ON n.id = d.id WHERE d.id = :id",
    [DELIVERY_SETTLE] =
        "UPDATE outbox SET state = :state, attempts = :attempts, not_before_ms = :not_before_ms, "
        "http_status = :http_status, error = :error, updated_ms = :now_ms WHERE id = :id "
        "AND state = 'pending' RETURNING (SELECT record_id FROM notification n "
        "WHERE n.id = outbox.id) AS record_id",
    [DELIVERY_COUNT] = "UPDATE notification_tally SET pending = pending + :pending, "
                       "delivered = delivered + :delivered, failed = failed + :failed WHERE id = 1",
    [DELIVERY_LIST_FAILED] =
        "SELECT d.id, n.schema, n.record_id, d.http_status, d.error, (SELECT max(l.id) "
        "FROM notification l CROSS JOIN outbox o ON o.id = l.id AND o.state = 'delivered' "
        "WHERE l.record_id = n.record_id AND l.id > n.id) AS last_id FROM outbox d "
        "JOIN notification n ON n.id = d.id AND (:record_id = '' OR n.record_id = :record_id) "
        "WHERE d.state <> 'delivered' AND d.not_before_ms IS NULL AND d.state = 'failed' "
        "AND d.updated_ms >= :since_ms ORDER BY d.id",
    /* after an earlier one of its record, it waits for the end of that one */
    [DELIVERY_RETRY] = "UPDATE outbox SET state = 'pending', not_before_ms = "
                       "iif(EXISTS (SELECT 1 FROM notification n CROSS JOIN notification e "
                       "ON e.record_id = n.record_id AND e.id < n.id CROSS JOIN outbox d "
                       "ON d.id = e.id AND d.state <> 'delivered' AND (d.state = 'pending' "
                       "OR d.updated_ms >= :since_ms) WHERE n.id = outbox.id), "
                       "NULL, :now_ms), attempts_before = attempts, updated_ms = :now_ms "
                       "WHERE state <> 'delivered' AND not_before_ms IS NULL AND state = 'failed' "
                       "AND updated_ms >= :since_ms AND (:record_id = '' OR (SELECT n.record_id "
                       "FROM notification n WHERE n.id = outbox.id) = :record_id)",
};

const struct db_statements delivery_statements = {sql, sizeof sql / sizeof *sql};

/* Adds to the counters of deliveries. */
static bool count(struct store *store, int64_t pending, int64_t delivered, int64_t failed,
                  struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_COUNT, err);

    db_bind_int64(statement, DB_PENDING, pending);
    db_bind_int64(statement, DB_DELIVERED, delivered);
    db_bind_int64(statement, DB_FAILED, failed);
    return db_run(store, statement, err, "count deliveries");
}

/* Whether an earlier delivery of the record is pending. */
static bool is_blocked(struct store *store, int64_t id, struct span record_id, bool *blocked,
                       struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_BLOCKED, err);
    int64_t waiting = 0;
    bool fine;

    db_bind_int64(statement, DB_ID, id);
    db_bind_span(statement, DB_RECORD_ID, record_id);
    fine = db_read_int64(store, statement, DB_IS_WAITING, &waiting, err,
                         "look for an earlier delivery");
    *blocked = waiting;
    return fine;
}

bool delivery_begin(struct store *store, int64_t id, struct span record_id, bool waits,
                    int64_t now_ms, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_BEGIN, err);

    if (!waits && !is_blocked(store, id, record_id, &waits, err))
        return false;
    db_bind_int64(statement, DB_ID, id);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_known(statement, DB_NOT_BEFORE_MS, !waits, now_ms);
    return db_run(store, statement, err, "enter a delivery");
}

bool delivery_free(struct store *store, int64_t id, struct span record_id, int64_t now_ms,
                   struct err *err)
{
    struct db_statement *statement;
    bool blocked;

    if (!is_blocked(store, id, record_id, &blocked, err))
        return false;
    if (blocked)
        return true;
    statement = db_get(store, DB_DELIVERIES, DELIVERY_FREE, err);
    db_bind_int64(statement, DB_ID, id);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    return db_run(store, statement, err, "make a delivery due");
}

/* Frees the first pending delivery of the record after that one. */
static bool free_next(struct store *store, int64_t id, struct span record_id, int64_t now_ms,
                      struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_NEXT, err);
    bool row, waits;

    db_bind_int64(statement, DB_ID, id);
    db_bind_span(statement, DB_RECORD_ID, record_id);
    if (!db_step(store, statement, &row, err, "look for the next delivery"))
        return false;
    if (!row)
        return true;
    id = db_column_int64(statement, DB_ID);
    waits = db_column_int(statement, DB_IS_WAITING);
    db_reset(statement);
    return waits || delivery_free(store, id, record_id, now_ms, err);
}

bool delivery_drop(struct store *store, int64_t id, struct span record_id, int64_t now_ms,
                   struct err *err)
{
    return db_run_on(store, DB_DELIVERIES, DELIVERY_DROP, DB_ID, id, err, "drop a delivery") &&
           free_next(store, id, record_id, now_ms, err);
}

void delivery_release(struct delivery *delivery)
{
    buf_release(&delivery->record_id);
    buf_release(&delivery->body);
}

bool deliveries_begin(struct store *store, int64_t now_ms, struct err *err)
{
    return db_run_on(store, DB_DELIVERIES, DELIVERY_BEGIN_RUN, DB_NOW_MS, now_ms, err,
                     "begin to deliver");
}

/* When the first delivery that is not due will be; 0: there is none. */
static bool find_next(struct store *store, int64_t now_ms, unsigned tries, int64_t *next_due_ms,
                      struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_NEXT_DUE, err);
    int64_t last_ms;
    bool row;

    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_int64(statement, DB_ATTEMPTS, tries);
    if (!db_step(store, statement, &row, err, "look for deliveries"))
        return false;
    *next_due_ms = db_column_int64(statement, DB_DUE_MS);
    last_ms = db_column_int64(statement, DB_LAST);
    db_reset(statement);
    if (last_ms <= now_ms + DELIVERY_WAIT_MAX_MS)
        return true;
    *next_due_ms = now_ms;
    statement = db_get(store, DB_DELIVERIES, DELIVERY_HASTEN, err);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_int64(statement, DB_NOT_BEFORE_MS, now_ms + DELIVERY_WAIT_MAX_MS);
    return db_run(store, statement, err, "hasten deliveries");
}

bool deliveries_due(struct store *store, int64_t now_ms, unsigned tries, struct delivery_list *list,
                    size_t repeated, int64_t *next_due_ms, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_DUE, err);
    bool fine = true;

    list->count = 0;
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_int64(statement, DB_ATTEMPTS, tries);
    db_bind_int64(statement, DB_WANTED, LOOKED_AT_MAX);
    while (list->count < list->max &&
           db_next(store, statement, &fine, err, "look for deliveries")) {
        struct delivery_due due = {db_column_int64(statement, DB_ID),
                                   db_column_int(statement, DB_IS_REPEATED)};

        if (due.is_repeated && repeated == 0)
            continue;
        repeated -= due.is_repeated;
        list->items[list->count++] = due;
    }
    db_reset(statement);
    if (!fine)
        return false;
    return find_next(store, now_ms, tries, next_due_ms, err);
}

bool deliveries_newest(struct store *store, int64_t now_ms, struct delivery_list *list,
                       struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_NEWEST, err);
    bool fine = true;

    list->count = 0;
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_int64(statement, DB_WANTED, (int64_t)list->max);
    while (list->count < list->max && db_next(store, statement, &fine, err, "look for deliveries"))
        list->items[list->count++] =
            (struct delivery_due){db_column_int64(statement, DB_ID), false};
    db_reset(statement);
    return fine;
}

bool delivery_read(struct store *store, int64_t id, struct delivery *delivery, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_READ, err);
    struct span key;
    bool row;

    db_bind_int64(statement, DB_ID, id);
    if (!db_step(store, statement, &row, err, "read a delivery"))
        return false;
    if (!row)
        return err_set(err, ERR_STORE, "database %s: delivery %lld is gone", store->path,
                       (long long)id);
    delivery->id = id;
    delivery->attempts = (unsigned)db_column_int64(statement, DB_ATTEMPTS);
    delivery->tries = delivery->attempts - (unsigned)db_column_int64(statement, DB_ATTEMPTS_BEFORE);
    db_copy_text(statement, DB_RECORD_ID, &delivery->record_id);
    db_copy_text(statement, DB_BODY, &delivery->body);
    key = db_column_blob(statement, DB_SAME_KEY);
    memset(delivery->key, 0, sizeof delivery->key);
    memcpy(delivery->key, key.data,
           key.size < sizeof delivery->key ? key.size : sizeof delivery->key);
    db_reset(statement);
    return true;
}

static const char *const state_names[] = {"pending", "delivered", "failed"};

static bool settle(struct store *store, const struct delivery_outcome *outcome, int64_t now_ms,
                   struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_SETTLE, err);
    bool row, fine = true, is_over = outcome->state != DELIVERY_PENDING;
    struct buf record_id = {0};

    db_bind_int64(statement, DB_ID, outcome->id);
    db_bind_text(statement, DB_STATE, state_names[outcome->state]);
    db_bind_int64(statement, DB_ATTEMPTS, outcome->attempts);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_text(statement, DB_ERROR, outcome->error[0] ? outcome->error : NULL);
    db_bind_known(statement, DB_NOT_BEFORE_MS, !is_over, outcome->not_before_ms);
    db_bind_known(statement, DB_HTTP_STATUS, outcome->http_status != 0, outcome->http_status);
    if (!db_step(store, statement, &row, err, "settle a delivery"))
        return false;
    if (row) {
        buf_append_span(&record_id, db_column_span(statement, DB_RECORD_ID));
        db_reset(statement);
    }
    if (row && is_over)
        fine = count(store, -1, outcome->state == DELIVERY_DELIVERED,
                     outcome->state == DELIVERY_FAILED, err) &&
               free_next(store, outcome->id, buf_span(&record_id), now_ms, err);
    buf_release(&record_id);
    return fine;
}

bool deliveries_settle(struct store *store, const struct delivery_outcome *outcomes, size_t number,
                       int64_t now_ms, struct err *err)
{
    bool fine = db_begin(store, err);

    for (size_t i = 0; fine && i < number; i++)
        fine = settle(store, &outcomes[i], now_ms, err);
    return db_end(store, fine, err);
}

static void bind_choice(struct db_statement *statement, const struct delivery_choice *choice)
{
    db_bind_span(statement, DB_RECORD_ID, choice->record_id);
    db_bind_int64(statement, DB_SINCE_MS, choice->since_ms);
}

bool deliveries_failed(struct store *store, const struct delivery_choice *choice,
                       void (*visit)(void *context, const struct delivery_failed *failed),
                       void *context, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_LIST_FAILED, err);
    bool fine = true;

    bind_choice(statement, choice);
    while (db_next(store, statement, &fine, err, "list failed deliveries"))
        visit(context, &(struct delivery_failed){
                           .id = db_column_int64(statement, DB_ID),
                           .schema = db_column_span(statement, DB_SCHEMA),
                           .record_id = db_column_span(statement, DB_RECORD_ID),
                           .http_status = db_column_int(statement, DB_HTTP_STATUS),
                           .error = db_column_span(statement, DB_ERROR),
                           .later_id = db_column_int64(statement, DB_LAST_ID),
                       });
    return fine;
}

bool deliveries_retry(struct store *store, const struct delivery_choice *choice, int64_t now_ms,
                      uint64_t *retried, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DELIVERIES, DELIVERY_RETRY, err);
    bool fine = db_begin(store, err);

    *retried = 0;
    if (!fine)
        return false;
    bind_choice(statement, choice);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    fine = db_run(store, statement, err, "put deliveries back");
    if (fine) {
        int64_t changed = sqlite3_changes64(store->db);

        *retried = (uint64_t)changed;
        fine = count(store, changed, 0, -changed, err);
    }
    return db_end(store, fine, err);
}
