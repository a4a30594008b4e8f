/* SPDX-License-Identifier: MIT */
/*
 * The daemon: what its parts share, and the order of a turn: all readiness is gathered, then requests are carried out,
 * then the kernel is asked of the streams that were armed again, then readiness is told, then everything goes out, each
 * session's in one send.
 */
#ifndef MINIMIO_DAEMON_SERVER_H
#define MINIMIO_DAEMON_SERVER_H

#include "daemon/closer.h"
#include "daemon/config.h"
#include "daemon/durable.h"
#include "daemon/handover.h"
#include "daemon/lingering.h"
#include "daemon/listener.h"
#include "daemon/loop.h"
#include "daemon/policy.h"
#include "daemon/reactor.h"
#include "daemon/resolver.h"
#include "daemon/schedule.h"
#include "daemon/service.h"
#include "daemon/session.h"
#include "daemon/stats.h"
#include "daemon/unread.h"

#include <signal.h>

/* How much of one session's input is taken in a turn: the others' turn comes soon after. One read, or some where each
 * has ended early, at descriptors. */
#define SERVER_READ_BYTES 16384
#define SERVER_READS      16

/* How many units of work (handle_request has their table; a ping is one) are done for one session in a turn: fewer than
 * delay others noticeably, more than the cost of a turn; and how many while others wait in that turn. */
#define SERVER_UNITS        64
#define SERVER_UNITS_SHARED 16

/* How many descriptors that nobody claimed are closed in a turn, of each session that is over. */
#define SERVER_DISCARDS 4

struct server {
    struct reactor reactor;
    struct config *config;
    const struct limits *limits;
    struct policy policy;
    struct stats stats;
    struct resolver *resolver;
    struct listener listener;
    struct service *service; /* the manager that started us */
    struct closer closer;
    struct durable durable;
    struct loops loops;
    LIST_HEAD(, session) sessions;
    struct unreads unreads;
    struct lingerings lingerings; /* sockets of sessions that are over */
    struct schedule schedule;
    struct timer relief;   /* tries again what memory ran out for */
    struct timer farewell; /* how long clients have to read their last lines */
    struct timer trim;     /* when memory of a peak is given back */
    uint64_t units;        /* of work done for requests since the start */
    uint32_t batch_serial;
    uint32_t peak; /* of sessions and registrations, since memory was given back */
    bool stopping;
    char scratch[SERVER_READ_BYTES]; /* what was just read, before a session keeps any of it */
};

/* What signal handlers ask for. Who sets one wakes the reactor; who has done what was asked clears it. */
struct server_signals {
    volatile sig_atomic_t stop, reload, hand_over, child;
};

/*
 * Opens the socket and whatever else is needed; says in the log what failed. Errors: negative errno. To be freed with
 * server_deinit after an error too.
 */
int server_init(struct server *server, struct config *config, const struct handover *handover);
void server_deinit(struct server *server);

enum { SERVER_STOPPED, SERVER_RELOAD, SERVER_HAND_OVER, SERVER_CHILD };

/*
 * Serves until a signal asks for something. SERVER_STOPPED: the clients were told. Otherwise it goes on when it is
 * called again; SERVER_CHILD: a child process has ended. Errors: negative errno, it cannot go on.
 */
int server_run(struct server *server, const struct server_signals *signals);

/*
 * Tells the clients and ends their sessions, while the listening socket stays and others may connect and wait; and goes
 * on, when nobody took over. Error: negative errno, it cannot go on.
 */
int server_take_leave(struct server *server);
void server_resume(struct server *server);

/* Tells the service manager that the daemon serves, and whom: when it has started, and when it has reloaded. */
void server_ready(struct server *server);

/*
 * Goes by other settings from now on; sessions stay, whatever the new limits are. `*fresh` is taken, and empty
 * afterwards.
 */
void server_reconfigure(struct server *server, struct config *fresh);

/* Lets a session run this turn, or the next if it runs already; while stopping, never. */
void server_schedule(struct server *server, struct session *session);

/* Whether work that is done in pieces is to go on in a later turn. Reads the clock; never true when the daemon ends. */
bool server_piece_is_over(struct server *server);

/* Memory ran out for something that is to be tried again soon. */
void server_wants_relief(struct server *server);

#endif
