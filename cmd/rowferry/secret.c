#include "cmd/rowferry/secret.h"

#include "cmd/rowferry/trusted_file.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SECRET_SIZE_MAX = 4096 };

void secret_release(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* Removes the newline that editors and `echo` write at the end of a file. */
static void strip_line_end(char *text)
{
    text[span_without_end(span_of(text)).size] = '\0';
}

/* what: what the text must have, and nothing else; NULL: secrets, one per line, for one that is
 * being changed. */
static bool check(const char *name, const char *text, const char *what, struct err *err)
{
    if (!text[strspn(text, " ")])
        return err_set(err, ERR_CONFIG, "'%s' is empty: it must have %s", name,
                       what ? what : "the secret");
    for (const char *c = text; *c; c++)
        if (((unsigned char)*c < 0x20 && (what || !strchr("\r\n", *c))) || *c == 0x7F)
            return err_set(
                err, ERR_CONFIG,
                "'%s' has more than one line, or control characters: it must have only the secret",
                name);
    return true;
}

/* Whether the path is a credential of a systemd service (systemd.exec(5), LoadCredential=). It can
 * belong to root and have an access list for the service's user. Then its group bits are the mask
 * of that list, and do not mean that a group can read it. */
static bool is_credential(const char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    return folder && *folder == '/' && str_starts(path, folder) && path[strlen(folder)] == '/';
}

bool secret_file_is_private(const char *path, mode_t mode, const char *what, struct err *err)
{
    return (is_credential(path) && !(mode & S_IROTH)) ||
           trusted_file_private(path, mode, what, err);
}

static bool read_file(const char *path, const char *what, char **secret, struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    bool missing, fine;
    mode_t mode = 0;
    char has[32];

    if (!trusted_file_read(path, SECRET_SIZE_MAX, &text, &size, &mode, &missing, err))
        return false;
    if (missing)
        return err_set(err, ERR_CONFIG, "there is no file '%s': name the file of %s", path,
                       what ? what : "the secret");
    snprintf(has, sizeof has, "has %s", what ? what : "a secret");
    fine = secret_file_is_private(path, mode, has, err);
    if (fine && strlen(text) != size)
        fine = err_set(err, ERR_CONFIG, "'%s' has a NUL byte: it must have only the secret", path);
    strip_line_end(text);
    if (fine && check(path, text, what, err)) {
        *secret = text;
        return true;
    }
    explicit_bzero(text, size);
    free(text);
    return false;
}

bool secret_is_file(const struct options *options, enum option_id id)
{
    const struct option_value *value = &options->values[id];

    return value->text && (value->origin == FROM_ARGUMENT || str_ends(value->env, "_FILE"));
}

bool secret_read(const struct options *options, enum option_id id, char **secret, struct err *err)
{
    const struct option_value *value = &options->values[id];
    const char *what = id == OPT_CLIENT_SECRET ? "the client secret"
                       : id == OPT_API_KEY     ? "the key"
                                               : NULL;
    struct buf name = {0};
    bool fine;

    *secret = NULL;
    if (!value->text)
        return true;
    options_describe(options, id, &name);
    if (secret_is_file(options, id)) {
        fine = read_file(value->text, what, secret, err) || err_wrap(err, "%s", buf_text(&name));
    } else {
        char *text = mem_strdup(value->text);

        strip_line_end(text);
        fine = check(buf_text(&name), text, what, err);
        if (fine)
            *secret = text;
        else
            secret_release(text);
    }
    buf_release(&name);
    return fine;
}
