/* SPDX-License-Identifier: MIT */
/*
 * The event queue behind every handle: a selector, the woken and closed flags, and the reference counts.
 *
 * A queue has two counts. Handles are the objects that can use the queue: Poll, Selector and Registrators. The last
 * handle closes the selector's waker. References are all pointers to the queue, including those of registered streams;
 * the last reference frees the memory. All handles together hold one reference.
 */
#ifndef MINIMIO_QUEUE_H
#define MINIMIO_QUEUE_H

#include "libminimio/minimio.h"

struct queue;

/* Makes a queue with one handle and no other reference. Errors: as selector_new. */
int queue_new(struct queue **ret_queue);

/* The Poll or Selector is freed: closes the selector, after which every call returns -ECANCELED. */
void queue_destroy(struct queue *queue);

struct queue *queue_add_handle(struct queue *queue);
void queue_drop_handle(struct queue *queue);
struct queue *queue_ref(struct queue *queue);
void queue_unref(struct queue *queue);

/* Was queue_destroy called? Callable from any thread. */
bool queue_is_destroyed(struct queue *queue);

/* As minimio_poll_fd. */
int queue_fd(struct queue *queue);

/* Makes a registrator of this queue. NULL: out of memory. */
struct minimio_registrator *queue_registrator(struct queue *queue);

/*
 * Waits once, as minimio_selector_select. `*ret_woken`: this wait consumed a wake. `*ret_woken` is untouched on
 * failure.
 */
int queue_wait(struct queue *queue, struct minimio_event *events, size_t capacity, int64_t timeout_ns, bool *ret_woken);

/* As the registrator's functions. `stream` owns `fd` and remembers the registration; NULL for a plain descriptor. */
int queue_register(struct queue *queue, minimio_fd fd, minimio_token token, minimio_interests interests,
                   enum minimio_mode mode);
int queue_register_socket(struct queue *queue, struct minimio_tcp_stream *stream, minimio_fd fd, minimio_token token,
                          minimio_interests interests, enum minimio_mode mode);
int queue_reregister(struct queue *queue, struct minimio_tcp_stream *stream, minimio_fd fd, minimio_token token,
                     minimio_interests interests, enum minimio_mode mode);
int queue_deregister(struct queue *queue, struct minimio_tcp_stream *stream, minimio_fd fd);
int queue_wake(struct queue *queue);
int queue_cancel(struct queue *queue);

#endif
