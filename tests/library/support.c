/* SPDX-License-Identifier: MIT */
/* Queues, sockets and events for the tests of libminimio. */
#include "tests/library/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct minimio_poll *queue;
struct minimio_registrator *registrator;

void set_up_queue(void)
{
    ck_assert_int_eq(minimio_poll_new(&queue), 0);
    registrator = minimio_poll_registrator(queue);
    ck_assert_ptr_nonnull(registrator);
}

void tear_down_queue(void)
{
    registrator = minimio_registrator_free(registrator);
    queue = minimio_poll_free(queue);
}

minimio_fd bind_on(int family, struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
    struct sockaddr_storage address = {0};
    minimio_fd fd = open_socket(family, true);

    address.ss_family = (sa_family_t)family;
    if (family == AF_INET6)
        ((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
    else
        ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *ret_length = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, *ret_length), 0);
    *ret_length = sizeof(*ret_address);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret_address, ret_length), 0);
    return fd;
}

minimio_fd listen_on(int family, struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
    minimio_fd fd = bind_on(family, ret_address, ret_length);

    ck_assert_int_eq(listen(fd, 64), 0);
    return fd;
}

void fill_listener(minimio_fd listener, const struct sockaddr_storage *address, minimio_fd ret_filling[FILLING])
{
    ck_assert_int_eq(listen(listener, 0), 0);
    for (int i = 0; i < FILLING; i++) {
        ret_filling[i] = open_socket(AF_INET, false);
        connect(ret_filling[i], (const struct sockaddr *)address, sizeof(struct sockaddr_in));
    }
}

minimio_fd listen_in_silence(struct sockaddr_storage *ret_address, socklen_t *ret_length, minimio_fd filling[FILLING])
{
    minimio_fd listener = listen_on(AF_INET, ret_address, ret_length);

    fill_listener(listener, ret_address, filling);
    return listener;
}

void close_all(const minimio_fd *fds, int count)
{
    for (int i = 0; i < count; i++)
        close_fd(fds[i]);
}

void pair_open(struct pair *ret_pair)
{
    struct sockaddr_storage address;
    socklen_t length;
    minimio_fd listener = listen_on(AF_INET, &address, &length);

    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&address, length, &ret_pair->stream), 0);
    ret_pair->peer = accept_from(listener);
    close_fd(listener);
    while (minimio_tcp_stream_finish_connect(ret_pair->stream) == -EINPROGRESS)
        ;
}

void pair_close_peer(struct pair *pair)
{
    if (pair->peer != MINIMIO_INVALID_FD)
        close_fd(pair->peer);
    pair->peer = MINIMIO_INVALID_FD;
}

void pair_close(struct pair *pair)
{
    pair->stream = minimio_tcp_stream_free(pair->stream);
    pair_close_peer(pair);
}

void reset_on_close(minimio_fd fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, (const void *)&linger, sizeof(linger)), 0);
}

size_t fill(struct minimio_tcp_stream *stream)
{
    static char block[65536];
    size_t total = 0;
    ssize_t written;

    while ((written = minimio_tcp_stream_write(stream, block, sizeof(block))) > 0)
        total += (size_t)written;
    ck_assert_int_eq(written, -EAGAIN);
    return total;
}

size_t drain(struct minimio_tcp_stream *stream)
{
    char block[65536];
    size_t total = 0;
    ssize_t count;

    while ((count = minimio_tcp_stream_read(stream, block, sizeof(block))) > 0)
        total += (size_t)count;
    return total;
}

void send_text(minimio_fd fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, (int)strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

struct minimio_event await_event(void)
{
    struct minimio_event events[2];

    ck_assert_int_eq(minimio_poll_poll(queue, events, 2, PLENTY), 1);
    return events[0];
}

struct minimio_event await_flag(minimio_token token, bool (*has)(const struct minimio_event *))
{
    struct minimio_event event;

    do {
        event = await_event();
        ck_assert_uint_eq(minimio_event_id(&event), token);
    } while (!has(&event));
    return event;
}

void assert_quiet_at(int line)
{
    struct minimio_event event;

    int r = minimio_poll_poll(queue, &event, 1, A_MOMENT);
    if (r > 0)
        ck_abort_msg("line %d: an event of token %llu, readiness %#x", line, (unsigned long long)event.token,
                     event.readiness);
    ck_assert_msg(r == 0, "line %d: the poll gave %d", line, r);
}

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * S + now.tv_nsec;
}

#if defined(__has_feature)
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif

bool is_slowed_down(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) ||                 \
    HAS_FEATURE(thread_sanitizer)
    const char *reason = "a sanitizer";
#else
    const char *preload = getenv("LD_PRELOAD");
    const char *reason = preload && strstr(preload, "vgpreload") ? "valgrind" : NULL;
#endif
    if (reason)
        printf("library: bounds on being late are not checked under %s\n", reason);
    return reason != NULL;
}
