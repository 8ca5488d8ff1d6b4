/* What may happen while a file is read: it changes, signals come, the database fails. */
#include "core/ingest/pipeline.h"

#include "core/base/stop.h"
#include "tests/unit/ingest_scene.h"

/* Something that happens once a batch has rows. */
struct incident {
    struct scene *scene;
    int times; /* how often it still happens */
    void (*happen)(struct scene *scene);
};

static void let_happen(void *context, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                       uint64_t rows)
{
    struct incident *incident = context;

    (void)source;
    assert_true(bytes_done <= bytes_total || bytes_total == 0);
    if (rows > 0 && incident->times > 0) {
        incident->times--;
        incident->happen(incident->scene);
    }
}

static bool ingest_with(struct bench *bench, struct incident *incident,
                        struct ingest_result *result, struct err *err)
{
    bench->options.progress = let_happen;
    bench->options.progress_context = incident;
    return ingest_file(bench->store, &bench->options, at(incident->scene, "Item-1.csv"),
                       BATCH_STAYS, result, err);
}

/* --- a file that changes while it is read --- */

static void add_a_row(struct scene *scene)
{
    put_more(scene, "Item-1.csv", "late,1,S,5,\n");
}

static void a_file_that_grows_once_while_it_is_read_is_read_again(void **state)
{
    struct scene *scene = *state;
    struct incident incident = {scene, 1, add_a_row};
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;

    put_rows(scene, "Item-1.csv", 40000);
    bench_open(&bench, scene);
    assert_true(ingest_with(&bench, &incident, &result, &err));
    assert_int_equal(result.outcome, INGEST_LOADED);
    assert_int_equal(result.batch_id, 1);
    assert_int_equal(result.rows_read, 40001);
    assert_query(scene, "SELECT state || ' ' || rows_read || ' ' || jobs FROM batch_summary",
                 "open 40001 39601");
    assert_query(scene, "SELECT count(*) FROM record_job", "39601");
    bench_close(&bench);
}

static void a_file_that_keeps_growing_is_refused(void **state)
{
    struct scene *scene = *state;
    struct incident incident = {scene, 100, add_a_row};
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;
    char expected[512];

    put_rows(scene, "Item-1.csv", 40000);
    bench_open(&bench, scene);
    assert_true(ingest_with(&bench, &incident, &result, &err));
    assert_int_equal(result.outcome, INGEST_REFUSED);
    snprintf(expected, sizeof expected, "%s/Item-1.csv: changed while it was read", scene->folder);
    assert_string_equal(result.reason, expected);
    assert_query(scene,
                 "SELECT state || ' ' || jobs || ' ' || (rows_read = rows_rejected + "
                 "rows_discarded) FROM batch_summary",
                 "refused 0 1");
    bench_close(&bench);
}

/* The size stays and so does the modification time: only the hash shows it. */
static void alter_the_last_row(struct scene *scene)
{
    struct timespec times[2];
    struct stat status;
    FILE *file = fopen(at(scene, "Item-1.csv"), "r+");

    assert_int_equal(fstat(fileno(file), &status), 0);
    fseek(file, -4, SEEK_END);
    fputc('Q', file);
    fflush(file);
    times[0] = status.st_atim;
    times[1] = status.st_mtim;
    futimens(fileno(file), times);
    fclose(file);
}

static void a_file_that_changes_without_a_trace_is_read_again(void **state)
{
    struct scene *scene = *state;
    struct incident incident = {scene, 1, alter_the_last_row};
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;

    put_rows(scene, "Item-1.csv", 100000);
    bench_open(&bench, scene);
    assert_true(ingest_with(&bench, &incident, &result, &err));
    assert_int_equal(result.outcome, INGEST_LOADED);
    assert_non_null(strstr(scene->said, "is not what it was: read from its beginning"));
    assert_query(scene, "SELECT state || ' ' || rows_read FROM batch", "open 100000");
    bench_close(&bench);
}

/* --- signals --- */

static void raise_term(struct scene *scene)
{
    (void)scene;
    raise(SIGTERM);
}

/* Exits 0 when the reading was stopped as it should be. */
static void read_until_stopped(struct scene *scene)
{
    struct incident incident = {scene, 1, raise_term};
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;

    if (!stop_init(&err))
        _exit(1);
    bench_open(&bench, scene);
    if (ingest_with(&bench, &incident, &result, &err))
        _exit(2);
    bench_close(&bench);
    _exit(err.kind == ERR_STOPPED && strcmp(err.text, "stopped after row 16384") == 0 ? 0 : 3);
}

