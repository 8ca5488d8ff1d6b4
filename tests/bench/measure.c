/* Runs a command and writes what it took into a file, on one line:
 *
 *   measure FILE COMMAND...      seconds, cpu seconds, peak resident KiB, exit status
 *
 * The status of measure is that of the command. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    struct rusage used;
    double started, wall_s;
    int status, result;
    FILE *file;
    pid_t pid;

    if (argc < 3) {
        fprintf(stderr, "usage: measure FILE COMMAND...\n");
        return 2;
    }
    started = now_s();
    pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid) {
        fprintf(stderr, "measure: %s\n", strerror(errno));
        return 2;
    }
    wall_s = now_s() - started;
    result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    file = fopen(argv[1], "w");
    if (!file ||
        fprintf(file, "%.6f %.6f %ld %d\n", wall_s, seconds(used.ru_utime) + seconds(used.ru_stime),
                used.ru_maxrss, result) < 0) {
        fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    fclose(file);
    return result;
}
