/* SPDX-License-Identifier: MIT */
/*
 * Who may hand over descriptors, what of them is refused, and on whose behalf the daemon reads and writes them:
 * PROTOCOL.md, "Descriptors". With real other users, as the kernel sees them.
 */
#include "tests/daemon/conf.h"
#include "tests/daemon/freeze.h"
#include "tests/daemon/passing.h"
#include "tests/skip.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SYS_pidfd_getfd /* headers of a kernel before 5.6; the number is the same everywhere */
#define SYS_pidfd_getfd 438
#endif

Suite *daemon_handing_over_suite(void);

#define USER  4711
#define OTHER 4712
#define GROUP 4800

#define OPTION_PASSRIGHTS 83 /* SO_PASSRIGHTS, of Linux 6.16 */

/* Others may hand over descriptors only where there is a process that closes them. */
static bool can_hand_over(void)
{
    if (!can_be_others())
        return false;
    if (!getenv("MINIMIO_VALGRIND"))
        return true;
    test_skip(__func__, "a process that shares the table of descriptors, which valgrind does not allow");
    return false;
}

static void set_up_access(const char *access)
{
    conf_write("[daemon]\nsocket-mode = 0666\n[access]\n%s\n", access);
    set_up_conf(NULL);
}

static void open_as(struct wire *visitor, uid_t uid, gid_t gid)
{
    wire_open_as(visitor, uid, gid, NULL, 0);
    call(visitor, "ping", NULL);
}

static bool kernel_refuses_descriptors(void)
{
    int value, fds[2];
    socklen_t length = sizeof value;
    bool refuses;

    make_pair(SOCK_STREAM, fds);
    refuses = getsockopt(fds[0], SOL_SOCKET, OPTION_PASSRIGHTS, &value, &length) == 0;
    close(fds[0]);
    close(fds[1]);
    return refuses;
}

/* Sends a line with a descriptor beside it, which is closed here. Returns what sendmsg says. */
static int try_to_send(struct wire *on, const char *line, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)line, .iov_len = strlen(line)};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int result;

    control.header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    result = sendmsg(on->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
    close(fd);
    return result;
}

/* ---- Who may ----------------------------------------------------------------------------------------------------- */

/* The daemon's end is closed. */
static void await_hang_up(int fd)
{
    struct pollfd hung_up = {.fd = fd};

    ck_assert_int_eq(poll(&hung_up, 1, PROCESS_TIMEOUT_MS), 1);
}

static void expect_may(uid_t uid, gid_t gid)
{
    struct wire visitor;
    int fds[2];

    open_as(&visitor, uid, gid);
    make_pair(SOCK_STREAM, fds);
    adopt(&visitor, 1, fds[0], "");
    write_byte(fds[1]);
    expect_event(&visitor, 1, READY_READABLE);
    call(&visitor, "deregister", "[1]");
    wire_close(&visitor);
    await_hang_up(fds[1]);
    close(fds[1]);
    while (counter(&wire, "sessions") > 1)
        ;
}

/* Told so where the descriptor arrives, and where a register asks for one; nothing stays behind. */
static void expect_may_not(uid_t uid, gid_t gid)
{
    int before = current_descriptor_count(), fds[2];
    struct wire visitor;

    open_as(&visitor, uid, gid);
    call_fails(&visitor, "DENIED", "{'rule':'descriptors'}", "register", "{'token':1,'fd':true}");
    make_pair(SOCK_STREAM, fds);
    if (try_to_send(&visitor, "\n", fds[0]) == 0) {
        expect(&visitor, "{'id':null,'error':{'code':12,'data':{'name':'DENIED','rule':'descriptors'}}}");
        expect_end(&visitor);
    } else {
        call(&visitor, "ping", NULL);
    }
    expect_eof(fds[1]);
    close(fds[1]);
    wire_close(&visitor);
    await_descriptor_count(before);
}

START_TEST(without_a_list_root_may_and_others_may_not)
{
    if (!can_be_others())
        return;
    set_up_access("");
    expect_may(0, USER);
    expect_may_not(USER, USER);
    await_log("uid 4711: a descriptor denied: descriptors");
    tear_down_conf();
}
END_TEST

START_TEST(users_and_groups_that_are_listed_may)
{
    if (!can_hand_over())
        return;
    set_up_access("descriptors-users = 4711\ndescriptors-groups = 4800");
    expect_may(USER, USER);
    expect_may(OTHER, GROUP);
    expect_may_not(OTHER, USER);
    tear_down_conf();
}
END_TEST

