/* Whether a process is writing to a file. */
#pragma once

#include <stdbool.h>

enum writers {
    WRITERS_NONE,
    WRITERS_SOME,   /* some process of this machine has it open for writing */
    WRITERS_UNSEEN, /* not known: another user's file, or a file system without leases */
};

/* Asks the kernel, which refuses a read lease on a file that is open for writing (fcntl(2),
 * F_SETLEASE). It knows only the writers of this machine, and gives leases only to the owner of the
 * file or with CAP_LEASE, and not on every file system. name: a regular file in the folder, or a
 * link to one. SIGIO must be ignored, as stop_init does. */
enum writers writers_look(int folder_fd, const char *name);

/* True if the writers of all files in a folder are known, or probably are: the file system is
 * local, and the files belong to this user, or this is root. */
bool writers_seen_in(const char *folder);
