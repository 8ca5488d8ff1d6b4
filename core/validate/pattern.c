#include "core/validate/pattern.h"

#include "core/base/mem.h"
#include "core/validate/ecma.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STEPS_MAX = 1000000,       /* backtracking points from one start: a few milliseconds */
    DEPTH_MAX = STEPS_MAX,     /* nested backtracking points of the interpreter */
    HEAP_MAX_KB = 65536,       /* of the interpreter */
    JIT_STACK_MIN = 32 * 1024, /* bytes */
    JIT_STACK_MAX = 64 << 20,  /* address space; becomes memory as a text needs it */
};

struct pattern {
    pcre2_code *code;
    char *source;
    bool jit; /* false if the system refuses executable memory */
};

struct matcher {
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

/* NULL with the reason in fault, and in code the error of PCRE2, or 0 if the translation failed. */
static pcre2_code *compile(struct span source, int *code, char fault[PATTERN_FAULT_SIZE])
{
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                       PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
    struct buf translated = {0};
    pcre2_code *compiled = NULL;
    PCRE2_SIZE offset;

    _Static_assert((int)ECMA_FAULT_SIZE <= (int)PATTERN_FAULT_SIZE, "both faults fit");
    *code = 0;
    if (ecma_translate(source, &translated, fault)) {
        /* PCRE2 10.42 requires the b of (?=b)c?b twice */
        if (strstr(buf_text(&translated), "(?="))
            options |= PCRE2_NO_START_OPTIMIZE;
        compiled = pcre2_compile((PCRE2_SPTR)buf_text(&translated), translated.size, options, code,
                                 &offset, NULL);
        if (*code == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH)
            snprintf(fault, PATTERN_FAULT_SIZE, "a lookbehind of variable length is not supported");
        else if (!compiled)
            pcre2_get_error_message(*code, (PCRE2_UCHAR *)fault, PATTERN_FAULT_SIZE);
    }
    buf_release(&translated);
    return compiled;
}

struct pattern *pattern_open(struct span source, char fault[PATTERN_FAULT_SIZE])
{
    struct pattern *pattern;
    int error;
    pcre2_code *code = compile(source, &error, fault);

    if (!code)
        return NULL;
    pattern = mem_calloc(1, sizeof *pattern);
    pattern->code = code;
    pattern->source = mem_copy(source.data, source.size);
    pattern->jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
    return pattern;
}

bool pattern_is_valid(struct span source)
{
    char fault[PATTERN_FAULT_SIZE];
    int error;
    pcre2_code *code = compile(source, &error, fault);

    pcre2_code_free(code);
    return code || error == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH;
}

void pattern_close(struct pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_code_free(pattern->code);
    free(pattern->source);
    free(pattern);
}

const char *pattern_source(const struct pattern *pattern)
{
    return pattern->source;
}

/* A failed allocation ends the process, as in mem.h. */
static void *must(void *object)
{
    if (!object)
        abort();
    return object;
}

struct matcher *matcher_open(void)
{
    struct matcher *matcher = mem_calloc(1, sizeof *matcher);

    matcher->match = must(pcre2_match_data_create(1, NULL));
    matcher->context = must(pcre2_match_context_create(NULL));
    matcher->stack = must(pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL));
    pcre2_set_match_limit(matcher->context, STEPS_MAX);
    pcre2_set_depth_limit(matcher->context, DEPTH_MAX);
    pcre2_set_heap_limit(matcher->context, HEAP_MAX_KB);
    pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
    return matcher;
}

void matcher_close(struct matcher *matcher)
{
    if (!matcher)
        return;
    pcre2_jit_stack_free(matcher->stack);
    pcre2_match_context_free(matcher->context);
    pcre2_match_data_free(matcher->match);
    free(matcher);
}

enum pattern_verdict pattern_search(const struct pattern *pattern, struct matcher *matcher,
                                    struct span text)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.size ? text.data : "");
    int found = PCRE2_ERROR_JIT_STACKLIMIT;

    if (pattern->jit)
        found = pcre2_jit_match(pattern->code, subject, text.size, 0, PCRE2_NO_UTF_CHECK,
                                matcher->match, matcher->context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(pattern->code, subject, text.size, 0, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                            matcher->match, matcher->context);
    if (found == PCRE2_ERROR_NOMATCH)
        return PATTERN_ABSENT;
    return found >= 0 ? PATTERN_FOUND : PATTERN_UNDECIDED;
}
