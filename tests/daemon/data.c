/* SPDX-License-Identifier: MIT */
/*
 * Data in and out of streams: PROTOCOL.md, `read`, `write`, `shutdown`.
 */
#include "proto/base64.h"
#include "tests/daemon/fixture.h"
#include "tests/daemon/passing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_data_suite(void);

/* A stream with this token, that says nothing of itself, and its other end. */
static int quiet_stream(uint64_t token)
{
    int fds[2];

    make_pair(SOCK_STREAM, fds);
    adopt(&wire, token, fds[0], ",'interests':[]");
    return fds[1];
}

static void put(int fd, const void *bytes, size_t length)
{
    ck_assert_int_eq(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

static void io_fails(const char *error, const char *method, const char *params)
{
    call_fails(&wire, "IO_FAILED", NULL, method, "%s", params);
    expect_in(wire.message, "{'error':{'code':14,'data':{'errno':'%s'}}}", error);
    ck_assert_msg(strstr(member(wire.message, "error.message")->valuestring, " token "), "%s", wire.line);
}

/* ---- read -------------------------------------------------------------------------------------------------------- */

START_TEST(nothing_there_is_not_the_end)
{
    int peer = open_stream(&wire, 1, ",'interests':[]");

    expect_in(call(&wire, "read", "{'token':1}"), "{'data':'','encoding':'utf8','bytes':0,'eof':false}");
    expect_in(call(&wire, "read", "[1,100,'base64']"), "{'data':'','encoding':'base64','bytes':0,'eof':false}");
    put_bytes(peer, "last");
    close(peer);
    expect_in(call(&wire, "read", "[1]"), "{'data':'last','encoding':'utf8','bytes':4,'eof':false}");
    expect_in(call(&wire, "read", "[1]"), "{'data':'','bytes':0,'eof':true}");
    expect_in(call(&wire, "read", "{'token':1,'peek':true}"), "{'bytes':0,'eof':true}");
    expect_in(call(&wire, "read", "[1]"), "{'data':'','bytes':0,'eof':true}");
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':1}]}");
}
END_TEST

static const struct {
    const char *bytes;
    size_t length;
    const char *data, *encoding;
} texts[] = {
#define TEXT(bytes, data, encoding)                                                                                    \
    {                                                                                                                  \
        bytes, sizeof(bytes) - 1, data, encoding                                                                       \
    }
    TEXT("hello", "hello", "utf8"),
    TEXT("\"\\/\b\f\n\r\t", "\"\\/\b\f\n\r\t", "utf8"),
    TEXT("\x01\x1f\x7f", "\x01\x1f\x7f", "utf8"),
    TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "utf8"),
    TEXT("\xef\xbb\xbf{}", "\xef\xbb\xbf{}", "utf8"),
    TEXT("a\0b", "YQBi", "base64"),
    TEXT("\0", "AA==", "base64"),
    TEXT("\xff", "/w==", "base64"),
    TEXT("ok\xc3", "b2vD", "base64"),
    TEXT("\x80", "gA==", "base64"),
    TEXT("\xc0\xaf", "wK8=", "base64"),
    TEXT("\xed\xa0\x80", "7aCA", "base64"),
    TEXT("\xf4\x90\x80\x80", "9JCAgA==", "base64"),
};

START_TEST(text_is_text_and_the_rest_is_base64)
{
    int peer = quiet_stream(1);
    const cJSON *result;

    put(peer, texts[_i].bytes, texts[_i].length);
    for (int peek = 1; peek >= 0; peek--) {
        result = call(&wire, "read", "{'token':1,'peek':%s}", peek ? "true" : "false");
        ck_assert_str_eq(member(result, "data")->valuestring, texts[_i].data);
        expect_in(result, "{'encoding':'%s','bytes':%zu,'eof':false}", texts[_i].encoding, texts[_i].length);
    }
    expect_in(call(&wire, "read", "[1]"), "{'bytes':0}");
    close(peer);
}
END_TEST

START_TEST(base64_where_it_is_asked_for)
{
    int peer = quiet_stream(1);

    put_bytes(peer, "foobar");
    expect_in(call(&wire, "read", "{'token':1,'encoding':'base64','peek':true,'max':4}"),
              "{'data':'Zm9vYg==','encoding':'base64','bytes':4,'eof':false}");
    expect_in(call(&wire, "read", "{'token':1,'encoding':'base64'}"), "{'data':'Zm9vYmFy','bytes':6}");
    close(peer);
}
END_TEST

START_TEST(max_is_the_most)
{
    int peer = quiet_stream(1);
    static char bytes[100000];

    memset(bytes, 'x', sizeof bytes);
    put(peer, bytes, sizeof bytes);
    expect_in(call(&wire, "read", "[1,1]"), "{'data':'x','bytes':1}");
    expect_in(call(&wire, "read", "[1,32768]"), "{'encoding':'utf8','bytes':32768}");
    ck_assert_uint_eq(strlen(member(wire.message, "result.data")->valuestring), 32768);
    expect_in(call(&wire, "read", "[1]"), "{'bytes':16384}");
    expect_in(call(&wire, "read", "[1,32768,'base64']"), "{'encoding':'base64','bytes':32768}");
    expect_in(call(&wire, "read", "[1,32768]"), "{'bytes':%d}", 100000 - 1 - 2 * 32768 - 16384);
    call_fails(&wire, "INVALID_PARAMS", "{'param':'max'}", "read", "[1,0]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'max'}", "read", "[1,32769]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'encoding'}", "read", "[1,1,'utf8']");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'peek'}", "read", "[1,1,null,1]");
    close(peer);
}
END_TEST

