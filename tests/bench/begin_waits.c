/* A library loaded before SQLite (LD_PRELOAD) that measures how long a process waits for the write
 * lock. At its end it writes a line to the file in BEGIN_WAITS: the longest BEGIN IMMEDIATE in ms,
 * the 99.9th percentile, how many there were, and the longest COMMIT. */
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITS_MAX = 1000000 };

typedef int exec_function(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *,
                          char **);

/* The main thread begins all transactions; the few of other threads do not matter. */
static double waits[WAITS_MAX], longest_commit;
static size_t count;

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
    double begun_ms = now_ms(), took_ms;
    int code;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "sqlite3_exec");
    code = next(db, sql, callback, context, message);
    took_ms = now_ms() - begun_ms;
    if (strcmp(sql, "BEGIN IMMEDIATE") == 0 && count < WAITS_MAX)
        waits[count++] = took_ms;
    else if (strcmp(sql, "COMMIT") == 0 && took_ms > longest_commit)
        longest_commit = took_ms;
    return code;
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

__attribute__((destructor)) static void write_waits(void)
{
    const char *path = getenv("BEGIN_WAITS");
    FILE *file = path && count > 0 ? fopen(path, "w") : NULL;

    if (!file)
        return;
    qsort(waits, count, sizeof *waits, compare);
    fprintf(file, "%.1f %.1f %zu %.1f\n", waits[count - 1], waits[count - 1 - count / 1000], count,
            longest_commit);
    fclose(file);
}
