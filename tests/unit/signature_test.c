/* Signatures of webhooks against published vectors, and every way in which one can be wrong. */
#include "core/notify/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* The example of the specification's reference libraries (standard-webhooks, libraries/). */
#define SECRET    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID        "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define BODY      "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

enum { TIME_S = 1614265330 };

static struct signature_keys *keys_of(const char *text)
{
    struct err err = {0};
    struct signature_keys *keys = signature_keys_read(span_of(text), &err);

    assert_non_null(keys);
    return keys;
}

static enum signature_verdict check_at(const char *secrets, const struct signature_headers *headers,
                                       const char *body, int64_t now_s)
{
    struct signature_keys *keys = keys_of(secrets);
    enum signature_verdict verdict = signature_check(keys, headers, span_of(body), now_s);

    signature_keys_free(keys);
    return verdict;
}

static enum signature_verdict check(const char *secrets, const char *id, const char *timestamp,
                                    const char *signature, const char *body)
{
    return check_at(secrets, &(struct signature_headers){id, timestamp, signature, NULL}, body,
                    TIME_S);
}

static void the_published_example_is_signed_and_recognised(void **state)
{
    struct signature_keys *keys = keys_of(SECRET);
    struct buf out = {0};

    (void)state;
    signature_make(keys, ID, TIME_S, span_of(BODY), &out);
    assert_string_equal(buf_text(&out), SIGNATURE);
    assert_int_equal(check(SECRET, ID, "1614265330", SIGNATURE, BODY), SIGNATURE_WITH_ID);
    buf_release(&out);
    signature_keys_free(keys);
}

