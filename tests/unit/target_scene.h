/* Targets of descriptions in the text of a test. */
#pragma once

#include "core/row/json.h"
#include "core/target/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Opens the target of a description that is right, of properties with these names; the caller
 * closes it. */
static inline struct target *target_of(const char *text, const struct span *names, size_t count)
{
    struct description_fault fault;
    struct json_tape tape = {0};
    struct json_fault wrong;
    struct target *target;

    if (!json_scan(&tape, span_of(text), 0, &wrong))
        fail_msg("%s: %s", text, wrong.message);
    target = target_open(text, &tape, 0, names, count, &fault);
    if (!target)
        fail_msg("%s: %s: %s", text, fault.pointer, fault.text);
    json_tape_release(&tape);
    return target;
}
