#include "core/inbox/file_name.h"

#include "core/base/str.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *ending;
    enum row_format format;
} formats[] = {
    {".csv", ROW_FORMAT_CSV},
    {".tsv", ROW_FORMAT_CSV},
    {".ndjson", ROW_FORMAT_NDJSON},
    {".jsonl", ROW_FORMAT_NDJSON},
};

static const struct {
    const char *ending, *advice;
} foreign[] = {
    {".xlsx", "a workbook is not read: save it as CSV (UTF-8)"},
    {".xls", "a workbook is not read: save it as CSV (UTF-8)"},
    {".ods", "a workbook is not read: save it as CSV (UTF-8)"},
    {".zip", "a ZIP archive is not read: unpack it, or compress the file with gzip (.csv.gz)"},
    {".json", "a JSON document is not read: write one object per line, for example with "
              "`jq -c '.[]' X.json >X.ndjson`"},
    {".xml", "XML is not read: let the export write CSV or NDJSON"},
    {".txt", "unknown file type .txt: rename it to .csv if it is CSV"},
};

static const char *const sides[] = {
    /* being written or transferred */
    ".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload",
    ".inprogress", ".in-progress", ".incomplete", ".upload", ".uploading", ".writing", ".lock",
    ".swp", ".swo", ".swx", ".bak", "~", "#", ".aria2", ".!ut", ".!qb",
    /* markers */
    ".done", ".ok", ".ready", ".complete", ".completed", ".finished", ".fin", ".trg", ".trigger",
    ".sem", ".ctl", ".eof",
    /* sums and signatures */
    ".md5", ".sha1", ".sha256", ".sha512", ".sfv", ".crc", ".sig", ".asc"};

static const char *const side_names[] = {"_SUCCESS", "desktop.ini", "Thumbs.db"};

static const struct {
    const char *ending, *algorithm;
} checksums[] = {{".md5", "MD5"}, {".sha1", "SHA1"}, {".sha256", "SHA256"}, {".sha512", "SHA512"}};

static bool ends_in(const char *name, size_t size, const char *ending)
{
    size_t length = strlen(ending);

    return size > length && strncasecmp(name + size - length, ending, length) == 0;
}

bool file_name_ends_in(const char *name, const char *ending)
{
    size_t size = strlen(name);

    if (ends_in(name, size, ".gz"))
        size -= 3;
    return ends_in(name, size, ending);
}

enum row_format file_name_format(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (file_name_ends_in(name, formats[i].ending))
            return formats[i].format;
    return ROW_FORMAT_NONE;
}

const char *file_name_advice(const char *name)
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (file_name_ends_in(name, foreign[i].ending))
            return foreign[i].advice;
    return NULL;
}

bool file_name_is_side(const char *name)
{
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        if (ends_in(name, strlen(name), sides[i]))
            return true;
    for (size_t i = 0; i < sizeof side_names / sizeof *side_names; i++)
        if (strcasecmp(name, side_names[i]) == 0)
            return true;
    return str_starts(name, "~$"); /* of an open workbook */
}

const char *file_name_checksum(size_t n, const char **algorithm)
{
    if (n >= sizeof checksums / sizeof *checksums)
        return NULL;
    if (algorithm)
        *algorithm = checksums[n].algorithm;
    return checksums[n].ending;
}

bool file_name_is_ignored(const char *name, const char *patterns)
{
    while (patterns && *patterns) {
        size_t size = strcspn(patterns, ",");
        char pattern[256];

        snprintf(pattern, sizeof pattern, "%.*s", (int)size, patterns);
        if (size > 0 && fnmatch(pattern, name, 0) == 0)
            return true;
        patterns += size + (patterns[size] == ',');
    }
    return false;
}

bool file_name_stem_marker(const char *name, const char *suffix, char *marker, size_t size)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t stem = strlen(name) - strlen(formats[i].ending);

        if (!file_name_ends_in(name, formats[i].ending))
            continue;
        if (ends_in(name, strlen(name), ".gz"))
            stem -= 3;
        return snprintf(marker, size, "%.*s%s", (int)stem, name, suffix) < (int)size;
    }
    return false;
}
