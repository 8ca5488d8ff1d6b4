#include "core/base/buf.h"
#include "core/job/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A picture of states in brackets and of lines between them, as characters in rows of one width. */
enum { ROWS_MAX = 40, COLUMNS = 100 };
#define JOB_STATE_LETTERS "abcdefghijklmnopqrstuvwxyz"

struct picture {
    char cells[ROWS_MAX][COLUMNS + 1];
    bool visited[ROWS_MAX][COLUMNS];
    int rows;
    unsigned from, to; /* sets of states that the line being followed connects */
};

static char cell(const struct picture *picture, int row, int column)
{
    if (row < 0 || row >= picture->rows || column < 0 || column >= COLUMNS)
        return ' ';
    return picture->cells[row][column];
}

/* The set with the state whose brackets are around that place, or have it; empty: there is none. */
static unsigned state_at(const struct picture *picture, int row, int column)
{
    const char *begin, *end, *text;
    char name[32] = "";
    enum job_state state;

    if (row < 0 || row >= picture->rows || column < 0 || column >= COLUMNS)
        return 0;
    text = picture->cells[row];
    begin = text + column;
    while (begin > text && *begin != '[' && (*begin != ']' || begin == text + column))
        begin--;
    end = strchr(begin, ']');
    if (*begin != '[' || !end || end < text + column || strncmp(begin, "[ ", 2) != 0)
        return 0;
    snprintf(name, sizeof name, "%.*s", (int)strspn(begin + 2, JOB_STATE_LETTERS), begin + 2);
    if (!job_state_parse(name, &state))
        fail_msg("'%s' in the picture is not a state", name);
    return 1u << state;
}

/* The letter v is an arrowhead where a line comes from above. */
static bool is_arrowhead(const struct picture *picture, int row, int column)
{
    char c = cell(picture, row, column), above = cell(picture, row - 1, column);

    if (c == 'v')
        return (above == '|' || above == '+') && !isalpha(cell(picture, row, column - 1)) &&
               !isalpha(cell(picture, row, column + 1));
    return c == '^' || c == '<' || c == '>';
}

static bool is_line(const struct picture *picture, int row, int column)
{
    char c = cell(picture, row, column);

    return c == '-' || c == '|' || c == '+' || is_arrowhead(picture, row, column);
}

/* Follows a line to all of its ends, adding up which states these are. */
static void follow(struct picture *picture, int row, int column)
{
    static const struct {
        int down, right;
        char head;      /* of an arrow in this direction */
        const char *on; /* what leads on in this direction */
    } ways[] = {{0, 1, '>', "-+"}, {0, -1, '<', "-+"}, {1, 0, 'v', "|+"}, {-1, 0, '^', "|+"}};
    char c = cell(picture, row, column);

    if (picture->visited[row][column])
        return;
    picture->visited[row][column] = true;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int down = ways[i].down, right = ways[i].right, gap = down ? 1 : 2;
        bool is_head = is_arrowhead(picture, row, column);
        unsigned found = state_at(picture, row + gap * down, column + gap * right);

        if (is_head ? c == ways[i].head : strchr(ways[i].on, c) && found)
            *(is_head ? &picture->to : &picture->from) |= found;
        if (is_head ? c == ways[i ^ 1].head : strchr(ways[i].on, c) != NULL) {
            char next = cell(picture, row + down, column + right);

            if (is_line(picture, row + down, column + right) &&
                (next == ways[i].head || strchr(ways[i].on, next)))
                follow(picture, row + down, column + right);
        }
    }
}

/* Reads the picture after that title: the lines with that prefix, from the first one with a line of
 * the picture in it to the last before one without the prefix. */
static void read_picture(const char *path, const char *title, const char *prefix,
                         struct picture *picture, struct buf *text)
{
    FILE *file = fopen(path, "r");
    char line[512];
    bool titled = false, inside = false;

