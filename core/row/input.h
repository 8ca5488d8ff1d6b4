/* The bytes of an input file, inflated if its first bytes are those of gzip (RFC 1952). */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <xxhash.h>

struct input;

enum { INPUT_HASH_SIZE = 33 };

/* Opens a descriptor, which the caller keeps and which is read from its current offset, or a text
 * in memory if text.data is set. name is for messages. Text and name must outlive the input. */
struct input *input_open(int fd, struct span text, const char *name);
void input_close(struct input *input);

/* Reads up to `room` bytes, which are at least 3; *size 0: the end. Several gzip members are read
 * as one. ERR_INPUT: the file cannot be read, or its gzip data is damaged or cut off, or something
 * else follows it; ERR_STOPPED. */
bool input_read(struct input *input, char *out, size_t room, size_t *size, struct err *err);

/* Returns true for a gzip file, after the first read. */
bool input_is_compressed(const struct input *input);

/* Returns hash and size of a gzip file itself, as far as it was read. */
void input_file(struct input *input, char hash[INPUT_HASH_SIZE], uint64_t *bytes);

/* Returns a suitable size of reads: a short file needs no large buffer. */
size_t input_block(int fd, struct span text);

/* Reads like read(2), but continues after signals and waits if the descriptor does not block. -1
 * with errno; ECANCELED: the process has to stop. */
ssize_t input_read_fd(int fd, char *bytes, size_t size);

/* Writes the digest of a hash, hexadecimal. */
void input_hash_text(XXH3_state_t *state, char hash[INPUT_HASH_SIZE]);
