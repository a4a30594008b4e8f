/* SPDX-License-Identifier: MIT */
/*
 * Descriptors count for their user wherever they are, and some sessions and descriptors are left to root: with real
 * other users, as the kernel sees them.
 */
#include "tests/daemon/conf.h"
#include "tests/daemon/passing.h"
#include "tests/skip.h"
#include "tests/stuck.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_shares_suite(void);

#define USER  4711
#define OTHER 4712

static void set_up_limits(const char *limits)
{
    conf_write("[daemon]\nsocket-mode = 0666\n[access]\nusers = 4711, 4712\ndescriptors-users = 4711, 4712\n"
               "[limits]\n%s\n",
               limits);
    set_up_conf(NULL);
}

static void open_as(struct wire *ret_wire, uid_t uid)
{
    wire_open_as(ret_wire, uid, uid, NULL, 0);
}

static void call_until(struct wire *on, bool fails, const char *name, const char *method, const char *params)
{
    const cJSON *reply;
    bool failed;

    do {
        say(on, "{'jsonrpc':'2.0','id':1,'method':'%s','params':%s}", method, params);
        reply = next_reply(on);
        failed = cJSON_HasObjectItem(reply, "error");
        if (failed)
            expect_in(reply, "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'%s'}}}", name);
    } while (failed != fails);
}

/* ---- Taken and not read ------------------------------------------------------------------------------------------ */

static struct wire slow, quick;
static int streams[2]; /* the other ends of theirs */

/* Returns when the daemon has dispatched the three: a take of another client must not come in between. */
static void take_three(struct wire *on)
{
    int64_t before = counter(&wire, "requests");

    for (int i = 0; i < 3; i++)
        say(on, "{'jsonrpc':'2.0','id':1,'method':'take','params':[1,true]}");
    for (int64_t others = 1; counter(&wire, "requests") < before + others + 3; others++)
        ;
}

/* A client that has taken three and reads nothing, and another one of its user that can take no more. */
static void take_all_there_are(void)
{
    set_up_limits("descriptors_unread_uid = 3");
    open_as(&slow, USER);
    open_as(&quick, USER);
    streams[0] = open_stream(&slow, 1, "");
    streams[1] = open_stream(&quick, 1, "");
    take_three(&slow);
    call_until(&quick, true, "descriptors_unread_uid", "take", "[1,true]");
    call_fails(&quick, "LIMIT_EXCEEDED", "{'limit':'descriptors_unread_uid','max':3}", "take", "[1]");
    call(&quick, "list", NULL); /* the stream is there still */
}

static void expect_room_again(void)
{
    call_until(&quick, false, "descriptors_unread_uid", "take", "[1,true]");
    wire_close(&quick);
    close(streams[0]);
    close(streams[1]);
    tear_down_conf();
}

START_TEST(what_is_not_read_is_limited_by_user)
{
    struct wire other;

    TEST_NEEDS(can_be_others(), "root, to play other users");
    take_all_there_are();
    open_as(&other, OTHER);
    close(open_stream(&other, 1, ""));
    call(&other, "take", "[1]");
    wire_close(&other);
    for (int i = 0; i < 3; i++)
        expect(&slow, "{'result':{'token':1}}");
    expect_room_again();
    wire_close(&slow);
}
END_TEST

/* The kernel counts it for as long as the client keeps its socket. */
START_TEST(what_is_not_read_counts_beyond_the_session)
{
    TEST_NEEDS(can_be_others(), "root, to play other users");
    take_all_there_are();
    say(&slow, "{'jsonrpc':'2.0','id':2,'method':'close_loop'}");
    wire_finish(&slow);
    while (counter(&wire, "registrations") > 1)
        ;
    call_fails(&quick, "LIMIT_EXCEEDED", "{'limit':'descriptors_unread_uid','max':3}", "take", "[1]");
    ck_assert_int_eq(counter(&wire, "sessions"), 3);
    for (int i = 0; i < 3; i++)
        expect(&slow, "{'result':{'token':1}}");
    expect(&slow, "{'id':2,'result':{}}");
    expect_end(&slow);
    while (counter(&wire, "sessions") > 2)
        ;
    expect_room_again();
    wire_close(&slow);
}
END_TEST

START_TEST(a_client_that_is_gone_has_nothing_unread)
{
    TEST_NEEDS(can_be_others(), "root, to play other users");
    take_all_there_are();
    wire_close(&slow);
    expect_room_again();
}
END_TEST

