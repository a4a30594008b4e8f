/* SPDX-License-Identifier: MIT */
#include "daemon/restart/handover.h"

#include "daemon/base/async_close.h"
#include "daemon/base/inherited.h"
#include "daemon/base/log.h"
#include "daemon/base/program.h"
#include "daemon/config/tried_settings.h"
#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/sessions/context.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "LEDGER,LISTENER,OWNS_PATH,CLOSING,...": two descriptors, 0 or 1, and the descriptors that are to be closed. The
 * ledger has the descriptors of streams. */
#define VARIABLE "MINIMIO_HANDOVER"

#define NUMBER_BYTES 12   /* of a number and a comma */
#define CLOSING_MAX  8192 /* limit of the environment; the exec closes any further descriptor */

/* ---- Handing over ----------------------------------------------------------------------------------------------- */

static int set_streams_inherited(struct context *context, bool inherited)
{
    struct stream *stream;
    struct loop *loop;
    int result = 0;

    for (loop = loops_after(&context->loops, NULL); loop; loop = loops_next(loop))
        for (stream = loop_next(loop, NULL); stream && result == 0; stream = loop_next(loop, &stream->token)) {
            if (stream->entry)
                ledger_set_fd(context->loops.recorder.ledger, stream->entry, stream->fd);
            result = inherited_set(stream->fd, inherited);
        }
    return result;
}

/* Sets the inheritance of all descriptors. After an error the caller undoes the change. */
static int set_all_inherited(struct context *context, bool inherited)
{
    int result = inherited_set(ledger_fd(context->loops.recorder.ledger), inherited);

    if (result == 0)
        result = inherited_set(context->wire.listener.fd, inherited);
    if (result == 0)
        result = set_streams_inherited(context, inherited);
    return result;
}

static int handover_export(const struct context *context, const int *closing, size_t count)
{
    size_t size = NUMBER_BYTES * (3 + count);
    char *numbers = malloc(size);
    int result, length;

    if (!numbers)
        return -ENOMEM;
    length = snprintf(numbers, size, "%d,%d,%d", ledger_fd(context->loops.recorder.ledger), context->wire.listener.fd,
                      context->wire.listener.path != NULL);
    for (size_t i = 0; i < count; i++)
        length += snprintf(numbers + length, size - (size_t)length, ",%d", closing[i]);
    result = setenv(VARIABLE, numbers, 1) < 0 ? -ENOMEM : manager_restore_environment(context->loops.recorder.manager);
    free(numbers);
    return result;
}

static void set_closing_inherited(const int *closing, size_t count, bool inherited)
{
    for (size_t i = 0; i < count; i++)
        inherited_set(closing[i], inherited);
}

/* Returns on failure only. */
static int exec_unchanged(const struct program *program, char **argv)
{
    if (!program_is_unchanged(program))
        return -ESTALE;
    execv(program->path, argv);
    return -errno;
}

/* Returns on failure only. The exec would close descriptors whose close() may block, so the new binary inherits
 * these descriptors, including those held for the manager. */
static int handover_exec(struct context *context, const struct program *program, char **argv)
{
    size_t count;
    int *closing, result;

    manager_release_held(context->loops.recorder.manager);
    result = async_closers_leave(&closing, &count);
    if (result < 0)
        return result;
    context_leave(context);
    count = count < CLOSING_MAX ? count : CLOSING_MAX;
    set_closing_inherited(closing, count, true);
    result = handover_export(context, closing, count);
    if (result == 0)
        result = exec_unchanged(program, argv);
    set_closing_inherited(closing, count, false);
    free(closing);
    async_closers_return();
    context_return(context);
    return result;
}

static int pass_settings(int settings)
{
    int result = settings >= 0 ? inherited_set(settings, true) : 0;

    return result == 0 ? tried_settings_export(settings) : result;
}

int handover_run(struct context *context, const struct program *program, char **argv, int settings)
{
    bool recorded_before = context->loops.recorder.ledger != NULL;
    int result = recorded_before ? 0 : persist_all(&context->loops);

    if (result == 0)
        result = set_all_inherited(context, true);
    if (result == 0)
        result = pass_settings(settings);
    if (result == 0)
        result = handover_exec(context, program, argv);
    unsetenv(VARIABLE);
    tried_settings_clear();
    manager_clear_environment();
    if (context->loops.recorder.ledger)
        set_all_inherited(context, false);
    if (!recorded_before)
        persist_stop(&context->loops);
    return result;
}

/* ---- Taking over ------------------------------------------------------------------------------------------------ */

/* Reads the numbers after the first three. */
static void take_closing(struct handover *handover, const char *numbers)
{
    const char *comma = numbers;
    size_t room = strlen(numbers) / 2;

    for (int i = 0; comma && i < 3; i++)
        comma = strchr(comma + (i > 0), ',');
    handover->closing = comma ? calloc(room, sizeof *handover->closing) : NULL;
    for (; handover->closing && comma; comma = strchr(comma + 1, ',')) {
        int fd = atoi(comma + 1);

        if (inherited_claim(fd))
            handover->closing[handover->closing_count++] = fd;
    }
}

void handover_deinit(struct handover *handover)
{
    free(handover->closing);
    *handover = (struct handover){.ledger = -1, .listener = -1};
}

void handover_take(struct handover *ret_handover)
{
    const char *numbers = getenv(VARIABLE);
    int ledger = -1, listener = -1, owns_path = 0;
    bool given = numbers != NULL, whole = given && sscanf(numbers, "%d,%d,%d", &ledger, &listener, &owns_path) == 3;

    *ret_handover = (struct handover){
        .ledger = whole && inherited_claim(ledger) ? ledger : -1,
        .listener = whole && inherited_claim(listener) ? listener : -1,
        .owns_path = owns_path == 1,
    };
    if (whole)
        take_closing(ret_handover, numbers);
    unsetenv(VARIABLE);
    if (given && (ret_handover->ledger < 0 || ret_handover->listener < 0))
        log_write(LOG_LEVEL_ERROR, "some descriptors of the previous binary cannot be used, and are lost");
}
