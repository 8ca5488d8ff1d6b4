#include "core/validate/ecma.h"
#include "core/validate/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Returns '+' found, '-' not found, '?' undecided, '!' refused. */
static char search(struct span source, struct span text)
{
    static const char verdicts[] = {
        [PATTERN_FOUND] = '+', [PATTERN_ABSENT] = '-', [PATTERN_UNDECIDED] = '?'};
    char fault[PATTERN_FAULT_SIZE];
    struct pattern *pattern = pattern_open(source, fault);
    struct matcher *matcher = matcher_open();
    char verdict = pattern ? verdicts[pattern_search(pattern, matcher, text)] : '!';

    matcher_close(matcher);
    pattern_close(pattern);
    return verdict;
}

struct search_case {
    const char *source, *text;
    char verdict;
};

static void assert_searches(const struct search_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char verdict = search(span_of(cases[i].source), span_of(cases[i].text));

        if (verdict != cases[i].verdict)
            fail_msg("%s on %s: %c", cases[i].source, cases[i].text, verdict);
    }
}

static void patterns_are_searched_for_anywhere(void **state)
{
    static const struct search_case cases[] = {
        {"a+", "xaay", '+'},
        {"^a+$", "xaay", '-'},
        {"^a+$", "aa", '+'},
        {"^[A-Z]{2}-\\d{4}$", "WH-1042", '+'},
        {"^[A-Z]{2}-\\d{4}$", "WH-10423", '-'},
        {"^[A-Z]{2}-\\d{4}$", "wh-1042", '-'},
        {"", "anything", '+'},
        {"^$", "", '+'},
        {"a|b", "b", '+'},
    };

    (void)state;
    assert_searches(cases, COUNT(cases));
}

static void a_dollar_matches_only_the_very_end(void **state)
{
    static const struct search_case cases[] = {
        {"^a$", "a\n", '-'},
        {"^a$", "b\na", '-'},
        {"^a\\n$", "a\n", '+'},
    };

    (void)state;
    assert_searches(cases, COUNT(cases));
}

static void classes_mean_what_ecma_262_says(void **state)
{
    static const struct search_case cases[] = {
        {"^\\d$", "5", '+'},          {"^\\d$", "\u0665", '-'}, /* an Arabic digit */
        {"^\\w$", "_", '+'},          {"^\\w$", "\u00e9", '-'},
        {"^\\W$", "\u00e9", '+'},     {"^\\s$", "\u00a0", '+'},
        {"^\\s$", "\ufeff", '+'},     {"^\\s$", "\u2028", '+'},
        {"^\\s$", "\v", '+'},         {"^\\s$", "\xC2\x85", '-'},
        {"^\\S$", "\xC2\x85", '+'},   {"^\\S$", "\u2003", '-'},
        {"^\\S$", "\U0001F600", '+'}, {"^[\\s,]$", "\u3000", '+'},
        {"^[^\\s]$", "\u3000", '-'},  {"^[\\S]$", "x", '+'},
        {"^[\\S]$", "\u202f", '-'},   {"^[^\\S]$", "\u202f", '+'},
        {"^.$", "\u00e9", '+'},       {"^.$", "\U0001F600", '+'},
        {"^.$", "\r", '-'},           {"^.$", "\u2029", '-'},
        {"^.$", "\f", '+'},           {"^\\v$", "\v", '+'},
        {"^\\v$", "\n", '-'},         {"\\bfoo\\b", "a foo b", '+'},
        {"\\bfoo\\b", "afoo b", '-'}, {"^[\\b]$", "\b", '+'},
        {"^[]$", "x", '-'},           {"^[^]$", "\n", '+'},
        {"^[[:alpha:]]$", "a", '-'},  {"^[[:alpha:]]$", ":]", '+'},
        {"^[[]$", "[", '+'},          {"^[+-]$", "-", '+'},
        {"^[-+]$", "-", '+'},         {"^[a-z-\\s]$", "-", '+'},
        {"^[\\w-]+$", "a-b", '+'},    {"^[\\w\\-.]+$", "a-b.c", '+'},
        {"^[--a]$", "A", '+'},        {"^[\u00e0-\u00ff]+$", "\u00e9\u00e8", '+'},
    };

    (void)state;
    assert_searches(cases, COUNT(cases));
}