static void a_signal_stops_between_chunks_and_the_rest_is_read_later(void **state)
{
    struct scene *scene = *state;
    struct bench bench;
    pid_t child;
    int status;

    put_rows(scene, "Item-1.csv", 40000);
    child = fork();
    if (child == 0)
        read_until_stopped(scene);
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_query(scene, "SELECT state || ' ' || rows_read FROM batch", "loading 16384");
    bench_open(&bench, scene);
    recover(&bench, NULL, NULL);
    assert_query(scene, "SELECT state || ' ' || rows_read || ' ' || jobs FROM batch_summary",
                 "open 40000 39600");
    bench_close(&bench);
}

/* --- standard input --- */

/* Puts a descriptor in the place of standard input; returns what was there. */
static int exchange_input(int fd)
{
    int kept = dup(STDIN_FILENO);

    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    return kept;
}

static void ingest_input(struct bench *bench, struct scene *scene, const char *name,
                         struct ingest_result *result)
{
    int kept = exchange_input(open(at(scene, name), O_RDONLY | O_CLOEXEC));
    struct err err = {0};
    bool ok = ingest_file(bench->store, &bench->options, "-", BATCH_STAYS, result, &err);

    close(exchange_input(kept));
    if (!ok)
        fail_msg("%s", err.text);
}

