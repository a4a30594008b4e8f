/* SPDX-License-Identifier: MIT */
/*
 * Measures single system calls on TCP sockets: the basis of the limits in WHERE_TIME_GOES.md. Prints the median of
 * several rounds, by the CPU clock of the process, so that other load does not count. Loopback only.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS 512
#define ROUNDS  30

static int sockets[SOCKETS], queue;
static int on = 1;

static void need(int result, const char *what)
{
    if (result >= 0)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static double cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

static void open_sockets(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    need(bind(listener, (struct sockaddr *)&address, length), "bind");
    need(listen(listener, SOCKETS), "listen");
    need(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
    for (int i = 0; i < SOCKETS; i++) {
        sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        need(connect(sockets[i], (struct sockaddr *)&address, length), "connect");
        need(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept4");
    }
}

/* ---- The calls, one each ---------------------------------------------------------------------------------------- */

static void enter(int fd)
{
    (void)fd;
    syscall(SYS_getppid);
}

static void set_nodelay(int fd)
{
    need(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

static void set_keepalive(int fd)
{
    need(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on), "SO_KEEPALIVE");
}

static void set_nonblocking(int fd)
{
    need(ioctl(fd, FIONBIO, &on), "FIONBIO");
}

static void ask_type(int fd)
{
    int type;
    socklen_t length = sizeof type;

    need(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length), "SO_TYPE");
}

static void ask_local(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    need(getsockname(fd, (struct sockaddr *)&address, &length), "getsockname");
}

static void ask_peer(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    need(getpeername(fd, (struct sockaddr *)&address, &length), "getpeername");
}

static void control(int operation, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};

    need(epoll_ctl(queue, operation, fd, &event), "epoll_ctl");
}

static void add(int fd)
{
    control(EPOLL_CTL_ADD, fd);
}

static void modify(int fd)
{
    control(EPOLL_CTL_MOD, fd);
}

static void delete (int fd)
{
    control(EPOLL_CTL_DEL, fd);
}

static void look(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN | POLLRDHUP};

    need(poll(&one, 1, 0), "poll");
}

/* One call for all sockets. */
static void look_at_all(void)
{
    static struct pollfd all[SOCKETS];

    for (int i = 0; i < SOCKETS; i++)
        all[i] = (struct pollfd){.fd = sockets[i], .events = POLLIN | POLLRDHUP};
    need(poll(all, SOCKETS, 0), "poll");
}

/* ---- Measuring -------------------------------------------------------------------------------------------------- */

static double each_ns(void (*call)(int fd))
{
    double begin_ns = cpu_ns();

    for (int i = 0; call && i < SOCKETS; i++)
        call(sockets[i]);
    if (!call)
        look_at_all();
    return (cpu_ns() - begin_ns) / SOCKETS;
}

static const struct {
    const char *name;
    void (*call)(int fd); /* NULL: the call for all sockets */
} calls[] = {
    {"a call that does nothing", enter},
    {"setsockopt TCP_NODELAY", set_nodelay},
    {"setsockopt SO_KEEPALIVE", set_keepalive},
    {"ioctl FIONBIO", set_nonblocking},
    {"getsockopt SO_TYPE", ask_type},
    {"getsockname", ask_local},
    {"getpeername", ask_peer},
    {"epoll_ctl, add", add},
    {"epoll_ctl, modify", modify},
    {"epoll_ctl, delete", delete},
    {"poll of one", look},
    {"poll of 512, each", NULL},
};

#define CALLS (sizeof calls / sizeof *calls)

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(void)
{
    static double each[CALLS][ROUNDS];
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    open_sockets();
    queue = epoll_create1(EPOLL_CLOEXEC);
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < CALLS; i++)
            each[i][round] = each_ns(calls[i].call);
    for (size_t i = 0; i < CALLS; i++) {
        qsort(each[i], ROUNDS, sizeof each[i][0], compare);
        printf("%-26s %6.0f ns\n", calls[i].name, each[i][ROUNDS / 2]);
    }
    return EXIT_SUCCESS;
}
