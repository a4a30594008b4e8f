/* SPDX-License-Identifier: MIT */
/*
 * Owns the state of an event queue: the flags for wakes and closing, and the reference counts. Portable.
 *
 * Wakes and closing are flags; selector_kick only makes the polling thread read the flags. A kick whose flag was
 * already consumed ends a wait early, and the poll continues for the remaining time. Setting a flag and kicking need no
 * lock, so signal handlers may do both.
 */
#include "libminimio/queue.h"

#include "libminimio/forks.h"
#include "libminimio/selector.h"
#include "libminimio/tcp_stream.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    QUEUE_CANCELED = 1 << 0,  /* by close_loop */
    QUEUE_DESTROYED = 1 << 1, /* the Poll or Selector was freed */
};

struct queue {
    struct selector *selector;
    unsigned forks; /* forks_count() of the process that made the queue */
    atomic_uint state;
    atomic_bool woken;
    atomic_size_t handles;
    atomic_size_t references;
};

int queue_new(struct queue **ret_queue)
{
    struct queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return -ENOMEM;
    int result = selector_new(&queue->selector);
    if (result < 0) {
        free(queue);
        return result;
    }
    queue->forks = forks_count();
    atomic_init(&queue->handles, 1);
    atomic_init(&queue->references, 1);
    *ret_queue = queue;
    return 0;
}

void queue_destroy(struct queue *queue)
{
    bool locked = selector_lock(queue->selector);

    atomic_fetch_or(&queue->state, QUEUE_DESTROYED);
    selector_close(queue->selector);
    if (locked)
        selector_unlock(queue->selector);
}

struct queue *queue_add_handle(struct queue *queue)
{
    atomic_fetch_add(&queue->handles, 1);
    return queue;
}

void queue_drop_handle(struct queue *queue)
{
    if (atomic_fetch_sub(&queue->handles, 1) > 1)
        return;
    selector_close_waker(queue->selector);
    queue_unref(queue);
}

struct queue *queue_ref(struct queue *queue)
{
    atomic_fetch_add(&queue->references, 1);
    return queue;
}

void queue_unref(struct queue *queue)
{
    if (atomic_fetch_sub(&queue->references, 1) > 1)
        return;
    selector_free(queue->selector);
    free(queue);
}

bool queue_is_destroyed(struct queue *queue)
{
    return (atomic_load(&queue->state) & QUEUE_DESTROYED) != 0;
}

int queue_fd(struct queue *queue)
{
    if (!selector_lock(queue->selector))
        return -ECANCELED;
    int fd = selector_fd(queue->selector);
    selector_unlock(queue->selector);
    return fd;
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

/* The relaxed load saves an atomic write in each poll without a wake. */
static bool consume_wake(struct queue *queue)
{
    return atomic_load_explicit(&queue->woken, memory_order_relaxed) && atomic_exchange(&queue->woken, false);
}

/* Is the queue closed or destroyed, or is this process a fork of the owner? */
static bool is_canceled(struct queue *queue)
{
    return atomic_load(&queue->state) != 0 || queue->forks != forks_count();
}

int queue_wait(struct queue *queue, struct minimio_event *events, size_t capacity, int64_t timeout_ns, bool *ret_woken)
{
    if (is_canceled(queue))
        return -ECANCELED;
    if (atomic_load(&queue->woken))
        timeout_ns = 0;
    int count = selector_wait(queue->selector, events, capacity, timeout_ns);
    if (count < 0)
        return count;
    bool woken = consume_wake(queue);
    if (count == 0 && atomic_load(&queue->state) != 0)
        return -ECANCELED;
    *ret_woken = woken;
    return count;
}

int queue_wake(struct queue *queue)
{
    if (is_canceled(queue))
        return -ECANCELED;
    /* Only the thread that sets the flag kicks; concurrent wakes are merged. */
    if (!atomic_exchange(&queue->woken, true))
        selector_kick(queue->selector);
    return 0;
}

int queue_cancel(struct queue *queue)
{
    if (queue->forks != forks_count() || atomic_fetch_or(&queue->state, QUEUE_CANCELED) != 0)
        return -ECANCELED;
    selector_kick(queue->selector);
    return 0;
}

/* ---- Registering ------------------------------------------------------------------------------------------------ */

static bool are_valid(minimio_interests interests, enum minimio_mode mode)
{
    const minimio_interests all = MINIMIO_WRITABLE | MINIMIO_READABLE | MINIMIO_PRIORITY | MINIMIO_CLOSED;

    return interests != 0 && (interests & ~all) == 0 &&
           (mode == MINIMIO_ONESHOT || mode == MINIMIO_EDGE || mode == MINIMIO_LEVEL);
}

typedef int (*selector_operation)(struct selector *, minimio_fd, minimio_token, minimio_interests, enum minimio_mode);

/*
 * Inline, as the callers are: on kernels that clear the return predictor in system calls, each return after a system
 * call costs several nanoseconds.
 */
static inline int change_registration_locked(struct queue *queue, selector_operation operation,
                                             struct minimio_tcp_stream *stream, minimio_fd fd, minimio_token token,
                                             minimio_interests interests, enum minimio_mode mode)
{
    int remembered = 0;

    if (atomic_load(&queue->state) != 0)
        return selector_owns(queue->selector, fd) ? -EINVAL : -ECANCELED;
    if (stream)
        remembered = tcp_stream_remember(stream, queue);
    if (remembered < 0)
        return remembered;
    int result = operation(queue->selector, fd, token, interests, mode);
    if (result < 0 && remembered > 0)
        tcp_stream_forget(stream, queue);
    if (result == 0 && stream)
        tcp_stream_registered(stream);
    return result;
}

static inline int change_registration(struct queue *queue, selector_operation operation,
                                      struct minimio_tcp_stream *stream, minimio_fd fd, minimio_token token,
                                      minimio_interests interests, enum minimio_mode mode)
{
    if (!are_valid(interests, mode))
        return -EINVAL;
    if (!selector_lock(queue->selector))
        return -ECANCELED;
    int result = change_registration_locked(queue, operation, stream, fd, token, interests, mode);
    selector_unlock(queue->selector);
    return result;
}

int queue_register(struct queue *queue, minimio_fd fd, minimio_token token, minimio_interests interests,
                   enum minimio_mode mode)
{
    return change_registration(queue, selector_add, NULL, fd, token, interests, mode);
}

int queue_register_socket(struct queue *queue, struct minimio_tcp_stream *stream, minimio_fd fd, minimio_token token,
                          minimio_interests interests, enum minimio_mode mode)
{
    return change_registration(queue, selector_add_socket, stream, fd, token, interests, mode);
}

int queue_reregister(struct queue *queue, struct minimio_tcp_stream *stream, minimio_fd fd, minimio_token token,
                     minimio_interests interests, enum minimio_mode mode)
{
    return change_registration(queue, selector_modify, stream, fd, token, interests, mode);
}

int queue_deregister(struct queue *queue, struct minimio_tcp_stream *stream, minimio_fd fd)
{
    int result = -ECANCELED;

    if (!selector_lock(queue->selector))
        return result;
    if (!queue_is_destroyed(queue))
        result = selector_remove(queue->selector, fd);
    if (stream && (result == 0 || result == -ENOENT))
        tcp_stream_forget(stream, queue);
    selector_unlock(queue->selector);
    return result;
}
