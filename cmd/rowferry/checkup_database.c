#include "cmd/rowferry/checkup_database.h"

#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/store/census.h"
#include "core/store/lock.h"
#include "core/store/runs.h"
#include "core/store/store.h"
#include "core/store/summary.h"
#include "core/store/unfiled.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* In bytes. The write-ahead log is copied into the database every 16 MB, and then used again from
 * its beginning; a million rows take about half a GB. */
#define WAL_MANY     (128 * UINT64_C(1000000))
#define FREE_FEW     UINT64_C(1000000000)
#define FREE_TOO_FEW (50 * UINT64_C(1000000))

enum { DIFFERENCES_MAX = 10 };   /* that are shown */
enum { CLOCK_SLACK_MS = 60000 }; /* between two clocks that agree */

#define CLOCK_ADVICE "the clock was wrong when that was stored, or is wrong now: check it"

static const char *path_of(const struct checkup *checkup)
{
    return options_text(&checkup->cli->options, OPT_DB);
}

/* --- database --- */

static void check_rights(struct checkup *checkup, const struct stat *status)
{
    if (status->st_mode & (S_IRWXG | S_IRWXO))
        checkup_remark(checkup,
                       "it has the data of the files: run chmod 600, so that nobody else can "
                       "read it",
                       "others have permissions on it (mode %04o)", status->st_mode & 07777U);
    if (faccessat(AT_FDCWD, path_of(checkup), R_OK | W_OK, AT_EACCESS) != 0)
        checkup_fail(checkup, ERR_STORE, "run rowferry as the user who owns the database",
                     "this user cannot read and write it: %s", strerror(errno));
    else if (status->st_uid != geteuid())
        checkup_remark(checkup,
                       "run this as that user (sudo -u NAME rowferry doctor): permissions were "
                       "checked for the current user",
                       "it belongs to another user (%u)", (unsigned)status->st_uid);
}

static void report_facts(struct checkup *checkup, const struct census_facts *facts)
{
    char size[WORDS_SIZE], log_size[WORDS_SIZE], space[WORDS_SIZE];
    char *log = mem_printf("%s-wal", store_path(checkup->store));
    struct stat status;
    uint64_t log_bytes = stat(log, &status) == 0 ? (uint64_t)status.st_size : 0;

    free(log);
    words_bytes(facts->size_bytes, size);
    words_bytes(log_bytes, log_size);
    words_bytes(facts->free_bytes, space);
    checkup_say(checkup, "%s, %s, WAL %s, migration %" PRId64 "%s%s%s", path_of(checkup), size,
                log_size, facts->version, facts->free_bytes ? ", " : "",
                facts->free_bytes ? space : "", facts->free_bytes ? " of it free for rows" : "");
    if (log_bytes > WAL_MANY)
        checkup_remark(checkup,
                       "a process keeps reading it: look for an open sqlite3 shell or a "
                       "backup; when all have ended, the next run clears it",
                       "the WAL is far larger than its usual 16 MB");
    if (facts->version < facts->newest_version)
        checkup_remark(checkup,
                       "the next command that uses it upgrades it; make a copy before that if you "
                       "may have to go back",
                       "it is of an older version: this program has migration %" PRId64,
                       facts->newest_version);
    if (!facts->write_ahead)
        checkup_remark(checkup,
                       "the next command that uses it sets that; until then, readers and "
                       "writers wait for each other",
                       "it is not in WAL mode");
}

static void look_inside(struct checkup *checkup)
{
    struct census_facts facts;
    struct err err = {0};
    bool created;

    checkup->store = store_open(path_of(checkup), STORE_LOOKING, &created, &err);
    if (checkup->store && census_facts(checkup->store, &facts, &err)) {
        report_facts(checkup, &facts);
        checkup->readable = facts.version == facts.newest_version;
        return;
    }
    store_close(checkup->store);
    checkup->store = NULL;
    checkup_take(checkup, &err,
                 "nothing is read or sent until this is fixed; --db or ROWFERRY_DB names another");
}

void check_database(struct checkup *checkup)
{
    const char *path = path_of(checkup);
    struct stat status;

    if (stat(path, &status) != 0 && errno == ENOENT) {
        checkup_fail(checkup, ERR_CONFIG,
                     "`rowferry run` or `rowferry ingest` creates it; --db or ROWFERRY_DB names "
                     "another",
                     "there is no database '%s'", path);
        return;
    }
    look_inside(checkup);
    if (checkup->store && stat(path, &status) == 0)
        check_rights(checkup, &status);
}

/* --- folder --- */

