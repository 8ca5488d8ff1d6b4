/* Recovery of what a killed or stopped intake leaves. */
#include "core/ingest/filing.h"
#include "core/ingest/ingest.h"
#include "core/ingest/recover.h"

#include "core/base/clock.h"
#include "core/store/db.h"
#include "tests/unit/ingest_scene.h"

#include <signal.h>
#include <zlib.h>

enum { ROWS = 20000 };

/* Runs in a process of its own, so that it can be killed and its signals stay its own. */
static pid_t start(void (*work)(struct scene *scene), struct scene *scene)
{
    pid_t child = fork();

    if (child == 0) {
        work(scene);
        _exit(0);
    }
    return child;
}

static int run(void (*work)(struct scene *scene), struct scene *scene)
{
    pid_t child = start(work, scene);
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void demand(bool ok, const struct err *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", err->text);
    _exit(1);
}

/* What `run` does with one file of an inbox, without the network. */
static void read_inbox(struct scene *scene)
{
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;
    struct stat status;

    bench_open(&bench, scene);
    demand(ingest_recover(bench.store, &bench.options, NULL, NULL, &err), &err);
    if (stat(at(scene, "inbox/Item-1.csv"), &status) == 0) {
        demand(ingest_file(bench.store, &bench.options, at(scene, "inbox/Item-1.csv"), BATCH_INBOX,
                           &result, &err),
               &err);
        demand(ingest_file_away(bench.store, &bench.options, at(scene, "inbox"), "Item-1.csv",
                                &result, &err),
               &err);
    }
    bench_close(&bench);
}

static void kill_after_first_chunk(void *context, const char *source, uint64_t bytes_done,
                                   uint64_t bytes_total, uint64_t rows)
{
    (void)context;
    (void)source;
    (void)bytes_done;
    (void)bytes_total;
    if (rows > 0)
        kill(getpid(), SIGKILL);
}

static struct ingest_limits begun_with;

/* Leaves a batch with one chunk in the database. */
static void read_one_chunk(struct scene *scene)
{
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;

    bench_open(&bench, scene);
    bench.options.progress = kill_after_first_chunk;
    bench.options.limits = begun_with;
    demand(ingest_file(bench.store, &bench.options, at(scene, "inbox/Item-1.csv"), BATCH_INBOX,
                       &result, &err),
           &err);
}

static void leave_half_loaded(struct scene *scene)
{
    put_rows(scene, "inbox/Item-1.csv", ROWS);
    assert_int_equal(run(read_one_chunk, scene), SIGKILL);
    assert_query(scene, "SELECT state || ' ' || rows_read FROM batch", "loading 16384");
}

/* Rows that one database has and the other has not, for a list of columns of a table or view. */
static void assert_no_difference(sqlite3 *db, const char *columns, const char *table,
                                 const char *here, const char *there)
{
    sqlite3_stmt *statement;
    char sql[512];

    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM (SELECT %s FROM %s.%s EXCEPT SELECT %s FROM %s.%s)", columns,
             here, table, columns, there, table);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    if (sqlite3_column_int64(statement, 0) != 0)
        fail_msg("%d rows of %s are only in %s", sqlite3_column_int(statement, 0), table, here);
    sqlite3_finalize(statement);
}

static void assert_same_bytes(const char *path, const char *other_path)
{
    FILE *file = fopen(path, "r"), *other = fopen(other_path, "r");
    int byte;

    assert_non_null(file);
    assert_non_null(other);
    while ((byte = getc(file)) != EOF)
        assert_int_equal(getc(other), byte);
    assert_int_equal(getc(other), EOF);
    fclose(file);
    fclose(other);
}

