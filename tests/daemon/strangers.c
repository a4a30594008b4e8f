/* SPDX-License-Identifier: MIT */
/*
 * Users who may hand over descriptors, or try to, and whose descriptors do not close. Others are served all the time:
 * each test would end with a client that waits too long for its answer if the daemon waited for anything.
 */
#include "tests/daemon/conf.h"
#include "tests/daemon/freeze.h"
#include "tests/daemon/passing.h"
#include "tests/skip.h"
#include "tests/stuck.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

Suite *daemon_strangers_suite(void);

#define USER     4711 /* may hand over descriptors */
#define OTHER    4712 /* likewise */
#define UNLISTED 4713 /* may connect */
#define REFUSED  4714

#define LINGER_S  3600
#define PEERS_MAX 64

static struct wire user;
static int peers[PEERS_MAX], peer_count;

static bool set_up_users(void)
{
    if (!can_be_others())
        return false;
    if (getenv("MINIMIO_VALGRIND")) {
        test_skip(__func__, "a process that shares the table of descriptors, which valgrind does not allow");
        return false;
    }
    conf_write("[daemon]\nsocket-mode = 0666\n[access]\nusers = 4711, 4712, 4713\ndescriptors-users = 4711, 4712\n");
    set_up_conf(NULL);
    wire_open_as(&user, USER, USER, NULL, 0);
    call(&user, "ping", NULL);
    peer_count = 0;
    return true;
}

static void tear_down_users(void)
{
    call(&wire, "ping", NULL);
    wire_close(&user);
    while (counter(&wire, "sessions") > 1)
        ;
    for (int i = 0; i < peer_count; i++)
        close(peers[i]);
    tear_down_conf();
}

/* A socket whose close() waits for an hour: its peer, which is kept, reads nothing. */
static int lingering(void)
{
    struct linger linger = {.l_onoff = 1, .l_linger = LINGER_S};
    static const char bytes[65536];
    int fds[2];

    make_tcp_pair(fds);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    while (send(fds[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    ck_assert_int_lt(peer_count, PEERS_MAX);
    peers[peer_count++] = fds[1];
    return fds[0];
}

static void send_bytes_with(int socket, const char *bytes, int flags, const int *fds, size_t count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(PASSED_MAX * sizeof(int))];
    } control = {0};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = strlen(bytes)};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control};

    message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
    control.header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof *fds), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof *fds);
    /* musl passes no more than 1,024 bytes beside a message. */
    ck_assert_int_eq(syscall(SYS_sendmsg, socket, &message, flags | MSG_NOSIGNAL), piece.iov_len);
}

/* Beside these bytes, and the last that has it. */
static void send_lingering(int socket, const char *bytes, int flags)
{
    int fd = lingering();

    send_bytes_with(socket, bytes, flags, &fd, 1);
    close(fd);
}

/* ---- Sockets that linger ----------------------------------------------------------------------------------------- */

static void in_a_queue(int ret_pair[2])
{
    make_pair(SOCK_STREAM, ret_pair);
    send_lingering(ret_pair[1], "x", 0);
}

/* In the queue of a socket that is handed over, whatever becomes of that one. */
START_TEST(in_the_queue_of_another_socket)
{
    struct wire own;
    int pair[2];

    if (!set_up_users())
        return;
    in_a_queue(pair);
    adopt(&user, 1, pair[0], "");
    expect_event(&user, 1, READY_READABLE);
    call(&user, "deregister", "[1]");
    call(&wire, "ping", NULL);
    close(pair[1]);
    in_a_queue(pair);
    adopt(&user, 1, pair[0], ",'interests':[]");
    call(&user, "close_loop", NULL);
    call(&user, "open_loop", NULL);
    call(&wire, "ping", NULL);
    close(pair[1]);
    in_a_queue(pair);
    send_with(&user, "\n", 1, pair, 1); /* never claimed */
    close(pair[0]);
    close(pair[1]);
    in_a_queue(pair);
    wire_open(&own, minimiod.socket); /* the daemon's own user may read it */
    adopt(&own, 1, pair[0], "");
    expect_event(&own, 1, READY_READABLE);
    expect_in(call(&own, "read", "[1]"), "{'data':'x'}");
    call(&own, "ping", NULL);
    send_lingering(pair[1], "y", MSG_OOB);
    expect_in(call(&own, "read", "[1]"), "{'data':'y'}");
    send_lingering(pair[1], "y", 0);
    wire_close(&own);
    close(pair[1]);
    tear_down_users();
}
END_TEST

static const size_t too_many[] = {17, 18, 64, PASSED_MAX};

START_TEST(one_more_than_may_be_beside_a_message)
{
    int fds[PASSED_MAX];

    if (!set_up_users())
        return;
    freeze(); /* or the last to close them is this test */
    fds[0] = lingering();
    for (size_t i = 1; i < too_many[_i]; i++)
        fds[i] = i < 20 ? lingering() : dup(fds[0]);
    send_bytes_with(user.fd, "{", 0, fds, too_many[_i]);
    for (size_t i = 0; i < too_many[_i]; i++)
        close(fds[i]);
    thaw();
    expect(&user, "{'id':null,'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors'}}}");
    expect_end(&user);
    tear_down_users();
}
END_TEST