/* What all have in flight leaves room for every take and store that the kernel is asked for. */
START_TEST(what_is_not_read_is_limited_in_all)
{
    struct wire other;
    int peers[2];

    TEST_NEEDS(can_be_others(), "root, to play other users");
    set_up_limits("descriptors_unread = 3\ndescriptors_unread_uid = 3");
    open_as(&slow, USER);
    open_as(&other, OTHER);
    peers[0] = open_stream(&slow, 1, "");
    peers[1] = open_stream(&other, 1, "");
    take_three(&slow);
    call_until(&other, true, "descriptors_unread", "take", "[1,true]");
    call_fails(&other, "LIMIT_EXCEEDED", "{'limit':'descriptors_unread','max':3}", "take", "[1]");
    for (int i = 0; i < 3; i++)
        expect(&slow, "{'result':{'token':1}}");
    call_until(&other, false, "descriptors_unread", "take", "[1,true]");
    wire_close(&slow);
    wire_close(&other);
    close(peers[0]);
    close(peers[1]);
    tear_down_conf();
}
END_TEST

/* ---- Elsewhere in the daemon ------------------------------------------------------------------------------------- */

/* The one's close() does not return, and the other waits behind it. */
static void close_in_vain(struct wire *user, int stuck, int *ret_peer)
{
    int fds[2];

    make_pair(SOCK_STREAM, fds);
    *ret_peer = fds[1];
    adopt(user, 1, stuck, ",'interests':['writable']");
    call(user, "deregister", "[1]");
    adopt(user, 1, fds[0], ",'interests':[]");
    call(user, "deregister", "[1]");
}

static void expect_close_counted(int stuck, pid_t holder)
{
    struct wire user, other;
    int peer;

    open_as(&user, USER);
    close_in_vain(&user, stuck, &peer);
    close(open_stream(&user, 1, ""));
    call_fails(&user, "LIMIT_EXCEEDED", "{'limit':'descriptors_uid','max':4}", "register", "[2,'%s']", port.address);
    open_as(&other, OTHER);
    close(open_stream(&other, 1, ""));
    wire_close(&other);
    stuck_end(holder);
    expect_eof(peer);
    close(peer);
    do
        say(&user, "{'jsonrpc':'2.0','id':1,'method':'register','params':[2,'%s']}", port.address);
    while (!cJSON_HasObjectItem(next_reply(&user), "result"));
    wire_close(&user);
}

START_TEST(what_is_not_closed_yet_counts)
{
    pid_t holder;
    int stuck;

    TEST_NEEDS(can_be_others(), "root, to play other users");
    TEST_NEEDS(!getenv("MINIMIO_VALGRIND"), "a process that shares the table of descriptors");
    set_up_limits("descriptors_uid = 4");
    stuck = stuck_open(&holder); /* says so where that cannot be had */
    if (stuck >= 0)
        expect_close_counted(stuck, holder);
    tear_down_conf();
}
END_TEST

START_TEST(what_is_unclaimed_counts)
{
    struct wire users[2];
    int pair[2];

    TEST_NEEDS(!getenv("MINIMIO_VALGRIND"), "a process without descriptors of valgrind");
    TEST_NEEDS(can_be_others(), "root, to play other users");
    set_up_limits("descriptors_uid = 4");
    make_pair(SOCK_STREAM, pair);
    for (int i = 0; i < 2; i++) {
        open_as(&users[i], USER);
        send_with(&users[i], "\n", 1, (int[]){pair[0], pair[0]}, 1 + (i == 0));
        if (i == 0)
            call(&users[0], "ping", NULL);
    }
    expect(&users[1], "{'id':null,'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors_uid','max':4}}}");
    expect_end(&users[1]);
    for (int i = 0; i < 2; i++) {
        wire_close(&users[i]);
        close(pair[i]);
    }
    tear_down_conf();
}
END_TEST

