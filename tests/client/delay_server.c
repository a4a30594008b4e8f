/* SPDX-License-Identifier: MIT */
/* The delay server of the examples, and the demo that shows it. */
#include "tests/client/run.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *example_delay_server_suite(void);

static int connect_to(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* The port of the line `PORT WHAT`. */
static int port_of(struct process *process, const char *what)
{
    const char *line;

    ck_assert(process_await_text(process, &process->out, what, PROCESS_TIMEOUT_MS));
    line = strstr(process->out.text, what);
    while (line > process->out.text && line[-1] != '\n')
        line--;
    return atoi(line);
}

static void assert_receives(int fd, const char *expected)
{
    char text[1024];
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);

    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    ck_assert_str_eq(text, expected);
    close(fd);
}

static void assert_ends_by(struct process *process, int signal_number)
{
    kill(process->pid, signal_number);
    ck_assert_int_eq(process_wait(process, PROCESS_TIMEOUT_MS), 0);
    process_free(process);
}

START_TEST(it_greets_after_the_delay)
{
    struct process process;
    int64_t began_ns;
    int late, soon;

    process_start(&process, false, (const char *const[]){built_program("examples/delay_server"), "200", "0", NULL});
    late = connect_to(port_of(&process, " 200\n"));
    began_ns = test_now_ns();
    soon = connect_to(port_of(&process, " 0\n"));
    shutdown(late, SHUT_WR); /* who has said all is greeted nevertheless */
    assert_receives(soon, "hello after 0 ms\n");
    assert_receives(late, "hello after 200 ms\n");
    ck_assert_int_ge(test_now_ns() - began_ns, INT64_C(190000000));
    assert_ends_by(&process, SIGTERM);
}
END_TEST

START_TEST(it_answers_http)
{
    struct process process;
    int fd, bad, port;

    process_start(&process, false, (const char *const[]){built_program("examples/delay_server"), "--http", NULL});
    port = port_of(&process, " http\n");
    fd = connect_to(port);
    bad = connect_to(port);
    send(fd, "GET /20/hel", 11, MSG_NOSIGNAL);
    send(bad, "PUT / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
    send(fd, "lo HTTP/1.1\r\nHost: x\r\n\r\n", 24, MSG_NOSIGNAL);
    assert_receives(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                        "Connection: close\r\n\r\nhello");
    assert_receives(bad, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 49\r\n"
                         "Connection: close\r\n\r\nwhat is wanted is GET /DELAY_MS/MESSAGE HTTP/1.1\n");
    assert_ends_by(&process, SIGINT);
}
END_TEST

START_TEST(it_refuses_wrong_usage)
{
    static const char *const bad[] = {"x",  "-5", "3600001", "1.5",     "",     "99999999",
                                      "1:", ":1", "1:x",     "65536:1", "-1:1", "1:2:3"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_runs(((const char *const[]){built_program("examples/delay_server"), bad[i], NULL}), 2, NULL, "usage");
}
END_TEST

/* Of a port that is in use, as one that was free could be taken by now. */
START_TEST(a_port_can_be_chosen)
{
    struct process process;
    char argument[32];
    int port;

    process_start(&process, false, (const char *const[]){built_program("examples/delay_server"), "0", NULL});
    port = port_of(&process, " 0\n");
    snprintf(argument, sizeof(argument), "%d:0", port);
    assert_runs(((const char *const[]){built_program("examples/delay_server"), argument, NULL}), 1, NULL, "in use");
    assert_ends_by(&process, SIGTERM);
}
END_TEST

/* The client is woken once, by the greeting and the end of the stream together. */
START_TEST(the_end_comes_with_the_greeting)
{
    struct process process;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT};
    int fd, epoll = epoll_create1(EPOLL_CLOEXEC);

    process_start(&process, false, (const char *const[]){built_program("examples/delay_server"), "50", NULL});
    fd = connect_to(port_of(&process, " 50\n"));
    ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, PROCESS_TIMEOUT_MS), 1);
    ck_assert_uint_eq(event.events, EPOLLIN | EPOLLRDHUP);
    close(epoll);
    assert_receives(fd, "hello after 50 ms\n");
    assert_ends_by(&process, SIGTERM);
}
END_TEST

START_TEST(the_demo_succeeds)
{
    const char *build = getenv("MINIMIO_BUILD");

    assert_runs(((const char *const[]){"examples/demo.sh", build ? build : "build", NULL}), 0, "ready as 2 3 1", NULL);
}
END_TEST

Suite *example_delay_server_suite(void)
{
    Suite *suite = suite_create("example_delay_server");
    TCase *tests = tcase_create("delay server");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, it_greets_after_the_delay);
    tcase_add_test(tests, it_answers_http);
    tcase_add_test(tests, it_refuses_wrong_usage);
    tcase_add_test(tests, a_port_can_be_chosen);
    tcase_add_test(tests, the_end_comes_with_the_greeting);
    tcase_add_test(tests, the_demo_succeeds);
    suite_add_tcase(suite, tests);
    return suite;
}
