#include "core/ingest/sorter.h"

#include "tests/unit/scene.h"

#include <sys/resource.h>

enum { KEY_ROOM = 600 };

/* Keys of a few shapes in an order that is none. */
static struct span nth_key(uint32_t n, uint32_t count, char text[KEY_ROOM])
{
    uint32_t mixed = (uint32_t)((uint64_t)n * 2654435761u % count);

    switch (mixed % 4) {
    case 0:
        snprintf(text, KEY_ROOM, "%08x-0000-4000-8000-%012x", mixed, mixed);
        break;
    case 1:
        snprintf(text, KEY_ROOM, "R%u", mixed / 8); /* each of these twice */
        break;
    case 2:
        snprintf(text, KEY_ROOM, "a common beginning, then %u", mixed);
        break;
    default:
        snprintf(text, KEY_ROOM, "%*u", (int)(1 + mixed % 500), mixed);
        break;
    }
    return span_of(text);
}

/* False with err when it ends early. */
static bool add_keys(struct sorter *sorter, uint32_t count, struct err *err)
{
    char text[KEY_ROOM];

    for (uint32_t i = 1; i <= count; i++)
        if (!sorter_add(sorter, nth_key(i, count, text), i, err))
            return false;
    return true;
}

/* Adds that many keys and takes them out again: all of them, by key and then by row. */
static void assert_sorts(const char *folder, uint32_t count)
{
    struct sorter *sorter = sorter_open(folder);
    unsigned char *seen = calloc(count + 1, 1);
    char text[KEY_ROOM], last[KEY_ROOM] = "";
    uint32_t last_row = 0, row = 0, given = 0;
    struct err err = {0};
    struct span key = {0};
    bool found = true;

    assert_true(add_keys(sorter, count, &err));
    assert_true(sorter_finish(sorter, &err));
    for (; sorter_next(sorter, &found, &key, &row, &err) && found; given++) {
        int order = span_compare(span_of(last), key);

        assert_true(order < 0 || (order == 0 && last_row < row));
        assert_in_range(row, 1, count);
        assert_int_equal(seen[row]++, 0);
        assert_true(span_equal(key, nth_key(row, count, text)));
        memcpy(last, text, sizeof last);
        last_row = row;
    }
    assert_false(found);
    assert_int_equal(given, count);
    assert_true(sorter_next(sorter, &found, &key, &row, &err));
    assert_false(found);
    free(seen);
    sorter_close(sorter);
}

static void few_keys_are_sorted_without_a_file(void **state)
{
    (void)state;
    assert_sorts("/nowhere", 0);
    assert_sorts("/nowhere", 1);
    assert_sorts("/nowhere", 1000);
}

static void many_keys_are_sorted_through_a_file_without_a_name(void **state)
{
    struct scene *scene = *state;

    assert_sorts(scene->folder, 300000);
    assert_int_equal(names_in(scene, "."), 0);
}

static void many_keys_that_come_in_order_come_out_in_order(void **state)
{
    const struct scene *scene = *state;
    struct sorter *sorter = sorter_open(scene->folder);
    struct err err = {0};
    struct span key = {0};
    uint32_t row = 0;
    char text[16];
    bool found;

    for (uint32_t i = 1; i <= 200000; i++) {
        snprintf(text, sizeof text, "R-%09u", i);
        assert_true(sorter_add(sorter, span_of(text), i, &err));
    }
    assert_true(sorter_finish(sorter, &err));
    for (uint32_t i = 1; i <= 200000; i++) {
        assert_true(sorter_next(sorter, &found, &key, &row, &err) && found);
        assert_int_equal(row, i);
    }
    assert_true(sorter_next(sorter, &found, &key, &row, &err));
    assert_false(found);
    sorter_close(sorter);
}

static void a_folder_that_cannot_be_written_to_is_named(void **state)
{
    struct sorter *sorter = sorter_open("/nowhere");
    struct err err = {0};

    (void)state;
    assert_false(add_keys(sorter, 300000, &err));
    assert_int_equal(err.kind, ERR_STORE);
    assert_string_equal(err.text, "temporary file in /nowhere: No such file or directory: make "
                                  "that folder writable for this user");
    sorter_close(sorter);
}

static void a_file_that_finds_no_room_is_reported_with_the_remedy(void **state)
{
    struct scene *scene = *state;
    struct sorter *sorter = sorter_open(scene->folder);
    struct rlimit before, small;
    struct err err = {0};
    char expected[256];
    bool fine;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){3 << 20, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    fine = add_keys(sorter, 300000, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(fine);
    snprintf(expected, sizeof expected,
             "temporary file in %s: File too large: free space on that disk, then run the same "
             "command again",
             scene->folder);
    assert_string_equal(err.text, expected);
    assert_int_equal(err.kind, ERR_STORE);
    sorter_close(sorter);
    assert_int_equal(names_in(scene, "."), 0);
}

static void a_key_beyond_the_limit_is_a_bug_of_the_caller(void **state)
{
    static const char zeros[SORTER_KEY_MAX + 1];
    struct sorter *sorter = sorter_open("/nowhere");
    struct err err = {0};

    (void)state;
    assert_true(sorter_add(sorter, (struct span){zeros, SORTER_KEY_MAX}, 1, &err));
    assert_false(sorter_add(sorter, (struct span){zeros, sizeof zeros}, 2, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_string_equal(err.text, "a key of 2049 bytes is too long to sort");
    sorter_close(sorter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(few_keys_are_sorted_without_a_file),
        SCENE_TEST(many_keys_are_sorted_through_a_file_without_a_name),
        SCENE_TEST(many_keys_that_come_in_order_come_out_in_order),
        SCENE_TEST(a_folder_that_cannot_be_written_to_is_named),
        SCENE_TEST(a_file_that_finds_no_room_is_reported_with_the_remedy),
        SCENE_TEST(a_key_beyond_the_limit_is_a_bug_of_the_caller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
