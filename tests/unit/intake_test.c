/* Batches from their beginning to their filing. */
#include "core/store/batches.h"
#include "core/store/chunk.h"
#include "core/store/keys.h"

#include "core/store/db.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static void open_batch(struct fixture *fixture, int64_t batch_id)
{
    if (!batch_open(fixture->store, batch_id, "hash", 100, FIXTURE_RUN, fixture->now_ms,
                    &fixture->err))
        fail_msg("%s", fixture->err.text);
    fixture_check(fixture);
}

static void a_batch_begins_loading_with_what_it_is_made_from(void **state)
{
    const struct batch_origin origin = {
        .source = "-",
        .schema = "Item",
        .schema_hash = "s1",
        .format = "ndjson",
        .options = "delimiter=;",
        .content_hash = "",
        .device = UINT64_MAX,
        .inode = UINT64_MAX - 1,
        .mtime_ns = -5,
    };
    struct fixture *fixture = *state;
    int64_t batch_id = 0;

    assert_true(batch_begin(fixture->store, &origin, 3, 4, &batch_id, &fixture->err));
    assert_int_equal(batch_id, 1);
    assert_asked(fixture,
                 "SELECT source, path, schema, schema_hash, format, options, content_hash, "
                 "size_bytes, device, inode, mtime_ns, filing, state, created_ms, loaded_run_id, "
                 "finished_ms, filed_ms FROM batch",
                 "-|NULL|Item|s1|ndjson|delimiter=;||0|-1|-2|-5|0|loading|4|3|NULL|NULL");
    assert_asked(fixture, "SELECT * FROM batch_tally", "1|1000000000|0|0|0|0|0|0|0|0|0|0");
    fixture_check(fixture);
}

static void rows_are_written_as_they_were_given(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");
    struct intake_chunk chunk = {0};

    fixture_fill(&chunk, 1, "b:5 a !z b:0 ! a:9223372036854775807");
    chunk.rows[0].tags = chunk.text.size;
    chunk.rows[0].tags_size = 5;
    buf_append_text(&chunk.text, "[\"t\"]");
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_release(&chunk);
    open_batch(fixture, batch_id);
    assert_asked(fixture, "SELECT * FROM job_row",
                 "1000000001|2|b|5|{\"n\":1}|[\"t\"]; 1000000002|3|a|NULL|{\"n\":2}|NULL; "
                 "1000000004|5|b|0|{\"n\":4}|NULL; "
                 "1000000006|7|a|9223372036854775807|{\"n\":6}|NULL");
    assert_asked(fixture, "SELECT * FROM record_job",
                 "a|1000000002; a|1000000006; b|1000000001; b|1000000004");
    assert_asked(fixture, "SELECT *, typeof(raw) FROM rejected_row",
                 "1|3|4|z|!z|blob; 1|5|6|NULL|!|blob");
    assert_asked(fixture, "SELECT * FROM violation",
                 "1|3|0|sku|pattern|is not a sku; 1|5|0|sku|pattern|is not a sku");
    assert_asked(fixture,
                 "SELECT rows_read, rows_rejected, bytes_done, lines_done, prefix_hash FROM batch",
                 "6|2|60|7|prefix-6");
}

/* Sizes around those of one INSERT, in several chunks. */
static void any_number_of_rows_is_loaded_whole(void **state)
{
    static const unsigned sizes[] = {0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000};
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");
    uint32_t row_no = 1;
    char expected[64];

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf words = {0};

        for (unsigned k = 0; k < sizes[i]; k++)
            buf_printf(&words, "r%u:5 ", (row_no + k) * 7919 % 1000);
        fixture_load(fixture, batch_id, row_no, buf_text(&words));
        row_no += sizes[i];
        buf_release(&words);
    }
    open_batch(fixture, batch_id);
    snprintf(expected, sizeof expected, "%u|%u|open", row_no - 1, row_no - 1);
    assert_asked(fixture, "SELECT count(*), rows_read, state FROM job_row, batch", expected);
}

/* More than one transaction takes, in order and out of order, twice the same records. */
static void record_ids_are_indexed_whether_they_come_in_order_or_not(void **state)
{
    enum { ROWS = 40000 };
    static const unsigned steps[] = {1, 7919}; /* without a common factor */
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int64_t batch_id = fixture_load_begin(fixture, "Item");
        struct buf words = {0};

        for (unsigned k = 0; k < ROWS; k++)
            buf_printf(&words, "%sr%05u:5 ", k % 1000 ? "" : "!", k * steps[i] % ROWS);
        fixture_load(fixture, batch_id, 1, buf_text(&words));
        buf_release(&words);
        open_batch(fixture, batch_id);
    }
    assert_asked(fixture, "SELECT count(*) FROM record_job", "79920");
}

