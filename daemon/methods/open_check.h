/* SPDX-License-Identifier: MIT */
/*
 * Whether an open_loop may enter a loop: its parameters, the session's old loop, the other members, the calls that
 * wait.
 *
 * Owns no state. Calls members, loops and the call.
 */
#ifndef MINIMIO_DAEMON_METHODS_OPEN_CHECK_H
#define MINIMIO_DAEMON_METHODS_OPEN_CHECK_H

#include "daemon/sessions/call.h"

/* What the client asks for. */
struct open_request {
    struct session *session;
    bool takeover, may_create;
    bool has_delivery, has_linger; /* absent parameters keep the loop's values */
    uint8_t role;                  /* enum role */
    uint8_t delivery;              /* enum delivery */
    uint16_t prefetch;
    uint64_t linger_ms, wait_ms;
    char name[NAME_MAX_BYTES + 1]; /* "": an anonymous loop */
};

void open_request_init(struct open_request *ret_request, struct session *session, const struct params *params);

/* Checks what does not depend on a loop. False: the call is answered with a fault. */
bool open_check_params(struct call *call, const struct params *params);

/* The next member that keeps the session out: of a worker the owner, of an owner every owner or worker, of a guest no
 * member. The session itself does not. `session` NULL: the first. NULL: none. */
struct session *open_next_rival(const struct open_request *request, const struct loop *loop, struct session *session);

/* Whether the session must wait or be refused: for a rival, or for a call other than `waiter` that asked before. An
 * owner or worker of the loop does not wait for those that asked to enter. */
bool open_is_busy(const struct open_request *request, const struct loop *loop, const struct loop_waiter *waiter);

/* Whether the session may enter `loop`, or, with NULL, make the loop. `is_busy`: as of open_is_busy. False: the call is
 * answered with a fault. */
bool open_check(const struct open_request *request, struct call *call, const struct loop *loop, bool is_busy);

#endif
