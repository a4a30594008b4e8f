/* SPDX-License-Identifier: MIT */
/*
 * Whose descriptor is whose, and when there are too many: PROTOCOL.md, "Descriptors".
 */
#include "tests/daemon/fixture.h"
#include "tests/daemon/freeze.h"
#include "tests/daemon/passing.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_unclaimed_suite(void);

/* Streams that can be told apart: what the end for the daemon reads is the number that was put in at the other. */
struct marked {
    int theirs, ours;
};

static struct marked mark(int number)
{
    char text[16];
    int fds[2];

    make_pair(SOCK_STREAM, fds);
    snprintf(text, sizeof text, "%d", number);
    put_bytes(fds[1], text);
    return (struct marked){fds[0], fds[1]};
}

static void expect_mark(struct wire *on, uint64_t token, int number)
{
    expect_in(call(on, "read", "[%llu]", (unsigned long long)token), "{'data':'%d'}", number);
}

/* The daemon's end is closed, or soon will be. */
static void expect_closed(struct marked marked)
{
    struct pollfd closed = {.fd = marked.ours};

    ck_assert_int_eq(poll(&closed, 1, PROCESS_TIMEOUT_MS), 1);
    ck_assert_int_eq(closed.revents & POLLHUP, POLLHUP);
    close(marked.ours);
}

static void send_marked(struct wire *on, const char *bytes, const struct marked *marked, size_t count)
{
    int fds[PASSED_MAX];

    for (size_t i = 0; i < count; i++)
        fds[i] = marked[i].theirs;
    send_with(on, bytes, strlen(bytes), fds, count);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* ---- Order ------------------------------------------------------------------------------------------------------- */

START_TEST(the_oldest_is_claimed_first)
{
    struct marked marked[20];

    for (int i = 0; i < 20; i++)
        marked[i] = mark(i);
    send_marked(&wire, "\n", marked, 1);
    send_marked(&wire, " \n ", marked + 1, 16);
    send_marked(&wire, "{\"jsonrpc\":\"2.0\",", marked + 17, 2);
    wire_send(&wire, "\"id\":\"first\",\"method\":\"register\",\"params\":{\"token\":0,\"fd\":true,\"interests\":[]}}");
    expect(&wire, "{'id':'first','result':{'token':0}}");
    for (int i = 1; i < 19; i++)
        call(&wire, "register", "{'token':%d,'fd':true,'interests':[]}", i);
    call_fails(&wire, "FD_MISSING", NULL, "register", "{'token':19,'fd':true}");
    send_marked(&wire, "\n", marked + 19, 1);
    call(&wire, "register", "{'token':19,'fd':true,'interests':[]}");
    for (int i = 0; i < 20; i++)
        expect_mark(&wire, (uint64_t)i, i);
    for (int i = 0; i < 20; i++)
        close(marked[i].ours);
}
END_TEST

START_TEST(a_batch_claims_in_its_order)
{
    struct marked marked[3] = {mark(0), mark(1), mark(2)};

    send_marked(&wire,
                "[{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"register\",\"params\":{\"token\":0,\"fd\":true}},"
                "{\"jsonrpc\":\"2.0\",\"method\":\"register\",\"params\":{\"token\":1,\"fd\":true}},"
                "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"register\",\"params\":{\"token\":2,\"fd\":true}}]",
                marked, 3);
    expect(&wire, "[{'id':0,'result':{'token':0}},{'id':2,'result':{'token':2}}]");
    for (uint64_t token = 0; token < 3; token++)
        expect_event(&wire, token, READY_READABLE);
    for (int i = 0; i < 3; i++) {
        expect_mark(&wire, (uint64_t)i, i);
        close(marked[i].ours);
    }
}
END_TEST

/* Where the bytes are cut, and where descriptors come before their turn, is nobody's business. */
#define CLAIMS     200
#define CLAIM_TEXT "{'jsonrpc':'2.0','id':%03d,'method':'register','params':{'token':%03d,'fd':true,'interests':[]}}"

static char *claims_text(void)
{
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);

    ck_assert_ptr_nonnull(stream);
    for (int i = 1000; i < 1000 + CLAIMS; i++)
        fprintf(stream, CLAIM_TEXT, i, i);
    fclose(stream);
    for (char *quote = text; (quote = strchr(quote, '\''));)
        *quote = '"';
    return text;
}

