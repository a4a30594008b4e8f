/* SPDX-License-Identifier: MIT */
/* Chance as a client: messages with bytes changed, and valid calls in any order. The seed is printed by a failure. */
#include "tests/daemon/fixture.h"
#include "tests/daemon/name_server.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_hostile_suite(void);

#define MUTATIONS 2000
#define STEPS     3000
#define SESSIONS  6
#define PEERS     64

static uint64_t state;
static char seed_text[32];

static uint64_t chance(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* Another seed each time; MINIMIO_SEED repeats one. */
static void sow(void)
{
    const char *wanted = getenv("MINIMIO_SEED");
    uint64_t seed = wanted ? strtoull(wanted, NULL, 0) : (uint64_t)test_now_ns();

    state = seed | 1;
    snprintf(seed_text, sizeof(seed_text), "MINIMIO_SEED=%llu", (unsigned long long)seed);
}

/* Names that chance makes of an address are asked for where nobody answers. */
static void set_up_hostile(void)
{
    sow();
    name_server_use(1);
    set_up();
    name_server_use(0);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------ */

static const char *const messages[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":\"\\u0061\\ud83d\\ude00\",\"method\":\"hello\",\"params\":{}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1.5e3,\"method\":\"list\",\"params\":[null,100]}",
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"register\",\"params\":[1,\"localhost:1\",false,[],\"edge\",90]}",
    "{\"id\":2,\"method\":\"register\",\"params\":{\"token\":1,\"address\":\"localhost:1\"},\"jsonrpc\":\"2.0\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"reregister\",\"params\":[1,[\"writable\"],\"oneshot\"]}",
    "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"deregister\",\"params\":{\"token\":1}}",
    "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stats\"},{\"jsonrpc\":\"2.0\",\"method\":\"ping\"},7,{}]",
    "[[[[[[[[{\"a\":[true,false,null,-1.0E-7,\"\\n\\\"\"]}]]]]]]]]",
};

static size_t mutate(char *text, size_t length, size_t capacity)
{
    size_t at = chance(length), span = 1 + chance(8);

    if (span > length - at)
        span = length - at;
    switch (chance(5)) {
    case 0:
        text[at] ^= (char)(1 << chance(8));
        return length;
    case 1:
        text[at] = "{}[]\",:\\\n\r\t \0\x01\x7f\xff\xc3\xed"
                   "0e-"[chance(21)];
        return length;
    case 2: /* leave out */
        memmove(text + at, text + at + span, length - at - span);
        return length - span;
    case 3: /* say twice */
        if (length + span > capacity)
            return length;
        memmove(text + at + span, text + at, length - at);
        return length + span;
    default: /* stop early */
        return at + 1;
    }
}

static void drain(struct wire *on)
{
    while (wire_has_more(on))
        ck_assert_msg(wire_read(on), "the session was lost: %s", seed_text);
}

/* A control character is a fault wherever it stands, so behind its line everything begins anew. */
static void expect_alive(struct wire *on)
{
    wire_send(on, "\x01\n{\"jsonrpc\":\"2.0\",\"id\":\"alive\",\"method\":\"ping\"}\n");
    do
        ck_assert_msg(wire_read(on), "the session was lost: %s", seed_text);
    while (!strstr(on->line, "\"id\":\"alive\",\"result\":{}"));
}

START_TEST(no_mutated_message_hurts)
{
    struct wire other;
    char text[1024];

    wire_open(&other, minimiod.socket);
    expect_silence(&wire); /* what the session begins with may not look like HTTP by chance */
    for (int i = 0; i < MUTATIONS; i++) {
        const char *message = messages[chance(LENGTH(messages))];
        size_t length = strlen(message);

        memcpy(text, message, length);
        for (uint64_t times = 1 + chance(4); times && length > 1; times--)
            length = mutate(text, length, sizeof(text));
        wire_send_bytes(&wire, text, length);
        if (chance(4))
            wire_send(&wire, "\n");
        drain(&wire);
        if (i % 100 == 0)
            call(&other, "ping", NULL);
    }
    expect_alive(&wire);
    call(&other, "ping", NULL);
    wire_close(&other);
}
END_TEST

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

static struct wire sessions[SESSIONS];
static int peers[PEERS];

static void take_peer(void)
{
    struct pollfd waiting = {.fd = port.fd, .events = POLLIN};
    size_t i = chance(PEERS);

    if (poll(&waiting, 1, 0) != 1)
        return;
    if (peers[i] >= 0)
        close(peers[i]);
    peers[i] = port_accept(&port);
}

static void act_as_peer(void)
{
    size_t i = chance(PEERS);

    if (peers[i] < 0)
        return;
    if (chance(2)) {
        (void)!send(peers[i], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    if (chance(2))
        reset(peers[i]);
    else
        close(peers[i]);
    peers[i] = -1;
}

static void call_something(struct wire *on, const char *hole_address)
{
    static const char *const interests[] = {"null", "[]", "['readable']", "['writable']", "['readable','writable']"};
    static const char *const modes[] = {"null", "'oneshot'", "'edge'", "'level'"};
    const char *address = (const char *const[]){port.address, port.address,  port.address,
                                                hole_address, "localhost:1", "a.name.example:80"}[chance(6)];
    const char *id = chance(8) ? "'id':1," : "";
    int token = (int)chance(12);

    switch (chance(6)) {
    case 0:
    case 1:
    case 2:
        say(on, "{'jsonrpc':'2.0',%s'method':'register','params':[%d,'%s',null,%s,%s,%d]}", id, token, address,
            interests[chance(5)], modes[chance(4)], (int)chance(60));
        break;
    case 3:
        say(on, "{'jsonrpc':'2.0',%s'method':'reregister','params':[%d,%s,%s]}", id, token, interests[chance(5)],
            modes[chance(4)]);
        break;
    case 4:
        say(on, "{'jsonrpc':'2.0',%s'method':'deregister','params':[%d]}", id, token);
        break;
    default:
        say(on, "{'jsonrpc':'2.0',%s'method':'%s'}", id, chance(20) ? "list" : "close_loop");
    }
}

static void call_batch(struct wire *on, const char *hole_address)
{
    wire_send(on, "[");
    for (uint64_t times = 1 + chance(5); times; times--) {
        call_something(on, hole_address);
        wire_send(on, times > 1 ? "," : "]");
    }
}

static void step(struct wire *on, const char *hole_address)
{
    switch (chance(12)) {
    case 0:
        take_peer();
        break;
    case 1:
    case 2:
    case 3:
        act_as_peer();
        take_peer();
        break;
    case 4:
        call_batch(on, hole_address);
        break;
    case 5:
        if (chance(5) == 0) {
            wire_close(on);
            wire_open(on, minimiod.socket);
        }
        break;
    case 6:
        drain(on);
        break;
    default:
        call_something(on, hole_address);
    }
}

static int descriptors_of(pid_t pid)
{
    char path[32];
    DIR *folder;
    int count = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Each session reads now and then only, so that all of this meets back-pressure too. */
START_TEST(calls_in_any_order_leave_nothing_behind)
{
    struct black_hole hole;
    int descriptors;

    call(&wire, "ping", NULL);
    descriptors = descriptors_of(minimiod.process.pid);
    black_hole_open(&hole);
    for (int i = 0; i < PEERS; i++)
        peers[i] = -1;
    for (int i = 0; i < SESSIONS; i++)
        wire_open(&sessions[i], minimiod.socket);
    for (int i = 0; i < STEPS; i++)
        step(&sessions[chance(SESSIONS)], hole.port.address);
    for (int i = 0; i < SESSIONS; i++) {
        expect_alive(&sessions[i]);
        wire_close(&sessions[i]);
    }
    while (counter(&wire, "sessions") > 1)
        ;
    ck_assert_msg(counter(&wire, "registrations") == 0, "%s", seed_text);
    ck_assert_msg(counter(&wire, "loops") == 1, "%s", seed_text);
    for (int i = 0; i < PEERS; i++)
        if (peers[i] >= 0)
            close(peers[i]);
    black_hole_close(&hole);
    ck_assert_msg(descriptors_of(minimiod.process.pid) <= descriptors + 2, "%s", seed_text);
}
END_TEST

Suite *daemon_hostile_suite(void)
{
    Suite *suite = suite_create("daemon_hostile");
    TCase *tests = tcase_create("hostile");

    tcase_add_checked_fixture(tests, set_up_hostile, tear_down);
    tcase_set_timeout(tests, 300);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, no_mutated_message_hurts);
    tcase_add_test(tests, calls_in_any_order_leave_nothing_behind);
    return suite;
}
