/* What went wrong: a kind that decides the exit status, a text for the operator, and the place in
 * the sources that set it. */
#pragma once

#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_INTERNAL, /* a bug of ours */
    ERR_CONFIG,   /* usage, settings, schema file, certificate, environment */
    ERR_INPUT,    /* a file is refused or cannot be read */
    ERR_AUTH,     /* the API refused credentials or permissions */
    ERR_NETWORK,  /* nothing answers; the same command again resumes */
    ERR_BUSY,     /* another process holds the intake or the drain lock */
    ERR_STORE,    /* the database cannot be used */
    ERR_LIMIT,    /* --max-errors, --min-rows or --max-refused does not allow it */
    ERR_STOPPED,  /* SIGINT, SIGTERM, SIGHUP or --max-time; see stop_signal() */
};

enum { ERR_TEXT_SIZE = 2048 };

struct err {
    enum err_kind kind;
    int fault;          /* errno, if a file could not be read; else 0 */
    const char *source; /* `core/store/db.c:123`; NULL before err_set */
    char text[ERR_TEXT_SIZE];
};

/* The line that this is in, as struct err has it. The Makefile compiles by relative paths. */
#define ERR_SOURCE        __FILE__ ":" ERR_STRING(__LINE__)
#define ERR_STRING(value) ERR_QUOTED(value)
#define ERR_QUOTED(text)  #text

/* Fills err, once, where the cause is known. A text beyond ERR_TEXT_SIZE is cut.
 * Returns false, so that a caller can write `return err_set(...)`. */
#define err_set(err, kind, ...) err_set_at(err, ERR_SOURCE, kind, __VA_ARGS__)
bool err_set_at(struct err *err, const char *source, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts `format: ` before the text that is there; kind and source stay. Returns false. */
bool err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
