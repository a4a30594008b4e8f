/* SPDX-License-Identifier: MIT */
#include "proto/socket_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* Writes folder and name one behind the other if both fit into `size` bytes and into a socket's address. */
static int join(const char *folder, const char *name, char *ret_path, size_t size)
{
    size_t folder_length = strlen(folder);
    size_t name_size = strlen(name) + 1;

    if (folder_length + name_size > size || folder_length + name_size > sizeof(((struct sockaddr_un *)0)->sun_path))
        return -ENAMETOOLONG;
    memcpy(ret_path, folder, folder_length);
    memcpy(ret_path + folder_length, name, name_size);
    return 0;
}

int socket_path(const char *option, char *ret_path, size_t size)
{
    const char *value;

    if (option)
        return *option ? join(option, "", ret_path, size) : -EINVAL;
    value = environment("MINIMIO_SOCKET");
    if (value)
        return join(value, "", ret_path, size);
    value = environment("XDG_RUNTIME_DIR");
    if (value)
        return join(value, "/minimio.sock", ret_path, size);
    return join(SYSTEM_SOCKET_PATH, "", ret_path, size);
}