static void whatever_is_signed_counts(void **state)
{
    static const struct {
        const char *id, *timestamp, *signature, *body;
        enum signature_verdict verdict;
    } cases[] = {
        {"msg_other", "1614265330", SIGNATURE, BODY, SIGNATURE_WRONG},
        {ID, "1614265331", SIGNATURE, BODY, SIGNATURE_WRONG},
        {ID, "1614265330", SIGNATURE, BODY " ", SIGNATURE_WRONG},
        {ID, "1614265330", SIGNATURE, "", SIGNATURE_WRONG},
        {ID, "soon", SIGNATURE, BODY, SIGNATURE_WRONG},
        {ID, "1614265330.0", SIGNATURE, BODY, SIGNATURE_WRONG},
        {ID, "1614265330", "", BODY, SIGNATURE_WRONG},
        {ID, "1614265330", "v1,", BODY, SIGNATURE_WRONG},
        {ID, "1614265330", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY,
         SIGNATURE_WRONG},
        {ID, "1614265330", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, SIGNATURE_WRONG},
        {ID, "1614265330", "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY,
         SIGNATURE_WRONG},
        {ID, "1614265330", "v1,aaaa " SIGNATURE " v2,x", BODY, SIGNATURE_WITH_ID},
        {NULL, "1614265330", SIGNATURE, BODY, SIGNATURE_MISSING},
        {"", "1614265330", SIGNATURE, BODY, SIGNATURE_MISSING},
        {ID, NULL, SIGNATURE, BODY, SIGNATURE_MISSING},
        {ID, "1614265330", NULL, BODY, SIGNATURE_MISSING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(
            check(SECRET, cases[i].id, cases[i].timestamp, cases[i].signature, cases[i].body),
            cases[i].verdict);
}

static void a_signature_lasts_five_minutes_either_way(void **state)
{
    const struct signature_headers headers = {ID, "1614265330", SIGNATURE, NULL};

    (void)state;
    assert_int_equal(check_at(SECRET, &headers, BODY, TIME_S + 300), SIGNATURE_WITH_ID);
    assert_int_equal(check_at(SECRET, &headers, BODY, TIME_S + 301), SIGNATURE_EXPIRED);
    assert_int_equal(check_at(SECRET, &headers, BODY, TIME_S - 300), SIGNATURE_WITH_ID);
    assert_int_equal(check_at(SECRET, &headers, BODY, TIME_S - 301), SIGNATURE_EXPIRED);
}

static void any_of_several_keys_is_enough(void **state)
{
    struct signature_keys *keys = keys_of("first\n\nsecond\r\n");
    struct buf out = {0};

    (void)state;
    assert_int_equal(check("other\n" SECRET "\n", ID, "1614265330", SIGNATURE, BODY),
                     SIGNATURE_WITH_ID);
    assert_int_equal(check("other\n", ID, "1614265330", SIGNATURE, BODY), SIGNATURE_WRONG);
    /* both sign, and either is recognised */
    signature_make(keys, "m", TIME_S, span_of("{}"), &out);
    assert_int_equal(check("first", "m", "1614265330", buf_text(&out), "{}"), SIGNATURE_WITH_ID);
    assert_int_equal(check("second", "m", "1614265330", buf_text(&out), "{}"), SIGNATURE_WITH_ID);
    assert_int_equal(check("third", "m", "1614265330", buf_text(&out), "{}"), SIGNATURE_WRONG);
    buf_release(&out);
    signature_keys_free(keys);
}

/* GitHub's example for its header of that name (docs.github.com, Validating webhook deliveries). */
static void the_hub_header_is_hexadecimal_or_base64(void **state)
{
    static const struct {
        const char *header, *body;
        enum signature_verdict verdict;
    } cases[] = {
        {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "Hello, World!",
         SIGNATURE_OF_BODY},
        {"sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17", "Hello, World!",
         SIGNATURE_OF_BODY},
        {"sha256=dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=", "Hello, World!", SIGNATURE_OF_BODY},
        {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "Hello, World?",
         SIGNATURE_WRONG},
        {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1", "Hello, World!",
         SIGNATURE_WRONG},
        {"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "Hello, World!",
         SIGNATURE_WRONG},
        {"sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "Hello, World!",
         SIGNATURE_WRONG},
        {"sha256=", "Hello, World!", SIGNATURE_WRONG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(check_at("It's a Secret to Everybody",
                                  &(struct signature_headers){.hub = cases[i].header},
                                  cases[i].body, TIME_S),
                         cases[i].verdict);
}

static void either_header_is_enough(void **state)
{
    struct signature_headers headers = {ID, "1614265330", SIGNATURE, "sha256=00"};

    (void)state;
    assert_int_equal(check_at(SECRET, &headers, BODY, TIME_S), SIGNATURE_WITH_ID);
    /* outside the tolerance, and the other one is wrong: the time is what the sender has to know */
    assert_int_equal(check_at(SECRET, &headers, BODY, TIME_S + 1000), SIGNATURE_EXPIRED);
    headers = (struct signature_headers){
        ID, "1614265330", "v1,AAAA",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"};
    assert_int_equal(check_at("It's a Secret to Everybody", &headers, "Hello, World!", TIME_S),
                     SIGNATURE_OF_BODY);
    headers = (struct signature_headers){0};
    assert_int_equal(check_at(SECRET, &headers, BODY, TIME_S), SIGNATURE_MISSING);
}

static void a_bad_secret_is_refused_and_not_shown(void **state)
{
    static const char *const texts[] = {"",
                                        "\n \n",
                                        "whsec_no*base64",
                                        "whsec_A",
                                        "whsec_",
                                        "whsec_=",
                                        "1\n2\n3\n4\n5\n6\n7\n8\n9\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};

        assert_null(signature_keys_read(span_of(texts[i]), &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_null(strstr(err.text, "no*base64"));
    }
}

static void padding_may_be_missing(void **state)
{
    const char *padded = "whsec_c2VjcmV0IQ==", *bare = "whsec_c2VjcmV0IQ", *plain = "secret!";
    struct signature_keys *keys = keys_of(plain);
    struct buf out = {0};

    (void)state;
    signature_make(keys, "m", TIME_S, span_of("{}"), &out);
    assert_int_equal(check(padded, "m", "1614265330", buf_text(&out), "{}"), SIGNATURE_WITH_ID);
    assert_int_equal(check(bare, "m", "1614265330", buf_text(&out), "{}"), SIGNATURE_WITH_ID);
    buf_release(&out);
    signature_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_example_is_signed_and_recognised),
        cmocka_unit_test(whatever_is_signed_counts),
        cmocka_unit_test(a_signature_lasts_five_minutes_either_way),
        cmocka_unit_test(any_of_several_keys_is_enough),
        cmocka_unit_test(the_hub_header_is_hexadecimal_or_base64),
        cmocka_unit_test(either_header_is_enough),
        cmocka_unit_test(a_bad_secret_is_refused_and_not_shown),
        cmocka_unit_test(padding_may_be_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
