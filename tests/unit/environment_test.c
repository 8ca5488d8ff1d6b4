#include "core/api/environment.h"
#include "core/http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static bool resolve(const char *text, const char *login, bool is_option,
                    struct environment *environment, struct err *err)
{
    return environment_resolve(
        &(struct environment_names){.api = text, .login_url = login, .login_is_option = is_option},
        environment, err);
}

static void every_region_and_domain_means_its_api_and_login(void **state)
{
    static const char *const table[][2] = {
        {"us-east-1", "mypurecloud.com"},
        {"us-west-2", "usw2.pure.cloud"},
        {"us-east-2", "use2.us-gov-pure.cloud"},
        {"ca-central-1", "cac1.pure.cloud"},
        {"mx-central-1", "mxc1.pure.cloud"},
        {"sa-east-1", "sae1.pure.cloud"},
        {"eu-west-1", "mypurecloud.ie"},
        {"eu-west-2", "euw2.pure.cloud"},
        {"eu-central-1", "mypurecloud.de"},
        {"eu-central-2", "euc2.pure.cloud"},
        {"eusc-de-east-1", "edee1.eusc-pure.cloud"},
        {"me-central-1", "mec1.pure.cloud"},
        {"ap-south-1", "aps1.pure.cloud"},
        {"ap-southeast-1", "apse1.pure.cloud"},
        {"ap-southeast-2", "mypurecloud.com.au"},
        {"ap-northeast-1", "mypurecloud.jp"},
        {"ap-northeast-2", "apne2.pure.cloud"},
        {"ap-northeast-3", "apne3.pure.cloud"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char texts[5][64], api_url[64], login_url[64];

        snprintf(texts[0], 64, "%s", table[i][0]);
        snprintf(texts[1], 64, "%s", table[i][1]);
        snprintf(texts[2], 64, "api.%s", table[i][1]);
        snprintf(texts[3], 64, "https://api.%s", table[i][1]);
        snprintf(texts[4], 64, "https://api.%s/", table[i][1]);
        snprintf(api_url, 64, "https://api.%s", table[i][1]);
        snprintf(login_url, 64, "https://login.%s", table[i][1]);
        for (size_t k = 0; k < 5; k++) {
            struct environment environment;
            struct err err = {0};

            assert_true(resolve(texts[k], NULL, false, &environment, &err));
            assert_string_equal(environment.api_url, api_url);
            assert_string_equal(environment.login_url, login_url);
            assert_true(environment.platform_login);
            assert_string_equal(environment.api_host, api_url + 8);
        }
    }
}

static void other_spellings_and_other_hosts_are_understood(void **state)
{
    static const struct {
        const char *text, *login;
        bool option;
        const char *api_url, *login_url, *api_host;
    } cases[] = {
        {"EU_Central_1", NULL, false, "https://api.mypurecloud.de", "https://login.mypurecloud.de",
         "api.mypurecloud.de"},
        {"MyPureCloud.DE", NULL, false, "https://api.mypurecloud.de",
         "https://login.mypurecloud.de", "api.mypurecloud.de"},
        {"HTTPS://API.MyPureCloud.De/", NULL, false, "https://api.mypurecloud.de",
         "https://login.mypurecloud.de", "api.mypurecloud.de"},
        {"https://api.new1.pure.cloud:8443", NULL, false, "https://api.new1.pure.cloud:8443",
         "https://login.new1.pure.cloud:8443", "api.new1.pure.cloud"},
        {"https://gateway.example.org", NULL, false, "https://gateway.example.org",
         "https://gateway.example.org", "gateway.example.org"},
        {"http://127.0.0.1:8080", NULL, false, "http://127.0.0.1:8080", "http://127.0.0.1:8080",
         "127.0.0.1"},
        {"http://localhost:8080/", NULL, false, "http://localhost:8080", "http://localhost:8080",
         "localhost"},
        {"http://[::1]:8080", NULL, false, "http://[::1]:8080", "http://[::1]:8080", "::1"},
        {"http://127.0.0.1:8080", "http://localhost:9090/", false, "http://127.0.0.1:8080",
         "http://localhost:9090", "127.0.0.1"},
        {"mypurecloud.de", "https://sso.login.mypurecloud.de", false, "https://api.mypurecloud.de",
         "https://sso.login.mypurecloud.de", "api.mypurecloud.de"},
        {"mypurecloud.de", "https://login.example.org", true, "https://api.mypurecloud.de",
         "https://login.example.org", "api.mypurecloud.de"},
        {"mypurecloud.de", "http://127.0.0.1:1", true, "https://api.mypurecloud.de",
         "http://127.0.0.1:1", "api.mypurecloud.de"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct environment environment;
        struct err err = {0};

        assert_true(resolve(cases[i].text, cases[i].login, cases[i].option, &environment, &err));
        assert_string_equal(environment.api_url, cases[i].api_url);
        assert_string_equal(environment.login_url, cases[i].login_url);
        assert_string_equal(environment.api_host, cases[i].api_host);
    }
}

#define NO_PLACE                                                                                   \
    "' is not a region (eu-central-1) or domain (mypurecloud.de) of the platform: name another "   \
    "API "                                                                                         \
    "by its URL, https://HOST"
#define NO_URL  "' is not a URL like https://api.mypurecloud.com"
#define PLAIN   "' is plain http, which is for loopback alone: write https"
#define PATH    "' has a path: give only scheme, host and port"
#define NO_PORT "' has a port that is not a number from 1 to 65535"
#define NO_HOST "' has a host that is not a name or an address"
#define PART                                                                                       \
    "' has no path, or one with blanks, '#' or bytes that are not ASCII: give the whole URL of "   \
    "the token endpoint"
#define USER " has a user name or password: give the URL without"

static const struct {
    const char *text, *login, *error;
} refused[] = {
    {"", NULL, "environment '" NO_PLACE},
    {"eu-central-9", NULL, "environment 'eu-central-9" NO_PLACE},
    {"eu-central-1 ", NULL, "environment 'eu-central-1 " NO_PLACE},
    {"mypurecloud.dee", NULL, "environment 'mypurecloud.dee" NO_PLACE},
    {"localhost:8080", NULL, "environment 'localhost:8080" NO_PLACE},
    {"\x1b[2J", NULL, "environment '\\x1b[2J" NO_PLACE},
    {"ftp://api.mypurecloud.de", NULL, "environment 'ftp://api.mypurecloud.de" NO_URL},
    {"https://", NULL, "environment 'https://" NO_URL},
    {"://api.mypurecloud.de", NULL, "environment '://api.mypurecloud.de" NO_URL},
    {"https://[::1", NULL, "environment 'https://[::1" NO_URL},
    {"https://[::1]x", NULL, "environment 'https://[::1]x" NO_URL},
    {"https://api.mypurecloud.de:", NULL, "environment 'https://api.mypurecloud.de:" NO_URL},
    {"http://api.mypurecloud.de", NULL, "environment 'http://api.mypurecloud.de" PLAIN},
    {"http://127.0.0.1.example.org", NULL, "environment 'http://127.0.0.1.example.org" PLAIN},
    {"http://128.0.0.1", NULL, "environment 'http://128.0.0.1" PLAIN},
    {"http://[::2]", NULL, "environment 'http://[::2]" PLAIN},
    {"https://api.mypurecloud.de/api/v2", NULL,
     "environment 'https://api.mypurecloud.de/api/v2" PATH},
    {"https://api.mypurecloud.de?x=1", NULL, "environment 'https://api.mypurecloud.de?x=1" PATH},
    {"https://api.mypurecloud.de//", NULL, "environment 'https://api.mypurecloud.de//" PATH},
    {"https://api.mypurecloud.de#a", NULL, "environment 'https://api.mypurecloud.de#a" PATH},
    {"https://api.x.org:0", NULL, "environment 'https://api.x.org:0" NO_PORT},
    {"https://api.x.org:65536", NULL, "environment 'https://api.x.org:65536" NO_PORT},
    {"https://api.x.org:8o", NULL, "environment 'https://api.x.org:8o" NO_PORT},
    {"https://a b", NULL, "environment 'https://a b" NO_HOST},
    {"https://\xc3\xa4.org", NULL, "environment 'https://\xc3\xa4.org" NO_HOST},
    {"https://[zz]", NULL, "environment 'https://[zz]" NO_HOST},
    {"https://me:password@api.mypurecloud.de", NULL, "the environment" USER},
    {"https://api.mypurecloud.de@evil.example", NULL, "the environment" USER},
    {"https://@api.mypurecloud.de", NULL, "the environment" USER},
    {"ftp://me:password@api.mypurecloud.de", NULL, "environment '..." NO_URL},
    {"https://me:password@[::1", NULL, "environment '..." NO_URL},
    {"me:password@api.mypurecloud.de", NULL, "environment '..." NO_PLACE},
    {"https://mypurecloud.de", NULL,
     "environment 'https://mypurecloud.de' is not the API: it is at https://api.mypurecloud.de"},
    {"https://apps.usw2.pure.cloud", NULL,
     "environment 'https://apps.usw2.pure.cloud' is not the API: it is at "
     "https://api.usw2.pure.cloud"},
    {"mypurecloud.de", "login.mypurecloud.de", "login URL 'login.mypurecloud.de" NO_URL},
    {"mypurecloud.de", "", "login URL '" NO_URL},
    {"mypurecloud.de", "http://login.mypurecloud.de",
     "login URL 'http://login.mypurecloud.de" PLAIN},
    {"mypurecloud.de", "https://login.mypurecloud.de/oauth/token",
     "login URL 'https://login.mypurecloud.de/oauth/token" PATH},
    {"mypurecloud.de", "https://me:password@login.mypurecloud.de", "the login URL" USER},
    {"mypurecloud.de", "https://login.mypurecloud.com",
     "login URL 'https://login.mypurecloud.com' is of another domain than the API "
     "'https://api.mypurecloud.de', and would receive the client secret: give it as the option "
     "--login-url if that is meant"},
    {"mypurecloud.de", "http://127.0.0.1:1",
     "login URL 'http://127.0.0.1:1' is of another domain than the API "
     "'https://api.mypurecloud.de', and would receive the client secret: give it as the option "
     "--login-url if that is meant"},
};

static void what_is_wrong_or_unsafe_is_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct environment environment = {.api_url = "as it was"};
        struct err err = {0};

        assert_false(resolve(refused[i].text, refused[i].login, false, &environment, &err));
        assert_string_equal(err.text, refused[i].error);
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_string_equal(environment.api_url, "as it was");
    }
}