static void check_space(struct checkup *checkup, const char *folder)
{
    struct statvfs disk;
    char space[WORDS_SIZE];
    uint64_t bytes;

    if (statvfs(folder, &disk) != 0) {
        checkup_fail(checkup, ERR_STORE, "name another --db", "%s: %s", folder, strerror(errno));
        return;
    }
    bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    words_bytes(bytes, space);
    if (bytes < FREE_TOO_FEW)
        checkup_fail(checkup, ERR_STORE, "free space on that disk, or name a --db on another",
                     "%s: only %s free", folder, space);
    else if (bytes < FREE_FEW)
        checkup_remark(checkup,
                       "a million rows take about half a GB, and as much while they are "
                       "read",
                       "%s: only %s free", folder, space);
    else
        checkup_say(checkup, "%s, %s free", folder, space);
}

/* Checks the files next to the database, which belong to the first user who needs them. */
static void check_companions(struct checkup *checkup)
{
    static const char *const suffixes[] = {"-wal", "-shm", ".intake", ".drain"};
    struct stat database, status;
    bool known = stat(path_of(checkup), &database) == 0;

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *path = mem_printf("%s%s", path_of(checkup), suffixes[i]);

        if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) != 0 && errno != ENOENT)
            checkup_fail(checkup, ERR_STORE, "another user created it: chown it to this one",
                         "%s: %s", path, strerror(errno));
        else if (known && stat(path, &status) == 0 && status.st_uid != database.st_uid)
            checkup_remark(
                checkup, "the owner of the database cannot use it: chown it to that user",
                "%s belongs to another user (%u) than the database", path, (unsigned)status.st_uid);
        free(path);
    }
}

/* Returns the folder of the database, absolute if it exists. The caller frees it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? mem_copy(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    char *absolute = realpath(folder, NULL);

    if (!absolute)
        return folder;
    free(folder);
    return absolute;
}

void check_folder(struct checkup *checkup)
{
    char *folder = folder_of(path_of(checkup));

    if (faccessat(AT_FDCWD, folder, R_OK | W_OK | X_OK, AT_EACCESS) != 0)
        checkup_fail(checkup, ERR_STORE,
                     "let the user who runs rowferry write in the folder of the database", "%s: %s",
                     folder, strerror(errno));
    else
        check_space(checkup, folder);
    check_companions(checkup);
    free(folder);
}

/* --- integrity and counters --- */

static bool can_look(struct checkup *checkup)
{
    if (!checkup->store)
        checkup_skip(checkup, "there is no database to look at");
    return checkup->store;
}

/* The same, for checks that need all tables. */
static bool can_read(struct checkup *checkup)
{
    if (can_look(checkup) && !checkup->readable)
        checkup_skip(checkup, "the database is damaged or of an older version");
    return checkup->store && checkup->readable;
}

/* Writes the time since started_us into out, and returns it. */
static const char *took(int64_t started_us, char out[WORDS_SIZE])
{
    return words_duration((clock_monotonic_us() - started_us) / 1000, out);
}

void check_integrity(struct checkup *checkup)
{
    int64_t started_us = clock_monotonic_us();
    struct err err = {0};
    char span[WORDS_SIZE];

    if (!can_look(checkup))
        return;
    checkup_busy(checkup, "checking the database, which takes a while if it is large ...");
    if (census_integrity(checkup->store, &err)) {
        checkup_say(checkup, "tables and indexes are whole (%s)", took(started_us, span));
        return;
    }
    checkup->readable = false;
    checkup_take(
        checkup, &err,
        "run nothing on it; restore a backup, or try `sqlite3 FILE .recover`; then check the "
        "disk");
}

struct differences {
    struct checkup *checkup;
    uint64_t count;
};

static void note_difference(void *context, const struct census_difference *difference)
{
    struct differences *differences = context;

    if (++differences->count > DIFFERENCES_MAX)
        return;
    checkup_fail(differences->checkup, ERR_INTERNAL,
                 "a bug in rowferry: please report it with these lines, and keep a copy of the "
                 "database as it is now",
                 "batch %" PRId64 " (%s): %s: %" PRId64 " by the counter, %" PRId64
                 " by a full count",
                 difference->batch_id, difference->source, difference->counter, difference->kept,
                 difference->counted);
}

static bool note_known(void *context, const struct known_count *count, struct err *err)
{
    struct buf line = {0};

    (void)err;
    summary_known(count, &line);
    line.size--;
    checkup_say(context, "%s", buf_text(&line));
    buf_release(&line);
    return true;
}

void check_counters(struct checkup *checkup)
{
    struct differences differences = {.checkup = checkup};
    int64_t started_us = clock_monotonic_us();
    struct census census = {0};
    struct err err = {0};
    char batches[WORDS_SIZE], jobs[WORDS_SIZE], rows[WORDS_SIZE], span[WORDS_SIZE];

    if (!can_read(checkup))
        return;
    checkup_busy(checkup, "counting the rows of every batch ...");
    if (!census_take(checkup->store, &census, note_difference, &differences, &err) ||
        !known_count(checkup->store, note_known, checkup, &err)) {
        checkup_take(checkup, &err, "the database could not be read completely");
        return;
    }
    if (differences.count > DIFFERENCES_MAX)
        checkup_say(checkup, "... and %" PRIu64 " more", differences.count - DIFFERENCES_MAX);
    checkup_say(checkup, "counted %s, %s and %s (%s)",
                words_count(census.batches, "batch", batches),
                words_count(census.jobs, "job", jobs),
                words_count(census.rows_rejected, "rejected row", rows), took(started_us, span));
}

