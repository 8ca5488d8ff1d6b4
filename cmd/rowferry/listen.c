/* Notifications come over HTTP, are stored, and go on to the ERP, until a signal comes. */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/deliver.h"
#include "cmd/rowferry/metrics.h"
#include "cmd/rowferry/secret.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/trusted_file.h"
#include "core/base/prometheus.h"
#include "core/notify/address.h"
#include "core/notify/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_FD = 3, PEM_MAX = 1 << 20, LOCK_EVERY_S = 2 };

/* The thread that delivers, and what it reports to the others. */
struct courier {
    pthread_t thread;
    bool is_running;
    struct store *store;
    struct sender *sender;
    struct signature_keys *keys; /* of the sender, once its first ones were replaced */
    struct session *session;

    pthread_mutex_t mutex;
    pthread_cond_t stopped;
    bool is_stopping;
    struct signature_keys *new_keys; /* to be used from now on; or NULL */
    bool delivers;                   /* it has the lock */
    bool has_failed;
    struct err err;
    struct sender_counts counts;
    char trouble[DELIVERY_ERROR_SIZE];
};

struct listen {
    struct session session;
    struct deliver deliver;
    struct signature_keys *keys;
    struct signing_keys_file keys_file;
    struct courier courier;
    struct listener *listener;
    struct store *store; /* of the committer */
    int fd;
    bool is_local;
    char *certificate, *key;
    size_t key_size;
    bool reported_database, reported_erp, reported_waiting;
    struct {
        uint64_t ended, retried; /* deliveries, when one last finished */
        unsigned ticks;          /* with tries that failed since then */
    } erp;
};

/* --- the courier --- */

static bool is_stopping(struct courier *courier)
{
    bool stopping;

    pthread_mutex_lock(&courier->mutex);
    stopping = courier->is_stopping;
    pthread_mutex_unlock(&courier->mutex);
    return stopping;
}

static void note(struct courier *courier, bool delivers)
{
    pthread_mutex_lock(&courier->mutex);
    courier->delivers = delivers;
    courier->counts = *sender_counts(courier->sender);
    snprintf(courier->trouble, sizeof courier->trouble, "%s", sender_trouble(courier->sender));
    pthread_mutex_unlock(&courier->mutex);
}

/* Takes over keys whose file has changed. */
static void use_new_keys(struct courier *courier)
{
    struct signature_keys *keys;

    pthread_mutex_lock(&courier->mutex);
    keys = courier->new_keys;
    courier->new_keys = NULL;
    pthread_mutex_unlock(&courier->mutex);
    if (!keys)
        return;
    sender_use_keys(courier->sender, keys);
    signature_keys_free(courier->keys);
    courier->keys = keys;
}

/* Delivers for as long as it has the lock. */
static bool deliver(struct courier *courier, struct lock *lock, struct err *err)
{
    enum sender_end end = SENDER_AT_WORK;

    if (!sender_begin(courier->sender, err))
        return false;
    for (;;) {
        bool stopping = is_stopping(courier);

        use_new_keys(courier);
        if (!lock_look(lock, err) || !sender_turn(courier->sender, stopping, 1000, -1, &end, err))
            return false;
        note(courier, true);
        if (stopping && end != SENDER_AT_WORK)
            return true;
    }
}

/* Waits before another try, or until the courier is to stop. */
static void rest(struct courier *courier)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOCK_EVERY_S;
    pthread_mutex_lock(&courier->mutex);
    while (!courier->is_stopping &&
           pthread_cond_timedwait(&courier->stopped, &courier->mutex, &until) == 0)
        ;
    pthread_mutex_unlock(&courier->mutex);
}

/* A database that fails is tried again, as is a lock that another process holds. */
static void *work_courier(void *context)
{
    struct courier *courier = context;
    struct session *session = courier->session;

    while (!is_stopping(courier)) {
        struct err err = {0};
        struct lock *lock = lock_take(store_path(courier->store), LOCK_DELIVERY, session->run_id,
                                      session->cli->summary->started_ms, &err);
        bool fine = lock && deliver(courier, lock, &err);

        lock_release(lock);
        pthread_mutex_lock(&courier->mutex);
        courier->delivers = false;
        courier->has_failed = !fine && err.kind != ERR_BUSY;
        courier->err = err;
        pthread_mutex_unlock(&courier->mutex);
        if (!fine)
            rest(courier);
    }
    return NULL;
}

