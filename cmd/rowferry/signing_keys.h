/* The keys of a setting that signs, and the file that they come from, which can change while the
 * program runs. */
#pragma once

#include "cmd/rowferry/options.h"
#include "core/notify/signature.h"

#include <sys/stat.h>

/* Zeroed means that no file is looked at. */
struct signing_keys_file {
    const struct options *options;
    enum option_id id;
    struct stat taken, seen,
        refused; /* of the keys in use, at the last look, when it was unusable */
};

/* Reads the keys of a setting into *keys, the caller's; NULL if it is not set. file, unless it is
 * NULL, is set up for signing_keys_look; the options stay the caller's. False with ERR_CONFIG,
 * which shows nothing of a secret. */
bool signing_keys_read(const struct options *options, enum option_id id,
                       struct signature_keys **keys, struct signing_keys_file *file,
                       struct err *err);

/* Looks whether the file has changed, and has been the same for two looks in a row, so that it is
 * not read half written. Returns the new keys, the caller's. NULL: nothing has changed, or, with an
 * error that is set once for each change, the file cannot be used as it is. */
struct signature_keys *signing_keys_look(struct signing_keys_file *file, struct err *err);
