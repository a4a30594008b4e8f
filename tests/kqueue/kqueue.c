/* SPDX-License-Identifier: MIT */
/*
 * A kqueue over epoll. What the kernels do and this does too:
 *
 * A knote is named by descriptor number and filter. EV_ADD on one that is there changes it silently, but for the flags
 * that it was made with; a change without EV_ADD of one that is not there is ENOENT. Whenever a knote is changed, and
 * again before it is reported, its condition is looked at anew. EV_CLEAR ones are then quiet until something arrives,
 * EV_DISPATCH ones are disabled, EV_ONESHOT ones deleted, others stay, at the end of the line. Closing a number drops
 * its knotes, whatever duplicates there are, and a forked child has no kqueue.
 *
 * Arrivals are seen by edge-triggered epoll instances, one a filter, since one for all could not tell them apart. All
 * of them are watched by the instance whose descriptor is the kqueue's; an eventfd is there for knotes in line.
 *
 * One lock for everything, with signals blocked, so that a handler may call kevent as it may the system call.
 * The program is linked with --wrap=close.
 */
#include "tests/kqueue/kqueue.h"

#include "tests/kqueue/internal.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int __real_close(int fd);
int __wrap_close(int fd);

static LIST_HEAD(, queue) queues = LIST_HEAD_INITIALIZER(queues);
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned long calls;

static void lock(sigset_t *ret_saved)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, ret_saved);
    pthread_mutex_lock(&mutex);
}

static void unlock(const sigset_t *saved)
{
    pthread_mutex_unlock(&mutex);
    pthread_sigmask(SIG_SETMASK, saved, NULL);
}

struct queue *find_queue(uintptr_t fd)
{
    struct queue *queue;

    LIST_FOREACH(queue, &queues, queues) {
        if ((uintptr_t)queue->fd == fd)
            return queue;
    }
    return NULL;
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

static void reported(struct queue *queue, struct knote *knote)
{
    unsigned flags = knote->event.flags;

    if (flags & EV_ONESHOT) {
        drop(queue, knote);
        return;
    }
    if (flags & EV_CLEAR)
        knote->triggered = false;
#ifdef EV_DISPATCH
    if (flags & EV_DISPATCH)
        knote->disabled = true;
    flags &= EV_CLEAR | EV_DISPATCH;
#else
    flags &= EV_CLEAR;
#endif
    if (flags == 0)
        activate(queue, knote);
}

/* One round along the line: who comes back into it waits for the next one. */
static int scan(struct queue *queue, struct kevent *events, int limit)
{
    struct knotes round = TAILQ_HEAD_INITIALIZER(round);
    struct knote *knote;
    int count = 0;

    harvest(queue);
    TAILQ_CONCAT(&round, &queue->line, line);
    while (count < limit && (knote = TAILQ_FIRST(&round))) {
        TAILQ_REMOVE(&round, knote, line);
        knote->in_line = false;
        if (look(knote, &events[count])) {
            count++;
            reported(queue, knote);
        }
    }
    TAILQ_CONCAT(&round, &queue->line, line);
    TAILQ_CONCAT(&queue->line, &round, line);
    show_line(queue);
    return count;
}

static struct timespec until(const struct timespec *deadline)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_sec = deadline->tv_sec - now.tv_sec;
    now.tv_nsec = deadline->tv_nsec - now.tv_nsec;
    if (now.tv_nsec < 0) {
        now.tv_sec--;
        now.tv_nsec += 1000000000;
    }
    return now.tv_sec < 0 ? (struct timespec){0} : now;
}

static int scan_by_fd(int fd, struct kevent *events, int limit)
{
    sigset_t saved;

    lock(&saved);
    struct queue *queue = find_queue((uintptr_t)fd);
    int count = queue ? scan(queue, events, limit) : -EBADF;
    unlock(&saved);
    return count;
}

static int wait_for_events(int fd, struct kevent *events, int limit, const struct timespec *timeout)
{
    struct timespec deadline, left;
    struct pollfd ask = {.fd = fd, .events = POLLIN};

    if (timeout) {
        clock_gettime(CLOCK_MONOTONIC, &deadline);
        deadline.tv_sec += timeout->tv_sec + (deadline.tv_nsec + timeout->tv_nsec) / 1000000000;
        deadline.tv_nsec = (deadline.tv_nsec + timeout->tv_nsec) % 1000000000;
    }
    for (;;) {
        int count = scan_by_fd(fd, events, limit);
        if (count != 0)
            return count;
        if (timeout)
            left = until(&deadline);
        if (timeout && left.tv_sec == 0 && left.tv_nsec == 0)
            return 0;
        if (ppoll(&ask, 1, timeout ? &left : NULL, NULL) < 0)
            return -errno;
    }
}