static bool courier_open(struct listen *listen, struct err *err)
{
    struct courier *courier = &listen->courier;
    struct sender_options options;
    bool created;
    int code;

    pthread_mutex_init(&courier->mutex, NULL);
    pthread_cond_init(&courier->stopped, NULL);
    courier->session = &listen->session;
    if (!listen->deliver.endpoint)
        return true;
    deliver_options(&listen->deliver, &listen->session, 0, &options);
    courier->store = store_open(store_path(listen->session.store), STORE_EXISTING, &created, err);
    courier->sender = courier->store ? sender_open(courier->store, &options, err) : NULL;
    if (!courier->sender)
        return false;
    code = pthread_create(&courier->thread, NULL, work_courier, courier);
    courier->is_running = code == 0;
    return code == 0 || err_set(err, ERR_INTERNAL, "cannot start a thread: %s", strerror(code));
}

static void courier_close(struct courier *courier)
{
    if (courier->is_running) {
        pthread_mutex_lock(&courier->mutex);
        courier->is_stopping = true;
        pthread_cond_signal(&courier->stopped);
        pthread_mutex_unlock(&courier->mutex);
        sender_wake(courier->sender);
        pthread_join(courier->thread, NULL);
    }
    sender_close(courier->sender);
    signature_keys_free(courier->keys);
    signature_keys_free(courier->new_keys);
    store_close(courier->store);
    pthread_cond_destroy(&courier->stopped);
    pthread_mutex_destroy(&courier->mutex);
}

/* --- what it says --- */

/* From the committer's thread. */
static void on_stored(void *context)
{
    struct listen *listen = context;

    if (listen->courier.is_running)
        sender_wake(listen->courier.sender);
}

static void print_requests(const struct listener_counts *counts,
                           const struct committer_counts *commits, struct buf *out)
{
    const struct {
        const char *result;
        uint64_t value;
    } results[] = {{"stored", counts->stored},
                   {"repeated", counts->repeated},
                   {"refused", counts->refused},
                   {"unavailable", counts->unavailable}};
    struct prometheus_labels labels = {0};

    prometheus_family(out, "rowferry_notification_requests_total", "counter",
                      "Notifications received, by outcome.");
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        labels.own = (struct prometheus_label){"result", results[i].result};
        prometheus_sample(out, "rowferry_notification_requests_total", &labels,
                          (double)results[i].value);
    }
    labels.own = (struct prometheus_label){0};
    prometheus_family(out, "rowferry_listener_connections", "gauge", "Open connections.");
    prometheus_sample(out, "rowferry_listener_connections", &labels, counts->open);
    prometheus_family(out, "rowferry_notification_commit_seconds", "histogram",
                      "Time of one transaction that stores notifications.");
    prometheus_histogram(out, "rowferry_notification_commit_seconds", &labels, &commits->commit_us);
}

static void print_metrics(void *context, struct buf *out)
{
    struct listen *listen = context;
    const struct prometheus_labels labels = {0};
    struct listener_counts counts;
    struct committer_counts commits;
    struct sender_counts sent;

    listener_count(listen->listener, &counts, &commits);
    print_requests(&counts, &commits, out);
    metrics_notifications(&commits.stored, &labels, out);
    if (!listen->courier.is_running)
        return;
    pthread_mutex_lock(&listen->courier.mutex);
    sent = listen->courier.counts;
    pthread_mutex_unlock(&listen->courier.mutex);
    prometheus_family(out, "rowferry_delivery_retries_total", "counter",
                      "Deliveries that have to be tried again.");
    prometheus_sample(out, "rowferry_delivery_retries_total", &labels, (double)sent.retried);
    prometheus_family(out, "rowferry_delivery_duration_seconds", "histogram",
                      "Time until the ERP answered.");
    prometheus_histogram(out, "rowferry_delivery_duration_seconds", &labels, &sent.latency_us);
}

/* The keys of a file that has changed; NULL: it has not, or cannot be used. */
static struct signature_keys *look_for_keys(struct report *report, struct signing_keys_file *file)
{
    struct err err = {0};
    struct signature_keys *keys = signing_keys_look(file, &err);

    if (keys)
        report_notice(report, "'%s' was read again: its secrets are used from now on",
                      options_text(file->options, file->id));
    else if (err.kind != ERR_NONE)
        report_notice(report, "the secrets that were read before stay in use: %s", err.text);
    return keys;
}

