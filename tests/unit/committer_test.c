/* Many notifications, few transactions, and none that is done before it is stored. */
#include "core/notify/committer.h"
#include "tests/lib/store_fixture.h"
#include "tests/unit/clock_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>

enum { ITEMS = 3000 };

static void on_done(void *context)
{
    atomic_int *calls = context;

    ++*calls;
}

static struct commit_item items[ITEMS];

static void fill(unsigned count)
{
    memset(items, 0, sizeof items);
    for (unsigned i = 0; i < count; i++) {
        memcpy(items[i].notification.key, &i, sizeof i);
        items[i].notification.action = span_of("update");
        items[i].notification.record_id = span_of("a");
        items[i].notification.body = span_of("{}");
    }
}

static struct committer *open_committer(struct fixture *fixture, atomic_int *calls)
{
    struct committer *committer = committer_open(
        &(struct committer_options){.store = fixture->store, .done = on_done, .context = calls},
        &fixture->err);

    assert_non_null(committer);
    return committer;
}

static unsigned count_done(struct committer *committer, bool stored)
{
    unsigned count = 0;

    for (struct commit_item *item = committer_take_done(committer); item; item = item->next) {
        assert_int_equal(item->is_stored, stored);
        count++;
    }
    return count;
}

static void all_that_is_added_is_stored_in_groups(void **state)
{
    struct fixture *fixture = *state;
    struct committer_counts counts;
    atomic_int calls = 0;
    struct committer *committer = open_committer(fixture, &calls);

    fill(ITEMS);
    for (unsigned i = 0; i < ITEMS; i++)
        committer_add(committer, &items[i]);
    committer_end(committer);
    assert_int_equal(count_done(committer, true), ITEMS);
    assert_null(committer_take_done(committer));
    committer_count(committer, &counts);
    assert_true(counts.groups < ITEMS / 10);
    assert_int_equal(counts.group_size.sum, ITEMS);
    assert_int_equal(calls, counts.groups);
    committer_close(committer);
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM notification"), "3000");
}

static void one_alone_is_not_kept_waiting(void **state)
{
    struct fixture *fixture = *state;
    atomic_int calls = 0;
    struct committer *committer = open_committer(fixture, &calls);

    fill(1);
    committer_add(committer, &items[0]);
    while (calls == 0)
        poll(NULL, 0, 1);
    assert_int_equal(count_done(committer, true), 1);
    committer_close(committer);
}

static void a_transaction_that_fails_stores_none_and_says_why(void **state)
{
    struct fixture *fixture = *state;
    struct committer_counts counts;
    atomic_int calls = 0;
    struct committer *committer;

    assert_int_equal(sqlite3_exec(fixture->eye,
                                  "CREATE TRIGGER full BEFORE INSERT ON notification BEGIN "
                                  "SELECT raise(ABORT, 'no room'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    committer = open_committer(fixture, &calls);
    fill(2);
    items[0].next = &items[1];
    committer_add(committer, &items[0]);
    committer_end(committer);
    assert_int_equal(count_done(committer, false), 2);
    committer_count(committer, &counts);
    assert_true(counts.is_failing);
    assert_non_null(strstr(counts.err.text, "no room"));
    committer_close(committer);
    sqlite3_exec(fixture->eye, "DROP TRIGGER full", NULL, NULL, NULL);
}

/* It looks once a second; after a failure it says so for ten. */
static void a_look_that_fails_is_shown_until_it_works(void **state)
{
    struct fixture *fixture = *state;
    struct committer_counts counts = {0};
    atomic_int calls = 0;
    struct committer *committer;

    sqlite3_busy_timeout(fixture->eye, 10000);
    fill(1);
    committer = open_committer(fixture, &calls);
    committer_add(committer, &items[0]);
    for (; counts.stored.by_state[NOTIFICATION_ACCEPTED] != 1; poll(NULL, 0, 10)) {
        skipped_s += 2;
        committer_count(committer, &counts);
    }
    assert_int_equal(
        sqlite3_exec(fixture->eye, "ALTER TABLE notification RENAME TO away", NULL, NULL, NULL),
        SQLITE_OK);
    for (; !counts.is_failing; poll(NULL, 0, 10)) {
        skipped_s += 2;
        committer_count(committer, &counts);
    }
    assert_int_equal(counts.err.kind, ERR_STORE);
    assert_int_equal(
        sqlite3_exec(fixture->eye, "ALTER TABLE away RENAME TO notification", NULL, NULL, NULL),
        SQLITE_OK);
    for (; counts.is_failing; poll(NULL, 0, 10)) {
        skipped_s += 2;
        committer_count(committer, &counts);
    }
    committer_close(committer);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(all_that_is_added_is_stored_in_groups),
        STORE_TEST(a_look_that_fails_is_shown_until_it_works),
        STORE_TEST(one_alone_is_not_kept_waiting),
        STORE_TEST(a_transaction_that_fails_stores_none_and_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
