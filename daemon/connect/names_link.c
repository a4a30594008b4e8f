/* SPDX-License-Identifier: MIT */
#include "daemon/connect/names_link.h"

#include "daemon/base/fd_queue.h"
#include "daemon/base/log.h"
#include "daemon/base/valgrind.h"
#include "daemon/connect/names_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RESTART_MS 100              /* how soon another process is started, where somebody waits for it */
#define REST_MS    10000            /* the longest time until it is tried again where nobody does */
#define RETRY_MS   10               /* how soon a message that was not taken is tried again */
#define ANSWERS    16               /* taken at once; the rest in the next turn */
#define END_MS     100              /* how long a killed process is waited for */
#define PROGRAM    "/proc/self/exe" /* also where its file has been replaced: both ends are of one version */
#define PID_BYTES  12

/* ---- The process ------------------------------------------------------------------------------------------------ */

/* valgrind answers who asks where the link leads, and not who follows it. */
static const char *find_program(char path[PATH_MAX])
{
    ssize_t length = is_under_valgrind() ? readlink(PROGRAM, path, PATH_MAX - 1) : -1;

    if (length < 0)
        return PROGRAM;
    path[length] = '\0';
    return path;
}

/* All descriptors but the standard ones are closed on exec. */
static int spawn(int end, pid_t *ret_pid)
{
    char path[PATH_MAX];
    char parent[PID_BYTES], name[] = NAMES_PROCESS;
    char *arguments[] = {name, parent, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error)
        return -error;
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    error = posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawn(ret_pid, find_program(path), &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

static int make_ends(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    if (!fd_room_has(ends[0]) && !fd_room_has(ends[1]))
        return 0;
    close(ends[0]);
    close(ends[1]);
    return -EMFILE;
}

/* There is never more than one. */
static int begin(struct names_link *link)
{
    int ends[2], result;

    names_link_look(link);
    if (link->pid)
        return -EBUSY;
    result = make_ends(ends);
    if (result < 0)
        return result;
    result = reactor_watch(link->reactor, ends[0], &link->source, MINIMIO_READABLE, MINIMIO_LEVEL);
    if (result == 0) {
        result = spawn(ends[1], &link->pid);
        if (result < 0)
            reactor_unwatch(link->reactor, ends[0]);
    }
    close(ends[1]);
    if (result < 0) {
        link->pid = 0;
        close(ends[0]);
        return result;
    }
    link->fd = ends[0];
    return 0;
}

static void restart_later(struct names_link *link);

static void start(struct names_link *link)
{
    int result = begin(link);

    if (result == 0)
        return;
    log_write_ratelimited(LOG_NAMES, LOG_NOBODY, "names cannot be looked up: no process can be started: %s",
                          strerror(-result));
    link->unavailable(link, -result);
    restart_later(link);
}

static void restart(struct timer *timer)
{
    struct names_link *link = container_of(timer, struct names_link, restart);

    start(link);
    if (link->fd >= 0)
        link->writable(link);
}

/* Each time later, until one has answered or somebody waits for it. */
static void restart_later(struct names_link *link)
{
    if (link->left)
        return;
    timer_start(&link->reactor->timers, &link->restart, link->restart_ms, restart);
    link->restart_ms = 2 * link->restart_ms < REST_MS ? 2 * link->restart_ms : REST_MS;
}

static void restart_soon(struct names_link *link)
{
    if (link->restart_ms <= 2 * RESTART_MS)
        return;
    link->restart_ms = RESTART_MS;
    restart_later(link);
}

static void disconnect(struct names_link *link)
{
    if (link->fd < 0)
        return;
    reactor_unwatch(link->reactor, link->fd);
    close(link->fd);
    link->fd = -1;
}

/* It may have been killed, or have closed its end in its confusion. */
static void has_ended(struct names_link *link)
{
    disconnect(link);
    if (link->pid)
        kill(link->pid, SIGKILL);
    log_write_ratelimited(LOG_NAMES, LOG_NOBODY, "the process that looks up names has ended; another one is started");
    restart_later(link);
    link->ended(link);
}

void names_link_look(struct names_link *link)
{
    if (link->pid && waitpid(link->pid, NULL, WNOHANG) == link->pid)
        link->pid = 0;
}

/* ---- Messages --------------------------------------------------------------------------------------------------- */

/* False: the process has ended, or says what is no answer. */
static bool take_answers(struct names_link *link)
{
    static struct names_answer answer;

    for (int i = 0; i < ANSWERS; i++) {
        ssize_t size = recv(link->fd, &answer, sizeof answer, MSG_DONTWAIT);

        if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM))
            return true;
        if (size <= 0 || !names_answer_is_valid(&answer, (size_t)size))
            return false;
        link->restart_ms = RESTART_MS;
        link->answered(link, &answer);
    }
    return true;
}

static void ready(struct source *source, const struct minimio_event *event)
{
    struct names_link *link = container_of(source, struct names_link, source);

    (void)event;
    if (link->fd < 0)
        return; /* an event of the process before */
    if (!take_answers(link))
        has_ended(link);
}

static void try_again(struct timer *timer)
{
    struct names_link *link = container_of(timer, struct names_link, retry);

    link->writable(link);
}

int names_link_send(struct names_link *link, const struct names_request *request)
{
    if (link->fd < 0) {
        restart_soon(link);
        return -ENOTCONN;
    }
    if (send(link->fd, request, sizeof *request, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return 0;
    /* A process that has ended is told by the next read. */
    timer_start(&link->reactor->timers, &link->retry, RETRY_MS, try_again);
    return -EAGAIN;
}

/* ---- The beginning and the end ---------------------------------------------------------------------------------- */

void names_link_init(struct names_link *link, struct reactor *reactor)
{
    link->reactor = reactor;
    link->source.ready = ready;
    link->fd = -1;
    link->restart_ms = RESTART_MS;
    start(link);
}

/* One that does not end is left to itself: its socket is closed. */
static void await_end(struct names_link *link)
{
    const struct timespec moment = {.tv_nsec = NS_PER_MS};

    kill(link->pid, SIGKILL);
    for (int ms = 0; ms < END_MS; ms++) {
        names_link_look(link);
        if (!link->pid)
            return;
        nanosleep(&moment, NULL);
    }
}

void names_link_leave(struct names_link *link)
{
    link->left = true;
    timer_stop(&link->reactor->timers, &link->restart);
    timer_stop(&link->reactor->timers, &link->retry);
    disconnect(link);
    if (link->pid)
        await_end(link);
}

void names_link_return(struct names_link *link)
{
    link->left = false;
    start(link);
}

void names_link_deinit(struct names_link *link)
{
    if (!link->reactor)
        return;
    names_link_leave(link);
}
