/* Copies committed pages out of the write-ahead log in another thread than the one that commits,
 * which then has less to copy. */
#pragma once

struct checkpointer;
struct store;

/* Opens a connection of its own to the store's database, for one thread at a time. No failure here
 * is an error: the store copies what is left, and reports what prevents that. */
struct checkpointer *checkpointer_open(const struct store *store);
void checkpointer_close(struct checkpointer *checkpointer);

/* Copies what is committed, unless the store is doing so. Does not wait; the log is on the disk
 * before anything is copied (https://www.sqlite.org/wal.html, section 2.1). */
void checkpointer_run(struct checkpointer *checkpointer);