/* Database and files are those of a scene where the same rows were read in one go. */
static void assert_same_as(const struct scene *scene, const struct scene *fresh)
{
    static const char *const tables[][2] = {
        {"job", "row_no, line_no, record_id, version, fields, tags, state"},
        {"job_row", "id, line_no, record_id, version, fields, tags"},
        {"record_job", "record_id, job_id"},
        {"rejected_row", "row_no, line_no, record_id, raw"},
        {"violation", "row_no, place, field, rule, message"},
        {"batch_summary",
         "batch_id, state, rows_read, rows_rejected, rows_discarded, jobs, pending"},
        {"batch", "id, content_hash, size_bytes, bytes_done, lines_done, header, filed_ms > 0"},
    };
    char sql[128];
    sqlite3 *db;

    assert_int_equal(sqlite3_open(at(scene, "test.db"), &db), SQLITE_OK);
    snprintf(sql, sizeof sql, "ATTACH '%s' AS fresh", at(fresh, "test.db"));
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        assert_no_difference(db, tables[i][1], tables[i][0], "main", "fresh");
        assert_no_difference(db, tables[i][1], tables[i][0], "fresh", "main");
    }
    sqlite3_close(db);
    assert_int_equal(names_in(scene, "inbox"), 1);
    assert_int_equal(names_in(scene, "inbox/done"), 3);
    assert_same_bytes(at(scene, "inbox/done/Item-1.csv"), at(fresh, "inbox/done/Item-1.csv"));
    assert_same_bytes(at(scene, "inbox/done/Item-1.csv.rejected.csv"),
                      at(fresh, "inbox/done/Item-1.csv.rejected.csv"));
    assert_same_bytes(at(scene, "inbox/done/Item-1.csv.errors.tsv"),
                      at(fresh, "inbox/done/Item-1.csv.errors.tsv"));
}

/* Makes the other scene, where nothing goes wrong. */
static void begin_fresh(struct scene *scene, unsigned rows)
{
    char expected[64];
    void *fresh;

    ingest_scene_begin(&fresh);
    scene->other = fresh;
    put_rows(fresh, "inbox/Item-1.csv", rows);
    assert_int_equal(run(read_inbox, fresh), 0);
    snprintf(expected, sizeof expected, "open %u %u", rows, rows - rows / 100);
    assert_query(fresh, "SELECT state || ' ' || rows_read || ' ' || jobs FROM batch_summary",
                 expected);
}

/* --- resumed --- */

static void a_half_loaded_batch_is_resumed(void **state)
{
    struct scene *scene = *state;

    begin_fresh(scene, ROWS);
    leave_half_loaded(scene);
    assert_int_equal(run(read_inbox, scene), 0);
    assert_same_as(scene, scene->other);
}

/* Puts the file's compressed form in its place, under its name. */
static void pack(const struct scene *scene, const char *name)
{
    char path[512], packed[520], block[1 << 16];
    FILE *file;
    gzFile out;
    size_t size;

    snprintf(path, sizeof path, "%s", at(scene, name));
    snprintf(packed, sizeof packed, "%s.packed", path);
    file = fopen(path, "r");
    out = gzopen(packed, "w");
    assert_true(file && out);
    while ((size = fread(block, 1, sizeof block, file)) > 0)
        assert_int_equal(gzwrite(out, block, (unsigned)size), size);
    fclose(file);
    assert_int_equal(gzclose(out), Z_OK);
    assert_int_equal(rename(packed, path), 0);
}

static void a_compressed_file_is_resumed(void **state)
{
    struct scene *scene = *state;

    put_rows(scene, "inbox/Item-1.csv", ROWS);
    pack(scene, "inbox/Item-1.csv");
    assert_int_equal(run(read_one_chunk, scene), SIGKILL);
    assert_query(scene, "SELECT state || ' ' || rows_read FROM batch", "loading 16384");
    assert_int_equal(run(read_inbox, scene), 0);
    assert_query(scene, "SELECT state || ' ' || rows_read || ' ' || jobs FROM batch_summary",
                 "open 20000 19800");
    assert_query(scene, "SELECT count(DISTINCT row_no) || ' ' || max(row_no) FROM job",
                 "19800 19999");
}

static void a_resumed_batch_is_reported_with_all_its_rows(void **state)
{
    struct scene *scene = *state;
    struct visits visits = {0};
    struct bench bench;
    char expected[512];

    leave_half_loaded(scene);
    bench_open(&bench, scene);
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.count, 1);
    assert_int_equal(visits.last.outcome, INGEST_LOADED);
    assert_int_equal(visits.last.rows_read, ROWS);
    assert_int_equal(visits.last.rows_rejected, 200);
    assert_int_equal(visits.last.jobs, 19800);
    assert_int_equal(visits.last.violations, 200);
    snprintf(expected, sizeof expected,
             "batch 1: resumes reading of %s/inbox/Item-1.csv from row 16385\n", scene->folder);
    assert_non_null(strstr(scene->said, expected));
    bench_close(&bench);
}

/* Back to a file that waits in the inbox, and nothing else. */
static void reset(struct scene *scene, unsigned rows)
{
    scratch_remove(scene->folder);
    assert_int_equal(mkdir(scene->folder, 0700), 0);
    ingest_scene_fill(scene);
    put_rows(scene, "inbox/Item-1.csv", rows);
}

