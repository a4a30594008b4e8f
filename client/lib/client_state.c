/* SPDX-License-Identifier: MIT */
/*
 * Owns the text of the last error. Contains the functions on the session that all files of the library use.
 */
#include "client/lib/client_state.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

int client_fail(struct minimio_client *client, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(client->error, sizeof client->error, format, arguments);
    va_end(arguments);
    return error;
}

int client_fail_system(struct minimio_client *client, int error)
{
    return client_fail(client, error, "the connection to the daemon failed: %s", strerror(-error));
}

int client_fail_to_send(struct minimio_client *client, int error)
{
    if (error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN)
        return client_fail(client, -ECONNRESET, "the daemon closed the connection");
    return client_fail_system(client, error);
}

int client_fail_timed_out(struct minimio_client *client)
{
    return client_fail(client, -ETIMEDOUT, "the daemon did not answer in time");
}

int client_fail_no_memory(struct minimio_client *client)
{
    return client_fail(client, -ENOMEM, "out of memory");
}

int client_fail_closed(struct minimio_client *client)
{
    return client_fail(client, -ECONNRESET, "the daemon closed the connection%s",
                       line_reader_is_open(&client->reader) ? " in the middle of a message" : "");
}

int client_fail_for_good(struct minimio_client *client, int error)
{
    client->broken = error;
    memcpy(client->broken_error, client->error, sizeof client->broken_error);
    return error;
}

int client_fail_again(struct minimio_client *client)
{
    return client_fail(client, client->broken, "%s", client->broken_error);
}

void client_begin(struct minimio_client *client)
{
    free(client->current);
    client->current = NULL;
    free(client->fault);
    client->fault = NULL;
    client->fault_name[0] = '\0';
    client->error[0] = '\0';
}

const char *minimio_client_error(const struct minimio_client *client)
{
    return client->error;
}

const char *minimio_client_fault_name(const struct minimio_client *client)
{
    return client->fault ? client->fault_name : NULL;
}

const char *minimio_client_fault(const struct minimio_client *client)
{
    return client->fault;
}

/* ---- The session ------------------------------------------------------------------------------------------------ */

short minimio_client_wants(const struct minimio_client *client)
{
    return STAILQ_EMPTY(&client->outgoing) ? POLLIN : POLLIN | POLLOUT;
}

void client_close_fds(int *fds, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        close(fds[i]);
    *count = 0;
}

void client_forget_taking(struct minimio_client *client)
{
    free(client->taking.before);
    client->taking.before = NULL;
    client->taking.begun = client->taking.token_kept = false;
}
