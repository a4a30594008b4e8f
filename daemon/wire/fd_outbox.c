/* SPDX-License-Identifier: MIT */
#include "daemon/wire/fd_outbox.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct parcel {
    size_t at; /* of the bytes that are still to be sent */
    uint32_t count;
};

int parcels_add(struct parcels *parcels, size_t at, const int *fds, uint32_t count)
{
    struct parcel *list;

    if (descriptors_reserve(&parcels->fds, count) < 0)
        return -ENOMEM;
    list = realloc(parcels->list, (parcels->count + 1) * sizeof *list);
    if (!list)
        return -ENOMEM;
    list[parcels->count++] = (struct parcel){.at = at, .count = count};
    parcels->list = list;
    for (uint32_t i = 0; i < count; i++)
        descriptors_put(&parcels->fds, fds[i]);
    return 0;
}

static void drop_first(struct parcels *parcels, bool sent)
{
    if (sent)
        unread_send(parcels->unreads, parcels->unread, parcels->list[0].count);
    else
        unread_drop(parcels->unread, parcels->list[0].count);
    for (uint32_t i = 0; i < parcels->list[0].count; i++) {
        int fd = descriptors_take(&parcels->fds);

        if (sent)
            closer_let_go(parcels->closer, fd);
        else
            closer_discard(parcels->closer, fd);
    }
    parcels->count--;
    memmove(parcels->list, parcels->list + 1, parcels->count * sizeof *parcels->list);
    if (parcels->count)
        return;
    free(parcels->list);
    parcels->list = NULL;
}

static void advance(struct parcels *parcels, size_t length)
{
    for (size_t i = 0; i < parcels->count; i++)
        parcels->list[i].at -= length;
}

/* Sends bytes with the first parcel, which goes with the first of them. */
static ssize_t send_with_parcel(const struct parcels *parcels, int socket, const char *bytes, size_t length)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(PARCEL_DESCRIPTORS_MAX * sizeof(int))];
    } control = {0};
    struct iovec piece = {.iov_base = (char *)(uintptr_t)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control};
    uint32_t count = parcels->list[0].count;

    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    control.header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    descriptors_peek(&parcels->fds, (int *)(void *)CMSG_DATA(&control.header), count);
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* One piece, which ends where the next parcel begins. */
static ssize_t send_piece(struct parcels *parcels, int socket, const char *bytes, size_t length)
{
    bool with_parcel = parcels->count && parcels->list[0].at == 0;
    ssize_t sent;

    if (!with_parcel)
        return send(socket, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    sent = send_with_parcel(parcels, socket, bytes, length);
    if (sent > 0)
        drop_first(parcels, true);
    return sent;
}

static size_t piece_length(const struct parcels *parcels, size_t length)
{
    size_t next = parcels->count && parcels->list[0].at == 0 ? 1 : 0;

    return next < parcels->count ? parcels->list[next].at : length;
}

ssize_t parcels_send(struct parcels *parcels, int socket, struct buffer *bytes)
{
    ssize_t total = 0;

    while (bytes->length) {
        size_t length = piece_length(parcels, bytes->length);
        ssize_t sent = send_piece(parcels, socket, buffer_bytes(bytes), length);

        if (sent < 0)
            return total ? total : -errno;
        buffer_consume(bytes, (size_t)sent);
        advance(parcels, (size_t)sent);
        total += sent;
        if ((size_t)sent < length)
            break;
    }
    return total;
}

void parcels_clear(struct parcels *parcels)
{
    while (parcels->count)
        drop_first(parcels, false);
}
