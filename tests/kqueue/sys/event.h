/* SPDX-License-Identifier: MIT */
/*
 * The kevent interface as libminimio's kqueue backend uses it, over epoll, for its tests on Linux. Never in the
 * product.
 *
 * Numbers and types are those of the platform that is chosen when it is compiled:
 *   KQUEUE_LIKE_FREEBSD      user events, EV_DISPATCH, no out-of-band data
 *   KQUEUE_LIKE_MACOS        out-of-band data too
 *   KQUEUE_LIKE_OLD_NETBSD   neither of these, filters counted up from zero, an integer for udata
 * What kqueue.c behaves like is FreeBSD in all three.
 */
#ifndef MINIMIO_TESTS_KQUEUE_SYS_EVENT_H
#define MINIMIO_TESTS_KQUEUE_SYS_EVENT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef KQUEUE_LIKE_OLD_NETBSD

#define EVFILT_READ  0U
#define EVFILT_WRITE 1U

struct kevent {
    uintptr_t ident;
    uint32_t filter;
    uint32_t flags;
    uint32_t fflags;
    int64_t data;
    intptr_t udata;
};
typedef size_t kevent_count;

#else

#define EVFILT_READ  (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_USER  (-11)
#define NOTE_TRIGGER 0x01000000
#define EV_DISPATCH  0x0080
#ifdef KQUEUE_LIKE_MACOS
#define EVFILT_EXCEPT (-15)
#define NOTE_OOB      0x00000002
#endif

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    int64_t data;
    void *udata;
};
typedef int kevent_count;

#endif

#define EV_ADD     0x0001
#define EV_DELETE  0x0002
#define EV_ENABLE  0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR   0x0020
#define EV_EOF     0x8000

int kqueue(void);

/* Changes, or else events: the backend never asks for both in one call. */
int kevent(int kqueue_fd, const struct kevent *changes, kevent_count change_count, struct kevent *events,
           kevent_count event_count, const struct timespec *timeout);

#endif
