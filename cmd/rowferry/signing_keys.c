#include "cmd/rowferry/signing_keys.h"

#include "cmd/rowferry/secret.h"

#include <string.h>

/* All zero where there is no file. */
static struct stat look_at(const struct signing_keys_file *file)
{
    struct stat status;

    if (stat(options_text(file->options, file->id), &status) != 0)
        status = (struct stat){0};
    return status;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* A change of owner or mode counts: it can make a file usable. */
static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

bool signing_keys_read(const struct options *options, enum option_id id,
                       struct signature_keys **keys, struct signing_keys_file *file,
                       struct err *err)
{
    char *secret = NULL;
    bool fine;

    *keys = NULL;
    if (file && secret_is_file(options, id)) {
        *file = (struct signing_keys_file){.options = options, .id = id};
        file->taken = file->seen = look_at(file); /* before it is read: a later change is seen */
    }
    fine = secret_read(options, id, &secret, err);
    if (fine && secret) {
        struct buf name = {0};

        options_describe(options, id, &name);
        *keys = signature_keys_read(span_of(secret), err);
        fine = *keys || err_wrap(err, "%s", buf_text(&name));
        buf_release(&name);
    }
    secret_release(secret);
    return fine;
}

struct signature_keys *signing_keys_look(struct signing_keys_file *file, struct err *err)
{
    struct signature_keys *keys = NULL;
    struct stat before, now;

    if (!file->options)
        return NULL;
    before = file->seen;
    file->seen = now = look_at(file);
    if (is_same(&now, &file->taken) || !is_same(&now, &before) || is_same(&now, &file->refused))
        return NULL;
    if (signing_keys_read(file->options, file->id, &keys, NULL, err))
        file->taken = now;
    else
        file->refused = now;
    return keys;
}
