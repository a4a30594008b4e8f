/* SPDX-License-Identifier: MIT */
/*
 * Named loops over the end of the daemon, with a service manager that keeps what it is given: what was kept goes on,
 * and what is missing, broken or not described by anything is said and let go.
 */
#include "daemon/manager/store_names.h"
#include "daemon/keep/ledger.h"
#include "tests/daemon/conf.h"
#include "tests/daemon/fixture.h"
#include "tests/daemon/manager.h"
#include "tests/daemon/passing.h"
#include "tests/skip.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Without libsystemd the daemon has no store, and most of these tests do not run. */
#ifndef HAVE_SYSTEMD
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

Suite *daemon_keeping_suite(void);

#define USER  4711
#define OTHER 4712
#define STORE ARGUMENTS("--store", "20")

static void await(const char *text)
{
    if (!process_await_text(&minimiod.process, &minimiod.process.err, text, PROCESS_TIMEOUT_MS))
        ck_abort_msg("the log has no '%s': %s", text, minimiod.process.err.text);
}

static void start(const char *const *arguments)
{
    manager_start(arguments);
    wire_open(&wire, minimiod.socket);
}

/* As systemd restarts it, or after it was killed. */
static const int ends[] = {SIGTERM, SIGKILL};

static void ended_and_started(int signal_number, const char *const *arguments)
{
    wire_close(&wire);
    manager_end(signal_number);
    start(arguments);
}

static void set_up_kept(void)
{
    port_open(&port);
    manager_open();
}

static void tear_down_kept(void)
{
    wire_close(&wire);
    manager_close();
    port_close(&port);
}

static void expect_durable(bool durable)
{
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'name':'kept','durable':%s}]}", durable ? "true" : "false");
}

/* ---- What goes on ------------------------------------------------------------------------------------------------ */

START_TEST(a_loop_goes_on_in_the_next_daemon)
{
    int edge, oneshot, pipe_ends[2];

    start(STORE);
    manager_await(1); /* the ledger */
    make_pipe(pipe_ends);
    call(&wire, "open_loop", "{'name':'kept','delivery':'poll','linger_ms':77777}");
    edge = open_stream(&wire, 1, ",'mode':'edge','interests':['readable','writable']");
    oneshot = open_stream(&wire, 2, "");
    adopt(&wire, 3, pipe_ends[0], "");
    manager_await(4);
    expect_durable(true);
    write_byte(oneshot);

    ended_and_started(ends[_i % 2], STORE);
    await("restored 1 named loops with 3 streams");
    expect_in(
        call(&wire, "loops", NULL),
        "{'loops':[{'name':'kept','uid':%u,'registrations':3,'attached':false,'linger_ms':77777,'durable':true}]}",
        (unsigned)geteuid());
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'delivery':'poll','registrations':3}");
    put_bytes(pipe_ends[1], "y");
    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'writable':true},{'token':2,'readable':true},"
                                         "{'token':3,'readable':true}]}");
    expect_in(call(&wire, "list", NULL),
              "{'registrations':[{'mode':'edge','interests':['readable','writable'],'address':'%s'},"
              "{'mode':'oneshot','interests':['readable']},{'mode':'oneshot'}]}",
              port.address);
    expect_in(call(&wire, "read", "{'token':2}"), "{'data':'x'}");
    close(edge);
    close(oneshot);
    close(pipe_ends[1]);
}
END_TEST

/* Told by the daemon that has stored it, or by the one after. */
START_TEST(what_ends_is_kept_no_longer)
{
    int peers[3];

    start(STORE);
    call(&wire, "open_loop", "{'name':'kept'}");
    for (int i = 0; i < 3; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, "");
    manager_await(4);
    call(&wire, "deregister", "[0]");
    manager_await(3);
    expect_eof(peers[0]);

    ended_and_started(ends[_i % 2], STORE);
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'registrations':2}");
    close(take(&wire, 1));
    manager_await(2);
    expect_eof(peers[1]);
    call(&wire, "close_loop", NULL);
    manager_await(1);
    expect_eof(peers[2]);

    ended_and_started(ends[_i % 2], STORE);
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
    for (int i = 0; i < 3; i++)
        close(peers[i]);
}
END_TEST

