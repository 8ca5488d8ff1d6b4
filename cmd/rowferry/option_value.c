#include "cmd/rowferry/option_value.h"

#include "cmd/rowferry/report.h"
#include "core/base/str.h"
#include "core/ingest/intake.h"
#include "core/job/policy.h"
#include "core/row/row.h"
#include "core/store/export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RATE_MAX = 1000000, WORDS_MAX = 3 };

static bool refuse(const struct option_value *value, const char *expected, struct err *err)
{
    return err_set(err, ERR_CONFIG, "'%s' is not %s", value->text, expected);
}

static bool parse_text(const struct option *option, struct option_value *value, struct err *err)
{
    (void)option;
    for (const char *c = value->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return err_set(err, ERR_CONFIG, "the value has a control character: remove it");
    if (str_utf8_valid(span_of(value->text)) != strlen(value->text))
        return err_set(err, ERR_CONFIG, "the value is not UTF-8: convert it");
    return true;
}

/* A token (RFC 9110 section 5.6.2), and not a field that rowferry or libcurl writes itself. */
static bool parse_field(const struct option *option, struct option_value *value, struct err *err)
{
    static const char *const taken[] = {
        "Accept", "Accept-Encoding", "Connection",    "Content-Length",    "Content-Type", "Expect",
        "Host",   "If-Match",        "If-None-Match", "Transfer-Encoding", "User-Agent"};

    (void)option;
    for (const char *c = value->text; *c; c++)
        if (!str_is_letter(*c) && !str_is_digit(*c) && !str_has("!#$%&'*+-.^_`|~", *c))
            return refuse(value, "the name of a header field: use letters, digits and '-'", err);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcasecmp(value->text, taken[i]) == 0)
            return refuse(value, "a field for a key: requests have it already", err);
    return *value->text || refuse(value, "the name of a header field", err);
}

static bool parse_integer(const struct option *option, struct option_value *value, struct err *err)
{
    if (str_to_int64(span_of(value->text), option->minimum, option->maximum, &value->number))
        return true;
    return err_set(err, ERR_CONFIG, "'%s' is not a whole number from %" PRId64 " to %" PRId64,
                   value->text, option->minimum, option->maximum);
}

static bool parse_duration(const struct option *option, struct option_value *value, struct err *err)
{
    int64_t ms;

    if (!str_to_duration_ms(value->text, &ms))
        return refuse(value, "a duration: use 90, 90s, 15m, 4h or 90d", err);
    if (ms < option->minimum || ms > option->maximum)
        return err_set(err, ERR_CONFIG, "'%s' is not a time from %" PRId64 "s to %" PRId64 "s",
                       value->text, option->minimum / 1000, option->maximum / 1000);
    value->number = ms;
    return true;
}

static bool parse_rate(const struct option *option, struct option_value *value, struct err *err)
{
    static const struct {
        const char *suffix;
        double seconds;
    } units[] = {{"/s", 1}, {"/m", 60}, {"/h", 3600}};
    struct span digits = span_of(value->text);
    int64_t count;

    (void)option;
    if (strcmp(value->text, "none") == 0) {
        value->rate = 0;
        return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!str_ends(value->text, units[i].suffix))
            continue;
        digits.size -= 2;
        if (!str_to_int64(digits, 1, RATE_MAX, &count))
            break;
        value->rate = (double)count / units[i].seconds;
        return true;
    }
    return refuse(value, "a rate: use 300/m, 5/s, 1000/h or none", err);
}

static bool parse_suffix(const struct option *option, struct option_value *value, struct err *err)
{
    (void)option;
    return (*value->text && strlen(value->text) < INGEST_SUFFIX_SIZE &&
            !strpbrk(value->text, "/ ,")) ||
           err_set(
               err, ERR_CONFIG,
               "'%s' is not the end of a file name: use one like .done, at most %d bytes, without "
               "slash, blank or comma",
               value->text, INGEST_SUFFIX_SIZE - 1);
}

static bool parse_tags(const struct option *option, struct option_value *value, struct err *err)
{
    const char *text = value->text;

    if (!parse_text(option, value, err))
        return false;
    if (*text == ',' || str_ends(text, ",") || strstr(text, ",,"))
        return refuse(value, "a list of tags: use a,b", err);
    return true;
}

/* The share is the rate: 0 to 1. */
static bool parse_audit(const struct option *option, struct option_value *value, struct err *err)
{
    char *end;

    (void)option;
    value->rate = 1;
    if (strcmp(value->text, "all") == 0)
        return true;
    value->rate = 0;
    if (strcmp(value->text, "none") == 0)
        return true;
    if (strspn(value->text, "0123456789.") + 1 == strlen(value->text)) {
        value->rate = strtod(value->text, &end) / 100;
        if (end > value->text && strcmp(end, "%") == 0 && value->rate >= 0 && value->rate <= 1)
            return true;
    }
    return refuse(value, "all, none or a percentage of the applied updates, such as 5%", err);
}

/* Words for several states, and for rejected rows, which have no job. */
static const struct {
    const char *word;
    unsigned states;
} state_words[] = {{"rejected", EXPORT_REJECTED},
                   {"jobs", EXPORT_ALL & ~(unsigned)EXPORT_REJECTED},
                   {"all", EXPORT_ALL}};