static bool waits_in_inbox(const struct scene *scene)
{
    struct stat status;

    return lstat(at(scene, "inbox/Item-1.csv"), &status) == 0;
}

/* Whether a query of what a killed process left has a row: without a trace on that, and false where
 * there is no database yet. */
static bool finds(const struct scene *scene, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *db;
    bool found;

    sqlite3_open_v2(at(scene, "test.db"), &db, SQLITE_OPEN_READONLY, NULL);
    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return found;
}

/* Kills it at a moment between its start and `whole_us` later; false when it had ended before. */
static bool kill_somewhere(struct scene *scene, int64_t whole_us, unsigned *seed)
{
    pid_t child = start(read_inbox, scene);
    int status;

    usleep((useconds_t)((int64_t)rand_r(seed) % whole_us));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(status == 0 || status == SIGKILL);
    return status == SIGKILL;
}

/* Reads a file of so many rows over and over, until it was killed so often; how often that left a
 * batch half read. */
static unsigned kill_often(struct scene *scene, unsigned rows, unsigned kills, unsigned *seed)
{
    int64_t whole_us = clock_monotonic_us();
    unsigned loading = 0;

    begin_fresh(scene, rows);
    whole_us = clock_monotonic_us() - whole_us;
    reset(scene, rows);
    while (kills > 0) {
        if (kill_somewhere(scene, whole_us, seed)) {
            kills--;
            loading += finds(scene, "SELECT 1 FROM batch WHERE state = 'loading'");
        }
        if (kills > 0 && waits_in_inbox(scene))
            continue;
        assert_int_equal(run(read_inbox, scene), 0);
        assert_same_as(scene, scene->other);
        reset(scene, rows);
    }
    scene_release(scene->other);
    scene->other = NULL;
    return loading;
}

/* 50 kills or more, so many that 25 of them came in the middle of a batch; under a sanitizer, which
 * looks for other faults, a fifth of that. */
static void killed_at_random_moments_each_row_is_loaded_once(void **state)
{
#ifdef __SANITIZE_ADDRESS__
    enum { KILLS = 10, KILLS_MAX = 40, ROUND = 2 };
#else
    enum { KILLS = 50, KILLS_MAX = 200, ROUND = 10 };
#endif
    static const unsigned rows[] = {17000, 33000, 20000, 40000, 25000};
    unsigned kills = 0, loading = 0, seed = (unsigned)getpid();

    while (kills < KILLS || (loading < KILLS / 2 && kills < KILLS_MAX)) {
        loading += kill_often(*state, rows[kills / ROUND % 5], ROUND, &seed);
        kills += ROUND;
    }
    print_message("# %u of %u kills left a batch half read\n", loading, kills);
    assert_true(loading >= KILLS / 2);
}

/* --- started again --- */

static void a_batch_whose_file_was_replaced_starts_again(void **state)
{
    struct scene *scene = *state;
    struct visits visits = {0};
    struct bench bench;

    leave_half_loaded(scene);
    put(scene, "inbox/Item-1.csv", ITEM_HEADER "a,1,S,5,\nb,1,S,-5,\n");
    bench_open(&bench, scene);
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.last.outcome, INGEST_LOADED);
    assert_int_equal(visits.last.batch_id, 1);
    assert_int_equal(visits.last.rows_read, 2);
    assert_int_equal(visits.last.violations, 1);
    assert_query(scene,
                 "SELECT state || ' ' || rows_read || ' ' || rows_rejected || ' ' || jobs || ' ' "
                 "|| pending FROM batch_summary",
                 "open 2 1 1 1");
    assert_query(scene, "SELECT count(*) FROM job_row", "1");
    assert_int_equal(names_in(scene, "inbox/done"), 3);
    bench_close(&bench);
}

static void a_batch_whose_schema_file_changed_starts_again(void **state)
{
    struct scene *scene = *state;
    struct bench bench;

    leave_half_loaded(scene);
    put(scene, "schema/Item.json", ITEM_SCHEMA "\n");
    bench_open(&bench, scene);
    recover(&bench, NULL, NULL);
    assert_non_null(strstr(scene->said, "batch 1: starts again"));
    assert_query(scene, "SELECT state || ' ' || jobs FROM batch_summary", "open 19800");
    bench_close(&bench);
}