/* 32768 control characters would be 196608 when escaped. */
START_TEST(a_text_that_does_not_fit_a_line_is_base64)
{
    static char bytes[32768];
    int peer = quiet_stream(1);
    size_t most;

    memset(bytes, 1, sizeof bytes);
    put(peer, bytes, sizeof bytes);
    expect_in(call(&wire, "read", "[1,32768]"), "{'encoding':'base64','bytes':32768}");
    /* The last one that fits, and the first that does not. */
    put(peer, bytes, 10000);
    expect_in(call(&wire, "read", "{'token':1,'max':10000,'peek':true}"), "{'encoding':'utf8','bytes':10000}");
    most = 10000 + (WIRE_LINE_BYTES - 2 - strlen(wire.line)) / 6;
    call(&wire, "read", "[1]");
    put(peer, bytes, most + 10);
    for (size_t max = most - 10; max <= most + 10; max++)
        call(&wire, "read", "{'token':1,'max':%zu,'peek':true}", max);
    expect_in(wire.message, "{'result':{'encoding':'base64'}}");
    close(peer);
}
END_TEST

START_TEST(an_id_of_any_length_leaves_room)
{
    static char bytes[32768];
    int peer = quiet_stream(1);

    memset(bytes, 0xff, sizeof bytes);
    put(peer, bytes, sizeof bytes);
    say(&wire, "{'jsonrpc':'2.0','id':'%0254d','method':'read','params':[1,32768]}", 0);
    expect(&wire, "{'id':'%0254d','result':{'encoding':'base64','bytes':32768}}", 0);
    close(peer);
}
END_TEST

/* For `write`: more than one datagram may have. */
static const char *long_message(void)
{
    static char params[240000];

    snprintf(params, sizeof params, "[1,'%0230000d']", 0);
    return params;
}

START_TEST(datagrams_come_one_by_one)
{
    static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    int fds[2];

    make_pair(types[_i], fds);
    adopt(&wire, 1, fds[0], ",'interests':[]");
    put(fds[1], "first", 5);
    put(fds[1], "second", 6);
    expect_in(call(&wire, "read", "{'token':1,'peek':true}"), "{'data':'first','bytes':5,'eof':false}");
    expect_in(call(&wire, "read", "[1]"), "{'data':'first','bytes':5,'eof':false}");
    expect_in(call(&wire, "read", "[1]"), "{'data':'second','bytes':6,'eof':false}");
    expect_in(call(&wire, "write", "[1,'reply']"), "{'bytes':5}");
    expect_bytes(fds[1], "r");
    io_fails("EMSGSIZE", "write", long_message());
    if (types[_i] == SOCK_DGRAM) { /* an empty message is one */
        put(fds[1], "", 0);
        put(fds[1], "x", 1);
        expect_in(call(&wire, "read", "[1]"), "{'bytes':0,'eof':false}");
        expect_in(call(&wire, "read", "[1]"), "{'data':'x'}");
    }
    close(fds[1]);
}
END_TEST

