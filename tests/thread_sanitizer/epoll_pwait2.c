/* SPDX-License-Identifier: MIT */
/*
 * epoll_pwait2 for the builds with the thread sanitizer, of calls that it knows to wait. It holds signals back until
 * the program makes a call it knows, and that of GCC 12 and of clang 14 does not know epoll_pwait2: a signal that came
 * just before would wait for the end of the timeout.
 */
#include <poll.h>
#include <sys/epoll.h>

int epoll_pwait2(int fd, struct epoll_event *events, int limit, const struct timespec *timeout, const sigset_t *mask)
{
    struct pollfd queue = {.fd = fd, .events = POLLIN};
    int count = ppoll(&queue, 1, timeout, mask);

    return count <= 0 ? count : epoll_wait(fd, events, limit, 0);
}