/* Verdicts of V8 with the flag u. */
static void sets_in_classes_are_whole(void **state)
{
    static const struct search_case cases[] = {
        {"^[^\\W\\p{Ll}]$", "\u03a9", '-'},
        {"^[^\\W\\p{Ll}]$", "A", '+'},
        {"^[^\\W\\p{Ll}]$", "a", '-'},
        {"^[^\\W\\p{Ll}]$", "\u4e2d", '-'},
        {"^[\\W\\p{Ll}]$", "\u03a9", '+'},
        {"^[\\W\\p{Ll}]$", "A", '-'},
        {"^[^\\D\\p{Lu}]$", "5", '+'},
        {"^[^\\D\\p{Lu}]$", "\u0665", '-'},
        {"^[\\D\\P{L}]$", "\u0665", '+'},
        {"^[^\\D]$", "\U0001F600", '-'},
        {"^[\\W\\d]$", "a", '-'},
        {"^[\\W\\d]$", "\u00e9", '+'},
        {"^[^\\w\\p{L}]$", "\u00e9", '-'},
        {"^[.,.]$", ",", '+'},
        {"^[.,.]$", "a", '-'},
        {"[:a-z:]", ":", '+'},
        {"^[:a-z:]+$", "a:z", '+'},
        {"^[:a-z:]+$", "A", '-'},
        {"^[=a=]+$", "=a", '+'},
        {"^[.-:]$", "/", '+'},
        {"^[[.a.]]$", "a]", '+'},

        {"^[]?$", "", '+'},
        {"^[]?$", "x", '-'},
        {"^a[]*$", "a", '+'},
        {"^a[]+$", "a", '-'},
        {"^(?:[]|b)$", "b", '+'},
        {"^[^]{2}$", "\n\u00e9", '+'},
        {"[]", "", '-'},
    };

    (void)state;
    assert_searches(cases, COUNT(cases));
}

static void groups_forget_their_captures_in_each_round(void **state)
{
    static const struct search_case cases[] = {
        {"^(b)?\\1{2}c$", "c", '+'},
        {"^(b)?\\1{2}c$", "bbbc", '+'},
        {"^(b)?\\1{2}c$", "bbc", '-'},
        {"^(?:(a)|b)*\\1$", "ab", '+'},
        {"^(?:(a)|b)*\\1$", "baa", '+'},
        {"^(?:(a)|b){2}\\1$", "ab", '+'},
        {"^(?:(a)|b){2}\\1$", "aba", '-'},
        {"^(?:(a)|(b)|c)+\\1\\2$", "abb", '+'},
        {"^(?:(a)|(b)|c)+\\1\\2$", "abcab", '-'},
        {"^(?:(?<x>a)|b)+?\\k<x>$", "abb", '+'},
        {"^(?:(?:(a)|b)\\1)*$", "aabaa", '+'},
        {"^(?:(?:(a)|b)\\1)*$", "aaba", '-'},
        {"^(?:(a)|b*)*\\1$", "a", '-'},
        {"^(?:(a)|b*)*\\1$", "aa", '+'},
        {"^(a*)*b\\1$", "aab", '-'},
        {"^(a*)*b\\1$", "aabaa", '+'},
        {"^(z)((a+)?(b+)?(c))*\\3$", "zaacbbbcac", '-'},
        {"^(z)((a+)?(b+)?(c))*\\3$", "zaacbbbcaca", '+'},
        {"^(?:\\1(a))+$", "aaa", '+'},
        {"^(a\\1){2}$", "aa", '+'},
        {"^\\1(a)$", "a", '+'},
        {"^(a)|\\1b$", "b", '+'},
        {"^(?:(a)(?!\\1)|b)*$", "aba", '+'},
        {"^(?:(?:(a)|b)*c\\1)*$", "abcaca", '+'},
        {"^(?:(?:(a)|b)*c\\1)*$", "abcbaca", '+'},
        {"^(a){0}\\1b$", "b", '+'},
        {"(?=b)c?b", "b", '+'},
        {"^(?:(?=(a)))?a\\1$", "a", '+'},
        {"^(?:(?=(a)))?a\\1$", "aa", '-'},
        {"^(?<$a_1>a)\\k<$a_1>$", "aa", '+'},
        {"^([\"'])(?:x|\\\\.)*\\1$", "\"xx\"", '+'},
    };

    (void)state;
    assert_searches(cases, COUNT(cases));
}

static void what_pcre2_cannot_do_is_refused_with_the_reason(void **state)
{
    static const char *const cases[][2] = {
        {"(?<=a+)b", "a lookbehind of variable length is not supported"},
        {"(?<!a{1,2})b", "a lookbehind of variable length is not supported"},
        {"(?<=x(?:a|bc))d", "a lookbehind of variable length is not supported"},
        {"(?<=\\1(a))b", "a lookbehind of variable length is not supported"},
        {"(?<=([ab]){2})\\1", "a reference to a repeated group in a lookbehind is not supported"},
        {"(?=(?:(ab|a)|b)*)\\1", "a reference to a repeated group in a lookahead is not supported"},
        {"(a)\\2", "\\2 does not refer to a group"},
        {"(?<a>a)\\k<b>", "\\k<b> does not refer to a group"},
        {"(?<a>a)(?<a>b)", "two groups are named a"},
        {"(?<a", "(?< is not followed by a name and >"},
    };
    char fault[PATTERN_FAULT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(pattern_open(span_of(cases[i][0]), fault));
        assert_string_equal(fault, cases[i][1]);
    }
}

