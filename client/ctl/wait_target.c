/* SPDX-License-Identifier: MIT */
/*
 * Parses targets of `wait`. The file has no state.
 */
#include "client/ctl/wait_target.h"

#include "client/ctl/target.h"
#include "proto/socket_path.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Compares a scheme, ignoring case. */
static bool begins(const char *text, const char *scheme)
{
    return strncasecmp(text, scheme, strlen(scheme)) == 0;
}

/* Parses unix:/path, unix:path and unix:///path. */
static const char *read_unix(const char *path, struct wait_target *ret_target)
{
    if (strncmp(path, "///", 3) == 0)
        path += 2;
    else if (strncmp(path, "//", 2) == 0)
        return "use unix:/PATH";
    if (!*path)
        return "missing path; use unix:/PATH";
    if (strlen(path) >= SOCKET_PATH_SIZE)
        return "the path is too long for a socket: at most 107 bytes fit";
    ret_target->kind = WAIT_UNIX;
    ret_target->place = path;
    return NULL;
}

static const char *read_url(const char *text, struct wait_target *ret_target)
{
    const char *host = strstr(text, "://") + 3;

    ret_target->kind = WAIT_HTTP;
    ret_target->place = text;
    return strchr("/?#:", host[0]) ? "missing host; use http://HOST/PATH" : NULL; /* strchr also finds the NUL */
}

const char *wait_target_read(const char *text, struct wait_target *ret_target)
{
    *ret_target = (struct wait_target){.kind = WAIT_TCP, .text = text, .place = text};
    if (begins(text, "unix:"))
        return read_unix(text + strlen("unix:"), ret_target);
    if (begins(text, "http://") || begins(text, "https://"))
        return read_url(text, ret_target);
    if (begins(text, "tcp://"))
        ret_target->place += strlen("tcp://");
    else if (strstr(text, "://"))
        return "unknown scheme; use HOST:PORT, tcp://, unix:, http:// or https://";
    return target_fault(ret_target->place);
}