static void look_for_new_keys(struct listen *listen)
{
    struct report *report = &listen->session.cli->report;
    struct courier *courier = &listen->courier;
    struct signature_keys *keys = look_for_keys(report, &listen->keys_file);

    if (keys) {
        listener_use_keys(listen->listener, keys);
        signature_keys_free(listen->keys);
        listen->keys = keys;
    }
    keys = courier->is_running ? look_for_keys(report, &listen->deliver.keys_file) : NULL;
    if (!keys)
        return;
    pthread_mutex_lock(&courier->mutex);
    signature_keys_free(courier->new_keys);
    courier->new_keys = keys;
    pthread_mutex_unlock(&courier->mutex);
    sender_wake(courier->sender);
}

enum { ERP_TICKS = 5 }; /* with nothing but failed tries, before that is said */

/* Says once that tries fail, and once that they do not any more. */
static void show_erp(struct listen *listen, const struct courier *courier, uint64_t pending)
{
    struct report *report = &listen->session.cli->report;
    uint64_t ended = courier->counts.delivered + courier->counts.failed;

    if (ended != listen->erp.ended) {
        if (listen->erp.ticks >= ERP_TICKS)
            report_notice(report, "deliveries to the ERP work again");
        listen->erp.ended = ended;
        listen->erp.retried = courier->counts.retried;
        listen->erp.ticks = 0;
    } else if (courier->counts.retried > listen->erp.retried && pending > 0 &&
               ++listen->erp.ticks == ERP_TICKS) {
        report_notice(report, "deliveries to the ERP fail and are tried again: %s",
                      courier->trouble);
    }
}

/* From the loop, about once a second: what changed is said once. */
static void on_tick(void *context)
{
    struct listen *listen = context;
    struct report *report = &listen->session.cli->report;
    struct listener_counts counts;
    struct committer_counts commits;
    struct courier *courier = &listen->courier;

    look_for_new_keys(listen);
    listener_count(listen->listener, &counts, &commits);
    if (commits.is_failing != listen->reported_database) {
        listen->reported_database = commits.is_failing;
        if (commits.is_failing)
            report_notice(report, "requests are answered 503: %s", commits.err.text);
        else
            report_notice(report, "the database works again");
    }
    if (!courier->is_running)
        return;
    pthread_mutex_lock(&courier->mutex);
    if (courier->has_failed && !listen->reported_erp)
        report_notice(report, "notifications are not delivered: %s", courier->err.text);
    listen->reported_erp = courier->has_failed;
    if (!courier->delivers && courier->err.kind == ERR_BUSY && !listen->reported_waiting) {
        report_notice(report, "notifications are delivered by another process for now: %s",
                      courier->err.text);
        listen->reported_waiting = true;
    }
    show_erp(listen, courier, commits.stored.pending);
    pthread_mutex_unlock(&courier->mutex);
}

/* --- the command --- */

/* The socket that systemd hands over (sd_listen_fds(3)). *found false: none. */
static bool inherit_socket(int *fd, bool *found, struct err *err)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int64_t number;

    *found = pid && count && str_to_int64(span_of(pid), 1, INT64_MAX, &number) &&
             number == getpid() && str_to_int64(span_of(count), 0, INT32_MAX, &number) &&
             number > 0;
    if (!*found)
        return true;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (number != 1)
        return err_set(err, ERR_CONFIG,
                       "systemd hands over %" PRId64
                       " sockets, but one can be served: give the .socket unit one ListenStream",
                       number);
    fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC);
    *fd = FIRST_FD;
    return true;
}

static bool open_socket(struct listen *listen, const struct options *options, struct err *err)
{
    bool found;

    if (!inherit_socket(&listen->fd, &found, err))
        return false;
    if (found)
        return address_adopt(listen->fd, &listen->is_local, err);
    if (options->path_count == 0)
        return err_set(err, ERR_CONFIG,
                       "`rowferry listen` needs a port: [HOST:]PORT; see rowferry listen --help");
    listen->fd = address_listen(options->paths[0], &listen->is_local, err);
    return listen->fd >= 0;
}

