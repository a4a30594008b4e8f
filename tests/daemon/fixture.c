/* SPDX-License-Identifier: MIT */
#include "tests/daemon/fixture.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct minimiod minimiod;
struct wire wire;
struct port port;

void set_up_with(const char *const *arguments)
{
    start_minimiod(&minimiod, arguments);
    wire_open(&wire, minimiod.socket);
    port_open(&port);
}

void set_up(void)
{
    set_up_with(NULL);
}

void tear_down(void)
{
    wire_close(&wire);
    port_close(&port);
    stop_minimiod(&minimiod);
}

TCase *add_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return tests;
}

int open_stream(struct wire *on, uint64_t token, const char *more)
{
    const cJSON *result =
        call(on, "register", "{'token':%llu,'address':'%s'%s}", (unsigned long long)token, port.address, more);

    expect_in(result, "{'token':%llu,'peer':'%s'}", (unsigned long long)token, port.address);
    return port_accept(&port);
}

void write_byte(int fd)
{
    ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
}

void expect_eof(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char byte;

    ck_assert_int_eq(poll(&readable, 1, PROCESS_TIMEOUT_MS), 1);
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
}

void reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(fd);
}

int64_t counter(struct wire *on, const char *name)
{
    return (int64_t)member(call(on, "stats", NULL), name)->valuedouble;
}
