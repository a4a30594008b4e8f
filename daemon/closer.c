/* SPDX-License-Identifier: MIT */
#include "daemon/closer.h"

#include <signal.h>
#include <unistd.h>

#define STACK_BYTES (64 * 1024)

void closer_init(struct closer *closer)
{
    *closer = (struct closer){0};
    pthread_mutex_init(&closer->lock, NULL);
}

bool closer_deinit(struct closer *closer)
{
    bool running = false;
    int fd;

    if (closer->used) {
        pthread_mutex_lock(&closer->lock);
        running = closer->running;
        pthread_mutex_unlock(&closer->lock);
    }
    if (running)
        return false;
    while ((fd = descriptors_take(&closer->waiting)) >= 0)
        close(fd); /* no thread could be had for them */
    pthread_mutex_destroy(&closer->lock);
    return true;
}

bool closer_is_clogged(struct closer *closer)
{
    bool clogged;

    if (!closer->used)
        return false;
    pthread_mutex_lock(&closer->lock);
    clogged = closer->waiting.count >= CLOSER_WAITING_MAX;
    pthread_mutex_unlock(&closer->lock);
    return clogged;
}

/* The next one; -1: there is none, and the thread ends. */
static int next(struct closer *closer)
{
    int fd;

    pthread_mutex_lock(&closer->lock);
    fd = descriptors_take(&closer->waiting);
    closer->running = fd >= 0;
    pthread_mutex_unlock(&closer->lock);
    return fd;
}

static void *run(void *data)
{
    struct closer *closer = data;
    int fd;

    while ((fd = next(closer)) >= 0)
        close(fd);
    return NULL;
}

/* With every signal blocked, so that they go on interrupting the thread that waits. */
static bool start(struct closer *closer)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    bool started;

    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&thread, &attributes, run, closer) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

/* Where a thread cannot be had, what waits is closed with the next one that can. */
void closer_put(struct closer *closer, int fd)
{
    closer->used = true;
    pthread_mutex_lock(&closer->lock);
    if (descriptors_reserve(&closer->waiting, 1) < 0)
        close(fd); /* out of memory it is this or to lose it */
    else
        descriptors_put(&closer->waiting, fd);
    if (!closer->running && closer->waiting.count)
        closer->running = start(closer);
    pthread_mutex_unlock(&closer->lock);
}

void closer_discard(struct closer *closer, int fd)
{
    enum descriptor_kind kind;

    if (fd < 0)
        return;
    if (descriptor_inspect(fd, &kind) == 0)
        descriptor_close(fd);
    else
        closer_put(closer, fd);
}

void closer_let_go(struct closer *closer, int fd)
{
    if (descriptor_lingers(fd))
        closer_put(closer, fd);
    else
        close(fd);
}

void closer_discard_all(struct closer *closer, struct descriptors *descriptors)
{
    int fd;

    while ((fd = descriptors_take(descriptors)) >= 0)
        closer_discard(closer, fd);
}
