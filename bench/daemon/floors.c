/* SPDX-License-Identifier: MIT */
/* The floors on epoll. Owns the received descriptors of the present floor. */
#include "bench/daemon/floors.h"

#include "bench/daemon/process.h"
#include "bench/daemon/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS       512 /* per wait, as in the daemon */
#define RECEIVED_MAX 1024
#define CLIENT       UINT32_MAX

static struct epoll_event events[EVENTS];
static int queue;

static int watch(int operation, int fd, uint32_t flags, uint32_t token)
{
    struct epoll_event event = {.events = flags, .data.u32 = token};

    return epoll_ctl(queue, operation, fd, &event);
}

static void open_queue(void)
{
    queue = epoll_create1(EPOLL_CLOEXEC);
    need(queue >= 0, "epoll_create1");
}

static int await_events(void)
{
    int count = epoll_wait(queue, events, EVENTS, -1);

    need(count > 0, "epoll_wait");
    return count;
}

/* ---- Relays ----------------------------------------------------------------------------------------------------- */

static size_t put_number(char *out, uint32_t number)
{
    char digits[10];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    for (size_t i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    return count;
}

size_t floor_put_line(char *out, uint32_t token)
{
    static const char opening[] = "{\"token\":", closing[] = ",\"readable\":true}\n";
    size_t length = sizeof opening - 1;

    memcpy(out, opening, length);
    length += put_number(out + length, token);
    memcpy(out + length, closing, sizeof closing - 1);
    return length + sizeof closing - 1;
}

static int *relayed;
static int relayed_count;

/* Receives sets of descriptors until a byte without descriptors. */
static void receive_streams(int fd, uint32_t flags)
{
    int count;

    do {
        relayed = realloc(relayed, (size_t)(relayed_count + DESCRIPTORS_MAX) * sizeof *relayed);
        need(relayed, "realloc");
        count = session_receive_fds(fd, relayed + relayed_count);
        for (int i = 0; i < count; i++, relayed_count++)
            need(watch(EPOLL_CTL_ADD, relayed[relayed_count], flags, (uint32_t)relayed_count) == 0, "epoll_ctl");
    } while (count > 0);
    session_send(fd, "\n", 1);
}

static void arm_again(int fd, uint32_t flags)
{
    static uint32_t tokens[16384];
    ssize_t length = read(fd, tokens, sizeof tokens);

    if (length == 0)
        exit(EXIT_SUCCESS);
    need(length > 0, "read");
    for (size_t i = 0; i < (size_t)length / sizeof *tokens; i++)
        need(watch(EPOLL_CTL_MOD, relayed[tokens[i]], flags, tokens[i]) == 0, "epoll_ctl");
}

static void relay(int fd, uint32_t flags)
{
    static char lines[EVENTS * LINE_BYTES];

    open_queue();
    receive_streams(fd, flags);
    need(watch(EPOLL_CTL_ADD, fd, EPOLLIN, CLIENT) == 0, "epoll_ctl");
    for (;;) {
        int count = await_events();
        size_t length = 0;

        for (int i = 0; i < count; i++) {
            if (events[i].data.u32 == CLIENT)
                arm_again(fd, flags);
            else
                length += floor_put_line(lines + length, events[i].data.u32);
        }
        if (length)
            session_send(fd, lines, length);
    }
}

void relay_oneshot(int fd)
{
    relay(fd, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT);
}

void relay_edge(int fd)
{
    relay(fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
}

/* ---- Replies ---------------------------------------------------------------------------------------------------- */

static void reply(int client)
{
    static const char answer[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n";
    static char in[16384], out[16384];
    ssize_t length = recv(client, in, sizeof in, MSG_DONTWAIT);
    size_t filled = 0;

    need(length >= 0, "recv");
    for (const char *at = in; (at = memchr(at, '\n', (size_t)(in + length - at))); at++) {
        memcpy(out + filled, answer, sizeof answer - 1);
        filled += sizeof answer - 1;
    }
    if (filled)
        session_send(client, out, filled);
    else
        close(client);
}

void replier(int fd)
{
    int fds[DESCRIPTORS_MAX];

    open_queue();
    for (int clients = 0; clients < REPLIER_CLIENTS;) {
        int count = session_receive_fds(fd, fds);

        for (int i = 0; i < count; i++)
            need(watch(EPOLL_CTL_ADD, fds[i], EPOLLIN | EPOLLET, (uint32_t)fds[i]) == 0, "epoll_ctl");
        clients += count;
    }
    need(watch(EPOLL_CTL_ADD, fd, EPOLLIN, CLIENT) == 0, "epoll_ctl");
    session_send(fd, "\n", 1);
    for (;;) {
        int count = await_events();

        for (int i = 0; i < count; i++) {
            if (events[i].data.u32 == CLIENT)
                return;
            reply((int)events[i].data.u32);
        }
    }
}

/* ---- Registering ------------------------------------------------------------------------------------------------ */

static int received[RECEIVED_MAX];
static int received_count;

/* Closes the received descriptors. Other processes may have copies, so a close does not end the watch. */
static void close_received(void)
{
    while (received_count > 0) {
        int fd = received[--received_count];

        need(epoll_ctl(queue, EPOLL_CTL_DEL, fd, NULL) == 0, "epoll_ctl");
        close(fd);
    }
}

static void begin_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    need(fd >= 0, "socket");
    need(connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS, "connect");
    need(watch(EPOLL_CTL_ADD, fd, EPOLLOUT | EPOLLONESHOT, (uint32_t)fd) == 0, "epoll_ctl");
    received[received_count++] = fd;
}

static void end_connect(int fd)
{
    int error;
    socklen_t length = sizeof error;

    need(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0, "getsockopt");
    errno = error;
    need(error == 0, "connect");
}

static void connect_all(const struct order *order)
{
    for (uint32_t i = 0; i < order->count; i++)
        begin_connect(order->port);
    for (uint32_t left = order->count; left > 0;) {
        int count = await_events();

        for (int i = 0; i < count; i++)
            end_connect((int)events[i].data.u32);
        left -= (uint32_t)count;
    }
}

static void serve_orders(int fd, void (*carry_out)(int fd, const struct order *order))
{
    struct order order;

    open_queue();
    for (;;) {
        ssize_t length = recv(fd, &order, sizeof order, MSG_WAITALL);

        if (length == 0)
            return;
        need(length == sizeof order && received_count + order.count <= RECEIVED_MAX, "an order");
        if (order.count)
            carry_out(fd, &order);
        else
            close_received();
        session_send(fd, "\n", 1);
    }
}

static void carry_out_connects(int fd, const struct order *order)
{
    (void)fd;
    connect_all(order);
}

void connect_loop(int fd)
{
    serve_orders(fd, carry_out_connects);
}

static void receive_and_watch(int fd, const struct order *order, void (*prepare)(int received))
{
    for (uint32_t left = order->count; left > 0;) {
        int *fds = received + received_count;
        int count = session_receive_fds(fd, fds);

        for (int i = 0; i < count; i++) {
            if (prepare)
                prepare(fds[i]);
            need(watch(EPOLL_CTL_ADD, fds[i], EPOLLIN | EPOLLRDHUP | EPOLLET, (uint32_t)fds[i]) == 0, "epoll_ctl");
        }
        received_count += count;
        left -= (uint32_t)count;
    }
}

static void carry_out_receiving(int fd, const struct order *order)
{
    receive_and_watch(fd, order, NULL);
}

void receive_loop(int fd)
{
    serve_orders(fd, carry_out_receiving);
}

static void prepare(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int on = 1;

    need(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "setsockopt");
    need(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0, "setsockopt");
    need(ioctl(fd, FIONBIO, &on) == 0, "ioctl");
    need(getsockname(fd, (struct sockaddr *)&address, &length) == 0, "getsockname");
    length = sizeof address;
    need(getpeername(fd, (struct sockaddr *)&address, &length) == 0, "getpeername");
}

static void carry_out_preparing(int fd, const struct order *order)
{
    receive_and_watch(fd, order, prepare);
}

void prepare_loop(int fd)
{
    serve_orders(fd, carry_out_preparing);
}
