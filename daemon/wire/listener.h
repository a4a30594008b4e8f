/* SPDX-License-Identifier: MIT */
/*
 * The listening socket: made where nobody listens yet, taken away at the end, and never spinning when there are no
 * descriptors left.
 */
#ifndef MINIMIO_DAEMON_WIRE_LISTENER_H
#define MINIMIO_DAEMON_WIRE_LISTENER_H

#include "daemon/base/reactor.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* How long the listener rests when descriptors have run out. */
#define LISTENER_REST_MS 100

/* A client has connected; its descriptor, non-blocking and close-on-exec, is the receiver's. */
typedef void listener_accepted(void *owner, int fd);

/* Likewise, but it is the last descriptor there is: the receiver says so on it and closes it at once. */
typedef void listener_exhausted(void *owner, int fd);

struct listener {
    struct source source;
    struct reactor *reactor;
    listener_accepted *accepted;
    listener_exhausted *exhausted;
    void *owner;
    const char *path; /* of the socket file that is ours; NULL: it is not */
    int fd;           /* -1: closed */
    int spare; /* given up for a moment to tell a client that there are no more; -1: it could not be had back yet */
    struct timer rest;
    struct stat bound;          /* the socket file that was made */
    struct sockaddr_un address; /* that the socket is bound to; of its own connections, one end's name is the same */
    socklen_t address_length;
};

/*
 * Listens at `path` with this mode. A socket file that nobody answers is replaced. Errors: -EADDRINUSE, a living daemon
 * answers there; -EEXIST, something that is not a socket exists there; -ENAMETOOLONG; and those of bind and listen.
 */
int listener_init(struct listener *listener, struct reactor *reactor, const char *path, mode_t mode,
                  listener_accepted *accepted, listener_exhausted *exhausted, void *owner);

/* Accepts at a socket that listens already and is taken over. `path`: of its file, if that is ours; NULL: it stays. */
void listener_init_adopted(struct listener *listener, struct reactor *reactor, int fd, const char *path,
                           listener_accepted *accepted, listener_exhausted *exhausted, void *owner);

/* Whether a descriptor is the listening socket, or either end of a connection to it. */
bool listener_owns(const struct listener *listener, int fd);

/* Accepts no more for now, while clients may still connect and wait; and again. */
void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener);

/* Accepts no more and takes the socket file away, if it is still ours. May be called twice. */
void listener_deinit(struct listener *listener);

#endif
