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
#include "daemon/loops/loop.h"
#include "daemon/wire/conn.h"
#include "daemon/wire/turn.h"

struct call;
struct context;
struct request;
struct session;

/* Dispatches a request; the call is answered then, or later if it has to wait. */
typedef void request_handler(struct context *context, struct call *call, const struct request *request);

struct context {
    struct turn turn;
    struct config *config;
    struct accounts accounts;
    struct wire wire;
    struct loops loops;
    struct resolver *resolver;
    LIST_HEAD(, session) sessions;
    uint32_t batch_serial; /* of the last batch */
    request_handler *handle;
};

/*
 * The context must be zeroed. `deliver` runs when a loop has events and a client that reads; `retry_all` when work is
 * to be repeated that memory ran out for. The reactor is initialized before context_start. Error: negative errno.
 */
void context_init(struct context *context, struct config *config, void (*deliver)(struct task *task),
                  request_handler *handle, void (*retry_all)(struct turn *turn));
int context_start(struct context *context);
void context_deinit(struct context *context);

/* A child process of the daemon's has ended. */
void context_child_ended(struct context *context);

/* The process is about to become another binary, and lets its children go; or goes on after all. */
void context_leave(struct context *context);
void context_return(struct context *context);

#endif
