/* SPDX-License-Identifier: MIT */
/*
 * Open descriptors that wait for somebody, first in, first out: received and not yet claimed, or to be sent and not
 * yet gone. It owns what is in it.
 */
#ifndef MINIMIO_DAEMON_BASE_FD_QUEUE_H
#define MINIMIO_DAEMON_BASE_FD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Takes the place of a descriptor that was closed as it came, so that those behind it are claimed in their turn. */
#define FD_REFUSED (-2)

/* Zeroed, it is empty and has no memory. */
struct fd_queue {
    int *fds; /* a ring */
    uint32_t first, count, capacity;
};

/* Room for `more` in addition to those that are in it. Error: -ENOMEM. */
int fd_queue_reserve(struct fd_queue *descriptors, uint32_t more);

/* Takes `fd`, for which there must be room. */
void fd_queue_put(struct fd_queue *descriptors, int fd);

/* The oldest, now the caller's; -1: it is empty. An emptied one has no memory any more. */
int fd_queue_take(struct fd_queue *descriptors);

/* Likewise the newest, of one that is not empty. */
int fd_queue_take_newest(struct fd_queue *descriptors);

/* The place of the descriptor with `index` older ones before it, which must be there. */
int *fd_queue_at(struct fd_queue *descriptors, uint32_t index);

/* Copies the `count` oldest, which it must have, and keeps them. */
void fd_queue_peek(const struct fd_queue *descriptors, int *ret_fds, uint32_t count);

/* The most that the kernel passes beside a message. */
#define FD_PASSED_MAX 253

/*
 * The kernel closes, and may wait in doing so, those of a message for which the table has no room. So the numbers from
 * this one on are kept for what a message brings: whatever else has one of them is closed again.
 */
void fd_room_set(uint32_t first);
bool fd_room_has(int fd);

/*
 * Reads from a client's socket without waiting, and takes the descriptors that come beside the bytes, close-on-exec.
 * Returns how many bytes; 0: no more will come. `*ret_cut`: some are lost, or the table is so full that none may be
 * kept. Errors: -EAGAIN, -EINTR, and what recvmsg says.
 */
ssize_t fd_queue_receive(struct fd_queue *descriptors, int socket, char *room, size_t size, bool *ret_cut);

/* Likewise, and leaves all as it is; `*ret_cut`: there are descriptors beside the bytes. */
ssize_t fd_queue_look(int socket, char *room, size_t size, bool *ret_cut);

/*
 * Prepares a client's socket. `allowed`: whether descriptors may be sent to it; a kernel that can (Linux 6.16) refuses
 * them to the sender otherwise, from now on.
 */
void fd_passing_prepare(int socket);
void fd_passing_allow(int socket, bool allowed);

#endif
