/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that clients send, and what becomes of them: PROTOCOL.md, `register` and "Descriptors".
 */
#include "tests/daemon/fixture.h"
#include "tests/daemon/freeze.h"
#include "tests/daemon/passing.h"
#include "tests/library/ipv6.h"
#include "tests/skip.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *daemon_descriptors_suite(void);

/* ---- What can be waited for -------------------------------------------------------------------------------------- */

static bool has(const cJSON *result, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(result, name);
}

static void expect_no_addresses(const cJSON *result)
{
    ck_assert(!has(result, "local"));
    ck_assert(!has(result, "peer"));
}

START_TEST(a_tcp_stream_has_both_addresses)
{
    int fds[2];
    const cJSON *result;

    make_tcp_pair(fds);
    result = adopt(&wire, 1, fds[0], "");
    ck_assert_int_eq(strncmp(member(result, "local")->valuestring, "127.0.0.1:", 10), 0);
    expect_in(result, "{'peer':'%s'}", port.address);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':1,'state':'armed','peer':'%s'}]}", port.address);
    expect_silence(&wire);
    write_byte(fds[1]);
    expect_event(&wire, 1, READY_READABLE);
    close(fds[1]);
    call(&wire, "reregister", "[1]");
    expect_event(&wire, 1, CLOSED);
}
END_TEST

START_TEST(a_listening_socket_is_ready_when_somebody_comes)
{
    struct port listening;
    const cJSON *result;
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    port_open(&listening);
    ck_assert_int_eq(getsockname(listening.fd, (struct sockaddr *)&address, &length), 0);
    result = adopt(&wire, 1, dup(listening.fd), "");
    expect_in(result, "{'local':'%s'}", listening.address);
    ck_assert(!has(result, "peer"));
    expect_silence(&wire);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
    expect_event(&wire, 1, READY_READABLE);
    call(&wire, "deregister", "[1]");
    close(port_accept(&listening)); /* ours is still there */
    port_close(&listening);
    close(fd);
}
END_TEST

