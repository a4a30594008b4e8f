/* SPDX-License-Identifier: MIT */
/* Owns the sockets of the clients, and the bytes written and received. */
#include "fuzz/clients.h"

#include "fuzz/peers.h"
#include "fuzz/require.h"
#include "fuzz/world.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 24 /* more than the daemon accepts with a message */
#define RECEIVED_MAX    253

void client_init(struct client *client)
{
    *client = (struct client){.fd = -1};
    buffer_init(&client->sent);
    buffer_init(&client->received);
}

void client_deinit(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    buffer_deinit(&client->sent);
    buffer_deinit(&client->received);
    client->fd = -1;
}

bool client_connect(struct client *client, const struct sockaddr_un *address, socklen_t length)
{
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    REQUIRE(client->fd >= 0, "no socket: %s", strerror(errno));
    if (connect(client->fd, (const struct sockaddr *)address, length) == 0)
        return true;
    close(client->fd);
    client->fd = -1;
    return false;
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

static int make_descriptor(struct client *client, char kind)
{
    if (kind != 'x')
        return peer_make(kind);
    client->sent_own_socket = true;
    return dup(client->fd);
}

static size_t make_descriptors(struct client *client, const char *kinds, size_t count, int *ret_fds)
{
    size_t made = 0;

    for (size_t i = 0; i < count && made < DESCRIPTORS_MAX; i++) {
        int fd = make_descriptor(client, kinds[i]);

        if (fd >= 0)
            ret_fds[made++] = fd;
    }
    return made;
}

static ssize_t send_with(int socket, const char *data, size_t length, const int *fds, size_t count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    } control = {0};
    struct iovec piece = {.iov_base = (void *)data, .iov_len = length};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

    if (count) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void client_write(struct client *client, const char *data, size_t length, const char *kinds, size_t kind_count)
{
    int fds[DESCRIPTORS_MAX];
    size_t count;
    ssize_t sent;

    if (client->fd < 0 || client->half_closed || !length)
        return;
    count = make_descriptors(client, kinds, kind_count, fds);
    sent = send_with(client->fd, data, length, fds, count);
    while (count)
        close(fds[--count]);
    if (sent > 0)
        buffer_append(&client->sent, data, (size_t)sent);
    REQUIRE(!buffer_failed(&client->sent), "out of memory");
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static void close_received(struct client *client, struct msghdr *message)
{
    REQUIRE(!(message->msg_flags & MSG_CTRUNC), "more descriptors than fit");
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        int fds[RECEIVED_MAX];

        memcpy(fds, CMSG_DATA(header), count * sizeof(int));
        client->descriptors += (unsigned)count;
        while (count)
            close(fds[--count]);
    }
}

static ssize_t receive_bytes(struct client *client, char *room, size_t size)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(RECEIVED_MAX * sizeof(int))];
    } control;
    struct iovec piece = {.iov_base = room, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (length > 0)
        close_received(client, &message);
    return length;
}

bool client_read(struct client *client, size_t most)
{
    bool any = false;

    while (client->fd >= 0 && !client->ended && most) {
        size_t size = most < 16384 ? most : 16384;
        char *room = buffer_reserve(&client->received, size);
        ssize_t length;

        REQUIRE(room, "out of memory");
        length = receive_bytes(client, room, size);
        if (length < 0 && errno == EAGAIN)
            break;
        any = true;
        if (length <= 0) {
            client->ended = true;
            break;
        }
        buffer_commit(&client->received, (size_t)length);
        world_note_progress();
        most -= (size_t)length;
    }
    return any;
}

/* ---- Ending ----------------------------------------------------------------------------------------------------- */

void client_shutdown(struct client *client)
{
    if (client->fd < 0)
        return;
    shutdown(client->fd, SHUT_WR);
    client->half_closed = true;
}

void client_close(struct client *client)
{
    if (client->fd < 0)
        return;
    close(client->fd);
    client->fd = -1;
    client->left = true;
}