/* ---- A batch's line ---------------------------------------------------------------------------------------------- */

/* As many reads as a batch may have, of a stream that has much: each gives what fits, the next goes on behind it. */
static void read_batch(int count, const char *encoding, struct buffer *got)
{
    const cJSON *reply;

    wire_send(&wire, "[");
    for (int i = 0; i < count; i++)
        say(&wire, "%s{'jsonrpc':'2.0','id':%d,'method':'read','params':[1,32768,'%s']}", i ? "," : "", i, encoding);
    wire_send(&wire, "]");
    ck_assert(wire_read(&wire));
    ck_assert_int_eq(cJSON_GetArraySize(wire.message), count);
    cJSON_ArrayForEach(reply, wire.message) {
        const cJSON *result = cJSON_GetObjectItem(reply, "result");
        const char *data;

        if (!result) {
            expect_in(reply, "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'line_bytes'}}}");
            continue;
        }
        data = member(result, "data")->valuestring;
        if (strcmp(member(result, "encoding")->valuestring, "utf8") == 0)
            buffer_append_text(got, data);
        else
            ck_assert_int_eq(base64_decode(got, (struct span){data, strlen(data)}), 0);
    }
}

START_TEST(a_batch_of_reads_loses_nothing)
{
    static const char *const encodings[] = {"auto", "base64"};
    static char bytes[100000];
    int peer = quiet_stream(1);
    struct buffer got;

    for (size_t i = 0; i < sizeof bytes; i++) /* with escapes and without */
        bytes[i] = (char)(i / 1000 % 2 ? 1 + i % 31 : 'a' + i % 26);
    put(peer, bytes, sizeof bytes);
    buffer_init(&got);
    for (int count = 64; got.length<sizeof bytes; count = count> 1 ? count / 2 : 1)
        read_batch(count, encodings[_i], &got);
    ck_assert_uint_eq(got.length, sizeof bytes);
    ck_assert_mem_eq(buffer_bytes(&got), bytes, sizeof bytes);
    buffer_deinit(&got);
    close(peer);
}
END_TEST

/* The array is on its way, and gone, before the read is done with. */
START_TEST(a_batch_may_end_with_a_read_that_fails)
{
    for (int i = 0; i < 10; i++) {
        say(&wire, "[{'jsonrpc':'2.0','id':1,'method':'ping'},{'jsonrpc':'2.0','id':2,'method':'read','params':[7]}]");
        expect(&wire, "[{'id':1,'result':{}},{'id':2,'error':{'data':{'name':'TOKEN_UNKNOWN'}}}]");
    }
}
END_TEST

/* ---- write ------------------------------------------------------------------------------------------------------- */

START_TEST(text_and_base64_are_written)
{
    int peer = quiet_stream(1);

    expect_in(call(&wire, "write", "{'token':1,'data':'a\\n\\u00e9\\ud83d\\ude00'}"), "{'bytes':8}");
    expect_bytes(peer, "a\n\xc3\xa9\xf0\x9f\x98\x80");
    expect_in(call(&wire, "write", "[1,'','utf8']"), "{'bytes':0}");
    expect_in(call(&wire, "write", "[1,'','base64']"), "{'bytes':0}");
    expect_in(call(&wire, "write", "[1,'aGk=','base64']"), "{'bytes':2}");
    expect_bytes(peer, "hi");
    expect_in(call(&wire, "write", "{'token':1,'data':'\\u0041AAB','encoding':'base64'}"), "{'bytes':3}");
    ck_assert_int_eq(recv(peer, (char[3]){0}, 3, MSG_DONTWAIT), 3);
    expect_in(call(&wire, "write", "[1,'aGk=']"), "{'bytes':4}");
    expect_bytes(peer, "aGk=");
    close(peer);
}
END_TEST

