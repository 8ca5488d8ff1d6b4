#include "core/base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The vectors of RFC 4648 section 10, and bytes whose digits differ between the two alphabets. */
static void both_forms_encode_and_decode_the_vectors_of_the_rfc(void **state)
{
    static const char *const vectors[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff", "+/8=", "-_8"},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        for (enum base64 form = BASE64_PADDED; form <= BASE64_URL; form++) {
            buf_reset(&out);
            base64_encode(&out, span_of(vectors[i][0]), form);
            assert_string_equal(buf_text(&out), vectors[i][1 + form]);
            buf_reset(&out);
            assert_true(base64_decode(&out, span_of(vectors[i][1 + form]), form));
            assert_string_equal(buf_text(&out), vectors[i][0]);
        }
    }
    buf_release(&out);
}

static void text_in_another_form_is_refused(void **state)
{
    static const struct {
        enum base64 form;
        const char *text;
    } cases[] = {
        {BASE64_PADDED, "Zg"},   {BASE64_PADDED, "Zg="},  {BASE64_PADDED, "Z==="},
        {BASE64_PADDED, "===="}, {BASE64_PADDED, "Zh=="}, {BASE64_PADDED, "Zm9="},
        {BASE64_PADDED, "-_8="}, {BASE64_PADDED, "Zg=A"}, {BASE64_PADDED, "Zm 9"},
        {BASE64_URL, "Zg=="},    {BASE64_URL, "+/8"},     {BASE64_URL, "Z"},
        {BASE64_URL, "Zh"},      {BASE64_URL, "Zm9vY"},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (base64_decode(&out, span_of(cases[i].text), cases[i].form))
            fail_msg("'%s' was decoded", cases[i].text);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_encode_and_decode_the_vectors_of_the_rfc),
        cmocka_unit_test(text_in_another_form_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
