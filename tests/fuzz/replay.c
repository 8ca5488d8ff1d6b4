/* A main for a fuzz target: runs it on every file of a folder, in the order of their names, as one
 * test each (TAP). A failure ends the process. */
#include "core/base/buf.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool read_file(int folder, const char *name, struct buf *bytes)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;

    buf_reset(bytes);
    while (fd >= 0 && (got = read(fd, buf_reserve(bytes, 4096), 4096)) > 0)
        bytes->size += (size_t)got;
    if (fd >= 0)
        close(fd);
    return got == 0;
}

/* Runs an input in memory of exactly its size, so that a sanitizer sees each read beyond it. */
static void run(const struct buf *bytes)
{
    uint8_t *input = malloc(bytes->size ? bytes->size : 1);

    fuzz_must(input != NULL, "there is memory");
    memcpy(input, bytes->data, bytes->size);
    LLVMFuzzerTestOneInput(input, bytes->size);
    free(input);
}

static bool replay(int folder, struct dirent **files, int count)
{
    struct buf bytes = {0};
    bool all_read = true;

    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        const char *name = files[i]->d_name;
        bool readable = read_file(folder, name, &bytes);

        printf("# %s\n", name);
        fflush(stdout);
        if (readable)
            run(&bytes);
        printf("%sok %d - %s\n", readable ? "" : "not ", i + 1, name);
        all_read &= readable;
    }
    buf_release(&bytes);
    return all_read;
}

int main(int argc, char **argv)
{
    struct dirent **files;
    int folder, count;
    bool ok;

    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    count = scandir(argv[1], &files, is_visible, alphasort);
    if (folder < 0 || count < 0) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    ok = replay(folder, files, count);
    for (int i = 0; i < count; i++)
        free(files[i]);
    free(files);
    close(folder);
    return ok ? 0 : 1;
}
