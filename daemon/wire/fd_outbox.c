/* SPDX-License-Identifier: MIT */
#include "daemon/wire/fd_outbox.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct outbox_set {
    size_t at; /* offset in the unsent bytes */
    uint32_t count;
};

int fd_outbox_add(struct fd_outbox *outbox, size_t at, const int *fds, uint32_t count)
{
    struct outbox_set *list;

    if (fd_queue_reserve(&outbox->fds, count) < 0)
        return -ENOMEM;
    list = realloc(outbox->list, (outbox->count + 1) * sizeof *list);
    if (!list) {
        fd_queue_trim(&outbox->fds);
        return -ENOMEM;
    }
    list[outbox->count++] = (struct outbox_set){.at = at, .count = count};
    outbox->list = list;
    for (uint32_t i = 0; i < count; i++)
        fd_queue_put(&outbox->fds, fds[i]);
    return 0;
}

static void drop_first(struct fd_outbox *outbox, bool sent)
{
    if (sent)
        unread_send(outbox->unreads, outbox->unread, outbox->list[0].count);
    else
        unread_drop(outbox->unread, outbox->list[0].count);
    for (uint32_t i = 0; i < outbox->list[0].count; i++) {
        int fd = fd_queue_take(&outbox->fds);

        if (sent)
            close_shared(outbox->closer, fd);
        else
            close_untrusted(outbox->closer, fd);
    }
    outbox->count--;
    memmove(outbox->list, outbox->list + 1, outbox->count * sizeof *outbox->list);
    if (outbox->count)
        return;
    free(outbox->list);
    outbox->list = NULL;
}

static void advance(struct fd_outbox *outbox, size_t length)
{
    for (size_t i = 0; i < outbox->count; i++)
        outbox->list[i].at -= length;
}

/* Sends bytes; the first set goes with the first byte. */
static ssize_t send_with_fds(const struct fd_outbox *outbox, int socket, const char *bytes, size_t length)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(FD_OUTBOX_MAX * sizeof(int))];
    } control = {0};
    struct iovec piece = {.iov_base = (char *)(uintptr_t)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control};
    uint32_t count = outbox->list[0].count;

    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    control.header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    fd_queue_peek(&outbox->fds, (int *)(void *)CMSG_DATA(&control.header), count);
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Sends one piece. A piece ends where the next set begins. */
static ssize_t send_piece(struct fd_outbox *outbox, int socket, const char *bytes, size_t length)
{
    bool with_fds = outbox->count && outbox->list[0].at == 0;
    ssize_t sent;

    if (!with_fds)
        return send(socket, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    sent = send_with_fds(outbox, socket, bytes, length);
    if (sent > 0)
        drop_first(outbox, true);
    return sent;
}

static size_t piece_length(const struct fd_outbox *outbox, size_t length)
{
    size_t next = outbox->count && outbox->list[0].at == 0 ? 1 : 0;

    return next < outbox->count ? outbox->list[next].at : length;
}

ssize_t fd_outbox_send(struct fd_outbox *outbox, int socket, struct buffer *bytes)
{
    ssize_t total = 0;

    while (bytes->length) {
        size_t length = piece_length(outbox, bytes->length);
        ssize_t sent = send_piece(outbox, socket, buffer_bytes(bytes), length);

        if (sent < 0)
            return total ? total : -errno;
        buffer_consume(bytes, (size_t)sent);
        advance(outbox, (size_t)sent);
        total += sent;
        if ((size_t)sent < length)
            break;
    }
    return total;
}

void fd_outbox_clear(struct fd_outbox *outbox)
{
    while (outbox->count)
        drop_first(outbox, false);
}