static void a_host_that_is_too_long_is_refused(void **state)
{
    struct environment environment;
    struct err err = {0};
    char text[600];

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "https://", 8);
    text[8 + 255] = '\0';
    assert_true(resolve(text, NULL, false, &environment, &err));
    text[8 + 255] = 'a';
    text[8 + 256] = '\0';
    assert_false(resolve(text, NULL, false, &environment, &err));
    memset(text, 'a', sizeof text);
    memcpy(text, "https://a:", 10);
    memset(text + 10, '0', 500);
    memcpy(text + 510, "80", 3);
    assert_false(resolve(text, NULL, false, &environment, &err));
}

static void a_token_url_takes_the_place_of_the_login(void **state)
{
    static const struct {
        const char *token_url;
        bool option;
        const char *login_url, *error; /* one of them */
        bool platform;
    } cases[] = {
        {"https://id.example.org/t/x?v=2", true, "https://id.example.org/t/x", NULL, false},
        {"http://127.0.0.1:90/t", true, "http://127.0.0.1:90/t", NULL, false},
        {"https://login.mypurecloud.com/oauth/token", true,
         "https://login.mypurecloud.com/oauth/token", NULL, true},
        {"https://auth.api.org/t", false, "https://auth.api.org/t", NULL, false},
        {"https://id.example.org/t", false, NULL,
         "token URL 'https://id.example.org' is of another domain than the API "
         "'https://api.api.org', and would receive the client secret: give it as the option "
         "--token-url if that is meant",
         false},
        {"https://id.example.org", true, NULL, "token URL 'https://id.example.org" PART, false},
        {"https://id.example.org/", true, NULL, "token URL 'https://id.example.org/" PART, false},
        {"https://id.example.org/a#b", true, NULL, "token URL 'https://id.example.org/a#b" PART,
         false},
        {"https://id.example.org/a b", true, NULL, "token URL 'https://id.example.org/a b" PART,
         false},
        {"https://id.example.org/\xc3\xa9", true, NULL,
         "token URL 'https://id.example.org/\xc3\xa9" PART, false},
        {"http://id.example.org/t", true, NULL, "token URL 'http://id.example.org/t" PLAIN, false},
        {"https://me:password@id.example.org/t", true, NULL, "the token URL" USER, false},
        {"", true, NULL, "token URL '" NO_URL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct environment environment;
        struct err err = {0};
        bool fine =
            environment_resolve(&(struct environment_names){.api = "https://api.api.org",
                                                            .login_url = "not looked at",
                                                            .token_url = cases[i].token_url,
                                                            .token_is_option = cases[i].option},
                                &environment, &err);

        assert_string_equal(err.text, fine ? "" : cases[i].error);
        assert_true(fine == (cases[i].login_url != NULL));
        if (!fine)
            continue;
        assert_string_equal(environment.token_url, cases[i].token_url);
        assert_string_equal(environment.login_url, cases[i].login_url);
        assert_true(environment.foreign_login);
        assert_true(environment.platform_login == cases[i].platform);
    }
}

static void a_token_url_that_is_too_long_is_refused(void **state)
{
    struct environment environment;
    struct err err = {0};
    char text[600] = "https://id.example.org/";
    struct environment_names names = {
        .api = "mypurecloud.de", .token_url = text, .token_is_option = true};

    (void)state;
    memset(text + strlen(text), 'a', 511 - strlen(text));
    assert_true(environment_resolve(&names, &environment, &err));
    text[strlen(text)] = 'a';
    assert_false(environment_resolve(&names, &environment, &err));
    assert_string_equal(err.text, "the token URL is longer than 511 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_region_and_domain_means_its_api_and_login),
        cmocka_unit_test(other_spellings_and_other_hosts_are_understood),
        cmocka_unit_test(what_is_wrong_or_unsafe_is_refused_with_a_reason),
        cmocka_unit_test(a_host_that_is_too_long_is_refused),
        cmocka_unit_test(a_token_url_takes_the_place_of_the_login),
        cmocka_unit_test(a_token_url_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
