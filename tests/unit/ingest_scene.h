/* A scene with a database, a schema and an inbox: what the tests of core/ingest share. */
#pragma once

#include "tests/unit/scene.h"

#include "core/ingest/ingest.h"
#include "core/ingest/recover.h"
#include "core/store/runs.h"

#include <sqlite3.h>

#define ITEM_SCHEMA                                                                                \
    "{\"type\": \"object\", \"required\": [\"sku\"], \"properties\": {"                            \
    "\"sku\": {\"type\": \"string\"},"                                                             \
    "\"quantity\": {\"type\": \"integer\", \"minimum\": 0},"                                       \
    "\"note\": {\"type\": \"string\"}}}"

#define ITEM_HEADER "record_id,version,sku,quantity,note\n"

/* One process's view of a scene. */
struct bench {
    struct store *store;
    struct catalog *catalog;
    struct notice_sink notices;
    struct ingest_options options;
};

static inline void bench_open(struct bench *bench, struct scene *scene)
{
    struct err err = {0};
    bool created;

    *bench = (struct bench){.notices = ears(scene)};
    bench->store = store_open(at(scene, "test.db"), STORE_CREATE, &created, &err);
    if (!bench->store)
        fail_msg("%s", err.text);
    bench->catalog = catalog_open(at(scene, "schema"), &err);
    if (!bench->catalog)
        fail_msg("%s", err.text);
    bench->options.catalog = bench->catalog;
    bench->options.notices = &bench->notices;
    if (!run_begin(bench->store, "test", "0", 1, &bench->options.run_id, &err))
        fail_msg("%s", err.text);
}

static inline void bench_close(struct bench *bench)
{
    catalog_close(bench->catalog);
    store_close(bench->store);
}

static inline void ingest_scene_fill(const struct scene *scene)
{
    mkdir(at(scene, "schema"), 0700);
    mkdir(at(scene, "inbox"), 0700);
    put(scene, "schema/Item.json", ITEM_SCHEMA);
}

static inline int ingest_scene_begin(void **state)
{
    scene_begin(state);
    ingest_scene_fill(*state);
    return 0;
}

/* The first column of the first row, as text that is valid until the fourth call from here. */
static inline const char *query(const struct scene *scene, const char *sql)
{
    static char texts[4][2048];
    static unsigned next;
    char *text = texts[next++ % 4];
    sqlite3 *db;
    sqlite3_stmt *statement;
    const unsigned char *value;

    assert_int_equal(sqlite3_open(at(scene, "test.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    text[0] = '\0';
    if (sqlite3_step(statement) == SQLITE_ROW && (value = sqlite3_column_text(statement, 0)))
        snprintf(text, sizeof texts[0], "%s", value);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return text;
}

static inline void assert_query(const struct scene *scene, const char *sql, const char *expected)
{
    assert_string_equal(query(scene, sql), expected);
}

/* Reads a file of the scene, which must not fail. */
static inline void ingest(struct bench *bench, const struct scene *scene, const char *name,
                          struct ingest_result *result)
{
    enum batch_filing filing = BATCH_STAYS;
    struct err err = {0};

    if (strncmp(name, "inbox/", 6) == 0)
        filing = strchr(name + 6, '/') ? BATCH_SUBFOLDER : BATCH_INBOX;
    if (!ingest_file(bench->store, &bench->options, at(scene, name), filing, result, &err))
        fail_msg("%s", err.text);
}

static inline void recover(struct bench *bench,
                           bool (*visit)(void *context, const char *source,
                                         const struct ingest_result *result, struct err *err),
                           void *context)
{
    struct err err = {0};

    if (!ingest_recover(bench->store, &bench->options, visit, context, &err))
        fail_msg("%s", err.text);
}

/* What ingest_recover reported. */
struct visits {
    unsigned count;
    struct ingest_result last;
};

static inline bool keep_visit(void *context, const char *source, const struct ingest_result *result,
                              struct err *err)
{
    struct visits *visits = context;

    (void)source;
    (void)err;
    visits->count++;
    visits->last = *result;
    return true;
}

/* A CSV of so many rows; every 100th has a negative quantity. */
static inline void put_rows(const struct scene *scene, const char *name, unsigned count)
{
    FILE *file = fopen(at(scene, name), "w");

    assert_non_null(file);
    fputs(ITEM_HEADER, file);
    for (unsigned i = 1; i <= count; i++)
        fprintf(file, "R-%u,%u,SKU-%u,%s%u,\"a note, the %uth\"\n", i * 7919 % 1000003, i % 10, i,
                i % 100 == 0 ? "-" : "", i, i);
    fclose(file);
}

#define INGEST_TEST(name) cmocka_unit_test_setup_teardown(name, ingest_scene_begin, scene_end)
