#include "cmd/genesys-sim/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool ledger_open(struct ledger *ledger, const char *const paths[LEDGER_FILES], struct err *err)
{
    *ledger = LEDGER_CLOSED;
    for (int i = 0; i < LEDGER_FILES; i++) {
        if (!paths[i])
            continue;
        ledger->fd[i] = open(paths[i], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (ledger->fd[i] < 0) {
            err_set(err, ERR_CONFIG, "cannot write %s: %s", paths[i], strerror(errno));
            ledger_close(ledger);
            return false;
        }
    }
    return true;
}

void ledger_close(struct ledger *ledger)
{
    for (int i = 0; i < LEDGER_FILES; i++)
        if (ledger->fd[i] >= 0)
            close(ledger->fd[i]);
    buf_release(&ledger->line);
    *ledger = LEDGER_CLOSED;
}

static void add_text(struct buf *line, const char *name, const char *value)
{
    buf_printf(line, ",\"%s\":", name);
    if (!value || !*value) {
        buf_append_text(line, "null");
        return;
    }
    buf_append_quoted(line, span_of(value));
}

static void add_json(struct buf *line, const char *name, struct span value)
{
    buf_printf(line, ",\"%s\":", name);
    buf_append_json_text(line, value.data ? value : span_of("null"));
}

static void add_number(struct buf *line, const char *name, int64_t value)
{
    buf_printf(line, ",\"%s\":%lld", name, (long long)value);
}

static bool put_line(struct ledger *ledger, int fd, struct err *err)
{
    struct buf *line = &ledger->line;
    ssize_t written;

    buf_append_text(line, "}\n");
    do {
        written = write(fd, line->data, line->size);
    } while (written < 0 && errno == EINTR);
    if (written == (ssize_t)line->size)
        return true;
    return err_set(err, ERR_STORE, "cannot write to the ledger: %s",
                   written < 0 ? strerror(errno) : "only a part was written");
}

bool ledger_add_update(struct ledger *ledger, const struct ledger_update *update, struct err *err)
{
    struct buf *line = &ledger->line;

    ledger->updates++;
    if (ledger->fd[LEDGER_UPDATES] < 0)
        return true;
    buf_reset(line);
    buf_printf(line, "{\"seq\":%llu,\"request\":%llu", (unsigned long long)ledger->updates,
               (unsigned long long)update->request);
    add_text(line, "schema", update->schema);
    add_text(line, "id", update->id);
    add_number(line, "version", update->submitted_version + 1);
    add_number(line, "submitted_version", update->submitted_version);
    add_text(line, "correlation_id", update->correlation_id);
    add_json(line, "fields", update->fields);
    add_json(line, "source", update->source);
    add_number(line, "at_ms", update->at_ms);
    buf_append_text(line, update->foreign ? ",\"foreign\":true" : ",\"foreign\":false");
    return put_line(ledger, ledger->fd[LEDGER_UPDATES], err);
}

bool ledger_add_request(struct ledger *ledger, const struct ledger_request *request,
                        struct err *err)
{
    struct buf *line = &ledger->line;

    if (ledger->fd[LEDGER_REQUESTS] < 0)
        return true;
    buf_reset(line);
    buf_printf(line, "{\"seq\":%llu", (unsigned long long)request->seq);
    add_text(line, "kind", request->kind);
    add_text(line, "schema", request->schema);
    add_text(line, "id", request->id);
    if (request->version >= 0)
        add_number(line, "version", request->version);
    else
        buf_append_text(line, ",\"version\":null");
    add_text(line, "correlation_id", request->correlation_id);
    add_number(line, "status", (int64_t)request->status);
    buf_append_text(line, request->applied ? ",\"applied\":true" : ",\"applied\":false");
    if (request->rows)
        add_number(line, "rows", request->rows);
    add_text(line, "fault", request->fault);
    add_number(line, "connection", (int64_t)request->connection);
    add_number(line, "at_ms", request->at_ms);
    if (request->body.data) {
        add_text(line, "idempotency_key", request->idempotency_key);
        add_text(line, "webhook_id", request->webhook_id);
        add_json(line, "body", request->body);
    }
    return put_line(ledger, ledger->fd[LEDGER_REQUESTS], err);
}

bool ledger_add_notification(struct ledger *ledger, const struct ledger_notification *sent,
                             struct err *err)
{
    struct buf *line = &ledger->line;

    if (ledger->fd[LEDGER_NOTIFICATIONS] < 0)
        return true;
    buf_reset(line);
    buf_printf(line, "{\"number\":%llu", (unsigned long long)sent->number);
    add_text(line, "webhook_id", sent->webhook_id);
    add_text(line, "id", sent->id);
    add_number(line, "attempt", sent->attempt);
    add_number(line, "status", sent->status);
    add_text(line, "error", sent->error);
    add_text(line, "distorted", sent->distorted);
    add_number(line, "at_ms", sent->at_ms);
    add_number(line, "ended_ms", sent->ended_ms);
    add_text(line, "timestamp", sent->timestamp);
    add_text(line, "signature", sent->signature);
    add_text(line, "hub", sent->hub);
    add_json(line, "body", sent->body);
    return put_line(ledger, ledger->fd[LEDGER_NOTIFICATIONS], err);
}
