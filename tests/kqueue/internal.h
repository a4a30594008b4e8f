/* SPDX-License-Identifier: MIT */
/* What the files of the kqueue over epoll share. All is called with the one lock held. */
#ifndef MINIMIO_TESTS_KQUEUE_INTERNAL_H
#define MINIMIO_TESTS_KQUEUE_INTERNAL_H

#include <stdbool.h>
#include <sys/queue.h>

#include <sys/event.h>

/* Which epoll instance sees a filter's arrivals, and of what kind. */
enum { SIDE_READ, SIDE_WRITE, SIDE_EXCEPT, SIDES, NO_SIDE = SIDES };

struct knote {
    TAILQ_ENTRY(knote) all;
    TAILQ_ENTRY(knote) line;
    struct kevent event; /* flags: those it was made with */
    int side;
    bool triggered; /* a user event */
    bool disabled;
    bool in_line;
};

TAILQ_HEAD(knotes, knote);

struct queue {
    LIST_ENTRY(queue) queues;
    int fd;
    int sides[SIDES];
    int line_fd;
    bool line_fd_set;
    struct knotes all;
    struct knotes line;
};

/* The kqueue of that descriptor; NULL: it is none. */
struct queue *find_queue(uintptr_t fd);

/* Is the knote's condition true now? Fills in what is to be told. */
bool look(const struct knote *knote, struct kevent *ret_event);

/* Brings in line whose arrivals epoll has seen, and makes the kqueue readable if there is a line. */
void harvest(struct queue *queue);
void show_line(struct queue *queue);
void activate(struct queue *queue, struct knote *knote);

/* Carries out a change; 0 or an errno value. */
int apply(struct queue *queue, const struct kevent *change);

void drop(struct queue *queue, struct knote *knote);

#endif
