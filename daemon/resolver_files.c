/* SPDX-License-Identifier: MIT */
#include "daemon/resolver_files.h"

#include "daemon/log.h"
#include "daemon/regular_file.h"

#include <stddef.h>
#include <stdlib.h>

/* NULL: the path is not set, or the file is fine. */
static const char *kind_of(const char *path)
{
    struct stat found;

    return path && *path && stat(path, &found) == 0 ? irregular_kind(&found) : NULL;
}

bool resolver_files_check_settings(void)
{
    static const char *const paths[] = {RESOLV_CONF, "/etc/nsswitch.conf", "/etc/host.conf", "/etc/svc.conf"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *kind = kind_of(paths[i]);

        if (kind) {
            log_write(LOG_LEVEL_ERROR, "%s is %s: it must be a regular file", paths[i], kind);
            return false;
        }
    }
    return resolver_files_check_hosts();
}

bool resolver_files_check_hosts(void)
{
    const char *const paths[] = {"/etc/hosts", getenv("CARES_HOSTS"), getenv("HOSTALIASES")};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *kind = kind_of(paths[i]);

        if (kind) {
            log_write_rationed(LOG_FILE, LOG_NOBODY, "%s is %s: it must be a regular file", paths[i], kind);
            return false;
        }
    }
    return true;
}