static unsigned states_of(struct span word)
{
    for (unsigned state = 0; state < JOB_STATES; state++)
        if (span_is(word, job_state_name((enum job_state)state)))
            return 1u << state;
    for (size_t i = 0; i < sizeof state_words / sizeof *state_words; i++)
        if (span_is(word, state_words[i].word))
            return state_words[i].states;
    return 0;
}

/* Sets an error that lists the words that the option takes. */
static bool refuse_states(const struct option *option, const struct option_value *value,
                          struct err *err)
{
    struct buf expected = {0};

    buf_append_text(&expected, "a list of states: use, separated by commas, ");
    for (unsigned state = 0; state < JOB_STATES; state++)
        if (option->maximum & 1 << state)
            buf_printf(&expected, "%s, ", job_state_name((enum job_state)state));
    for (size_t i = 0; i < sizeof state_words / sizeof *state_words; i++)
        if (!(state_words[i].states & ~(unsigned)option->maximum))
            buf_printf(&expected, "%s, ", state_words[i].word);
    expected.size -= strlen(", ");
    refuse(value, buf_text(&expected), err);
    buf_release(&expected);
    return false;
}

static bool parse_states(const struct option *option, struct option_value *value, struct err *err)
{
    value->number = 0;
    for (const char *text = value->text; text;) {
        size_t size = strcspn(text, ",");
        unsigned states = states_of((struct span){text, size});

        if (!states || states & ~(unsigned)option->maximum)
            return refuse_states(option, value, err);
        value->number |= states;
        text = text[size] ? text + size + 1 : NULL;
    }
    return true;
}

static bool parse_delimiter(const struct option *option, struct option_value *value,
                            struct err *err)
{
    const char *text = value->text;
    int code = 0;

    (void)option;
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
        code = '\t';
    else if (strlen(text) == 1)
        code = (unsigned char)text[0];
    else if (strlen(text) == 6 && strncmp(text, "U+00", 4) == 0 && str_hex_value(text[5]) >= 0)
        code = str_hex_value(text[4]) * 16 + str_hex_value(text[5]);
    if (code <= 0 || code > 0x7F || !dialect_is_delimiter((char)code))
        return refuse(value,
                      "a delimiter: use one byte like , ; | ~, or tab, or U+0001; no letter, "
                      "digit, quote or line end",
                      err);
    value->number = code;
    return true;
}

static bool parse_errors(const struct option *option, struct option_value *value, struct err *err)
{
    struct span digits = span_of(value->text);

    (void)option;
    if (str_ends(value->text, "%")) {
        digits.size--;
        if (!str_to_int64(digits, 0, 100, &value->number))
            return refuse(value, "a percentage of rows: use 0% to 100%", err);
        value->rate = (double)value->number;
        return true;
    }
    if (str_to_int64(digits, 0, INT32_MAX, &value->number))
        return true;
    return refuse(value, "a number or a percentage of rows: use 100 or 5%", err);
}

/* What each kind takes: what `parse` accepts, or one of the words, whose place is its number, or
 * any text. */
static const struct {
    bool (*parse)(const struct option *option, struct option_value *value, struct err *err);
    const char *expected, *words[WORDS_MAX];
} kinds[] = {
    [KIND_FLAG] = {NULL},
    [KIND_TEXT] = {parse_text},
    [KIND_PATH] = {NULL},
    [KIND_INTEGER] = {parse_integer},
    [KIND_DURATION] = {parse_duration},
    [KIND_RATE] = {parse_rate},
    [KIND_TAGS] = {parse_tags},
    [KIND_SUFFIX] = {parse_suffix},
    [KIND_FORMAT] = {.expected = "csv or ndjson",
                     .words = {[ROW_FORMAT_CSV] = "csv", [ROW_FORMAT_NDJSON] = "ndjson"}},
    [KIND_LOG_FORMAT] = {.expected = "text or json",
                         .words = {[LOG_TEXT] = "text", [LOG_JSON] = "json"}},
    [KIND_ON_CONFLICT] =
        {.expected = "park, rebase or dismiss",
         .words =
             {[POLICY_PARK] = "park", [POLICY_REBASE] = "rebase", [POLICY_DISMISS] = "dismiss"}},
    [KIND_AUDIT] = {parse_audit},
    [KIND_ECHO] = {.expected = "drop or deliver", .words = {"drop", "deliver"}},
    [KIND_SECRET] = {NULL},
    [KIND_FIELD] = {parse_field},
    [KIND_STATES] = {parse_states},
    [KIND_DELIMITER] = {parse_delimiter},
    [KIND_ERRORS] = {parse_errors},
};

bool option_value_parse(const struct option *option, struct option_value *value, struct err *err)
{
    const char *expected = kinds[option->kind].expected;

    if (kinds[option->kind].parse)
        return kinds[option->kind].parse(option, value, err);
    value->number = option->kind == KIND_FLAG;
    for (int i = 0; expected && i < WORDS_MAX; i++) {
        const char *word = kinds[option->kind].words[i];

        if (word && strcmp(value->text, word) == 0) {
            value->number = i;
            return true;
        }
    }
    return !expected || refuse(value, expected, err);
}

void option_value_tags(const char *text, struct buf *out)
{
    const char *separator = "[";

    while (text) {
        size_t size = strcspn(text, ",");

        buf_append_text(out, separator);
        buf_append_quoted(out, (struct span){text, size});
        separator = ", ";
        text = text[size] ? text + size + 1 : NULL;
    }
    buf_append_char(out, ']');
}
