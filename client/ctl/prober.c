/* SPDX-License-Identifier: MIT */
/*
 * The threads that probe targets. The shared state is in struct probers, under a mutex, and is never freed once
 * threads run.
 */
#include "client/ctl/prober.h"

#include "client/ctl/curl.h"
#include "client/lib/deadline.h"
#include "libminimio/minimio.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STACK_BYTES       ((size_t)256 * 1024) /* for name service modules */
#define TRY_NS            (10 * NS_PER_S)
#define FIRST_INTERVAL_NS (100 * NS_PER_MS)
#define LAST_INTERVAL_NS  NS_PER_S

struct prober {
    struct probers *probers;
    struct wait_target target;
    struct probe probe; /* guarded by the lock */
};

struct probers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int reached; /* this member and the next: guarded by the lock */
    uint64_t changes;
    struct probe_settings settings;
    size_t count;
    struct prober each[];
};

int probers_new(const struct wait_target *targets, size_t count, const struct probe_settings *settings,
                struct probers **ret_probers)
{
    struct probers *probers = calloc(1, sizeof *probers + count * sizeof probers->each[0]);
    pthread_condattr_t monotonic;

    if (!probers)
        return -ENOMEM;
    pthread_mutex_init(&probers->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&probers->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    probers->settings = *settings;
    probers->count = count;
    for (size_t i = 0; i < count; i++)
        probers->each[i] = (struct prober){.probers = probers, .target = targets[i]};
    *ret_probers = probers;
    return 0;
}

/* ---- One try ---------------------------------------------------------------------------------------------------- */

static int await_greeting(int fd)
{
    char byte;
    ssize_t n;

    if (deadline_wait_fd(deadline_in(TRY_NS), fd, POLLIN) == -ETIMEDOUT)
        return -ENOMSG;
    n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n > 0 ? 0 : n == 0 ? -ENODATA : -errno;
}

/* Checks that the connection stays open: a proxy in front of a server may accept and close at once. */
static int stay_open(int fd, int64_t stable_ns)
{
    int events = deadline_wait_fd(deadline_in(stable_ns), fd, POLLRDHUP);

    return events == -ETIMEDOUT ? 0 : events < 0 ? events : -ESHUTDOWN;
}

/* Checks an established connection against the goal. */
static int examine(const struct probe_settings *settings, int fd)
{
    int result = settings->goal == PROBE_READABLE ? await_greeting(fd) : 0;

    if (result == 0 && settings->goal != PROBE_CLOSED && settings->stable_ns > 0)
        result = stay_open(fd, settings->stable_ns);
    return result;
}

/* Limits the time of an attempt, because the kernel retransmits a SYN at growing intervals. */
static int try_tcp(const struct probe_settings *settings, const char *address)
{
    struct minimio_tcp_stream *stream = NULL;
    int result = minimio_tcp_stream_connect_host(address, TRY_NS, &stream);

    if (result == 0)
        result = examine(settings, minimio_tcp_stream_fd(stream));
    minimio_tcp_stream_free(stream);
    return result;
}

static int connect_unix(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return 0;
    return errno == ENOENT ? -ENXIO : errno == EAGAIN ? -EBUSY : -errno;
}

static int try_unix(const struct probe_settings *settings, const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), result;

    if (fd < 0)
        return -errno;
    result = connect_unix(fd, path);
    if (result == 0)
        result = examine(settings, fd);
    close(fd);
    return result;
}

static int try_url(const char *url)
{
    long status;
    int result = curl_ask(url, TRY_NS, &status);

    return result < 0 || (status >= 200 && status < 400) ? result : PROBE_STATUS - (int)status;
}

static int try_target(const struct prober *prober)
{
    const struct probe_settings *settings = &prober->probers->settings;

    if (prober->target.kind == WAIT_UNIX)
        return try_unix(settings, prober->target.place);
    if (prober->target.kind == WAIT_HTTP)
        return try_url(prober->target.place);
    return try_tcp(settings, prober->target.place);
}

/* Whether the error means that the target is down. Other errors are local (out of ports, descriptors or memory) and
 * prove nothing about the target. */
static bool is_down(int error)
{
    static const int errors[] = {ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN,
                                 ENETDOWN,     ETIMEDOUT,  ENOENT,       ENXIO,       ENOTDIR};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (error == -errors[i])
            return true;
    return false;
}

