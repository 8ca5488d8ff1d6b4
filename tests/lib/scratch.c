#include "tests/lib/scratch.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/stop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void scratch_make(char folder[SCRATCH_SIZE])
{
    const char *parent = getenv("TMPDIR");

    snprintf(folder, SCRATCH_SIZE, "%s/rowferry-test-XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(folder))
        fail_msg("no temporary folder %s", folder);
}

static int drop(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void scratch_remove(const char *folder)
{
    nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

int scratch_begin(void **state)
{
    struct scratch *scratch = mem_calloc(1, sizeof *scratch);

    scratch->first_free = scratch_free_descriptor();
    scratch_make(scratch->folder);
    snprintf(scratch->database, sizeof scratch->database, "%s/a.db", scratch->folder);
    snprintf(scratch->index, sizeof scratch->index, "%s-shm", scratch->database);
    *state = scratch;
    return 0;
}

int scratch_end(void **state)
{
    struct scratch *scratch = *state;

    assert_int_equal(scratch_free_descriptor(), scratch->first_free);
    scratch_remove(scratch->folder);
    free(scratch);
    return 0;
}

void scratch_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

#ifdef ROWFERRY_COVERAGE

void __gcov_dump(void);

/* In place of that of the C library, so that the children of tests count. */
void _exit(int status)
{
    __gcov_dump();
    for (;;)
        syscall(SYS_exit_group, status);
}

#endif

char *scratch_read(const char *path)
{
    FILE *file = fopen(path, "r");
    struct buf text = {0};
    size_t size = 1;

    if (!file)
        return NULL;
    while (size) {
        size = fread(buf_reserve(&text, 4096), 1, 4096, file);
        text.size += size;
    }
    fclose(file);
    buf_text(&text);
    return text.data;
}

void scratch_schema(const char *folder, const char *name, const char *properties,
                    const char *settings)
{
    struct buf path = {0}, text = {0};

    buf_printf(&path, "%s/%s.json", folder, name);
    buf_printf(&text, "{\"properties\": {%s}, \"x-rowferry\": {%s}}", properties, settings);
    scratch_write(buf_text(&path), text.data, text.size);
    buf_release(&path);
    buf_release(&text);
}

int scratch_free_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    close(fd);
    return fd;
}

pid_t scratch_fork(void)
{
    pid_t parent = getpid(), child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
    }
    return child;
}

int scratch_join(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* --- descriptors --- */

static int open_at_start;

static int count_open(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

__attribute__((constructor)) static void note_open(void)
{
    open_at_start = count_open();
}

/* A program of tests that leaves a descriptor open fails, as one that leaves memory does. The one
 * that signals are seen at is open for the life of a process. */
__attribute__((destructor)) static void compare_open(void)
{
    int left = count_open() - open_at_start - (fcntl(stop_fd(), F_GETFD) >= 0);

    if (left <= 0)
        return;
    fprintf(stderr, "%d descriptors are left open\n", left);
    _exit(1);
}
