/* SPDX-License-Identifier: MIT */
/*
 * The daemon when memory runs out: whatever allocation fails, a request is answered with INTERNAL or the session ends;
 * the daemon lives, and serves again.
 */
#include "tests/daemon/conf.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

Suite *daemon_memory_suite(void);

static int open_session(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, minimiod.socket);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Reads lines until the one that ends with `last`; false when the session ended first. */
static bool read_until(int fd, const char *last)
{
    static char text[1 << 20];
    size_t length = 0;

    for (;;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        ssize_t n;

        ck_assert_msg(poll(&readable, 1, PROCESS_TIMEOUT_MS) == 1, "neither an answer nor an end");
        n = recv(fd, text + length, sizeof text - length - 1, 0);
        if (n <= 0)
            return false;
        length += (size_t)n;
        text[length] = '\0';
        if (strstr(text, last))
            return true;
    }
}

/* One of each kind of request, then one more by which the end is known. Returns whether it was all answered. */
static bool use_once(void)
{
    char request[1024];
    int fd = open_session();
    bool answered = true;

    snprintf(
        request, sizeof request,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"}"
        "[{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"stats\"},"
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"register\",\"params\":[1,\"%s\",null,[\"writable\"]]}]"
        "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"register\",\"params\":{\"token\":2,\"address\":\"vm.invalid:1\"}}"
        "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"list\"}"
        "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"reregister\",\"params\":[1,[\"readable\"],\"edge\"]}"
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"deregister\",\"params\":[1]}",
        port.address);
    for (size_t sent = 0; sent < strlen(request) && answered; sent++)
        answered = send(fd, request + sent, 1, MSG_NOSIGNAL) == 1;
    answered = answered && read_until(fd, "\"id\":7");
    close(fd);
    return answered;
}

#define FAIL_EVERY_MAX 40

START_TEST(no_failed_allocation_ends_the_daemon)
{
    char preload[512], every[32];
    int ended = 0;

    snprintf(preload, sizeof preload, "%s/tests/fail_every.so", getenv("MINIMIO_BUILD"));
    if (access(preload, R_OK) < 0)
        return; /* a build whose sanitizer has the allocator to itself */
    snprintf(every, sizeof every, "%d", _i);
    setenv("FAIL_EVERY", every, 1);
    setenv("LD_PRELOAD", realpath(preload, NULL), 1);
    start_minimiod(&minimiod, NULL);
    unsetenv("LD_PRELOAD");
    port_open(&port);
    for (int round = 0; round < 20; round++)
        ended += !use_once();
    if (_i >= FAIL_EVERY_MAX)
        ck_assert_int_lt(ended, 20);
    port_close(&port);
    stop_minimiod(&minimiod);
}
END_TEST

/* However often reading the file again fails, the old settings hold until it does not. */
START_TEST(no_failed_allocation_loses_a_rule)
{
    char preload[512], every[32];

    snprintf(preload, sizeof preload, "%s/tests/fail_every.so", getenv("MINIMIO_BUILD"));
    if (access(preload, R_OK) < 0)
        return;
    snprintf(every, sizeof every, "%d", _i);
    setenv("FAIL_EVERY", every, 1);
    setenv("LD_PRELOAD", realpath(preload, NULL), 1);
    conf_write("[access]\nusers = 1, 2\n[targets]\ndeny = *:1\ndeny = *:2\n");
    start_minimiod(&minimiod, ARGUMENTS("--config", conf_path));
    unsetenv("LD_PRELOAD");
    for (int round = 0; round < 20; round++) {
        conf_write("[access]\nusers = 1, 2\n[targets]\ndeny = *:1\ndeny = *:%d\n", round + 2);
        kill(minimiod.process.pid, SIGHUP);
        await_log(" in force");
    }
    stop_minimiod(&minimiod);
    conf_remove();
}
END_TEST

Suite *daemon_memory_suite(void)
{
    Suite *suite = suite_create("daemon_memory");
    TCase *tests = tcase_create("memory");

    tcase_set_timeout(tests, 120);
    /* Were each to fail, the listener could not be watched, and clients would wait in its backlog. */
    tcase_add_loop_test(tests, no_failed_allocation_ends_the_daemon, 2, FAIL_EVERY_MAX + 1);
    tcase_add_loop_test(tests, no_failed_allocation_loses_a_rule, 2, FAIL_EVERY_MAX + 1);
    suite_add_tcase(suite, tests);
    return suite;
}
