/* What rows become by what is known of their records, as the schema file says. */
#include "core/drain/knowledge.h"

#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const struct {
    const char *schema, *extension;
} schemas[] = {
    {"Item", "\"version\": \"known\""},
    {"Whole", "\"version\": \"known\", \"write\": \"replace\""},
    {"Sends", "\"version\": \"known\", \"unchanged\": \"send\""},
    {"Short", "\"version\": \"known\", \"knownFor\": \"2s\""},
    {"Ruled", "\"version\": \"known\", \"rules\": [{\"check\": \"price * quantity <= 100\", "
              "\"message\": \"too dear\"}]"},
    {"Fetch", "\"version\": \"fetch\""},
    {"Plain", ""},
    {"Wrong", "\"version\": \"unknown\""},
};

enum { SEEN_MS = 1000000 };

/* The schemas `Item` to `Wrong` are in a folder. */
static struct knowledge *open_desk(char folder[SCRATCH_SIZE])
{
    scratch_make(folder);
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
        scratch_schema(folder, schemas[i].schema,
                       "\"quantity\": {\"type\": \"number\"}, \"price\": {\"type\": \"number\"}",
                       schemas[i].extension);
    return knowledge_open(folder);
}

static void only_readable_schemas_with_version_known_keep_anything(void **state)
{
    char folder[SCRATCH_SIZE];
    struct knowledge *knowledge = open_desk(folder);
    const struct known_decider *decider = knowledge_decider(knowledge);

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(decider->keeps(decider->context, span_of("Item")));
        assert_false(decider->keeps(decider->context, span_of("Fetch")));
        assert_false(decider->keeps(decider->context, span_of("Plain")));
        assert_false(decider->keeps(decider->context, span_of("Wrong")));
        assert_false(decider->keeps(decider->context, span_of("Missing")));
    }
    knowledge_close(knowledge);
    knowledge_close(NULL);
    scratch_remove(folder);
}

static const struct {
    const char *schema, *ours, *theirs;
    bool has_version;
    int64_t age_ms;
    enum known_use use;
    const char *fields; /* of KNOWN_SEND */
} rows[] = {
    {"Item", "{\"a\":1}", "{\"a\":1.0}", true, 0, KNOWN_SKIP, NULL},
    {"Item", "{\"a\":1}", "{\"a\":1.0}", false, 0, KNOWN_SKIP, NULL},
    {"Item", "{\"a\":1}", "{\"b\":2,\"a\":10e-1}", true, 0, KNOWN_SKIP, NULL},
    {"Item", "{\"a\":1}", "{\"a\":2}", true, 0, KNOWN_SEND, "{\"a\":1}"},
    {"Item", "{\"a\":1,\"c\":3}", "{\"a\":1}", true, 0, KNOWN_SEND, "{\"a\":1,\"c\":3}"},
    {"Item", "{\"a\":1}", "{\"b\":2,\"a\":2}", true, 0, KNOWN_SEND, "{\"b\":2,\"a\":1}"},
    {"Item", "{\"a\":1}", "{\"a\":2}", false, 0, KNOWN_FETCH, NULL},
    {"Item", "{\"a\":1}", "{\"b\":2,\"a\":2}", false, 0, KNOWN_FETCH, NULL},
    {"Whole", "{\"a\":1}", "{\"a\":1.0}", true, 0, KNOWN_SKIP, NULL},
    {"Whole", "{\"a\":1}", "{\"b\":2,\"a\":1}", true, 0, KNOWN_SEND, "{\"a\":1}"},
    {"Whole", "{\"a\":1}", "{\"b\":2,\"a\":1}", false, 0, KNOWN_FETCH, NULL},
    {"Sends", "{\"a\":1}", "{\"a\":1}", true, 0, KNOWN_SEND, "{\"a\":1}"},
    {"Sends", "{\"a\":1}", "{\"a\":1,\"b\":2}", true, 0, KNOWN_SEND, "{\"a\":1,\"b\":2}"},
    {"Sends", "{\"a\":1}", "{\"a\":1}", false, 0, KNOWN_FETCH, NULL},
    {"Short", "{\"a\":1}", "{\"a\":1}", true, 999, KNOWN_SKIP, NULL},
    {"Short", "{\"a\":1}", "{\"a\":1}", true, 2001, KNOWN_FETCH, NULL},
    {"Short", "{\"a\":1}", "{\"a\":1}", true, -1, KNOWN_FETCH, NULL},
    /* with the record's price, the rule is broken: the record as it is now decides that */
    {"Ruled", "{\"quantity\":9}", "{\"quantity\":1,\"price\":50}", true, 0, KNOWN_FETCH, NULL},
    {"Ruled", "{\"quantity\":2}", "{\"quantity\":1,\"price\":50}", true, 0, KNOWN_SEND,
     "{\"quantity\":2,\"price\":50}"},
};

static void a_row_is_skipped_sent_or_fetched(void **state)
{
    char folder[SCRATCH_SIZE];
    struct knowledge *knowledge = open_desk(folder);
    const struct known_decider *decider = knowledge_decider(knowledge);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct claim claim = {.schema_size = strlen(rows[i].schema),
                              .record_id_size = 1,
                              .fields_size = strlen(rows[i].ours)};
        struct known known = {
            .is_known = true, .has_version = rows[i].has_version, .version = 5, .seen_ms = SEEN_MS};
        enum known_use use = KNOWN_FETCH;
        struct span fields = {0};
        struct err err = {0};

        buf_printf(&claim.text, "%sR%s", rows[i].schema, rows[i].ours);
        buf_append_text(&known.fields, rows[i].theirs);
        if (!decider->decide(decider->context, &claim, &known, SEEN_MS + rows[i].age_ms, &use,
                             &fields, &err))
            fail_msg("%s", err.text);
        if (use != rows[i].use || (rows[i].fields && !span_is(fields, rows[i].fields)))
            fail_msg("row %zu: %d %.*s", i, use, (int)fields.size, fields.data);
        claim_release(&claim);
        buf_release(&known.fields);
    }
    knowledge_close(knowledge);
    scratch_remove(folder);
}

static void records_are_the_same_by_their_values(void **state)
{
    char folder[SCRATCH_SIZE];
    struct knowledge *knowledge = open_desk(folder);
    const struct known_decider *decider = knowledge_decider(knowledge);

    (void)state;
    assert_true(decider->same(span_of("{\"a\":1,\"b\":2}"), span_of("{\"b\":2.0,\"a\":1}")));
    assert_false(decider->same(span_of("{\"a\":1,\"b\":2}"), span_of("{\"a\":1}")));
    assert_false(decider->same(span_of("{\"a\":1}"), span_of("{\"b\":2,\"a\":1}")));
    assert_false(decider->same(span_of("{\"a\":1}"), span_of("{\"a\":2}")));
    knowledge_close(knowledge);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_readable_schemas_with_version_known_keep_anything),
        cmocka_unit_test(a_row_is_skipped_sent_or_fetched),
        cmocka_unit_test(records_are_the_same_by_their_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
