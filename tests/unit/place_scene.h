/* Moves of files in an inbox, and what others do in the middle of them. */
#pragma once

#include "core/inbox/writers.h"
#include "tests/unit/scene.h"

#include <errno.h>
#include <grp.h>
#include <sys/syscall.h>

/* The errno that renameat2 fails with; 0: it works. */
static int rename_fault;

/* What others do right before and right after the next rename. */
static void (*meanwhile)(const struct scene *scene), (*afterwards)(const struct scene *scene);
static const struct scene *meanwhile_scene;
static int held_fd = -1;

static inline void replace_it(const struct scene *scene)
{
    put(scene, "a.csv.new", "two");
    assert_int_equal(rename(at(scene, "a.csv.new"), at(scene, "a.csv")), 0);
}

static inline void put_another(const struct scene *scene)
{
    put(scene, "a.csv", "three");
}

static inline void append_to_it(const struct scene *scene)
{
    put_more(scene, "a.csv", ", two");
}

static inline void open_it(const struct scene *scene)
{
    held_fd = open(at(scene, "a.csv"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(held_fd >= 0);
}

static inline void happen(void (**what)(const struct scene *scene))
{
    void (*once)(const struct scene *scene) = *what;

    *what = NULL;
    if (once)
        once(meanwhile_scene);
}

/* In place of that of the C library, for this program. */
int renameat2(int from, const char *name, int to, const char *target, unsigned flags)
{
    int end;

    happen(&meanwhile);
    if (!rename_fault) {
        end = (int)syscall(SYS_renameat2, from, name, to, target, flags);
        happen(&afterwards);
        return end;
    }
    errno = rename_fault;
    return -1;
}

static inline struct inbox_place place_of(const struct scene *scene, const char *name,
                                          const char *sub, int64_t batch_id,
                                          const struct inbox_identity *file)
{
    return (struct inbox_place){scene->folder, NULL, name, sub, batch_id, file};
}

static inline void assert_moves(const struct inbox_place *place, enum inbox_move expected)
{
    char name[INBOX_NAME_SIZE];
    enum inbox_move end;
    struct err err = {0};

    if (!inbox_place_move(place, name, &end, &err))
        fail_msg("%s", err.text);
    assert_int_equal(end, expected);
}

static inline void assert_found(const struct inbox_place *place, const char *expected,
                                enum inbox_whereabouts where)
{
    enum inbox_whereabouts found;
    char name[INBOX_NAME_SIZE];
    struct err err = {0};

    if (!inbox_place_find(place, name, &found, &err))
        fail_msg("%s", err.text);
    assert_string_equal(name, expected);
    assert_int_equal(found, where);
}

/* Writes the context, a text; NULL: it fails. */
static inline bool write_text(void *context, int fd, struct err *err)
{
    const char *text = context;

    if (!text)
        return err_set(err, ERR_CONFIG, "No space left on device");
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}