START_TEST(changes_are_kept)
{
    int peer;

    start(STORE);
    call(&wire, "open_loop", "{'name':'gone'}");
    call(&wire, "close_loop", NULL);
    call(&wire, "open_loop", "{'name':'kept','linger_ms':1234}");
    peer = open_stream(&wire, 2, "");
    manager_await(2);
    call(&wire, "reregister", "{'token':2,'interests':['writable'],'mode':'edge'}");
    wire_close(&wire);
    wire_open(&wire, minimiod.socket);
    call(&wire, "open_loop", "{'name':'kept','delivery':'poll','linger_ms':55555,'takeover':true}");

    ended_and_started(ends[_i % 2], STORE);
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'name':'kept','linger_ms':55555,'registrations':1}]}");
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'delivery':'poll'}");
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':2,'interests':['writable'],'mode':'edge'}]}");
    close(peer);
}
END_TEST

/* Whether the daemon ended or was killed: the worker may have acted on the event in part. */
START_TEST(leases_are_redelivered_by_the_next_daemon)
{
    int peers[2];

    start(STORE);
    call(&wire, "open_loop", "{'name':'kept','role':'worker','prefetch':2}");
    for (int i = 0; i < 2; i++) {
        peers[i] = open_stream(&wire, (uint64_t)i, ",'interests':['writable']");
        expect_event(&wire, (uint64_t)i, READY_WRITABLE);
    }
    call(&wire, "reregister", "{'token':1,'interests':['readable']}");
    manager_await(3);

    ended_and_started(ends[_i % 2], STORE);
    ended_and_started(ends[_i % 2], STORE); /* it stays so until it is told */
    call(&wire, "open_loop", "{'name':'kept','role':'worker','prefetch':2}");
    expect_event(&wire, 0, READY_WRITABLE | READY_REDELIVERED);
    write_byte(peers[1]);
    expect_event(&wire, 1, READY_READABLE);
    call(&wire, "deregister", "[1]");
    call(&wire, "reregister", "[0]");
    expect_event(&wire, 0, READY_WRITABLE);
    call(&wire, "reregister", "{'token':0,'interests':['readable']}");

    manager_await(2);
    ended_and_started(ends[_i % 2], STORE);
    call(&wire, "open_loop", "{'name':'kept','role':'worker'}");
    write_byte(peers[0]);
    expect_event(&wire, 0, READY_READABLE); /* the lease was over */
    for (int i = 0; i < 2; i++)
        close(peers[i]);
}
END_TEST

/* Limits are for what is asked for. */
START_TEST(what_was_there_is_there_whatever_the_limits_are_by_now)
{
    int peers[2];

    start(STORE);
    call(&wire, "open_loop", "{'name':'kept'}");
    for (int i = 0; i < 2; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, "");
    manager_await(3);

    ended_and_started(ends[_i % 2], ARGUMENTS("--store", "20", "--limit", "registrations=1,loops_uid=1"));
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'registrations':2}");
    call_fails(&wire, "LIMIT_EXCEEDED", "{'limit':'registrations','max':1}", "register", "[7,'%s']", port.address);
    for (int i = 0; i < 2; i++) {
        call(&wire, "deregister", "[%d]", i);
        manager_await(2 - i);
        expect_eof(peers[i]);
        close(peers[i]);
    }
    close(open_stream(&wire, 7, ""));
}
END_TEST

