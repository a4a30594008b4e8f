/* SPDX-License-Identifier: MIT */
/*
 * The rules for the path of the daemon's socket. The file has no state.
 */
#include "proto/socket_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "minimio.sock"

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* Concatenates folder and name. Error: -ENAMETOOLONG, above `size` or the size of a socket's address. */
static int join(const char *folder, const char *name, char *ret_path, size_t size)
{
    size_t folder_length = strlen(folder);
    size_t name_size = strlen(name) + 1;

    if (folder_length + name_size > size || folder_length + name_size > sizeof((struct sockaddr_un *)0)->sun_path)
        return -ENAMETOOLONG;
    memcpy(ret_path, folder, folder_length);
    memcpy(ret_path + folder_length, name, name_size);
    return 0;
}

bool runtime_folder(char *ret_path, size_t size)
{
    const char *value = environment("XDG_RUNTIME_DIR");
    uid_t user = geteuid();
    struct stat found;

    if (value)
        return snprintf(ret_path, size, "%s", value) < (int)size;
    return snprintf(ret_path, size, "/run/user/%lu", (unsigned long)user) < (int)size && lstat(ret_path, &found) == 0 &&
           S_ISDIR(found.st_mode) && found.st_uid == user && !(found.st_mode & (S_IWGRP | S_IWOTH));
}

static bool is_socket(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && S_ISSOCK(found.st_mode);
}

/* The path from the option or the environment. Returns 1 if neither is set. */
static int named_path(const char *option, char *ret_path, size_t size)
{
    const char *value;

    if (option)
        return *option ? join(option, "", ret_path, size) : -EINVAL;
    value = environment("MINIMIO_SOCKET");
    if (value)
        return join(value, "", ret_path, size);
    value = environment("XDG_RUNTIME_DIR");
    return value ? join(value, "/" SOCKET_NAME, ret_path, size) : 1;
}

int socket_path_to_listen(const char *option, char *ret_path, size_t size)
{
    int result = named_path(option, ret_path, size);
    char folder[SOCKET_PATH_SIZE];

    if (result <= 0)
        return result;
    if (geteuid() != 0 && runtime_folder(folder, sizeof folder))
        return join(folder, "/" SOCKET_NAME, ret_path, size);
    return join(SYSTEM_SOCKET_PATH, "", ret_path, size);
}

int socket_path(const char *option, char *ret_path, size_t size)
{
    int result = named_path(option, ret_path, size);
    char folder[SOCKET_PATH_SIZE], own[SOCKET_PATH_SIZE];

    if (result <= 0)
        return result;
    if (runtime_folder(folder, sizeof folder) && join(folder, "/" SOCKET_NAME, own, sizeof own) == 0 &&
        (is_socket(own) || (geteuid() != 0 && !is_socket(SYSTEM_SOCKET_PATH))))
        return join(own, "", ret_path, size);
    return join(SYSTEM_SOCKET_PATH, "", ret_path, size);
}
