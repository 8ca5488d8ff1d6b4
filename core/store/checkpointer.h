/* Copies committed pages out of the write-ahead log from another thread than the one that commits,
 * which then has less of that to do. */
#ifndef ROWFERRY_STORE_CHECKPOINTER_H
#define ROWFERRY_STORE_CHECKPOINTER_H

struct checkpointer;
struct store;

/* A connection of its own to the store's database, for one thread at a time. Nothing that goes
 * wrong here is an error: the store copies what is left, and tells what keeps it from doing so. */
struct checkpointer *checkpointer_open(const struct store *store);
void checkpointer_close(struct checkpointer *checkpointer);

/* Copies what is committed, unless the store does so itself at this moment. Waits for nobody; the
 * log is on the disk before anything is copied (https://www.sqlite.org/wal.html, section 2.1). */
void checkpointer_run(struct checkpointer *checkpointer);

#endif
