/* SPDX-License-Identifier: MIT */
/* Owns the process of the measured daemon; opens sessions and sends pings. */
#include "bench/neighbours/service.h"

#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/minimio-bench-XXXXXX";
static char socket_path[64];
static pid_t daemon_pid;

_Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void keep_to_processor(int number)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(number, &one);
    (void)sched_setaffinity(0, sizeof one, &one); /* if this processor may not be used, any processor */
}

static _Noreturn void run_daemon(const char *path, int err)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    keep_to_processor(1);
    dup2(err, 2);
    execl(path, path, "--socket", socket_path, (char *)NULL);
    fail(path);
}

void service_start(const char *own_path)
{
    char build[PATH_MAX], path[PATH_MAX + 32], line[256];
    int err[2];

    snprintf(build, sizeof build, "%s", own_path);
    snprintf(path, sizeof path, "%s/minimiod", dirname(dirname(build)));
    if (!mkdtemp(folder) || pipe(err) < 0)
        fail(folder);
    snprintf(socket_path, sizeof socket_path, "%s/minimio.sock", folder);
    daemon_pid = fork();
    if (daemon_pid < 0)
        fail("fork");
    if (daemon_pid == 0)
        run_daemon(path, err[1]);
    close(err[1]);
    if (read(err[0], line, sizeof line) <= 0 || !strstr(line, "listening"))
        fail("minimiod does not listen");
    /* err[0] stays open, unread: the daemon rate-limits its messages, so the pipe does not fill. */
}

void service_stop(void)
{
    kill(daemon_pid, SIGTERM);
    waitpid(daemon_pid, NULL, 0);
    rmdir(folder);
}

int open_session(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, socket_path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail(socket_path);
    return fd;
}

void say_ping(int fd)
{
    if (send(fd, PING, PING_BYTES, MSG_NOSIGNAL) != PING_BYTES)
        fail("send");
}

void await_reply(int fd)
{
    char reply[256];
    ssize_t length = recv(fd, reply, sizeof reply, 0);

    if (length <= 0 || reply[length - 1] != '\n')
        fail("recv");
}

long long requests_done(int fd)
{
    static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stats\"}\n", name[] = "\"requests\":";
    char reply[4096];
    ssize_t length;
    const char *found;

    if (send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) < 0)
        fail("send");
    length = recv(fd, reply, sizeof reply - 1, 0);
    reply[length < 0 ? 0 : length] = '\0';
    found = strstr(reply, name);
    if (!found)
        fail("stats");
    return atoll(found + sizeof name - 1);
}
