/* SPDX-License-Identifier: MIT */
/* The client's side of a Unix stream socket: sends requests, receives lines. Blocking; any failure ends the bench. */
#ifndef MINIMIO_BENCH_SESSION_H
#define MINIMIO_BENCH_SESSION_H

#include <stddef.h>

#define DESCRIPTORS_MAX 16 /* with one message */

/* Returns the socket. */
int session_connect(const char *path);

void session_send(int fd, const char *text, size_t length);

/* As printf, for up to 1 KiB of text. */
__attribute__((format(printf, 2, 3))) void session_printf(int fd, const char *format, ...);

/* Sends the descriptors with the first byte of the text. */
void session_send_fds(int fd, const char *text, size_t length, const int *fds, int count);

/* Receives a byte with descriptors; returns the number of descriptors. */
int session_receive_fds(int fd, int ret_fds[DESCRIPTORS_MAX]);

/* Reads exactly until the end of `count` lines. An error among the lines ends the bench. */
void session_await_lines(int fd, int count);

/* Reads complete lines until the lines contained `count` events. */
void session_await_events(int fd, int count);

#endif
