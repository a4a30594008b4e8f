/* SPDX-License-Identifier: MIT */
/* libminimio-client against a daemon, and against one of the test's own. */
#include "client/lib/minimio-client.h"
#include "tests/client/network.h"
#include "tests/fail_alloc.h"
#include "tests/process.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *client_library_suite(void);

#define PATIENCE_NS (INT64_C(1000000) * PROCESS_TIMEOUT_MS)

static struct minimiod minimiod;
static struct minimio_client *client;
static struct port port;

static void set_up(void)
{
    start_minimiod(&minimiod, NULL);
    port_open(&port);
    ck_assert_int_eq(minimio_client_connect(minimiod.socket, PATIENCE_NS, &client), 0);
}

static void tear_down(void)
{
    client = minimio_client_free(client);
    port_close(&port);
    stop_minimiod(&minimiod);
}

static const char *call(const char *method, const char *params)
{
    const char *result = NULL;
    int r = minimio_client_call(client, method, params, PATIENCE_NS, &result);

    ck_assert_msg(r == 0, "%s: %d, %s", method, r, minimio_client_error(client));
    return result;
}

/* Returns the port's end. */
static int register_token(int token, const char *more)
{
    char params[160];

    snprintf(params, sizeof(params), "{\"token\":%d,\"address\":\"%s\"%s}", token, port.address, more);
    call("register", params);
    return port_accept(&port);
}

static void receive_text(int fd, const char *expected)
{
    char text[512];
    size_t length = strlen(expected);

    ck_assert_uint_lt(length, sizeof(text));
    ck_assert_int_eq(recv(fd, text, length, MSG_WAITALL), (ssize_t)length);
    text[length] = '\0';
    ck_assert_str_eq(text, expected);
}

static void expect_event(uint64_t token, uint32_t readiness)
{
    struct minimio_client_event event;

    ck_assert_int_eq(minimio_client_events(client, &event, 1, PATIENCE_NS), 1);
    ck_assert_uint_eq(event.token, token);
    ck_assert_uint_eq(event.readiness, readiness);
}

static void receive_byte(int fd, char expected)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char byte = 0;

    ck_assert_int_eq(poll(&ready, 1, PROCESS_TIMEOUT_MS), 1);
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
    ck_assert_int_eq(byte, expected);
}

/* ---- With a daemon ---------------------------------------------------------------------------------------------- */

START_TEST(calls_give_results_and_named_errors)
{
    ck_assert_str_eq(call("ping", NULL), "{}");
    ck_assert_str_eq(minimio_client_error(client), "");
    ck_assert_int_eq(minimio_client_call(client, "deregister", "[7]", PATIENCE_NS, NULL), -EREMOTEIO);
    ck_assert_str_eq(minimio_client_fault_name(client), "TOKEN_UNKNOWN");
    ck_assert_ptr_nonnull(strstr(minimio_client_error(client), "(TOKEN_UNKNOWN)"));
    ck_assert_int_eq(minimio_client_fault(client)[0], '{');
    call("ping", NULL);
    ck_assert_ptr_null(minimio_client_fault_name(client));
    ck_assert_ptr_null(minimio_client_fault(client));
    ck_assert_str_eq(minimio_client_path(client), minimiod.socket);
}
END_TEST

START_TEST(events_come_however_small_the_array)
{
    struct minimio_client_event events[4];
    int peers[3];
    int seen = 0;

    for (int i = 0; i < 3; i++)
        peers[i] = register_token(i + 1, ",\"mode\":\"edge\"");
    ck_assert_int_eq(minimio_client_events(client, events, 4, 0), 0);
    for (int i = 0; i < 3; i++)
        fake_daemon_say(peers[i], "x");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(minimio_client_events(client, events, 1, PATIENCE_NS), 1);
        ck_assert_uint_eq(events[0].readiness, MINIMIO_CLIENT_READABLE);
        seen |= 1 << events[0].token;
        call("ping", NULL); /* events that come while it waits are kept */
    }
    ck_assert_int_eq(seen, 0xe);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
    for (int count = 0; count < 3;) {
        int n = minimio_client_events(client, events, 4, PATIENCE_NS);

        ck_assert_int_gt(n, 0);
        for (int i = 0; i < n; i++)
            ck_assert_uint_eq(events[i].readiness, MINIMIO_CLIENT_READABLE | MINIMIO_CLIENT_READ_CLOSED);
        count += n;
    }
    ck_assert_int_eq(minimio_client_events(client, events, 0, 0), -EINVAL);
}
END_TEST

