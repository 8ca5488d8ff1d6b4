/* The keywords whose values contain schemas or names of members, for the table in keywords.c. */
#pragma once

#include "core/validate/compiler.h"

#define COMPILES(function)                                                                         \
    bool function(struct compiler *c, const struct keyword *keyword, uint32_t value)

COMPILES(pass_schema);          /* compiles a schema that nothing applies */
COMPILES(compile_definitions);  /* $defs, definitions */
COMPILES(compile_schema_below); /* propertyNames, not: one schema */
COMPILES(compile_list);         /* allOf, anyOf, oneOf, prefixItems: an array of schemas */
COMPILES(compile_items);        /* a schema for the items after the prefix */
COMPILES(compile_items_of_two_forms);
COMPILES(compile_additional_items);
COMPILES(compile_contains);
COMPILES(compile_properties);
COMPILES(compile_pattern_properties);
COMPILES(compile_required);
COMPILES(compile_additional);
COMPILES(compile_dependent); /* dependentRequired, dependentSchemas, dependencies */
COMPILES(compile_if);
COMPILES(compile_unevaluated);
