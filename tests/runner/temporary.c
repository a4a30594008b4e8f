/* SPDX-License-Identifier: MIT */
#include "tests/runner/temporary.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPEN_FOLDERS 16

static char path[PATH_MAX];

const char *temporary_make(void)
{
    const char *parent = getenv("TMPDIR");

    snprintf(path, sizeof path, "%s/check-XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(path)) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    setenv("TMPDIR", path, 1);
    return path;
}

static int remove_one(const char *file, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    if (remove(file) < 0)
        perror(file);
    return 0;
}

void temporary_remove(void)
{
    nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