START_TEST(requests_need_not_be_awaited)
{
    struct minimio_client_message message;
    uint64_t ids[3];

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(minimio_client_send(client, i == 1 ? "nothing" : "ping", NULL, &ids[i]), 0);
    ck_assert_int_eq(minimio_client_send(client, "ping", NULL, NULL), 0);
    call("ping", NULL); /* replies to others are kept */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(minimio_client_next(client, &message, 0), 1);
        ck_assert_uint_eq(message.id, ids[i]);
        ck_assert_int_eq(message.kind, i == 1 ? MINIMIO_CLIENT_FAULT : MINIMIO_CLIENT_RESULT);
        ck_assert_ptr_nonnull(strstr(message.body, i == 1 ? "METHOD_NOT_FOUND" : "{}"));
    }
    ck_assert_int_eq(minimio_client_next(client, &message, 0), 0);
    ck_assert_str_eq(minimio_client_error(client), "");
}
END_TEST

START_TEST(batches_go_as_they_are)
{
    static const char batch[] = "[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"},"
                                "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}]";
    struct minimio_client_message message;

    ck_assert_int_eq(minimio_client_send_bytes(client, batch, 10), 0);
    ck_assert_int_eq(minimio_client_send_bytes(client, batch + 10, sizeof(batch) - 11), 0);
    ck_assert_int_eq(minimio_client_finish(client, PATIENCE_NS), 0);
    ck_assert_int_eq(minimio_client_next(client, &message, PATIENCE_NS), 1);
    ck_assert_int_eq(message.kind, MINIMIO_CLIENT_BATCH);
    ck_assert_ptr_nonnull(strstr(message.body, "\"id\":\"a\""));
    ck_assert_int_eq(minimio_client_next(client, &message, PATIENCE_NS), -ECONNRESET);
    ck_assert_int_eq(minimio_client_next(client, &message, PATIENCE_NS), -ECONNRESET);
}
END_TEST

/* What is written at one end of `pair` is read at the other: it is the socket that was sent. */
static void expect_same(int fd, int other)
{
    char byte = 0;

    ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
    ck_assert_int_eq(recv(other, &byte, 1, 0), 1);
    ck_assert_int_eq(byte, 'x');
}

START_TEST(descriptors_go_both_ways)
{
    int pairs[2][2], fd;

    for (int i = 0; i < 2; i++) {
        char params[64];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
        ck_assert_int_eq(minimio_client_attach(client, pairs[i][0]), 0);
        close(pairs[i][0]);
        snprintf(params, sizeof(params), "{\"token\":%d,\"fd\":true}", i + 1);
        call("register", params);
    }
    fake_daemon_say(pairs[1][1], "x");
    expect_event(2, MINIMIO_CLIENT_READABLE);
    ck_assert_int_eq(minimio_client_take_fd(client), -ENOENT);
    call("take", "[1]");
    call("take", "[2]");
    for (int i = 0; i < 2; i++) {
        fd = minimio_client_take_fd(client);
        ck_assert_int_ge(fd, 0);
        expect_same(fd, pairs[i][1]);
        close(fd);
        close(pairs[i][1]);
    }
    ck_assert_int_eq(minimio_client_take_fd(client), -ENOENT);
    ck_assert_int_eq(minimio_client_attach(client, -1), -EBADF);
    for (int i = 0; i < MINIMIO_CLIENT_FDS_MAX; i++)
        ck_assert_int_eq(minimio_client_attach(client, 0), 0);
    ck_assert_int_eq(minimio_client_attach(client, 0), -ENOBUFS);
}
END_TEST

/* A descriptor that the kernel drops is not replaced by the next one: the session fails for good. */
START_TEST(a_descriptor_that_is_lost_is_told)
{
    struct rlimit before, none;
    int pairs[2][2];

    for (int i = 0; i < 2; i++) {
        char params[64];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
        ck_assert_int_eq(minimio_client_attach(client, pairs[i][0]), 0);
        snprintf(params, sizeof(params), "{\"token\":%d,\"fd\":true}", i + 1);
        call("register", params);
    }
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)dup(0);
    close((int)none.rlim_cur);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_int_eq(minimio_client_call(client, "take", "[1]", PATIENCE_NS, NULL), -EMFILE);
    ck_assert_ptr_nonnull(strstr(minimio_client_error(client), "a stream was lost"));
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(minimio_client_call(client, "take", "[2]", PATIENCE_NS, NULL), -EMFILE);
    ck_assert_int_eq(minimio_client_take_fd(client), -ENOENT);
    for (int i = 0; i < 2; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}