START_TEST(the_sender_is_refused_where_the_kernel_can)
{
    struct wire visitor;
    int fds[2];

    if (!can_be_others())
        return;
    if (!kernel_refuses_descriptors()) {
        test_skip(__func__, "a kernel with SO_PASSRIGHTS");
        return;
    }
    set_up_access("");
    open_as(&visitor, USER, USER);
    make_pair(SOCK_STREAM, fds);
    ck_assert_int_eq(try_to_send(&visitor, "\n", fds[0]), -EPERM);
    call(&visitor, "ping", NULL);
    wire_close(&visitor);
    close(fds[1]);
    tear_down_conf();
}
END_TEST

/* What is sent before the daemon has accepted the connection reaches the daemon on any kernel. */
START_TEST(what_is_sent_before_the_daemon_accepts_is_denied)
{
    int before, fds[2];
    struct wire visitor;

    if (!can_be_others())
        return;
    set_up_access("");
    before = current_descriptor_count();
    freeze();
    wire_open_as(&visitor, USER, USER, NULL, 0);
    make_pair(SOCK_STREAM, fds);
    say(&visitor, "{'jsonrpc':'2.0','id':1,'method':'ping'}");
    ck_assert_int_eq(try_to_send(&visitor,
                                 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"register\",\"params\":[1,null,true]}\n",
                                 fds[0]),
                     0);
    thaw();
    expect_line(&visitor, "{'jsonrpc':'2.0','id':1,'result':{}}");
    expect(&visitor, "{'id':2,'error':{'data':{'name':'DENIED','rule':'descriptors'}}}");
    expect(&visitor, "{'id':null,'error':{'data':{'name':'DENIED','rule':'descriptors'}}}");
    expect_end(&visitor);
    expect_eof(fds[1]);
    close(fds[1]);
    wire_close(&visitor);
    await_descriptor_count(before);
    tear_down_conf();
}
END_TEST

static void write_list(const char *access)
{
    conf_write("[daemon]\nsocket-mode = 0666\n[access]\n%s\n", access);
    reload_well();
}

/* Streams that were handed over stay; a descriptor that is not claimed yet is denied with its register. */
START_TEST(a_reload_holds_for_sessions_that_are_there)
{
    struct wire visitor;
    int first[2], second[2], third[2];

    if (!can_hand_over())
        return;
    set_up_access("descriptors-users = 4711");
    open_as(&visitor, USER, USER);
    make_pair(SOCK_STREAM, first);
    make_pair(SOCK_STREAM, second);
    adopt(&visitor, 1, first[0], "");
    ck_assert_int_eq(try_to_send(&visitor, "\n", second[0]), 0);
    call(&visitor, "ping", NULL);
    write_list("");
    write_byte(first[1]);
    expect_event(&visitor, 1, READY_READABLE);
    call_fails(&visitor, "DENIED", "{'rule':'descriptors'}", "register", "{'token':2,'fd':true}");
    expect_eof(second[1]);
    write_list("descriptors-users = 4711");
    make_pair(SOCK_STREAM, third);
    adopt(&visitor, 2, third[0], "");
    wire_close(&visitor);
    close(first[1]);
    close(second[1]);
    close(third[1]);
    tear_down_conf();
}
END_TEST

/* ---- Whose voice ------------------------------------------------------------------------------------------------- */

/* Like the service manager's notify socket: datagrams arrive with the credentials of their sender. */
static int open_notify_socket(char path[160])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

    snprintf(path, 160, "%s/notify", minimiod.folder);
    strcpy(address.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    return fd;
}

static int connect_to_notify_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* The process that has written the next datagram; -1: there is none. */
static pid_t next_writer(int fd)
{
    char bytes[512];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec piece = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct ucred writer;

    if (recvmsg(fd, &message, MSG_DONTWAIT) < 0)
        return -1;
    ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&message));
    memcpy(&writer, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof writer);
    return writer.pid;
}

static void expect_no_data(struct wire *on, int token)
{
    const char *denied = "{'rule':'credentials'}";

    call_fails(on, "DENIED", denied, "write", "[%d,'WATCHDOG=trigger']", token);
    call_fails(on, "DENIED", denied, "write", "{'token':%d,'data':'eA==','encoding':'base64'}", token);
    call_fails(on, "DENIED", denied, "read", "[%d]", token);
    call_fails(on, "DENIED", denied, "read", "{'token':%d,'peek':true}", token);
    call_fails(on, "DENIED", denied, "shutdown", "[%d,'both']", token);
}

