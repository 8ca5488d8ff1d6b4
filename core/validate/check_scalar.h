/* Assertions about one value that apply no other schema to it or to parts of it. */
#pragma once

#include "core/validate/check_state.h"

/* NAME_holds: whether the value has what the check asks for; NAME_report: adds the violation. */
#define ASSERTION(name)                                                                            \
    bool name##_holds(struct checker *c, const struct check *check, uint32_t token);               \
    void name##_report(struct checker *c, const struct check *check, uint32_t token)

ASSERTION(check_never);
ASSERTION(check_type);
ASSERTION(check_integer_04);
ASSERTION(check_enum);
ASSERTION(check_const);
ASSERTION(check_limit);
ASSERTION(check_multiple);
ASSERTION(check_length);
ASSERTION(check_pattern);
ASSERTION(check_format);
ASSERTION(check_count); /* minItems, maxItems, minProperties, maxProperties */
ASSERTION(check_unique);

/* Matches the record id with the pattern of x-rowferry, unless it has a violation already. */
void check_record_id(struct checker *c);

/* Checks that no field takes the place of what the target sends besides fields: in NDJSON a row can
 * have fields that are not properties. */
void check_taken(struct checker *c);