/* Other reads skip such a byte, and the kernel closes what came beside it. */
START_TEST(beside_a_byte_out_of_band)
{
    int fd;

    if (!set_up_users())
        return;
    send_lingering(user.fd, "\n", MSG_OOB);
    call(&user, "ping", NULL);
    fd = eventfd(0, EFD_CLOEXEC);
    adopt(&user, 1, dup(fd), ""); /* the one before is the first's */
    close(fd);
    tear_down_users();
}
END_TEST

/* Whoever is refused, for whatever reason, has sent something before the daemon looks. */
START_TEST(of_a_client_that_is_refused)
{
    struct wire refused, unlisted, browser;
    int before = 0;

    if (!set_up_users())
        return;
    before = current_descriptor_count();
    freeze();
    wire_open_as(&refused, REFUSED, REFUSED, NULL, 0);
    wire_open_as(&unlisted, UNLISTED, UNLISTED, NULL, 0);
    wire_open_as(&browser, USER, USER, NULL, 0);
    send_lingering(refused.fd, "\n", 0);
    send_lingering(unlisted.fd, "\n", 0);
    send_lingering(browser.fd, "GET / HTTP/1.1\r\n", 0);
    send_lingering(browser.fd, "\r\n", 0);
    send_lingering(refused.fd, "\n", MSG_OOB);
    thaw();
    expect(&refused, "{'error':{'data':{'name':'DENIED','rule':'access'}}}");
    expect_end(&refused);
    expect(&unlisted, "{'error':{'data':{'name':'DENIED','rule':'descriptors'}}}");
    expect_end(&unlisted);
    expect(&browser, "{'error':{'data':{'name':'PARSE_ERROR'}}}");
    expect_end(&browser);
    wire_close(&refused);
    wire_close(&unlisted);
    wire_close(&browser);
    await_descriptor_count(before);
    tear_down_users();
}
END_TEST

