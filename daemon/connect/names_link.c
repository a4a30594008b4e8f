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

#define RESTART_MS 100              /* delay of a restart while lookups wait */
#define REST_MS    10000            /* longest delay of a restart without waiting lookups */
#define RETRY_MS   10               /* delay before a refused message is sent again */
#define ANSWERS    16               /* read in a turn */
#define END_MS     100              /* longest wait for a killed process */
#define PROGRAM    "/proc/self/exe" /* works even if the file was replaced, so both ends have the same version */
#define PID_BYTES  12

/* ---- The process ------------------------------------------------------------------------------------------------ */

/* valgrind emulates readlink of /proc/self/exe, but exec of the link would run valgrind. */
static const char *find_program(char path[PATH_MAX])
{
    ssize_t length = is_under_valgrind() ? readlink(PROGRAM, path, PATH_MAX - 1) : -1;

    if (length < 0)
        return PROGRAM;
    path[length] = '\0';
    return path;
}

/* Starts the process with `end` as standard input. Other descriptors are close-on-exec. */
static int link_spawn(int end, pid_t *ret_pid)
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

/* Starts the process, unless an earlier process is not reaped yet (-EBUSY). */
static int link_begin(struct names_link *link)
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
        result = link_spawn(ends[1], &link->pid);
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

static void link_restart_later(struct names_link *link);

static void link_start(struct names_link *link)
{
    int result = link_begin(link);

    if (result == 0)
        return;
    log_write_ratelimited(LOG_NAMES, LOG_NOBODY, "names cannot be looked up: no process can be started: %s",
                          strerror(-result));
    link->unavailable(link, -result);
    link_restart_later(link);
}

static void link_restart(struct timer *timer)
{
    struct names_link *link = container_of(timer, struct names_link, restart);

    link_start(link);
    if (link->fd >= 0)
        link->writable(link);
}

/* Doubles the delay each time, until a process has answered, or a lookup waits for a process. */
static void link_restart_later(struct names_link *link)
{
    if (link->left)
        return;
    timer_start(&link->reactor->timers, &link->restart, link->restart_ms, link_restart);
    link->restart_ms = 2 * link->restart_ms < REST_MS ? 2 * link->restart_ms : REST_MS;
}

static void link_restart_soon(struct names_link *link)
{
    if (link->restart_ms <= 2 * RESTART_MS)
        return;
    link->restart_ms = RESTART_MS;
    link_restart_later(link);
}

static void link_disconnect(struct names_link *link)
{
    if (link->fd < 0)
        return;
    reactor_unwatch(link->reactor, link->fd);
    close(link->fd);
    link->fd = -1;
}

/* The process exited, closed the socket, or sent an invalid answer: kill and restart. */
static void link_end(struct names_link *link)
{
    link_disconnect(link);
    if (link->pid)
        kill(link->pid, SIGKILL);
    log_write_ratelimited(LOG_NAMES, LOG_NOBODY, "the process that looks up names has ended; another one is started");
    link_restart_later(link);
    link->ended(link);
}

void names_link_look(struct names_link *link)
{
    if (link->pid && waitpid(link->pid, NULL, WNOHANG) == link->pid)
        link->pid = 0;
}

/* ---- Messages --------------------------------------------------------------------------------------------------- */

/* False: the process ended, or sent an invalid answer. */
static bool link_read_answers(struct names_link *link)
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

static void link_ready(struct source *source, const struct minimio_event *event)
{
    struct names_link *link = container_of(source, struct names_link, source);

    (void)event;
    if (link->fd < 0)
        return; /* a late event of an earlier process */
    if (!link_read_answers(link))
        link_end(link);
}

static void link_retry(struct timer *timer)
{
    struct names_link *link = container_of(timer, struct names_link, retry);

    link->writable(link);
}

int names_link_send(struct names_link *link, const struct names_request *request)
{
    if (link->fd < 0) {
        link_restart_soon(link);
        return -ENOTCONN;
    }
    if (send(link->fd, request, sizeof *request, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return 0;
    /* If the process ended, the next read reports the end. */
    timer_start(&link->reactor->timers, &link->retry, RETRY_MS, link_retry);
    return -EAGAIN;
}

/* ---- The beginning and the end ---------------------------------------------------------------------------------- */

void names_link_init(struct names_link *link, struct reactor *reactor)
{
    link->reactor = reactor;
    link->source.ready = link_ready;
    link->fd = -1;
    link->restart_ms = RESTART_MS;
    link_start(link);
}

/* Waits END_MS at most: without the socket, a process that survives SIGKILL for now exits later. */
static void link_await_end(struct names_link *link)
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
    link_disconnect(link);
    if (link->pid)
        link_await_end(link);
}

void names_link_return(struct names_link *link)
{
    link->left = false;
    link_start(link);
}

void names_link_deinit(struct names_link *link)
{
    if (!link->reactor)
        return;
    names_link_leave(link);
}
