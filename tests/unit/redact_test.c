#include "core/http/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void credentials_are_replaced_by_stars_anywhere_in_a_text(void **state)
{
    static const struct {
        const char *authorization, *text, *expected;
    } cases[] = {
        {"Bearer 12345678", "12345678", "********"},
        {"Bearer 12345678", "a 12345678, 1234567 and 1234567812345678.",
         "a ********, 1234567 and ****************."},
        {"Basic QWxhZGRpbjpvcGVu", "Basic QWxhZGRpbjpvcGVu", "Basic ****************"},
        {"Bearer 1234567", "too short to be a secret: 1234567",
         "too short to be a secret: 1234567"},
        {"Bearer", "Bearer", "Bearer"},
        {"12345678", "key 12345678", "key ********"},
        {"1234567", "key 1234567", "key 1234567"},
        {"12345678 a", "key 12345678 a, 12345678", "key **********, 12345678"},
        {NULL, "nothing", "nothing"},
        {"Bearer 12345678", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];

        snprintf(text, sizeof text, "%s", cases[i].text);
        redact(text, strlen(text), cases[i].authorization);
        assert_string_equal(text, cases[i].expected);
    }
    redact(NULL, 0, "Bearer 12345678");
}

static void user_names_and_passwords_of_urls_are_replaced(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"proxy 'http://user:p#a/ss@host:1': bad", "proxy 'http://***@host:1': bad"},
        {"proxy 'user:p a@ss@host'", "proxy '***@host'"},
        {"u:p@host", "***@host"},
        {"u:p@host/see http://host", "***@host/see http://host"},
        {"u@host said 'no'", "*@host said 'no'"},
        {"http://u@host", "http://*@host"},
        {"http://host/a", "http://host/a"},
        {"nothing", "nothing"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];

        snprintf(text, sizeof text, "%s", cases[i].text);
        redact_user_info(text);
        assert_string_equal(text, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_names_and_passwords_of_urls_are_replaced),
        cmocka_unit_test(credentials_are_replaced_by_stars_anywhere_in_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