/* --- work --- */

/* Reports a batch that no process works on, and what finishes it. */
static void report_unfinished(struct checkup *checkup, const struct batch_unfinished *batch)
{
    const char *source = batch->origin.source, *path = batch->origin.path;

    if (batch->state == BATCH_REFUSED)
        checkup_remark(checkup, "the next `rowferry run` or `rowferry ingest` finishes it",
                       "batch %" PRId64 " (%s) was refused, and some of its rows are still there",
                       batch->id, source);
    else if (batch->state != BATCH_LOADING)
        checkup_remark(checkup, "the next `rowferry run` moves it",
                       "batch %" PRId64 ": %s was read, but not moved from the inbox", batch->id,
                       source);
    else if (path && access(path, F_OK) == 0)
        checkup_remark(checkup, "the next `rowferry run` or `rowferry ingest` finishes it",
                       "batch %" PRId64 ": %s was not read completely", batch->id, source);
    else
        checkup_remark(checkup,
                       "load the file again: the next run refuses this batch, of which nothing "
                       "was sent",
                       "batch %" PRId64 ": %s was not read completely, and is gone", batch->id,
                       source);
}

static bool report_left_over(struct checkup *checkup, struct err *err)
{
    struct batch_unfinished batch = {0};
    bool found = true;

    while (found) {
        if (!batch_next_unfinished(checkup->store, batch.id, &batch, &found, err))
            return false;
        if (found)
            report_unfinished(checkup, &batch);
    }
    return true;
}

/* Reports times in the future, which a clock that was ahead has left; the next drain fixes those of
 * jobs. */
static bool report_ahead(struct checkup *checkup, struct err *err)
{
    int64_t now_ms = clock_now_ms();
    struct census_ahead ahead;
    char moment[WORDS_SIZE];

    if (!census_ahead(checkup->store, now_ms + CLOCK_SLACK_MS, &ahead, err))
        return false;
    if (ahead.runs)
        checkup_remark(checkup, CLOCK_ADVICE, "%" PRIu64 " %s in the future, the last at %s",
                       ahead.runs, ahead.runs == 1 ? "run begins" : "runs begin",
                       words_time(ahead.latest_run_ms, moment));
    if (ahead.jobs)
        checkup_remark(checkup, CLOCK_ADVICE,
                       "%" PRIu64
                       " %s put off until a time in the future; the next drain sends them",
                       ahead.jobs, ahead.jobs == 1 ? "job is" : "jobs are");
    return true;
}

static bool report_pause(struct checkup *checkup, struct err *err)
{
    char moment[WORDS_SIZE], span[WORDS_SIZE];
    int64_t now_ms = clock_now_ms();
    struct pause_info pause;

    if (!pause_read(checkup->store, PAUSE_OF_API, now_ms, &pause, err))
        return false;
    if (pause.until_ms > now_ms)
        checkup_remark(
            checkup,
            "the API asked for this wait, and nothing is sent before its end, except with "
            "`--ignore-pause`",
            "parked until %s: %s", words_time(pause.until_ms, moment), pause.reason);
    if (pause.ahead_ms > CLOCK_SLACK_MS)
        checkup_remark(checkup, CLOCK_ADVICE, "the stored pause ends %s too late",
                       words_duration(pause.ahead_ms, span));
    return true;
}

void check_work(struct checkup *checkup)
{
    static const char *const works[] = {[LOCK_INTAKE] = "reading files",
                                        [LOCK_DRAIN] = "sending",
                                        [LOCK_DELIVERY] = "delivering to the ERP"};
    bool held[3] = {false};
    struct err err = {0};

    if (!can_read(checkup))
        return;
    for (unsigned i = 0; i < 3; i++) {
        char holder[LOCK_HOLDER_SIZE];

        held[i] = lock_is_held(store_path(checkup->store), (enum lock_kind)i, holder);
        if (held[i])
            checkup_say(checkup, "%s: %s", works[i], holder);
    }
    if (!held[LOCK_INTAKE] && !held[LOCK_DRAIN] && !held[LOCK_DELIVERY])
        checkup_say(checkup, "no process works on it");
    if (!report_pause(checkup, &err) || !report_ahead(checkup, &err) ||
        (!held[LOCK_INTAKE] && !report_left_over(checkup, &err)))
        checkup_take(checkup, &err, "the database could not be read");
}
