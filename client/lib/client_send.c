/* SPDX-License-Identifier: MIT */
/*
 * Owns the output queue. Pieces are sent in order, descriptors with the first byte of a piece.
 */
#include "client/lib/client_send.h"

#include "proto/json_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- What waits ------------------------------------------------------------------------------------------------- */

static void outgoing_free(struct outgoing *outgoing)
{
    client_close_fds(outgoing->fds, &outgoing->fd_count);
    buffer_deinit(&outgoing->bytes);
    free(outgoing);
}

void client_forget_outgoing(struct minimio_client *client)
{
    struct outgoing *outgoing;

    while ((outgoing = STAILQ_FIRST(&client->outgoing))) {
        STAILQ_REMOVE_HEAD(&client->outgoing, entry);
        outgoing_free(outgoing);
    }
    client_close_fds(client->attached, &client->attached_count);
}

/* Queues the bytes with the attached descriptors. */
static int enqueue(struct minimio_client *client, struct buffer *bytes)
{
    struct outgoing *outgoing = buffer_failed(bytes) ? NULL : malloc(sizeof *outgoing);

    if (!outgoing) {
        buffer_deinit(bytes);
        return client_fail_no_memory(client);
    }
    outgoing->bytes = *bytes;
    outgoing->fd_count = client->attached_count;
    memcpy(outgoing->fds, client->attached, sizeof outgoing->fds);
    client->attached_count = 0;
    STAILQ_INSERT_TAIL(&client->outgoing, outgoing, entry);
    return 0;
}

/* Escapes the name of the method, which may be arbitrary user input. */
int client_queue_request(struct minimio_client *client, const char *method, const char *params, uint64_t id)
{
    struct buffer out;

    buffer_init(&out);
    buffer_append_text(&out, "{\"jsonrpc\":\"2.0\",\"method\":");
    json_write_text(&out, method);
    if (id > 0) {
        buffer_append_text(&out, ",\"id\":");
        json_write_unsigned(&out, id);
    }
    if (params) {
        buffer_append_text(&out, ",\"params\":");
        buffer_append_text(&out, params);
    }
    buffer_append_text(&out, "}\n");
    return enqueue(client, &out);
}

/* ---- Sending ---------------------------------------------------------------------------------------------------- */

static ssize_t send_piece(int fd, struct outgoing *outgoing)
{
    union {
        char bytes[CMSG_SPACE(sizeof outgoing->fds)];
        struct cmsghdr aligned;
    } control = {0};
    struct iovec bytes = {.iov_base = buffer_bytes(&outgoing->bytes), .iov_len = outgoing->bytes.length};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

    if (outgoing->fd_count > 0) {
        size_t size = outgoing->fd_count * sizeof(int);
        struct cmsghdr *header = &control.aligned;

        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(size);
        *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(size)};
        memcpy(CMSG_DATA(header), outgoing->fds, size);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

int client_send_now(struct minimio_client *client)
{
    struct outgoing *outgoing;

    while ((outgoing = STAILQ_FIRST(&client->outgoing))) {
        ssize_t n = send_piece(client->fd, outgoing);

        if (n < 0 && errno == EAGAIN)
            return -EAGAIN;
        if (n < 0 && errno != EINTR)
            return client_fail_to_send(client, -errno);
        if (n < 0)
            continue;
        client_close_fds(outgoing->fds, &outgoing->fd_count);
        buffer_consume(&outgoing->bytes, (size_t)n);
        if (outgoing->bytes.length == 0) {
            STAILQ_REMOVE_HEAD(&client->outgoing, entry);
            outgoing_free(outgoing);
        }
    }
    return 0;
}

static int send_or_keep(struct minimio_client *client, int result)
{
    if (result == 0)
        result = client_send_now(client);
    return result == -EAGAIN ? 0 : result;
}

int minimio_client_send(struct minimio_client *client, const char *method, const char *params, uint64_t *ret_id)
{
    uint64_t id = ret_id ? ++client->last_id : 0;
    int result;

    client_begin(client);
    result = send_or_keep(client, client_queue_request(client, method, params, id));
    if (result == 0 && ret_id)
        *ret_id = id;
    return result;
}

int minimio_client_send_bytes(struct minimio_client *client, const void *bytes, size_t length)
{
    struct buffer out;

    client_begin(client);
    if (length == 0)
        return 0;
    buffer_init(&out);
    buffer_append(&out, bytes, length);
    return send_or_keep(client, enqueue(client, &out));
}

int minimio_client_attach(struct minimio_client *client, int fd)
{
    int duplicate;

    client_begin(client);
    if (client->attached_count == MINIMIO_CLIENT_FDS_MAX)
        return client_fail(client, -ENOBUFS, "a request takes at most %d descriptors", MINIMIO_CLIENT_FDS_MAX);
    duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0)
        return client_fail(client, -errno, "descriptor %d cannot be sent: %s", fd, strerror(errno));
    client->attached[client->attached_count++] = duplicate;
    return 0;
}