START_TEST(what_is_not_base64_is_not_written)
{
    static const char *const wrong[] = {
        "a",    "aG",      "aGk",    "aGk==",      "aG=k",       "=aGk", "====",     "aGl=",
        "aB==", "aGk-",    "aGk\\n", "aGk=\\n",    " aGk=",      "aGk_", "aGk=aGk=", "aGkh\\r\\naGkh",
        "a===", "aGkhaGk", "aGkh=",  "\\u00e9GkA", "aG\\u0001h",
    };
    int peer = quiet_stream(1);

    for (int i = 0; i < LENGTH(wrong); i++)
        call_fails(&wire, "INVALID_PARAMS", "{'param':'data'}", "write", "[1,'%s','base64']", wrong[i]);
    call_fails(&wire, "INVALID_PARAMS", "{'param':'data'}", "write", "[1]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'data'}", "write", "[1,5]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'encoding'}", "write", "[1,'','auto']");
    ck_assert_int_eq(recv(peer, (char[1]){0}, 1, MSG_DONTWAIT), -1);
    close(peer);
}
END_TEST

/* As much as fits, then nothing, and all of what was taken arrives. */
START_TEST(a_full_stream_takes_part_and_then_nothing)
{
    static char data[200 * 1024 + 1];
    size_t taken = 0, arrived = 0, bytes, partly = 0;
    int peer = open_stream(&wire, 1, ",'interests':[]");

    memset(data, 'w', sizeof data - 1);
    do {
        bytes = (size_t)member(call(&wire, "write", "[1,'%s']", data), "bytes")->valuedouble;
        ck_assert_uint_le(bytes, sizeof data - 1);
        partly += bytes && bytes < sizeof data - 1;
        taken += bytes;
    } while (bytes);
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_gt(partly, 0);
    do { /* the kernel may have found room since */
        bytes = (size_t)member(call(&wire, "write", "[1,'%s','base64']", data), "bytes")->valuedouble;
        taken += bytes;
    } while (bytes);
    call(&wire, "reregister", "[1,['writable']]");
    call(&wire, "shutdown", "[1,'write']");
    for (ssize_t count = 1; count > 0; arrived += (size_t)count) {
        count = recv(peer, data, sizeof data, 0);
        ck_assert_int_ge(count, 0);
    }
    ck_assert_uint_eq(arrived, taken);
    close(peer);
}
END_TEST

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

START_TEST(a_reset_is_told_by_name)
{
    int peer = open_stream(&wire, 1, ",'interests':[]");

    reset(peer);
    expect_event(&wire, 1, READY_READ_CLOSED | READY_WRITE_CLOSED | READY_ERROR);
    expect_in(call(&wire, "read", "[1]"), "{'bytes':0,'eof':true,'errno':'ECONNRESET'}");
    io_fails("EPIPE", "write", "[1,'x']");
    peer = open_stream(&wire, 2, ",'interests':[]");
    reset(peer);
    io_fails("ECONNRESET", "write", "[2,'x']");
}
END_TEST

START_TEST(a_peer_that_is_gone_is_a_broken_pipe)
{
    int peer = quiet_stream(1);

    close(peer);
    io_fails("EPIPE", "write", "[1,'x']");
    expect_in(call(&wire, "read", "[1]"), "{'bytes':0,'eof':true}");
    call(&wire, "ping", NULL);
}
END_TEST

START_TEST(what_is_no_socket_cannot_be_read)
{
    static const struct {
        const char *method, *params;
    } calls[] = {{"read", "[1]"}, {"read", "[1,1,null,true]"}, {"write", "[1,'x']"}, {"shutdown", "[1,'both']"}};
    int fds[2];

    make_pipe(fds);
    adopt(&wire, 1, fds[0], ",'interests':[]");
    put_bytes(fds[1], "x");
    for (int i = 0; i < LENGTH(calls); i++)
        io_fails("ENOTSOCK", calls[i].method, calls[i].params);
    call(&wire, "reregister", "[1,['readable']]");
    expect_event(&wire, 1, READY_READABLE);
    close(fds[1]);
}
END_TEST