START_TEST(order_holds_in_any_cut)
{
    static struct marked marked[CLAIMS + 1];
    char *text = claims_text(), *at = text;
    size_t each = strlen(text) / CLAIMS;
    int sent = 0;

    srand((unsigned)_i);
    for (int i = 0; i < CLAIMS; i++)
        marked[i] = mark(i);
    while (*at) {
        size_t left = strlen(at), piece = (size_t)rand() % 150 + 1;
        int needed;

        piece = piece < left ? piece : left;
        needed = (int)((size_t)(at - text + (ptrdiff_t)piece) / each) - sent;
        needed = needed > 0 ? needed : rand() % 4 == 0 && sent < CLAIMS;
        send_with(&wire, at, piece, (int[]){marked[sent].theirs, marked[sent + 1].theirs}, (size_t)needed);
        at += piece;
        sent += needed;
    }
    for (int i = 1000; i < 1000 + CLAIMS; i++)
        expect(&wire, "{'id':%d,'result':{'token':%d}}", i, i);
    for (int i = 0; i < CLAIMS; i++) {
        expect_mark(&wire, (uint64_t)i + 1000, i);
        close(marked[i].ours);
        close(marked[i].theirs);
    }
    free(text);
}
END_TEST

/* ---- Registers that fail ----------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *params;
} failing[] = {
    {"TOKEN_EXISTS", "{'token':5,'fd':true}"},
    {"INVALID_PARAMS", "{'fd':true}"},
    {"INVALID_PARAMS", "{'token':'x','fd':true}"},
    {"INVALID_PARAMS", "{'token':-1,'fd':true}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'address':'127.0.0.1:1'}"},
    {"INVALID_PARAMS", "{'token':1,'address':5,'fd':true}"},
    {"INVALID_PARAMS", "{'token':1,'address':'','fd':true}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'mode':'level'}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'mode':'x'}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'mode':1}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'interests':['x']}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'interests':'readable'}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'timeout_ms':-1}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'nodelay':0}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'keepalive':'yes'}"},
    {"INVALID_PARAMS", "{'token':1,'fd':true,'what':1}"},
    {"INVALID_PARAMS", "{'what':1,'token':1,'f\\u0064':true}"},
    {"INVALID_PARAMS", "['x',null,true]"},
    {"INVALID_PARAMS", "[1,'127.0.0.1:1',true]"},
    {"INVALID_PARAMS", "[1,null,true,null,null,null,null,null,null,null]"},
};

/* A register with a descriptor that fails with this name: it is closed, and the next register has the next one. */
static void expect_claimed_in_vain(struct wire *on, const char *name, const char *params)
{
    struct marked lost = mark(1);

    say_with(on, lost.theirs, "{'jsonrpc':'2.0','id':'fails','method':'register','params':%s}", params);
    expect(on, "{'id':'fails','error':{'data':{'name':'%s'}}}", name);
    expect_closed(lost);
}

static void expect_next_is_next(struct wire *on)
{
    struct marked next = mark(2);

    adopt(on, 7, next.theirs, ",'interests':[]");
    expect_mark(on, 7, 2);
    call(on, "deregister", "[7]");
    expect_closed(next);
}

START_TEST(a_register_that_fails_has_its_descriptor)
{
    struct marked old = mark(0);

    adopt(&wire, 5, old.theirs, ",'interests':[]");
    expect_claimed_in_vain(&wire, failing[_i].name, failing[_i].params);
    expect_next_is_next(&wire);
    expect_mark(&wire, 5, 0);
    ck_assert_int_eq(counter(&wire, "registrations"), 1);
    close(old.ours);
}
END_TEST