START_TEST(others_cannot_write_with_the_daemons_credentials)
{
    char path[160];
    struct wire visitor;
    int manager, ours;

    if (!can_hand_over())
        return;
    set_up_access("descriptors-users = 4711");
    manager = open_notify_socket(path);
    open_as(&visitor, USER, USER);
    adopt(&visitor, 1, connect_to_notify_socket(path), ",'interests':['writable']");
    expect_event(&visitor, 1, READY_WRITABLE);
    expect_no_data(&visitor, 1);
    ck_assert_int_eq(next_writer(manager), -1);
    ours = take(&visitor, 1);
    write_byte(ours);
    ck_assert_int_eq(next_writer(manager), getpid());
    close(ours);
    adopt(&wire, 1, connect_to_notify_socket(path), ""); /* the daemon's own user */
    expect_in(call(&wire, "write", "[1,'READY=1']"), "{'bytes':7}");
    ck_assert_int_eq(next_writer(manager), minimiod.process.pid);
    wire_close(&visitor);
    close(manager);
    unlink(path);
    tear_down_conf();
}
END_TEST

static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

START_TEST(a_pair_of_sockets_carries_credentials_too)
{
    struct wire visitor;
    int fds[2], tcp[2];
    char bytes[8];

    if (!can_hand_over())
        return;
    set_up_access("descriptors-users = 4711");
    open_as(&visitor, USER, USER);
    make_pair(types[_i], fds);
    adopt(&visitor, 1, fds[0], "");
    put_bytes(fds[1], "hello");
    expect_event(&visitor, 1, READY_READABLE);
    expect_no_data(&visitor, 1);
    fds[0] = take(&visitor, 1);
    ck_assert_int_eq(recv(fds[0], bytes, sizeof bytes, 0), 5);
    make_tcp_pair(tcp);
    adopt(&visitor, 2, tcp[0], "");
    expect_in(call(&visitor, "write", "[2,'hello']"), "{'bytes':5}");
    expect_bytes(tcp[1], "hello");
    wire_close(&visitor);
    close(fds[0]);
    close(fds[1]);
    close(tcp[1]);
    tear_down_conf();
}
END_TEST

/* The kernel or a process at the other end sees the credentials of each writer here too. */
START_TEST(a_netlink_socket_carries_credentials_too)
{
    struct wire visitor;

    if (!can_hand_over())
        return;
    set_up_access("descriptors-users = 4711");
    open_as(&visitor, USER, USER);
    adopt(&visitor, 1, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "");
    expect_no_data(&visitor, 1);
    close(take(&visitor, 1));
    wire_close(&visitor);
    tear_down_conf();
}
END_TEST

/* A stream that the binary before has had is the same to this one. */
START_TEST(what_was_handed_over_to_another_binary_is_what_it_was)
{
    struct wire visitor;
    int fds[2];

    if (!can_hand_over())
        return;
    set_up_access("descriptors-users = 4711");
    open_as(&visitor, USER, USER);
    call(&visitor, "open_loop", "['kept']");
    make_pair(SOCK_STREAM, fds);
    adopt(&visitor, 1, fds[0], "");
    await_log("listening on");
    kill(minimiod.process.pid, SIGUSR2);
    await_log("listening on");
    wire_close(&visitor);
    open_as(&visitor, USER, USER);
    expect_in(call(&visitor, "open_loop", "['kept']"), "{'created':false,'registrations':1}");
    expect_no_data(&visitor, 1);
    wire_close(&visitor);
    wire_close(&wire);
    wire_open(&wire, minimiod.socket);
    close(fds[1]);
    tear_down_conf();
}
END_TEST

/* ---- What is refused by name ------------------------------------------------------------------------------------- */

static int own_session(void)
{
    return dup(wire.fd);
}

static int another_session(void)
{
    struct wire other;
    int fd;

    wire_open(&other, minimiod.socket);
    call(&other, "ping", NULL);
    fd = dup(other.fd);
    wire_close(&other);
    return fd;
}

/* What only root can get at: the daemon's own descriptors, here its end of the session. */
static int daemons_descriptor(bool (*wanted)(int fd))
{
    int process = (int)syscall(SYS_pidfd_open, minimiod.process.pid, 0), found = -1;

    ck_assert_int_ge(process, 0);
    for (int number = 3; number < 64 && found < 0; number++) {
        int fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);

        if (fd >= 0 && wanted(fd))
            found = fd;
        else if (fd >= 0)
            close(fd);
    }
    close(process);
    return found;
}

static bool is_at_socket(int fd, int listens)
{
    struct sockaddr_un name = {0};
    socklen_t length = sizeof name, size = sizeof(int);
    int accepts = 0;

    return getsockname(fd, (struct sockaddr *)&name, &length) == 0 && name.sun_family == AF_UNIX &&
           strstr(name.sun_path, "minimio.sock") && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 &&
           accepts == listens;
}

