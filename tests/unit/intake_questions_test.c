/* What intake asks of earlier batches: known files, what was left unfinished, rejected rows. */
#include "core/store/batches.h"
#include "core/store/chunk.h"
#include "core/store/unfiled.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* --- known files --- */

/* The state and hash of batches in order of their ids; which is known for schema Item, hash A and
 * 100 bytes. */
static int64_t known(struct fixture *fixture, const char *schema, const char *hash, uint64_t size)
{
    int64_t batch_id = -1;

    if (!batch_known(fixture->store, schema, hash, size, &batch_id, &fixture->err))
        fail_msg("%s", fixture->err.text);
    return batch_id;
}

/* A batch of that content; jobs makes it open rather than done. */
static int64_t batch_of(struct fixture *fixture, const char *schema, const char *hash, bool jobs)
{
    int64_t batch_id = fixture_load_begin(fixture, schema);

    fixture_load(fixture, batch_id, 1, jobs ? "a:5" : "!");
    assert_true(batch_open(fixture->store, batch_id, hash, 100, FIXTURE_RUN, 0, &fixture->err));
    return batch_id;
}

static void a_file_is_known_while_it_is_the_last_of_its_schema(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(known(fixture, "Item", "A", 100), 0);
    assert_int_equal(batch_of(fixture, "Item", "A", true), 1);
    assert_int_equal(known(fixture, "Item", "A", 100), 1);
    assert_int_equal(batch_of(fixture, "Other", "B", true), 2);
    assert_int_equal(known(fixture, "Item", "A", 100), 1);
    assert_int_equal(batch_of(fixture, "Item", "B", false), 3);
    /* A may come again after B, because it would undo what B did */
    assert_int_equal(known(fixture, "Item", "A", 100), 0);
    assert_int_equal(known(fixture, "Item", "B", 100), 3);
    assert_int_equal(batch_of(fixture, "Item", "A", false), 4);
    assert_int_equal(known(fixture, "Item", "A", 100), 4);
}

static void a_later_batch_of_the_schema_is_found(void **state)
{
    struct fixture *fixture = *state;
    int64_t newer = -1;

    batch_of(fixture, "Item", "A", true);
    batch_of(fixture, "Other", "B", true);
    batch_of(fixture, "Item", "C", true);
    assert_true(batch_newer(fixture->store, "Item", 1, &newer, &fixture->err));
    assert_int_equal(newer, 3);
    assert_true(batch_newer(fixture->store, "Item", 3, &newer, &fixture->err));
    assert_int_equal(newer, 0);
    assert_true(batch_newer(fixture->store, "Other", 1, &newer, &fixture->err));
    assert_int_equal(newer, 2);
}

static void schema_hash_and_size_all_make_a_file_known(void **state)
{
    struct fixture *fixture = *state;

    batch_of(fixture, "Item", "A", true);
    assert_int_equal(known(fixture, "Other", "A", 100), 0);
    assert_int_equal(known(fixture, "Item", "a", 100), 0);
    assert_int_equal(known(fixture, "Item", "A", 101), 0);
    assert_int_equal(known(fixture, "item", "A", 100), 0);
}

static void a_file_that_was_not_moved_waits_until_it_is_or_changes(void **state)
{
    static const char *const others[] = {"path = '/other'", "inode = 9",       "device = 9",
                                         "mtime_ns = 9",    "filing = 0",      "filed_ms = 42",
                                         "size_bytes = 9",  "schema = 'Other'"};
    struct fixture *fixture = *state;
    const struct batch_origin origin = {.schema = "Item",
                                        .path = "/in/a.csv",
                                        .size_bytes = 100,
                                        .device = 1,
                                        .inode = 2,
                                        .mtime_ns = 3};
    struct batch_waiting waiting;

    batch_of(fixture, "Item", "A", true);
    for (int filing = 1; filing <= 3; filing++) {
        char sql[128];

        snprintf(sql, sizeof sql,
                 "UPDATE batch SET path = '/in/a.csv', device = 1, inode = 2, mtime_ns = 3, "
                 "filing = %d",
                 filing);
        fixture_ask(fixture, sql);
        assert_true(batch_waiting(fixture->store, &origin, &waiting, &fixture->err));
        assert_int_equal(waiting.id, 1);
    }
    batch_of(fixture, "Item", "B", true);
    assert_true(batch_waiting(fixture->store, &origin, &waiting, &fixture->err));
    assert_int_equal(waiting.id, 1);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char sql[128];

        snprintf(sql, sizeof sql, "UPDATE batch SET %s WHERE id = 1", others[i]);
        fixture_ask(fixture, sql);
        assert_true(batch_waiting(fixture->store, &origin, &waiting, &fixture->err));
        assert_int_equal(waiting.id, 0);
        fixture_ask(fixture, "UPDATE batch SET path = '/in/a.csv', device = 1, inode = 2, "
                             "mtime_ns = 3, filing = 1, filed_ms = NULL, size_bytes = 100, "
                             "schema = 'Item' WHERE id = 1");
        assert_true(batch_waiting(fixture->store, &origin, &waiting, &fixture->err));
        assert_int_equal(waiting.id, 1);
    }
}