    assert_non_null(file);
    *picture = (struct picture){0};
    while (fgets(line, sizeof line, file)) {
        size_t size = strlen(prefix);
        bool has_prefix = strncmp(line, prefix, size) == 0;

        titled = titled || strstr(line, title);
        if (!inside && !(titled && has_prefix && strstr(line, "+-----")))
            continue;
        if (inside && !has_prefix)
            break;
        inside = true;
        assert_true(picture->rows < ROWS_MAX);
        line[strcspn(line, "\n")] = '\0';
        buf_printf(text, "%s\n", line + size);
        snprintf(picture->cells[picture->rows++], COLUMNS + 1, "%-*s", COLUMNS, line + size);
    }
    fclose(file);
}

static void the_picture_has_the_moves_of_the_table(void **state)
{
    struct picture *picture = calloc(1, sizeof *picture);
    unsigned moves[JOB_STATES] = {0}, begin = 0;
    struct buf text = {0};

    (void)state;
    read_picture("core/job/state.c", "The life of a job", " * ", picture, &text);
    for (int row = 0; row < picture->rows; row++) {
        for (int column = 0; column < COLUMNS; column++) {
            if (!is_line(picture, row, column) || picture->visited[row][column])
                continue;
            picture->from = picture->to = 0;
            follow(picture, row, column);
            if (!picture->to)
                fail_msg("a line in row %d, column %d leads to no state", row + 1, column + 1);
            for (unsigned from = 0; from < JOB_STATES; from++)
                moves[from] |= picture->from & 1u << from ? picture->to : 0;
            begin |= picture->from ? 0 : picture->to;
        }
    }
    assert_int_equal(begin, 1u << JOB_PENDING);
    for (unsigned from = 0; from < JOB_STATES; from++)
        for (unsigned to = 0; to < JOB_STATES; to++)
            if (job_state_can_move(from, to) != (bool)(moves[from] & 1u << to))
                fail_msg("from %s to %s: %s", job_state_name(from), job_state_name(to),
                         moves[from] & 1u << to ? "only in the picture" : "not in the picture");
    buf_release(&text);
    free(picture);
}

static void the_documents_have_the_same_picture(void **state)
{
    struct picture *picture = calloc(1, sizeof *picture);
    struct buf in_source = {0}, in_document = {0};

    (void)state;
    read_picture("core/job/state.c", "The life of a job", " * ", picture, &in_source);
    read_picture("docs/design.md", "## The states of a job", "    ", picture, &in_document);
    assert_string_equal(buf_text(&in_document), buf_text(&in_source));
    buf_release(&in_source);
    buf_release(&in_document);
    free(picture);
}

static void a_name_leads_back_to_its_state(void **state)
{
    (void)state;
    for (unsigned i = 0; i < JOB_STATES; i++) {
        enum job_state parsed = JOB_STATES;

        assert_true(job_state_parse(job_state_name((enum job_state)i), &parsed));
        assert_int_equal(parsed, i);
    }
    for (unsigned i = 0; i < BATCH_STATES; i++) {
        enum batch_state parsed = BATCH_STATES;

        assert_true(batch_state_parse(batch_state_name((enum batch_state)i), &parsed));
        assert_int_equal(parsed, i);
    }
}

static void other_names_are_not_states(void **state)
{
    static const char *const others[] = {"", "Pending", "pending ", "pendin", "loading", "open"};
    enum job_state parsed = JOB_STATES;
    enum batch_state batch = BATCH_STATES;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(job_state_parse(others[i], &parsed));
    assert_int_equal(parsed, JOB_STATES);
    assert_false(batch_state_parse("pending", &batch));
    assert_int_equal(batch, BATCH_STATES);
}

/* An open state leads on by itself; an ended one only by a decision. */
static void a_drain_works_on_pending_sending_and_unknown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < JOB_STATES; i++)
        assert_int_equal(job_state_is_open((enum job_state)i), i <= JOB_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_picture_has_the_moves_of_the_table),
        cmocka_unit_test(the_documents_have_the_same_picture),
        cmocka_unit_test(a_name_leads_back_to_its_state),
        cmocka_unit_test(other_names_are_not_states),
        cmocka_unit_test(a_drain_works_on_pending_sending_and_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
