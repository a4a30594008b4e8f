/* SPDX-License-Identifier: MIT */
/*
 * The kind and the options of a descriptor that a client has sent, read without a call that may block.
 *
 * Owns nothing, and calls the kernel alone.
 */
#ifndef MINIMIO_DAEMON_BASE_FD_KIND_H
#define MINIMIO_DAEMON_BASE_FD_KIND_H

#include <stdbool.h>

/* Closes an inspected descriptor without waiting: switches SO_LINGER off first. */
void fd_close(int fd);

/* Whether close() of the socket may wait for unsent data. False for anything but a socket. */
bool fd_lingers(int fd);

/* The kinds of descriptors that the daemon distinguishes. */
enum fd_kind {
    FD_KIND_STREAM,   /* a socket on which a read of 0 bytes means end of file */
    FD_KIND_DATAGRAM, /* a socket on which a message may be empty */
    FD_KIND_OTHER,    /* a pipe, or a kernel object made for waiting (eventfd, timerfd, inotify, pidfd) */
};

/*
 * Determines the kind of a descriptor that a client has sent, without a call that may block. Refuses files, because a
 * file may belong to a file system that the client itself serves. Error: -EPERM, the descriptor cannot be waited for.
 */
int fd_kind_inspect(int fd, enum fd_kind *ret_kind);

/* Names a refused descriptor, as the subject of a sentence. */
const char *fd_kind_refused_name(int fd);

/*
 * Whether messages sent through the socket carry the sender's credentials: the peer of a Unix or netlink socket may
 * take the daemon's credentials for the identity of the client.
 */
bool fd_carries_credentials(int fd);

/* Sets TCP_NODELAY and SO_KEEPALIVE. False: the descriptor is not a TCP socket. */
bool fd_set_tcp_options(int fd, bool nodelay, bool keepalive);

/* Makes the descriptor non-blocking if the descriptor is a listening socket. O_NONBLOCK belongs to the open file,
 * which the client may share with other processes: any other descriptor stays unchanged. Error: a negative errno. */
int fd_set_up_listener(int fd);

#endif
