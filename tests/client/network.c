/* SPDX-License-Identifier: MIT */
#include "tests/client/network.h"

#include "tests/process.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
}

static int port_number(const struct port *port)
{
    return atoi(strchr(port->address, ':') + 1);
}

static void await(int fd, short events)
{
    struct pollfd wanted = {.fd = fd, .events = events};

    ck_assert_int_eq(poll(&wanted, 1, PROCESS_TIMEOUT_MS), 1);
}

void port_bind(struct port *ret_port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);

    ret_port->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(ret_port->fd, 0);
    ck_assert_int_eq(bind(ret_port->fd, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(getsockname(ret_port->fd, (struct sockaddr *)&address, &length), 0);
    snprintf(ret_port->address, sizeof(ret_port->address), "127.0.0.1:%d", ntohs(address.sin_port));
}

void port_listen(struct port *port)
{
    ck_assert_int_eq(listen(port->fd, 64), 0);
}

void port_open(struct port *ret_port)
{
    port_bind(ret_port);
    port_listen(ret_port);
}

/* What is written to it is on its way before the write returns, whatever was written before. */
int port_accept(struct port *port)
{
    int fd, yes = 1;

    await(port->fd, POLLIN);
    fd = accept4(port->fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)), 0);
    return fd;
}

void port_close(struct port *port)
{
    close(port->fd);
}

/* On loopback a connection that is taken up is so before connect returns, so one that is not meets a full queue. */
void black_hole_open(struct black_hole *ret_hole)
{
    struct sockaddr_in address;
    int unanswered = 0;

    port_bind(&ret_hole->port);
    ck_assert_int_eq(listen(ret_hole->port.fd, 0), 0);
    address = loopback(port_number(&ret_hole->port));
    for (int i = 0; i < BLACK_HOLE_FILL; i++) {
        ret_hole->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(ret_hole->fill[i], (struct sockaddr *)&address, sizeof(address));
        unanswered += poll(&(struct pollfd){.fd = ret_hole->fill[i], .events = POLLOUT}, 1, 0) == 0;
    }
    ck_assert_int_gt(unanswered, 0);
}

void black_hole_close(struct black_hole *hole)
{
    for (int i = 0; i < BLACK_HOLE_FILL; i++)
        close(hole->fill[i]);
    port_close(&hole->port);
}

void fake_daemon_open(struct fake_daemon *ret_daemon)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *temporary = getenv("TMPDIR");

    snprintf(ret_daemon->folder, sizeof(ret_daemon->folder), "%s/minimio-test-XXXXXX", temporary ? temporary : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(ret_daemon->folder));
    snprintf(ret_daemon->socket, sizeof(ret_daemon->socket), "%s/minimio.sock", ret_daemon->folder);
    ck_assert_uint_lt(strlen(ret_daemon->socket), sizeof(address.sun_path));
    strcpy(address.sun_path, ret_daemon->socket);
    ret_daemon->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(ret_daemon->fd, 0);
    ck_assert_int_eq(bind(ret_daemon->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(ret_daemon->fd, 4), 0);
}

void fake_daemon_close(struct fake_daemon *daemon)
{
    close(daemon->fd);
    unlink(daemon->socket);
    ck_assert_int_eq(rmdir(daemon->folder), 0);
}

int fake_daemon_accept(struct fake_daemon *daemon)
{
    int fd;

    await(daemon->fd, POLLIN);
    fd = accept4(daemon->fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    receive_line(fd);
    return fd;
}

void receive_line(int fd)
{
    char byte = 0;

    while (byte != '\n')
        ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
}

void fake_daemon_say(int fd, const char *text)
{
    while (*text) {
        ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);

        if (n < 0)
            return; /* the peer has seen enough */
        text += n;
    }
}

/* ---- A proxy ----------------------------------------------------------------------------------------------------- */

static bool pass(int from, int to)
{
    char bytes[4096];
    ssize_t n = read(from, bytes, sizeof(bytes));

    return n > 0 && send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

static void relay_session(int client, const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int daemon = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd ends[2] = {{.fd = client, .events = POLLIN}, {.fd = daemon, .events = POLLIN}};
    bool open = true;

    strcpy(address.sun_path, socket_path);
    open = connect(daemon, (struct sockaddr *)&address, sizeof(address)) == 0;
    while (open && poll(ends, 2, -1) > 0) {
        for (int i = 0; i < 2 && open; i++)
            if (ends[i].revents)
                open = pass(ends[i].fd, ends[1 - i].fd);
    }
    close(daemon);
    close(client);
}

void relay_open(struct relay *ret_relay, const char *socket_path)
{
    fake_daemon_open(&ret_relay->front);
    ret_relay->pid = fork();
    ck_assert_int_ge(ret_relay->pid, 0);
    if (ret_relay->pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int client = accept4(ret_relay->front.fd, NULL, NULL, SOCK_CLOEXEC);

        if (client < 0)
            _exit(1);
        relay_session(client, socket_path);
    }
}

void relay_close(struct relay *relay)
{
    kill(relay->pid, SIGKILL);
    ck_assert_int_eq(waitpid(relay->pid, NULL, 0), relay->pid);
    fake_daemon_close(&relay->front);
}
