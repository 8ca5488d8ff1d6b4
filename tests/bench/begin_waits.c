/* A library loaded before SQLite (LD_PRELOAD) that measures how long a process waits for the write
 * lock, and for its commits. At its end it writes a line to the file in BEGIN_WAITS: the longest
 * BEGIN IMMEDIATE in ms, the 99.9th percentile, how many there were, and the same of COMMIT. */
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITS_MAX = 1000000 };

typedef int exec_function(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *,
                          char **);

/* One thread begins all transactions; the few of other threads do not matter. */
static struct waits {
    double ms[WAITS_MAX];
    size_t count;
} begins, commits;

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int sqlite3_exec(sqlite3 *db, const char *sql, int (*callback)(void *, int, char **, char **),
                 void *context, char **message)
{
    static exec_function *next;
    struct waits *waits = strcmp(sql, "BEGIN IMMEDIATE") == 0 ? &begins
                          : strcmp(sql, "COMMIT") == 0        ? &commits
                                                              : NULL;
    double begun_ms;
    int code;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "sqlite3_exec");
    begun_ms = now_ms();
    code = next(db, sql, callback, context, message);
    if (waits && waits->count < WAITS_MAX)
        waits->ms[waits->count++] = now_ms() - begun_ms;
    return code;
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static void write_one(FILE *file, struct waits *waits)
{
    size_t last = waits->count - 1;

    if (waits->count == 0)
        return;
    qsort(waits->ms, waits->count, sizeof *waits->ms, compare);
    fprintf(file, "%.1f %.1f %zu ", waits->ms[last], waits->ms[last - waits->count / 1000],
            waits->count);
}

__attribute__((destructor)) static void write_waits(void)
{
    const char *path = getenv("BEGIN_WAITS");
    FILE *file = path && begins.count > 0 ? fopen(path, "w") : NULL;

    if (!file)
        return;
    write_one(file, &begins);
    write_one(file, &commits);
    fputc('\n', file);
    fclose(file);
}