/* A port of the IPv6 loopback that takes no connection any more: whoever connects waits. */
static int open_full_port(uint16_t number, int *ret_waiting)
{
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6, .sin6_port = htons(number), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int on = 1, listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 0) < 0)
        return -1;
    *ret_waiting = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(*ret_waiting, (struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    return listener;
}

/* Whoever may have no more descriptors tries one address at a time. */
START_TEST(attempts_at_further_addresses_count)
{
    int waiting, full = -1;
    uint16_t number;
    struct wire user;

    TEST_NEEDS(can_be_others(), "root, to play other users");
    set_up_limits("descriptors_uid = 2");
    number = (uint16_t)atoi(strrchr(port.address, ':') + 1);
    full = open_full_port(number, &waiting);
    if (full >= 0) {
        open_as(&user, USER);
        call_fails(&user, "TIMED_OUT", "{}", "register", "{'token':1,'address':'localhost:%u','timeout_ms':1000}",
                   number);
        conf_write("[daemon]\nsocket-mode = 0666\n[access]\nusers = 4711\n[limits]\ndescriptors_uid = 3\n");
        reload_well();
        call(&user, "register", "{'token':1,'address':'localhost:%u'}", number);
        wire_close(&user);
        close(waiting);
        close(full);
    }
    tear_down_conf();
    TEST_NEEDS(full >= 0, "IPv6");
}
END_TEST

/* ---- What is left to root ---------------------------------------------------------------------------------------- */

static void expect_minimioctl(const char *command)
{
    struct process process;

    if (process_run(&process, ARGUMENTS(built_program("minimioctl"), "--socket", minimiod.socket, command)) != 0)
        ck_abort_msg("minimioctl %s: %s", command, process.err.text);
    process_free(&process);
}

/* One of 16 sessions, which are 2 of 32. */
START_TEST(some_sessions_are_left_to_root)
{
    struct wire users[30], root;
    int count = 0;

    TEST_NEEDS(can_be_others(), "root, to play other users");
    set_up_limits("sessions = 32\nsessions_uid = 30"); /* of which `wire` is one */
    for (; count < 29; count++) {
        open_as(&users[count], USER);
        call(&users[count], "ping", NULL);
    }
    open_as(&users[29], OTHER);
    expect(&users[29], "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'sessions','max':30}}}");
    expect_end(&users[29]);
    wire_close(&users[29]);
    expect_minimioctl("stats");
    wire_open(&root, minimiod.socket);
    call(&root, "open_loop", "{'name':'x'}");
    call(&root, "close_loop", NULL);
    wire_close(&root);
    while (count)
        wire_close(&users[--count]);
    tear_down_conf();
}
END_TEST

/* The daemon keeps 336 descriptors for itself. */
START_TEST(some_descriptors_are_left_to_root)
{
    struct rlimit files = {.rlim_cur = 400, .rlim_max = 400};
    static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
    struct wire user, others[40];
    int count = 0;

    TEST_NEEDS(!getenv("MINIMIO_VALGRIND"), "a process without descriptors of valgrind");
    TEST_NEEDS(can_be_others(), "root, to play other users");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    set_up_limits("");
    open_as(&user, USER);
    for (; count < 62; count++)
        close(open_stream(&user, (uint64_t)count, ""));
    call_fails(&user, "LIMIT_EXCEEDED", "{'limit':'descriptors','max':64}", "register", "[99,'%s']", port.address);
    for (count = 0; count < 40; count++) {
        open_as(&others[count], OTHER);
        (void)!send(others[count].fd, ping, strlen(ping), MSG_NOSIGNAL); /* the session may be refused already */
        ck_assert(wire_read(&others[count]));
        if (cJSON_HasObjectItem(others[count].message, "error"))
            break;
    }
    ck_assert_int_lt(count, 40);
    expect_in(others[count].message, "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors'}}}");
    expect_minimioctl("stats");
    close(open_stream(&wire, 1, ""));
    for (; count >= 0; count--)
        wire_close(&others[count]);
    wire_close(&user);
    tear_down_conf();
}
END_TEST

Suite *daemon_shares_suite(void)
{
    Suite *suite = suite_create("daemon_shares");
    TCase *tests = tcase_create("descriptors");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, what_is_not_read_is_limited_by_user);
    tcase_add_test(tests, what_is_not_read_counts_beyond_the_session);
    tcase_add_test(tests, a_client_that_is_gone_has_nothing_unread);
    tcase_add_test(tests, what_is_not_read_is_limited_in_all);
    tcase_add_test(tests, what_is_not_closed_yet_counts);
    tcase_add_test(tests, what_is_unclaimed_counts);
    tcase_add_test(tests, attempts_at_further_addresses_count);
    tcase_add_test(tests, some_sessions_are_left_to_root);
    tcase_add_test(tests, some_descriptors_are_left_to_root);
    suite_add_tcase(suite, tests);
    return suite;
}