END_TEST

START_TEST(the_longest_timeout_is_no_timeout)
{
    struct minimio_client_event event;
    struct minimio_client *other = NULL;
    int peer;

    ck_assert_int_eq(minimio_client_connect(minimiod.socket, INT64_MAX, &other), 0);
    minimio_client_free(other);
    ck_assert_int_eq(minimio_client_call(client, "ping", NULL, INT64_MAX, NULL), 0);
    peer = register_token(1, "");
    fake_daemon_say(peer, "x");
    ck_assert_int_eq(minimio_client_events(client, &event, 1, INT64_MAX - 1), 1);
    ck_assert_int_eq(minimio_client_finish(client, INT64_MAX), 0);
    close(peer);
}
END_TEST

static void expect_listed(const char *text)
{
    const char *result = call("list", NULL);

    ck_assert_msg(strstr(result, text), "no %s in %s", text, result);
}

START_TEST(a_stream_is_taken_out_of_its_loop)
{
    int peer = register_token(0, ""), fd;

    fake_daemon_say(peer, "x");
    fd = minimio_client_take(client, 0, PATIENCE_NS);
    ck_assert_int_ge(fd, 0);
    ck_assert_str_eq(minimio_client_error(client), "");
    expect_listed("\"registrations\":[]");
    ck_assert_int_eq(send(fd, "y", 1, 0), 1);
    receive_byte(peer, 'y');
    receive_byte(fd, 'x');
    close(fd);
    close(peer);
    ck_assert_int_eq(minimio_client_take(client, 0, PATIENCE_NS), -EREMOTEIO);
    ck_assert_str_eq(minimio_client_fault_name(client), "TOKEN_UNKNOWN");
    ck_assert_int_eq(minimio_client_take_commit(client, PATIENCE_NS), -EINVAL);
    ck_assert_int_eq(minimio_client_take_undo(client, 0, PATIENCE_NS), -EINVAL);
    ck_assert_int_eq(minimio_client_take_fd(client), -ENOENT);
}
END_TEST

/* The end that comes while the token is kept is not told of a token that is gone; what others have to tell, is. */
START_TEST(no_event_comes_of_a_stream_that_was_taken)
{
    struct minimio_client_event event;
    int peers[3], fd, seen = 0;

    for (int i = 0; i < 3; i++) {
        peers[i] = register_token(i, "");
        fake_daemon_say(peers[i], "x");
    }
    while (atoi(strstr(call("stats", NULL), "\"events\":") + strlen("\"events\":")) < 3)
        ;
    close(peers[1]);
    fd = minimio_client_take_begin(client, 1, PATIENCE_NS);
    ck_assert_int_ge(fd, 0);
    call("shutdown", "[1,\"both\"]");
    while (!strstr(call("list", NULL), "\"token\":1,\"state\":\"disarmed\"")) /* until both ends are told */
        ;
    ck_assert_int_eq(minimio_client_take_commit(client, PATIENCE_NS), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(minimio_client_events(client, &event, 1, PATIENCE_NS), 1);
        ck_assert_uint_eq(event.readiness, MINIMIO_CLIENT_READABLE);
        seen |= 1 << event.token;
    }
    ck_assert_int_eq(seen, 1 << 0 | 1 << 2);
    ck_assert_int_eq(minimio_client_events(client, &event, 1, 0), 0);
    close(fd);
    close(peers[0]);
    close(peers[2]);
}
END_TEST

/* Undone, it is what it was; also after it was forgotten, but for its address. */
START_TEST(a_stream_that_was_taken_goes_back)
{
    int peer = register_token(7, ",\"interests\":[\"readable\",\"writable\"],\"mode\":\"edge\"");

    for (int committed = 0; committed < 2; committed++) {
        int fd = minimio_client_take_begin(client, 7, PATIENCE_NS);

        ck_assert_int_ge(fd, 0);
        expect_listed("\"interests\":[],\"mode\":\"edge\",\"address\"");
        if (committed) {
            ck_assert_int_eq(minimio_client_take_commit(client, PATIENCE_NS), 0);
            expect_listed("\"registrations\":[]");
        }
        ck_assert_int_eq(minimio_client_take_undo(client, fd, PATIENCE_NS), 0);
        close(fd);
        expect_listed(committed ? "\"interests\":[\"readable\",\"writable\"],\"mode\":\"edge\",\"local\""
                                : "\"interests\":[\"readable\",\"writable\"],\"mode\":\"edge\",\"address\"");
        ck_assert_int_eq(minimio_client_take_undo(client, fd, PATIENCE_NS), -EINVAL);
    }
    close(peer);
}
END_TEST

