/* Each system call and each statement of an intake fails once: the error is reported, no row is
 * lost or loaded twice, and the next process ends what this one began. */
#include "core/ingest/ingest.h"

#include "core/ingest/feed.h"
#include "core/ingest/filing.h"
#include "core/ingest/recover.h"
#include "core/ingest/sieve.h"
#include "core/ingest/sorter.h"
#include "core/ingest/validate.h"
#include "core/store/db.h"
#include "tests/lib/fault_sql.h"
#include "tests/lib/fault_vfs.h"
#include "tests/unit/fault_scene.h"
#include "tests/unit/ingest_scene.h"

#include <fnmatch.h>

#define ROWS        ITEM_HEADER "a,1,S,5,\nb,1,S,-1,\nc,1,S,5,\na,2,S,6,\n"
#define ROWS_SHA256 "2957bff5e2c2455b28fb8ffeddcde1dd068ed4084a5ac5a5c8fdef1a5f45853c"
#define MORE        "d,1,S,5,\ne,1,S,-2,\n"

/* One way to read a file, from a scene with an empty inbox and an empty database. */
struct story {
    const char *name;
    void (*prepare)(struct bench *bench, struct scene *scene);
    bool (*step)(struct bench *bench, struct scene *scene, struct err *err);
    const char *end;     /* state of the scene in the end */
    const char *refused; /* the same after a fault of the disk, for which a file can be refused;
                            NULL: not tried */
};

static void open_bench(struct bench *bench, struct scene *scene)
{
    bench_open(bench, scene);
    snprintf(bench->options.done_suffix, sizeof bench->options.done_suffix, ".ok");
}

/* Reads the inbox as `run` does, without the network. */
static bool read_inbox(struct bench *bench, struct scene *scene, struct err *err)
{
    struct ingest_result result;
    struct stat status;

    if (!ingest_recover(bench->store, &bench->options, NULL, NULL, err))
        return false;
    return fstatat(AT_FDCWD, at(scene, "inbox/Item-1.csv"), &status, 0) != 0 ||
           (ingest_file(bench->store, &bench->options, at(scene, "inbox/Item-1.csv"), BATCH_INBOX,
                        &result, err) &&
            ingest_file_away(bench->store, &bench->options, at(scene, "inbox"), "Item-1.csv",
                             &result, err));
}

static bool read_tail(struct bench *bench, struct scene *scene, struct err *err)
{
    struct ingest_result result;

    if (!ingest_recover(bench->store, &bench->options, NULL, NULL, err))
        return false;
    bench->options.tail = true;
    return ingest_file(bench->store, &bench->options, at(scene, "inbox/done/Item-1.csv"),
                       BATCH_STAYS, &result, err);
}

