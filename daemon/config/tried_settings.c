/* SPDX-License-Identifier: MIT */
/*
 * Passes the configuration text to the next binary in a memfd. State: an environment variable.
 */
#include "daemon/config/tried_settings.h"

#include "daemon/base/inherited.h"
#include "proto/number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define VARIABLE "MINIMIO_TRIED_SETTINGS"
#define NO_FILE  "none"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int write_all(int fd, const struct config_text *text)
{
    size_t done = 0;

    while (done < text->length) {
        ssize_t count = pwrite(fd, text->bytes + done, text->length - done, (off_t)done);

        if (count < 0)
            return -errno;
        done += (size_t)count;
    }
    return 0;
}

int tried_settings_new(const struct config_text *text)
{
    int fd = memfd_create("minimiod.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int result;

    if (fd < 0)
        return -errno;
    result = write_all(fd, text);
    if (result == 0 && fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0)
        result = -errno;
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

int tried_settings_export(int fd)
{
    char number[16] = NO_FILE;

    if (fd >= 0)
        snprintf(number, sizeof number, "%d", fd);
    return setenv(VARIABLE, number, 1) < 0 ? -ENOMEM : 0;
}

void tried_settings_clear(void)
{
    unsetenv(VARIABLE);
}

int tried_settings_take(void)
{
    const char *passed = getenv(VARIABLE);
    int result = TRIED_NOT_PASSED;
    uint64_t fd;

    if (passed && !strcmp(passed, NO_FILE))
        result = TRIED_NO_FILE;
    else if (passed && number_parse(passed, 10, INT_MAX, &fd) == 0 && inherited_claim((int)fd))
        result = (int)fd;
    tried_settings_clear();
    return result;
}