static void record_ids_compare_as_bytes(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "b:5 B:5 \xc3\xa4:5 a:5 aa:5 \x7e:5");
    assert_asked(fixture, "SELECT record_id FROM record_job", "B; a; aa; b; \x7e; \xc3\xa4");
}

/* The record ids of such rows; their rows are the given ones, in this order. */
static void load_keys(struct fixture *fixture, int64_t batch_id, const uint32_t *row_nos,
                      const char *words)
{
    struct intake_chunk chunk = {0};

    fixture_fill(&chunk, 1, words);
    for (size_t i = 0; i < chunk.row_count; i++)
        chunk.rows[i].row_no = row_nos[i];
    if (!batch_load_keys(fixture->store, batch_id, &chunk, &fixture->err))
        fail_msg("%s", fixture->err.text);
    intake_chunk_release(&chunk);
}

static void record_ids_that_were_brought_are_not_looked_for_again(void **state)
{
    static const uint32_t wrong[] = {3, 2, 1};
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    fixture_load(fixture, batch_id, 1, "c:5 b:5 a:5");
    load_keys(fixture, batch_id, wrong, "x:5 y:5 z:5");
    if (!batch_open(fixture->store, batch_id, "hash", 100, FIXTURE_RUN, 0, &fixture->err))
        fail_msg("%s", fixture->err.text);
    assert_asked(fixture, "SELECT record_id, job_id FROM record_job",
                 "x|1000000003; y|1000000002; z|1000000001");
}

static void record_ids_are_completed_where_not_all_were_brought(void **state)
{
    static const uint32_t row_nos[] = {3, 2};
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    fixture_load(fixture, batch_id, 1, "c:5 b:5 a:5");
    load_keys(fixture, batch_id, row_nos, "a:5 b:5");
    open_batch(fixture, batch_id);
    assert_asked(fixture, "SELECT record_id, job_id FROM record_job",
                 "a|1000000003; b|1000000002; c|1000000001");
}

static void record_ids_brought_before_a_batch_began_anew_do_not_count(void **state)
{
    static const uint32_t row_nos[] = {2, 1};
    const struct batch_origin origin = {.schema_hash = "s", .options = "", .content_hash = "h"};
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    fixture_load(fixture, batch_id, 1, "b:5 a:5");
    load_keys(fixture, batch_id, row_nos, "a:5 b:5");
    assert_true(batch_restart(fixture->store, batch_id, &origin, &fixture->err));
    assert_asked(fixture, "SELECT count(*) FROM record_job", "0");
    fixture_load(fixture, batch_id, 1, "d:5 c:5");
    open_batch(fixture, batch_id);
    assert_asked(fixture, "SELECT record_id, job_id FROM record_job", "c|1000000002; d|1000000001");
}

static void record_ids_brought_for_one_batch_do_not_count_for_another(void **state)
{
    static const uint32_t row_nos[] = {2, 1};
    struct fixture *fixture = *state;
    int64_t first = fixture_load_begin(fixture, "Item"), second;

    fixture_load(fixture, first, 1, "b:5 a:5");
    second = fixture_load_begin(fixture, "Item");
    fixture_load(fixture, second, 1, "d:5 c:5");
    load_keys(fixture, second, row_nos, "c:5 d:5");
    open_batch(fixture, second);
    open_batch(fixture, first);
    assert_asked(fixture, "SELECT record_id, job_id FROM record_job",
                 "a|1000000002; b|1000000001; c|2000000002; d|2000000001");
}

static void an_opened_batch_is_open_with_its_jobs_pending(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 ! b:5");
    assert_asked(fixture,
                 "SELECT state, content_hash, size_bytes, loaded_run_id, finished_ms, "
                 "finished_run_id FROM batch",
                 "open|hash|100|7|NULL|NULL");
    assert_asked(fixture, "SELECT batch_id, jobs, pending FROM batch_summary", "1|2|2");
}