/* What the next command is given is meant for other files. */
static void a_batch_is_resumed_with_its_own_options(void **state)
{
    struct scene *scene = *state;
    struct bench bench;

    leave_half_loaded(scene);
    bench_open(&bench, scene);
    bench.options.delimiter = ';';
    bench.options.force = true;
    bench.options.limits = (struct ingest_limits){.has_errors = true, .rows = ROWS + 1};
    recover(&bench, NULL, NULL);
    assert_non_null(strstr(scene->said, "batch 1: resumes reading"));
    assert_query(scene, "SELECT state || ' ' || options FROM batch", "open ");
    assert_query(scene, "SELECT state || ' ' || jobs FROM batch_summary", "open 19800");
    bench_close(&bench);
}

static void limits_of_a_batch_hold_when_it_is_resumed(void **state)
{
    static const struct ingest_limits limits[] = {
        {.rows = ROWS + 1},
        {.has_errors = true, .errors = 199},
        {.has_percent = true, .percent = 0.999},
    };
    struct scene *scene = *state;
    struct visits visits = {0};
    struct bench bench;

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        reset(scene, ROWS);
        begun_with = limits[i];
        leave_half_loaded(scene);
        begun_with = (struct ingest_limits){0};
        bench_open(&bench, scene);
        recover(&bench, keep_visit, &visits);
        assert_int_equal(visits.last.outcome, INGEST_REFUSED);
        assert_true(visits.last.over_limit);
        assert_query(scene, "SELECT state || over_limit FROM batch", "refused1");
        bench_close(&bench);
    }
}

/* A database of before can hold one: its rows are older than what was sent meanwhile. */
static void a_batch_older_than_a_finished_one_is_refused(void **state)
{
    struct scene *scene = *state;
    struct visits visits = {0};
    struct bench bench;

    leave_half_loaded(scene);
    bench_open(&bench, scene);
    query(scene,
          "INSERT INTO batch (id, source, schema, format, content_hash, size_bytes, state, "
          "created_ms, loaded_run_id, device, inode, mtime_ns, schema_hash, options, "
          "filing) VALUES (2, 'x', 'Item', 'csv', 'h', 1, 'done', 1, 1, 0, 0, 0, '', '', 0)");
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.last.outcome, INGEST_REFUSED);
    assert_non_null(strstr(visits.last.reason,
                           "Item-1.csv: batch 2 of its schema was read after it was begun"));
    assert_query(scene, "SELECT state || rows_discarded FROM batch WHERE id = 1", "refused16221");
    assert_int_equal(names_in(scene, "inbox/refused"), 2);
    bench_close(&bench);
}

static void later_files_of_a_schema_wait_for_one_that_cannot_be_read_to_its_end(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    leave_half_loaded(scene);
    put(scene, "inbox/Item-2.csv", ITEM_HEADER "a,1,S,5,\n");
    assert_int_equal(rename(at(scene, "inbox/Item-1.csv"), at(scene, "away")), 0);
    assert_int_equal(mkdir(at(scene, "inbox/Item-1.csv"), 0700), 0);
    bench_open(&bench, scene);
    recover(&bench, NULL, NULL);
    ingest(&bench, scene, "inbox/Item-2.csv", &result);
    assert_int_equal(result.outcome, INGEST_WAITS);
    assert_int_equal(rmdir(at(scene, "inbox/Item-1.csv")), 0);
    assert_int_equal(rename(at(scene, "away"), at(scene, "inbox/Item-1.csv")), 0);
    recover(&bench, NULL, NULL);
    ingest(&bench, scene, "inbox/Item-2.csv", &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    assert_query(scene, "SELECT group_concat(state) FROM batch", "open,open");
    bench_close(&bench);
}

static void a_changed_prefix_starts_again(void **state)
{
    struct scene *scene = *state;
    struct timespec times[2];
    struct stat status;
    struct bench bench;
    FILE *file;

    leave_half_loaded(scene);
    assert_int_equal(stat(at(scene, "inbox/Item-1.csv"), &status), 0);
    file = fopen(at(scene, "inbox/Item-1.csv"), "r+");
    fseek(file, (long)strlen(ITEM_HEADER), SEEK_SET);
    fputs("Q", file);
    fclose(file);
    times[0] = status.st_atim;
    times[1] = status.st_mtim;
    utimensat(AT_FDCWD, at(scene, "inbox/Item-1.csv"), times, 0);
    bench_open(&bench, scene);
    recover(&bench, NULL, NULL);
    assert_non_null(strstr(scene->said, "is not what it was: read from its beginning"));
    assert_query(scene, "SELECT state || ' ' || jobs FROM batch_summary", "open 19800");
    assert_query(scene, "SELECT substr(record_id, 1, 2) FROM job WHERE row_no = 1", "Q-");
    bench_close(&bench);
}

/* --- not taken up --- */

static void a_batch_whose_file_is_gone_is_refused(void **state)
{
    struct scene *scene = *state;
    struct visits visits = {0};
    struct bench bench;
    char expected[512];

    leave_half_loaded(scene);
    unlink(at(scene, "inbox/Item-1.csv"));
    bench_open(&bench, scene);
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.last.outcome, INGEST_REFUSED);
    snprintf(expected, sizeof expected,
             "%s/inbox/Item-1.csv: source vanished at row 16384; give the whole file again",
             scene->folder);
    assert_string_equal(visits.last.reason, expected);
    assert_query(
        scene,
        "SELECT state || ' ' || jobs || ' ' || rows_read || ' ' || rows_rejected || ' ' || "
        "rows_discarded FROM batch_summary",
        "refused 0 16384 163 16221");
    assert_query(scene, "SELECT count(*) FROM job_row", "0");
    assert_query(scene, "SELECT filed_ms > 0 FROM batch", "1");
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.count, 1);
    bench_close(&bench);
}