START_TEST(a_listening_socket_has_no_data)
{
    struct port listening;

    port_open(&listening);
    adopt(&wire, 1, listening.fd, "");
    io_fails("ENOTCONN", "read", "[1]");
    io_fails("EPIPE", "write", "[1,'x']");
}
END_TEST

START_TEST(only_what_is_connected)
{
    static const struct {
        const char *method, *rest;
    } calls[] = {{"read", ""}, {"write", ",''"}, {"shutdown", ",'read'"}};
    struct black_hole hole;

    black_hole_open(&hole);
    say(&wire, "{'jsonrpc':'2.0','method':'register','params':[1,'%s']}", hole.port.address);
    for (int i = 0; i < LENGTH(calls); i++) {
        call_fails(&wire, "NOT_CONNECTED", NULL, calls[i].method, "[1%s]", calls[i].rest);
        call_fails(&wire, "TOKEN_UNKNOWN", NULL, calls[i].method, "[2%s]", calls[i].rest);
    }
    call(&wire, "close_loop", NULL);
    for (int i = 0; i < LENGTH(calls); i++)
        call_fails(&wire, "LOOP_CLOSED", NULL, calls[i].method, "[1%s]", calls[i].rest);
    black_hole_close(&hole);
}
END_TEST

/* ---- shutdown ---------------------------------------------------------------------------------------------------- */

START_TEST(directions_end_one_by_one)
{
    int peer = open_stream(&wire, 1, ",'mode':'edge'");

    expect_in(call(&wire, "shutdown", "{'token':1,'how':'write'}"), "{}");
    expect_eof(peer);
    put_bytes(peer, "still");
    expect_event(&wire, 1, READY_READABLE);
    expect_in(call(&wire, "read", "[1]"), "{'data':'still','eof':false}");
    io_fails("EPIPE", "write", "[1,'x']");
    call(&wire, "shutdown", "[1,'read']");
    ck_assert_uint_eq(next_event(&wire).flags & READY_READ_CLOSED, READY_READ_CLOSED);
    expect_in(call(&wire, "read", "[1]"), "{'bytes':0,'eof':true}");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'how'}", "shutdown", "[1]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'how'}", "shutdown", "[1,'none']");
    call(&wire, "deregister", "[1]");
    close(peer);
    peer = quiet_stream(2);
    call(&wire, "shutdown", "[2,'both']");
    expect_eof(peer);
    close(peer);
}
END_TEST

/* ---- Much -------------------------------------------------------------------------------------------------------- */

#define MEGABYTE (1024 * 1024)

static char much(size_t at, bool text)
{
    uint32_t mixed = (uint32_t)at * 2654435761u;

    return (char)(text ? 1 + mixed % 127 : mixed >> 13);
}

/* One assertion for all bytes: each assertion of Check's writes to a file. */
static void assert_much(const char *bytes, size_t length, size_t at, bool text)
{
    size_t same = 0;

    while (same < length && bytes[same] == much(at + same, text))
        same++;
    ck_assert_msg(same == length, "byte %zu is another", at + same);
}

START_TEST(a_megabyte_comes_as_it_was_sent)
{
    const char *encoding = _i & 1 ? "base64" : "auto";
    int peer = open_stream(&wire, 1, ",'interests':[]");
    size_t at = 0, sent = 0;
    struct buffer got;

    buffer_init(&got);
    while (at < MEGABYTE) {
        char bytes[5000];
        const cJSON *result;
        ssize_t count;

        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = much(sent + i, _i & 2);
        count = sent < MEGABYTE ? send(peer, bytes, MEGABYTE - sent < sizeof bytes ? MEGABYTE - sent : sizeof bytes,
                                       MSG_DONTWAIT | MSG_NOSIGNAL)
                                : 0;
        sent += count > 0 ? (size_t)count : 0;
        result = call(&wire, "read", "[1,%zu,'%s']", 1 + at % 32768, encoding);
        expect_in(result, "{'eof':false}");
        buffer_consume(&got, got.length);
        if (strcmp(member(result, "encoding")->valuestring, "base64") == 0)
            ck_assert_int_eq(base64_decode(&got, (struct span){member(result, "data")->valuestring,
                                                               strlen(member(result, "data")->valuestring)}),
                             0);
        else
            buffer_append_text(&got, member(result, "data")->valuestring);
        ck_assert_uint_eq(got.length, (size_t)member(result, "bytes")->valueint);
        assert_much(buffer_bytes(&got), got.length, at, _i & 2);
        at += got.length;
    }
    ck_assert_uint_eq(at, MEGABYTE);
    buffer_deinit(&got);
    close(peer);
}
END_TEST

