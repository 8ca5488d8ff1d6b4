#include "core/inbox/usable.h"

#include "core/inbox/inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char give_access[] =
    "give the user who runs rowferry the right to read, write and enter it (chown, chmod)";

/* Effective rights, as those of open(2) and rename(2). */
static bool may(int folder_fd, const char *path, int rights)
{
    return faccessat(folder_fd, path, rights, AT_EACCESS) == 0;
}

/* A folder that files are renamed into, unless it is still to be made. */
static bool check_sub(int folder_fd, const char *folder, const char *sub, const struct stat *parent,
                      const char **advice, struct err *err)
{
    struct stat status;

    if (fstatat(folder_fd, sub, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
        return true;
    *advice = "move it out of the way: `rowferry run` makes the folder itself";
    if (!S_ISDIR(status.st_mode))
        return err_set(err, ERR_CONFIG, "%s/%s is no folder", folder, sub);
    *advice = "files are renamed, and not copied, into it: it must lie on the same file system";
    if (status.st_dev != parent->st_dev)
        return err_set(err, ERR_CONFIG, "%s/%s is a file system of its own", folder, sub);
    *advice = give_access;
    if (!may(folder_fd, sub, R_OK | W_OK | X_OK))
        return err_set(err, ERR_CONFIG, "%s/%s: %s", folder, sub, strerror(errno));
    return true;
}

/* Out of a sticky folder only its owner, the file's and root may move a file (inode(7)). */
static bool check_files(int folder_fd, const char *folder, const struct stat *parent,
                        const struct inbox_look *look, const char **advice, struct err *err)
{
    uid_t user = geteuid();
    bool sticky = (parent->st_mode & S_ISVTX) && parent->st_uid != user && user != 0;
    struct stat status;

    for (size_t i = 0; i < look->ready_count; i++) {
        const char *name = look->ready[i];

        if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* gone */
        *advice = "take the sticky bit from the folder (chmod -t), or have it belong to this user";
        if (sticky && status.st_uid != user)
            return err_set(err, ERR_CONFIG,
                           "%s is sticky: %s, of another user, cannot be moved to done/", folder,
                           name);
        *advice = "give the user who runs rowferry the right to read it (chown, chmod)";
        if (!may(folder_fd, name, R_OK))
            return err_set(err, ERR_CONFIG, "%s/%s: %s", folder, name, strerror(errno));
    }
    return true;
}

static bool check(int folder_fd, const char *folder, const struct catalog *catalog, size_t *waiting,
                  const char **advice, struct err *err)
{
    struct inbox_look look = {0};
    struct stat parent;
    bool fine;

    *advice = give_access;
    if (fstat(folder_fd, &parent) != 0 || !may(folder_fd, ".", R_OK | W_OK | X_OK))
        return err_set(err, ERR_CONFIG, "%s: %s", folder, strerror(errno));
    if (!check_sub(folder_fd, folder, "done", &parent, advice, err) ||
        !check_sub(folder_fd, folder, "refused", &parent, advice, err) ||
        !inbox_look(folder, &(struct inbox_rules){.catalog = catalog}, &look, err))
        return false;
    *waiting = look.ready_count;
    fine = check_files(folder_fd, folder, &parent, &look, advice, err);
    inbox_look_release(&look);
    return fine;
}

bool inbox_usable(const char *folder, const struct catalog *catalog, size_t *waiting,
                  const char **advice, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool fine;

    *advice = errno == EACCES ? give_access : "name a folder: rowferry doctor FOLDER";
    if (fd < 0)
        return err_set(err, ERR_CONFIG, "%s: %s", folder, strerror(errno));
    fine = check(fd, folder, catalog, waiting, advice, err);
    close(fd);
    return fine;
}