START_TEST(that_was_set_to_linger_after_it_was_handed_over)
{
    struct linger linger = {.l_onoff = 1, .l_linger = LINGER_S};
    static const char bytes[65536];
    int fds[2], ours;

    if (!set_up_users())
        return;
    make_tcp_pair(fds);
    peers[peer_count++] = fds[1];
    ours = dup(fds[0]);
    adopt(&user, 1, fds[0], "");
    ck_assert_int_eq(setsockopt(ours, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    while (send(ours, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    close(ours);
    call(&user, "deregister", "[1]");
    tear_down_users();
}
END_TEST

/* ---- What never closes ------------------------------------------------------------------------------------------- */

/* Beside those that wait for one that never closes, another user's are closed. */
static void expect_others_closed(uid_t uid)
{
    struct wire other;
    int fds[2];

    wire_open_as(&other, uid, uid, NULL, 0);
    make_pair(SOCK_STREAM, fds);
    adopt(&other, 1, fds[0], "");
    call(&other, "deregister", "[1]");
    expect_eof(fds[1]);
    close(fds[1]);
    wire_close(&other);
}

static bool hand_over_stuck(pid_t *ret_holder)
{
    int stuck;

    if (!set_up_users())
        return false;
    stuck = stuck_open(ret_holder);
    if (stuck < 0) {
        tear_down_users();
        return false;
    }
    adopt(&user, 1, stuck, ",'interests':['writable']");
    call(&user, "deregister", "[1]");
    return true;
}

START_TEST(its_user_waits_and_nobody_else)
{
    int fds[2], seventeen[17];
    struct wire again;
    pid_t holder;

    if (!hand_over_stuck(&holder))
        return;
    make_pair(SOCK_STREAM, fds);
    adopt(&user, 1, fds[0], "");
    call(&user, "deregister", "[1]");
    expect_others_closed(OTHER);
    for (int i = 0; i < 17; i++)
        seventeen[i] = eventfd(0, EFD_CLOEXEC);
    for (int i = 0; i < 5; i++) { /* more than may wait */
        wire_open_as(&again, USER, USER, NULL, 0);
        send_bytes_with(again.fd, "\n", 0, seventeen, 17);
        wire_close(&again);
    }
    for (int i = 0; i < 17; i++)
        close(seventeen[i]);
    expect_others_closed(OTHER);
    call(&wire, "ping", NULL);
    stuck_end(holder);
    expect_eof(fds[1]);
    close(fds[1]);
    tear_down_users();
}
END_TEST

/* A descriptor that the daemon closes as it refuses the client, or later. */
static void be_refused_with(uid_t uid, int fd)
{
    struct wire refused;

    freeze();
    wire_open_as(&refused, uid, uid, NULL, 0);
    send_bytes_with(refused.fd, "\n", 0, &fd, 1);
    close(fd);
    thaw();
    expect(&refused, "{'error':{'data':{'name':'DENIED','rule':'access'}}}");
    wire_close(&refused);
}

START_TEST(those_who_are_refused_wait_for_none_of_another_user)
{
    int stuck, fds[2];
    pid_t holder;

    if (!set_up_users())
        return;
    stuck = stuck_open(&holder);
    if (stuck >= 0) {
        be_refused_with(REFUSED, stuck);
        make_pair(SOCK_STREAM, fds);
        be_refused_with(REFUSED + 1, fds[0]);
        expect_eof(fds[1]);
        close(fds[1]);
        stuck_end(holder);
    }
    tear_down_users();
}
END_TEST

/* The end waits for none of it, and keeps no connection open. */
START_TEST(the_daemon_ends)
{
    int64_t begun_ns;
    pid_t holder;
    int fds[2];

    if (!hand_over_stuck(&holder))
        return;
    make_pair(SOCK_STREAM, fds);
    adopt(&user, 1, fds[0], "");
    call(&user, "deregister", "[1]"); /* it waits behind the other */
    wire_close(&user);
    begun_ns = test_now_ns();
    kill(minimiod.process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&minimiod.process, PROCESS_TIMEOUT_MS), 0);
    printf("ended within %lld ms\n", (long long)(test_now_ns() - begun_ns) / 1000000);
    expect(&wire, "{'method':'loop_closed'}");
    expect_end(&wire);
    wire_close(&wire);
    process_free(&minimiod.process);
    start_minimiod(&minimiod, NULL);
    wire_open(&wire, minimiod.socket);
    call(&wire, "ping", NULL);
    stuck_end(holder);
    expect_eof(fds[1]);
    close(fds[1]);
    tear_down_conf();
}
END_TEST

/* Without a word: its sessions end at once, and another one can listen where it did. */
START_TEST(the_daemon_is_killed)
{
    char folder[sizeof minimiod.folder], socket[sizeof minimiod.socket];
    struct process again;
    pid_t holder;
    int fds[2];

    if (!hand_over_stuck(&holder))
        return;
    make_tcp_pair(fds);
    adopt(&user, 2, fds[0], "");
    call(&user, "ping", NULL); /* nothing is left unread, which would be a reset */
    kill(minimiod.process.pid, SIGKILL);
    process_wait(&minimiod.process, PROCESS_TIMEOUT_MS);
    expect_end(&wire);
    expect_end(&user);
    expect_eof(fds[1]);
    process_free(&minimiod.process);
    process_start(&again, false, ARGUMENTS(built_program("minimiod"), "--socket", minimiod.socket));
    ck_assert(process_await_text(&again, &again.err, "listening on ", PROCESS_TIMEOUT_MS));
    kill(again.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&again, PROCESS_TIMEOUT_MS), 0);
    process_free(&again);
    stuck_end(holder);
    strcpy(folder, minimiod.folder);
    strcpy(socket, minimiod.socket);
    unlink(socket);
    rmdir(folder);
    wire_close(&wire);
    wire_close(&user);
    close(fds[1]);
    conf_remove();
}
END_TEST

START_TEST(the_daemon_becomes_another_binary)
{
    pid_t holder;
    int fds[2];

    if (!hand_over_stuck(&holder))
        return;
    make_pair(SOCK_STREAM, fds);
    adopt(&user, 1, fds[0], "");
    call(&user, "deregister", "[1]"); /* it waits behind the other */
    kill(minimiod.process.pid, SIGUSR2);
    expect(&wire, "{'method':'loop_closed'}");
    expect_end(&wire);  /* whoever connects from now on is the next binary's client */
    expect_eof(fds[1]); /* the next daemon closes it */
    close(fds[1]);
    wire_close(&wire);
    wire_open(&wire, minimiod.socket);
    call(&wire, "ping", NULL);
    expect_others_closed(OTHER);
    stuck_end(holder);
    tear_down_users();
}
END_TEST

Suite *daemon_strangers_suite(void)
{
    Suite *suite = suite_create("daemon_strangers");
    TCase *tests = tcase_create("lingering");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, in_the_queue_of_another_socket);
    tcase_add_loop_test(tests, one_more_than_may_be_beside_a_message, 0, LENGTH(too_many));
    tcase_add_test(tests, beside_a_byte_out_of_band);
    tcase_add_test(tests, of_a_client_that_is_refused);
    tcase_add_test(tests, that_was_set_to_linger_after_it_was_handed_over);
    suite_add_tcase(suite, tests);
    tests = tcase_create("stuck");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, its_user_waits_and_nobody_else);
    tcase_add_test(tests, those_who_are_refused_wait_for_none_of_another_user);
    tcase_add_test(tests, the_daemon_ends);
    tcase_add_test(tests, the_daemon_is_killed);
    tcase_add_test(tests, the_daemon_becomes_another_binary);
    suite_add_tcase(suite, tests);
    return suite;
}
