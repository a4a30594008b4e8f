/* SPDX-License-Identifier: MIT */
/*
 * Owns the bytes of an incomplete line, the queue of unfetched messages, and the received descriptors. Invariants:
 * every queued message is valid JSON; descriptors are in the order of the replies, because the daemon sends a
 * descriptor with the first byte of the reply.
 */
#include "client/lib/client_receive.h"

#include "client/lib/client_message.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- Kept messages ---------------------------------------------------------------------------------------------- */

static int keep(struct minimio_client *client, struct queued_message *queued)
{
    if (client->queued_bytes + queued->size > MINIMIO_CLIENT_KEPT_MAX) {
        free(queued);
        return client_fail(client, -ENOBUFS, "more than %d bytes of messages came and were not fetched",
                           MINIMIO_CLIENT_KEPT_MAX);
    }
    STAILQ_INSERT_TAIL(&client->queue, queued, entry);
    client->queued_bytes += queued->size;
    return 0;
}

void client_remove_message(struct minimio_client *client, struct queued_message *queued)
{
    client->queued_bytes -= queued->size;
    STAILQ_REMOVE(&client->queue, queued, queued_message, entry);
}

void client_forget_incoming(struct minimio_client *client)
{
    struct queued_message *queued;

    while ((queued = STAILQ_FIRST(&client->queue))) {
        client_remove_message(client, queued);
        free(queued);
    }
    free(client->events);
    client->events = NULL;
    client->event_count = client->events_given = 0;
    client->broken = 0;
    client_close_fds(client->fds, &client->fd_count);
    line_reader_init(&client->reader);
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

static int keep_fds(struct minimio_client *client, const struct cmsghdr *header)
{
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    int came[CLIENT_FDS_MAX];
    int *fds;

    memcpy(came, CMSG_DATA(header), count * sizeof(int));
    fds = realloc(client->fds, (client->fd_count + count) * sizeof(int));
    if (!fds) {
        client_close_fds(came, &count);
        return client_fail_no_memory(client);
    }
    memcpy(fds + client->fd_count, came, count * sizeof(int));
    client->fds = fds;
    client->fd_count += count;
    return 0;
}

/* Closes the descriptors of a truncated (MSG_CTRUNC) set. */
static void close_truncated(struct msghdr *message)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        int came[CLIENT_FDS_MAX];

        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(came, CMSG_DATA(header), count * sizeof(int));
        client_close_fds(came, &count);
    }
}

int minimio_client_take_fd(struct minimio_client *client)
{
    int fd;

    client_begin(client);
    if (client->fd_count == 0)
        return client_fail(client, -ENOENT, "no descriptor came");
    fd = client->fds[0];
    client->fd_count--;
    memmove(client->fds, client->fds + 1, client->fd_count * sizeof(int));
    return fd;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* The kernel has dropped descriptors, so the assignment of later descriptors to replies is unknown. */
static int fail_without_fds(struct minimio_client *client)
{
    return client_fail(client, -EMFILE, "a stream was lost: this process can have no more descriptors (ulimit -n)");
}

/* Reads once. Error: -EAGAIN, no data. */
static int fill(struct minimio_client *client)
{
    union {
        char bytes[CMSG_SPACE(CLIENT_FDS_MAX * sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct line_room room = line_reader_room(&client->reader);
    struct iovec bytes = {.iov_base = room.data, .iov_len = room.size};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;

    do
        n = recvmsg(client->fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return -EAGAIN;
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return client_fail_closed(client);
    if (n < 0)
        return client_fail_system(client, -errno);
    line_reader_commit(&client->reader, (size_t)n);
    if (message.msg_flags & MSG_CTRUNC) {
        close_truncated(&message);
        return fail_without_fds(client);
    }
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            return keep_fds(client, header);
    return 0;
}

static int fail_to_read(struct minimio_client *client, int result, struct span line)
{
    int shown = (int)(line.length < 64 ? line.length : 64);

    if (result == -ENOMEM)
        return client_fail_no_memory(client);
    if (result == -EPROTO)
        return client_fail(client, -EBADMSG, "the daemon sent a reply with neither result nor error");
    return client_fail(client, result, "the daemon sent a line that is not a protocol message: %.*s", shown, line.data);
}

/* The next message of the bytes read so far. Error: -EAGAIN, no complete line. */
static int take_line(struct minimio_client *client, struct queued_message **ret_message)
{
    struct span line;
    int result = line_reader_next(&client->reader, &line);

    if (result == -EMSGSIZE)
        return client_fail(client, result, "the daemon sent a line longer than %zu bytes", LINE_SIZE);
    if (result == 0) {
        result = client_read_message(line, ret_message);
        if (result < 0)
            result = fail_to_read(client, result, line);
    }
    return result;
}

static int keep_line(struct minimio_client *client)
{
    struct queued_message *queued = NULL;
    int result = take_line(client, &queued);

    return queued ? keep(client, queued) : result;
}

int client_receive(struct minimio_client *client)
{
    int result;

    if (client->broken < 0)
        return client_fail_again(client);
    result = fill(client);
    if (result == -EAGAIN)
        return result;
    while (result >= 0)
        result = keep_line(client);
    return result == -EAGAIN ? 0 : client_fail_for_good(client, result);
}

int client_take_message(struct minimio_client *client, struct queued_message **ret_message)
{
    struct queued_message *queued = STAILQ_FIRST(&client->queue);
    int result = 0;

    if (!queued) {
        result = client_receive(client);
        queued = STAILQ_FIRST(&client->queue);
    }
    if (!queued)
        return result < 0 ? result : -EAGAIN;
    client_remove_message(client, queued);
    *ret_message = queued;
    return 0;
}
