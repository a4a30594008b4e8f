/* SPDX-License-Identifier: MIT */
/* Registrator: a handle on a queue for any thread. A Registrator has no state except the pointer to the queue, so
 * threads can share a Registrator. Portable. */
#include "libminimio/minimio.h"

#include "libminimio/queue.h"

#include <assert.h>
#include <stdlib.h>

struct minimio_registrator {
    struct queue *queue;
};

struct minimio_registrator *queue_registrator(struct queue *queue)
{
    struct minimio_registrator *registrator = malloc(sizeof *registrator);

    if (registrator)
        registrator->queue = queue_add_handle(queue);
    return registrator;
}

struct minimio_registrator *minimio_registrator_free(struct minimio_registrator *registrator)
{
    if (registrator)
        queue_drop_handle(registrator->queue);
    free(registrator);
    return NULL;
}

int minimio_registrator_register(struct minimio_registrator *registrator, struct minimio_tcp_stream *stream,
                                 minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    assert(registrator && stream);
    return queue_register_socket(registrator->queue, stream, minimio_tcp_stream_fd(stream), token, interests, mode);
}

int minimio_registrator_register_fd(struct minimio_registrator *registrator, minimio_fd fd, minimio_token token,
                                    minimio_interests interests, enum minimio_mode mode)
{
    assert(registrator);
    return queue_register(registrator->queue, fd, token, interests, mode);
}

int minimio_registrator_register_socket(struct minimio_registrator *registrator, minimio_fd fd, minimio_token token,
                                        minimio_interests interests, enum minimio_mode mode)
{
    assert(registrator);
    return queue_register_socket(registrator->queue, NULL, fd, token, interests, mode);
}

int minimio_registrator_reregister(struct minimio_registrator *registrator, struct minimio_tcp_stream *stream,
                                   minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    assert(registrator && stream);
    return queue_reregister(registrator->queue, stream, minimio_tcp_stream_fd(stream), token, interests, mode);
}

int minimio_registrator_reregister_fd(struct minimio_registrator *registrator, minimio_fd fd, minimio_token token,
                                      minimio_interests interests, enum minimio_mode mode)
{
    assert(registrator);
    return queue_reregister(registrator->queue, NULL, fd, token, interests, mode);
}

int minimio_registrator_deregister(struct minimio_registrator *registrator, struct minimio_tcp_stream *stream)
{
    assert(registrator && stream);
    return queue_deregister(registrator->queue, stream, minimio_tcp_stream_fd(stream));
}

int minimio_registrator_deregister_fd(struct minimio_registrator *registrator, minimio_fd fd)
{
    assert(registrator);
    return queue_deregister(registrator->queue, NULL, fd);
}

int minimio_registrator_wake(struct minimio_registrator *registrator)
{
    assert(registrator);
    return queue_wake(registrator->queue);
}

int minimio_registrator_close_loop(struct minimio_registrator *registrator)
{
    assert(registrator);
    return queue_cancel(registrator->queue);
}
