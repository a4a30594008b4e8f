/* SPDX-License-Identifier: MIT */
/* When the condition of a knote is true, and what is told of it: the kernels' answers, made out of poll's. */
#include "tests/kqueue/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

static bool is_socket(int fd)
{
    int type;
    socklen_t length = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

/* Has it said that it sends no more? poll does not tell. */
static bool is_shut_for_writing(int fd)
{
    struct tcp_info info;
    socklen_t length = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return false;
    return info.tcpi_state == TCP_FIN_WAIT1 || info.tcpi_state == TCP_FIN_WAIT2 || info.tcpi_state == TCP_CLOSING ||
           info.tcpi_state == TCP_LAST_ACK || info.tcpi_state == TCP_TIME_WAIT;
}

/* The kernels give the socket's error, which here only taking it would tell. */
static void set_end(struct kevent *event, bool ended, bool failed)
{
    if (ended)
        event->flags |= EV_EOF;
    if (failed)
        event->fflags = ECONNRESET;
}

static bool look_at_socket(const struct knote *knote, short state, struct kevent *event)
{
    bool failed = (state & POLLERR) != 0;

    if ((state & POLLHUP) && !(state & (POLLRDHUP | POLLERR)))
        return false; /* never connected */
    if (knote->side == SIDE_READ) {
        set_end(event, (state & POLLRDHUP) || (failed && (state & POLLHUP)), failed);
        return (state & (POLLIN | POLLRDHUP | POLLERR)) != 0;
    }
    bool ended = (state & POLLHUP) || is_shut_for_writing((int)knote->event.ident);
    set_end(event, ended, failed);
    return ended || (state & (POLLOUT | POLLERR));
}

static bool look_at_pipe(const struct knote *knote, short state, struct kevent *event)
{
    short end = knote->side == SIDE_READ ? POLLHUP : POLLERR;

    set_end(event, state & end, false);
    return (state & (end | (knote->side == SIDE_READ ? POLLIN : POLLOUT))) != 0;
}

/* Is its condition true? Fills in what is to be told. */
bool look(const struct knote *knote, struct kevent *event)
{
    int fd = (int)knote->event.ident;
    struct pollfd ask = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
    struct queue *nested;

    *event = knote->event;
    event->fflags = 0;
    if (knote->side == NO_SIDE)
        return knote->triggered;
    nested = find_queue(knote->event.ident);
    if (nested) {
        harvest(nested);
        return !TAILQ_EMPTY(&nested->line);
    }
    poll(&ask, 1, 0);
    if (knote->side == SIDE_EXCEPT) {
#ifdef NOTE_OOB
        event->fflags = ask.revents & POLLPRI ? NOTE_OOB : 0;
#endif
        set_end(event, ask.revents & POLLRDHUP, false);
        return (ask.revents & (POLLPRI | POLLRDHUP)) != 0;
    }
    return is_socket(fd) ? look_at_socket(knote, ask.revents, event) : look_at_pipe(knote, ask.revents, event);
}