START_TEST(a_descriptor_that_does_not_arrive_loses_nothing)
{
    struct minimio_client *far = NULL;
    struct relay relay;
    int peer;

    ck_assert_int_eq(minimio_client_join(client, "far", false, PATIENCE_NS, NULL), 0);
    peer = register_token(1, ",\"interests\":[\"writable\"],\"mode\":\"edge\"");
    relay_open(&relay, minimiod.socket);
    ck_assert_int_eq(minimio_client_connect(relay.front.socket, PATIENCE_NS, &far), 0);
    ck_assert_int_eq(minimio_client_join(far, "far", true, PATIENCE_NS, NULL), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(minimio_client_take(far, 1, PATIENCE_NS), -ENOENT);
        ck_assert_ptr_nonnull(strstr(minimio_client_error(far), "token 1 did not arrive"));
        ck_assert_ptr_nonnull(strstr(minimio_client_error(far), "stays in its loop"));
    }
    ck_assert_int_eq(minimio_client_take_commit(far, PATIENCE_NS), -EINVAL);
    minimio_client_free(far);
    relay_close(&relay);
    ck_assert_int_eq(minimio_client_join(client, "far", true, PATIENCE_NS, NULL), 0);
    expect_listed("\"state\":\"armed\",\"interests\":[\"writable\"],\"mode\":\"edge\",\"address\"");
    close(peer);
}
END_TEST

START_TEST(a_named_loop_is_rejoined)
{
    bool created = false;
    int peer;

    ck_assert_int_eq(minimio_client_join(client, "kept", false, PATIENCE_NS, &created), 0);
    ck_assert(created);
    peer = register_token(5, "");
    fake_daemon_say(peer, "x");
    expect_event(5, MINIMIO_CLIENT_READABLE);
    ck_assert_int_eq(minimio_client_rejoin(client, PATIENCE_NS, &created), 0);
    ck_assert(!created);
    expect_event(5, MINIMIO_CLIENT_READABLE); /* told again */
    close(peer);
}
END_TEST

START_TEST(workers_share_a_loop_and_guests_get_no_events)
{
    struct minimio_client_event event;
    struct minimio_client *worker = NULL, *guest = NULL;
    int peer;

    ck_assert_int_eq(minimio_client_connect(minimiod.socket, PATIENCE_NS, &worker), 0);
    ck_assert_int_eq(minimio_client_connect(minimiod.socket, PATIENCE_NS, &guest), 0);
    ck_assert_int_eq(minimio_client_join_as(client, "team", MINIMIO_CLIENT_WORKER, 1, PATIENCE_NS, NULL), 0);
    ck_assert_int_eq(minimio_client_join_as(guest, "team", MINIMIO_CLIENT_GUEST, 0, PATIENCE_NS, NULL), 0);
    peer = register_token(5, "");
    fake_daemon_say(peer, "x");
    expect_event(5, MINIMIO_CLIENT_READABLE);
    ck_assert_int_eq(minimio_client_join_as(worker, "team", MINIMIO_CLIENT_WORKER, 1, PATIENCE_NS, NULL), 0);
    ck_assert_int_eq(minimio_client_join(guest, "team", false, PATIENCE_NS, NULL), -EREMOTEIO);
    ck_assert_str_eq(minimio_client_fault_name(guest), "LOOP_BUSY");
    ck_assert_int_eq(minimio_client_rejoin(client, PATIENCE_NS, NULL), 0); /* the lease goes to the other worker */
    ck_assert_int_eq(minimio_client_events(worker, &event, 1, PATIENCE_NS), 1);
    ck_assert_uint_eq(event.token, 5);
    ck_assert_uint_eq(event.readiness, MINIMIO_CLIENT_READABLE | MINIMIO_CLIENT_REDELIVERED);
    ck_assert_int_eq(minimio_client_join_as(worker, "team", MINIMIO_CLIENT_WORKER, 0, PATIENCE_NS, NULL), -EREMOTEIO);
    ck_assert_str_eq(minimio_client_fault_name(worker), "INVALID_PARAMS");
    minimio_client_free(guest);
    minimio_client_free(worker);
    close(peer);
}
END_TEST

