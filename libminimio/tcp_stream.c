/* SPDX-License-Identifier: MIT */
/* Owns the list of queues in which a stream is registered, and the life of a stream; also the options. Portable. */
#include "libminimio/tcp_stream.h"

#include "libminimio/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <netinet/in.h>
#include <netinet/tcp.h>
#endif

int tcp_stream_new(minimio_fd fd, bool connected, struct minimio_tcp_stream **ret_stream)
{
    struct minimio_tcp_stream *stream = calloc(1, sizeof *stream);

    if (!stream)
        return -ENOMEM;
    stream->fd = fd;
    stream->connected = connected;
    atomic_flag_clear(&stream->memberships_lock);
    *ret_stream = stream;
    return 0;
}

bool tcp_stream_is_same_end(const struct sockaddr_storage *left, const struct sockaddr_storage *right)
{
    const struct sockaddr_in *left_v4 = (const struct sockaddr_in *)left, *right_v4 = (const struct sockaddr_in *)right;
    const struct sockaddr_in6 *left_v6 = (const struct sockaddr_in6 *)left;
    const struct sockaddr_in6 *right_v6 = (const struct sockaddr_in6 *)right;

    if (left->ss_family != right->ss_family)
        return false;
    if (left->ss_family == AF_INET)
        return left_v4->sin_port == right_v4->sin_port && left_v4->sin_addr.s_addr == right_v4->sin_addr.s_addr;
    return left->ss_family == AF_INET6 && left_v6->sin6_port == right_v6->sin6_port &&
           memcmp(&left_v6->sin6_addr, &right_v6->sin6_addr, sizeof left_v6->sin6_addr) == 0;
}

bool tcp_stream_is_error_of_call(int error)
{
    switch (error) {
    case 0:
    case EAGAIN:
    case EINTR:
    case ENOTCONN:
    case EPIPE:
    case EFAULT:
    case EINVAL:
    case EMSGSIZE:
    case ENOMEM:
    case ENOBUFS:
    case EOPNOTSUPP:
        return true;
    default:
        return false;
    }
}