static bool read_input(struct bench *bench, struct scene *scene, struct err *err)
{
    struct ingest_result result;
    int fd = openat(AT_FDCWD, at(scene, "input"), O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set(err, ERR_CONFIG, "no input");
    dup2(fd, STDIN_FILENO);
    close(fd);
    bench->options.schema = "Item";
    bench->options.format = ROW_FORMAT_CSV;
    return ingest_recover(bench->store, &bench->options, NULL, NULL, err) &&
           ingest_file(bench->store, &bench->options, "-", BATCH_STAYS, &result, err);
}

static void demand(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static void put_new(struct bench *bench, struct scene *scene)
{
    (void)bench;
    put(scene, "inbox/Item-1.csv", ROWS);
    put(scene, "inbox/Item-1.csv.ok", "");
    put(scene, "inbox/Item-1.csv.sha256", ROWS_SHA256 "  Item-1.csv\n");
}

static void put_wrong(struct bench *bench, struct scene *scene)
{
    (void)bench;
    put(scene, "inbox/Item-1.csv", "record_id,colour\na,red\n");
}

static void put_known(struct bench *bench, struct scene *scene)
{
    struct err err = {0};

    put_new(bench, scene);
    demand(read_inbox(bench, scene, &err), &err);
    put_new(bench, scene);
}

static void fail_next(void *db, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                      uint64_t rows)
{
    (void)source, (void)bytes_done, (void)bytes_total, (void)rows;
    fault_sql_arm(db, FAULT_SQL_PREPARE, 1);
}

/* A batch whose rows are in the database, but which is not open. */
static void put_loading(struct bench *bench, struct scene *scene)
{
    struct ingest_result result;
    struct err err = {0};

    put_new(bench, scene);
    bench->options.progress = fail_next;
    bench->options.progress_context = bench->store->db;
    assert_false(ingest_file(bench->store, &bench->options, at(scene, "inbox/Item-1.csv"),
                             BATCH_INBOX, &result, &err));
    assert_true(fault_sql_disarm(bench->store->db));
    assert_query(scene, "SELECT state || rows_read FROM batch", "loading4");
}

/* A file that grew before it was moved, so that it is still in the inbox. */
static void put_grown(struct bench *bench, struct scene *scene)
{
    struct ingest_result result;
    struct err err = {0};

    put_new(bench, scene);
    ingest(bench, scene, "inbox/Item-1.csv", &result);
    put(scene, "inbox/Item-1.csv", ROWS MORE);
    unlink(at(scene, "inbox/Item-1.csv.sha256"));
    demand(ingest_file_away(bench->store, &bench->options, at(scene, "inbox"), "Item-1.csv",
                            &result, &err),
           &err);
}

static void put_tail(struct bench *bench, struct scene *scene)
{
    struct err err = {0};

    put_new(bench, scene);
    demand(read_inbox(bench, scene, &err), &err);
    put_more(scene, "inbox/done/Item-1.csv", MORE);
}

static void put_input(struct bench *bench, struct scene *scene)
{
    struct err err = {0};

    put_new(bench, scene);
    demand(read_inbox(bench, scene, &err), &err);
    put(scene, "input", ROWS);
}

static const struct story stories[] = {
    {"a new file", put_new, read_inbox, "open 4-1; a1 c1 a2; 0 1 0", "; ; 0 0 1"},
    {"a wrong file", put_wrong, read_inbox, "; ; 0 0 1", "; ; 0 0 1"},
    {"a known file", put_known, read_inbox, "open 4-1; a1 c1 a2; 0 2 0",
     "open 4-1; a1 c1 a2; 0 2 0"},
    {"a batch half loaded", put_loading, read_inbox, "open 4-1; a1 c1 a2; 0 1 0", "; ; 0 0 1"},
    {"a file that grew", put_grown, read_inbox, "open 4-1, open 2-1; a1 c1 a2 d1; 0 1 0",
     "open 4-1; a1 c1 a2; 0 0 1"},
    {"a file that grew in done/", put_tail, read_tail, "open 4-1, open 2-1; a1 c1 a2 d1; 0 1 0",
     "open 4-1, open 2-1; a1 c1 a2 d1; 0 1 0"},
    {"known standard input", put_input, read_input, "open 4-1; a1 c1 a2; 0 1 0",
     "open 4-1; a1 c1 a2; 0 1 0"},
};

/* Counts the data files in a folder. */
static unsigned files_in(const struct scene *scene, const char *folder)
{
    DIR *stream = opendir(at(scene, folder));
    unsigned count = 0;

    if (!stream)
        return 0;
    for (const struct dirent *entry; (entry = readdir(stream));)
        count +=
            fnmatch("Item-1*.csv", entry->d_name, 0) == 0 && !strstr(entry->d_name, "rejected");
    closedir(stream);
    return count;
}

/* Counts of rows of the batches that are not refused, their jobs, and the numbers of files. */
static const char *state_of(const struct scene *scene)
{
    static char text[512];

    snprintf(text, sizeof text, "%s; %s; %u %u %u",
             query(scene, "SELECT group_concat(state || ' ' || rows_read || '-' || rows_rejected, "
                          "', ') FROM batch WHERE state <> 'refused'"),
             query(scene, "SELECT group_concat(record_id || version, ' ') FROM (SELECT * FROM job "
                          "ORDER BY id)"),
             files_in(scene, "inbox"), files_in(scene, "inbox/done"),
             files_in(scene, "inbox/refused"));
    return text;
}

/* Empties the inbox and the database, which is a copy of one made before: making it takes longer
 * than anything else here. */
static void restore(struct scene *scene)
{
    static const char *const names[] = {"test.db", "test.db-wal", "test.db-shm"};
    static char made[1 << 20];
    static size_t size;
    FILE *file;

    scratch_remove(at(scene, "inbox"));
    mkdir(at(scene, "inbox"), 0700);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(at(scene, names[i]));
    if (size == 0) {
        struct bench bench;

        open_bench(&bench, scene);
        bench_close(&bench);
        file = fopen(at(scene, "test.db"), "r");
        size = fread(made, 1, sizeof made, file);
        assert_true(size > 0 && size < sizeof made);
    } else {
        file = fopen(at(scene, "test.db"), "w");
        assert_int_equal(fwrite(made, 1, size, file), size);
    }
    fclose(file);
}

/* Plays a story with the nth call or statement failing. Returns whether there were so many. */
static bool play(struct scene *scene, const struct story *story, bool of_sql, unsigned n)
{
    struct err err = {0};
    struct bench bench;
    bool ok, fired;

    restore(scene);
    open_bench(&bench, scene);
    story->prepare(&bench, scene);
    bench_close(&bench);
    open_bench(&bench, scene);
    if (of_sql)
        fault_sql_arm(bench.store->db, FAULT_SQL_PREPARE, n);
    else
        countdown = n;
    ok = story->step(&bench, scene, &err);
    fired = of_sql ? fault_sql_disarm(bench.store->db) : disarm() == 0;
    if (!ok && (err.kind == ERR_NONE || !*err.text))
        fail_msg("%s: fault %u is not explained", story->name, n);
    bench_close(&bench);
    open_bench(&bench, scene);
    err = (struct err){0};
    demand(story->step(&bench, scene, &err), &err);
    bench_close(&bench);
    if (strcmp(state_of(scene), story->end) != 0 &&
        (of_sql || strcmp(state_of(scene), story->refused) != 0))
        fail_msg("%s: after %s %u: %s", story->name, of_sql ? "statement" : "call", n,
                 state_of(scene));
    return fired;
}

static void every_call_may_fail(void **state)
{
    fault = EIO;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        for (unsigned n = 1; stories[i].refused && play(*state, &stories[i], false, n); n++)
            ;
}

static void every_statement_may_fail(void **state)
{
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        for (unsigned n = 1; play(*state, &stories[i], true, n); n++)
            ;
}

static void a_file_that_does_not_open_is_explained(void **state)
{
    static const struct {
        int fault;
        bool through_links;
        enum err_kind kind;
        const char *text;
    } cases[] = {
        {ENOENT, true, ERR_CONFIG, "'x.csv' does not exist: check its path"},
        {ENOTDIR, true, ERR_CONFIG, "'x.csv' does not exist: check its path"},
        {ELOOP, false, ERR_INPUT, "x.csv is a symbolic link: name the file itself"},
        {EACCES, false, ERR_INPUT,
         "cannot read x.csv: Permission denied: let this user read it, then run the same command "
         "again"},
        {EMFILE, false, ERR_INPUT, "cannot read x.csv: Too many open files"},
    };
    struct scene *scene = *state;
    struct feed feed;
    struct err err;

    put(scene, "x.csv", ROWS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fault = cases[i].fault;
        countdown = 1;
        assert_false(feed_open(&feed, "x.csv", at(scene, "x.csv"), cases[i].through_links, &err));
        assert_int_equal(disarm(), 0);
        assert_int_equal(err.kind, cases[i].kind);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(feed.fd, -1);
    }
}

/* A file with a repeated id, which is read twice. Whatever fails is said, and never a wrong count.
 */
static void a_check_of_a_file_may_fail_at_each_call(void **state)
{
    struct scene *scene = *state;
    bool fired = true;

    put(scene, "Item-1.csv", ROWS);
    fault = EIO;
    for (unsigned n = 1; fired; n++) {
        struct ingest_result result;
        struct err err = {0};
        struct bench bench;
        bool ok;

        bench_open(&bench, scene);
        *scene->said = '\0';
        countdown = n;
        ok = ingest_validate(&bench.options, at(scene, "Item-1.csv"), NULL, NULL, &result, &err);
        fired = disarm() == 0;
        assert_true(ok);
        if (result.outcome != INGEST_LOADED)
            assert_string_equal(result.reason, err.text);
        else if (result.rows_read != 4 || result.rows_rejected != 1 || result.jobs != 3)
            fail_msg("after call %u: %s", n, scene->said);
        else if (!strstr(scene->said, "so records with several rows are not reported"))
            assert_non_null(strstr(scene->said, ": record a has 2 rows (lines 2 and 5): "));
        assert_true(fired || result.outcome == INGEST_LOADED);
        bench_close(&bench);
    }
}

static struct span key_of(unsigned number)
{
    static char text[16];

    snprintf(text, sizeof text, "%08u", number * 7919 % 100000000);
    return span_of(text);
}

/* Sorts more keys than fit into memory; returns how many come out in order. */
static unsigned sort(const struct scene *scene, unsigned keys, bool *ok, struct err *err)
{
    struct sorter *sorter = sorter_open(at(scene, "inbox"));
    char last[16] = "";
    unsigned count = 0;
    bool found = true;

    *ok = true;
    for (unsigned i = 0; *ok && i < keys; i++)
        *ok = sorter_add(sorter, key_of(i), i + 1, err);
    *ok = *ok && sorter_finish(sorter, err);
    while (*ok && found) {
        struct span key;
        uint32_t row_no;

        *ok = sorter_next(sorter, &found, &key, &row_no, err);
        if (!*ok || !found)
            continue;
        assert_true(memcmp(last, key.data, key.size) < 0);
        memcpy(last, key.data, key.size);
        count++;
    }
    sorter_close(sorter);
    return count;
}

static void a_sorter_whose_file_fails_says_so(void **state)
{
    enum { KEYS = 150000 };
    char start[128];
    struct scene *scene = *state;
    bool fired = true;

    snprintf(start, sizeof start,
             "temporary file in %s/inbox: Input/output error: ", scene->folder);
    fault = EIO;
    for (unsigned n = 1; fired; n++) {
        struct err err = {0};
        unsigned count;
        bool ok;

        countdown = n;
        count = sort(scene, KEYS, &ok, &err);
        fired = disarm() == 0;
        assert_int_equal(ok, !fired);
        if (ok)
            assert_int_equal(count, KEYS);
        else
            assert_memory_equal(err.text, start, strlen(start));
        assert_int_equal(err.kind, ok ? ERR_NONE : ERR_STORE);
    }
    fault = EINTR; /* only delays */
    for (unsigned n = 2; n < 4; n++) {
        struct err err = {0};
        bool ok;

        countdown = n;
        assert_int_equal(sort(scene, KEYS, &ok, &err), KEYS);
        assert_int_equal(disarm(), 0);
    }
}

/* Without its file a sieve takes no more ids, or holds every id to be repeated: none is missed. */
static void a_sieve_whose_file_fails_misses_nothing(void **state)
{
    enum { IDS = SIEVE_IDS_HELD + 5000 };

    (void)state;
    fault = EIO;
    for (unsigned n = 1; n <= 3; n++) {
        struct sieve *sieve = sieve_open(SIEVE_IDS_MAX);
        unsigned taken = 0;

        countdown = n;
        while (taken < IDS && sieve_add(sieve, key_of(taken / 2)))
            taken++;
        assert_int_equal(taken, n < 3 ? SIEVE_IDS_HELD : IDS);
        assert_true(sieve_end(sieve));
        assert_int_equal(disarm(), 0);
        for (unsigned i = 0; i < taken / 2; i += 97)
            assert_true(sieve_holds(sieve, key_of(i)));
        assert_int_equal(sieve_holds(sieve, key_of(IDS)), n == 3);
        sieve_close(sieve);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(every_call_may_fail),
        INGEST_TEST(every_statement_may_fail),
        INGEST_TEST(a_file_that_does_not_open_is_explained),
        INGEST_TEST(a_check_of_a_file_may_fail_at_each_call),
        INGEST_TEST(a_sorter_whose_file_fails_says_so),
        INGEST_TEST(a_sieve_whose_file_fails_misses_nothing),
    };

    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