START_TEST(a_loop_taken_over_is_told)
{
    struct minimio_client_event event;
    struct minimio_client *other = NULL;

    ck_assert_int_eq(minimio_client_connect(minimiod.socket, PATIENCE_NS, &other), 0);
    ck_assert_int_eq(minimio_client_join(client, "mine", false, PATIENCE_NS, NULL), 0);
    ck_assert_int_eq(minimio_client_join(other, "mine", false, PATIENCE_NS, NULL), -EREMOTEIO);
    ck_assert_str_eq(minimio_client_fault_name(other), "LOOP_BUSY");
    ck_assert_int_eq(minimio_client_join(other, "mine", true, PATIENCE_NS, NULL), 0);
    ck_assert_int_eq(minimio_client_events(client, &event, 1, PATIENCE_NS), -ECANCELED);
    ck_assert_ptr_nonnull(strstr(minimio_client_error(client), "taken over"));
    minimio_client_free(other);
    ck_assert_int_eq(minimio_client_join(client, "mine", true, PATIENCE_NS, NULL), 0);
    ck_assert_int_eq(minimio_client_events(client, &event, 1, 0), 0);
}
END_TEST

/* What the kernel does not take is kept, and leaves while the replies are read. */
START_TEST(sending_never_blocks)
{
    enum { REQUESTS = 20000 };
    struct minimio_client_message message;
    uint64_t id;

    ck_assert_int_eq(minimio_client_wants(client), POLLIN);
    kill(minimiod.process.pid, SIGSTOP);
    for (int i = 0; i < REQUESTS; i++)
        ck_assert_int_eq(minimio_client_send(client, "hello", NULL, &id), 0);
    ck_assert_int_eq(minimio_client_wants(client), POLLIN | POLLOUT);
    ck_assert_int_eq(minimio_client_flush(client, 1000000), -ETIMEDOUT);
    kill(minimiod.process.pid, SIGCONT);
    for (uint64_t i = 0; i < REQUESTS; i++) {
        ck_assert_int_eq(minimio_client_next(client, &message, PATIENCE_NS), 1);
        ck_assert_uint_eq(message.id, id - REQUESTS + 1 + i);
    }
    ck_assert_int_eq(minimio_client_flush(client, PATIENCE_NS), 0);
}
END_TEST

START_TEST(another_loop_waits_by_the_descriptor)
{
    struct pollfd wanted = {.fd = minimio_client_fd(client)};
    struct minimio_client_message message;
    int peer = register_token(1, "");

    ck_assert_int_eq(minimio_client_next(client, &message, 0), 0);
    fake_daemon_say(peer, "x");
    wanted.events = minimio_client_wants(client);
    ck_assert_int_eq(poll(&wanted, 1, PROCESS_TIMEOUT_MS), 1);
    ck_assert_int_eq(minimio_client_next(client, &message, 0), 1);
    ck_assert_int_eq(message.kind, MINIMIO_CLIENT_READY);
    ck_assert_str_eq(message.method, "ready");
    ck_assert_int_eq(minimio_client_next(client, &message, 0), 0);
    close(peer);
}
END_TEST

START_TEST(polled_events_are_read_alike)
{
    struct minimio_client_event events[2];
    int peer;

    call("open_loop", "{\"delivery\":\"poll\"}");
    peer = register_token(3, "");
    close(peer);
    ck_assert_int_eq(minimio_client_read_events(call("poll", "[5000]"), events, 2), 1);
    ck_assert_uint_eq(events[0].token, 3);
    ck_assert_uint_eq(events[0].readiness, MINIMIO_CLIENT_READABLE | MINIMIO_CLIENT_READ_CLOSED);
    ck_assert_int_eq(minimio_client_read_events("{\"events\":[]}", events, 2), 0);
    ck_assert_int_eq(minimio_client_read_events("{\"events\":[{\"token\":1},{\"token\":2},{\"token\":3}]}", events, 2),
                     3);
    ck_assert_int_eq(minimio_client_read_events("{\"events\":[{}]}", events, 2), -EBADMSG);
    ck_assert_int_eq(minimio_client_read_events("{\"events\":7}", events, 2), -EBADMSG);
    ck_assert_int_eq(minimio_client_read_events("{", events, 2), -EBADMSG);
    ck_assert_int_eq(minimio_client_read_events("", events, 2), -EBADMSG);
}
END_TEST

