/* SPDX-License-Identifier: MIT */
/*
 * State shared by sessions, loops and methods, without reference to the server.
 *
 * Owns the members, except `config`. Calls the init and deinit functions of the members.
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

/* Dispatches a request. Answers the call, or keeps a pending call. */
typedef void request_handler(struct context *context, struct call *call, const struct request *request);

struct context {
    struct turn turn;
    struct config *config;
    struct accounts accounts;
    struct wire wire;
    struct loops loops;
    struct resolver *resolver;
    LIST_HEAD(, session) sessions;
    uint32_t batch_serial;   /* serial of the last batch */
    uint64_t session_number; /* number of the last session */
    request_handler *handle;
};

/*
 * The context must be zeroed. `deliver` runs when a loop has events and a client that reads; `retry_all` repeats work
 * that failed for want of memory. The reactor must be initialized before context_start. Error: -ENOMEM.
 */
void context_init(struct context *context, struct config *config, void (*deliver)(struct task *task),
                  request_handler *handle, void (*retry_all)(struct turn *turn));
int context_start(struct context *context);
void context_deinit(struct context *context);

/* A child process of the daemon ended. */
void context_child_ended(struct context *context);

/* Before an exec: ends the name lookup process. After a failed exec: starts the process again. */
void context_leave(struct context *context);
void context_return(struct context *context);

#endif
