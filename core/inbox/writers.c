#include "core/inbox/writers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Network file systems also refuse a lease as busy if their server has not granted them one. */
static bool is_remote(int fd)
{
    static const uint32_t remote[] = {NFS_SUPER_MAGIC, 0xFF534D42 /* CIFS */,
                                      0xFE534D42 /* SMB2 */};
    struct statfs status;

    if (fstatfs(fd, &status) != 0)
        return true;
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if ((uint32_t)status.f_type == remote[i])
            return true;
    return false;
}

enum writers writers_look(int folder_fd, const char *name)
{
    int fd = openat(folder_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    enum writers found = WRITERS_UNSEEN;

    if (fd < 0) /* EWOULDBLOCK: another process has a write lease */
        return errno == EWOULDBLOCK ? WRITERS_SOME : WRITERS_UNSEEN;
    if (is_remote(fd))
        found = WRITERS_UNSEEN;
    else if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
        found = WRITERS_NONE;
    else if (errno == EAGAIN)
        found = WRITERS_SOME;
    if (found == WRITERS_NONE)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    close(fd);
    return found;
}

bool writers_seen_in(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    uid_t user = geteuid();
    const struct dirent *entry;
    struct stat status;
    bool seen;

    if (!stream) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    seen = !is_remote(fd) && (user == 0 || (fstat(fd, &status) == 0 && status.st_uid == user));
    while (seen && user != 0 && (entry = readdir(stream)) != NULL)
        seen = fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
               !S_ISREG(status.st_mode) || status.st_uid == user;
    closedir(stream);
    return seen;
}
