/* SPDX-License-Identifier: MIT */
/*
 * A pending `register` with ensure of a connecting token: answered with the outcome of the connect. If the call that
 * connects ends before the connect, the first follower takes the connect over.
 *
 * Owns the pending calls, each of which counts as a registration of its user. Calls the call and the accounts.
 */
#ifndef MINIMIO_DAEMON_METHODS_PENDING_FOLLOW_H
#define MINIMIO_DAEMON_METHODS_PENDING_FOLLOW_H

#include "daemon/sessions/call.h"
#include "daemon/sessions/context.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

TAILQ_HEAD(follow_list, pending_follow);

/* Adds a follower. Copies `call`. Errors, with `*ret_fault`: -EDQUOT, the limit of registrations; -ENOMEM. */
int pending_follow_begin(struct context *context, const struct call *call, struct follow_list *list, uint64_t token,
                         struct fault *ret_fault);

/* Removes the first follower, and passes its call, which stays pending, to the caller. False: the list is empty. */
bool pending_follow_take(struct follow_list *list, struct call *ret_call);

/* Answers all followers with the outcome; each as soon as its client reads. `local`, `peer`: addresses or "". */
void pending_follow_connected(struct follow_list *list, const char *local, const char *peer);
void pending_follow_failed(struct follow_list *list, const struct fault *fault);

#endif
