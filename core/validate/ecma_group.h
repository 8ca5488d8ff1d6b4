/* The groups, references and quantifiers of a regular expression of ECMA-262, for ecma.c. */
#pragma once

#include "core/base/buf.h"
#include "core/base/str.h"

#include <limits.h>
#include <stdbool.h>

/* Any code point, in PCRE2's syntax. */
#define ECMA_ANYTHING "[\\x{0}-\\x{10FFFF}]"

struct quantifier {
    unsigned least, most;
    bool is_lazy;
    size_t size; /* bytes; 0: there is none */
};

struct group {
    const char *open, *close; /* the '(', and after the ')' */
    int parent;               /* NO_GROUP at the top */
    struct span name;         /* empty: none */
    bool captures, looks, looks_behind;
    bool is_referenced; /* by a \1 or \k<name> */
    bool leaks;         /* looks ahead, and a group in it is referenced from outside */
    bool is_reset;      /* is repeated, and a group that is referenced is part of it */
    unsigned number;    /* in the translation, of its last copy */
    struct quantifier quantifier;
};

struct translator {
    const char *at, *end;
    struct buf *out;
    char *fault;
    struct group *groups; /* by their '(' */
    int count, capacity;
    unsigned numbers;                       /* capturing groups written so far */
    bool (*take_one)(struct translator *t); /* takes what is at `at` and writes it */
};

/* Writes the reason into t->fault, of ECMA_FAULT_SIZE bytes. Returns false. */
bool ecma_refuse(struct translator *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Finds all groups from t->at on, and those that forget their captures in each round. The caller
 * frees t->groups. False after ecma_refuse. */
bool ecma_find_groups(struct translator *t);

/* Take what is at t->at and write it; false after ecma_refuse. */
bool ecma_take_group(struct translator *t);
bool ecma_take_quantifier(struct translator *t);
/* letter: the one after the '\\'; t->at is after it. */
bool ecma_take_reference(struct translator *t, char letter);

/* Returns the quantifier at t->at, without the '?' that makes it lazy. */
struct quantifier ecma_quantifier_at(const struct translator *t);

static inline bool next_is(const struct translator *t, const char *text)
{
    size_t size = strlen(text);

    return (size_t)(t->end - t->at) >= size && memcmp(t->at, text, size) == 0;
}