static void a_batch_without_jobs_is_done_when_it_is_opened(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "");
    fixture_batch(fixture, "Item", "! !a");
    assert_asked(fixture,
                 "SELECT state, finished_ms, finished_run_id, rows_read, rows_rejected FROM batch",
                 "done|1000000|7|0|0; done|1000000|7|2|2");
}

/* Two processes read the same file: one of them has lost its lock. */
static void assert_shared(const struct fixture *fixture)
{
    assert_int_equal(fixture->err.kind, ERR_BUSY);
    assert_string_equal(fixture->err.text,
                        "batch 1 was changed by another process while its file was read: another "
                        "process is reading files into this database, perhaps because its lock "
                        "file was deleted; look for that process, then run the same command again");
}

/* Rows that follow the newest job are inserted without ids, many at a time. */
static void ids_are_batch_and_row_whatever_was_stored_last(void **state)
{
    struct fixture *fixture = *state;
    struct buf words = {0};
    int64_t older = fixture_load_begin(fixture, "Item"), newer;

    for (int i = 1; i <= 200; i++)
        buf_append_text(&words, i == 40 || i == 73 || i == 74 ? "! " : "a:1 ");
    fixture_load(fixture, older, 1, buf_text(&words));
    newer = fixture_load_begin(fixture, "Other");
    fixture_load(fixture, newer, 1, buf_text(&words));
    fixture_load(fixture, older, 201, buf_text(&words));
    fixture_load(fixture, newer, 201, buf_text(&words));
    buf_release(&words);
    /* the fixture writes the row number as line and as a field */
    assert_asked(
        fixture,
        "SELECT id / 1000000000, count(*), sum(line_no = id % 1000000000 + 1 "
        "AND fields ->> 'n' = id % 1000000000), min(id % 1000000000), max(id % 1000000000) "
        "FROM job_row GROUP BY 1",
        "1|394|394|1|400; 2|394|394|1|400");
}

