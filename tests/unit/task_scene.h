/* A job in hand and the answer to its request, for the tests of core/drain/task.c. */
#pragma once

#include "core/drain/task.h"

#include "core/base/mem.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OURS  "0b5b4a3c-1111-4222-a333-44445555ff66"
#define OTHER "11111111-2222-4333-8444-555555555555"
#define OWN   "22222222-2222-4222-8222-222222222222" /* of job 3/812, when there is one */

static const unsigned char ours[16] = {0x0b, 0x5b, 0x4a, 0x3c, 0x11, 0x11, 0x42, 0x22,
                                       0xa3, 0x33, 0x44, 0x44, 0x55, 0x55, 0xff, 0x66};

/* A job with fields {"n":1} whose PUT carried version 5 and may have landed. */
struct stage {
    struct task task;
    struct api_fault fault;
    struct target_scratch scratch;
    struct policy_verdict verdict;
    struct rebase *rebase; /* without a schema file: `replace` */
    int64_t now_ms;
};

static inline int begin(void **state)
{
    static const char text[] = "ItemA{\"n\":1}";
    struct stage *stage = mem_calloc(1, sizeof *stage);
    struct claim *claim = &stage->task.claim;

    stage->now_ms = 1000;
    claim->request = REQUEST_READ_BACK;
    claim->version = 5;
    claim->attempts = 1;
    claim->doubt = true;
    claim->page = 1;
    memcpy(claim->correlation, ours, sizeof ours);
    stage->rebase = rebase_open("no-such-folder");
    buf_append_text(&claim->text, text);
    claim->schema_size = 4;
    claim->record_id_size = 1;
    claim->fields_size = sizeof text - 6;
    *state = stage;
    return 0;
}

static inline void forget_outcome(struct claim_outcome *outcome)
{
    free(outcome->server_record);
    free(outcome->fields);
    free(outcome->audit_entry);
    free(outcome->before);
    free(outcome->token);
    free(outcome->under);
    for (size_t i = 0; i < outcome->violation_count; i++) {
        free(outcome->violations[i].field);
        free(outcome->violations[i].code);
        free(outcome->violations[i].message);
    }
    free(outcome->violations);
    *outcome = (struct claim_outcome){0};
}

static inline int end(void **state)
{
    struct stage *stage = *state;

    forget_outcome(&stage->task.claim.outcome);
    task_release(&stage->task);
    rebase_close(stage->rebase);
    target_scratch_release(&stage->scratch);
    free(stage);
    return 0;
}

static inline struct task_reader reader_of(struct stage *stage)
{
    return (struct task_reader){
        .limits = {.max_attempts = 12, .audit_wait_ms = 60000, .kind_works = true},
        .now_ms = stage->now_ms,
        .rebase = stage->rebase,
        .fault = &stage->fault,
        .scratch = &stage->scratch,
    };
}

/* Takes an answer, whatever it is. */
static inline const struct claim_outcome *take_answer(struct stage *stage,
                                                      const struct http_answer *answer)
{
    struct task_reader reader = reader_of(stage);
    struct err err = {0};

    forget_outcome(&stage->task.claim.outcome);
    if (!task_answer(&stage->task, answer, &reader, &stage->verdict, &err))
        fail_msg("%s", err.text);
    return &stage->task.claim.outcome;
}

static inline const struct claim_outcome *take(struct stage *stage, long status, const char *body)
{
    const struct http_answer answer = {
        .end = HTTP_DONE, .status = status, .body = span_of(body), .retry_after_ms = -1};

    return take_answer(stage, &answer);
}

#define RECORD(version, fields, metadata)                                                          \
    "{\"id\":\"A\",\"version\":" version ",\"fields\":" fields metadata "}"
#define BY(id) ",\"metadata\":{\"requestCorrelationId\":\"" id "\"}"

/* Job 3/812 of the same record; made: the version that its PUT came back with, or -1. */
static inline void add_sibling(struct stage *stage, int64_t made)
{
    struct claim_sibling sibling = {.job_id = 3000000812, .is_sent = true, .made_version = made};

    memset(sibling.correlation, 0x22, sizeof sibling.correlation);
    sibling.correlation[6] = 0x42;
    sibling.correlation[8] = 0x82;
    buf_reset(&stage->task.claim.siblings);
    buf_append(&stage->task.claim.siblings, (const char *)&sibling, sizeof sibling);
}

/* The request that the task leads to, with the options that a request depends on. */
static inline struct http_request request_of(struct stage *stage)
{
    struct drain_options options = {.tags = "[\"default\"]", .source = "erp", .timeout_ms = 7};
    struct task_sender sender = {.options = &options,
                                 .authorization = "Bearer x",
                                 .rebase = stage->rebase,
                                 .scratch = &stage->scratch};
    struct http_request request;
    struct err err = {0};

    snprintf(options.environment.api_url, sizeof options.environment.api_url, "https://api");
    assert_true(task_request(&stage->task, &sender, &request, &err));
    return request;
}

/* Entries of the audit log; ENTRY: the next version by another update. */
#define AT(version, id)                                                                            \
    "{\"entityId\":\"A\",\"version\":" version ",\"requestCorrelationId\":\"" id "\"}"
#define ENTRY          AT("6", OTHER)

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, begin, end)
