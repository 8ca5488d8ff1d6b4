#include "core/drain/rebase.h"

#include "core/base/mem.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder of schema files, and a rebase. */
struct desk {
    char folder[SCRATCH_SIZE];
    struct rebase *rebase;
    struct err err;
    struct rebased rebased;
};

#define PROPERTIES                                                                                 \
    "\"sku\": {\"type\": \"string\"}, \"quantity\": {\"type\": \"number\"}, "                      \
    "\"price\": {\"type\": \"number\"}"

static int begin(void **state)
{
    struct desk *desk = mem_calloc(1, sizeof *desk);

    scratch_make(desk->folder);
    scratch_schema(desk->folder, "Item", PROPERTIES, "");
    scratch_schema(desk->folder, "Whole", PROPERTIES, "\"write\": \"replace\"");
    scratch_schema(desk->folder, "Ruled", PROPERTIES,
                   "\"rules\": [{\"check\": \"price * quantity <= 100\", \"field\": \"price\", "
                   "\"message\": \"too dear\"}, {\"check\": \"sku <> 'X'\", \"field\": \"sku\", "
                   "\"message\": \"no X\"}]");
    desk->rebase = rebase_open(desk->folder);
    *state = desk;
    return 0;
}

static int end(void **state)
{
    struct desk *desk = *state;

    rebase_close(desk->rebase);
    scratch_remove(desk->folder);
    free(desk);
    return 0;
}

static bool build(struct desk *desk, const char *schema, const char *ours, const char *theirs)
{
    return rebase_build(desk->rebase, span_of(schema), false, span_of(ours), span_of(theirs),
                        &desk->rebased, &desk->err);
}

static void assert_built(struct desk *desk, const char *schema, const char *ours,
                         const char *theirs, const char *fields, bool is_there)
{
    if (!build(desk, schema, ours, theirs))
        fail_msg("%s", desk->err.text);
    if (!span_is(desk->rebased.fields, fields) || desk->rebased.is_there != is_there)
        fail_msg("%s over %s: %.*s %d", ours, theirs, (int)desk->rebased.fields.size,
                 desk->rebased.fields.data, desk->rebased.is_there);
    assert_null(desk->rebased.broken);
}

static void our_fields_are_merged_into_theirs(void **state)
{
    assert_built(*state, "Item", "{\"quantity\":45.50}",
                 "{\"sku\":\"A\",\"quantity\":1,\"x\":[ 1 ]}",
                 "{\"sku\":\"A\",\"quantity\":45.50,\"x\":[ 1 ]}", false);
    assert_built(*state, "Item", "{\"sku\":\"A\"}", "", "{\"sku\":\"A\"}", false);
    assert_built(*state, "Item", "{\"sku\":\"A\"}", "{}", "{\"sku\":\"A\"}", false);
}

static void a_schema_that_replaces_sends_only_the_fields_of_the_row(void **state)
{
    assert_built(*state, "Whole", "{\"quantity\": 45.50}", "{\"sku\":\"A\",\"quantity\":1}",
                 "{\"quantity\": 45.50}", false);
}

