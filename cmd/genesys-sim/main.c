/* genesys-sim: the Custom Objects API as a server on the loopback, for tests and first trials.
 *
 * - main.c: this map; options in, one line out, exit status
 * - options: the option table, for the command line and for /sim/config
 * - server: sockets, TLS and the loop: bytes become a request, an answer becomes bytes or a cut
 * - dispatch: one request: route, token, rate limit, fault, handler, line in the ledger
 * - routes: method and target to kind, schema and record id
 * - login, put_get, audit, erp, control: the handlers, one file for each kind of request
 * - resource, contacts: other resources, with other locks, bulk, and records that a write creates
 * - sim: what the server remembers, and what several handlers do: update, answer a record
 * - request, payload, strict: a request; the body of an update; strict JSON
 * - answer: bodies and headers of answers and errors
 * - records, tokens: records with their audit entries; bearer tokens
 * - webhooks: notifications of changed records, sent to --webhook-url
 * - distort: answers that differ from those of the API
 * - faults, pace, timers: what goes wrong, rate limits, what happens later
 * - ledger: updates, requests and notifications as JSON lines
 *
 * Exit status: 0 after SIGINT, SIGTERM, the end of the parent (--with-parent) or --max-seconds; 2
 * if an option, a file or the port is wrong; 1 if the ledger cannot be written. */
#include "cmd/genesys-sim/options.h"
#include "cmd/genesys-sim/server.h"
#include "cmd/genesys-sim/sim.h"
#include "core/base/mem.h"
#include "core/base/stop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Asks for SIGTERM when the parent ends; false when it has ended already. */
static bool follow_parent(void)
{
    pid_t parent = getppid();

    return parent > 1 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

static bool serve(struct sim *sim, const struct options *options, struct err *err)
{
    struct server server;
    bool ok;

    if (!server_open(&server, sim, (uint16_t)options->port, err)) {
        server_close(&server);
        return false;
    }
    printf("listening on http%s://127.0.0.1:%u\n", options->tls_key_path ? "s" : "", server.port);
    ok = fflush(stdout) == 0 ? server_run(&server, options->max_seconds, err)
                             : err_set(err, ERR_CONFIG, "cannot write to stdout");
    server_close(&server);
    return ok;
}

static bool run(struct options *options, struct err *err)
{
    struct sim *sim = mem_calloc(1, sizeof *sim);
    bool ok = sim_open(sim, options, err) && stop_init(err) && serve(sim, options, err);

    sim_close(sim);
    free(sim);
    return ok;
}

int main(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    bool ok;

    signal(SIGPIPE, SIG_IGN);
    options_init(&options);
    ok = options_parse(&options, argc, argv, &err);
    if (ok && options.help)
        options_help(stdout);
    else if (ok && (!options.with_parent || follow_parent()))
        ok = run(&options, &err);
    if (!ok)
        fprintf(stderr, "genesys-sim: %s\n", err.text);
    options_release(&options);
    if (ok)
        return 0;
    return err.kind == ERR_CONFIG || err.kind == ERR_INPUT ? 2 : 1;
}
