/* SPDX-License-Identifier: MIT */
#include "daemon/handover.h"

#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/stream.h"
#include "daemon/tried_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "LEDGER,LISTENER,OWNS_PATH": the numbers of two descriptors, and 0 or 1. The streams' are in the ledger. */
#define VARIABLE "MINIMIO_HANDOVER"

/* Where the file is now: asked later, the kernel says "(deleted)" of one that was replaced. */
static char program[PATH_MAX];

void handover_init(void)
{
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    program[length < 0 ? 0 : length] = '\0';
}

const char *handover_program(void)
{
    return program;
}

/* ---- Handing over ----------------------------------------------------------------------------------------------- */

static int set_inherited(int fd, bool inherited)
{
    return fcntl(fd, F_SETFD, inherited ? 0 : FD_CLOEXEC) < 0 ? -errno : 0;
}

static int set_streams_inherited(struct server *server, bool inherited)
{
    struct stream *stream;
    struct loop *loop;
    int result = 0;

    for (loop = loops_after(&server->loops, NULL); loop; loop = loops_next(loop))
        for (stream = loop_next(loop, NULL); stream && result == 0; stream = loop_next(loop, &stream->token)) {
            if (stream->entry)
                ledger_set_fd(server->durable.ledger, stream->entry, stream->fd);
            result = set_inherited(stream->fd, inherited);
        }
    return result;
}

/* All that crosses over, at once; undone if one fails. */
static int set_all_inherited(struct server *server, bool inherited)
{
    int result = set_inherited(ledger_fd(server->durable.ledger), inherited);

    if (result == 0)
        result = set_inherited(server->listener.fd, inherited);
    if (result == 0)
        result = set_streams_inherited(server, inherited);
    return result;
}

static int export(const struct server *server)
{
    char numbers[32];

    snprintf(numbers, sizeof numbers, "%d,%d,%d", ledger_fd(server->durable.ledger), server->listener.fd,
             server->listener.path != NULL);
    if (setenv(VARIABLE, numbers, 1) < 0)
        return -ENOMEM;
    return service_restore_environment(server->service);
}

static int pass_settings(int settings)
{
    int result = settings >= 0 ? set_inherited(settings, true) : 0;

    return result == 0 ? tried_settings_export(settings) : result;
}

int handover_run(struct server *server, char **argv, int settings)
{
    bool kept_before = server->durable.ledger != NULL;
    int result = kept_before ? 0 : durable_write(server);

    if (result == 0)
        result = set_all_inherited(server, true);
    if (result == 0)
        result = export(server);
    if (result == 0)
        result = pass_settings(settings);
    if (result == 0) {
        execv(program, argv);
        result = -errno;
    }
    unsetenv(VARIABLE);
    tried_settings_clear();
    service_clear_environment();
    if (server->durable.ledger)
        set_all_inherited(server, false);
    if (!kept_before)
        durable_stop(server);
    return result;
}

/* ---- Taking over ------------------------------------------------------------------------------------------------ */

bool handover_claim(int fd)
{
    int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;

    return flags >= 0 && !(flags & FD_CLOEXEC) && set_inherited(fd, false) == 0;
}

void handover_take(struct handover *ret_handover)
{
    const char *numbers = getenv(VARIABLE);
    int ledger = -1, listener = -1, owns_path = 0;
    bool whole = numbers && sscanf(numbers, "%d,%d,%d", &ledger, &listener, &owns_path) == 3;

    unsetenv(VARIABLE);
    *ret_handover = (struct handover){
        .ledger = whole && handover_claim(ledger) ? ledger : -1,
        .listener = whole && handover_claim(listener) ? listener : -1,
        .owns_path = owns_path == 1,
    };
    if (numbers && (ret_handover->ledger < 0 || ret_handover->listener < 0))
        log_write(LOG_LEVEL_ERROR, "what the binary before has handed over cannot all be used; what cannot is lost");
}