static void a_batch_that_is_not_loading_takes_no_rows(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_batch(fixture, "Item", "a:5");
    struct intake_chunk chunk = {0};

    fixture_fill(&chunk, 2, "b:5 !");
    assert_false(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    assert_shared(fixture);
    intake_chunk_release(&chunk);
    fixture_check(fixture);
    assert_asked(fixture, "SELECT count(*) FROM job_row", "1");
    assert_asked(fixture, "SELECT count(*) FROM rejected_row", "0");
}

static void only_a_loading_batch_is_opened(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_batch(fixture, "Item", "a:5");

    assert_false(batch_open(fixture->store, batch_id, "other", 1, 99, 0, &fixture->err));
    assert_shared(fixture);
    assert_asked(fixture, "SELECT state, content_hash, loaded_run_id FROM batch", "open|hash|7");
}

static void a_row_that_is_there_already_fails_the_whole_chunk(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");
    struct intake_chunk chunk = {0};

    fixture_load(fixture, batch_id, 1, "a:5 b:5 c:5");
    fixture_fill(&chunk, 3, "c:5 d:5 !");
    assert_false(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    assert_shared(fixture);
    intake_chunk_release(&chunk);
    fixture_check(fixture);
    assert_asked(fixture, "SELECT count(*), rows_read FROM job_row, batch", "3|3");
    /* and the connection goes on */
    fixture_load(fixture, batch_id, 4, "d:5");
    open_batch(fixture, batch_id);
}

static void books_that_do_not_balance_keep_a_batch_from_opening(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    fixture_load(fixture, batch_id, 1, "a:5 b:5 !");
    fixture_ask(fixture, "DELETE FROM job_row WHERE id = 1000000002");
    assert_false(batch_open(fixture->store, batch_id, "hash", 100, FIXTURE_RUN, 0, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_INTERNAL);
    assert_string_equal(fixture->err.text,
                        "batch 1: the row counts do not add up: 3 rows read, 1 jobs, 1 rejected");
    assert_asked(fixture, "SELECT state FROM batch", "loading");
}

static void a_refused_batch_discards_its_jobs_and_counts_them(void **state)
{
    struct fixture *fixture = *state;
    int64_t first = fixture_batch(fixture, "Item", "a:5");
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    fixture_load(fixture, batch_id, 1, "a:5 ! b:5 c:5");
    fixture_refuse(fixture, batch_id, "too many errors");
    fixture_check(fixture);
    assert_asked(fixture,
                 "SELECT state, reason, rows_read, rows_discarded, finished_ms, finished_run_id "
                 "FROM batch WHERE id = 2",
                 "refused|too many errors|4|0|1000000|7");
    for (int i = 0; i < 3; i++) {
        assert_true(batch_discard(fixture->store, batch_id, &fixture->err));
        fixture_check(fixture);
        assert_asked(fixture,
                     "SELECT rows_read, rows_rejected, rows_discarded, pending FROM batch "
                     "JOIN batch_tally ON batch_id = id WHERE id = 2",
                     "4|1|3|0");
    }
    assert_int_equal(first, 1);
    assert_asked(fixture, "SELECT id FROM job_row", "1000000001");
    assert_asked(fixture, "SELECT * FROM record_job", "a|1000000001");
    assert_asked(fixture, "SELECT batch_id, row_no FROM rejected_row", "2|2");
}

static void only_a_loading_batch_is_refused(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_batch(fixture, "Item", "a:5");

    fixture_refuse(fixture, batch_id, "too late");
    assert_asked(fixture, "SELECT state, reason FROM batch", "open|NULL");
}

static void more_rows_than_one_transaction_takes_are_discarded(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");
    struct buf words = {0};

    for (int i = 0; i < 8192 + 5; i++)
        buf_printf(&words, "r%d:5 ", i);
    fixture_load(fixture, batch_id, 1, buf_text(&words));
    buf_release(&words);
    fixture_refuse(fixture, batch_id, "no");
    assert_true(batch_discard(fixture->store, batch_id, &fixture->err));
    fixture_check(fixture);
    assert_asked(fixture, "SELECT rows_read, rows_discarded FROM batch", "8197|8197");
    assert_asked(fixture, "SELECT count(*) FROM job_row", "0");
}

static void a_batch_begun_anew_has_nothing_of_before(void **state)
{
    static const struct batch_origin again = {
        .source = "ignored",
        .schema = "ignored",
        .format = "ignored",
        .schema_hash = "s2",
        .options = "o2",
        .content_hash = "h2",
        .size_bytes = 222,
        .device = 3,
        .inode = 4,
        .mtime_ns = 5,
    };
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    assert_true(batch_set_header(fixture->store, batch_id, span_of("id;v\n"), &fixture->err));
    fixture_load(fixture, batch_id, 1, "a:5 ! b:5");
    for (int i = 0; i < 2; i++) {
        assert_true(batch_restart(fixture->store, batch_id, &again, &fixture->err));
        fixture_check(fixture);
        assert_asked(fixture,
                     "SELECT state, rows_read, rows_rejected, rows_discarded, bytes_done, "
                     "lines_done, prefix_hash, header, content_hash, size_bytes, schema_hash, "
                     "options, device, inode, mtime_ns FROM batch",
                     "loading|0|0|0|0|0||NULL|h2|222|s2|o2|3|4|5");
        assert_asked(fixture, "SELECT count(*) FROM job_row", "0");
        assert_asked(fixture, "SELECT count(*) FROM record_job", "0");
        assert_asked(fixture, "SELECT count(*) FROM violation", "0");
    }
    fixture_load(fixture, batch_id, 1, "b:5 !");
    open_batch(fixture, batch_id);
    assert_asked(fixture,
                 "SELECT rows_read, rows_rejected, pending FROM batch_summary b "
                 "WHERE b.batch_id = 1",
                 "2|1|1");
}

static void a_batch_that_was_read_says_how_far_that_was(void **state)
{
    const struct batch_origin longer = {
        .schema = "Item", .path = "/inbox/x.csv", .size_bytes = 101, .options = ""};
    struct fixture *fixture = *state;
    struct batch_origin origin = longer;
    struct batch_read read;
    const char *source = NULL;
    int64_t batch_id, loading;

    batch_id = fixture_batch(fixture, "Item", "a:5 b:5 !");
    assert_true(batch_read_as(fixture->store, batch_id, &read, &fixture->err));
    assert_int_equal(read.id, batch_id);
    assert_string_equal(read.schema, "Item");
    assert_string_equal(read.format, "csv");
    assert_string_equal(read.options, "");
    assert_string_equal(read.content_hash, "hash");
    assert_string_equal(read.prefix_hash, "prefix-3");
    assert_int_equal(read.size_bytes, 100);
    assert_int_equal(read.bytes, 30);
    assert_int_equal(read.rows, 3);
    assert_true(batch_read_as(fixture->store, 9, &read, &fixture->err));
    assert_int_equal(read.id, 0);
    assert_null(read.schema);
    /* the file of the inbox that was shorter then, and has been moved */
    assert_true(batch_read_shorter(fixture->store, &longer, &read, &fixture->err));
    assert_int_equal(read.id, 0);
    fixture_ask(fixture, "UPDATE batch SET filing = 1, filed_ms = 1");
    assert_true(batch_read_shorter(fixture->store, &longer, &read, &fixture->err));
    assert_int_equal(read.id, batch_id);
    origin.size_bytes = 100;
    assert_true(batch_read_shorter(fixture->store, &origin, &read, &fixture->err));
    assert_int_equal(read.id, 0);
    assert_true(batch_loading(fixture->store, "Item", &loading, &source, &fixture->err));
    assert_int_equal(loading, 0);
    batch_id = fixture_load_begin(fixture, "Item");
    assert_true(batch_loading(fixture->store, "Item", &loading, &source, &fixture->err));
    assert_int_equal(loading, batch_id);
    assert_string_equal(source, "inbox/x.csv");
    assert_true(batch_read_as(fixture->store, batch_id, &read, &fixture->err));
    assert_int_equal(read.id, 0);
}

static void the_header_comes_back_as_bytes(void **state)
{
    static const char bytes[] = "\xff"
                                "id\0;v\r\n";
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");
    struct buf header = {0};

    assert_true(batch_header(fixture->store, batch_id, &header, &fixture->err));
    assert_int_equal(header.size, 0);
    assert_true(batch_set_header(fixture->store, batch_id, (struct span){bytes, sizeof bytes},
                                 &fixture->err));
    assert_true(batch_header(fixture->store, batch_id, &header, &fixture->err));
    assert_true(span_equal(buf_span(&header), (struct span){bytes, sizeof bytes}));
    buf_reset(&header);
    assert_true(batch_set_header(fixture->store, batch_id, (struct span){0}, &fixture->err));
    assert_true(batch_header(fixture->store, batch_id, &header, &fixture->err));
    assert_int_equal(header.size, 0);
    assert_true(batch_header(fixture->store, 99, &header, &fixture->err));
    assert_int_equal(header.size, 0);
    buf_release(&header);
}

static void a_chunk_can_be_used_again(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");
    struct intake_chunk chunk = {0};

    fixture_fill(&chunk, 1, "a:5 b:5 ! !x");
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_reset(&chunk);
    fixture_fill(&chunk, 5, "!y c:6");
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_release(&chunk);
    open_batch(fixture, batch_id);
    assert_asked(fixture, "SELECT record_id FROM job_row", "a; b; c");
    assert_asked(fixture, "SELECT record_id FROM rejected_row", "NULL; x; y");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_batch_begins_loading_with_what_it_is_made_from),
        WITH_STORE(rows_are_written_as_they_were_given),
        WITH_STORE(any_number_of_rows_is_loaded_whole),
        WITH_STORE(record_ids_are_indexed_whether_they_come_in_order_or_not),
        WITH_STORE(record_ids_compare_as_bytes),
        WITH_STORE(record_ids_that_were_brought_are_not_looked_for_again),
        WITH_STORE(record_ids_are_completed_where_not_all_were_brought),
        WITH_STORE(record_ids_brought_before_a_batch_began_anew_do_not_count),
        WITH_STORE(record_ids_brought_for_one_batch_do_not_count_for_another),
        WITH_STORE(an_opened_batch_is_open_with_its_jobs_pending),
        WITH_STORE(a_batch_without_jobs_is_done_when_it_is_opened),
        WITH_STORE(a_batch_that_is_not_loading_takes_no_rows),
        WITH_STORE(only_a_loading_batch_is_opened),
        WITH_STORE(ids_are_batch_and_row_whatever_was_stored_last),
        WITH_STORE(a_row_that_is_there_already_fails_the_whole_chunk),
        WITH_STORE(books_that_do_not_balance_keep_a_batch_from_opening),
        WITH_STORE(a_refused_batch_discards_its_jobs_and_counts_them),
        WITH_STORE(only_a_loading_batch_is_refused),
        WITH_STORE(more_rows_than_one_transaction_takes_are_discarded),
        WITH_STORE(a_batch_begun_anew_has_nothing_of_before),
        WITH_STORE(a_batch_that_was_read_says_how_far_that_was),
        WITH_STORE(the_header_comes_back_as_bytes),
        WITH_STORE(a_chunk_can_be_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
