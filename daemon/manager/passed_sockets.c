/* SPDX-License-Identifier: MIT */
#include "daemon/manager/passed_sockets.h"

#include "daemon/base/log.h"
#include "daemon/manager/store_names.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define NAMELESS "unknown"    /* the name that sd_listen_fds_with_names gives to a descriptor without a name */
#define ACCEPTED "connection" /* systemd's name of a socket accepted for Accept=yes */

/* An integer option of the socket; -1: not a socket. */
static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t length = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &length) < 0 ? -1 : value;
}

static bool ends_in_socket(const char *name)
{
    size_t length = strlen(name);

    return strcmp(name, NAMELESS) == 0 || (length >= 7 && strcmp(name + length - 7, ".socket") == 0);
}

bool passed_from_socket_unit(int fd, const char *name)
{
    if (ends_in_socket(name) || strcmp(name, ACCEPTED) == 0)
        return true;
    if (store_name_id(name) || strcmp(name, STORE_LEDGER) == 0)
        return false;
    return option_of(fd, SO_ACCEPTCONN) > 0 || option_of(fd, SO_TYPE) == SOCK_DGRAM;
}

/* Why minimiod cannot listen on the descriptor; NULL: no reason. */
static const char *fault_of(int fd, const char *name)
{
    int type = option_of(fd, SO_TYPE);

    if (type < 0)
        return "it is not a socket";
    if (option_of(fd, SO_DOMAIN) != AF_UNIX)
        return "it is not a Unix socket";
    if (type != SOCK_STREAM)
        return "it is not a stream socket";
    if (option_of(fd, SO_ACCEPTCONN) <= 0)
        return "it does not listen; a connection, as Accept=yes passes it, cannot be served";
    if (!ends_in_socket(name))
        return "its name must be " PASSED_LISTENER_NAME;
    return NULL;
}

static const char *shown(const char *name)
{
    return strcmp(name, NAMELESS) == 0 ? "without a name" : name;
}

static void log_refusal(int fd, const char *name, const char *fault)
{
    log_write(LOG_LEVEL_ERROR, "descriptor %d (%s) was passed and cannot be used: %s", fd, shown(name), fault);
}

/* The index of the usable socket to listen on; -1: no usable socket, or several and none with the name. */
static int choose_listener(int first, char *const *names, int count)
{
    int only = -1, usable = 0;

    for (int i = 0; i < count; i++) {
        if (!names[i] || !passed_from_socket_unit(first + i, names[i]) || fault_of(first + i, names[i]))
            continue;
        if (strcmp(names[i], PASSED_LISTENER_NAME) == 0)
            return i;
        only = i;
        usable++;
    }
    return usable == 1 ? only : -1;
}

int passed_find_listener(int first, char *const *names, int count)
{
    int chosen = choose_listener(first, names, count), refused = 0;

    for (int i = 0; i < count; i++) {
        const char *fault;

        if (i == chosen || !names[i] || !passed_from_socket_unit(first + i, names[i]))
            continue;
        fault = fault_of(first + i, names[i]);
        if (!fault)
            fault = chosen >= 0
                        ? "minimiod listens on one socket, and another one was passed too"
                        : "minimiod listens on one socket, and none of those passed is named " PASSED_LISTENER_NAME;
        log_refusal(first + i, names[i], fault);
        refused++;
    }
    if (refused > 0)
        return -EINVAL;
    return chosen >= 0 ? chosen : -ENOENT;
}
