/* SPDX-License-Identifier: MIT */
#include "client/prober.h"

#include "client/deadline.h"
#include "libminimio/minimio.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#define STACK_BYTES       ((size_t)256 * 1024) /* name service modules are the ones that need it */
#define TRY_NS            (10 * NS_PER_S)
#define FIRST_INTERVAL_NS (100 * NS_PER_MS)
#define LAST_INTERVAL_NS  NS_PER_S

struct prober {
    struct probers *probers;
    const char *target;
    struct probe probe; /* under the lock */
};

struct probers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int reached; /* this and the next under the lock */
    uint64_t changes;
    enum probe_goal goal;
    int64_t interval_ns;
    size_t count;
    struct prober each[];
};

int probers_new(char *const *targets, size_t count, enum probe_goal goal, int64_t interval_ns,
                struct probers **ret_probers)
{
    struct probers *probers = calloc(1, sizeof(*probers) + count * sizeof(probers->each[0]));
    pthread_condattr_t monotonic;

    if (!probers)
        return -ENOMEM;
    pthread_mutex_init(&probers->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&probers->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    probers->goal = goal;
    probers->interval_ns = interval_ns;
    probers->count = count;
    for (size_t i = 0; i < count; i++)
        probers->each[i] = (struct prober){.probers = probers, .target = targets[i]};
    *ret_probers = probers;
    return 0;
}

static int await_greeting(struct minimio_tcp_stream *stream)
{
    char byte;
    ssize_t n;

    if (deadline_wait_fd(deadline_in(TRY_NS), minimio_tcp_stream_fd(stream), POLLIN) == -ETIMEDOUT)
        return -ENOMSG;
    n = minimio_tcp_stream_peek(stream, &byte, 1);
    return n > 0 ? 0 : n == 0 ? -ENODATA : (int)n;
}

/* Tells such failures from those of our own, which say nothing of the target. */
static bool is_closed(int error)
{
    return error < 0 && error != -EAGAIN && error != -EMFILE && error != -ENFILE && error != -ENOMEM;
}

/* A try that nobody answers is given up in time for another: the kernel's own repeat ever more rarely. */
static int probe_once(const struct prober *prober)
{
    enum probe_goal goal = prober->probers->goal;
    struct minimio_tcp_stream *stream = NULL;
    int r = minimio_tcp_stream_connect_host(prober->target, TRY_NS, &stream);

    if (r == 0 && goal == PROBE_READABLE)
        r = await_greeting(stream);
    minimio_tcp_stream_free(stream);
    if (goal != PROBE_CLOSED)
        return r;
    return r == 0 ? -EISCONN : is_closed(r) ? 0 : r;
}

static void note_result(struct prober *prober, int r)
{
    struct probers *probers = prober->probers;
    struct probe *probe = &prober->probe;

    pthread_mutex_lock(&probers->lock);
    probe->attempts++;
    if (r == 0) {
        probe->reached = true;
        probe->at_ns = now_ns();
        probers->reached++;
    }
    if (r == 0 || probe->error != r) {
        probers->changes++;
        pthread_cond_signal(&probers->changed);
    }
    probe->error = r;
    pthread_mutex_unlock(&probers->lock);
}

/* Knows no deadline: a thousand threads that wake up for it would be in the way of the one that keeps it. */
static void *probe(void *argument)
{
    struct prober *prober = argument;
    int64_t interval_ns = prober->probers->interval_ns;
    bool grows = interval_ns == 0;

    if (grows)
        interval_ns = FIRST_INTERVAL_NS;
    for (;;) {
        int r = probe_once(prober);

        note_result(prober, r);
        if (r == 0)
            return NULL;
        deadline_pause(DEADLINE_NEVER, interval_ns);
        if (grows)
            interval_ns = deadline_sooner(interval_ns * 5 / 4, LAST_INTERVAL_NS);
    }
}

int probers_start(struct probers *probers)
{
    pthread_attr_t small;
    pthread_t thread;
    int error = 0;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (size_t i = 0; i < probers->count && error == 0; i++)
        error = pthread_create(&thread, &small, probe, &probers->each[i]);
    pthread_attr_destroy(&small);
    return -error;
}

int probers_wait(struct probers *probers, uint64_t *changes, int64_t deadline_ns)
{
    struct timespec until = deadline_timespec(deadline_ns);
    int error = 0;
    int r;

    pthread_mutex_lock(&probers->lock);
    while (probers->changes == *changes && error != ETIMEDOUT) {
        if (deadline_ns == DEADLINE_NEVER)
            pthread_cond_wait(&probers->changed, &probers->lock);
        else
            error = pthread_cond_timedwait(&probers->changed, &probers->lock, &until);
    }
    r = probers->changes == *changes ? -ETIMEDOUT : probers->reached;
    *changes = probers->changes;
    pthread_mutex_unlock(&probers->lock);
    return r;
}

struct probe probers_get(struct probers *probers, size_t index)
{
    struct probe probe;

    pthread_mutex_lock(&probers->lock);
    probe = probers->each[index].probe;
    pthread_mutex_unlock(&probers->lock);
    return probe;
}
