#include "cmd/rowferry/choosing.h"

#include "core/base/stop.h"
#include "core/store/intake.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static bool parse_job(const char *text, int64_t *job_id)
{
    const char *slash = strchr(text, '/');
    int64_t batch_id, row_no;

    if (!slash ||
        !str_to_int64((struct span){text, (size_t)(slash - text)}, 1, INT32_MAX, &batch_id) ||
        !str_to_int64(span_of(slash + 1), 1, JOB_ROWS - 1, &row_no))
        return false;
    *job_id = batch_id * JOB_ROWS + row_no;
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Ascending, each once. */
static void sort_ids(struct buf *job_ids)
{
    size_t count = job_ids->size / sizeof(int64_t), kept = 0;
    int64_t *ids = (int64_t *)(void *)job_ids->data;

    if (!count)
        return;
    qsort(ids, count, sizeof *ids, compare_ids);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || ids[i] != ids[kept - 1])
            ids[kept++] = ids[i];
    job_ids->size = kept * sizeof *ids;
}

bool choosing_read(const struct options *options, struct buf *job_ids, struct err *err)
{
    int ways = (options->path_count > 0) + (options_number(options, OPT_BATCH) > 0) +
               options_flag(options, OPT_ALL);

    if (ways != 1)
        return err_set(err, ERR_CONFIG,
                       "%s name them (5/812), or --batch, or --all; see rowferry %s --help",
                       ways ? "which jobs, in one way:" : "which jobs?", options->command_name);
    for (size_t i = 0; i < options->path_count; i++) {
        int64_t job_id;

        if (!parse_job(options->paths[i], &job_id))
            return err_set(err, ERR_CONFIG, "'%s' is no job: jobs are named BATCH/ROW, like 5/812",
                           options->paths[i]);
        buf_append(job_ids, (const char *)&job_id, sizeof job_id);
    }
    sort_ids(job_ids);
    return true;
}

bool choosing_batch(const struct options *options, int64_t *batch_id, struct err *err)
{
    *batch_id = 0;
    return options->path_count == 0 ||
           str_to_int64(span_of(options->paths[0]), 1, INT32_MAX, batch_id) ||
           err_set(err, ERR_CONFIG,
                   "'%s' is no batch: batches have numbers, and `rowferry status` lists them",
                   options->paths[0]);
}

void choosing_name(struct buf *out, int64_t job_id)
{
    buf_printf(out, "%" PRId64 "/%" PRId64, job_id / JOB_ROWS, job_id % JOB_ROWS);
}

/* The first byte of a line typed on the terminal; 0: none, or a signal came. */
static char read_answer(void)
{
    struct pollfd waiting[] = {{STDIN_FILENO, POLLIN, 0}, {stop_fd(), POLLIN, 0}};
    char line[256];

    while (!stop_requested()) {
        if (poll(waiting, 2, -1) > 0 && waiting[0].revents)
            return read(STDIN_FILENO, line, sizeof line) > 0 ? line[0] : '\0';
    }
    return '\0';
}

bool choosing_confirmed(struct cli *cli, const char *what)
{
    struct buf question = {0};
    char answer;

    if (options_flag(&cli->options, OPT_YES))
        return true;
    if (!isatty(STDIN_FILENO)) {
        report_error(&cli->report, ERR_CONFIG,
                     "%s? say --yes, as there is no terminal to ask on; --dry-run shows them",
                     what);
        return false;
    }
    buf_printf(&question, "%s?", what);
    report_ask(&cli->report, buf_text(&question));
    buf_release(&question);
    answer = read_answer();
    if (answer == 'y' || answer == 'Y')
        return true;
    if (stop_requested()) {
        report_stopped(&cli->report);
    } else {
        report_notice(&cli->report, "nothing is changed");
        report_status(&cli->report, EXIT_ROWS);
    }
    return false;
}