static const char *fault_of(const char *before, const char *middle, const char *after, int count)
{
    static char fault[PATTERN_FAULT_SIZE];
    struct buf text = {0};

    for (int i = 0; i < count; i++)
        buf_append_text(&text, before);
    buf_append_text(&text, middle);
    for (int i = 0; i < count; i++)
        buf_append_text(&text, after);
    buf_append_text(&text, "\\1");
    assert_null(pattern_open(buf_span(&text), fault));
    buf_release(&text);
    return fault;
}

/* Each of them would be copied several times within the next. */
static void groups_that_multiply_too_much_are_refused(void **state)
{
    (void)state;
    assert_string_equal(fault_of("(?:", "(a)", ")+", 40),
                        "repeated groups with references make it too long");
    assert_string_equal(fault_of("(", "a", ")", 300), "more than 200 groups are nested");
}

static void escapes_mean_what_ecma_262_says(void **state)
{
    static const struct search_case cases[] = {
        {"^\\u00e9$", "\u00e9", '+'},
        {"^\\u{1F600}$", "\U0001F600", '+'},
        {"^\\ud83d\\ude00$", "\U0001F600", '+'},
        {"^[\\ud83d\\ude00]$", "\U0001F600", '+'},
        {"^\\x41\\t\\cJ$", "A\t\n", '+'},
        {"^\\/\\.\\-\\_$", "/.-_", '+'},
        {"^(a|b)\\1$", "aa", '+'},
        {"^(a|b)\\1$", "ab", '-'},
        {"^(a)?\\1b$", "b", '+'}, /* an unset group matches the empty text */
        {"^(?<year>\\d{4})-\\k<year>$", "2026-2026", '+'},
        {"^(?:a(?=b)b(?!c))$", "ab", '+'},
        {"(?<=\\$)\\d+(?<!0)$", "$42", '+'},
        {"^\\p{Lu}\\p{Letter}+$", "\u00c9t\u00e9", '+'},
        {"^\\p{gc=Uppercase_Letter}$", "\u00c9", '+'},
        {"^\\p{Script=Greek}+$", "\u03b1\u03b2", '+'},
        {"^\\p{sc=Greek}+$", "ab", '-'},
        {"^[\\p{L}\\P{L}]$", "1", '+'},
        {"^a{2}b{1,}c{0,1}$", "aab", '+'},
        {"^a{,2}$", "a{,2}", '+'},
        {"^x{$", "x{", '+'},
        {"^a{2,3}?$", "aaa", '+'},
        {"^\\p{scx=Greek}$", "\u03b1", '+'},
        {"^a\\Bb\\b$", "ab", '+'},
        {"^[\\w-]$", "-", '+'},
        {"^a{1$", "a{1", '+'},
        {"^a{1,2$", "a{1,2", '+'},
        {"^a{1,x}$", "a{1,x}", '+'},
        {"^(?<a1>x|y)\\k<a1>$", "xx", '+'},
        {"^(?<a1>x|y)\\k<a1>$", "xy", '-'},
        {"^(?:(a)b){0}\\1c$", "c", '+'},
        {"^\\0$", "", '-'},
    };

    (void)state;
    assert_searches(cases, COUNT(cases));
    assert_int_equal(search(span_of("^\\0$"), (struct span){"", 1}), '+');
    assert_int_equal(search((struct span){"^\0$", 3}, (struct span){"", 1}), '+');
}

