/* FILTER=TEXT in the environment: of a program's tests, only those with TEXT in their names run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char pattern[256]; /* kept by cmocka as a pointer */

__attribute__((constructor)) static void choose_tests(void)
{
    const char *text = getenv("FILTER");

    if (!text || !*text)
        return;
    snprintf(pattern, sizeof pattern, "*%s*", text);
    cmocka_set_test_filter(pattern);
}
