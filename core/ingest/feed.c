#include "core/ingest/feed.h"

#include "core/base/mem.h"
#include "core/inbox/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Returns the absolute path of the name itself, without following a link. */
static char *path_of(const char *name)
{
    const char *base = base_name(name);
    char *folder = base == name ? mem_strdup(".") : mem_copy(name, (size_t)(base - name));
    char *found = realpath(folder, NULL), *path = NULL;

    if (found)
        path = mem_printf("%s/%s", strcmp(found, "/") == 0 ? "" : found, base);
    free(found);
    free(folder);
    return path;
}

/* Checks that a link of an inbox leads to a file of the owner of the link. */
static bool check_link(const struct feed *feed, const char *path, const struct stat *status,
                       struct err *err)
{
    struct stat link;

    if (lstat(path, &link) == 0 && (!S_ISLNK(link.st_mode) || link.st_uid == status->st_uid))
        return true;
    return err_set(err, ERR_INPUT, "%s is a link to a file of another user", feed->source);
}

static bool open_regular(struct feed *feed, const char *path, bool through_links, struct err *err)
{
    struct stat status;

    feed->fd = open(path, O_RDONLY | (through_links ? 0 : O_NOFOLLOW) | O_NONBLOCK | O_CLOEXEC);
    if (feed->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(err, ERR_CONFIG, "'%s' does not exist: check its path", feed->source);
    if (feed->fd < 0 && errno == ELOOP)
        return err_set(err, ERR_INPUT, "%s is a symbolic link: name the file itself", feed->source);
    if (feed->fd < 0 && errno == EACCES)
        return err_set(err, ERR_INPUT,
                       "cannot read %s: %s: let this user read it, then run the same command again",
                       feed->source, strerror(errno));
    if (feed->fd < 0)
        return err_set(err, ERR_INPUT, "cannot read %s: %s", feed->source, strerror(errno));
    if (fstat(feed->fd, &status) != 0)
        return err_set(err, ERR_INPUT, "cannot read %s: %s", feed->source, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_INPUT, "%s is %s", feed->source,
                       S_ISDIR(status.st_mode)
                           ? "a folder: name the files in it"
                           : "not a regular file: give the content of a stream as `-`");
    if (through_links && !check_link(feed, path, &status, err))
        return false;
    feed->path = path_of(path);
    if (!feed->path)
        return err_set(err, ERR_INPUT, "cannot find where %s is: %s", feed->source,
                       strerror(errno));
    feed->identity = inbox_identity_of(&status);
    return true;
}

bool feed_open(struct feed *feed, const char *source, const char *path, bool through_links,
               struct err *err)
{
    *feed = (struct feed){.source = source, .fd = -1};
    if (strcmp(path, "-") == 0) {
        feed->fd = STDIN_FILENO;
        return true;
    }
    if (open_regular(feed, path, through_links, err))
        return true;
    feed_close(feed);
    return false;
}

void feed_close(struct feed *feed)
{
    if (feed->fd > STDIN_FILENO)
        close(feed->fd);
    free(feed->path);
    *feed = (struct feed){.fd = -1};
}

bool feed_rewind(struct feed *feed, struct err *err)
{
    if (feed->path && lseek(feed->fd, 0, SEEK_SET) != 0)
        return err_set(err, ERR_INPUT, "cannot read %s: %s", feed->source, strerror(errno));
    return true;
}

bool feed_fingerprint(struct feed *feed, struct err *err)
{
    struct stat status;
    uint64_t size;

    if (!feed->path)
        return true;
    if (!feed_rewind(feed, err))
        return false;
    /* status first, so that a file that grows while it is hashed counts as changed */
    if (fstat(feed->fd, &status) != 0)
        return err_set(err, ERR_INPUT, "cannot read %s: %s", feed->source, strerror(errno));
    if (!reader_fingerprint(feed->fd, feed->hash, &size, err))
        return err_wrap(err, "cannot read %s", feed->source);
    feed->identity = inbox_identity_of(&status);
    return feed_rewind(feed, err);
}

bool feed_changed(const struct feed *feed)
{
    struct stat status;
    struct inbox_identity now;

    if (!feed->path)
        return false;
    if (fstat(feed->fd, &status) != 0)
        return true;
    now = inbox_identity_of(&status);
    return !inbox_identity_equal(&now, &feed->identity);
}

static const struct schema *schema_of_folder(const struct feed *feed, const struct catalog *catalog,
                                             struct err *err)
{
    char *folder = mem_copy(feed->path, (size_t)(base_name(feed->path) - 1 - feed->path));
    const struct schema *schema = catalog_find(catalog, base_name(folder), err);

    free(folder);
    return schema;
}

const struct schema *feed_schema(const struct feed *feed, const struct ingest_options *options,
                                 enum batch_filing filing, struct err *err)
{
    if (options->schema)
        return catalog_find(options->catalog, options->schema, err);
    if (filing == BATCH_SUBFOLDER)
        return schema_of_folder(feed, options->catalog, err);
    if (feed->path)
        return catalog_match(options->catalog, base_name(feed->path), err);
    err_set(err, ERR_CONFIG, "standard input has no name to find its schema by: give --schema");
    return NULL;
}

bool feed_format(const struct feed *feed, const struct ingest_options *options,
                 enum row_format *format, struct err *err)
{
    const char *advice;

    *format = options->format;
    if (*format != ROW_FORMAT_NONE)
        return true;
    if (!feed->path)
        return err_set(err, ERR_CONFIG,
                       "standard input has no name to find its format by: give --format csv or "
                       "--format ndjson");
    *format = file_name_format(feed->path);
    if (*format != ROW_FORMAT_NONE)
        return true;
    advice = file_name_advice(feed->path);
    if (advice)
        return err_set(err, ERR_INPUT, "%s: %s", feed->source, advice);
    return err_set(err, ERR_INPUT,
                   "%s: unknown file type: name it .csv, .tsv, .ndjson or .jsonl, or give --format "
                   "csv or --format ndjson",
                   feed->source);
}

void feed_shape(const struct feed *feed, const struct ingest_options *options,
                const struct schema *schema, struct row_shape *shape)
{
    *shape = *schema_shape(schema);
    shape->dialect.encoding_forced = options->force;
    if (options->delimiter)
        shape->dialect.delimiter = options->delimiter;
    else if (!shape->dialect.delimiter && feed->path && file_name_ends_in(feed->path, ".tsv"))
        shape->dialect.delimiter = '\t';
}

void feed_tell(const struct feed *feed, const struct ingest_options *options,
               const struct reader *reader)
{
    char name[DIALECT_DELIMITER_NAME_SIZE];
    const char *delimiter = reader_detected_delimiter(reader, name);

    if (delimiter)
        notice_say(options->notices, "%s: the delimiter is %s, as its header row shows",
                   feed->source, delimiter);
}

void feed_report_end(const struct feed *feed, const struct ingest_options *options,
                     const struct reader *reader, const struct target *target)
{
    bool locked = target_description(target)->lock != TARGET_NONE;
    enum row_encoding doubtful = reader_encoding_doubtful(reader);
    uint64_t first, lines = reader_footer(reader, &first);

    if (lines)
        notice_say(options->notices,
                   "%s: %" PRIu64 " line%s left out as its footer, from line %" PRIu64 " on",
                   feed->source, lines, lines == 1 ? "" : "s", first);
    if (reader_ctrl_z_dropped(reader))
        notice_say(options->notices,
                   "%s: its last byte, 0x1A (Ctrl-Z), is left out: DOS programs end a text so",
                   feed->source);
    if (doubtful)
        notice_say(options->notices,
                   "%s: its only character above 0x7f would be UTF-8, too, and is read as %s, as "
                   "declared",
                   feed->source, encoding_name(doubtful));
    if (reader_version_ignored(reader))
        notice_say(options->notices,
                   locked ? "%s: its versions are ignored: the schema file has them fetched"
                          : "%s: its versions are ignored: its target has no lock",
                   feed->source);
    if (!locked)
        notice_say(options->notices, "%s: its target %s", feed->source, target_limit(target));
    if (reader_outcome_ignored(reader))
        notice_say(options->notices, "%s: an export: what it says of an earlier batch is ignored",
                   feed->source);
}

const char *feed_format_name(enum row_format format)
{
    return format == ROW_FORMAT_CSV ? "csv" : "ndjson";
}

enum row_format feed_format_of(const char *name)
{
    return strcmp(name, "csv") == 0 ? ROW_FORMAT_CSV : ROW_FORMAT_NDJSON;
}