START_TEST(another_binary_goes_on_with_the_same_manager)
{
    int peers[2];

    setenv("FDSTORE", "20", 1);
    start(ARGUMENTS("--store", "30"));
    unsetenv("FDSTORE");
    call(&wire, "open_loop", "{'name':'kept'}");
    peers[0] = open_stream(&wire, 1, "");
    peers[1] = open_stream(&wire, 2, "");
    manager_await(3);
    kill(minimiod.process.pid, SIGUSR2);
    expect(&wire, "{'method':'loop_closed'}");
    expect_end(&wire);
    wire_close(&wire);

    wire_open(&wire, minimiod.socket);
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'registrations':2}");
    expect_durable(true);
    call(&wire, "deregister", "[1]");
    manager_await(2);
    expect_eof(peers[0]);

    ended_and_started(ends[_i % 2], STORE);
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'registrations':1}");
    close(peers[0]);
    close(peers[1]);
}
END_TEST

START_TEST(without_a_store_nothing_is_kept)
{
    int peer;

    start(ARGUMENTS("--store", "0"));
    call(&wire, "open_loop", "{'name':'kept'}");
    peer = open_stream(&wire, 1, "");
    expect_durable(false);
    ended_and_started(ends[_i % 2], ARGUMENTS("--store", "0"));
    expect_eof(peer);
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
    close(peer);
}
END_TEST

static const struct {
    const char *fdstore, *store;
} small[] = {{"3", "20"}, {"4294967296", "3"}, {"3x", "3"}, {"20", "3"}, {"", "3"}, {"-1", "3"}};

/* The ledger and two streams; whichever of the two says it. */
START_TEST(what_the_store_has_no_room_for_is_not_durable)
{
    int peers[4];

    setenv("FDSTORE", small[_i].fdstore, 1);
    start(ARGUMENTS("--store", small[_i].store));
    unsetenv("FDSTORE");
    call(&wire, "open_loop", "{'name':'kept'}");
    for (int i = 0; i < 2; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, "");
    manager_await(3);
    expect_durable(true);
    for (int i = 2; i < 4; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, "");
    expect_durable(false);
    await("loop kept of uid");
    await("is not durable: the manager's descriptor store is full");
    ck_assert_ptr_null(
        strstr(strstr(minimiod.process.err.text, "is not durable") + 1, "is not durable")); /* said once */

    ended_and_started(ends[_i % 2], STORE);
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'registrations':2}");
    expect_eof(peers[2]);
    expect_eof(peers[3]);
    for (int i = 0; i < 4; i++)
        close(peers[i]);
}
END_TEST

/* ---- Who closes last --------------------------------------------------------------------------------------------- */

/* The manager has not even read that it is to close its duplicate. */
START_TEST(a_peer_does_not_wait_for_the_manager)
{
    int peers[3];

    start(STORE);
    call(&wire, "open_loop", "{'name':'kept'}");
    for (int i = 0; i < 3; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, "");
    manager_await(4);
    expect_in(call(&wire, "write", "[0,'bye']"), "{'bytes':3}");
    call(&wire, "deregister", "[0]");
    expect_bytes(peers[0], "bye");
    expect_eof(peers[0]);
    manager_await(3); /* else the next daemon is passed the duplicate, and has it removed a second time */
    ended_and_started(ends[_i % 2], STORE);
    call(&wire, "open_loop", "{'name':'kept'}");
    call(&wire, "deregister", "[1]");
    expect_eof(peers[1]);
    call(&wire, "close_loop", NULL);
    expect_eof(peers[2]);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
}
END_TEST

/* What somebody else has is not shut down, also by the next daemon. */
START_TEST(a_stream_that_was_taken_goes_on)
{
    int peers[2], taken[2];

    start(STORE);
    call(&wire, "open_loop", "{'name':'kept'}");
    for (int i = 0; i < 2; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, "");
    manager_await(3);
    taken[0] = take(&wire, 0);
    manager_await(2);
    say(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":{\"token\":1,\"keep\":true}}\n");
    ck_assert_uint_eq(read_line_with(&wire, &taken[1]), 1);
    ended_and_started(ends[_i % 2], STORE);
    call(&wire, "open_loop", "{'name':'kept'}");
    call(&wire, "deregister", "[1]");
    manager_await(1);
    for (int i = 0; i < 2; i++) {
        put_bytes(taken[i], "x");
        expect_bytes(peers[i], "x");
        close(taken[i]);
        expect_eof(peers[i]);
        close(peers[i]);
    }
}
END_TEST

