/* SPDX-License-Identifier: MIT */
/*
 * A first-in, first-out queue of open descriptors: received and not yet claimed, or queued for sending and not yet
 * sent. Also receives descriptors beside the bytes of a Unix socket.
 *
 * Owns the descriptors in the queue. Calls the kernel alone.
 */
#ifndef MINIMIO_DAEMON_BASE_FD_QUEUE_H
#define MINIMIO_DAEMON_BASE_FD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Stands for a descriptor that was closed on arrival, so that later descriptors keep their positions for claiming. */
#define FD_REFUSED (-2)

/* A zeroed queue is empty and valid, and has no memory. */
struct fd_queue {
    int *fds; /* a ring */
    uint32_t first, count, capacity;
};

/* Reserves room for `more` descriptors in addition to the present ones. Error: -ENOMEM. */
int fd_queue_reserve(struct fd_queue *queue, uint32_t more);

/* Appends `fd` and takes ownership. Needs reserved room. */
void fd_queue_put(struct fd_queue *queue, int fd);

/* Frees the memory of an empty queue: the reserved room is not needed. */
void fd_queue_trim(struct fd_queue *queue);

/* Removes the oldest descriptor and passes ownership to the caller; -1: the queue is empty. Frees the memory of an
 * emptied queue. */
int fd_queue_take(struct fd_queue *queue);

/* Removes the newest descriptor of a queue that is not empty, and passes ownership to the caller. */
int fd_queue_take_newest(struct fd_queue *queue);

/* Points to the descriptor with `index` older descriptors before it. `index` must be below `count`. */
int *fd_queue_at(struct fd_queue *queue, uint32_t index);

/* Copies the `count` oldest descriptors and keeps them in the queue. `count` must not exceed the queue's count. */
void fd_queue_peek(const struct fd_queue *queue, int *ret_fds, uint32_t count);

/* The kernel's limit of descriptors beside one message (SCM_MAX_FD). */
#define FD_PASSED_MAX 253

/*
 * When the descriptor table is full, the kernel closes the surplus descriptors of a message within recvmsg, and the
 * close may block. So descriptor numbers from `first` on are reserved for received descriptors: the daemon closes
 * anything else that gets such a number.
 */
void fd_room_set(uint32_t first);
bool fd_room_has(int fd);

/*
 * Reads from a client's socket without waiting, and appends the received descriptors, close-on-exec, to the queue.
 * Returns the number of bytes; 0: end of file. `*ret_truncated`: descriptors were lost, or the table is so full that
 * the caller must close all of them. Errors: -EAGAIN, -EINTR, and others of recvmsg(2).
 */
ssize_t fd_queue_receive(struct fd_queue *queue, int socket, char *room, size_t size, bool *ret_truncated);

/* As fd_queue_receive, but with MSG_PEEK: consumes neither bytes nor descriptors. `*ret_truncated`: the bytes have
 * descriptors beside them. */
ssize_t fd_queue_look(int socket, char *room, size_t size, bool *ret_truncated);

/*
 * Prepares a client's socket for fd_queue_receive. fd_passing_allow: whether clients may send descriptors to the socket
 * from now on. A kernel that supports SO_PASSRIGHTS (Linux 6.16) returns an error to the sender otherwise.
 */
void fd_passing_prepare(int socket);
void fd_passing_allow(int socket, bool allowed);

#endif