static void refused_and_loading_batches_make_nothing_known_or_forgotten(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id;

    assert_int_equal(batch_of(fixture, "Item", "A", true), 1);
    batch_id = fixture_load_begin(fixture, "Item"); /* its content is `hash` */
    assert_int_equal(known(fixture, "Item", "hash", 100), 0);
    assert_int_equal(known(fixture, "Item", "A", 100), 1);
    fixture_refuse(fixture, batch_id, "no");
    assert_int_equal(known(fixture, "Item", "hash", 100), 0);
    assert_int_equal(known(fixture, "Item", "A", 100), 1);
}

/* --- what an earlier process left --- */

/* The ids and states of all unfinished batches, in order. */
static const char *unfinished(struct fixture *fixture)
{
    struct batch_unfinished batch = {0};
    bool found = true;

    buf_reset(&fixture->said);
    while (found) {
        if (!batch_next_unfinished(fixture->store, batch.id, &batch, &found, &fixture->err))
            fail_msg("%s", fixture->err.text);
        if (found)
            buf_printf(&fixture->said, "%lld %s %u/%u %s;", (long long)batch.id,
                       batch_state_name(batch.state), batch.progress.rows, batch.progress.rejected,
                       batch.reason);
    }
    return buf_text(&fixture->said);
}

static void what_an_earlier_process_left_is_listed_until_it_is_finished(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id;

    assert_string_equal(unfinished(fixture), "");
    fixture_batch(fixture, "Item", "a:5");
    assert_string_equal(unfinished(fixture), "");
    batch_id = fixture_load_begin(fixture, "Item");
    assert_string_equal(unfinished(fixture), "2 loading 0/0 ;");
    fixture_load(fixture, batch_id, 1, "a:5 ! b:5");
    fixture_load_begin(fixture, "Item");
    assert_string_equal(unfinished(fixture), "2 loading 3/1 ;3 loading 0/0 ;");
    fixture_refuse(fixture, 2, "why not");
    fixture_refuse(fixture, 3, "nothing in it");
    assert_string_equal(unfinished(fixture), "2 refused 3/1 why not;");
    assert_true(batch_discard(fixture->store, 2, &fixture->err));
    assert_string_equal(unfinished(fixture), "");
}

static void a_batch_is_unfinished_until_its_file_is_where_it_belongs(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Item", "!");
    fixture_ask(fixture, "UPDATE batch SET filing = 1");
    assert_string_equal(unfinished(fixture), "1 open 1/0 ;2 done 1/1 ;");
    assert_true(batch_filed(fixture->store, 1, 42, &fixture->err));
    assert_string_equal(unfinished(fixture), "2 done 1/1 ;");
    assert_true(batch_filed(fixture->store, 2, 42, &fixture->err));
    assert_string_equal(unfinished(fixture), "");
    assert_asked(fixture, "SELECT filed_ms FROM batch", "42; 42");
}

static void an_unfinished_batch_tells_all_that_it_takes_to_go_on(void **state)
{
    const struct batch_origin origin = {
        .source = "inbox/y.ndjson",
        .path = "/in/y.ndjson",
        .schema = "Item",
        .schema_hash = "s1",
        .format = "ndjson",
        .options = "o1",
        .content_hash = "h1",
        .size_bytes = 5000000000,
        .device = UINT64_MAX,
        .inode = 12,
        .mtime_ns = INT64_MAX,
        .filing = BATCH_SUBFOLDER,
    };
    struct fixture *fixture = *state;
    struct batch_unfinished batch;
    int64_t batch_id;
    bool found;

    assert_true(batch_begin(fixture->store, &origin, 1, 2, &batch_id, &fixture->err));
    fixture_load(fixture, batch_id, 1, "a:5 !");
    fixture_reopen(fixture);
    assert_true(batch_next_unfinished(fixture->store, 0, &batch, &found, &fixture->err));
    assert_true(found);
    assert_int_equal(batch.id, batch_id);
    assert_string_equal(batch.origin.source, "inbox/y.ndjson");
    assert_string_equal(batch.origin.path, "/in/y.ndjson");
    assert_string_equal(batch.origin.schema, "Item");
    assert_string_equal(batch.origin.schema_hash, "s1");
    assert_string_equal(batch.origin.format, "ndjson");
    assert_string_equal(batch.origin.options, "o1");
    assert_string_equal(batch.origin.content_hash, "h1");
    assert_true(batch.origin.size_bytes == 5000000000);
    assert_true(batch.origin.device == UINT64_MAX && batch.origin.inode == 12);
    assert_true(batch.origin.mtime_ns == INT64_MAX);
    assert_int_equal(batch.origin.filing, BATCH_SUBFOLDER);
    assert_int_equal(batch.state, BATCH_LOADING);
    assert_string_equal(batch.reason, "");
    assert_int_equal(batch.progress.rows, 2);
    assert_int_equal(batch.progress.rejected, 1);
    assert_int_equal(batch.progress.bytes, 20);
    assert_int_equal(batch.progress.lines, 3);
    assert_string_equal(batch.progress.prefix_hash, "prefix-2");
    /* and holds no snapshot that would block what follows */
    fixture_load(fixture, batch_id, 3, "b:5");
}