static int probe_once(const struct prober *prober)
{
    int result = try_target(prober);

    if (prober->probers->settings.goal != PROBE_CLOSED)
        return result;
    return result == 0 || result <= PROBE_STATUS ? -EISCONN : is_down(result) ? 0 : result;
}

/* ---- Trying again ----------------------------------------------------------------------------------------------- */

static void note_result(struct prober *prober, int result)
{
    struct probers *probers = prober->probers;
    struct probe *probe = &prober->probe;

    pthread_mutex_lock(&probers->lock);
    probe->attempts++;
    if (result == 0) {
        probe->reached = true;
        probe->at_ns = now_ns();
        probers->reached++;
    }
    if (result == 0 || probe->error != result) {
        probers->changes++;
        pthread_cond_signal(&probers->changed);
    }
    probe->error = result;
    pthread_mutex_unlock(&probers->lock);
}

/* Whether stable_ns needs repeated attempts. For open connections, a single attempt checks the duration. */
static bool is_repeated(const struct prober *prober)
{
    const struct probe_settings *settings = &prober->probers->settings;

    return settings->stable_ns > 0 && (settings->goal == PROBE_CLOSED || prober->target.kind == WAIT_HTTP);
}

/* The remaining time of stable_ns; `*since_ns` is the start of the goal state, 0: not in the goal state. */
static int64_t left_to_prove(const struct prober *prober, int result, int64_t *since_ns)
{
    int64_t now = now_ns(), left_ns;

    if (result != 0)
        *since_ns = 0;
    else if (*since_ns == 0)
        *since_ns = now;
    if (result != 0 || !is_repeated(prober))
        return 0;
    left_ns = *since_ns + prober->probers->settings.stable_ns - now;
    return left_ns > 0 ? left_ns : 0;
}

/* Ignores the deadline: a thousand threads that wake up at the deadline would delay the waiting thread. */
static void *probe(void *argument)
{
    struct prober *prober = argument;
    int64_t interval_ns = prober->probers->settings.interval_ns, since_ns = 0;
    bool grows = interval_ns == 0;

    if (grows)
        interval_ns = FIRST_INTERVAL_NS;
    for (;;) {
        int result = probe_once(prober);
        int64_t left_ns = left_to_prove(prober, result, &since_ns);

        if (left_ns > 0) {
            deadline_pause(DEADLINE_NEVER, deadline_sooner(left_ns, interval_ns));
            continue;
        }
        note_result(prober, result);
        if (result == 0)
            return NULL;
        deadline_pause(DEADLINE_NEVER, interval_ns);
        if (grows)
            interval_ns = deadline_sooner(interval_ns * 5 / 4, LAST_INTERVAL_NS);
    }
}

/* TLS libraries may write to closed connections. */
static void block_sigpipe(sigset_t *ret_before)
{
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, ret_before);
}

int probers_start(struct probers *probers)
{
    pthread_attr_t small;
    pthread_t thread;
    sigset_t before;
    int error = 0;

    block_sigpipe(&before);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (size_t i = 0; i < probers->count && error == 0; i++)
        error = pthread_create(&thread, &small, probe, &probers->each[i]);
    pthread_attr_destroy(&small);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

int probers_wait(struct probers *probers, uint64_t *changes, int64_t deadline_ns)
{
    struct timespec until = deadline_timespec(deadline_ns);
    int error = 0;
    int result;

    pthread_mutex_lock(&probers->lock);
    while (probers->changes == *changes && error != ETIMEDOUT) {
        if (deadline_ns == DEADLINE_NEVER)
            pthread_cond_wait(&probers->changed, &probers->lock);
        else
            error = pthread_cond_timedwait(&probers->changed, &probers->lock, &until);
    }
    result = probers->changes == *changes ? -ETIMEDOUT : probers->reached;
    *changes = probers->changes;
    pthread_mutex_unlock(&probers->lock);
    return result;
}

struct probe probers_get(struct probers *probers, size_t index)
{
    struct probe probe;

    pthread_mutex_lock(&probers->lock);
    probe = probers->each[index].probe;
    pthread_mutex_unlock(&probers->lock);
    return probe;
}