START_TEST(also_without_a_reply_and_in_a_batch)
{
    struct marked marked[3] = {mark(0), mark(1), mark(2)};

    send_marked(&wire,
                "{\"jsonrpc\":\"2.0\",\"method\":\"register\",\"params\":[-1,null,true]}"
                "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"register\",\"params\":[-1,null,true]},"
                "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"register\",\"params\":[2,null,true,[]]}]",
                marked, 3);
    expect(&wire, "[{'id':1,'error':{'data':{'name':'INVALID_PARAMS','param':'token'}}},{'id':2,'result':{}}]");
    expect_mark(&wire, 2, 2);
    expect_closed(marked[0]);
    expect_closed(marked[1]);
    close(marked[2].ours);
}
END_TEST

START_TEST(only_true_claims)
{
    static const char *const wrong[] = {"{'token':1,'fd':false}", "{'token':1,'fd':null}", "{'token':1,'fd':1}",
                                        "{'token':1,'fd':'true'}", "{'token':1}"};
    struct marked marked = mark(3);

    send_marked(&wire, "\n", &marked, 1);
    for (int i = 0; i < LENGTH(wrong); i++)
        call_fails(&wire, "INVALID_PARAMS", NULL, "register", "%s", wrong[i]);
    say(&wire, "{'id':1,'method':'register','params':[1,null,true]}");
    expect(&wire, "{'error':{'data':{'name':'INVALID_REQUEST'}}}");
    call_fails(&wire, "METHOD_NOT_FOUND", NULL, "Register", "[1,null,true]");
    close(open_stream(&wire, 2, ",'interests':[]"));
    call(&wire, "register", "{'token':1,'fd':true,'interests':[]}");
    expect_mark(&wire, 1, 3);
    close(marked.ours);
}
END_TEST

START_TEST(one_that_is_unsuitable_is_used_up)
{
    say_with(&wire, open("README.md", O_RDONLY | O_CLOEXEC),
             "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,null,true]}");
    expect(&wire, "{'error':{'data':{'name':'FD_UNSUITABLE'}}}");
    expect_next_is_next(&wire);
}
END_TEST

START_TEST(without_a_loop_it_has_its_descriptor_too)
{
    call(&wire, "close_loop", NULL);
    expect_claimed_in_vain(&wire, "LOOP_CLOSED", "{'token':1,'fd':true}");
    expect_claimed_in_vain(&wire, "INVALID_PARAMS", "{'token':-1,'fd':true}");
    call(&wire, "open_loop", NULL);
    expect_next_is_next(&wire);
}
END_TEST

static void set_up_one_registration(void)
{
    set_up_with(ARGUMENTS("--limit", "registrations=1"));
}

START_TEST(past_the_limit_of_registrations)
{
    struct marked first = mark(0);

    adopt(&wire, 1, first.theirs, ",'interests':[]");
    expect_claimed_in_vain(&wire, "LIMIT_EXCEEDED", "{'token':2,'fd':true}");
    expect_in(member(wire.message, "error.data"), "{'limit':'registrations','max':1}");
    call(&wire, "deregister", "[1]");
    expect_closed(first);
    expect_next_is_next(&wire);
}
END_TEST

/* ---- Too many ---------------------------------------------------------------------------------------------------- */

static void expect_refused(struct wire *on)
{
    expect(on, "{'id':null,'error':{'code':13,'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors'}}}");
    expect_end(on);
}

static void send_many(struct wire *on, const char *bytes, int fd, size_t count)
{
    int fds[PASSED_MAX];

    for (size_t i = 0; i < count; i++)
        fds[i] = fd;
    send_with(on, bytes, strlen(bytes), fds, count);
}

