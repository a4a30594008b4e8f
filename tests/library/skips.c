/* SPDX-License-Identifier: MIT */
/* Says what is skipped. */
#include "tests/library/skips.h"

#include "libminimio/minimio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Check's functions are named after their case, with "_fn" behind. */
static int case_length(const char *function)
{
    size_t length = strlen(function);

    return (int)(length > 3 && strcmp(function + length - 3, "_fn") == 0 ? length - 3 : length);
}

bool skip_on(const char *backend, const char *function, const char *reason)
{
    const char *path = getenv("MINIMIO_SKIPS");
    FILE *file = NULL;

    if (strcmp(backend, minimio_backend()) != 0)
        return false;
    printf("skip: %.*s: %s\n", case_length(function), function, reason);
    if (path)
        file = fopen(path, "a");
    if (file) {
        fprintf(file, "%.*s: %s\n", case_length(function), function, reason);
        fclose(file);
    }
    return true;
}
