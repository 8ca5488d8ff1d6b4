/* Whether somebody is writing to a file, as far as the kernel says. */
#ifndef ROWFERRY_INBOX_WRITERS_H
#define ROWFERRY_INBOX_WRITERS_H

#include <stdbool.h>

enum writers {
    WRITERS_NONE,
    WRITERS_SOME,   /* some process of this machine has it open for writing */
    WRITERS_UNSEEN, /* the kernel does not say: another user's file, a file system without leases */
};

/* name: a regular file in the folder, or a link to one. The kernel gives no read lease on a file
 * that is open for writing (fcntl(2), F_SETLEASE). It knows the writers of this machine alone, and
 * gives leases only to the file's owner or with CAP_LEASE and not on every file system. SIGIO must
 * be ignored, as stop_init does. */
enum writers writers_look(int folder_fd, const char *name);

/* Whether writers can be seen of the files that lie in a folder, or are likely to: those of this
 * user, or any where this is root, on a file system of this machine. */
bool writers_seen_in(const char *folder);

#endif
