/* SPDX-License-Identifier: MIT */
/* What tests ask of the kqueue over epoll beside its interface. */
#ifndef MINIMIO_TESTS_KQUEUE_KQUEUE_H
#define MINIMIO_TESTS_KQUEUE_KQUEUE_H

#include <sys/event.h>

/* How often this process has called kevent. */
unsigned long kevent_calls(void);

/* How many knotes a kqueue has of that descriptor. */
int knote_count(int kqueue_fd, int fd);

#endif
