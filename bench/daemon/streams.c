/* SPDX-License-Identifier: MIT */
/* Opens connections in two processes, and drives the far ends. Stateless. */
#include "bench/daemon/streams.h"

#include "bench/daemon/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Pairs ------------------------------------------------------------------------------------------------------ */

int listener_open(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    need(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 && listen(fd, 4096) == 0, "listen");
    need(getsockname(fd, (struct sockaddr *)&address, &length) == 0, "getsockname");
    *ret_port = ntohs(address.sin_port);
    return fd;
}

void close_hard(int fd)
{
    struct linger linger = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

static void connect_pair(int listener, int port, int *ret_near, int *ret_far)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), far;

    need(near >= 0 && connect(near, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    need(far >= 0 && setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "accept4");
    *ret_near = near;
    *ret_far = far;
}

void pairs_open(int *ret_near, int *ret_far, int count)
{
    int port, listener = listener_open(&port);

    for (int i = 0; i < count; i++)
        connect_pair(listener, port, &ret_near[i], &ret_far[i]);
    close(listener);
}

void pairs_close(const int *near, const int *far, int count)
{
    for (int i = 0; i < count; i++) {
        close_hard(far[i]);
        close(near[i]);
    }
}

/* ---- The process of one end ------------------------------------------------------------------------------------- */

struct touch {
    int first, step, count;
};

static int *received;
static int received_count;

/* A byte precedes each set of descriptors; a byte without descriptors ends the sequence. */
static void receive_ends(int fd)
{
    int count;

    do {
        received = realloc(received, (size_t)(received_count + DESCRIPTORS_MAX) * sizeof *received);
        need(received, "realloc");
        count = session_receive_fds(fd, received + received_count);
        received_count += count;
    } while (count > 0);
    session_send(fd, "\n", 1);
}

static bool await_touch(int fd, struct touch *ret_touch)
{
    ssize_t length = recv(fd, ret_touch, sizeof *ret_touch, MSG_WAITALL);

    need(length == 0 || length == sizeof *ret_touch, "recv");
    return length > 0;
}

static void serve_far(int fd)
{
    struct touch touch;

    receive_ends(fd);
    while (await_touch(fd, &touch))
        for (int i = 0; i < touch.count; i++)
            need(send(received[touch.first + i * touch.step], "x", 1, MSG_NOSIGNAL) == 1, "send");
    for (int i = 0; i < received_count; i++)
        close_hard(received[i]);
}

static void serve_near(int fd)
{
    struct touch touch;
    char bytes[64];

    receive_ends(fd);
    while (await_touch(fd, &touch)) {
        for (int i = 0; i < touch.count; i++)
            need(recv(received[touch.first + i * touch.step], bytes, sizeof bytes, MSG_DONTWAIT) > 0, "recv");
        session_send(fd, "\n", 1);
    }
}

/* ---- Sets ------------------------------------------------------------------------------------------------------- */

void streams_open(struct streams *streams, int count, streams_taker *take, void *taker)
{
    int port, listener = listener_open(&port);

    streams->count = count;
    floor_start(&streams->far, serve_far);
    floor_start(&streams->near, serve_near);
    for (int first = 0, some; first < count; first += some) {
        int near[DESCRIPTORS_MAX], far[DESCRIPTORS_MAX];

        some = count - first < DESCRIPTORS_MAX ? count - first : DESCRIPTORS_MAX;
        for (int i = 0; i < some; i++)
            connect_pair(listener, port, &near[i], &far[i]);
        session_send_fds(streams->far.fd, "x", 1, far, some);
        session_send_fds(streams->near.fd, "x", 1, near, some);
        take(taker, near, first, some);
        for (int i = 0; i < some; i++) {
            close(near[i]);
            close(far[i]);
        }
    }
    close(listener);
    session_send(streams->far.fd, "x", 1);
    session_send(streams->near.fd, "x", 1);
    session_await_lines(streams->far.fd, 1);
    session_await_lines(streams->near.fd, 1);
}

void streams_close(struct streams *streams)
{
    process_stop(&streams->far);
    process_stop(&streams->near);
}

void streams_fire(const struct streams *streams, int first, int step, int count)
{
    struct touch touch = {first, step, count};

    session_send(streams->far.fd, (const char *)&touch, sizeof touch);
}

void streams_drain(const struct streams *streams, int first, int step, int count)
{
    struct touch touch = {first, step, count};

    session_send(streams->near.fd, (const char *)&touch, sizeof touch);
    session_await_lines(streams->near.fd, 1);
}

void streams_send_registers(const struct registrar *how, const int *near, int first, int count)
{
    char text[DESCRIPTORS_MAX * 160];
    size_t length = 0;

    for (int i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"register\",\"params\":{\"token\":%d,"
                                   "\"fd\":true,\"mode\":\"%s\"}}\n",
                                   first + i, how->mode);
    session_send_fds(how->session, text, length, near, count);
}

void streams_register(void *registrar, const int *near, int first, int count)
{
    const struct registrar *how = registrar;

    streams_send_registers(how, near, first, count);
    session_await_lines(how->session, count);
}
