#include "core/ingest/checksum.h"

#include "core/base/mem.h"
#include "core/inbox/file_name.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { SUMS_SIZE = 1 << 16 }; /* bytes that are read from a file of checksums */

/* Reads a small file as text, which the caller frees. *text: NULL for what is not a regular file.
 * False with ERR_INPUT: it cannot be read, so nobody knows whether the sum fits. */
static bool read_text(const char *path, char **text, struct err *err)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), fault = errno;
    ssize_t size = -1;

    *text = NULL;
    if (fd >= 0) {
        *text = mem_calloc(SUMS_SIZE, 1);
        size = read(fd, *text, SUMS_SIZE - 1);
        fault = errno;
        close(fd);
    }
    if (size < 0) {
        free(*text);
        *text = NULL;
    }
    return *text || fault == ENOENT || fault == ENAMETOOLONG || fault == ELOOP || fault == ENXIO ||
           fault == EISDIR || fault == EAGAIN ||
           err_set(err, ERR_INPUT, "cannot read %s: %s", path, strerror(fault));
}

/* Computes the checksum of the file, in hexadecimal. */
static bool compute(struct feed *feed, const char *algorithm, char *sum, struct err *err)
{
    unsigned char buffer[1 << 16], digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *kind = EVP_get_digestbyname(algorithm);
    unsigned digest_size = 0;
    ssize_t size = 0;
    bool fine = context && kind && EVP_DigestInit_ex(context, kind, NULL) == 1;

    if (!fine)
        err_set(err, ERR_INTERNAL, "this system's libcrypto has no %s", algorithm);
    else
        fine = feed_rewind(feed, err);
    while (fine && (size = read(feed->fd, buffer, sizeof buffer)) > 0)
        EVP_DigestUpdate(context, buffer, (size_t)size);
    if (fine && size < 0)
        fine = err_set(err, ERR_INPUT, "cannot read %s: %s", feed->source, strerror(errno));
    if (fine)
        EVP_DigestFinal_ex(context, digest, &digest_size);
    EVP_MD_CTX_free(context);
    str_hex(digest, digest_size, sum);
    return fine && feed_rewind(feed, err);
}

/* Returns whether the line has the checksum as a separate word: `SUM name`, `MD5 (name) = SUM`,
 * `SUM`. */
static bool line_has(const char *line, size_t size, const char *sum)
{
    size_t length = strlen(sum);

    for (size_t i = 0; i + length <= size; i++)
        if (strncasecmp(line + i, sum, length) == 0 &&
            (i == 0 || !isalnum((unsigned char)line[i - 1])) &&
            (i + length == size || !isalnum((unsigned char)line[i + length])))
            return true;
    return false;
}

/* If lines name files, the line of this file counts. */
static bool sums_have(const char *text, const char *name, const char *sum)
{
    bool named = strstr(text, name) != NULL;

    while (*text) {
        size_t size = strcspn(text, "\r\n");

        if (line_has(text, size, sum) && (!named || memmem(text, size, name, strlen(name))))
            return true;
        text += size + (text[size] != '\0');
    }
    return false;
}

/* Returns whether the text has a word of so many hexadecimal digits, which can be a checksum. */
static bool has_any(const char *text, size_t length)
{
    size_t digits = 0;

    for (; *text; text++) {
        digits = isxdigit((unsigned char)*text) ? digits + 1 : 0;
        if (digits == length && !isalnum((unsigned char)text[1]))
            return true;
    }
    return false;
}

static bool check_one(struct feed *feed, const char *ending, const char *algorithm, bool *fits,
                      char reason[ERR_TEXT_SIZE], struct err *err)
{
    char *path = mem_printf("%s%s", feed->path, ending), *text;
    const char *name = strrchr(feed->path, '/') + 1;
    char sum[2 * EVP_MAX_MD_SIZE + 1] = "";
    bool fine = read_text(path, &text, err);

    if (text) {
        fine = compute(feed, algorithm, sum, err);
        *fits = fine && sums_have(text, name, sum);
        if (fine && !*fits && !has_any(text, strlen(sum)))
            snprintf(
                reason, ERR_TEXT_SIZE,
                "%.400s: %.400s%s holds no %s sum of %zu hexadecimal digits: write it as "
                "%ssum(1) does, in ASCII or UTF-8, or delete it to have the file read as it is",
                feed->source, name, ending, algorithm, strlen(sum), ending + 1);
        else if (fine && !*fits)
            snprintf(reason, ERR_TEXT_SIZE,
                     "%.400s: its %s sum is not the one in %.400s%s: it is left for the next run, "
                     "when the rest of it may have come; otherwise send both again, or delete "
                     "%.400s%s to have it read as it is",
                     feed->source, algorithm, name, ending, name, ending);
    }
    free(text);
    free(path);
    return fine;
}

bool checksum_check(struct feed *feed, bool *fits, char reason[ERR_TEXT_SIZE], struct err *err)
{
    const char *ending, *algorithm;

    *fits = true;
    for (size_t n = 0; *fits && (ending = file_name_checksum(n, &algorithm)); n++)
        if (!check_one(feed, ending, algorithm, fits, reason, err))
            return false;
    return true;
}