START_TEST(sixteen_a_message_and_sixty_four_in_all)
{
    int before = current_descriptor_count(), fds[2];

    make_pair(SOCK_STREAM, fds);
    for (int i = 0; i < 4; i++)
        send_many(&wire, "\n", fds[0], 16);
    call(&wire, "ping", NULL);
    adopt(&wire, 1000, dup(fds[0]), ",'interests':[]"); /* it takes one, and brings one */
    for (int i = 0; i < 64; i++)
        call(&wire, "register", "{'token':%d,'fd':true,'interests':[]}", i);
    ck_assert_int_eq(current_descriptor_count(), before + 65);
    send_many(&wire, "\n", fds[0], 1);
    call(&wire, "register", "{'token':64,'fd':true,'interests':[]}");
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(too_many_at_once_end_the_session)
{
    static const size_t counts[] = {17, 18, 64, 253};
    int fds[2], before = current_descriptor_count();
    struct wire other;

    make_pair(SOCK_STREAM, fds);
    wire_open(&other, minimiod.socket);
    call(&other, "ping", NULL);
    send_many(&other, "\n", fds[0], 3);
    send_many(&other, "{", fds[0], counts[_i]);
    close(fds[0]);
    expect_refused(&other);
    expect_eof(fds[1]);
    close(fds[1]);
    wire_close(&other);
    await_descriptor_count(before);
}
END_TEST

START_TEST(too_many_in_all_end_the_session)
{
    int fds[2], before = current_descriptor_count();
    struct wire other;

    make_pair(SOCK_STREAM, fds);
    wire_open(&other, minimiod.socket);
    for (int i = 0; i < 4; i++)
        send_many(&other, " ", fds[0], 16);
    call(&other, "ping", NULL);
    send_many(&other, " ", fds[0], 1);
    close(fds[0]);
    expect_refused(&other);
    expect_eof(fds[1]);
    close(fds[1]);
    wire_close(&other);
    await_descriptor_count(before);
}
END_TEST

/* How long the daemon takes to end with descriptors of 20 sessions that nobody has claimed. */
static int64_t end_with_unclaimed(void)
{
    static struct wire many[20];
    int fds[2];
    int64_t took_ns;

    make_pair(SOCK_STREAM, fds);
    for (int i = 0; i < LENGTH(many); i++) {
        wire_open(&many[i], minimiod.socket);
        for (int k = 0; k < 4; k++)
            send_many(&many[i], "\n", fds[0], 16);
        call(&many[i], "ping", NULL);
    }
    wire_close(&wire);
    freeze();
    for (int i = 0; i < LENGTH(many); i++)
        wire_close(&many[i]);
    thaw();
    took_ns = -test_now_ns();
    stop_minimiod(&minimiod);
    took_ns += test_now_ns();
    close(fds[0]);
    close(fds[1]);
    set_up();
    return took_ns;
}

#define TRIES_MAX 20

/* What nobody claimed is closed a few at a time, but all of it at once when there is no time left: an end that waited
 * would take the second that clients have to read their last lines, each time. */
START_TEST(the_end_of_the_daemon_does_not_wait_for_them)
{
    int64_t least_ns = INT64_MAX;

    for (int i = 0; i < TRIES_MAX && least_ns >= 900000000; i++) {
        int64_t took_ns = end_with_unclaimed();

        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    ck_assert_int_lt(least_ns, 900000000);
}
END_TEST

START_TEST(the_error_is_the_last_line)
{
    struct black_hole hole;
    struct marked marked = mark(1);
    int fds[2];

    make_pair(SOCK_STREAM, fds);
    black_hole_open(&hole);
    adopt(&wire, 1, marked.theirs, ",'mode':'edge'");
    expect_event(&wire, 1, READY_READABLE);
    say(&wire, "{'jsonrpc':'2.0','id':2,'method':'register','params':[2,'%s',null,null,null,1]}", hole.port.address);
    write_byte(marked.ours);
    send_many(&wire, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}\n", fds[0], 17);
    while (wire_read(&wire) && !cJSON_IsNull(cJSON_GetObjectItem(wire.message, "id")))
        ;
    ck_assert_ptr_nonnull(wire.message);
    expect_in(wire.message, "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors'}}}");
    expect_end(&wire);
    black_hole_close(&hole);
    close(fds[0]);
    close(fds[1]);
    close(marked.ours);
}
END_TEST

/* Much is still to be said before it, and more becomes known meanwhile. */
static void set_up_much_output(void)
{
    set_up_with(ARGUMENTS("--limit", "output_bytes=1000000"));
}

#define UNREAD 1000
START_TEST(nothing_follows_the_error)
{
    struct wire other;
    int fds[2];

    make_pair(SOCK_STREAM, fds);
    wire_open(&other, minimiod.socket);
    call(&other, "open_loop", "['shared']");
    for (int i = 0; i < UNREAD; i++)
        say(&other, "{'jsonrpc':'2.0','id':%d,'method':'hello'}", i);
    send_many(&other, "\n", fds[0], 17);
    while (counter(&wire, "errors.LIMIT_EXCEEDED") == 0)
        ;
    expect_in(call(&wire, "open_loop", "['shared',null,true]"), "{'created':false}");
    for (int i = 0; i < UNREAD; i++)
        expect(&other, "{'id':%d,'result':{}}", i);
    expect_refused(&other);
    wire_close(&other);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(a_set_cut_short_for_want_of_descriptors)
{
    struct wire holders[2], last;
    struct minimiod daemon;
    int fds[2];

    make_pair(SOCK_STREAM, fds);
    start_with_descriptors(&daemon, 372);
    for (int i = 0; i < 2; i++)
        wire_open(&holders[i], daemon.socket);
    wire_open(&last, daemon.socket);
    call(&last, "ping", NULL);
    for (int i = 0; i < 2; i++)
        for (int n = 0; n < 4 - 2 * i; n++) {
            send_many(&holders[i], "\n", fds[0], i ? 8 : 16);
            call(&holders[i], "ping", NULL);
        }
    send_many(&last, "\n", fds[0], 16);
    expect_refused(&last);
    wire_close(&last);
    call(&holders[0], "register", "[1,null,true,[]]");
    for (int i = 0; i < 2; i++)
        wire_close(&holders[i]);
    wire_open(&last, daemon.socket);
    while (counter(&last, "sessions") > 1)
        ;
    send_many(&last, "\n", fds[0], 16);
    call(&last, "register", "[1,null,true,[]]");
    wire_close(&last);
    stop_minimiod(&daemon);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

Suite *daemon_unclaimed_suite(void)
{
    Suite *suite = suite_create("daemon_unclaimed");
    TCase *tests = add_case(suite, "order");

    tcase_add_test(tests, the_oldest_is_claimed_first);
    tcase_add_test(tests, a_batch_claims_in_its_order);
    tcase_add_loop_test(tests, order_holds_in_any_cut, 0, 10);
    tests = add_case(suite, "in_vain");
    tcase_add_loop_test(tests, a_register_that_fails_has_its_descriptor, 0, LENGTH(failing));
    tcase_add_test(tests, also_without_a_reply_and_in_a_batch);
    tcase_add_test(tests, only_true_claims);
    tcase_add_test(tests, one_that_is_unsuitable_is_used_up);
    tcase_add_test(tests, without_a_loop_it_has_its_descriptor_too);
    tests = tcase_create("limited");
    tcase_add_checked_fixture(tests, set_up_one_registration, tear_down);
    tcase_add_test(tests, past_the_limit_of_registrations);
    suite_add_tcase(suite, tests);
    tests = tcase_create("unread");
    tcase_add_checked_fixture(tests, set_up_much_output, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, nothing_follows_the_error);
    suite_add_tcase(suite, tests);
    tests = add_case(suite, "too_many");
    tcase_add_test(tests, sixteen_a_message_and_sixty_four_in_all);
    tcase_add_loop_test(tests, too_many_at_once_end_the_session, 0, 4);
    tcase_add_test(tests, too_many_in_all_end_the_session);
    tcase_add_test(tests, the_end_of_the_daemon_does_not_wait_for_them);
    tcase_add_test(tests, the_error_is_the_last_line);
    tcase_add_test(tests, a_set_cut_short_for_want_of_descriptors);
    return suite;
}
