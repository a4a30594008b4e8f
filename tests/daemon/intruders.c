/* SPDX-License-Identifier: MIT */
/* Clients that do what no client should, and others who are served meanwhile as if there were none. */
#include "tests/daemon/fixture.h"
#include "tests/daemon/passing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

Suite *daemon_intruders_suite(void);

#define CROWD       10000
#define RANDOM_SETS 200

static struct wire intruder;
static int peer; /* of wire, which is to be served all the time */

static void set_up_both(void)
{
    set_up();
    peer = open_stream(&wire, 1, "");
    wire_open(&intruder, minimiod.socket);
}

static void expect_served(void)
{
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    expect_in(call(&wire, "read", "[1]"), "{'data':'x'}");
    call(&wire, "reregister", "[1]");
}

static void tear_down_both(void)
{
    expect_served();
    wire_close(&intruder);
    while (counter(&wire, "sessions") > 1)
        ;
    ck_assert_int_eq(counter(&wire, "registrations"), 1);
    close(peer);
    tear_down();
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

START_TEST(one_who_says_a_byte_at_a_time)
{
    static const char drip[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}";

    for (size_t i = 0; i < sizeof drip - 1; i++) {
        wire_send_bytes(&intruder, drip + i, 1);
        expect_served();
    }
    expect_line(&intruder, "{'jsonrpc':'2.0','id':7,'result':{}}");
}
END_TEST

static const struct {
    const char *bytes;
    size_t length;
} protocols[] = {
#define PROTOCOL(text)                                                                                                 \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
    PROTOCOL("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    PROTOCOL("POST /rpc HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"),
    PROTOCOL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    PROTOCOL("\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03 a TLS ClientHello\n"),
    PROTOCOL("SSH-2.0-OpenSSH_9.2\r\n"),
    PROTOCOL("*1\r\n$4\r\nPING\r\n"),
    PROTOCOL("l\0\1\1\0\0\0\0\1\0\0\0 a D-Bus message\n"),
#undef PROTOCOL
};

/* One answer, however much of it there is; and the session ends or is one of ours again. */
START_TEST(one_who_speaks_something_else)
{
    for (int i = 0; i < LENGTH(protocols); i++) {
        struct wire stranger;

        wire_open(&stranger, minimiod.socket);
        wire_send_bytes(&stranger, protocols[i].bytes, protocols[i].length);
        wire_finish(&stranger);
        ck_assert(wire_read(&stranger));
        expect_in(stranger.message, "{'id':null,'error':{}}");
        expect_served();
        while (wire_read(&stranger))
            expect_in(stranger.message, "{'id':null,'error':{}}");
        wire_close(&stranger);
    }
}
END_TEST

START_TEST(one_who_says_random_bytes)
{
    unsigned seed = (unsigned)test_now_ns();
    const char *wanted = getenv("MINIMIO_SEED");
    char bytes[512];

    seed = wanted ? (unsigned)strtoul(wanted, NULL, 0) : seed;
    printf("MINIMIO_SEED=%u\n", seed);
    for (int i = 0; i < RANDOM_SETS; i++) {
        struct wire stranger;

        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (char)(rand_r(&seed) >> 8);
        wire_open(&stranger, minimiod.socket);
        wire_send_bytes(&stranger, bytes, sizeof bytes);
        wire_finish(&stranger);
        while (wire_read(&stranger))
            expect_in(stranger.message, "{'id':null,'error':{}}");
        wire_close(&stranger);
        if (i % 20 == 0)
            expect_served();
    }
}
END_TEST

/* ---- What is others' --------------------------------------------------------------------------------------------- */

/* Ids and tokens are each session's own, and what looks like an answer or an event of the daemon's is neither. */
START_TEST(one_who_uses_others_ids_and_tokens)
{
    static const char *const methods[] = {"reregister", "deregister", "take", "read"};

    say(&wire, "{'jsonrpc':'2.0','id':'mine','method':'ping'}");
    say(&intruder, "{'jsonrpc':'2.0','id':'mine','method':'no_such'}");
    expect_line(&wire, "{'jsonrpc':'2.0','id':'mine','result':{}}");
    expect(&intruder, "{'id':'mine','error':{'data':{'name':'METHOD_NOT_FOUND'}}}");
    for (int i = 0; i < LENGTH(methods); i++)
        call_fails(&intruder, "TOKEN_UNKNOWN", NULL, methods[i], "[1]");
    expect_in(call(&intruder, "list", NULL), "{'registrations':[]}");
    say(&intruder, "{'jsonrpc':'2.0','id':'mine','result':{}}");
    expect(&intruder, "{'id':'mine','error':{'data':{'name':'INVALID_REQUEST'}}}");
    say(&intruder, "{'jsonrpc':'2.0','method':'ready','params':{'events':[{'token':1,'readable':true}]}}");
    expect_silence(&intruder);
    expect_silence(&wire);
    expect_served();
}
END_TEST

/* ---- Too many ---------------------------------------------------------------------------------------------------- */

static int connect_silently(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    strcpy(address.sun_path, minimiod.socket);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* As many as may be stay, and the rest is told so; all the same to those that were there before. Root has no limit of
 * its own. */
START_TEST(ten_thousand_who_say_nothing)
{
    static int crowd[CROWD];
    int64_t most = (int64_t)member(call(&wire, "stats", NULL), "limits.sessions")->valuedouble;
    int64_t most_of_user = (int64_t)member(wire.message, "result.limits.sessions_uid")->valuedouble;
    const char *limit = "\"limit\":\"sessions\"";
    int refused = 0;

    if (geteuid() != 0 && most_of_user < most) {
        most = most_of_user;
        limit = "\"limit\":\"sessions_uid\"";
    }
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = connect_silently();
        if (i >= most) { /* descriptors of our own are few */
            char line[512];
            ssize_t length = recv(crowd[i], line, sizeof line - 1, 0);

            ck_assert_int_gt(length, 0);
            line[length] = '\0';
            ck_assert_ptr_nonnull(strstr(line, limit));
            close(crowd[i]);
            refused++;
        }
        if (i % 500 == 0)
            expect_served();
    }
    ck_assert_int_eq(counter(&wire, "sessions"), most);
    ck_assert_int_eq(refused, CROWD - most);
    expect_served();
    for (int i = 0; i < most; i++)
        close(crowd[i]);
}
END_TEST

/* A set too large ends the session that sent it, and its descriptors are closed, each time. */
START_TEST(one_who_floods_with_descriptors)
{
    int before = current_descriptor_count(), fds[2], many[64];

    make_pair(SOCK_STREAM, fds);
    for (int i = 0; i < LENGTH(many); i++)
        many[i] = fds[0];
    for (int round = 0; round < 50; round++) {
        struct wire flooder;

        wire_open(&flooder, minimiod.socket);
        for (int i = 0; i < 4; i++)
            send_with(&flooder, "\n", 1, many, 16);
        send_with(&flooder, "{", 1, many, (size_t)(1 + round));
        expect(&flooder, "{'id':null,'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors'}}}");
        expect_end(&flooder);
        wire_close(&flooder);
        expect_served();
    }
    close(fds[0]);
    close(fds[1]);
    await_descriptor_count(before);
}
END_TEST

Suite *daemon_intruders_suite(void)
{
    Suite *suite = suite_create("daemon_intruders");
    TCase *tests = tcase_create("intruders");

    tcase_add_checked_fixture(tests, set_up_both, tear_down_both);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, one_who_says_a_byte_at_a_time);
    tcase_add_test(tests, one_who_speaks_something_else);
    tcase_add_test(tests, one_who_says_random_bytes);
    tcase_add_test(tests, one_who_uses_others_ids_and_tokens);
    tcase_add_test(tests, ten_thousand_who_say_nothing);
    tcase_add_test(tests, one_who_floods_with_descriptors);
    return suite;
}