START_TEST(a_daemon_that_comes_back_is_awaited)
{
    struct minimiod other;
    struct minimio_client_event event;
    const char *const arguments[] = {"--socket", minimiod.socket, NULL};
    bool created = false;

    ck_assert_int_eq(minimio_client_join(client, "kept", false, PATIENCE_NS, NULL), 0);
    kill(minimiod.process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&minimiod.process, PROCESS_TIMEOUT_MS), 0);
    ck_assert_int_eq(minimio_client_events(client, &event, 1, PATIENCE_NS), -ECANCELED);
    ck_assert_int_eq(minimio_client_events(client, &event, 1, PATIENCE_NS), -ECONNRESET);
    ck_assert_int_eq(minimio_client_rejoin(client, 1000000, NULL), -ENOENT);
    process_free(&minimiod.process);
    start_minimiod(&other, arguments); /* at the old socket; its own folder is removed with it */
    ck_assert_int_eq(minimio_client_rejoin(client, PATIENCE_NS, &created), 0);
    ck_assert(created);
    client = minimio_client_free(client);
    kill(other.process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&other.process, PROCESS_TIMEOUT_MS), 0);
    process_free(&other.process);
    rmdir(other.folder);
    start_minimiod(&other, NULL);
    rmdir(minimiod.folder);
    minimiod = other;
}
END_TEST

/* ---- Without ---------------------------------------------------------------------------------------------------- */

/* Everything once, in a session of its own. Check's assertions allocate, so there is none in between. */
static int use_everything(const char *loop, int adopted)
{
    struct minimio_client *used = NULL;
    struct minimio_client_event event;
    struct minimio_client_message message;
    const char *result;
    uint64_t id;
    bool created;
    int taken = -1, r = minimio_client_connect(minimiod.socket, PATIENCE_NS, &used);

    if (r == 0)
        r = minimio_client_join(used, loop, true, PATIENCE_NS, &created);
    if (r == 0)
        r = minimio_client_attach(used, adopted);
    if (r == 0)
        r = minimio_client_call(used, "register", "{\"token\":1,\"fd\":true}", PATIENCE_NS, &result);
    if (r == 0 && minimio_client_events(used, &event, 1, PATIENCE_NS) != 1)
        r = -ENOMEM;
    if (r == 0)
        r = minimio_client_send(used, "stats", NULL, &id);
    if (r == 0)
        r = minimio_client_next(used, &message, PATIENCE_NS) == 1 ? 0 : -ENOMEM;
    if (r == 0)
        r = (taken = minimio_client_take_begin(used, 1, PATIENCE_NS)) < 0 ? taken : 0;
    if (r == 0)
        r = minimio_client_take_commit(used, PATIENCE_NS);
    if (r == 0)
        r = minimio_client_take_undo(used, taken, PATIENCE_NS);
    if (taken >= 0)
        close(taken);
    if (r == 0)
        r = minimio_client_call(used, "take", "[1]", PATIENCE_NS, &result);
    if (r == 0)
        r = minimio_client_rejoin(used, PATIENCE_NS, &created);
    if (r == 0)
        r = minimio_client_call(used, "close_loop", NULL, PATIENCE_NS, NULL);
    minimio_client_free(used);
    return r;
}

