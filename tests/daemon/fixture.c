/* SPDX-License-Identifier: MIT */
#include "tests/daemon/fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
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

#define HELLOS 5000

/* Each turn the daemon carries out a share of what it has: nobody's but this one's means that it has no more. */
void await_idle(struct wire *on)
{
    int64_t before;

    do
        before = counter(on, "requests");
    while (counter(on, "requests") != before + 1);
}

void fill_until_blocked(struct wire *slow, int *ret_sent)
{
    struct pollfd writable = {.fd = slow->fd, .events = POLLOUT};
    struct wire other;
    int sent = 0;

    wire_open(&other, minimiod.socket);
    while (sent < HELLOS) {
        if (poll(&writable, 1, 0) == 0) {
            await_idle(&other);
            if (poll(&writable, 1, 0) == 0)
                break;
        }
        say(slow, "{'jsonrpc':'2.0','id':%d,'method':'hello'}", sent++);
    }
    wire_close(&other);
    ck_assert_msg(sent < HELLOS, "the daemon takes requests without end");
    *ret_sent = sent;
}

int64_t cpu_ticks(pid_t pid)
{
    unsigned long long user, system;
    char path[64];
    FILE *stat;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    stat = fopen(path, "r");
    ck_assert_ptr_nonnull(stat);
    ck_assert_int_eq(fscanf(stat, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system), 2);
    fclose(stat);
    return (int64_t)(user + system);
}

static void start_by(struct minimiod *daemon, int descriptors, const char *by)
{
    /* valgrind takes descriptors for itself and does not start under so low a limit. */
    const char *program = built_program(getenv("MINIMIO_VALGRIND") ? "../minimiod" : "minimiod");
    char command[512];

    snprintf(daemon->folder, sizeof daemon->folder, "%s/minimio-test-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(daemon->folder));
    snprintf(daemon->socket, sizeof daemon->socket, "%s/minimio.sock", daemon->folder);
    snprintf(command, sizeof command, "ulimit -n %d && exec %s'%s' --socket '%s'", descriptors, by, program,
             daemon->socket);
    process_start(&daemon->process, false, ARGUMENTS("sh", "-c", command));
    ck_assert(process_await_text(&daemon->process, &daemon->process.err, "listening on ", PROCESS_TIMEOUT_MS));
}

void start_with_descriptors(struct minimiod *daemon, int descriptors)
{
    start_by(daemon, descriptors, "");
}

void start_without_privileges(struct minimiod *daemon, int descriptors)
{
    start_by(daemon, descriptors, geteuid() == 0 ? "setpriv --bounding-set -all --inh-caps -all " : "");
}
