/* SPDX-License-Identifier: MIT */
/*
 * Open descriptors that wait for somebody, first in, first out: received and not yet claimed, or to be sent and not
 * yet gone. It owns what is in it.
 */
#ifndef MINIMIO_DAEMON_DESCRIPTORS_H
#define MINIMIO_DAEMON_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Takes the place of a descriptor that was closed as it came, so that those behind it are claimed in their turn. */
#define DESCRIPTOR_REFUSED (-2)

/* Zeroed, it is empty and has no memory. */
struct descriptors {
    int *fds; /* a ring */
    uint32_t first, count, capacity;
};

/* Room for `more` in addition to those that are in it. Error: -ENOMEM. */
int descriptors_reserve(struct descriptors *descriptors, uint32_t more);

/* Takes `fd`, for which there must be room. */
void descriptors_put(struct descriptors *descriptors, int fd);

/* The oldest, now the caller's; -1: it is empty. An emptied one has no memory any more. */
int descriptors_take(struct descriptors *descriptors);

/* Likewise the newest, of one that is not empty. */
int descriptors_take_newest(struct descriptors *descriptors);

/* The place of the descriptor with `index` older ones before it, which must be there. */
int *descriptors_at(struct descriptors *descriptors, uint32_t index);

/* Copies the `count` oldest, which it must have, and keeps them. */
void descriptors_peek(const struct descriptors *descriptors, int *ret_fds, uint32_t count);

/* The most that the kernel passes beside a message. */
#define DESCRIPTORS_PASSED_MAX 253

/*
 * The kernel closes, and may wait in doing so, those of a message for which the table has no room. So the numbers from
 * this one on are kept for what a message brings: whatever else has one of them is closed again.
 */
void descriptors_set_room(uint32_t first);
bool descriptor_is_in_room(int fd);

/*
 * Reads from a client's socket without waiting, and takes the descriptors that come beside the bytes, close-on-exec.
 * Returns how many bytes; 0: no more will come. `*ret_cut`: some are lost, or the table is so full that none may be
 * kept. Errors: -EAGAIN, -EINTR, and what recvmsg says.
 */
ssize_t descriptors_receive(struct descriptors *descriptors, int socket, char *room, size_t size, bool *ret_cut);

/* Likewise, and leaves all as it is; `*ret_cut`: there are descriptors beside the bytes. */
ssize_t descriptors_look(int socket, char *room, size_t size, bool *ret_cut);

/*
 * Prepares a client's socket. `allowed`: whether descriptors may be sent to it; a kernel that can (Linux 6.16) refuses
 * them to the sender otherwise, from now on.
 */
void descriptors_prepare_socket(int socket);
void descriptors_allow(int socket, bool allowed);

/* Closes one that was inspected, without waiting, whatever its sender has set it up for. */
void descriptor_close(int fd);

/* Whether its close() may wait. */
bool descriptor_lingers(int fd);

/* What a descriptor is, as far as the daemon needs to know. */
enum descriptor_kind {
    DESCRIPTOR_STREAM,   /* a socket whose read of nothing means that no more will come */
    DESCRIPTOR_DATAGRAM, /* a socket whose messages may be empty */
    DESCRIPTOR_OTHER,    /* a pipe, or a descriptor of the kernel's that is there to be waited for */
};

/*
 * Looks at a descriptor that a stranger has sent, without a call that could wait for anybody: files are refused, and
 * with them those of a file system that is a program of the stranger's. Error: -EPERM, nothing to wait for.
 */
int descriptor_inspect(int fd, enum descriptor_kind *ret_kind);

/* What a descriptor is that was refused, as the subject of a sentence. */
const char *descriptor_refused_name(int fd);

/*
 * Whether what is sent by a socket reaches its peer with the sender's credentials: the peer of a Unix or netlink socket
 * may take them for the identity of whoever wrote the message.
 */
bool descriptor_carries_credentials(int fd);

/* Hints to the kernel about a TCP socket. False: it is none, and has no such options. */
bool descriptor_set_tcp_options(int fd, bool nodelay, bool keepalive);

/* Makes the descriptor non-blocking if it is a listening socket. O_NONBLOCK belongs to the open file, which the client
 * may share with others: any other descriptor stays as it is. Error: a negative errno. */
int descriptor_set_up_listener(int fd);

#endif
