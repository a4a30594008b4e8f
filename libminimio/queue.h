/* SPDX-License-Identifier: MIT */
/*
 * The event queue behind every handle: a selector, whether it was woken or closed, and who refers to it.
 *
 * Two counts. Handles are those who can use it, Poll, Selector and Registrators: with the last of them goes the
 * selector's waker. References are who points at it, streams that are registered included: with the last goes the
 * memory. All handles together hold one reference.
 */
#ifndef MINIMIO_QUEUE_H
#define MINIMIO_QUEUE_H

#include "libminimio/minimio.h"

struct queue;

/* Makes a queue with one handle and no other reference. Errors: selector_new's. */
int queue_new(struct queue **ret_queue);

/* Its Poll or Selector is freed: nothing is watched any more, every call gives -ECANCELED. */
void queue_end(struct queue *queue);

struct queue *queue_add_handle(struct queue *queue);
void queue_drop_handle(struct queue *queue);
struct queue *queue_ref(struct queue *queue);
void queue_unref(struct queue *queue);

/* Was queue_end called? Any thread. */
bool queue_ended(struct queue *queue);

/* As minimio_poll_fd. */
int queue_fd(struct queue *queue);

/* A new registrator of this queue; NULL: no memory. */
struct minimio_registrator *queue_registrator(struct queue *queue);

/*
 * One wait, as minimio_selector_select. `*ret_woken`: a wake was spent on it. It is set but when an error is returned.
 */
int queue_wait(struct queue *queue, struct minimio_event *events, size_t capacity, int64_t timeout_ns, bool *ret_woken);

/* As the registrator's functions. `stream`: whose descriptor it is, and who remembers the registration; or NULL. */
int queue_register(struct queue *queue, minimio_fd fd, minimio_token token, minimio_interests interests,
                   enum minimio_mode mode);
int queue_register_socket(struct queue *queue, struct minimio_tcp_stream *stream, minimio_fd fd, minimio_token token,
                          minimio_interests interests, enum minimio_mode mode);
int queue_reregister(struct queue *queue, struct minimio_tcp_stream *stream, minimio_fd fd, minimio_token token,
                     minimio_interests interests, enum minimio_mode mode);
int queue_deregister(struct queue *queue, struct minimio_tcp_stream *stream, minimio_fd fd);
int queue_wake(struct queue *queue);
int queue_close(struct queue *queue);

#endif
