/* SPDX-License-Identifier: MIT */
/*
 * getaddrinfo cannot be cancelled, so the lookup runs in a thread, and a second thread runs the lookup with short
 * timeouts. The caller uses the first result. The caller and the threads share an inquiry, which the last holder frees.
 */
#include "names/hurry.h"
#include "names/lookup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HURRY_DELAY_NS INT64_C(500000000) /* delay before the second lookup */
#define NS_PER_S       INT64_C(1000000000)
#define STACK_BYTES    ((size_t)1024 * 1024) /* stack size, for modules of the name service switch */

struct inquiry {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned holders;
    bool answered;
    int result, system_error; /* result and errno of getaddrinfo */
    struct addrinfo *list;    /* until the caller takes the list */
    struct addrinfo hints;
    const char *service; /* stored after `host` */
    char host[];
};

/* ---- An inquiry ------------------------------------------------------------------------------------------------- */

static void init_condition(pthread_cond_t *ret_condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(ret_condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static struct inquiry *inquiry_new(const char *host, const char *service, const struct addrinfo *hints)
{
    size_t host_size = strlen(host) + 1, service_size = strlen(service) + 1;
    struct inquiry *inquiry = calloc(1, sizeof *inquiry + host_size + service_size);

    if (!inquiry)
        return NULL;
    pthread_mutex_init(&inquiry->lock, NULL);
    init_condition(&inquiry->changed);
    inquiry->holders = 1;
    inquiry->hints = *hints;
    memcpy(inquiry->host, host, host_size);
    memcpy(inquiry->host + host_size, service, service_size);
    inquiry->service = inquiry->host + host_size;
    return inquiry;
}

/* Drops a reference. Call with the lock held; releases the lock. */
static void inquiry_unref(struct inquiry *inquiry)
{
    bool is_last = --inquiry->holders == 0;

    pthread_mutex_unlock(&inquiry->lock);
    if (!is_last)
        return;
    if (inquiry->list)
        freeaddrinfo(inquiry->list);
    pthread_cond_destroy(&inquiry->changed);
    pthread_mutex_destroy(&inquiry->lock);
    free(inquiry);
}

/* Stores the first result, and drops a reference. */
static void inquiry_answer(struct inquiry *inquiry, int result, int system_error, struct addrinfo *list)
{
    pthread_mutex_lock(&inquiry->lock);
    if (!inquiry->answered) {
        inquiry->answered = true;
        inquiry->result = result;
        inquiry->system_error = system_error;
        inquiry->list = list;
        list = NULL;
        pthread_cond_signal(&inquiry->changed);
    }
    inquiry_unref(inquiry);
    if (list)
        freeaddrinfo(list);
}

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

static void *run_system_lookup(void *argument)
{
    struct inquiry *inquiry = argument;
    struct addrinfo *list = NULL;
    int result = getaddrinfo(inquiry->host, inquiry->service, &inquiry->hints, &list);

    inquiry_answer(inquiry, result, errno, result == 0 ? list : NULL);
    return NULL;
}

static void *run_hurry_lookup(void *argument)
{
    struct inquiry *inquiry = argument;
    struct addrinfo *list;

    if (hurry_lookup(inquiry->host, inquiry->service, &inquiry->hints, &list) == 0) {
        inquiry_answer(inquiry, 0, 0, list);
    } else {
        pthread_mutex_lock(&inquiry->lock);
        inquiry_unref(inquiry);
    }
    return NULL;
}

static int start_detached(void *(*run)(void *), struct inquiry *inquiry)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int error;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&thread, &attributes, run, inquiry);
    pthread_attr_destroy(&attributes);
    return error;
}

/* Starts a thread with all signals blocked. Call with the lock held. False: no thread. */
static bool start_thread(void *(*run)(void *), struct inquiry *inquiry)
{
    sigset_t all, before;
    int error;

    inquiry->holders++;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = start_detached(run, inquiry);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        inquiry->holders--;
    return error == 0;
}

/* ---- The caller ------------------------------------------------------------------------------------------------- */

static struct timespec hurry_time(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (until.tv_nsec + HURRY_DELAY_NS) / NS_PER_S;
    until.tv_nsec = (until.tv_nsec + HURRY_DELAY_NS) % NS_PER_S;
    return until;
}

/* Call with the lock held. */
static void await_answer(struct inquiry *inquiry)
{
    struct timespec until = hurry_time();
    int error = 0;

    while (!inquiry->answered && error == 0)
        error = pthread_cond_timedwait(&inquiry->changed, &inquiry->lock, &until);
    if (!inquiry->answered)
        start_thread(run_hurry_lookup, inquiry);
    while (!inquiry->answered)
        pthread_cond_wait(&inquiry->changed, &inquiry->lock);
}

/* Call with the lock held. */
static int inquiry_take_result(struct inquiry *inquiry, int *ret_system_error, struct addrinfo **ret_list)
{
    if (inquiry->result == 0)
        *ret_list = inquiry->list;
    inquiry->list = NULL;
    *ret_system_error = inquiry->system_error;
    return inquiry->result;
}

/* Runs the lookup in threads. False: no thread could be started. */
static bool look_up_in_threads(struct inquiry *inquiry, int *ret_result, struct addrinfo **ret_list)
{
    int system_error = 0;
    bool started;

    pthread_mutex_lock(&inquiry->lock);
    started = start_thread(run_system_lookup, inquiry);
    if (started) {
        await_answer(inquiry);
        *ret_result = inquiry_take_result(inquiry, &system_error, ret_list);
    }
    inquiry_unref(inquiry);
    errno = system_error;
    return started;
}

int lookup_name(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list)
{
    struct inquiry *inquiry;
    int result;

    if (!host || hints->ai_flags & AI_NUMERICHOST || hints->ai_family != AF_UNSPEC)
        return getaddrinfo(host, service, hints, ret_list);
    inquiry = inquiry_new(host, service, hints);
    if (inquiry && look_up_in_threads(inquiry, &result, ret_list))
        return result;
    return getaddrinfo(host, service, hints, ret_list);
}