#define LINGER_S 3600

/* A socket whose last close() waits for an hour, as its peer reads nothing. */
static int lingering(int *ret_peer)
{
    struct linger linger = {.l_onoff = 1, .l_linger = LINGER_S};
    static const char bytes[65536];
    int fds[2];

    make_tcp_pair(fds);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    while (send(fds[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    *ret_peer = fds[1];
    return fds[0];
}

/* The manager here is this test, which would not get past its own close(). */
START_TEST(the_manager_never_closes_the_last_copy)
{
    int peers[3], fd;

    start(STORE);
    call(&wire, "open_loop", "{'name':'kept'}");
    for (int i = 0; i < 3; i++)
        adopt(&wire, (uint64_t)i, lingering(&peers[i]), ",'interests':[]");
    manager_await(4);
    fd = take(&wire, 0);
    close(fd);
    manager_await(3);
    call(&wire, "deregister", "[1]");
    manager_await(2);
    call(&wire, "close_loop", NULL);
    manager_await(1);
    call(&wire, "ping", NULL);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
}
END_TEST

/* A manager that takes its time costs the user's own descriptors, and nobody else's. */
START_TEST(what_the_manager_has_not_closed_yet_counts)
{
    struct wire user, other;
    int peers[3];

    TEST_NEEDS(can_be_others(), "root, to play other users");
    ck_assert_int_eq(chmod(minimiod.folder, 0755), 0);
    start(ARGUMENTS("--store", "20", "--socket-mode", "0666", "--limit", "descriptors_uid=4"));
    wire_open_as(&user, USER, USER, NULL, 0);
    wire_open_as(&other, OTHER, OTHER, NULL, 0);
    call(&user, "open_loop", "{'name':'kept'}");
    for (int i = 0; i < 3; i++)
        peers[i] = open_stream(&user, (uint64_t)i, "");
    manager_await(4);
    for (int i = 0; i < 3; i++)
        call(&user, "deregister", "[%d]", i);
    call_fails(&user, "LIMIT_EXCEEDED", "{'limit':'descriptors_uid','max':4}", "register", "[3,'%s']", port.address);
    close(open_stream(&other, 1, ""));
    manager_await(1);
    do
        say(&user, "{'jsonrpc':'2.0','id':1,'method':'register','params':[3,'%s']}", port.address);
    while (!cJSON_HasObjectItem(next_reply(&user), "result"));
    wire_close(&user);
    wire_close(&other);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
}
END_TEST

/* ---- What does not ----------------------------------------------------------------------------------------------- */

START_TEST(a_stream_that_was_not_kept_is_said)
{
    int peers[2];

    start(STORE);
    call(&wire, "open_loop", "{'name':'kept'}");
    for (int i = 0; i < 2; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, "");
    manager_await(3);
    wire_close(&wire);
    manager_end(SIGKILL);
    ck_assert(manager_drop("+B")); /* the first of its ids */
    expect_eof(peers[0]);
    start(STORE);
    await("lost 1 loops or streams of the ledger");
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'registrations':1}");
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':1}]}");
    /* A new stream does not get the id of one that is kept. */
    close(open_stream(&wire, 9, ""));
    manager_await(3);
    ck_assert_int_lt(manager_kept("+B"), 0);
    for (int i = 0; i < 2; i++)
        close(peers[i]);
}
END_TEST

START_TEST(what_nothing_describes_is_let_go)
{
    int stray[2], unknown[2];

    make_pair(SOCK_STREAM, stray);
    make_pair(SOCK_STREAM, unknown);
    manager_keep("+zz", stray[0]);
    manager_keep("+this-is-too-long", unknown[0]);
    start(STORE);
    await("a stored descriptor with an unknown name");
    await("closed 1 stored descriptors without an entry in the ledger");
    manager_await(1);
    ck_assert_int_ge(manager_kept(STORE_LEDGER), 0);
    expect_eof(stray[1]);
    expect_eof(unknown[1]);
    close(stray[1]);
    close(unknown[1]);
}
END_TEST

static int memory_file(const void *data, size_t length)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    ck_assert_int_eq(write(fd, data, length), (ssize_t)length);
    return fd;
}

START_TEST(a_ledger_that_is_none_is_said)
{
    int stream[2];

    make_pair(SOCK_STREAM, stream);
    manager_keep(STORE_LEDGER, memory_file("this is no ledger, and is longer than its heading", 49));
    manager_keep("+B", stream[0]);
    start(STORE);
    await("the ledger of the named loops cannot be read; its loops and streams are lost");
    await("closed 1 stored descriptors");
    manager_await(1); /* a new ledger */
    expect_eof(stream[1]);
    close(stream[1]);
    call(&wire, "open_loop", "{'name':'kept'}");
    close(open_stream(&wire, 1, ""));
    manager_await(2);
    expect_durable(true);
}
END_TEST

/* ---- Ledgers of the test's own ----------------------------------------------------------------------------------- */

static struct ledger *ledger;
static int far_ends[8]; /* of the streams that are kept, by id */

static uint32_t add_loop(const char *name)
{
    struct ledger_loop loop = {.name = {name, strlen(name)}, .uid = geteuid(), .linger_ms = 60000};
    uint32_t entry;

    ck_assert_int_eq(ledger_add_loop(ledger, &loop, &entry), 0);
    return entry;
}

static uint32_t add_stream(uint32_t loop, uint64_t id, uint64_t token)
{
    struct ledger_stream stream = {.loop = loop, .id = id, .token = token, .interests = 1, .fd = -1};
    uint32_t entry;

    ck_assert_int_eq(ledger_add_stream(ledger, &stream, &entry), 0);
    return entry;
}

static void keep_stream(uint64_t id)
{
    char name[STORE_NAME_SIZE];
    int pair[2];

    make_pair(SOCK_STREAM, pair);
    store_name(id, name);
    manager_keep(name, pair[0]);
    far_ends[id] = pair[1];
}

static void new_ledger(void)
{
    ck_assert_int_eq(ledger_new(&ledger), 0);
}

static void keep_ledger(void)
{
    manager_keep(STORE_LEDGER, fcntl(ledger_fd(ledger), F_DUPFD_CLOEXEC, 0));
    ledger = ledger_free(ledger);
}

START_TEST(the_first_of_two_ledgers_counts)
{
    uint32_t loop;

    new_ledger();
    loop = add_loop("first");
    add_stream(loop, 1, 7);
    keep_stream(1);
    keep_ledger();
    new_ledger();
    add_loop("second");
    keep_ledger();
    start(STORE);
    await("cannot be read: there are two; its loops and streams are lost");
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'name':'first','registrations':1}]}");
    close(far_ends[1]);
}
END_TEST

