/* SPDX-License-Identifier: MIT */
/* A client's side of a Unix stream socket: requests out, lines in. Blocking; whatever fails ends the bench. */
#ifndef MINIMIO_BENCH_SESSION_H
#define MINIMIO_BENCH_SESSION_H

#include <stddef.h>

#define DESCRIPTORS_MAX 16 /* beside one message */

/* Returns the socket. */
int session_connect(const char *path);

void session_send(int fd, const char *text, size_t length);

/* `format` is printf's, up to 1 KiB of text. */
__attribute__((format(printf, 2, 3))) void session_say(int fd, const char *format, ...);

/* Descriptors go beside the text's first byte. */
void session_send_fds(int fd, const char *text, size_t length, const int *fds, int count);

/* Receives a byte and the descriptors beside it; returns how many. */
int session_receive_fds(int fd, int ret_fds[DESCRIPTORS_MAX]);

/* Reads until `count` lines have ended, and no further. An error among them ends the bench. */
void session_await_lines(int fd, int count);

/* Reads whole lines until `count` events were told in them. */
void session_await_events(int fd, int count);

#endif
