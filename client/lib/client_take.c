/* SPDX-License-Identifier: MIT */
/*
 * Takes a stream out of a loop in two steps, so that the stream is not lost where its descriptor does not arrive: a
 * proxy that forwards the daemon's socket passes bytes, not descriptors. The daemon first gives a duplicate and keeps
 * the token; the token is forgotten when the descriptor is here.
 */
#include "client/lib/client_message.h"
#include "client/lib/client_receive.h"
#include "client/lib/deadline.h"
#include "proto/json_write.h"
#include "proto/number.h"
#include "proto/text.h"
#include "proto/json_cursor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/* Calls with {"token":N}, `more` (members that begin with a comma) and what the registration was before. */
static int call_with_token(struct minimio_client *client, const char *method, const char *more, bool as_before,
                           int64_t deadline_ns)
{
    struct buffer params;
    int result;

    buffer_init(&params);
    buffer_append_text(&params, "{\"token\":");
    json_write_unsigned(&params, client->taking.token);
    buffer_append_text(&params, more);
    if (as_before && client->taking.before)
        buffer_append_text(&params, client->taking.before);
    buffer_append(&params, "}", 2);
    if (buffer_failed(&params))
        result = client_fail_no_memory(client);
    else
        result = minimio_client_call(client, method, buffer_bytes(&params), deadline_left_ns(deadline_ns), NULL);
    buffer_deinit(&params);
    return result;
}

/* ---- Before ----------------------------------------------------------------------------------------------------- */

static bool is_token(struct span registration, uint64_t token)
{
    struct span value;
    uint64_t number;

    return client_member(registration, "token", &value) && json_kind(value) == JSON_NUMBER &&
           number_to_integer(value, &number) == 0 && number == token;
}

