/* SPDX-License-Identifier: MIT */
/*
 * What each platform provides: a set of watched descriptors, one wait for them, and a way to interrupt that wait.
 *
 * A selector knows nothing of wakes that are remembered, of closed loops or of who refers to it: queue.c does. Its
 * arguments have been checked: known interests, at least one, and a known mode.
 */
#ifndef MINIMIO_SELECTOR_H
#define MINIMIO_SELECTOR_H

#include "libminimio/minimio.h"

struct selector;

/* Errors: -ENOMEM, -EMFILE, -ENFILE. */
int selector_new(struct selector **ret_selector);

/*
 * Gives up what is watched and waited with, so that no descriptor of the platform's is left but what selector_kick
 * needs. Called by its owner, with the lock held where there is one to hold; nobody waits.
 */
void selector_close(struct selector *selector);

/* Gives up what selector_kick needs: nobody is left to call it. After selector_close. */
void selector_close_waker(struct selector *selector);

/* Frees the memory, after both. NULL is accepted; returns NULL. */
struct selector *selector_free(struct selector *selector);

/*
 * The lock under which a selector is changed. False: this process was forked from the one that made the selector.
 * The lock may have been held by a thread that exists no more, and the platform's object is shared with the parent,
 * so that here the selector may be closed and freed and nothing else.
 */
bool selector_lock(struct selector *selector);
void selector_unlock(struct selector *selector);

/*
 * A descriptor for other queues to watch, the same at each call; with the lock held. Errors: -ENOTSUP; -ENOMEM,
 * -EMFILE, -ENFILE, -ENOSPC, -ELOOP, at the first call.
 */
int selector_fd(struct selector *selector);

/* Is it one that the selector itself waits with, but the waker's? With the lock held. */
bool selector_owns(const struct selector *selector, minimio_fd fd);

/*
 * Change what is watched; with the lock held and not closed. All may run during a wait, which heeds them at once. What
 * is added as a socket is known to be one. What fails leaves the registration that is there undisturbed, not one of its
 * events lost.
 *
 * Errors: -EINVAL, a descriptor that the selector owns (add and modify alone); -EBADF, a closed descriptor; then
 * -EPERM, one that cannot be waited for (add and modify alone); then -EEXIST from add, -ENOENT from the others;
 * -ENOTSUP, -ENOMEM, -ENOSPC.
 *
 * After a modify, events that were fetched but not yet returned are dropped, and what is ready is reported anew.
 */
int selector_add(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                 enum minimio_mode mode);
int selector_add_socket(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                        enum minimio_mode mode);
int selector_modify(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                    enum minimio_mode mode);
int selector_remove(struct selector *selector, minimio_fd fd);

/*
 * One wait, without the lock, by one thread at a time: `timeout_ns` 0 collects, negative waits without limit. Returns
 * how many events were written, at least 1 and at most `capacity`; 0 at the timeout, after a kick, or for no reason
 * at all. A kick takes no slot of `capacity`. Errors: -EINTR, and the platform's own.
 */
int selector_wait(struct selector *selector, struct minimio_event *events, size_t capacity, int64_t timeout_ns);

/* Ends the wait under way, or the next one. Any thread, signal handlers too; keeps errno. */
void selector_kick(struct selector *selector);

/* The clock of all timeouts. */
int64_t monotonic_ns(void);

#endif
