#include "core/validate/uri.h"

/* The parts of a reference by RFC 3986 appendix B, each with the character that introduces it, or
 * empty. */
struct parts {
    struct span scheme, authority, path, query;
};

static struct span take(struct span *text, size_t size)
{
    struct span taken = {text->data, size};

    if (!size) /* there may be no bytes at all */
        return taken;
    *text = span_from(*text, size);
    return taken;
}

struct span uri_without_fragment(struct span reference, struct span *fragment)
{
    size_t size = span_until(reference, "#");

    *fragment = (struct span){0};
    if (size < reference.size)
        *fragment = (struct span){reference.data + size + 1, reference.size - size - 1};
    return (struct span){reference.data, size};
}

static struct parts take_apart(struct span text)
{
    struct parts parts = {0};
    struct span fragment;
    size_t colon;

    text = uri_without_fragment(text, &fragment);
    colon = span_until(text, ":/?");
    if (colon && colon < text.size && text.data[colon] == ':')
        parts.scheme = take(&text, colon + 1);
    if (span_starts(text, span_of("//")))
        parts.authority = take(&text, 2 + span_until(span_from(text, 2), "/?"));
    parts.path = take(&text, span_until(text, "?"));
    parts.query = text;
    return parts;
}

/* Returns the size of the folder, with the last slash. */
static size_t folder_size(struct span path)
{
    while (path.size && path.data[path.size - 1] != '/')
        path.size--;
    return path.size;
}

/* Appends a path without its segments `.` and `..` (RFC 3986 section 5.2.4). */
static void append_path(struct buf *out, struct span path)
{
    size_t start = out->size;

    while (path.size) {
        size_t slash = span_until(path, "/");
        struct span step = take(&path, slash < path.size ? slash + 1 : slash);
        size_t name = step.size - (step.data[step.size - 1] == '/');

        if (name == 1 && step.data[0] == '.')
            continue;
        if (name != 2 || memcmp(step.data, "..", 2) != 0) {
            buf_append_span(out, step);
            continue;
        }
        if (out->size > start + 1) /* the slash at the end of the parent folder */
            out->size--;
        while (out->size > start && out->data[out->size - 1] != '/')
            out->size--;
    }
}

void uri_resolve(struct span base, struct span reference, struct buf *out)
{
    struct parts from = take_apart(base), to = take_apart(reference);
    struct buf path = {0};

    if (!to.scheme.size) {
        bool inherits = !to.authority.size;

        to.scheme = from.scheme;
        if (inherits)
            to.authority = from.authority;
        if (inherits && !to.path.size) {
            to.path = from.path;
            to.query = to.query.size ? to.query : from.query;
        } else if (inherits && to.path.data[0] != '/') {
            if (from.authority.size && !from.path.size)
                buf_append_char(&path, '/');
            buf_append(&path, from.path.data, folder_size(from.path));
            buf_append_span(&path, to.path);
            to.path = buf_span(&path);
        }
    }
    buf_append_span(out, to.scheme);
    buf_append_span(out, to.authority);
    append_path(out, to.path);
    buf_append_span(out, to.query);
    buf_release(&path);
}
