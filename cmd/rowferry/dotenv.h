/* A .env file: `KEY=value` lines as dotenv and systemd's EnvironmentFile read them. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { DOTENV_SIZE_MAX = 1 << 16 };

struct dotenv_entry {
    const char *key, *value;
    unsigned line;
};

/* Zeroed means empty. Keys and values point into text, which is wiped at release. */
struct dotenv {
    const char *path; /* the caller's */
    char *text;
    size_t text_size;
    struct dotenv_entry *entries;
    size_t count;
};

/* Reads the file. If it is missing, that is an error if required, else it counts as empty. It must
 * belong to the user or root, and nobody else can write it, or read it if it has a key that
 * is_secret. It has blank lines, `#` and `;` comments, and `export ` before keys. A value is bare
 * (it ends before ` #`), in single quotes (as it is) or in double quotes (with \n \t \r \" \\ \$
 * \`). ERR_CONFIG names file and line. */
bool dotenv_read(struct dotenv *dotenv, const char *path, bool required,
                 bool (*is_secret)(struct span key), struct err *err);
void dotenv_release(struct dotenv *dotenv);

/* Returns the last entry of that key whose value is not empty (or any, with or_empty), or NULL. */
const struct dotenv_entry *dotenv_find(const struct dotenv *dotenv, const char *key, bool or_empty);
