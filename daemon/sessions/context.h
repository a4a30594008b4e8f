/* SPDX-License-Identifier: MIT */
/*
 * What sessions, loops and methods share. The server owns it; whoever is given it may call what it points to, and
 * knows nothing of the server.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_CONTEXT_H
#define MINIMIO_DAEMON_SESSIONS_CONTEXT_H

#include "daemon/accounts/accounts.h"
#include "daemon/config/config.h"
#include "daemon/connect/resolver.h"
#include "daemon/keep/recorder.h"
#include "daemon/loops/loop.h"
#include "daemon/wire/conn.h"
#include "daemon/wire/turn.h"

struct call;
struct request;
struct session;

struct context {
    struct turn turn;
    struct config *config;
    struct accounts accounts;
    struct wire wire;
    struct loops loops;
    struct recorder recorder;
    struct resolver *resolver;
    LIST_HEAD(, session) sessions;
    uint32_t batch_serial; /* of the last batch */

    /* Carries a request out; the call is answered then, or later if it has to wait. */
    void (*handle)(struct context *context, struct call *call, const struct request *request);
};

#endif
