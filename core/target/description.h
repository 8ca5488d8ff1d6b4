/* A target's description, read and checked: what target.c works with. */
#pragma once

#include "core/target/body.h"
#include "core/target/kind.h"
#include "core/target/pointer.h"
#include "core/target/template.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DESCRIPTION_PARAMS = 16,
    DESCRIPTION_HEADERS = 8,
    DESCRIPTION_ANSWERS = 64,
    DESCRIPTION_BACK = 16,
    DESCRIPTION_ROWS = 1000, /* of a bulk request at most */
    DESCRIPTION_BYTES_MAX = 64 << 10,
    DESCRIPTION_BODY_MAX = 16 << 20, /* limits.bytes at most */
};

/* The numbers of values, after those of a list's items. */
enum {
    DESCRIPTION_ID = BODY_VALUES,
    DESCRIPTION_SCHEMA,
    DESCRIPTION_SOURCE,
    DESCRIPTION_TAGS,
    DESCRIPTION_FIRST_PARAM,
};

struct description_param {
    struct span name;
    struct template_value value; /* of a constant and of the environment */
    bool is_column;
    struct span column; /* its name in the file */
};

/* Where a token or a text is: at a pointer, in a header field, or nowhere. */
struct description_spot {
    bool is_there;
    char *header; /* NULL: at the pointer */
    struct pointer pointer;
};

struct description_header {
    char *name, *text;
    struct template value;
};

/* A request. */
struct description_call {
    enum target_method method;
    struct template path;
    struct description_header headers[DESCRIPTION_HEADERS];
    uint32_t header_count;
    struct body_node body;   /* of a write */
    struct template content; /* of a read */
};

/* Where a property of the schema file is in a record that was read. */
struct description_property {
    struct span name;
    struct pointer at;
    bool is_ignored;
};

/* A line of `answers`: what a status (0: any) with a code (empty: any) means. */
struct description_answer {
    long status;
    struct span code;
    enum target_answer answer;
};

/* A request that updates several records, and where its answer has a result for each. */
struct description_bulk {
    uint32_t max;                 /* rows of a request; 0: there is no such request */
    struct description_call call; /* its body is an item's */
    char *head, *tail;            /* what is before and after the items */
    struct pointer results;       /* the list of results; what follows is in each of them */
    struct description_spot id, ok, status, error, record;
};

/* What one request, file or row can have at most; 0: nothing is declared. */
struct description_limits {
    uint64_t bytes;  /* of a request's body */
    uint64_t rows;   /* of a file */
    uint64_t fields; /* of a row */
};

struct description {
    char name[64]; /* of its preset; "own" without one */
    bool is_guide; /* the guide's preset as it is */
    char *text;    /* applied over its preset, without white space */
    struct json_tape tape;
    struct description_param params[DESCRIPTION_PARAMS];
    uint32_t param_count, column_count;
    struct description_call write, create, read;
    bool keeps; /* `absent` is `keep`: the server keeps what is not sent */
    struct pointer back[DESCRIPTION_BACK];
    uint32_t back_count;
    struct body_form form;
    struct pointer root;      /* of the fields in a write */
    struct pointer rest;      /* ... and of those without a place of their own */
    bool has_rest;            /* fields without a place are written in an object */
    struct pointer read_root; /* of the fields in a record */
    struct pointer read_rest; /* ... and of those without a place of their own */
    struct description_property *properties;
    uint32_t property_count;
    /* names that only properties can have: a field of such a name would be in a body twice */
    struct span *taken;
    uint32_t taken_count;
    bool reads_whole; /* the fields of a record are the object at read_root, as it is */
    enum target_lock lock;
    int64_t step;
    struct description_spot lock_read, lock_write, lock_answer;
    struct description_spot mark;
    enum target_missing missing;
    struct description_answer answers[DESCRIPTION_ANSWERS];
    uint32_t answer_count;
    struct description_spot error_code, error_message, error_list;
    bool has_audit;
    struct template audit;
    struct description_bulk bulk;
    struct description_limits limits;
    void **owned;
    uint32_t owned_count;
};

/* What is wrong with a description, and where in it. */
struct description_fault {
    char pointer[256];
    char text[512];
};

/* What a description is read from. */
struct description_source {
    const char *text; /* with the value at a token of its tape: a preset's name or an object */
    const struct json_tape *tape;
    uint32_t token;
    const struct span *properties; /* of the schema file */
    size_t property_count;
    const char *(*environment)(const char *name); /* NULL: there is none */
};

/* Reads a zeroed description. False with *fault; it is to be released in any case. */
bool description_read(struct description *description, const struct description_source *source,
                      struct description_fault *fault);

void description_release(struct description *description);