static void a_batch_whose_schema_file_became_invalid_waits(void **state)
{
    struct scene *scene = *state;
    struct visits visits = {0};
    struct bench bench;

    leave_half_loaded(scene);
    put(scene, "schema/Item.json", "{\"type\": 5}");
    bench_open(&bench, scene);
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.last.outcome, INGEST_HELD);
    assert_query(scene, "SELECT state || ' ' || rows_read FROM batch", "loading 16384");
    bench_close(&bench);
    put(scene, "schema/Item.json", ITEM_SCHEMA);
    assert_int_equal(run(read_inbox, scene), 0);
    assert_query(scene, "SELECT state || ' ' || rows_read FROM batch", "open 20000");
}

static void moves_are_left_to_the_commands_that_make_them(void **state)
{
    struct scene *scene = *state;
    struct visits visits = {0};
    struct bench bench;

    leave_half_loaded(scene);
    bench_open(&bench, scene);
    bench.options.leave_files = true;
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.count, 1);
    assert_query(scene, "SELECT state || ' ' || rows_read FROM batch", "open 20000");
    assert_true(waits_in_inbox(scene));
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.count, 1);
    bench.options.leave_files = false;
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.count, 2);
    assert_false(waits_in_inbox(scene));
    assert_int_equal(names_in(scene, "inbox/done"), 3);
    bench_close(&bench);
}

/* --- refused --- */

/* How many transactions a process may still try to commit; 0: all it likes. */
static unsigned commits_left;

static int kill_at_last_commit(void *context)
{
    (void)context;
    if (--commits_left == 0)
        kill(getpid(), SIGKILL);
    return 0;
}

/* Reads a file that lacks a row, as `run` would; ends 4 where that was refused by the limit. */
static void read_short(struct scene *scene)
{
    struct ingest_result result = {0};
    struct visits visits = {0};
    struct err err = {0};
    struct bench bench;

    bench_open(&bench, scene);
    bench.options.limits.rows = ROWS + 1;
    if (commits_left)
        sqlite3_commit_hook(bench.store->db, kill_at_last_commit, NULL);
    demand(ingest_recover(bench.store, &bench.options, keep_visit, &visits, &err), &err);
    if (waits_in_inbox(scene)) {
        demand(ingest_file(bench.store, &bench.options, at(scene, "inbox/Item-1.csv"), BATCH_INBOX,
                           &result, &err),
               &err);
        demand(ingest_file_away(bench.store, &bench.options, at(scene, "inbox"), "Item-1.csv",
                                &result, &err),
               &err);
    } else {
        result = visits.last;
    }
    bench_close(&bench);
    _exit(result.outcome == INGEST_REFUSED && result.over_limit ? 4 : 3);
}

static void assert_refused_and_empty(const struct scene *scene)
{
    assert_query(scene,
                 "SELECT group_concat(state || ' ' || rows_read || ' ' || rows_rejected || ' ' || "
                 "rows_discarded || ' ' || jobs || ' ' || pending) FROM batch_summary",
                 "refused 20000 200 19800 0 0");
    assert_query(scene, "SELECT (SELECT count(*) FROM job_row) + (SELECT count(*) FROM record_job)",
                 "0");
    assert_query(scene, "SELECT filed_ms > 0 FROM batch", "1");
    assert_int_equal(names_in(scene, "inbox"), 1);
    assert_int_equal(names_in(scene, "inbox/refused"), 2);
}

