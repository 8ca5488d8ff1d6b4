#include "cmd/rowferry/dotenv.h"

#include "cmd/rowferry/trusted_file.h"
#include "core/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dotenv_release(struct dotenv *dotenv)
{
    if (dotenv->text)
        explicit_bzero(dotenv->text, dotenv->text_size);
    free(dotenv->text);
    free(dotenv->entries);
    *dotenv = (struct dotenv){0};
}

const struct dotenv_entry *dotenv_find(const struct dotenv *dotenv, const char *key, bool or_empty)
{
    for (size_t i = dotenv->count; i > 0; i--) {
        const struct dotenv_entry *entry = &dotenv->entries[i - 1];

        if ((or_empty || *entry->value) && strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

static char *skip_blanks(char *text)
{
    return text + strspn(text, " \t");
}

/* Decodes a double-quoted value in place. Returns the closing quote or NULL. */
static char *unescape(char *text)
{
    static const char from[] = "nrt\"\\$`", to[] = "\n\r\t\"\\$`";
    char *out = text;

    for (; *text && *text != '"'; text++) {
        const char *known = text[0] == '\\' && text[1] ? strchr(from, text[1]) : NULL;

        *out++ = known ? to[known - from] : *text;
        text += known != NULL;
    }
    if (*text != '"')
        return NULL;
    if (out != text)
        *out = '\0';
    return text;
}

/* Decodes a value in place. Returns NULL, or what is wrong with it. */
static const char *read_value(char *text, const char **value)
{
    char quote = *text, *end;

    if (quote != '"' && quote != '\'') {
        *value = text;
        /* ` #` begins a comment, as does `#` where the value would begin */
        for (end = text; *end && !(*end == '#' && (end == text || strchr(" \t", end[-1]))); end++)
            ;
        while (end > text && strchr(" \t", end[-1]))
            end--;
        *end = '\0';
        return NULL;
    }
    *value = text + 1;
    end = quote == '"' ? unescape(text + 1) : strchr(text + 1, '\'');
    if (!end)
        return "the closing quote is missing";
    *end = '\0';
    end = skip_blanks(end + 1);
    return *end && *end != '#' ? "text follows the closing quote: put # before a comment" : NULL;
}

static const char *read_entry(char *line, struct dotenv_entry *entry)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t size;
    char *rest;

    if (strncmp(line, "export", 6) == 0 && strchr(" \t", line[6]) && line[6])
        line = skip_blanks(line + 6);
    size = strspn(line, letters);
    rest = skip_blanks(line + size);
    if (size == 0 || strchr("0123456789", *line) || *rest != '=')
        return "it is not KEY=value: put # before a comment";
    entry->key = line;
    rest = skip_blanks(rest + 1);
    line[size] = '\0';
    return read_value(rest, &entry->value);
}

static bool parse(struct dotenv *dotenv, struct err *err)
{
    char *next = dotenv->text;
    unsigned line_no = 0;

    if (strlen(next) != dotenv->text_size)
        return err_set(err, ERR_CONFIG, "'%s' has a NUL byte: write it as text", dotenv->path);
    if (strncmp(next, "\xEF\xBB\xBF", 3) == 0)
        next += 3;
    while (next) {
        char *line = skip_blanks(strsep(&next, "\n"));
        struct dotenv_entry entry = {.line = ++line_no};
        size_t size = strlen(line);
        const char *fault;

        if (size > 0 && line[size - 1] == '\r')
            line[size - 1] = '\0';
        if (!*line || *line == '#' || *line == ';')
            continue;
        fault = read_entry(line, &entry);
        if (fault)
            return err_set(err, ERR_CONFIG, "%s: line %u: %s", dotenv->path, line_no, fault);
        dotenv->entries = mem_resize(dotenv->entries, dotenv->count + 1, sizeof dotenv->entries[0]);
        dotenv->entries[dotenv->count++] = entry;
    }
    return true;
}

static bool check_secrets(const struct dotenv *dotenv, mode_t mode,
                          bool (*is_secret)(struct span key), struct err *err)
{
    char what[256];

    for (size_t i = 0; i < dotenv->count; i++) {
        if (!*dotenv->entries[i].value || !is_secret(span_of(dotenv->entries[i].key)))
            continue;
        snprintf(what, sizeof what, "has %s", dotenv->entries[i].key);
        return trusted_file_private(dotenv->path, mode, what, err);
    }
    return true;
}

bool dotenv_read(struct dotenv *dotenv, const char *path, bool required,
                 bool (*is_secret)(struct span key), struct err *err)
{
    bool missing;
    mode_t mode;

    dotenv->path = path;
    if (!trusted_file_read(path, DOTENV_SIZE_MAX, &dotenv->text, &dotenv->text_size, &mode,
                           &missing, err))
        return false;
    if (missing)
        return !required ||
               err_set(err, ERR_CONFIG, "'%s' does not exist: name another with --env-file", path);
    return parse(dotenv, err) && check_secrets(dotenv, mode, is_secret, err);
}