static int change(int fd, const struct kevent *changes, int count)
{
    sigset_t saved;
    int error = 0;

    lock(&saved);
    struct queue *queue = find_queue((uintptr_t)fd);
    if (!queue)
        error = EBADF;
    for (int i = 0; i < count && error == 0; i++)
        error = apply(queue, &changes[i]);
    if (queue)
        show_line(queue);
    unlock(&saved);
    return -error;
}

int kevent(int fd, const struct kevent *changes, kevent_count change_count, struct kevent *events,
           kevent_count event_count, const struct timespec *timeout)
{
    assert(change_count == 0 || event_count == 0);
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    int r = event_count == 0 ? change(fd, changes, (int)change_count)
                             : wait_for_events(fd, events, (int)event_count, timeout);
    if (r >= 0)
        return r;
    errno = -r;
    return -1;
}

unsigned long kevent_calls(void)
{
    return __atomic_load_n(&calls, __ATOMIC_RELAXED);
}

int knote_count(int kqueue_fd, int fd)
{
    const struct knote *knote;
    sigset_t saved;
    int count = 0;

    lock(&saved);
    struct queue *queue = find_queue((uintptr_t)kqueue_fd);
    assert(queue);
    TAILQ_FOREACH(knote, &queue->all, all) {
        count += knote->event.ident == (uintptr_t)fd && knote->side != NO_SIDE;
    }
    unlock(&saved);
    return count;
}

/* ---- Birth, death, fork ----------------------------------------------------------------------------------------- */

static void queue_free(struct queue *queue)
{
    struct knote *knote;

    while ((knote = TAILQ_FIRST(&queue->all)))
        drop(queue, knote);
    for (int side = 0; side < SIDES; side++)
        if (queue->sides[side] >= 0)
            __real_close(queue->sides[side]);
    if (queue->line_fd >= 0)
        __real_close(queue->line_fd);
    free(queue);
}

static bool watch(struct queue *queue, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return fd >= 0 && epoll_ctl(queue->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static sigset_t saved_at_fork;

static void before_fork(void)
{
    lock(&saved_at_fork);
}

static void after_fork(void)
{
    unlock(&saved_at_fork);
}

/* The child has none of its parent's kqueues, nor their numbers. */
static void in_child(void)
{
    struct queue *queue;

    while ((queue = LIST_FIRST(&queues))) {
        LIST_REMOVE(queue, queues);
        __real_close(queue->fd);
        /* What epoll has registered is the parent's too. */
        for (int side = 0; side < SIDES; side++) {
            __real_close(queue->sides[side]);
            queue->sides[side] = -1;
        }
        queue_free(queue);
    }
    unlock(&saved_at_fork);
}

static void handle_forks(void)
{
    pthread_atfork(before_fork, after_fork, in_child);
}

/* Close-on-exec in any case: what a kqueue() of the kernels' is is up to them. */
int kqueue(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct queue *queue = calloc(1, sizeof(*queue));
    sigset_t saved;
    bool complete;

    if (!queue)
        return -1;
    pthread_once(&once, handle_forks);
    TAILQ_INIT(&queue->all);
    TAILQ_INIT(&queue->line);
    queue->fd = epoll_create1(0);
    queue->line_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    complete = queue->fd >= 0 && watch(queue, queue->line_fd);
    for (int side = 0; side < SIDES; side++) {
        queue->sides[side] = epoll_create1(EPOLL_CLOEXEC);
        complete = complete && watch(queue, queue->sides[side]);
    }
    if (!complete) {
        int saved_errno = errno;
        if (queue->fd >= 0)
            __real_close(queue->fd);
        queue_free(queue);
        errno = saved_errno;
        return -1;
    }
    lock(&saved);
    LIST_INSERT_HEAD(&queues, queue, queues);
    unlock(&saved);
    return queue->fd;
}

static void drop_all_of(struct queue *queue, uintptr_t fd)
{
    struct knote *knote, *next;

    for (knote = TAILQ_FIRST(&queue->all); knote; knote = next) {
        next = TAILQ_NEXT(knote, all);
        if (knote->event.ident == fd && knote->side != NO_SIDE)
            drop(queue, knote);
    }
    show_line(queue);
}

int __wrap_close(int fd)
{
    struct queue *queue;
    sigset_t saved;

    lock(&saved);
    LIST_FOREACH(queue, &queues, queues) {
        drop_all_of(queue, (uintptr_t)fd);
    }
    queue = find_queue((uintptr_t)fd);
    if (queue) {
        LIST_REMOVE(queue, queues);
        queue_free(queue);
    }
    int r = __real_close(fd);
    unlock(&saved);
    return r;
}