/* Each transaction of the intake is the last one, in turn. */
static void killed_at_any_commit_a_refused_batch_is_empty_and_over_its_limit(void **state)
{
    struct scene *scene = *state;
    unsigned between = 0, unfiled = 0;
    int ended = SIGKILL;

    for (unsigned commits = 1; ended == SIGKILL; commits++) {
        reset(scene, ROWS);
        commits_left = commits;
        ended = run(read_short, scene);
        commits_left = 0;
        between += finds(scene, "SELECT 1 FROM batch WHERE state = 'refused' AND "
                                "rows_discarded BETWEEN 1 AND 19799");
        unfiled += finds(scene, "SELECT 1 FROM batch WHERE state = 'refused' AND "
                                "rows_discarded = 19800 AND filed_ms IS NULL");
        if (ended == SIGKILL)
            assert_int_equal(WEXITSTATUS(run(read_short, scene)), 4);
        assert_refused_and_empty(scene);
    }
    assert_int_equal(WEXITSTATUS(ended), 4);
    assert_int_equal(between, 4);
    assert_true(unfiled > 0);
}

static void a_batch_refused_for_another_reason_is_not_over_its_limit(void **state)
{
    struct scene *scene = *state;
    struct visits visits = {0};
    struct ingest_result result;
    struct bench bench;

    put(scene, "inbox/Item-1.csv", "record_id,version,it has 1 rows, but --min-rows requires 2\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_REFUSED);
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.last.outcome, INGEST_REFUSED);
    assert_false(visits.last.over_limit);
    bench_close(&bench);
}

/* --- moves that a crash cut short --- */

static void a_file_that_moved_before_it_was_recorded_is_recorded(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put_rows(scene, "inbox/Item-1.csv", 100);
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    mkdir(at(scene, "inbox/done"), 0700);
    assert_int_equal(rename(at(scene, "inbox/Item-1.csv"), at(scene, "inbox/done/Item-1.csv")), 0);
    put_rows(scene, "inbox/Item-1.csv", 200); /* the next file of that name is there already */
    recover(&bench, NULL, NULL);
    assert_query(scene, "SELECT filed_ms > 0 FROM batch", "1");
    assert_true(waits_in_inbox(scene));
    assert_int_equal(names_in(scene, "inbox/done"), 3);
    bench_close(&bench);
}

static void an_inbox_that_is_gone_has_nothing_to_file(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put_rows(scene, "inbox/Item-1.csv", 100);
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    unlink(at(scene, "inbox/Item-1.csv"));
    assert_int_equal(rmdir(at(scene, "inbox")), 0);
    recover(&bench, NULL, NULL);
    assert_query(scene, "SELECT state || ' ' || (filed_ms > 0) FROM batch", "open 1");
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(a_half_loaded_batch_is_resumed),
        INGEST_TEST(a_resumed_batch_is_reported_with_all_its_rows),
        INGEST_TEST(killed_at_random_moments_each_row_is_loaded_once),
        INGEST_TEST(a_batch_whose_file_was_replaced_starts_again),
        INGEST_TEST(a_batch_whose_schema_file_changed_starts_again),
        INGEST_TEST(a_batch_is_resumed_with_its_own_options),
        INGEST_TEST(limits_of_a_batch_hold_when_it_is_resumed),
        INGEST_TEST(a_batch_older_than_a_finished_one_is_refused),
        INGEST_TEST(later_files_of_a_schema_wait_for_one_that_cannot_be_read_to_its_end),
        INGEST_TEST(a_compressed_file_is_resumed),
        INGEST_TEST(a_changed_prefix_starts_again),
        INGEST_TEST(a_batch_whose_file_is_gone_is_refused),
        INGEST_TEST(a_batch_whose_schema_file_became_invalid_waits),
        INGEST_TEST(moves_are_left_to_the_commands_that_make_them),
        INGEST_TEST(killed_at_any_commit_a_refused_batch_is_empty_and_over_its_limit),
        INGEST_TEST(a_batch_refused_for_another_reason_is_not_over_its_limit),
        INGEST_TEST(a_file_that_moved_before_it_was_recorded_is_recorded),
        INGEST_TEST(an_inbox_that_is_gone_has_nothing_to_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
