/* SPDX-License-Identifier: MIT */
/*
 * The interface that each platform implements: a set of watched descriptors, one wait for the set, and a function that
 * interrupts the wait.
 *
 * queue.c keeps the state of the loop: remembered wakes, closing, reference counts. A selector has none of the three.
 * Callers have checked the arguments: at least one interest, only known interests, and a known mode.
 */
#ifndef MINIMIO_SELECTOR_H
#define MINIMIO_SELECTOR_H

#include "libminimio/minimio.h"

struct selector;

/* Errors: -ENOMEM, -EMFILE, -ENFILE. */
int selector_new(struct selector **ret_selector);

/*
 * Closes the platform's descriptors, except the descriptors that selector_kick needs. The owner calls selector_close
 * with the lock held, if selector_lock succeeded; no thread waits in selector_wait.
 */
void selector_close(struct selector *selector);

/* Closes the descriptors that selector_kick needs. Call after selector_close, when no thread can call selector_kick
 * any more. */
void selector_close_waker(struct selector *selector);

/* Frees the memory, after selector_close and selector_close_waker. NULL is accepted; returns NULL. */
struct selector *selector_free(struct selector *selector);

/*
 * Takes the lock that guards changes of a selector. False: the selector belongs to a process of which this process is a
 * fork. A thread that does not exist here may have held the lock, and the parent shares the platform's object, so the
 * caller may only close and free the selector.
 */
bool selector_lock(struct selector *selector);
void selector_unlock(struct selector *selector);

/*
 * Returns a descriptor for other queues to watch, the same descriptor on each call. Call with the lock held. Errors:
 * -ENOTSUP; on the first call -ENOMEM, -EMFILE, -ENFILE, -ENOSPC, -ELOOP.
 */
int selector_fd(struct selector *selector);

/* Does the selector use `fd` for its wait? False for the waker's descriptors. Call with the lock held. */
bool selector_owns(const struct selector *selector, minimio_fd fd);

/*
 * Change the set of watched descriptors. Call with the lock held, before selector_close. A wait in progress applies
 * each change at once. selector_add_socket requires a socket. A change that fails leaves the existing registration
 * intact and loses no event of the registration.
 *
 * Errors, in the order of the checks: -EINVAL, the selector owns the descriptor (add and modify only); -EBADF, the
 * descriptor is closed; -EPERM, the descriptor cannot be polled (add and modify only); -EEXIST from add, -ENOENT from
 * modify and remove; -ENOTSUP, -ENOMEM, -ENOSPC.
 *
 * A modify drops events that were fetched but not yet returned, and reports present readiness again.
 */
int selector_add(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                 enum minimio_mode mode);
int selector_add_socket(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                        enum minimio_mode mode);
int selector_modify(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                    enum minimio_mode mode);
int selector_remove(struct selector *selector, minimio_fd fd);

/*
 * Waits once, without the lock, in one thread at a time. `timeout_ns` 0 does not block; a negative `timeout_ns` has no
 * limit. Returns the number of events written, from 1 to `capacity`, or 0 after a timeout, a kick or a spurious wakeup.
 * A kick uses no slot of `capacity`. Errors: -EINTR, and the platform's errors.
 */
int selector_wait(struct selector *selector, struct minimio_event *events, size_t capacity, int64_t timeout_ns);

/* Ends the present wait, or else the next wait. Callable from any thread and from signal handlers; preserves errno. */
void selector_kick(struct selector *selector);

/* The clock of all timeouts. */
int64_t monotonic_ns(void);

#endif