START_TEST(every_allocation_may_fail)
{
    int pair[2], before, after, r = -ENOMEM;
    char loop[32];
    long n = 0;

    if (!fail_alloc_works()) {
        printf("client library: allocations cannot be made to fail under valgrind\n");
        return;
    }
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    before = dup(0);
    close(before);
    while (r != 0) {
        n++;
        snprintf(loop, sizeof(loop), "starved-%ld", n);
        fail_alloc_after(n);
        r = use_everything(loop, pair[0]);
        fail_alloc_after(-1);
        ck_assert_msg(r == 0 || r == -ENOMEM, "allocation %ld: %s", n, strerror(-r));
        ck_assert_int_lt(n, 1000);
        after = dup(0);
        ck_assert_int_eq(after, before);
        close(after);
    }
    ck_assert_int_gt(n, 3);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(an_absent_daemon_is_an_error)
{
    struct minimio_client *none = NULL;
    char path[200];

    ck_assert_int_eq(minimio_client_connect("/nowhere/minimio.sock", 0, &none), -ENOENT);
    ck_assert_int_eq(minimio_client_connect("", 0, &none), -EINVAL);
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    ck_assert_int_eq(minimio_client_connect(path, 0, &none), -ENAMETOOLONG);
    setenv("MINIMIO_SOCKET", "/nowhere/else.sock", 1);
    ck_assert_int_eq(minimio_client_connect(NULL, 0, &none), -ENOENT);
    unsetenv("MINIMIO_SOCKET");
    ck_assert_ptr_null(none);
    ck_assert_ptr_null(minimio_client_free(NULL));
}
END_TEST

/* What came before a fault is given out first; the fault then for good. */
START_TEST(a_fault_of_the_daemon_is_for_good)
{
    struct minimio_client_message message;
    struct minimio_client *session = NULL;
    struct fake_daemon fake;
    uint64_t id;
    int fd;

    fake_daemon_open(&fake);
    ck_assert_int_eq(minimio_client_connect(fake.socket, PATIENCE_NS, &session), 0);
    ck_assert_int_eq(minimio_client_send(session, "ping", NULL, &id), 0);
    fd = fake_daemon_accept(&fake);
    fake_daemon_say(fd, "{\"method\":\"news\"}\n{\"id\":1,\"result\":{}}\n{\"id\":1,\"id\":1,\"result\":{}}\n");
    ck_assert_int_eq(minimio_client_next(session, &message, PATIENCE_NS), 1);
    ck_assert_int_eq(message.kind, MINIMIO_CLIENT_NOTIFICATION);
    ck_assert_str_eq(message.method, "news");
    ck_assert_str_eq(message.body, "null");
    ck_assert_int_eq(minimio_client_next(session, &message, PATIENCE_NS), 1);
    ck_assert_int_eq(message.kind, MINIMIO_CLIENT_RESULT);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(minimio_client_next(session, &message, PATIENCE_NS), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(minimio_client_error(session), "not a protocol message"));
    }
    ck_assert_int_eq(minimio_client_call(session, "ping", NULL, 0, NULL), -EBADMSG);
    minimio_client_free(session);
    close(fd);
    fake_daemon_close(&fake);
}
END_TEST

static void say_with_descriptor(int session, const char *text, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec piece = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};

    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(session, &message, MSG_NOSIGNAL), (ssize_t)strlen(text));
}

#define OLD_LIST                                                                                                       \
    "{\"id\":1,\"result\":{\"registrations\":[{\"token\":3,\"interests\":[\"readable\"],\"mode\":\"level\"}]}}\n"
#define OLD_TAKE                                                                                                       \
    "{\"id\":2,\"error\":{\"code\":-32602,\"message\":\"take has no parameter\",\"data\":{"                            \
    "\"name\":\"INVALID_PARAMS\",\"param\":\"keep\"}}}\n"

/* A daemon that does not know `keep` gives the stream away; put back, it is registered anew. */
START_TEST(a_daemon_without_keep_is_asked_without)
{
    struct minimio_client *session = NULL;
    struct minimio_client_event events[4];
    struct fake_daemon fake;
    int fd, taken;

    fake_daemon_open(&fake);
    ck_assert_int_eq(minimio_client_connect(fake.socket, PATIENCE_NS, &session), 0);
    ck_assert_int_eq(minimio_client_send_bytes(session, "\n", 1), 0);
    fd = fake_daemon_accept(&fake);
    fake_daemon_say(fd, OLD_LIST "{\"method\":\"ready\",\"params\":{\"events\":[{\"token\":3,\"readable\":true},"
                                 "{\"token\":4,\"writable\":true},{\"token\":5,\"readable\":true}]}}\n" OLD_TAKE);
    say_with_descriptor(fd, "{\"id\":3,\"result\":{\"token\":3,\"fd\":true}}\n", fd);
    taken = minimio_client_take_begin(session, 3, PATIENCE_NS);
    ck_assert_msg(taken >= 0, "%s", minimio_client_error(session));
    ck_assert_int_eq(minimio_client_take_commit(session, 0), 0); /* which asks for nothing */
    ck_assert_int_eq(minimio_client_events(session, events, 4, PATIENCE_NS), 2);
    ck_assert_uint_eq(events[0].token, 4);
    ck_assert_uint_eq(events[0].readiness, MINIMIO_CLIENT_WRITABLE);
    ck_assert_uint_eq(events[1].token, 5);
    fake_daemon_say(fd, "{\"id\":4,\"result\":{}}\n");
    ck_assert_int_eq(minimio_client_take_undo(session, taken, PATIENCE_NS), 0);
    close(taken);
    for (int i = 0; i < 3; i++)
        receive_line(fd);
    receive_text(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"register\",\"id\":4,\"params\":{\"token\":3,\"fd\":true,"
                     "\"interests\":[\"readable\"],\"mode\":\"level\"}}\n");
    minimio_client_free(session);
    close(fd);
    fake_daemon_close(&fake);
}
END_TEST

