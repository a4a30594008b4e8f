/* SPDX-License-Identifier: MIT */
/*
 * Waits for the socket in both directions, so that a client and a daemon with full buffers do not deadlock. The file
 * has no state.
 */
#include "client/lib/client_exchange.h"

#include "client/lib/client_receive.h"
#include "client/lib/client_send.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

int client_exchange(struct minimio_client *client, int64_t deadline_ns)
{
    int ready, result = 0;

    if (client->broken < 0)
        return client_fail_again(client);
    ready = deadline_wait_fd(deadline_ns, client->fd, minimio_client_wants(client));
    if (ready == -ETIMEDOUT)
        return client_fail_timed_out(client);
    if (ready < 0)
        return client_fail_system(client, ready);
    /* Read first: the daemon stops reading from a client that does not read. */
    if (ready & POLLIN)
        result = client_receive(client);
    if ((result == 0 || result == -EAGAIN) && ready & POLLOUT)
        result = client_send_now(client);
    if (result == 0 && !(ready & (POLLIN | POLLOUT)))
        return client_fail_closed(client);
    return result == -EAGAIN ? 0 : result;
}

int minimio_client_flush(struct minimio_client *client, int64_t timeout_ns)
{
    int64_t deadline_ns = deadline_in(timeout_ns);
    int result;

    client_begin(client);
    while ((result = client_send_now(client)) == -EAGAIN) {
        result = client_exchange(client, deadline_ns);
        if (result < 0)
            return result;
    }
    return result;
}

int minimio_client_finish(struct minimio_client *client, int64_t timeout_ns)
{
    int result = minimio_client_flush(client, timeout_ns);

    if (result == 0 && shutdown(client->fd, SHUT_WR) < 0)
        return client_fail_to_send(client, -errno);
    return result;
}