START_TEST(datagram_sockets)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fds[2], bound, sender;

    TEST_NEEDS(has_ipv6(), IPV6);
    bound = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sender = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    address = (struct sockaddr_storage){.ss_family = AF_INET6};
    ck_assert_int_eq(bind(bound, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(getsockname(bound, (struct sockaddr *)&address, &length), 0);
    ck_assert_int_eq(strncmp(member(adopt(&wire, 1, bound, ""), "local")->valuestring, "[::]:", 5), 0);
    ck_assert_int_eq(sendto(sender, "x", 1, 0, (struct sockaddr *)&address, length), 1);
    expect_event(&wire, 1, READY_READABLE);
    close(sender);
    make_pair(SOCK_DGRAM, fds);
    expect_no_addresses(adopt(&wire, 2, fds[0], ""));
    write_byte(fds[1]);
    expect_event(&wire, 2, READY_READABLE);
    close(fds[1]);
}
END_TEST

START_TEST(unix_sockets)
{
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
    int fds[2];

    for (uint64_t token = 0; token < 2; token++) {
        make_pair(types[token], fds);
        expect_no_addresses(adopt(&wire, token, fds[0], ",'mode':'edge'"));
        write_byte(fds[1]);
        expect_event(&wire, token, READY_READABLE);
        close(fds[1]);
        ck_assert_uint_eq(next_event(&wire).flags & CLOSED, CLOSED);
    }
}
END_TEST

START_TEST(pipes_at_both_ends)
{
    char path[160];
    int fds[2];

    make_pipe(fds);
    expect_no_addresses(adopt(&wire, 1, fds[0], ",'mode':'edge'"));
    expect_no_addresses(adopt(&wire, 2, dup(fds[1]), ",'mode':'edge','interests':['writable']"));
    expect_event(&wire, 2, READY_WRITABLE);
    put_bytes(fds[1], "x");
    expect_event(&wire, 1, READY_READABLE);
    call(&wire, "deregister", "[2]");
    close(fds[1]);
    ck_assert_uint_eq(next_event(&wire).flags & READY_READ_CLOSED, READY_READ_CLOSED);
    snprintf(path, sizeof path, "%s/fifo", minimiod.folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    fds[0] = open(path, O_RDWR | O_CLOEXEC);
    unlink(path);
    expect_no_addresses(adopt(&wire, 3, dup(fds[0]), ""));
    expect_silence(&wire);
    put_bytes(fds[0], "x");
    expect_event(&wire, 3, READY_READABLE);
    close(fds[0]);
}
END_TEST

static void adopt_and_keep(uint64_t token, int fd)
{
    ck_assert_int_ge(fd, 0);
    expect_no_addresses(adopt(&wire, token, dup(fd), ""));
    expect_silence(&wire);
}

START_TEST(event_descriptors)
{
    struct itimerspec soon = {.it_value.tv_nsec = 1};
    int event = eventfd(0, EFD_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    int watch = inotify_init1(IN_CLOEXEC);
    char path[160];

    adopt_and_keep(1, event);
    ck_assert_int_eq(eventfd_write(event, 1), 0);
    expect_event(&wire, 1, READY_READABLE);
    adopt_and_keep(2, timer);
    ck_assert_int_eq(timerfd_settime(timer, 0, &soon, NULL), 0);
    expect_event(&wire, 2, READY_READABLE);
    adopt_and_keep(3, watch);
    snprintf(path, sizeof path, "%s/new", minimiod.folder);
    ck_assert_int_ge(inotify_add_watch(watch, minimiod.folder, IN_CREATE), 0);
    close(open(path, O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
    unlink(path);
    expect_event(&wire, 3, READY_READABLE);
    close(event);
    close(timer);
    close(watch);
}
END_TEST

START_TEST(a_process_is_ready_when_it_ends)
{
    int hold[2];
    pid_t pid;
    int fd;

    make_pipe(hold);
    pid = fork();
    if (pid == 0) {
        char byte;
        close(hold[1]);
        _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
    }
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    adopt_and_keep(1, fd);
    close(hold[0]);
    close(hold[1]);
    ck_assert_uint_eq(next_event(&wire).flags & READY_READABLE, READY_READABLE);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(fd);
}
END_TEST

/* ---- What cannot ------------------------------------------------------------------------------------------------- */

static int open_file(void)
{
    return open("README.md", O_RDONLY | O_CLOEXEC);
}

static int open_folder(void)
{
    return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_null(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int open_zero(void)
{
    return open("/dev/zero", O_RDWR | O_CLOEXEC);
}

static int open_memory(void)
{
    return memfd_create("pipe:[1]", MFD_CLOEXEC);
}

static int open_queue(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

/* A name alone, of what could be waited for if it were open. */
static int open_name_of_fifo(void)
{
    char path[160];
    int fd;

    snprintf(path, sizeof path, "%s/fifo", minimiod.folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    fd = open(path, O_PATH | O_CLOEXEC);
    unlink(path);
    return fd;
}

static int open_name_of_socket(void)
{
    return open(minimiod.socket, O_PATH | O_CLOEXEC);
}

static int (*const unsuitable[])(void) = {open_file,   open_folder, open_null,         open_zero,
                                          open_memory, open_queue,  open_name_of_fifo, open_name_of_socket};

START_TEST(what_cannot_be_waited_for_is_refused)
{
    int before = current_descriptor_count(), fds[2];
    int fd = unsuitable[_i]();

    ck_assert_int_ge(fd, 0);
    say_with(&wire, fd, "{'jsonrpc':'2.0','id':1,'method':'register','params':{'token':1,'fd':true}}");
    expect(&wire, "{'id':1,'error':{'code':16,'data':{'name':'FD_UNSUITABLE'}}}");
    await_descriptor_count(before);
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "[1]");
    make_pair(SOCK_STREAM, fds);
    adopt(&wire, 1, fds[0], "");
    close(fds[1]);
}
END_TEST

START_TEST(without_a_descriptor_there_is_none)
{
    int fds[2];

    call_fails(&wire, "FD_MISSING", NULL, "register", "{'token':1,'fd':true}");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    make_pair(SOCK_STREAM, fds);
    adopt(&wire, 1, fds[0], "");
    call_fails(&wire, "FD_MISSING", NULL, "register", "[2,null,true]");
    close(fds[1]);
}
END_TEST

/* ---- How the daemon has them ------------------------------------------------------------------------------------- */

static unsigned flags_in_daemon(ino_t inode)
{
    int fd = find_descriptor(inode);
    unsigned flags;
    char path[64];
    FILE *info;

    ck_assert_int_ge(fd, 0);
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)minimiod.process.pid, fd);
    info = fopen(path, "r");
    ck_assert_ptr_nonnull(info);
    ck_assert_int_eq(fscanf(info, "pos: %*d flags: %o", &flags), 1);
    fclose(info);
    return flags;
}

START_TEST(adopted_ones_are_close_on_exec_and_keep_their_flags)
{
    unsigned asked = O_NONBLOCK | O_CLOEXEC;
    int fds[2];
    ino_t inode;

    make_pair(SOCK_STREAM, fds);
    inode = inode_of(fds[0]);
    adopt(&wire, 1, fds[0], ",'interests':[]");
    ck_assert_uint_eq(flags_in_daemon(inode) & asked, O_CLOEXEC);
    close(fds[1]);
    expect_event(&wire, 1, READY_READ_CLOSED | READY_WRITE_CLOSED);
    make_pipe(fds);
    inode = inode_of(fds[0]);
    adopt(&wire, 2, fds[0], "");
    ck_assert_uint_eq(flags_in_daemon(inode) & asked, O_CLOEXEC);
    close(fds[1]);
}
END_TEST

static int option(int fd, int level, int name)
{
    int value;
    socklen_t length = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &length), 0);
    return value != 0;
}

START_TEST(a_tcp_stream_has_the_options_that_are_asked_for)
{
    static const char *const more[] = {"", ",'nodelay':false,'keepalive':false", ",'keepalive':false"};
    static const int nodelay[] = {1, 0, 1}, keepalive[] = {1, 0, 0};

    for (uint64_t i = 0; i < 3; i++) {
        int fds[2], ours;

        make_tcp_pair(fds);
        ours = dup(fds[0]);
        adopt(&wire, i, fds[0], more[i]);
        ck_assert_int_eq(option(ours, IPPROTO_TCP, TCP_NODELAY), nodelay[i]);
        ck_assert_int_eq(option(ours, SOL_SOCKET, SO_KEEPALIVE), keepalive[i]);
        call(&wire, "deregister", "[%d]", (int)i);
        close(ours);
        close(fds[1]);
    }
}
END_TEST

START_TEST(unclaimed_ones_are_close_on_exec)
{
    int fds[2];

    make_pair(SOCK_STREAM, fds);
    send_with(&wire, "\n", 1, fds, 1);
    call(&wire, "ping", NULL);
    ck_assert_uint_eq(flags_in_daemon(inode_of(fds[0])) & O_CLOEXEC, O_CLOEXEC);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* Whoever shares a descriptor shares its O_NONBLOCK. */
START_TEST(a_client_cannot_make_the_daemon_block)
{
    int fds[2], ours, bytes;

    make_tcp_pair(fds);
    ours = dup(fds[0]);
    adopt(&wire, 1, fds[0], "");
    ck_assert_int_eq(fcntl(ours, F_SETFL, 0), 0);
    expect_in(call(&wire, "read", "[1]"), "{'bytes':0,'eof':false}");
    do
        bytes = member(call(&wire, "write", "{'token':1,'data':'%020000d'}", 0), "bytes")->valueint;
    while (bytes);
    call(&wire, "shutdown", "[1,'both']");
    call(&wire, "deregister", "[1]");
    call(&wire, "ping", NULL);
    close(ours);
    close(fds[1]);
}
END_TEST

/* A stream whose close() takes its time: its peer does not read what it has been sent. */
static void make_lingering_pair(int fds[2])
{
    struct linger linger = {.l_onoff = 1, .l_linger = 10 * PROCESS_TIMEOUT_MS / 1000};
    static const char bytes[65536];

    make_tcp_pair(fds);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    while (send(fds[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
}

START_TEST(nobody_waits_for_a_stream_that_lingers)
{
    struct wire other;
    int fds[4][2];

    for (int i = 0; i < 4; i++)
        make_lingering_pair(fds[i]);
    adopt(&wire, 1, fds[0][0], "");
    call(&wire, "deregister", "[1]");
    adopt(&wire, 1, fds[1][0], "");
    call(&wire, "close_loop", NULL);
    wire_open(&other, minimiod.socket);
    adopt(&other, 1, fds[2][0], "");
    say_with(&other, fds[3][0], "{'jsonrpc':'2.0','id':1,'method':'register','params':{'token':1,'fd':true}}");
    expect(&other, "{'error':{'data':{'name':'TOKEN_EXISTS'}}}");
    wire_close(&other);
    call(&wire, "ping", NULL);
    for (int i = 0; i < 4; i++)
        close(fds[i][1]);
}
END_TEST

/* ---- The end ----------------------------------------------------------------------------------------------------- */

#define MANY 40 /* more than are read in one turn */

/* Each read ends at a descriptor, and the next is of the next message; another client has its turn all the same. */
START_TEST(each_beside_a_message_of_its_own_finds_its_register)
{
    struct wire other;
    int fds[MANY][2];

    wire_open(&other, minimiod.socket);
    call(&other, "ping", NULL);
    freeze();
    for (int i = 0; i < MANY; i++) {
        make_pair(SOCK_STREAM, fds[i]);
        say_with(&wire, fds[i][0], "{'jsonrpc':'2.0','id':%d,'method':'register','params':{'token':%d,'fd':true}}", i,
                 i);
    }
    say(&other, "{'jsonrpc':'2.0','id':'other','method':'ping'}");
    thaw();
    expect(&other, "{'id':'other','result':{}}");
    for (int i = 0; i < MANY; i++)
        expect(&wire, "{'id':%d,'result':{'token':%d}}", i, i);
    for (int i = MANY - 1; i >= 0; i--) {
        write_byte(fds[i][1]);
        expect_event(&wire, (uint64_t)i, READY_READABLE);
        close(fds[i][1]);
    }
    wire_close(&other);
}
END_TEST

START_TEST(streams_and_unclaimed_ones_end_with_the_session)
{
    int before = current_descriptor_count(), fds[2][2];
    struct wire other;

    wire_open(&other, minimiod.socket);
    make_pair(SOCK_STREAM, fds[0]);
    make_pair(SOCK_STREAM, fds[1]);
    adopt(&other, 1, fds[0][0], "");
    send_with(&other, "\n", 1, &fds[1][0], 1);
    close(fds[1][0]);
    call(&other, "ping", NULL);
    wire_close(&other);
    expect_eof(fds[0][1]);
    expect_eof(fds[1][1]);
    close(fds[0][1]);
    close(fds[1][1]);
    await_descriptor_count(before);
}
END_TEST

/* What it sent before it was killed, and nobody has read yet, is not forgotten either. */
START_TEST(descriptors_of_a_client_that_is_killed)
{
    int before = current_descriptor_count(), fds[2];
    int status;
    pid_t pid;

    make_pair(SOCK_STREAM, fds);
    pid = fork();
    if (pid == 0) {
        struct wire other;

        wire_open(&other, minimiod.socket);
        for (int i = 0; i < 20; i++)
            send_with(&other, "{", 1, fds, 1);
        raise(SIGKILL);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(fds[0]);
    expect_eof(fds[1]);
    close(fds[1]);
    await_descriptor_count(before);
}
END_TEST

Suite *daemon_descriptors_suite(void)
{
    Suite *suite = suite_create("daemon_descriptors");
    TCase *tests = add_case(suite, "suitable");

    tcase_add_test(tests, a_tcp_stream_has_both_addresses);
    tcase_add_test(tests, a_listening_socket_is_ready_when_somebody_comes);
    tcase_add_test(tests, datagram_sockets);
    tcase_add_test(tests, unix_sockets);
    tcase_add_test(tests, pipes_at_both_ends);
    tcase_add_test(tests, event_descriptors);
    tcase_add_test(tests, a_process_is_ready_when_it_ends);
    tests = add_case(suite, "unsuitable");
    tcase_add_loop_test(tests, what_cannot_be_waited_for_is_refused, 0, LENGTH(unsuitable));
    tcase_add_test(tests, without_a_descriptor_there_is_none);
    tests = add_case(suite, "having");
    tcase_add_test(tests, adopted_ones_are_close_on_exec_and_keep_their_flags);
    tcase_add_test(tests, a_tcp_stream_has_the_options_that_are_asked_for);
    tcase_add_test(tests, unclaimed_ones_are_close_on_exec);
    tcase_add_test(tests, a_client_cannot_make_the_daemon_block);
    tcase_add_test(tests, nobody_waits_for_a_stream_that_lingers);
    tests = add_case(suite, "ending");
    tcase_add_test(tests, each_beside_a_message_of_its_own_finds_its_register);
    tcase_add_test(tests, streams_and_unclaimed_ones_end_with_the_session);
    tcase_add_test(tests, descriptors_of_a_client_that_is_killed);
    return suite;
}
