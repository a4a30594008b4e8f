/* SPDX-License-Identifier: MIT */
#include "tests/daemon/wire.h"

#include "proto/methods.h"
#include "proto/scan.h"
#include "tests/process.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void wire_open(struct wire *ret_wire, const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    ret_wire->message = NULL;
    ret_wire->events = NULL;
    ret_wire->event_count = 0;
    buffer_init(&ret_wire->in);
    ck_assert_uint_lt(strlen(socket_path), sizeof(address.sun_path));
    strcpy(address.sun_path, socket_path);
    ret_wire->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(ret_wire->fd, 0);
    ck_assert_int_eq(connect(ret_wire->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void wire_close(struct wire *wire)
{
    close(wire->fd);
    cJSON_Delete(wire->message);
    wire->message = NULL;
    free(wire->events);
    wire->events = NULL;
    buffer_deinit(&wire->in);
}

/* ---- Saying ----------------------------------------------------------------------------------------------------- */

void wire_send_bytes(struct wire *wire, const void *data, size_t length)
{
    while (length) {
        ssize_t n = send(wire->fd, data, length, MSG_NOSIGNAL);

        ck_assert_msg(n > 0, "the daemon closed the session: %s", strerror(errno));
        data = (const char *)data + n;
        length -= (size_t)n;
    }
}

void wire_send(struct wire *wire, const char *text)
{
    wire_send_bytes(wire, text, strlen(text));
}

void wire_finish(struct wire *wire)
{
    ck_assert_int_eq(shutdown(wire->fd, SHUT_WR), 0);
}

static __attribute__((format(printf, 1, 0))) char *quoted(const char *format, va_list arguments)
{
    char *text;

    ck_assert_int_ge(vasprintf(&text, format, arguments), 0);
    for (char *quote = text; (quote = strchr(quote, '\''));)
        *quote = '"';
    return text;
}

#define QUOTED(name, last, format)                                                                                     \
    va_list arguments;                                                                                                 \
    va_start(arguments, last);                                                                                         \
    char *name = quoted(format, arguments);                                                                            \
    va_end(arguments)

/* In one piece: the request is answered before its newline is there, and a newline that is unread when the daemon is
 * killed makes a reset of the end. */
void say(struct wire *wire, const char *format, ...)
{
    QUOTED(text, format, format);
    size_t length = strlen(text);

    /* At once: the reply may come before a line feed that is sent apart, and then the line feed stays unread. */
    text[length] = '\n';
    wire_send_bytes(wire, text, length + 1);
    free(text);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static void check_line(const char *line, size_t length)
{
    struct limits limits;
    struct fault fault;
    struct scan scan;

    limits_init(&limits);
    scan_init(&scan);
    ck_assert_msg(length + 1 < WIRE_LINE_BYTES, "a line of %zu bytes", length + 1);
    ck_assert_msg(scan_run(&scan, line, length, &limits, &fault) == SCAN_DONE && scan_offset(&scan) == length,
                  "a line that is not one JSON text: %.*s", (int)length, line);
    scan_deinit(&scan);
}

static void take_line(struct wire *wire, size_t length)
{
    const char *line = buffer_bytes(&wire->in);

    check_line(line, length);
    memcpy(wire->line, line, length);
    wire->line[length] = '\0';
    buffer_consume(&wire->in, length + 1);
    wire->message = cJSON_Parse(wire->line);
    ck_assert_ptr_nonnull(wire->message);
    if (cJSON_IsObject(wire->message))
        expect_in(wire->message, "{'jsonrpc':'2.0'}");
}

static size_t receive(struct wire *wire)
{
    struct pollfd readable = {.fd = wire->fd, .events = POLLIN};
    char *room = buffer_reserve(&wire->in, WIRE_LINE_BYTES);
    ssize_t n;

    ck_assert_ptr_nonnull(room);
    ck_assert_msg(poll(&readable, 1, PROCESS_TIMEOUT_MS) == 1, "the daemon says nothing");
    n = recv(wire->fd, room, WIRE_LINE_BYTES, 0);
    ck_assert_msg(n >= 0, "recv: %s", strerror(errno));
    buffer_commit(&wire->in, (size_t)n);
    return (size_t)n;
}

bool wire_read(struct wire *wire)
{
    const char *line_feed;

    cJSON_Delete(wire->message);
    wire->message = NULL;
    while (!wire->in.length || !(line_feed = memchr(buffer_bytes(&wire->in), '\n', wire->in.length)))
        if (!receive(wire)) {
            ck_assert_msg(!wire->in.length, "the stream ends within a line");
            return false;
        }
    take_line(wire, (size_t)(line_feed - buffer_bytes(&wire->in)));
    return true;
}

bool wire_has_more(const struct wire *wire)
{
    struct pollfd readable = {.fd = wire->fd, .events = POLLIN};

    return (wire->in.length && memchr(buffer_bytes(&wire->in), '\n', wire->in.length)) || poll(&readable, 1, 0) == 1;
}

static void read_line(struct wire *wire, const char *wanted)
{
    ck_assert_msg(wire_read(wire), "the daemon closed the session instead of saying %s", wanted);
}

/* ---- Expectations ----------------------------------------------------------------------------------------------- */

static bool matches(const cJSON *json, const cJSON *pattern)
{
    const cJSON *wanted, *item = json ? json->child : NULL;

    if (!cJSON_IsObject(pattern) && !cJSON_IsArray(pattern))
        return cJSON_Compare(json, pattern, true);
    if (!json || (json->type & 0xff) != (pattern->type & 0xff))
        return false;
    if (cJSON_IsArray(pattern) && cJSON_GetArraySize(json) != cJSON_GetArraySize(pattern))
        return false;
    cJSON_ArrayForEach(wanted, pattern) {
        if (!matches(wanted->string ? cJSON_GetObjectItemCaseSensitive(json, wanted->string) : item, wanted))
            return false;
        item = item ? item->next : NULL;
    }
    return true;
}

static void assert_matches(const cJSON *json, const char *pattern_text)
{
    cJSON *pattern = cJSON_Parse(pattern_text);
    bool matched;

    ck_assert_msg(pattern, "the pattern is not JSON: %s", pattern_text);
    matched = matches(json, pattern);
    cJSON_Delete(pattern);
    if (!matched)
        ck_abort_msg("expected %s\nbut it is %s", pattern_text, cJSON_PrintUnformatted(json));
}

const cJSON *expect(struct wire *wire, const char *format, ...)
{
    QUOTED(pattern, format, format);
    read_line(wire, pattern);
    assert_matches(wire->message, pattern);
    free(pattern);
    return wire->message;
}

void expect_in(const cJSON *json, const char *format, ...)
{
    QUOTED(pattern, format, format);
    assert_matches(json, pattern);
    free(pattern);
}

void expect_line(struct wire *wire, const char *format, ...)
{
    QUOTED(line, format, format);
    read_line(wire, line);
    ck_assert_str_eq(wire->line, line);
    free(line);
}

void expect_end(struct wire *wire)
{
    if (wire_read(wire))
        ck_abort_msg("expected the end, but it is %s", wire->line);
}

void expect_silence(struct wire *wire)
{
    ck_assert_uint_eq(wire->event_count, 0);
    say(wire, "{'jsonrpc':'2.0','id':'silence','method':'ping'}");
    expect(wire, "{'id':'silence','result':{}}");
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

static unsigned flags_of(const cJSON *event)
{
    unsigned flags = 0;

    for (int i = 0; readiness_names[i]; i++) {
        const cJSON *flag = cJSON_GetObjectItemCaseSensitive(event, readiness_names[i]);

        ck_assert_msg(!flag || cJSON_IsTrue(flag), "a flag is present only when true");
        flags |= flag ? 1U << i : 0;
    }
    return flags;
}

static void take_events(struct wire *wire)
{
    const cJSON *event, *events = member(wire->message, "params.events");

    expect_in(wire->message, "{'method':'ready'}");
    ck_assert_int_gt(cJSON_GetArraySize(events), 0);
    ck_assert_ptr_null(cJSON_GetObjectItemCaseSensitive(wire->message, "id"));
    wire->events =
        realloc(wire->events, (wire->event_count + (size_t)cJSON_GetArraySize(events)) * sizeof(*wire->events));
    ck_assert_ptr_nonnull(wire->events);
    cJSON_ArrayForEach(event, events)
        wire->events[wire->event_count++] =
            (struct event){.token = (uint64_t)member(event, "token")->valuedouble, .flags = flags_of(event)};
}

struct event next_event(struct wire *wire)
{
    struct event event;

    if (!wire->event_count) {
        read_line(wire, "an event");
        take_events(wire);
    }
    event = wire->events[0];
    memmove(wire->events, wire->events + 1, --wire->event_count * sizeof(*wire->events));
    return event;
}

void expect_event(struct wire *wire, uint64_t token, unsigned flags)
{
    struct event event = next_event(wire);

    ck_assert_uint_eq(event.token, token);
    ck_assert_uint_eq(event.flags, flags);
}

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

const cJSON *next_reply(struct wire *wire)
{
    read_line(wire, "a reply");
    while (cJSON_GetObjectItemCaseSensitive(wire->message, "method")) {
        take_events(wire);
        read_line(wire, "a reply");
    }
    return wire->message;
}

static void call_and_await(struct wire *wire, const char *method, const char *params)
{
    static unsigned calls;
    unsigned id = ++calls;

    if (params)
        say(wire, "{'jsonrpc':'2.0','id':'call %u','method':'%s','params':%s}", id, method, params);
    else
        say(wire, "{'jsonrpc':'2.0','id':'call %u','method':'%s'}", id, method);
    expect_in(next_reply(wire), "{'id':'call %u'}", id);
}

const cJSON *call(struct wire *wire, const char *method, const char *params, ...)
{
    QUOTED(text, params, params ? params : "null");
    call_and_await(wire, method, params ? text : NULL);
    free(text);
    ck_assert_msg(cJSON_GetObjectItemCaseSensitive(wire->message, "result"), "%s failed: %s", method, wire->line);
    return member(wire->message, "result");
}

void call_fails(struct wire *wire, const char *name, const char *more, const char *method, const char *params, ...)
{
    QUOTED(text, params, params ? params : "null");
    call_and_await(wire, method, params ? text : NULL);
    free(text);
    expect_in(wire->message, "{'error':{'data':{'name':'%s'}}}", name);
    if (more)
        expect_in(member(wire->message, "error.data"), "%s", more);
}

const cJSON *member(const cJSON *json, const char *path)
{
    char name[64];
    size_t length = strcspn(path, ".");

    ck_assert_uint_lt(length, sizeof(name));
    memcpy(name, path, length);
    name[length] = '\0';
    json = cJSON_GetObjectItemCaseSensitive(json, name);
    ck_assert_msg(json, "there is no %s", path);
    return path[length] ? member(json, path + length + 1) : json;
}