/* With merge, ours must be in theirs; with replace, both must be equal. */
static void a_record_that_holds_the_values_is_recognised(void **state)
{
    static const struct {
        const char *schema, *ours, *theirs, *fields;
        bool is_there;
    } rows[] = {
        {"Item", "{\"quantity\":1.50}", "{\"x\":1,\"quantity\":15e-1}",
         "{\"x\":1,\"quantity\":1.50}", true},
        {"Item", "{}", "{\"x\":1}", "{\"x\":1}", true},
        {"Item", "{\"s\\u006bu\":\"A\"}", "{\"sku\":\"\\u0041\"}", "{\"sku\":\"A\"}", true},
        {"Item", "{\"sku\":\"A\",\"quantity\":null}", "{\"sku\":\"A\"}",
         "{\"sku\":\"A\",\"quantity\":null}", false},
        {"Item", "{\"sku\":\"A\"}", "{\"sku\":\"a\"}", "{\"sku\":\"A\"}", false},
        {"Whole", "{\"quantity\":1.50,\"sku\":\"A\"}", "{\"sku\":\"A\",\"quantity\":1.5}",
         "{\"quantity\":1.50,\"sku\":\"A\"}", true},
        {"Whole", "{\"sku\":\"A\"}", "{\"sku\":\"A\",\"x\":1}", "{\"sku\":\"A\"}", false},
        {"Whole", "{\"sku\":\"A\",\"x\":1}", "{\"sku\":\"A\"}", "{\"sku\":\"A\",\"x\":1}", false},
        {"Whole", "{}", "{}", "{}", true},
        /* nothing is known about a record without fields */
        {"Item", "{}", "", "{}", false},
        {"Whole", "{}", "", "{}", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_built(*state, rows[i].schema, rows[i].ours, rows[i].theirs, rows[i].fields,
                     rows[i].is_there);
}

static void the_rules_are_checked_with_what_would_be_sent(void **state)
{
    struct desk *desk = *state;

    /* neither side alone breaks it */
    assert_true(build(desk, "Ruled", "{\"price\":20}", "{\"quantity\":6,\"sku\":\"A\"}"));
    assert_string_equal(desk->rebased.broken, "too dear");
    /* the first of two */
    assert_true(build(desk, "Ruled", "{\"price\":20,\"sku\":\"X\"}", "{\"quantity\":6}"));
    assert_string_equal(desk->rebased.broken, "too dear");
    assert_true(build(desk, "Ruled", "{\"price\":2,\"sku\":\"X\"}", "{\"quantity\":6}"));
    assert_string_equal(desk->rebased.broken, "no X");
    /* and it is forgotten */
    assert_built(desk, "Ruled", "{\"price\":2}", "{\"quantity\":6,\"sku\":\"A\"}",
                 "{\"quantity\":6,\"sku\":\"A\",\"price\":2}", false);
    /* absent fields pass, as with CHECK */
    assert_built(desk, "Ruled", "{\"price\":2000}", "{}", "{\"price\":2000}", false);
}

/* Only rules are checked: other demands of the schema on rows need not hold for the record. */
static void other_fields_of_the_record_need_not_fit_the_schema(void **state)
{
    assert_built(*state, "Item", "{\"quantity\":1}", "{\"sku\":7}", "{\"sku\":7,\"quantity\":1}",
                 false);
}

static void each_record_is_built_with_its_own_schema(void **state)
{
    for (int i = 0; i < 3; i++) {
        assert_built(*state, "Item", "{\"sku\":\"A\"}", "{\"x\":1}", "{\"x\":1,\"sku\":\"A\"}",
                     false);
        assert_built(*state, "Whole", "{\"sku\":\"A\"}", "{\"x\":1}", "{\"sku\":\"A\"}", false);
    }
}

static void a_schema_file_is_read_once(void **state)
{
    struct desk *desk = *state;

    assert_built(desk, "Item", "{}", "{\"x\":1}", "{\"x\":1}", true);
    scratch_schema(desk->folder, "Item", PROPERTIES, "\"write\": \"replace\"");
    assert_built(desk, "Item", "{}", "{\"x\":1}", "{\"x\":1}", true);
}

static void a_schema_file_that_is_missing_or_wrong_is_named_and_can_be_fixed(void **state)
{
    struct desk *desk = *state;
    char expected[SCRATCH_SIZE + 256];

    assert_false(build(desk, "Gone", "{}", "{}"));
    assert_int_equal(desk->err.kind, ERR_CONFIG);
    snprintf(expected, sizeof expected, "%s/Gone.json: cannot be read: No such file or directory",
             desk->folder);
    assert_non_null(strstr(desk->err.text, expected));
    scratch_schema(desk->folder, "Gone", PROPERTIES, "\"write\": \"overwrite\"");
    desk->err = (struct err){0};
    assert_false(build(desk, "Gone", "{}", "{}"));
    assert_int_equal(desk->err.kind, ERR_CONFIG);
    assert_non_null(strstr(desk->err.text, "must be \"merge\" or \"replace\""));
    scratch_schema(desk->folder, "Gone", PROPERTIES, "");
    assert_built(desk, "Gone", "{\"sku\":\"A\"}", "{}", "{\"sku\":\"A\"}", false);
}

static void only_a_schema_file_shows_that_updates_are_merged(void **state)
{
    struct desk *desk = *state;

    assert_true(rebase_merges(desk->rebase, span_of("Item")));
    assert_false(rebase_merges(desk->rebase, span_of("Whole")));
    assert_false(rebase_merges(desk->rebase, span_of("Gone")));
    rebase_close(NULL);
}

#define AT_DESK(test) cmocka_unit_test_setup_teardown(test, begin, end)

/* A target that keeps what is not sent gets the fields of the row; texts and ignored fields are
 * compared as they come back. */
static void a_target_decides_what_is_sent_and_compared(void **state)
{
    static const char keeps[] =
        "\"target\": {\"preset\": \"rest-plain\", \"write\": {\"path\": \"/{id}\"}}";
    static const char texts[] =
        "\"write\": \"replace\", \"target\": {\"write\": {\"method\": \"PUT\", \"path\": "
        "\"/{id}\"}, \"fields\": {\"root\": \"/data\", \"text\": true}, \"read\": {\"ignore\": "
        "[\"price\"]}}";
    struct desk *desk = *state;

    scratch_schema(desk->folder, "Keeps", PROPERTIES, keeps);
    scratch_schema(desk->folder, "Texts", PROPERTIES, texts);
    assert_true(build(desk, "Keeps", "{\"quantity\":2}", "{\"sku\":\"A\",\"quantity\":1}"));
    assert_true(span_is(desk->rebased.fields, "{\"quantity\":2}"));
    assert_false(desk->rebased.is_there);
    assert_true(
        build(desk, "Keeps", "{\"quantity\":1,\"price\":null}", "{\"sku\":\"A\",\"quantity\":1}"));
    assert_true(desk->rebased.is_there);
    assert_true(build(desk, "Texts", "{\"quantity\":1.50,\"price\":3}",
                      "{\"quantity\":\"1.50\",\"price\":\"4\"}"));
    assert_true(span_is(desk->rebased.fields, "{\"quantity\":1.50,\"price\":3}"));
    assert_true(desk->rebased.is_there);
    assert_true(
        build(desk, "Texts", "{\"quantity\":1.50}", "{\"quantity\":\"1.50\",\"sku\":\"A\"}"));
    assert_false(desk->rebased.is_there);
    assert_ptr_equal(rebase_target(desk->rebase, span_of("Item")), target_guide());
    assert_ptr_equal(rebase_target(desk->rebase, span_of("Nothing")), target_guide());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_DESK(our_fields_are_merged_into_theirs),
        AT_DESK(a_schema_that_replaces_sends_only_the_fields_of_the_row),
        AT_DESK(a_record_that_holds_the_values_is_recognised),
        AT_DESK(the_rules_are_checked_with_what_would_be_sent),
        AT_DESK(other_fields_of_the_record_need_not_fit_the_schema),
        AT_DESK(each_record_is_built_with_its_own_schema),
        AT_DESK(a_schema_file_is_read_once),
        AT_DESK(a_schema_file_that_is_missing_or_wrong_is_named_and_can_be_fixed),
        AT_DESK(only_a_schema_file_shows_that_updates_are_merged),
        AT_DESK(a_target_decides_what_is_sent_and_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
