/* Files of checksums next to a file, in the forms in which programs write them. */
#include "core/ingest/checksum.h"
#include "tests/unit/fault_scene.h"

#define SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MD5    "900150983cd24fb0d6963f7d28e17f72"

enum end { FITS, DIFFERS, HOLDS_NONE };

static const struct {
    const char *ending, *text;
    enum end end;
} rows[] = {
    {".sha256", SHA256 "  a.csv\n", FITS},
    {".sha256", SHA256, FITS},
    {".sha256", "SHA256 (a.csv) = BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
     FITS},
    {".sha256", "# sums\r\n" SHA256 " *a.csv\r\n", FITS},
    {".sha256", SHA256 "  b.csv\n" MD5 "  a.csv\n", DIFFERS},
    {".sha256", SHA256 "  other.csv\n", FITS},
    {".sha256", "x" SHA256 "  a.csv\n", DIFFERS},
    {".sha256", SHA256 "0  a.csv\n", HOLDS_NONE},
    {".sha256", "0" SHA256 "\n", HOLDS_NONE},
    {".sha256", "aa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.csv\n",
     DIFFERS},
    {".sha256", MD5 "  a.csv\n", HOLDS_NONE},
    {".sha256", "", HOLDS_NONE},
    {".md5", MD5 "  a.csv\n", FITS},
    {".md5",
     "00"
     "0150983cd24fb0d6963f7d28e17f72  a.csv\n",
     DIFFERS},
    {".txt", "no", FITS},
};

static void each_form_of_a_checksum_is_compared(void **state)
{
    struct scene *scene = *state;

    put(scene, "a.csv", "abc");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[32], reason[ERR_TEXT_SIZE] = "";
        struct err err = {0};
        struct feed feed;
        enum end end;
        bool fits;

        snprintf(name, sizeof name, "a.csv%s", rows[i].ending);
        put(scene, name, rows[i].text);
        assert_true(feed_open(&feed, "in/a.csv", at(scene, "a.csv"), false, &err));
        assert_true(checksum_check(&feed, &fits, reason, &err));
        end = fits ? FITS : strstr(reason, "in/a.csv: its ") == reason ? DIFFERS : HOLDS_NONE;
        if (end != rows[i].end)
            fail_msg("%s: %s: %s", name, rows[i].text, reason);
        if (end == HOLDS_NONE)
            assert_non_null(strstr(reason, " hexadecimal digits: write it as "));
        else
            assert_int_equal(*reason == '\0', end == FITS);
        assert_int_equal(lseek(feed.fd, 0, SEEK_CUR), 0);
        feed_close(&feed);
        unlink(at(scene, name));
    }
}

static void a_checksum_that_cannot_be_read_holds_the_file_back(void **state)
{
    struct scene *scene = *state;
    char reason[ERR_TEXT_SIZE] = "";
    struct err err = {0};
    struct feed feed;
    bool fits;

    put(scene, "a.csv", "abc");
    put(scene, "a.csv.md5", "no sum");
    fault = EACCES;
    assert_true(feed_open(&feed, "in/a.csv", at(scene, "a.csv"), false, &err));
    for (unsigned call = 1; call <= 2; call++) {
        countdown = call; /* open, read */
        assert_false(checksum_check(&feed, &fits, reason, &err));
        assert_int_equal(disarm(), 0);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_non_null(strstr(err.text, "a.csv.md5: Permission denied"));
    }
    feed_close(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(each_form_of_a_checksum_is_compared),
        SCENE_TEST(a_checksum_that_cannot_be_read_holds_the_file_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