minimio_fd minimio_tcp_stream_fd(const struct minimio_tcp_stream *stream)
{
    assert(stream);
    return stream->fd;
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static int get_flag(struct minimio_tcp_stream *stream, int level, int name, bool *ret_flag)
{
    uint32_t value;
    int result = tcp_stream_get_option(stream, level, name, &value);

    if (result == 0)
        *ret_flag = value != 0;
    return result;
}

int minimio_tcp_stream_set_nodelay(struct minimio_tcp_stream *stream, bool nodelay)
{
    assert(stream);
    return tcp_stream_set_option(stream, IPPROTO_TCP, TCP_NODELAY, nodelay);
}

int minimio_tcp_stream_nodelay(struct minimio_tcp_stream *stream, bool *ret_nodelay)
{
    assert(stream && ret_nodelay);
    return get_flag(stream, IPPROTO_TCP, TCP_NODELAY, ret_nodelay);
}

int minimio_tcp_stream_set_keepalive(struct minimio_tcp_stream *stream, bool keepalive)
{
    assert(stream);
    return tcp_stream_set_option(stream, SOL_SOCKET, SO_KEEPALIVE, keepalive);
}

int minimio_tcp_stream_keepalive(struct minimio_tcp_stream *stream, bool *ret_keepalive)
{
    assert(stream && ret_keepalive);
    return get_flag(stream, SOL_SOCKET, SO_KEEPALIVE, ret_keepalive);
}

/* The hop limit has a different level and name in each address family. */
static int hop_limit_level(int family)
{
    return family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

static int hop_limit_name(int family)
{
    return family == AF_INET6 ? IPV6_UNICAST_HOPS : IP_TTL;
}

int minimio_tcp_stream_set_ttl(struct minimio_tcp_stream *stream, uint32_t ttl)
{
    assert(stream);
    if (ttl < 1 || ttl > 255)
        return -EINVAL;
    int family = tcp_stream_family(stream);
    return family < 0 ? family : tcp_stream_set_option(stream, hop_limit_level(family), hop_limit_name(family), ttl);
}

int minimio_tcp_stream_ttl(struct minimio_tcp_stream *stream, uint32_t *ret_ttl)
{
    assert(stream && ret_ttl);
    int family = tcp_stream_family(stream);
    return family < 0 ? family
                      : tcp_stream_get_option(stream, hop_limit_level(family), hop_limit_name(family), ret_ttl);
}

/* ---- Memberships ------------------------------------------------------------------------------------------------ */

static void lock_memberships(struct minimio_tcp_stream *stream)
{
    while (atomic_flag_test_and_set_explicit(&stream->memberships_lock, memory_order_acquire))
        ;
}

static void unlock_memberships(struct minimio_tcp_stream *stream)
{
    atomic_flag_clear_explicit(&stream->memberships_lock, memory_order_release);
}

/* The slot that holds `queue`, or NULL. */
static struct queue **find_slot(struct minimio_tcp_stream *stream, const struct queue *queue)
{
    if (stream->first_queue == queue)
        return &stream->first_queue;
    for (struct membership *membership = stream->more; membership; membership = membership->next)
        if (membership->queue == queue)
            return &membership->queue;
    return NULL;
}

/* A free slot, or the slot of a destroyed queue, so that a stream that outlives many queues does not keep the
 * queues' memory. */
static struct queue **find_free_slot(struct minimio_tcp_stream *stream)
{
    if (!stream->first_queue || queue_is_destroyed(stream->first_queue))
        return &stream->first_queue;
    for (struct membership *membership = stream->more; membership; membership = membership->next)
        if (!membership->queue || queue_is_destroyed(membership->queue))
            return &membership->queue;
    return NULL;
}

static int remember_on_list(struct minimio_tcp_stream *stream, struct queue *queue)
{
    struct membership *membership = malloc(sizeof *membership);

    if (!membership)
        return -ENOMEM;
    membership->queue = queue_ref(queue);
    lock_memberships(stream);
    membership->next = stream->more;
    stream->more = membership;
    unlock_memberships(stream);
    return 1;
}

int tcp_stream_remember(struct minimio_tcp_stream *stream, struct queue *queue)
{
    struct queue *replaced = NULL;

    lock_memberships(stream);
    bool known = find_slot(stream, queue) != NULL;
    struct queue **place = known ? NULL : find_free_slot(stream);
    if (place) {
        replaced = *place;
        *place = queue_ref(queue);
    }
    unlock_memberships(stream);
    if (replaced)
        queue_unref(replaced);
    if (known)
        return 0;
    return place ? 1 : remember_on_list(stream, queue);
}

void tcp_stream_forget(struct minimio_tcp_stream *stream, struct queue *queue)
{
    lock_memberships(stream);
    struct queue **place = find_slot(stream, queue);
    if (place)
        *place = NULL;
    unlock_memberships(stream);
    if (place)
        queue_unref(queue);
}

/* ---- The end of a stream ---------------------------------------------------------------------------------------- */

/* Takes no lock: the stream has no other user, and in a forked child the lock may be held for ever. */

static void leave_queue(struct minimio_tcp_stream *stream, struct queue *queue, bool deregister)
{
    if (!queue)
        return;
    if (deregister)
        queue_deregister(queue, NULL, stream->fd);
    queue_unref(queue);
}

static void stream_free(struct minimio_tcp_stream *stream, bool deregister)
{
    struct membership *next;

    leave_queue(stream, stream->first_queue, deregister);
    for (struct membership *membership = stream->more; membership; membership = next) {
        next = membership->next;
        leave_queue(stream, membership->queue, deregister);
        free(membership);
    }
    free(stream);
}

minimio_fd minimio_tcp_stream_take_fd(struct minimio_tcp_stream *stream)
{
    assert(stream);
    minimio_fd fd = stream->fd;
    stream_free(stream, false);
    return fd;
}

struct minimio_tcp_stream *minimio_tcp_stream_free(struct minimio_tcp_stream *stream)
{
    if (!stream)
        return NULL;
    minimio_fd fd = stream->fd;
    stream_free(stream, true);
    tcp_stream_close_fd(fd);
    return NULL;
}