/* A take that is not answered in time is undone behind it. */
START_TEST(a_take_that_comes_late_is_undone)
{
    struct minimio_client *session = NULL;
    struct fake_daemon fake;
    int fd;

    fake_daemon_open(&fake);
    ck_assert_int_eq(minimio_client_connect(fake.socket, PATIENCE_NS, &session), 0);
    ck_assert_int_eq(minimio_client_send_bytes(session, "\n", 1), 0);
    fd = fake_daemon_accept(&fake);
    fake_daemon_say(fd, OLD_LIST);
    ck_assert_int_eq(minimio_client_take(session, 3, 20 * 1000000), -ETIMEDOUT);
    for (int i = 0; i < 2; i++)
        receive_line(fd);
    receive_text(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"reregister\",\"id\":3,\"params\":{\"token\":3,"
                     "\"interests\":[\"readable\"],\"mode\":\"level\"}}\n");
    minimio_client_free(session);
    close(fd);
    fake_daemon_close(&fake);
}
END_TEST

START_TEST(a_late_reply_comes_later)
{
    struct minimio_client_message message;
    struct minimio_client *session = NULL;
    struct fake_daemon fake;
    int fd;

    fake_daemon_open(&fake);
    ck_assert_int_eq(minimio_client_connect(fake.socket, PATIENCE_NS, &session), 0);
    ck_assert_int_eq(minimio_client_call(session, "ping", NULL, 1000000, NULL), -ETIMEDOUT);
    fd = fake_daemon_accept(&fake);
    fake_daemon_say(fd, "{\"id\":1,\"result\":7}\n");
    ck_assert_int_eq(minimio_client_next(session, &message, PATIENCE_NS), 1);
    ck_assert_uint_eq(message.id, 1);
    ck_assert_str_eq(message.body, "7");
    minimio_client_free(session);
    close(fd);
    fake_daemon_close(&fake);
}
END_TEST

Suite *client_library_suite(void)
{
    Suite *suite = suite_create("client_library");
    TCase *with_daemon = tcase_create("with a daemon");
    TCase *without = tcase_create("without");

    tcase_set_timeout(with_daemon, 60);
    tcase_add_checked_fixture(with_daemon, set_up, tear_down);
    tcase_add_test(with_daemon, calls_give_results_and_named_errors);
    tcase_add_test(with_daemon, events_come_however_small_the_array);
    tcase_add_test(with_daemon, requests_need_not_be_awaited);
    tcase_add_test(with_daemon, batches_go_as_they_are);
    tcase_add_test(with_daemon, descriptors_go_both_ways);
    tcase_add_test(with_daemon, a_descriptor_that_is_lost_is_told);
    tcase_add_test(with_daemon, the_longest_timeout_is_no_timeout);
    tcase_add_test(with_daemon, a_stream_is_taken_out_of_its_loop);
    tcase_add_test(with_daemon, no_event_comes_of_a_stream_that_was_taken);
    tcase_add_test(with_daemon, a_stream_that_was_taken_goes_back);
    tcase_add_test(with_daemon, a_descriptor_that_does_not_arrive_loses_nothing);
    tcase_add_test(with_daemon, a_named_loop_is_rejoined);
    tcase_add_test(with_daemon, workers_share_a_loop_and_guests_get_no_events);
    tcase_add_test(with_daemon, a_loop_taken_over_is_told);
    tcase_add_test(with_daemon, sending_never_blocks);
    tcase_add_test(with_daemon, another_loop_waits_by_the_descriptor);
    tcase_add_test(with_daemon, polled_events_are_read_alike);
    tcase_add_test(with_daemon, a_daemon_that_comes_back_is_awaited);
    tcase_add_test(with_daemon, every_allocation_may_fail);
    suite_add_tcase(suite, with_daemon);
    tcase_set_timeout(without, 60);
    tcase_add_test(without, an_absent_daemon_is_an_error);
    tcase_add_test(without, a_fault_of_the_daemon_is_for_good);
    tcase_add_test(without, a_late_reply_comes_later);
    tcase_add_test(without, a_daemon_without_keep_is_asked_without);
    tcase_add_test(without, a_take_that_comes_late_is_undone);
    suite_add_tcase(suite, without);
    return suite;
}
