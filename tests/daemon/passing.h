/* SPDX-License-Identifier: MIT */
/*
 * Descriptors to and from the daemon, and a look at those that it has. What fails here fails the test.
 */
#ifndef MINIMIO_TESTS_DAEMON_PASSING_H
#define MINIMIO_TESTS_DAEMON_PASSING_H

#include "tests/daemon/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PASSED_MAX 253 /* the most that Linux passes at once */

void make_pair(int type, int ret_fds[2]);     /* Unix sockets that are connected to each other */
void make_tcp_pair(int ret_fds[2]);           /* likewise over loopback; the first one is the connecting end */
void make_pipe(int ret_fds[2]);               /* read end, write end */
ino_t inode_of(int fd);                       /* what a descriptor and its duplicates have in common */
void expect_bytes(int fd, const char *bytes); /* the next bytes of a stream */
void put_bytes(int fd, const char *bytes);

/* Bytes with descriptors beside them, which the caller keeps. */
void send_with(struct wire *wire, const void *data, size_t length, const int *fds, size_t count);

/* `say` with one descriptor beside the line, which is closed here then. */
void say_with(struct wire *wire, int fd, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Registers a descriptor, with more parameters such as ",'mode':'edge'"; it is closed here. The result. */
const cJSON *adopt(struct wire *wire, uint64_t token, int fd, const char *more);

/* Reads what is there, at most `size` bytes, with the descriptors that come beside them. */
size_t receive_with(int socket, char *room, size_t size, int *ret_fds, size_t *ret_count);

/*
 * Reads the next line byte by byte into wire->line; nothing may have been read ahead. Returns how many descriptors
 * came, all with the first byte.
 */
size_t read_line_with(struct wire *wire, int *ret_fds);

/* Takes a token and returns the descriptor. */
int take(struct wire *wire, uint64_t token);

/* How many descriptors the daemon has once it has done what was said so far. */
int current_descriptor_count(void);

/* It has so many and no more, now or soon: some are closed on the side. */
void await_descriptor_count(int count);

/* Which of the daemon's descriptors is this file or socket; -1: none. */
int find_descriptor(ino_t inode);

#endif
