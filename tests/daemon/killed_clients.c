/* SPDX-License-Identifier: MIT */
/*
 * Clients in processes of their own, killed with SIGKILL at any moment, one after the other, in one named loop.
 *
 * What they do with a stream is to look at its bytes (a read with peek) and to arm it again; the last client, which
 * lives, reads, and reads only what events tell it to. So that it has every byte in order shows that no stream, no byte
 * and no readiness was lost with the dead. What a client had read itself before it died is lost to nobody but it.
 *
 * MINIMIO_LONG=1 in the environment: a thousand of them, instead of 200.
 */
#include "tests/daemon/fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *daemon_killed_clients_suite(void);

#define REQUEST(id, method, params) "{'jsonrpc':'2.0','id':" id ",'method':'" method "','params':" params "}"
#define STREAMS                     8
#define STREAM_BYTES                16384
#define ALL_TOLD                    '!'
#define STEPS_MAX                   10000 /* far more than until each of the streams was told */

static int peers[STREAMS];
static char sent[STREAMS][STREAM_BYTES], received[STREAMS][STREAM_BYTES];
static unsigned random_state;

static unsigned any(unsigned below)
{
    random_state = random_state * 1103515245 + 12345;
    return (random_state >> 16) % below;
}

/* ---- A client that is killed ------------------------------------------------------------------------------------ */

struct client {
    pid_t pid;
    int progress; /* says a byte for each step */
};

static void step(int progress, char what)
{
    ck_assert_int_eq(write(progress, &what, 1), 1);
}

/* A failure here ends the process, which its parent notices by the end of its progress. */
static void look_at_streams(int progress, unsigned unread)
{
    static struct wire own;

    wire_open(&own, minimiod.socket);
    step(progress, 'c');
    call(&own, "open_loop", "['kept']");
    step(progress, 'o');
    for (;;) {
        struct event event = next_event(&own);

        unread &= ~(1U << event.token);
        step(progress, unread ? 'e' : ALL_TOLD);
        ck_assert_int_eq(event.flags, READY_READABLE);
        call(&own, "read", "{'token':%u,'peek':true}", (unsigned)event.token);
        call(&own, "reregister", "{'token':%u,'mode':'%s'}", (unsigned)event.token, any(2) ? "edge" : "oneshot");
        step(progress, 'r');
    }
}

/* Says more than is read at once, and what it is about at the end of it. */
static void ask_without_reading(int progress, unsigned round)
{
    static struct wire own;
    static char pings[400 * 64];
    size_t length = 0;

    for (int i = 0; i < 400; i++)
        length += (size_t)sprintf(pings + length, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}", i);
    wire_open(&own, minimiod.socket);
    call(&own, "open_loop", "['kept']");
    wire_send_bytes(&own, pings, length);
    say(&own, REQUEST("1", "reregister", "[0,['%s']]"), round % 2 ? "readable" : "writable");
    step(progress, 's');
    pause();
}

static struct client start(void (*run)(int progress, unsigned what), unsigned what)
{
    struct client client;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    client.pid = fork();
    ck_assert_int_ge(client.pid, 0);
    if (client.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        process_leave_check();
        close(ends[0]);
        run(ends[1], what);
        _exit(1);
    }
    close(ends[1]);
    client.progress = ends[0];
    return client;
}

static char await_step(const struct client *client)
{
    char what;

    ck_assert_msg(read(client->progress, &what, 1) == 1, "the client failed");
    return what;
}