/* --- rejections --- */

struct walk {
    struct buf seen;
    unsigned left; /* visits until it gives up */
};

static bool note(void *context, const struct rejection *rejection, struct err *err)
{
    struct walk *walk = context;

    if (!walk->left--)
        return err_set(err, ERR_INPUT, "enough");
    buf_printf(&walk->seen, "%s%u@%llu [%.*s] '%.*s' %.*s %.*s %.*s;", rejection->first ? "+" : " ",
               rejection->row_no, (unsigned long long)rejection->line_no,
               (int)rejection->record_id.size, rejection->record_id.data, (int)rejection->raw.size,
               rejection->raw.data, (int)rejection->field.size, rejection->field.data,
               (int)rejection->rule.size, rejection->rule.data, (int)rejection->message.size,
               rejection->message.data);
    return true;
}

/* Rows 2 and 11 of batch 1, the second one with three violations and no bytes at all. */
static void load_rejects(struct fixture *fixture)
{
    int64_t batch_id = fixture_load_begin(fixture, "Item");
    struct intake_chunk chunk = {0};

    fixture_fill(&chunk, 11, "!k");
    chunk.rejects[0].raw_size = 0;
    chunk.rejects[0].violation_count = 3;
    for (int i = 0; i < 2; i++) {
        *intake_chunk_add_violation(&chunk) = (struct intake_violation){
            .rule_size = 1,
            .message = (size_t)i,
            .message_size = 1,
        };
    }
    chunk.progress.rows = 1;
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_reset(&chunk);
    fixture_fill(&chunk, 2, "!");
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_release(&chunk);
    fixture_batch(fixture, "Item", "!other");
}

static void rejections_come_in_order_of_row_and_place(void **state)
{
    struct fixture *fixture = *state;
    struct walk walk = {.left = 100};

    load_rejects(fixture);
    assert_true(batch_rejections(fixture->store, 1, note, &walk, &fixture->err));
    assert_string_equal(buf_text(&walk.seen), "+2@3 [] '!' sku pattern is not a sku;"
                                              "+11@12 [k] '' sku pattern is not a sku;"
                                              " 11@12 [k] ''  k k; 11@12 [k] ''  k !;");
    buf_release(&walk.seen);
}

static void a_visit_that_fails_ends_the_walk_with_its_error(void **state)
{
    struct fixture *fixture = *state;
    struct walk walk = {.left = 2};

    load_rejects(fixture);
    assert_false(batch_rejections(fixture->store, 1, note, &walk, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_INPUT);
    assert_string_equal(fixture->err.text, "enough");
    buf_reset(&walk.seen);
    walk.left = 100;
    assert_true(batch_rejections(fixture->store, 2, note, &walk, &fixture->err));
    assert_string_equal(buf_text(&walk.seen), "+1@2 [other] '!other' sku pattern is not a sku;");
    buf_release(&walk.seen);
}

static void a_batch_without_rejected_rows_has_nothing_to_walk(void **state)
{
    struct fixture *fixture = *state;
    struct walk walk = {0};

    fixture_batch(fixture, "Item", "a:5");
    assert_true(batch_rejections(fixture->store, 1, note, &walk, &fixture->err));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_file_is_known_while_it_is_the_last_of_its_schema),
        WITH_STORE(a_later_batch_of_the_schema_is_found),
        WITH_STORE(schema_hash_and_size_all_make_a_file_known),
        WITH_STORE(a_file_that_was_not_moved_waits_until_it_is_or_changes),
        WITH_STORE(refused_and_loading_batches_make_nothing_known_or_forgotten),
        WITH_STORE(what_an_earlier_process_left_is_listed_until_it_is_finished),
        WITH_STORE(a_batch_is_unfinished_until_its_file_is_where_it_belongs),
        WITH_STORE(an_unfinished_batch_tells_all_that_it_takes_to_go_on),
        WITH_STORE(rejections_come_in_order_of_row_and_place),
        WITH_STORE(a_visit_that_fails_ends_the_walk_with_its_error),
        WITH_STORE(a_batch_without_rejected_rows_has_nothing_to_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
