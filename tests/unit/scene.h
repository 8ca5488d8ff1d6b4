/* A folder for each test, its content, and the notices about it. */
#pragma once

#include "core/base/notice.h"
#include "core/inbox/place.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene {
    char folder[64];
    char said[8192];
    struct scene *other; /* NULL, or one that ends with it */
};

static inline void hear(void *context, const char *text)
{
    struct scene *scene = context;
    size_t size = strlen(scene->said);

    snprintf(scene->said + size, sizeof scene->said - size, "%s\n", text);
}

static inline struct notice_sink ears(struct scene *scene)
{
    return (struct notice_sink){hear, scene};
}

static inline int scene_begin(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char folder[SCRATCH_SIZE];

    scratch_make(folder);
    assert_true(snprintf(scene->folder, sizeof scene->folder, "%s", folder) < 64);
    *state = scene;
    return 0;
}

static inline void scene_release(struct scene *scene)
{
    scratch_remove(scene->folder);
    free(scene);
}

static inline int scene_end(void **state)
{
    struct scene *scene = *state;

    if (scene->other)
        scene_release(scene->other);
    scene_release(scene);
    return 0;
}

static inline const char *at(const struct scene *scene, const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", scene->folder, name);
    return path;
}

static inline void put(const struct scene *scene, const char *name, const char *text)
{
    scratch_write(at(scene, name), text, strlen(text));
}

static inline void put_more(const struct scene *scene, const char *name, const char *text)
{
    FILE *file = fopen(at(scene, name), "a");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static inline void assert_holds(const struct scene *scene, const char *name, const char *text)
{
    char *found = scratch_read(at(scene, name));

    assert_non_null(found);
    assert_string_equal(found, text);
    free(found);
}

static inline void assert_missing(const struct scene *scene, const char *name)
{
    struct stat status;

    assert_int_equal(lstat(at(scene, name), &status), -1);
}

/* Returns the number of names in a folder, including hidden ones. */
static inline unsigned names_in(const struct scene *scene, const char *folder)
{
    DIR *stream = opendir(at(scene, folder));
    unsigned count = 0;

    assert_non_null(stream);
    for (const struct dirent *entry; (entry = readdir(stream));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

static inline struct inbox_identity identity_at(const struct scene *scene, const char *name)
{
    struct stat status;

    assert_int_equal(lstat(at(scene, name), &status), 0);
    return inbox_identity_of(&status);
}

/* A child that adds to a file every few milliseconds, `times` times (0: until it is killed), and
 * sets its times to stamp (NULL: leaves them). It has written once when this returns. */
static inline pid_t start_writer(const struct scene *scene, const char *name, int times,
                                 const struct timespec *stamp)
{
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    child = scratch_fork();
    if (child == 0) {
        int fd = open(at(scene, name), O_WRONLY | O_APPEND | O_CLOEXEC);

        for (int i = 0; times == 0 || i < times; i++) {
            if (write(fd, "x", 1) != 1 || (stamp && futimens(fd, stamp) != 0))
                _exit(1);
            if (i == 0 && write(ready[1], "x", 1) != 1)
                _exit(1);
            usleep(2000);
        }
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
