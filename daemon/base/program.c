/* SPDX-License-Identifier: MIT */
#include "daemon/base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DELETED " (deleted)" /* suffix that the kernel adds to the path of a removed file */

static char sought[PATH_MAX]; /* an absolute path, or a name to search for in PATH */

/* ---- Resolving -------------------------------------------------------------------------------------------------- */

/* Resolves the path and checks the file. Error: negative errno; -EACCES also if the file is not a regular file. */
static int resolve_path(const char *path, struct program *ret_program)
{
    if (!realpath(path, ret_program->path) || stat(ret_program->path, &ret_program->file) < 0)
        return -errno;
    if (!S_ISREG(ret_program->file.st_mode))
        return -EACCES;
    return faccessat(AT_FDCWD, ret_program->path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Searches PATH as a shell does, for the first executable file. Skips relative folders: they are relative to the
 * working directory of the process that started the program. */
static int search_path(const char *name, struct program *ret_program)
{
    const char *folders = getenv("PATH");
    int result = -ENOENT;

    while (folders && *folders) {
        size_t length = strcspn(folders, ":");
        char path[PATH_MAX];
        int error = -ENOENT;

        if (*folders == '/' && snprintf(path, sizeof path, "%.*s/%s", (int)length, folders, name) < (int)sizeof path)
            error = resolve_path(path, ret_program);
        if (error == 0)
            return 0;
        if (error == -EACCES)
            result = -EACCES;
        folders += length + (folders[length] == ':');
    }
    return result;
}

int program_find(struct program *ret_program)
{
    if (!*sought)
        return -ENOENT;
    return strchr(sought, '/') ? resolve_path(sought, ret_program) : search_path(sought, ret_program);
}

const char *program_name(void)
{
    return *sought ? sought : "the program";
}

bool program_is_unchanged(const struct program *program)
{
    const struct stat *then = &program->file;
    struct stat now;

    return stat(program->path, &now) == 0 && now.st_dev == then->st_dev && now.st_ino == then->st_ino &&
           now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

/* ---- The name --------------------------------------------------------------------------------------------------- */

/* The working directory from $PWD, including symbolic links, or from getcwd(3); "": the directory has no name. */
static void name_folder(char ret_folder[PATH_MAX])
{
    const char *named = getenv("PWD");
    struct stat there, here;

    if (named && *named == '/' && strlen(named) < PATH_MAX && stat(named, &there) == 0 && stat(".", &here) == 0 &&
        there.st_dev == here.st_dev && there.st_ino == here.st_ino)
        strcpy(ret_folder, named);
    else if (!getcwd(ret_folder, PATH_MAX))
        *ret_folder = '\0';
}

/* False: the path is too long, or the working directory was removed. */
static bool set_sought(const char *name)
{
    char folder[PATH_MAX] = "";
    bool relative = *name != '/' && strchr(name, '/');
    int length;

    if (relative)
        name_folder(folder);
    length = snprintf(sought, sizeof sought, "%s%s%s", folder, relative ? "/" : "", name);
    return (!relative || *folder) && length < (int)sizeof sought;
}

/* The path of this process's file. If the file was removed, the path at which a new file will be installed. */
static bool read_own(char ret_path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
    size_t suffix = sizeof DELETED - 1;
    struct stat found;

    if (length < 0)
        return false;
    ret_path[length] = '\0';
    if ((size_t)length > suffix && strcmp(ret_path + length - suffix, DELETED) == 0 && stat(ret_path, &found) < 0)
        ret_path[(size_t)length - suffix] = '\0';
    return true;
}

void program_init(char **name)
{
    static struct program found;
    char own[PATH_MAX];
    bool known = read_own(own);

    if (*name && set_sought(*name) && program_find(&found) == 0 && (!known || strcmp(found.path, own) == 0)) {
        if (strchr(sought, '/'))
            *name = sought;
    } else {
        strcpy(sought, known ? own : "");
    }
}