START_TEST(of_entries_that_contradict_each_other_the_first_counts)
{
    uint32_t loop;

    new_ledger();
    loop = add_loop("kept");
    add_loop("kept");
    add_stream(loop, 1, 7);
    add_stream(loop, 2, 7);          /* the same token */
    add_stream(loop, 1, 8);          /* the same descriptor */
    add_stream(loop + 1, 3, 9);      /* in the loop that is there already */
    add_stream(loop + 20, 4, 9);     /* in a loop that is none */
    add_stream(loop + 2, 5, 9);      /* in another stream */
    add_stream(loop, 0, 10);         /* without an id */
    add_stream(loop, 6, 1ull << 60); /* with a token that no client has */
    ledger_set_loop(ledger, add_loop("delivery"), 2, 0);
    ledger_set_stream(ledger, add_stream(loop, 6, 11), 4, 0, false);
    ledger_set_stream(ledger, add_stream(loop, 6, 11), 1, 3, false);
    for (uint64_t id = 1; id <= 6; id++)
        keep_stream(id);
    keep_ledger();
    start(STORE);
    await("restored 1 named loops with 1 streams");
    await("lost 11 loops or streams of the ledger");
    await("closed 5 stored descriptors");
    manager_await(2);
    for (uint64_t id = 2; id <= 6; id++)
        expect_eof(far_ends[id]);
    call(&wire, "open_loop", "{'name':'kept'}");
    write_byte(far_ends[1]);
    expect_event(&wire, 7, READY_READABLE);
    for (uint64_t id = 1; id <= 6; id++)
        close(far_ends[id]);
}
END_TEST