/* Remembers interests and mode of the registration out of a `list`, as members that begin with a comma. */
static int remember(struct minimio_client *client, const char *result)
{
    struct span list = {result, strlen(result)}, array, registration, interests, mode;
    struct buffer before;
    struct json_cursor cursor;
    int r = 0;

    if (!client_member(list, "registrations", &array) || json_kind(array) != JSON_ARRAY)
        return client_fail(client, -EBADMSG, "the daemon sent a list without registrations");
    json_cursor_init(&cursor, array);
    if (!json_cursor_element(&cursor, &registration) || !is_token(registration, client->taking.token) ||
        !client_member(registration, "interests", &interests) || !client_member(registration, "mode", &mode))
        return 0;
    buffer_init(&before);
    buffer_append_text(&before, ",\"interests\":");
    buffer_append(&before, interests.data, interests.length);
    buffer_append_text(&before, ",\"mode\":");
    buffer_append(&before, mode.data, mode.length);
    buffer_append(&before, "", 1);
    client->taking.before = buffer_failed(&before) ? NULL : strdup(buffer_bytes(&before));
    if (!client->taking.before)
        r = client_fail_no_memory(client);
    buffer_deinit(&before);
    return r;
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

/* The same `ready` without the events of the token. Returns how many events are left. */
static size_t write_without(struct span events, uint64_t token, struct buffer *out)
{
    struct span event;
    struct json_cursor cursor;
    size_t count = 0;

    buffer_append_text(out, "{\"jsonrpc\":\"2.0\",\"method\":\"ready\",\"params\":{\"events\":[");
    json_cursor_init(&cursor, events);
    while (json_cursor_element(&cursor, &event)) {
        if (is_token(event, token))
            continue;
        if (count++ > 0)
            buffer_append_text(out, ",");
        buffer_append(out, event.data, event.length);
    }
    buffer_append_text(out, "]}}");
    return count;
}

static bool has_event_of(struct span events, uint64_t token)
{
    struct span event;
    struct json_cursor cursor;

    json_cursor_init(&cursor, events);
    while (json_cursor_element(&cursor, &event))
        if (is_token(event, token))
            return true;
    return false;
}

/* Without memory it stays as it is: an event too many. */
static void drop_from(struct minimio_client *client, struct kept *kept, struct span events, uint64_t token)
{
    struct kept *rest = NULL;
    struct buffer line;
    size_t count;

    buffer_init(&line);
    count = write_without(events, token, &line);
    if (!buffer_failed(&line) && count > 0 &&
        client_read_message((struct span){buffer_bytes(&line), line.length}, &rest) == 0) {
        STAILQ_INSERT_AFTER(&client->kept, kept, rest, entry);
        client->kept_bytes += rest->size;
    }
    if (rest || count == 0) {
        client_remove_kept(client, kept);
        free(kept);
    }
    buffer_deinit(&line);
}

/* The end of the stream may have been told while its token was kept: nobody is to hear of a token that is gone. */
static void drop_events(struct minimio_client *client, uint64_t token)
{
    struct kept *kept, *next;
    size_t left = client->events_given;

    for (size_t i = client->events_given; i < client->event_count; i++)
        if (client->events[i].token != token)
            client->events[left++] = client->events[i];
    client->event_count = left;
    for (kept = STAILQ_FIRST(&client->kept); kept; kept = next) {
        struct span body = {kept->view.body, strlen(kept->view.body)}, events;

        next = STAILQ_NEXT(kept, entry);
        if (kept->view.kind == MINIMIO_CLIENT_READY && client_member(body, "events", &events) &&
            json_kind(events) == JSON_ARRAY && has_event_of(events, token))
            drop_from(client, kept, events, token);
    }
}

/* ---- The steps -------------------------------------------------------------------------------------------------- */

/* A daemon older than `keep` has refused the request, and changed nothing. */
static bool is_unknown_keep(const struct minimio_client *client)
{
    struct span fault, data, param;

    if (!client->fault || strcmp(client->fault_name, "INVALID_PARAMS") != 0)
        return false;
    fault = (struct span){client->fault, strlen(client->fault)};
    return client_member(fault, "data", &data) && client_member(data, "param", &param) && json_is_string(param) &&
           text_is(json_unquote(param), "keep");
}

/* Before anything changes: what the token is to be again if it stays. */
static int remember_registration(struct minimio_client *client, int64_t deadline_ns)
{
    uint64_t token = client->taking.token;
    const char *result = NULL;
    char params[64];
    int r;

    if (token > 0)
        snprintf(params, sizeof params, "{\"after\":%" PRIu64 ",\"limit\":1}", token - 1);
    else
        snprintf(params, sizeof params, "{\"limit\":1}");
    r = minimio_client_call(client, "list", params, deadline_left_ns(deadline_ns), &result);
    return r == 0 ? remember(client, result) : r;
}

/* A request that is not answered in time may be carried out yet: what undoes it then is sent behind it. */
static int ask_to_keep(struct minimio_client *client, int64_t deadline_ns)
{
    int result = remember_registration(client, deadline_ns);

    if (result < 0)
        return result;
    result = call_with_token(client, "take", ",\"keep\":true", false, deadline_ns);
    client->taking.kept = result == 0 || result == -ETIMEDOUT;
    return result;
}

static int fail_lost(struct minimio_client *client, bool was_kept)
{
    return client_fail(client, -ENOENT, "the descriptor of token %" PRIu64 " did not arrive; %s", client->taking.token,
                       was_kept ? "a forwarded socket passes none. The stream stays in its loop"
                                : "the daemon is too old to keep the stream, which is lost");
}

/* The stream stays as it was. */
static int give_up(struct minimio_client *client, int error, int64_t deadline_ns)
{
    char told[sizeof client->error];

    memcpy(told, client->error, sizeof told);
    if (client->taking.kept)
        (void)call_with_token(client, "reregister", "", true, deadline_ns);
    client_forget_taking(client);
    client_begin(client);
    return client_fail(client, error, "%s", told);
}

int minimio_client_take_begin(struct minimio_client *client, uint64_t token, int64_t timeout_ns)
{
    int64_t deadline_ns = deadline_in(timeout_ns);
    size_t fds_before = client->fd_count;
    int result;

    client_begin(client);
    client_forget_taking(client);
    client->taking.token = token;
    result = ask_to_keep(client, deadline_ns);
    if (result == -EREMOTEIO && is_unknown_keep(client))
        result = call_with_token(client, "take", "", false, deadline_ns);
    if (result == 0 && client->fd_count <= fds_before)
        result = fail_lost(client, client->taking.kept);
    if (result < 0 && client->taking.kept)
        return give_up(client, result, deadline_ns);
    if (result < 0) {
        client_forget_taking(client);
        return result;
    }
    client->taking.begun = true;
    return client->fds[--client->fd_count]; /* it came last */
}

static int require_begun(struct minimio_client *client)
{
    client_begin(client);
    return client->taking.begun ? 0 : client_fail(client, -EINVAL, "no stream is being taken");
}

int minimio_client_take_commit(struct minimio_client *client, int64_t timeout_ns)
{
    int result = require_begun(client);

    if (result == 0 && client->taking.kept) {
        result = call_with_token(client, "deregister", "", false, deadline_in(timeout_ns));
        client->taking.kept = result < 0;
    }
    if (result == 0)
        drop_events(client, client->taking.token);
    return result;
}

int minimio_client_take_undo(struct minimio_client *client, int fd, int64_t timeout_ns)
{
    int64_t deadline_ns = deadline_in(timeout_ns);
    int result = require_begun(client);

    if (result == 0 && client->taking.kept) {
        result = call_with_token(client, "reregister", "", true, deadline_ns);
    } else if (result == 0) {
        result = minimio_client_attach(client, fd);
        if (result == 0)
            result = call_with_token(client, "register", ",\"fd\":true", true, deadline_ns);
    }
    if (result == 0)
        client_forget_taking(client);
    return result;
}

/* Once the descriptor is here, the stream is the caller's, whatever becomes of the session. */
int minimio_client_take(struct minimio_client *client, uint64_t token, int64_t timeout_ns)
{
    int64_t deadline_ns = deadline_in(timeout_ns);
    int fd = minimio_client_take_begin(client, token, deadline_left_ns(deadline_ns));

    if (fd < 0)
        return fd;
    (void)minimio_client_take_commit(client, deadline_left_ns(deadline_ns));
    client_forget_taking(client);
    client_begin(client);
    return fd;
}
