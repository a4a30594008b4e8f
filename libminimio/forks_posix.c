/* SPDX-License-Identifier: MIT */
/* Owns the count of forks, which the child increments. getpid is no substitute: C libraries no longer cache the
 * result, so each getpid is a system call. */
#include "libminimio/forks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

atomic_uint forks_counted;

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks_counted, 1, memory_order_relaxed);
}

int forks_watch(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool watching;
    int result = 0;

    pthread_mutex_lock(&lock);
    if (!watching)
        result = -pthread_atfork(NULL, NULL, count_fork);
    watching = result == 0;
    pthread_mutex_unlock(&lock);
    return result;
}
