/* SPDX-License-Identifier: MIT */
#include "daemon/base/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int inherited_set(int fd, bool inherited)
{
    return fcntl(fd, F_SETFD, inherited ? 0 : FD_CLOEXEC) < 0 ? -errno : 0;
}

bool inherited_claim(int fd)
{
    int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;

    return flags >= 0 && !(flags & FD_CLOEXEC) && inherited_set(fd, false) == 0;
}