static void standard_input_is_read_with_schema_and_format(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;

    put_rows(scene, "Item-1.csv", 20000);
    bench_open(&bench, scene);
    assert_false(ingest_file(bench.store, &bench.options, "-", BATCH_STAYS, &result, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text,
                        "standard input has no name to find its schema by: give --schema");
    bench.options.schema = "Item";
    assert_false(ingest_file(bench.store, &bench.options, "-", BATCH_STAYS, &result, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    bench.options.format = ROW_FORMAT_CSV;
    ingest_input(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    assert_int_equal(result.jobs, 19800);
    assert_query(scene, "SELECT source || ' ' || state || ' ' || length(content_hash) FROM batch",
                 "- open 32");
    ingest(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_KNOWN);
    bench_close(&bench);
}

static void known_standard_input_is_reported_at_its_end(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put_rows(scene, "Item-1.csv", 20000);
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-1.csv", &result);
    bench.options.schema = "Item";
    bench.options.format = ROW_FORMAT_CSV;
    ingest_input(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_KNOWN);
    assert_int_equal(result.batch_id, 1);
    assert_query(scene, "SELECT count(*) FROM job", "19800");
    bench_close(&bench);
}

/* Exits 0 when a signal ended the wait for input that never comes. */
static void read_silent_input(struct scene *scene)
{
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;
    int ends[2];

    if (!stop_init(&err) || pipe2(ends, O_CLOEXEC) != 0)
        _exit(1);
    exchange_input(ends[0]);
    if (write(ends[1], ITEM_HEADER "a,1,S,5,\n", strlen(ITEM_HEADER) + 9) < 0)
        _exit(1);
    bench_open(&bench, scene);
    bench.options.schema = "Item";
    bench.options.format = ROW_FORMAT_CSV;
    if (ingest_file(bench.store, &bench.options, "-", BATCH_STAYS, &result, &err))
        _exit(2);
    bench_close(&bench);
    _exit(err.kind == ERR_STOPPED ? 0 : 3);
}

static void a_signal_ends_the_wait_for_input_that_never_comes(void **state)
{
    struct scene *scene = *state;
    struct visits visits = {0};
    struct bench bench;
    pid_t child = fork();
    int status;

    if (child == 0)
        read_silent_input(scene);
    do
        usleep(10000);
    while (access(at(scene, "test.db"), F_OK) != 0 ||
           strcmp(query(scene, "SELECT count(*) FROM sqlite_schema WHERE name = 'batch'"), "1") ||
           strcmp(query(scene, "SELECT count(*) FROM batch"), "1") != 0);
    kill(child, SIGTERM);
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    bench_open(&bench, scene);
    recover(&bench, keep_visit, &visits);
    assert_int_equal(visits.last.outcome, INGEST_REFUSED);
    assert_string_equal(visits.last.reason,
                        "-: source vanished at row 0; give the whole file again");
    bench_close(&bench);
}

/* --- the database --- */

static void execute(struct scene *scene, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(at(scene, "test.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void take_rows_away(struct scene *scene)
{
    execute(scene, "ALTER TABLE job_row RENAME TO elsewhere");
}

static void take_keys_away(struct scene *scene)
{
    execute(scene, "ALTER TABLE record_job RENAME TO elsewhere");
}

/* Reads 100000 rows while a table goes away, then again when it is back. */
static void assert_survives(struct scene *scene, void (*take_away)(struct scene *scene),
                            const char *left, const char *put_back)
{
    struct incident incident = {scene, 1, take_away};
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;

    put_rows(scene, "Item-1.csv", 100000);
    bench_open(&bench, scene);
    assert_false(ingest_with(&bench, &incident, &result, &err));
    assert_int_equal(err.kind, ERR_STORE);
    execute(scene, put_back);
    assert_query(scene, "SELECT state || ' ' || rows_read FROM batch", left);
    recover(&bench, NULL, NULL);
    assert_query(scene, "SELECT state || ' ' || rows_read || ' ' || jobs FROM batch_summary",
                 "open 100000 99000");
    assert_query(scene, "SELECT count(*) FROM job", "99000");
    bench_close(&bench);
}

static void a_database_that_fails_ends_the_reading_and_keeps_what_was_committed(void **state)
{
    assert_survives(*state, take_rows_away, "loading 16384",
                    "ALTER TABLE elsewhere RENAME TO job_row");
}

static void a_database_that_fails_at_the_end_keeps_all_rows(void **state)
{
    assert_survives(*state, take_keys_away, "loading 100000",
                    "ALTER TABLE elsewhere RENAME TO record_job");
}

/* Whoever has the database open goes on, but its folder has no name to make a file under. */
static void move_the_folder(struct scene *scene)
{
    char moved[80];

    snprintf(moved, sizeof moved, "%s.moved", scene->folder);
    assert_int_equal(rename(scene->folder, moved), 0);
}

static void without_room_for_the_temporary_file_rows_are_kept_and_resumed_later(void **state)
{
    struct scene *scene = *state;
    struct incident incident = {scene, 1, move_the_folder};
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;
    char expected[256], moved[80];

    put_rows(scene, "Item-1.csv", 100000);
    bench_open(&bench, scene);
    assert_false(ingest_with(&bench, &incident, &result, &err));
    snprintf(moved, sizeof moved, "%s.moved", scene->folder);
    assert_int_equal(rename(moved, scene->folder), 0);
    assert_int_equal(err.kind, ERR_STORE);
    snprintf(expected, sizeof expected,
             "temporary file in %s: No such file or directory: make that folder writable for this "
             "user",
             scene->folder);
    assert_string_equal(err.text, expected);
    assert_query(scene, "SELECT state FROM batch", "loading");
    recover(&bench, NULL, NULL);
    assert_query(scene, "SELECT state || ' ' || rows_read || ' ' || jobs FROM batch_summary",
                 "open 100000 99000");
    assert_query(scene, "SELECT count(*) FROM job", "99000");
    bench_close(&bench);
}

static void lose_a_row(struct scene *scene)
{
    execute(scene, "DELETE FROM job_row WHERE id = 1000000007");
}

static void row_counts_that_do_not_add_up_are_a_bug_and_refuse_the_batch(void **state)
{
    struct scene *scene = *state;
    struct incident incident = {scene, 1, lose_a_row};
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;

    put_rows(scene, "Item-1.csv", 1000);
    bench_open(&bench, scene);
    assert_false(ingest_with(&bench, &incident, &result, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_non_null(strstr(err.text, "the row counts do not add up"));
    assert_query(scene, "SELECT state FROM batch", "refused");
    assert_query(scene, "SELECT count(*) FROM job_row", "0");
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(a_file_that_grows_once_while_it_is_read_is_read_again),
        INGEST_TEST(a_file_that_keeps_growing_is_refused),
        INGEST_TEST(a_file_that_changes_without_a_trace_is_read_again),
        INGEST_TEST(a_signal_stops_between_chunks_and_the_rest_is_read_later),
        INGEST_TEST(standard_input_is_read_with_schema_and_format),
        INGEST_TEST(known_standard_input_is_reported_at_its_end),
        INGEST_TEST(a_signal_ends_the_wait_for_input_that_never_comes),
        INGEST_TEST(a_database_that_fails_ends_the_reading_and_keeps_what_was_committed),
        INGEST_TEST(a_database_that_fails_at_the_end_keeps_all_rows),
        INGEST_TEST(without_room_for_the_temporary_file_rows_are_kept_and_resumed_later),
        INGEST_TEST(row_counts_that_do_not_add_up_are_a_bug_and_refuse_the_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