/* What was kept as a stream and cannot be watched is no stream. */
START_TEST(a_file_in_place_of_a_stream_is_let_go)
{
    uint32_t loop;

    new_ledger();
    loop = add_loop("kept");
    add_stream(loop, 1, 7);
    add_stream(loop, 2, 8);
    keep_stream(2);
    manager_keep("+B", memory_file("x", 1));
    keep_ledger();
    start(STORE);
    await("restored 1 named loops with 1 streams");
    await("lost 1 loops or streams of the ledger");
    call(&wire, "open_loop", "{'name':'kept'}");
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':8}]}");
    expect_in(call(&wire, "stats", NULL), "{'registrations':1}");
    close(far_ends[2]);
}
END_TEST

#define FLIPS 64

/* Whatever has become of the ledger's first bytes, the daemon starts, and serves. */
START_TEST(a_damaged_ledger_is_survived)
{
    off_t at = (_i * 37) % 1000;
    unsigned char byte;
    uint32_t loop;

    new_ledger();
    loop = add_loop("kept");
    add_stream(loop, 1, 7);
    add_stream(loop, 2, 8);
    keep_stream(1);
    keep_stream(2);
    ck_assert_int_eq(pread(ledger_fd(ledger), &byte, 1, at), 1);
    byte ^= (unsigned char)(1 << _i % 8);
    ck_assert_int_eq(pwrite(ledger_fd(ledger), &byte, 1, at), 1);
    keep_ledger();
    start(STORE);
    call(&wire, "open_loop", "{'name':'kept'}");
    call(&wire, "list", NULL);
    close(open_stream(&wire, 9, ""));
    call(&wire, "close_loop", NULL);
    close(far_ends[1]);
    close(far_ends[2]);
}
END_TEST

/* ---- Listening sockets ------------------------------------------------------------------------------------------- */

/* A passed socket, listening at this name in the folder. */
static void pass_socket(const char *name, const char *file)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/%.20s", minimiod.folder, file);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    manager_keep(name, fd);
}

/* The session with whoever listens there, and the file is no longer needed. */
static void open_at(const char *file)
{
    char path[128];

    snprintf(path, sizeof path, "%.96s/%s", minimiod.folder, file);
    wire_open(&wire, path);
    call(&wire, "ping", NULL);
    ck_assert_int_eq(unlink(path), 0);
}

static const char *const only_names[] = {"unknown", "x.socket"};

START_TEST(the_only_socket_may_have_any_name)
{
    pass_socket(only_names[_i], "only");
    manager_start(STORE);
    await("listening on the service manager's socket");
    open_at("only");
}
END_TEST

/* A client's, that was stored. */
START_TEST(a_stored_socket_is_not_listened_at)
{
    char path[128];

    pass_socket("+zz", "stored");
    manager_start(STORE);
    await(minimiod.socket);
    wire_open(&wire, minimiod.socket);
    call(&wire, "ping", NULL);
    snprintf(path, sizeof path, "%.96s/stored", minimiod.folder);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

/* ---- Handed over ------------------------------------------------------------------------------------------------ */

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    strcpy(address.sun_path, path);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    return fd;
}

