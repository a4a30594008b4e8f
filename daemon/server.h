/* SPDX-License-Identifier: MIT */
/*
 * The server: start, end, and the order of a turn. A turn gathers readiness, dispatches requests, polls the re-armed
 * streams, delivers events, and flushes the output of each session in one send.
 *
 * Owns the context, the service manager's client, and the timers of shutdown and trimming. Calls the rooms in its row
 * of ARCHITECTURE.md.
 */
#ifndef MINIMIO_DAEMON_SERVER_H
#define MINIMIO_DAEMON_SERVER_H

#include "daemon/manager/manager.h"
#include "daemon/restart/handover.h"
#include "daemon/sessions/context.h"

#include <signal.h>

struct server {
    struct context context;
    struct manager *manager;     /* the service manager */
    struct timer shutdown_grace; /* time for clients to read their last lines */
    struct timer trim;           /* when freed memory is returned to the system */
    uint32_t peak;               /* highest number of sessions and registrations since the last trim */
};

/* Requests of signal handlers. A handler sets a member and wakes the reactor; main.c clears the member. */
struct server_signals {
    volatile sig_atomic_t stop, reload, hand_over, child;
};

/*
 * Opens the socket and starts all parts; logs the cause of a failure. Errors: negative errno. Call server_deinit also
 * after an error.
 */
int server_init(struct server *server, struct config *config, const struct handover *handover);
void server_deinit(struct server *server);

enum { SERVER_STOPPED, SERVER_RELOAD, SERVER_HAND_OVER, SERVER_CHILD };

/*
 * Serves until a signal handler sets a request. SERVER_STOPPED: clients have been notified, and the server is at its
 * end. SERVER_CHILD: a child process has ended. After any other result, call again to continue. Errors: negative errno,
 * the server must end.
 */
int server_run(struct server *server, const struct server_signals *signals);

/*
 * Before an exec: notifies the clients and ends all sessions. The listening socket stays open, and new clients wait in
 * its backlog. server_resume continues after a failed exec. Error: negative errno, the server must end.
 */
int server_take_leave(struct server *server);
void server_resume(struct server *server);

/* Reports readiness and status to the service manager, after the start and after a reload. */
void server_ready(struct server *server);

/*
 * Applies new settings. Existing sessions stay, even above new limits. Takes the contents of `*fresh` and leaves
 * `*fresh` empty.
 */
void server_reconfigure(struct server *server, struct config *fresh);

#endif
