/* SPDX-License-Identifier: MIT */
/*
 * The listening socket: bind, accept, removal of the socket file. Without free descriptors the listener pauses, and the
 * daemon does not busy-loop.
 *
 * Owns the socket, the socket file and a spare descriptor. Calls the reactor and the two callbacks.
 */
#ifndef MINIMIO_DAEMON_WIRE_LISTENER_H
#define MINIMIO_DAEMON_WIRE_LISTENER_H

#include "daemon/base/reactor.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Pause of the listener after descriptors ran out. */
#define LISTENER_REST_MS 100

/* Takes `fd`, the connection of a client: non-blocking and close-on-exec. */
typedef void listener_accepted(void *owner, int fd);

/* Takes `fd`, a connection on the last free descriptor: the callback sends the refusal and closes `fd` at once. */
typedef void listener_exhausted(void *owner, int fd);

struct listener {
    struct source source;
    struct reactor *reactor;
    listener_accepted *accepted;
    listener_exhausted *exhausted;
    void *owner;
    const char *path; /* of the socket file, if owned; NULL: not owned */
    int fd;           /* -1: closed */
    int spare;        /* closed for a moment to refuse a client without other descriptors; -1: not reopened yet */
    struct timer rest;
    struct stat bound;          /* identity of the bound socket file */
    struct sockaddr_un address; /* bound address; also the name of the server's end of each connection */
    socklen_t address_length;
};

/*
 * Listens at `path` with this mode. Replaces a stale socket file. Errors: -EADDRINUSE, a daemon listens or starts at
 * `path`; -EEXIST, `path` is not a socket; -EACCES, the lock file is not usable; -ENAMETOOLONG; and the errors of
 * connect, bind and listen.
 */
int listener_init(struct listener *listener, struct reactor *reactor, const char *path, mode_t mode,
                  listener_accepted *accepted, listener_exhausted *exhausted, void *owner);

/* Takes over `fd`, a listening socket. `path`: the socket file, removed at the end; NULL: the file stays. */
void listener_init_adopted(struct listener *listener, struct reactor *reactor, int fd, const char *path,
                           listener_accepted *accepted, listener_exhausted *exhausted, void *owner);

/* Whether `fd` is the listening socket, or either end of a connection to the listening socket. */
bool listener_owns(const struct listener *listener, int fd);

/* Stops accepting; clients may still connect and wait in the backlog. Resumes. */
void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener);

/* Closes the socket and removes the socket file, unless replaced meanwhile. May be called twice. */
void listener_deinit(struct listener *listener);

#endif
