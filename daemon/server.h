/* SPDX-License-Identifier: MIT */
/*
 * The daemon: what its parts share, and the order of a turn: all readiness is gathered, then requests are carried out,
 * then readiness is told, then everything goes out, each session's in one send.
 */
#ifndef MINIMIO_DAEMON_SERVER_H
#define MINIMIO_DAEMON_SERVER_H

#include "daemon/closer.h"
#include "daemon/config.h"
#include "daemon/listener.h"
#include "daemon/loop.h"
#include "daemon/policy.h"
#include "daemon/reactor.h"
#include "daemon/resolver.h"
#include "daemon/session.h"
#include "daemon/stats.h"

#include <signal.h>

/* How much of one session's input is taken in a turn: the others' turn comes soon after. */
#define SERVER_READ_BYTES 16384

/* How many of one session's requests are carried out in a turn, but for the rest of a batch: fewer than cost the others
 * a delay that they would notice, more than the cost of a turn; and how many while others wait in that turn. */
#define SERVER_REQUESTS        16
#define SERVER_REQUESTS_SHARED 4

struct server {
    struct reactor reactor;
    const struct config *config;
    const struct limits *limits;
    struct policy policy;
    struct stats stats;
    struct resolver *resolver;
    struct listener listener;
    struct closer closer;
    struct loops loops;
    LIST_HEAD(, session) sessions;
    struct session_list runnable; /* have something to read or to carry out */
    struct session_list dirty;    /* have something to send, or may be at their end */
    struct timer relief;          /* tries again what memory ran out for */
    struct timer farewell;        /* how long clients have to read their last lines */
    uint32_t batch_serial;
    uint32_t turn;      /* counts them */
    uint32_t finishing; /* sessions being finished within each other */
    bool stopping;
    char scratch[SERVER_READ_BYTES]; /* what was just read, before a session keeps any of it */
};

/*
 * Opens the socket and whatever else is needed; says in the log what failed. Errors: negative errno. To be freed with
 * server_deinit after an error too.
 */
int server_init(struct server *server, const struct config *config);
void server_deinit(struct server *server);

/* Serves until `*stop` becomes true and its setter has woken the reactor; then tells the clients, and returns. */
int server_run(struct server *server, const volatile sig_atomic_t *stop);

/* Lets a session run this turn, or the next if it runs already; while stopping, never. */
void server_schedule(struct server *server, struct session *session);

/* Memory ran out for something that is to be tried again soon. */
void server_wants_relief(struct server *server);

#endif
