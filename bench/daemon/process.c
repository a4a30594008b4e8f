/* SPDX-License-Identifier: MIT */
/* Starts and stops the measured processes, and reads their figures in /proc. Owns the folder of the sockets. */
#include "bench/daemon/process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_S 10

void need(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static double to_ns(const struct timespec *time)
{
    return (double)time->tv_sec * 1e9 + (double)time->tv_nsec;
}

double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return to_ns(&now);
}

bool process_pin(void)
{
    struct sched_param priority = {.sched_priority = 1};
    cpu_set_t allowed, one;
    int core = CPU_SETSIZE - 1;

    need(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
    while (core > 0 && !CPU_ISSET(core, &allowed))
        core--;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    need(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
    if (sched_setscheduler(0, SCHED_FIFO, &priority) == 0)
        return true;
    priority.sched_priority = 0;
    sched_setscheduler(0, SCHED_BATCH, &priority); /* a woken process waits for its turn, here too */
    return false;
}

/* Root may also raise the hard limit. */
size_t process_descriptors(size_t wanted)
{
    struct rlimit limit, more;

    need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    more = limit;
    if (more.rlim_max < (rlim_t)wanted)
        more.rlim_max = (rlim_t)wanted;
    more.rlim_cur = more.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return (size_t)more.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    return (size_t)limit.rlim_cur;
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

static char folder_path[64];
static pid_t folder_owner;

static void remove_folder(void)
{
    if (getpid() == folder_owner)
        rmdir(folder_path);
}

/* The folder of the programs' sockets; removed at the end of the bench. */
static const char *socket_folder(void)
{
    if (!folder_owner) {
        snprintf(folder_path, sizeof folder_path, "/tmp/minimio-bench-XXXXXX");
        need(mkdtemp(folder_path) != NULL, "mkdtemp");
        folder_owner = getpid();
        atexit(remove_folder);
    }
    return folder_path;
}

static void start(struct process *process)
{
    pid_t parent = getpid();

    fflush(stdout);
    process->pid = fork();
    need(process->pid >= 0, "fork");
    if (process->pid > 0) {
        need(clock_getcpuclockid(process->pid, &process->clock) == 0, "clock_getcpuclockid");
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
}

static bool answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool does;

    need(fd >= 0, "socket");
    strcpy(address.sun_path, path);
    does = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return does;
}

static void await_socket(const struct process *process)
{
    double end_ns = now_ns() + START_S * 1e9;

    while (!answers(process->path)) {
        struct timespec moment = {.tv_nsec = 5000000};
        errno = ETIMEDOUT;
        need(now_ns() < end_ns && waitpid(process->pid, NULL, WNOHANG) == 0, "a program that does not start");
        nanosleep(&moment, NULL);
    }
}

static void name_socket(struct process *process, const char *name)
{
    static int number;

    snprintf(process->path, sizeof process->path, "%s/%s.%d", socket_folder(), name, number++);
    process->fd = -1;
}

void minimiod_start(struct process *minimiod, const char *build, const char *const *options)
{
    const char *arguments[16] = {"minimiod", "--config", "/dev/null", "--log-level", "error", "--socket"};
    char program[512];
    int count = 6;

    snprintf(program, sizeof program, "%s/minimiod", build);
    name_socket(minimiod, "minimio");
    arguments[count++] = minimiod->path;
    for (; options && *options; options++)
        arguments[count++] = *options;
    start(minimiod);
    if (minimiod->pid == 0) {
        execv(program, (char *const *)(void *)arguments);
        need(false, program);
    }
    await_socket(minimiod);
}

/* Debian also has redis-server in redis-tools, under another name; redis-tools starts no service. */
static void exec_redis(const char *const *arguments)
{
    execvp("redis-server", (char *const *)(void *)arguments);
    execvp("redis-check-rdb", (char *const *)(void *)arguments);
    _exit(EXIT_FAILURE);
}

static bool has_redis(void)
{
    return system("command -v redis-server >/dev/null || command -v redis-check-rdb >/dev/null") == 0;
}

bool redis_start(struct process *redis)
{
    if (!has_redis())
        return false;
    name_socket(redis, "redis");
    start(redis);
    if (redis->pid == 0) {
        const char *const arguments[] = {
            "redis-server", "--port",        "0",         "--unixsocket", redis->path,    "--save", "",
            "--dir",        socket_folder(), "--logfile", "/dev/null",    "--appendonly", "no",     "--daemonize",
            "no",           "--loglevel",    "warning",   "--maxclients", "100",          NULL};
        exec_redis(arguments);
    }
    await_socket(redis);
    return true;
}

void floor_start(struct process *process, void (*serve)(int fd))
{
    int ends[2];

    need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    start(process);
    if (process->pid == 0) {
        close(ends[0]);
        serve(ends[1]);
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    process->fd = ends[0];
    process->path[0] = '\0';
}

void process_stop(struct process *process)
{
    if (process->fd >= 0)
        close(process->fd);
    kill(process->pid, SIGTERM);
    need(waitpid(process->pid, NULL, 0) == process->pid, "waitpid");
    if (process->path[0])
        unlink(process->path);
}

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

double process_cpu_ns(const struct process *process)
{
    struct timespec used;

    need(clock_gettime(process->clock, &used) == 0, "clock_gettime");
    return to_ns(&used);
}

/* The sum of the numbers after the two names, in a file of /proc about the process. */
static double read_proc_sum(const struct process *process, const char *file, const char *one, const char *other)
{
    char path[64], line[256];
    double sum = 0;
    FILE *stream;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)process->pid, file);
    stream = fopen(path, "re");
    need(stream, path);
    while (fgets(line, sizeof line, stream))
        if (strncmp(line, one, strlen(one)) == 0 || strncmp(line, other, strlen(other)) == 0)
            sum += strtod(strchr(line, ':') + 1, NULL);
    fclose(stream);
    return sum;
}

double process_memory_bytes(const struct process *process)
{
    return read_proc_sum(process, "smaps_rollup", "Private_Clean:", "Private_Dirty:") * 1024;
}

double process_switches(const struct process *process)
{
    return read_proc_sum(process, "status", "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:");
}
