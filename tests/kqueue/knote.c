/* SPDX-License-Identifier: MIT */
/* Knotes, and the line of those whose condition is, or lately was, true. */
#include "tests/kqueue/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const uint32_t side_events[SIDES] = {EPOLLIN | EPOLLRDHUP, EPOLLOUT, EPOLLPRI};

/* ---- The line --------------------------------------------------------------------------------------------------- */

void show_line(struct queue *queue)
{
    bool wanted = !TAILQ_EMPTY(&queue->line);
    eventfd_t value;

    if (wanted == queue->line_fd_set)
        return;
    if (wanted)
        eventfd_write(queue->line_fd, 1);
    else
        eventfd_read(queue->line_fd, &value);
    queue->line_fd_set = wanted;
}

static void leave_line(struct queue *queue, struct knote *knote)
{
    if (knote->in_line)
        TAILQ_REMOVE(&queue->line, knote, line);
    knote->in_line = false;
}

void activate(struct queue *queue, struct knote *knote)
{
    if (knote->disabled || knote->in_line)
        return;
    TAILQ_INSERT_TAIL(&queue->line, knote, line);
    knote->in_line = true;
}

void harvest(struct queue *queue)
{
    struct epoll_event events[64];
    int count;

    for (int side = 0; side < SIDES; side++)
        while ((count = epoll_wait(queue->sides[side], events, 64, 0)) > 0)
            for (int i = 0; i < count; i++)
                activate(queue, events[i].data.ptr);
    show_line(queue);
}

/* ---- Knotes ----------------------------------------------------------------------------------------------------- */

static int side_of(const struct kevent *change)
{
    if (change->filter == EVFILT_READ)
        return SIDE_READ;
    if (change->filter == EVFILT_WRITE)
        return SIDE_WRITE;
#ifdef EVFILT_EXCEPT
    if (change->filter == EVFILT_EXCEPT)
        return SIDE_EXCEPT;
#endif
#ifdef EVFILT_USER
    if (change->filter == EVFILT_USER)
        return NO_SIDE;
#endif
    return -1;
}

static struct knote *find_knote(struct queue *queue, const struct kevent *change)
{
    struct knote *knote;

    TAILQ_FOREACH(knote, &queue->all, all) {
        if (knote->event.ident == change->ident && knote->event.filter == change->filter)
            return knote;
    }
    return NULL;
}

/* Knotes are the kernel's memory, not the process's: making malloc fail makes none of them fail. */
static struct knotes unused_knotes = TAILQ_HEAD_INITIALIZER(unused_knotes);

static struct knote *new_knote(void)
{
    const size_t size = 65536;
    struct knote *knote;

    if (TAILQ_EMPTY(&unused_knotes)) {
        knote = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (knote == MAP_FAILED)
            return NULL;
        for (size_t i = 0; i < size / sizeof(*knote); i++)
            TAILQ_INSERT_TAIL(&unused_knotes, &knote[i], all);
    }
    knote = TAILQ_FIRST(&unused_knotes);
    TAILQ_REMOVE(&unused_knotes, knote, all);
    memset(knote, 0, sizeof(*knote));
    return knote;
}

void drop(struct queue *queue, struct knote *knote)
{
    if (knote->side != NO_SIDE)
        epoll_ctl(queue->sides[knote->side], EPOLL_CTL_DEL, (int)knote->event.ident, NULL);
    leave_line(queue, knote);
    TAILQ_REMOVE(&queue->all, knote, all);
    TAILQ_INSERT_TAIL(&unused_knotes, knote, all);
}

/* The kernels have no knote for a pipe without readers. */
static int refusal(const struct knote *knote)
{
    struct pollfd ask = {.fd = (int)knote->event.ident, .events = POLLOUT};
    struct stat status;

    if (knote->side != SIDE_WRITE || fstat(ask.fd, &status) < 0 || !S_ISFIFO(status.st_mode))
        return 0;
    if (poll(&ask, 1, 0) <= 0 || !(ask.revents & POLLERR))
        return 0;
#ifdef KQUEUE_LIKE_OLD_NETBSD
    return EBADF;
#else
    return EPIPE;
#endif
}

/* epoll refuses files, which a kqueue takes: they are ready at once and nothing arrives. */
static int attach(struct queue *queue, struct knote *knote)
{
    struct epoll_event event = {.data.ptr = knote};

    if (knote->side == NO_SIDE)
        return 0;
    event.events = side_events[knote->side] | EPOLLET;
    if (epoll_ctl(queue->sides[knote->side], EPOLL_CTL_ADD, (int)knote->event.ident, &event) == 0)
        return 0;
    return errno == EPERM ? 0 : errno;
}

static int add(struct queue *queue, const struct kevent *change, int side, struct knote **ret_knote)
{
    struct knote *knote = new_knote();

    if (!knote)
        return ENOMEM;
    knote->event = *change;
    knote->event.flags &= EV_CLEAR | EV_ONESHOT;
#ifdef EV_DISPATCH
    knote->event.flags |= change->flags & EV_DISPATCH;
#endif
    knote->side = side;
    int error = refusal(knote);
    if (error == 0)
        error = attach(queue, knote);
    if (error != 0) {
        TAILQ_INSERT_TAIL(&unused_knotes, knote, all);
        return error;
    }
    TAILQ_INSERT_TAIL(&queue->all, knote, all);
    *ret_knote = knote;
    return 0;
}

/* The kernels clear a triggered event if the change says EV_CLEAR. */
static void touch(struct knote *knote, const struct kevent *change)
{
#ifdef EVFILT_USER
    if (change->fflags & NOTE_TRIGGER)
        knote->triggered = true;
    if (change->flags & EV_CLEAR)
        knote->triggered = false;
#endif
    knote->event.udata = change->udata;
}

int apply(struct queue *queue, const struct kevent *change)
{
    int side = side_of(change);
    struct knote *knote;
    struct kevent unused;

    if (side < 0)
        return EINVAL;
    if (side != NO_SIDE && fcntl((int)change->ident, F_GETFD) < 0)
        return EBADF;
    knote = find_knote(queue, change);
    if (!knote) {
        int error = change->flags & EV_ADD ? add(queue, change, side, &knote) : ENOENT;
        if (error != 0)
            return error;
    } else if (change->flags & EV_DELETE) {
        drop(queue, knote);
        return 0;
    }
    harvest(queue);
    touch(knote, change);
    if (change->flags & EV_ENABLE)
        knote->disabled = false;
    else if (change->flags & EV_DISABLE)
        knote->disabled = true;
    if (knote->disabled)
        leave_line(queue, knote);
    else if (look(knote, &unused))
        activate(queue, knote);
    return 0;
}