static bool is_session(int fd)
{
    return is_at_socket(fd, 0);
}

static bool is_listener(int fd)
{
    return is_at_socket(fd, 1);
}

static int other_end_of_session(void)
{
    return daemons_descriptor(is_session);
}

static int listener(void)
{
    return daemons_descriptor(is_listener);
}

static int (*const connections[])(void) = {own_session, another_session, other_end_of_session, listener};

/* A session that the daemon itself held would never end. */
START_TEST(a_connection_to_the_daemon_is_refused)
{
    int before = current_descriptor_count(), fd = connections[_i](), fds[2];

    if (fd < 0 && connections[_i] != own_session && connections[_i] != another_session) {
        test_skip(__func__, "the right to take the daemon's descriptors");
        return;
    }
    ck_assert_int_ge(fd, 0);
    say_with(&wire, fd, "{'jsonrpc':'2.0','id':1,'method':'register','params':{'token':1,'fd':true}}");
    expect(&wire, "{'id':1,'error':{'data':{'name':'FD_UNSUITABLE'}}}");
    ck_assert_ptr_nonnull(strstr(wire.line, "a connection to this daemon"));
    await_descriptor_count(before);
    make_pair(SOCK_STREAM, fds);
    adopt(&wire, 1, fds[0], "");
    close(fds[1]);
}
END_TEST

/* Claimed or not. */
START_TEST(a_client_that_has_sent_its_own_session_ends)
{
    struct wire other;

    wire_open(&other, minimiod.socket);
    send_with(&other, "\n", 1, &other.fd, 1);
    call(&other, "ping", NULL);
    wire_close(&other);
    while (counter(&wire, "sessions") > 1)
        ;
}
END_TEST

static int open_queue(void)
{
    return (int)syscall(SYS_epoll_create1, O_CLOEXEC);
}

static int open_ring(void)
{
    char parameters[256] = {0};

    return (int)syscall(SYS_io_uring_setup, 1, parameters);
}

static int open_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    return signalfd(-1, &none, SFD_CLOEXEC);
}

static int open_file(void)
{
    return open("README.md", O_RDONLY | O_CLOEXEC);
}

static const struct {
    int (*open)(void);
    const char *name;
} named[] = {
    {open_queue, "an epoll descriptor"},
    {open_ring, "an io_uring descriptor"},
    {open_signals, "a signalfd"},
    {open_file, "a file, folder or device"},
};

START_TEST(what_is_unsuitable_is_named)
{
    int fd = named[_i].open();

    if (fd < 0) {
        test_skip(__func__, "%s", named[_i].name);
        return;
    }
    int sent = try_to_send(&wire, "\n", fd);
    if (sent < 0) { /* since Linux 6.7 the kernel passes no io_uring descriptor to anybody */
        ck_assert_int_eq(sent, -EINVAL);
        ck_assert(named[_i].open == open_ring);
        return;
    }
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':{'token':1,'fd':true}}");
    expect(&wire, "{'id':1,'error':{'code':16,'data':{'name':'FD_UNSUITABLE'}}}");
    ck_assert_ptr_nonnull(strstr(wire.line, named[_i].name));
}
END_TEST

Suite *daemon_handing_over_suite(void)
{
    Suite *suite = suite_create("daemon_handing_over");
    TCase *tests = tcase_create("each its own daemon");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, without_a_list_root_may_and_others_may_not);
    tcase_add_test(tests, users_and_groups_that_are_listed_may);
    tcase_add_test(tests, the_sender_is_refused_where_the_kernel_can);
    tcase_add_test(tests, what_is_sent_before_the_daemon_accepts_is_denied);
    tcase_add_test(tests, a_reload_holds_for_sessions_that_are_there);
    tcase_add_test(tests, others_cannot_write_with_the_daemons_credentials);
    tcase_add_loop_test(tests, a_pair_of_sockets_carries_credentials_too, 0, LENGTH(types));
    tcase_add_test(tests, a_netlink_socket_carries_credentials_too);
    tcase_add_test(tests, what_was_handed_over_to_another_binary_is_what_it_was);
    suite_add_tcase(suite, tests);
    tests = add_case(suite, "refused");
    tcase_add_loop_test(tests, a_connection_to_the_daemon_is_refused, 0, LENGTH(connections));
    tcase_add_test(tests, a_client_that_has_sent_its_own_session_ends);
    tcase_add_loop_test(tests, what_is_unsuitable_is_named, 0, LENGTH(named));
    return suite;
}
