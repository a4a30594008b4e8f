/* SPDX-License-Identifier: MIT */
/* Queues, sockets and events for the tests of libminimio. */
#include "tests/library/support.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

int listen_on(int family, struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
    struct sockaddr_storage address = {0};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    address.ss_family = (sa_family_t)family;
    if (family == AF_INET6)
        ((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
    else
        ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *ret_length = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, *ret_length), 0);
    ck_assert_int_eq(listen(fd, 64), 0);
    *ret_length = sizeof(*ret_address);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret_address, ret_length), 0);
    return fd;
}

void pair_open(struct pair *ret_pair)
{
    struct sockaddr_storage address;
    socklen_t length;
    int listener = listen_on(AF_INET, &address, &length);

    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&address, length, &ret_pair->stream), 0);
    ret_pair->peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(ret_pair->peer, 0);
    close(listener);
    while (minimio_tcp_stream_finish_connect(ret_pair->stream) == -EINPROGRESS)
        ;
}

void pair_close(struct pair *pair)
{
    pair->stream = minimio_tcp_stream_free(pair->stream);
    if (pair->peer >= 0)
        close(pair->peer);
    pair->peer = -1;
}

void unix_pair(int ret_fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds), 0);
}

void reset_on_close(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
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

void send_text(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
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

int open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* ".", ".." and the folder itself */

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
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