static bool read_pem(const char *path, bool secret, char **text, size_t *size, struct err *err)
{
    bool missing;
    mode_t mode;

    if (!trusted_file_read(path, PEM_MAX, text, size, &mode, &missing, err))
        return false;
    if (missing)
        return err_set(err, ERR_CONFIG,
                       "there is no file '%s': name one with the certificate or its key (PEM)",
                       path);
    return !secret || secret_file_is_private(path, mode, "holds the key of the certificate", err);
}

static bool read_tls(struct listen *listen, const struct options *options, struct err *err)
{
    const char *certificate = options_text(options, OPT_TLS_CERT);
    const char *key = options_text(options, OPT_TLS_KEY);
    size_t size;

    if (!certificate != !key)
        return err_set(err, ERR_CONFIG, "--tls-cert and --tls-key must be given together");
    return !certificate || (read_pem(certificate, false, &listen->certificate, &size, err) &&
                            read_pem(key, true, &listen->key, &listen->key_size, err));
}

static bool prepare(struct listen *listen, struct cli *cli)
{
    struct err err = {0};

    if (!deliver_open(&listen->deliver, cli))
        return false;
    return (signing_keys_read(&cli->options, OPT_WEBHOOK_SECRET, &listen->keys, &listen->keys_file,
                              &err) &&
            read_tls(listen, &cli->options, &err) && open_socket(listen, &cli->options, &err) &&
            (listen->keys || listen->is_local ||
             err_set(&err, ERR_CONFIG,
                     "other machines can reach this address, and there is no secret: set "
                     "--webhook-secret-file, or listen on 127.0.0.1"))) ||
           report_fail(&cli->report, &err);
}

static void say_beginning(struct listen *listen)
{
    struct report *report = &listen->session.cli->report;
    struct buf name = {0};

    address_name(listen->fd, &name);
    report_notice(report, "listening on %s%s", listen->certificate ? "https://" : "http://",
                  buf_text(&name));
    if (!listen->deliver.endpoint)
        report_notice(report, "notifications are stored and not delivered: set --erp-endpoint or "
                              "ERP_ENDPOINT to the ERP's URL");
    buf_release(&name);
}

static void count(struct listen *listen)
{
    struct summary_notifications *summary = &listen->session.cli->summary->notifications;
    struct listener_counts counts;
    struct committer_counts commits;
    struct notification_counts stored;

    listener_count(listen->listener, &counts, &commits);
    summary->received = counts.stored;
    summary->repeated = counts.repeated;
    summary->delivered = listen->courier.counts.delivered;
    summary->failed = listen->courier.counts.failed;
    if (deliver_count(&listen->session, &stored))
        summary->pending = stored.pending;
}

static void work(struct listen *listen)
{
    struct report *report = &listen->session.cli->report;
    struct err err = {0};
    bool created, fine;

    listen->store = store_open(store_path(listen->session.store), STORE_EXISTING, &created, &err);
    fine = listen->store && courier_open(listen, &err);
    if (fine) {
        listen->listener = listener_open(
            &(struct listener_options){.fd = listen->fd,
                                       .store = listen->store,
                                       .keys = listen->keys,
                                       .client_id = listen->deliver.client_id,
                                       .catalog = listen->deliver.catalog,
                                       .delivers_echoes = listen->deliver.delivers_echoes,
                                       .tls_certificate = listen->certificate,
                                       .tls_key = listen->key,
                                       .stored = on_stored,
                                       .tick = on_tick,
                                       .print_metrics = print_metrics,
                                       .context = listen},
            &err);
        fine = listen->listener != NULL;
    }
    if (fine) {
        say_beginning(listen);
        fine = listener_run(listen->listener, &err);
        listener_end(listen->listener);
    }
    if (!fine)
        report_fail(report, &err);
    else
        report_stopped(report);
    courier_close(&listen->courier);
    if (listen->listener)
        count(listen);
    listener_close(listen->listener);
    store_close(listen->store);
}

void command_listen(struct cli *cli)
{
    struct listen listen = {.fd = -1};

    if (prepare(&listen, cli) &&
        session_open(&listen.session, cli, STORE_CREATE, SUMMARY_INTAKE, false)) {
        listen.session.sets_status = false;
        work(&listen);
        session_end(&listen.session);
    }
    if (listen.fd >= 0)
        close(listen.fd);
    if (listen.key)
        explicit_bzero(listen.key, listen.key_size);
    free(listen.key);
    free(listen.certificate);
    signature_keys_free(listen.keys);
    deliver_release(&listen.deliver);
}