static const struct {
    const char *source, *fault; /* NULL: any message of PCRE2 */
} refused[] = {
    {"\\Aa\\z", "\\A is not an escape of ECMA-262"},
    {"a\\Z", "\\Z is not an escape of ECMA-262"},
    {"\\Qa\\E", "\\Q is not an escape of ECMA-262"},
    {"\\h", "\\h is not an escape of ECMA-262"},
    {"\\R", "\\R is not an escape of ECMA-262"},
    {"\\K", "\\K is not an escape of ECMA-262"},
    {"[\\B]", "\\B is not an escape of ECMA-262"},
    {"[\\1]", "\\1 is not an escape of ECMA-262"},
    {"\\01", "\\0 is not an escape of ECMA-262"},
    {"\\c1", "\\c is not an escape of ECMA-262"},
    {"\\\u00e9", "\\? is not an escape of ECMA-262"},
    {"(?i)a", "a group that starts with (? is not part of ECMA-262"},
    {"(?>a)", "a group that starts with (? is not part of ECMA-262"},
    {"(?P<n>a)", "a group that starts with (? is not part of ECMA-262"},
    {"(?#c)a", "a group that starts with (? is not part of ECMA-262"},
    {"(*UTF)a", "a group that starts with (* is not part of ECMA-262"},
    {"a++", "a quantifier follows a quantifier"},
    {"a{2}{3}", "a quantifier follows a quantifier"},
    {"a+?*", "a quantifier follows a quantifier"},
    {"[\\w-a]", "a set such as \\w cannot end a range: write \\- for a hyphen"},
    {"[!-\\s]", "a set such as \\w cannot end a range: write \\- for a hyphen"},
    {"[a", "a [ is not closed"},
    {"[", "a [ is not closed"},
    {"a\\", "nothing follows the last \\"},
    {"[\\", "nothing follows the last \\"},
    {"\\u12", "\\u is not followed by a code point"},
    {"\\ud83d", "\\u is not followed by a code point"},
    {"\\ud83d\\u0041", "\\u is not followed by a code point"},
    {"\\u{110000}", "\\u is not followed by a code point"},
    {"\\u{}", "\\u is not followed by a code point"},
    {"\\xg1", "\\x is not followed by a code point"},
    {"\\pL", "\\p is not followed by {a property}"},
    {"\\p", "\\p is not followed by {a property}"},
    {"\\p{Nothing}", NULL},
    {"\\p{sc=t[}r(?!a)[]", "\\p is not followed by {a property}"},
    {"a\\u", "\\u is not followed by a code point"},
    {"\\u{1234567}", "\\u is not followed by a code point"},
    {"\\u{12", "\\u is not followed by a code point"},
    {"\\ud83d\\ue000", "\\u is not followed by a code point"},
    {"\\ude00", "\\u is not followed by a code point"},
    {"\\p{L", "\\p is not followed by {a property}"},
    {"\\p{L-}", "\\p is not followed by {a property}"},
    {"[\\pL]", "\\p is not followed by {a property}"},
    {"\\c", "\\c is not an escape of ECMA-262"},
    {"\\ ", "\\? is not an escape of ECMA-262"},
    {"\\\x7f", "\\\x7f is not an escape of ECMA-262"},
    {"(?:\\h){0}", "\\h is not an escape of ECMA-262"},
    {"(?:a){0}*", "a quantifier follows a quantifier"},
    {"(?:(a)|b\\1)+*", "a quantifier follows a quantifier"},
    {"\\99999999999", "\\99999 does not refer to a group"},
    {"(a)\\k<", "\\k is not followed by <a name>"},
    {"(a)\\k>", "\\k is not followed by <a name>"},
    {"(?<1a>b)", "(?< is not followed by a name and >"},
    {"(?<a-b>c)", "(?< is not followed by a name and >"},
    {"(?<a", "(?< is not followed by a name and >"},
    {"a{99999999999}", NULL},
    {"\\k", "\\k is not followed by <a name>"},
    {"(a", NULL},
    {"a)", NULL},
    {"*a", NULL},
    {"(?<=a+)b", NULL},
    {"\\2(a)", NULL},
};

static void what_is_not_ecma_262_is_refused(void **state)
{
    char fault[PATTERN_FAULT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct pattern *pattern = pattern_open(span_of(refused[i].source), fault);

        if (pattern)
            fail_msg("%s is taken", refused[i].source);
        if (refused[i].fault)
            assert_string_equal(fault, refused[i].fault);
        else
            assert_true(strlen(fault) > 0);
    }
}

static void a_search_without_end_is_given_up(void **state)
{
    (void)state;
    assert_int_equal(search(span_of("^(a+)+$"), span_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")),
                     '?');
}

static void long_texts_are_matched(void **state)
{
    size_t size = 1000000;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', size);
    assert_int_equal(search(span_of("^a*$"), (struct span){text, size}), '+');
    assert_int_equal(search(span_of("b"), (struct span){text, size}), '-');
    /* a backtracking point for each character */
    assert_int_equal(search(span_of("^(?:a|b)*$"), (struct span){text, 20000}), '+');
    assert_int_equal(search(span_of("^(?:a|bc)*$"), (struct span){text, size}), '+');
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_searched_for_anywhere),
        cmocka_unit_test(a_dollar_matches_only_the_very_end),
        cmocka_unit_test(classes_mean_what_ecma_262_says),
        cmocka_unit_test(sets_in_classes_are_whole),
        cmocka_unit_test(groups_forget_their_captures_in_each_round),
        cmocka_unit_test(what_pcre2_cannot_do_is_refused_with_the_reason),
        cmocka_unit_test(groups_that_multiply_too_much_are_refused),
        cmocka_unit_test(escapes_mean_what_ecma_262_says),
        cmocka_unit_test(what_is_not_ecma_262_is_refused),
        cmocka_unit_test(a_search_without_end_is_given_up),
        cmocka_unit_test(long_texts_are_matched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
