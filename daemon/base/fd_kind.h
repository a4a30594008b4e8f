/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor is that a client has sent, without a call that could wait for anybody.
 *
 * Owns nothing, and calls the kernel alone.
 */
#ifndef MINIMIO_DAEMON_BASE_FD_KIND_H
#define MINIMIO_DAEMON_BASE_FD_KIND_H

#include <stdbool.h>

/* Closes one that was inspected, without waiting, whatever its sender has set it up for. */
void fd_close(int fd);

/* Whether its close() may wait. */
bool fd_lingers(int fd);

/* What a descriptor is, as far as the daemon needs to know. */
enum fd_kind {
    FD_KIND_STREAM,   /* a socket whose read of nothing means that no more will come */
    FD_KIND_DATAGRAM, /* a socket whose messages may be empty */
    FD_KIND_OTHER,    /* a pipe, or a descriptor of the kernel's that is there to be waited for */
};

/*
 * Looks at a descriptor that a stranger has sent, without a call that could wait for anybody: files are refused, and
 * with them those of a file system that is a program of the stranger's. Error: -EPERM, nothing to wait for.
 */
int fd_kind_inspect(int fd, enum fd_kind *ret_kind);

/* What a descriptor is that was refused, as the subject of a sentence. */
const char *fd_kind_refused_name(int fd);

/*
 * Whether what is sent by a socket reaches its peer with the sender's credentials: the peer of a Unix or netlink socket
 * may take them for the identity of whoever wrote the message.
 */
bool fd_carries_credentials(int fd);

/* Hints to the kernel about a TCP socket. False: it is none, and has no such options. */
bool fd_set_tcp_options(int fd, bool nodelay, bool keepalive);

/* Makes the descriptor non-blocking if it is a listening socket. O_NONBLOCK belongs to the open file, which the client
 * may share with others: any other descriptor stays as it is. Error: a negative errno. */
int fd_set_up_listener(int fd);

#endif