/* As a damaged ledger of the binary before could say: 3 is the ledger, 4 the listener, 5 a stream. */
START_TEST(a_descriptor_that_was_handed_over_is_claimed_once)
{
    static const int numbers[] = {5, 5, 4, 3, 0, 77};
    int pair[2], fds[3];
    uint32_t loop;

    snprintf(minimiod.folder, sizeof minimiod.folder, "%s/minimio-test-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(minimiod.folder));
    snprintf(minimiod.socket, sizeof minimiod.socket, "%s/minimio.sock", minimiod.folder);
    new_ledger();
    loop = add_loop("kept");
    for (int i = 0; i < LENGTH(numbers); i++)
        ledger_set_fd(ledger, add_stream(loop, (uint64_t)i + 1, (uint64_t)i), numbers[i]);
    make_pair(SOCK_STREAM, pair);
    fds[0] = ledger_fd(ledger);
    fds[1] = listen_at(minimiod.socket);
    fds[2] = pair[0];
    setenv("MINIMIO_HANDOVER", "3,4,1", 1);
    process_start_passing(&minimiod.process, fds, 3,
                          ARGUMENTS(built_program("minimiod"), "--socket", minimiod.socket, "--config", "/dev/null"));
    unsetenv("MINIMIO_HANDOVER");
    await("restored 1 named loops with 1 streams");
    await("lost 5 loops or streams of the ledger");
    await("listening on ");
    close(pair[0]);
    close(fds[1]);
    wire_open(&wire, minimiod.socket);
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'registrations':1}");
    write_byte(pair[1]);
    expect_event(&wire, 0, READY_READABLE);
    wire_close(&wire);
    close(pair[1]);
    ledger = ledger_free(ledger);
    stop_minimiod(&minimiod);
}
END_TEST

Suite *daemon_keeping_suite(void)
{
    Suite *suite = suite_create("daemon_keeping");
    TCase *tests = tcase_create("kept");

    tcase_add_checked_fixture(tests, set_up_kept, tear_down_kept);
    tcase_set_timeout(tests, 120);
    /* What is passed, and a store, are systemd's. */
#ifdef HAVE_SYSTEMD
    tcase_add_loop_test(tests, a_loop_goes_on_in_the_next_daemon, 0, LENGTH(ends));
    tcase_add_loop_test(tests, what_ends_is_kept_no_longer, 0, LENGTH(ends));
    tcase_add_loop_test(tests, changes_are_kept, 0, LENGTH(ends));
    tcase_add_loop_test(tests, leases_are_redelivered_by_the_next_daemon, 0, LENGTH(ends));
    tcase_add_loop_test(tests, what_was_there_is_there_whatever_the_limits_are_by_now, 0, LENGTH(ends));
    tcase_add_loop_test(tests, another_binary_goes_on_with_the_same_manager, 0, LENGTH(ends));
    tcase_add_loop_test(tests, what_the_store_has_no_room_for_is_not_durable, 0, LENGTH(small));
    tcase_add_loop_test(tests, a_peer_does_not_wait_for_the_manager, 0, LENGTH(ends));
    tcase_add_loop_test(tests, a_stream_that_was_taken_goes_on, 0, LENGTH(ends));
    tcase_add_test(tests, the_manager_never_closes_the_last_copy);
    tcase_add_test(tests, what_the_manager_has_not_closed_yet_counts);
    tcase_add_test(tests, a_stream_that_was_not_kept_is_said);
    tcase_add_test(tests, what_nothing_describes_is_let_go);
    tcase_add_test(tests, a_ledger_that_is_none_is_said);
    tcase_add_test(tests, the_first_of_two_ledgers_counts);
    tcase_add_test(tests, of_entries_that_contradict_each_other_the_first_counts);
    tcase_add_test(tests, a_file_in_place_of_a_stream_is_let_go);
    tcase_add_loop_test(tests, a_damaged_ledger_is_survived, 0, FLIPS);
    tcase_add_test(tests, a_stored_socket_is_not_listened_at);
    tcase_add_loop_test(tests, the_only_socket_may_have_any_name, 0, LENGTH(only_names));
#endif
    tcase_add_loop_test(tests, without_a_store_nothing_is_kept, 0, LENGTH(ends));
    suite_add_tcase(suite, tests);
    tests = tcase_create("handed over");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_descriptor_that_was_handed_over_is_claimed_once);
    suite_add_tcase(suite, tests);
    return suite;
}
