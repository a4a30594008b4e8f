/* SPDX-License-Identifier: MIT */
#include "daemon/loops/stream.h"

#include "daemon/accounts/accounts.h"
#include "daemon/base/invariant.h"
#include "daemon/loops/member.h"
#include "daemon/loops/persist.h"
#include "proto/methods.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct stream *stream_new(struct loop *loop, uint64_t token, struct span target, uint8_t interests, uint8_t mode)
{
    struct stream *stream = calloc(1, sizeof *stream + target.length);

    if (!stream)
        return NULL;
    stream->source.ready = stream_ready;
    stream->loop = loop;
    stream->token = token;
    stream->interests = interests;
    stream->mode = mode;
    stream->connecting = true;
    stream->target_length = (uint16_t)target.length;
    if (target.length)
        memcpy(stream->target, target.data, target.length);
    loop_add(loop, stream);
    return stream;
}

/* Ends the stream but for the descriptor. Returns whether the recorder took `held`: the manager has a duplicate too. */
static bool stream_dissolve(struct reactor *reactor, struct stream *stream, minimio_fd held)
{
    bool is_held = persist_stream_gone(stream, held);

    member_end_lease(stream);
    rearm_batch_remove(&stream->loop->loops->rearm, &stream->rearm);
    loop_remove(stream->loop, stream);
    if (!stream->connecting)
        reactor_unwatch(reactor, stream->fd);
    reactor_end_source(reactor, &stream->source);
    return is_held;
}

/* Shuts down a stream that no client holds: the peer must not wait for the service manager's close. */
static void end_held(const struct stream *stream)
{
    if (!stream->adopted)
        shutdown(stream->fd, SHUT_RDWR);
}

void stream_free(struct reactor *reactor, struct stream *stream)
{
    struct async_closer *closer = &stream->loop->account->closer;

    if (stream_dissolve(reactor, stream, stream->connecting ? -1 : stream->fd)) {
        end_held(stream);
        return;
    }
    if (stream->connecting)
        return;
    if (!stream->adopted)
        close(stream->fd);
    else if (stream->credentials || closer->stranger) /* a Unix socket's queue may hold anything */
        async_close(closer, stream->fd);
    else
        fd_close(stream->fd);
}

static void stream_uncount(const struct stream *stream)
{
    struct account *account = stream->loop->account;

    accounts_remove_registration(account->accounts, account);
}

void stream_deregister(struct reactor *reactor, struct stream *stream)
{
    stream_uncount(stream);
    stream_free(reactor, stream);
}

minimio_fd stream_take(struct reactor *reactor, struct stream *stream, minimio_fd copy)
{
    stream_uncount(stream);
    if (!stream_dissolve(reactor, stream, copy) && copy >= 0)
        close(copy);
    return stream->fd;
}

void stream_is_shared(struct stream *stream)
{
    stream->adopted = true;
    persist_stream_adopted(stream);
}

static int stream_open_with(struct reactor *reactor, struct stream *stream, minimio_fd fd, bool known)
{
    int result;

    INVARIANT(stream->connecting && stream->list == LIST_NONE);
    result = stream_watch(reactor, stream, fd, known);
    if (result < 0)
        return result;
    stream->connecting = false;
    stream->fd = fd;
    if (!stream->entry)
        persist_stream_added(stream);
    return 0;
}

int stream_open(struct reactor *reactor, struct stream *stream, minimio_fd fd)
{
    stream->kind = FD_KIND_STREAM;
    return stream_open_with(reactor, stream, fd, true);
}

int stream_restore(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum fd_kind kind)
{
    stream->kind = (uint8_t)kind;
    return stream_open_with(reactor, stream, fd, false);
}

int stream_adopt(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum fd_kind kind)
{
    stream->adopted = true;
    return stream_restore(reactor, stream, fd, kind);
}

void stream_addresses(const struct stream *stream, char ret_local[ADDRESS_TEXT_MAX], char ret_peer[ADDRESS_TEXT_MAX])
{
    if (!stream->connecting) {
        address_of_socket(stream->fd, getsockname, ret_local);
        address_of_socket(stream->fd, getpeername, ret_peer);
    } else {
        ret_local[0] = ret_peer[0] = '\0';
    }
}
