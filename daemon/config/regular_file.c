/* SPDX-License-Identifier: MIT */
/*
 * Names the types of irregular files. The file has no state.
 */
#include "daemon/config/regular_file.h"

#include <stddef.h>
#include <sys/sysmacros.h>

#define NULL_DEVICE makedev(1, 3) /* the same on every Linux */

const char *irregular_kind(const struct stat *found)
{
    if (S_ISREG(found->st_mode) || (S_ISCHR(found->st_mode) && found->st_rdev == NULL_DEVICE))
        return NULL;
    if (S_ISDIR(found->st_mode))
        return "a directory";
    if (S_ISFIFO(found->st_mode))
        return "a pipe";
    if (S_ISSOCK(found->st_mode))
        return "a socket";
    return "a device";
}
