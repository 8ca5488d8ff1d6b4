#include "core/validate/catalog.h"

#include "core/base/buf.h"
#include "core/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SCHEMAS_MAX = 1000 /* of a folder */ };

struct entry {
    char *name;            /* of the schema */
    struct schema *schema; /* NULL if the file is invalid */
    char *fault;           /* the error then */
};

struct catalog {
    char *folder;
    struct entry *entries; /* sorted by name */
    size_t count;
};

static int entry_order(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* True if NAME.json in the folder is a regular file, or a link to one. */
static bool is_schema_file(DIR *directory, const char *name)
{
    struct stat status;

    return name[0] != '.' && str_ends(name, ".json") &&
           fstatat(dirfd(directory), name, &status, 0) == 0 && S_ISREG(status.st_mode);
}

static bool list_folder(struct catalog *catalog, DIR *directory, struct err *err)
{
    struct dirent *file;

    errno = 0;
    while ((file = readdir(directory))) {
        if (is_schema_file(directory, file->d_name)) {
            if (catalog->count == SCHEMAS_MAX)
                return err_set(err, ERR_CONFIG, "%s: more than %d schema files", catalog->folder,
                               SCHEMAS_MAX);
            catalog->entries =
                mem_resize(catalog->entries, catalog->count + 1, sizeof *catalog->entries);
            catalog->entries[catalog->count++] = (struct entry){
                .name = mem_copy(file->d_name, strlen(file->d_name) - strlen(".json"))};
        }
        errno = 0;
    }
    if (errno)
        return err_set(err, ERR_CONFIG, "cannot read the schema folder '%s': %s", catalog->folder,
                       strerror(errno));
    if (!catalog->count)
        return err_set(err, ERR_CONFIG,
                       "the schema folder '%s' has no schema file: write NAME.json for each object",
                       catalog->folder);
    qsort(catalog->entries, catalog->count, sizeof *catalog->entries, entry_order);
    return true;
}

static void load_entry(const struct catalog *catalog, struct entry *entry)
{
    char *path = mem_printf("%s/%s.json", catalog->folder, entry->name);
    struct err err = {0};

    entry->schema = schema_open(path, &err);
    if (!entry->schema)
        entry->fault = mem_strdup(err.text);
    free(path);
}

static bool catalog_load(struct catalog *catalog, struct err *err)
{
    DIR *directory = opendir(catalog->folder);
    bool listed;

    if (!directory)
        return err_set(err, ERR_CONFIG, "cannot read the schema folder '%s': %s: %s",
                       catalog->folder, strerror(errno),
                       errno == EACCES ? "let this user read and enter it"
                                       : "name it with --schemas or ROWFERRY_SCHEMAS");
    listed = list_folder(catalog, directory, err);
    closedir(directory);
    for (size_t i = 0; listed && i < catalog->count; i++)
        load_entry(catalog, &catalog->entries[i]);
    return listed;
}

struct catalog *catalog_open(const char *folder, struct err *err)
{
    struct catalog *catalog = mem_calloc(1, sizeof *catalog);
    size_t size = strlen(folder);

    while (size > 1 && folder[size - 1] == '/')
        size--;
    catalog->folder = mem_copy(folder, size);
    if (catalog_load(catalog, err))
        return catalog;
    catalog_close(catalog);
    return NULL;
}

void catalog_close(struct catalog *catalog)
{
    if (!catalog)
        return;
    for (size_t i = 0; i < catalog->count; i++) {
        schema_close(catalog->entries[i].schema);
        free(catalog->entries[i].fault);
        free(catalog->entries[i].name);
    }
    free(catalog->entries);
    free(catalog->folder);
    free(catalog);
}

/* Sets an error about `name`, with the names of all schemas after the folder. */
static void set_unknown(const struct catalog *catalog, enum err_kind kind, bool is_file,
                        const char *name, struct err *err)
{
    struct buf names = {0};

    for (size_t i = 0; i < catalog->count; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", catalog->entries[i].name);
    if (is_file)
        err_set(err, kind,
                "the file name \"%s\" does not begin with the name of a schema (%s has %s): rename "
                "the file, or name its schema with --schema",
                name, catalog->folder, buf_text(&names));
    else
        err_set(err, kind, "unknown schema \"%s\": %s has %s", name, catalog->folder,
                buf_text(&names));
    buf_release(&names);
}

static const struct schema *schema_of(const struct entry *entry, struct err *err)
{
    if (!entry->schema)
        err_set(err, ERR_CONFIG, "%s", entry->fault);
    return entry->schema;
}

static const struct entry *entry_named(const struct catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->entries[i].name, name) == 0)
            return &catalog->entries[i];
    return NULL;
}

bool catalog_has(const struct catalog *catalog, const char *name)
{
    return entry_named(catalog, name) != NULL;
}

const struct schema *catalog_find(const struct catalog *catalog, const char *name, struct err *err)
{
    const struct entry *entry = entry_named(catalog, name);

    if (entry)
        return schema_of(entry, err);
    set_unknown(catalog, ERR_CONFIG, false, name, err);
    return NULL;
}

/* A byte above ASCII counts as part of a letter. */
static bool ends_name(char byte)
{
    return byte && (unsigned char)byte < 0x80 && !str_is_letter(byte) && !str_is_digit(byte);
}

static const struct entry *longest_match(const struct catalog *catalog, const char *file_name)
{
    const struct entry *longest = NULL;
    size_t longest_size = 0;

    for (size_t i = 0; i < catalog->count; i++) {
        const struct entry *entry = &catalog->entries[i];
        size_t size = strlen(entry->name);

        if (!str_starts(file_name, entry->name) || !ends_name(file_name[size]))
            continue;
        if (!longest || size > longest_size) {
            longest = entry;
            longest_size = size;
        }
    }
    return longest;
}

bool catalog_fits(const struct catalog *catalog, const char *file_name)
{
    return longest_match(catalog, file_name) != NULL;
}

const struct schema *catalog_match(const struct catalog *catalog, const char *file_name,
                                   struct err *err)
{
    const struct entry *longest = longest_match(catalog, file_name);

    if (longest)
        return schema_of(longest, err);
    set_unknown(catalog, ERR_INPUT, true, file_name, err);
    return NULL;
}

size_t catalog_count(const struct catalog *catalog)
{
    return catalog->count;
}

const char *catalog_name(const struct catalog *catalog, size_t index)
{
    return catalog->entries[index].name;
}

size_t catalog_fault_count(const struct catalog *catalog)
{
    size_t count = 0;

    for (size_t i = 0; i < catalog->count; i++)
        count += !catalog->entries[i].schema;
    return count;
}

const char *catalog_fault(const struct catalog *catalog, size_t index)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (!catalog->entries[i].schema && index-- == 0)
            return catalog->entries[i].fault;
    return NULL;
}