START_TEST(a_megabyte_goes_as_it_was_given)
{
    int peer = open_stream(&wire, 1, ",'interests':[]");
    size_t given = 0, arrived = 0;
    struct buffer text;

    buffer_init(&text);
    while (arrived < MEGABYTE) {
        char bytes[20000];
        size_t length = MEGABYTE - given < 15000 ? MEGABYTE - given : 15000;
        ssize_t count;

        for (size_t i = 0; i < length; i++)
            bytes[i] = much(given + i, false);
        buffer_consume(&text, text.length);
        base64_encode(&text, bytes, length);
        given +=
            (size_t)member(call(&wire, "write", "[1,'%.*s','base64']", (int)text.length, buffer_bytes(&text)), "bytes")
                ->valueint;
        for (; (count = recv(peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0; arrived += (size_t)count)
            assert_much(bytes, (size_t)count, arrived, false);
        ck_assert_int_eq(errno, EAGAIN);
    }
    ck_assert_uint_eq(arrived, MEGABYTE);
    buffer_deinit(&text);
    close(peer);
}
END_TEST

/* The fault is the last answer that its batch waits for: nothing of it may be looked at from there on. */
START_TEST(a_fault_alone_in_a_batch)
{
    static const char *const calls[] = {
        "'reregister','params':[2]", "'deregister','params':[2]", "'take','params':[2]",
        "'read','params':[2]",       "'write','params':[2,'x']",  "'shutdown','params':[2,'both']",
    };

    say(&wire, "[{'jsonrpc':'2.0','id':1,'method':%s}]", calls[_i]);
    expect(&wire, "[{'id':1,'error':{'data':{'name':'TOKEN_UNKNOWN'}}}]");
}
END_TEST

Suite *daemon_data_suite(void)
{
    Suite *suite = suite_create("daemon_data");
    TCase *tests = add_case(suite, "read");

    tcase_add_test(tests, nothing_there_is_not_the_end);
    tcase_add_loop_test(tests, text_is_text_and_the_rest_is_base64, 0, LENGTH(texts));
    tcase_add_test(tests, base64_where_it_is_asked_for);
    tcase_add_test(tests, max_is_the_most);
    tcase_add_test(tests, a_text_that_does_not_fit_a_line_is_base64);
    tcase_add_test(tests, an_id_of_any_length_leaves_room);
    tcase_add_loop_test(tests, datagrams_come_one_by_one, 0, 2);
    tcase_add_loop_test(tests, a_batch_of_reads_loses_nothing, 0, 2);
    tcase_add_test(tests, a_batch_may_end_with_a_read_that_fails);
    tests = add_case(suite, "write");
    tcase_add_test(tests, text_and_base64_are_written);
    tcase_add_test(tests, what_is_not_base64_is_not_written);
    tcase_add_test(tests, a_full_stream_takes_part_and_then_nothing);
    tests = add_case(suite, "errors");
    tcase_add_test(tests, a_reset_is_told_by_name);
    tcase_add_test(tests, a_peer_that_is_gone_is_a_broken_pipe);
    tcase_add_test(tests, what_is_no_socket_cannot_be_read);
    tcase_add_test(tests, a_listening_socket_has_no_data);
    tcase_add_test(tests, only_what_is_connected);
    tcase_add_loop_test(tests, a_fault_alone_in_a_batch, 0, 6);
    tests = add_case(suite, "shutdown");
    tcase_add_test(tests, directions_end_one_by_one);
    tests = add_case(suite, "much");
    tcase_add_loop_test(tests, a_megabyte_comes_as_it_was_sent, 0, 4);
    tcase_add_test(tests, a_megabyte_goes_as_it_was_given);
    return suite;
}