static void end(const struct client *client)
{
    int status;

    ck_assert_int_eq(kill(client->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(client->pid, &status, 0), client->pid);
    ck_assert_msg(WIFSIGNALED(status), "the client failed");
    close(client->progress);
}

/* ---- Its peers -------------------------------------------------------------------------------------------------- */

static void open_peers(void)
{
    call(&wire, "open_loop", "['kept']");
    for (int i = 0; i < STREAMS; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, i % 2 ? ",'mode':'edge'" : "");
    wire_close(&wire);
    wire_open(&wire, minimiod.socket);
    while (counter(&wire, "sessions") > 1)
        ;
    memset(sent, 0, sizeof sent);
    memset(received, 0, sizeof received);
}

static void close_peers(void)
{
    for (int i = 0; i < STREAMS; i++)
        close(peers[i]);
}

/* A number behind those that went before. Returns the stream's bit. */
static unsigned send_number(unsigned number)
{
    unsigned stream = number ? any(STREAMS) : 0;
    size_t length = strlen(sent[stream]);

    ck_assert_uint_lt(length + 16, STREAM_BYTES);
    snprintf(sent[stream] + length, 16, "%u,", number);
    ck_assert_int_eq(send(peers[stream], sent[stream] + length, strlen(sent[stream] + length), MSG_NOSIGNAL),
                     strlen(sent[stream] + length));
    return 1U << stream;
}

static void expect_no_fin(void)
{
    char byte;

    for (int i = 0; i < STREAMS; i++) {
        ck_assert_int_eq(recv(peers[i], &byte, 1, MSG_DONTWAIT), -1);
        ck_assert_int_eq(errno, EAGAIN);
    }
}

static size_t total(char (*texts)[STREAM_BYTES])
{
    size_t length = 0;

    for (int i = 0; i < STREAMS; i++)
        length += strlen(texts[i]);
    return length;
}

/* Reads what events tell it to, and nothing else. */
static void read_all(void)
{
    call(&wire, "open_loop", "['kept']");
    while (total(received) < total(sent)) {
        unsigned token = (unsigned)next_event(&wire).token;
        const char *data = member(call(&wire, "read", "[%u,%d]", token, STREAM_BYTES), "data")->valuestring;

        ck_assert_uint_lt(strlen(received[token]) + strlen(data), STREAM_BYTES);
        strcat(received[token], data);
        call(&wire, "reregister", "[%u]", token);
    }
    for (int i = 0; i < STREAMS; i++)
        ck_assert_str_eq(received[i], sent[i]);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------ */

static unsigned rounds(void)
{
    return getenv("MINIMIO_LONG") ? 1000 : 200;
}

/* Every fourth is left alive until it was told of all that it has not read. */
static void live_and_die(unsigned unread, unsigned round, unsigned *numbers)
{
    struct client client = start(look_at_streams, unread);

    for (int steps = 0; round % 4 == 0 && await_step(&client) != ALL_TOLD; steps++)
        ck_assert_msg(steps < STEPS_MAX, "readiness was lost: the client is not told of what nobody has read");
    for (unsigned steps = any(12); steps--;) {
        await_step(&client);
        if (any(4) == 0)
            send_number((*numbers)++);
    }
    end(&client);
}

START_TEST(nothing_is_lost_with_clients_that_are_killed)
{
    unsigned unread = 0, numbers = 0;

    random_state = (unsigned)test_now_ns();
    fprintf(stderr, "random clients from %u\n", random_state);
    open_peers();
    for (unsigned round = 0; round < rounds(); round++) {
        for (unsigned i = 0; i <= round % 3; i++)
            unread |= send_number(numbers++);
        live_and_die(unread, round, &numbers);
        for (unsigned i = 0; i < STREAMS; i++)
            unread |= sent[i][0] ? 1U << i : 0;
        expect_no_fin();
    }
    read_all();
    ck_assert_int_eq(counter(&wire, "registrations"), STREAMS);
    close_peers();
}
END_TEST

/* The next one finds what the last had asked for, though nobody may have read it before it died. */
START_TEST(a_client_that_comes_at_once_never_finds_its_loop_busy)
{
    open_peers();
    for (unsigned round = 0; round < (getenv("MINIMIO_LONG") ? 1000U : 300U); round++) {
        struct client client = start(ask_without_reading, round);
        struct wire next;

        await_step(&client);
        end(&client);
        wire_open(&next, minimiod.socket);
        expect_in(call(&next, "open_loop", "['kept']"), "{'created':false,'registrations':%d}", STREAMS);
        expect_in(call(&next, "list", "{'limit':1}"), "{'registrations':[{'token':0,'interests':['%s']}]}",
                  round % 2 ? "readable" : "writable");
        wire_close(&next);
    }
    expect_no_fin();
    close_peers();
}
END_TEST

Suite *daemon_killed_clients_suite(void)
{
    Suite *suite = suite_create("daemon_killed_clients");
    TCase *tests = add_case(suite, "killed clients");

    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, nothing_is_lost_with_clients_that_are_killed);
    tcase_add_test(tests, a_client_that_comes_at_once_never_finds_its_loop_busy);
    return suite;
}
