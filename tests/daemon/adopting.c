/* SPDX-License-Identifier: MIT */
/* What becomes of a descriptor that a client sends with a `register`. */
#include "tests/daemon/fixture.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_adopting_suite(void);

/* Says it with the descriptor beside its first byte. */
static void say_with(int fd, const char *text)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec piece = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};

    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(wire.fd, &message, MSG_NOSIGNAL), (ssize_t)strlen(text));
}

#define REGISTER(more)                                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"register\",\"params\":{\"token\":1,\"fd\":true" more "}}"

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

static int connected(int *ret_peer)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(getsockname(port.fd, (struct sockaddr *)&address, &length), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
    *ret_peer = port_accept(&port);
    return fd;
}

START_TEST(a_tcp_socket_has_its_options_and_keeps_its_flags)
{
    int peer, fd = connected(&peer);

    say_with(fd, REGISTER(""));
    expect(&wire, "{'id':1,'result':{'token':1,'peer':'%s'}}", port.address);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    expect_in(call(&wire, "read", "[1]"), "{'bytes':0,'eof':false}"); /* and nobody waits */
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    close(fd);
    close(peer);
}
END_TEST

/* Two may wait for one connection, and one of them gets it. */
START_TEST(a_listening_socket_does_not_block)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(listen(fd, 1), 0);
    say_with(fd, REGISTER(""));
    expect(&wire, "{'id':1,'result':{'token':1}}");
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    close(fd);
}
END_TEST

START_TEST(options_that_are_not_wanted_are_taken_away)
{
    int peer, fd = connected(&peer), on = 1;

    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on), 0);
    say_with(fd, REGISTER(",\"nodelay\":false,\"keepalive\":false"));
    expect(&wire, "{'id':1,'result':{'token':1}}");
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    close(fd);
    close(peer);
}
END_TEST

static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

/* Whether nothing read means the end is a question of the type, which no option has told here. */
START_TEST(a_socket_of_another_family_is_taken_as_what_it_is)
{
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, types[_i] | SOCK_CLOEXEC, 0, ends), 0);
    say_with(ends[0], REGISTER(""));
    expect(&wire, "{'id':1,'result':{'token':1}}");
    write_byte(ends[1]);
    expect_event(&wire, 1, READY_READABLE);
    expect_in(call(&wire, "read", "{'token':1}"), "{'bytes':1,'eof':false}");
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_file_is_refused)
{
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    say_with(file, REGISTER(""));
    expect(&wire, "{'id':1,'error':{'data':{'name':'FD_UNSUITABLE'}}}");
    close(file);
}
END_TEST

Suite *daemon_adopting_suite(void)
{
    Suite *suite = suite_create("daemon_adopting");
    TCase *tests = add_case(suite, "descriptors");

    tcase_add_test(tests, a_tcp_socket_has_its_options_and_keeps_its_flags);
    tcase_add_test(tests, a_listening_socket_does_not_block);
    tcase_add_test(tests, options_that_are_not_wanted_are_taken_away);
    tcase_add_loop_test(tests, a_socket_of_another_family_is_taken_as_what_it_is, 0, LENGTH(types));
    tcase_add_test(tests, a_file_is_refused);
    return suite;
}
