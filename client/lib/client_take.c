/* SPDX-License-Identifier: MIT */
/*
 * Takes a stream out of a loop in two steps, so that a stream is not lost if the descriptor does not arrive: a proxy
 * for the daemon's socket forwards bytes, not descriptors. The daemon first sends a duplicate and keeps the token; the
 * client removes the token after receiving the descriptor. The state is `taking` in struct minimio_client.
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

/* Calls a method with {"token":N}, the members `more` (after a comma), and the earlier interests and mode. */
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

/* Stores interests and mode of the registration in a `list` result, as members after a comma. */
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

/* Writes the `ready` without the events of the token. Returns the number of remaining events. */
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

/* Out of memory, the message stays unchanged, and the caller gets a superfluous event. */
static void drop_from(struct minimio_client *client, struct queued_message *queued, struct span events, uint64_t token)
{
    struct queued_message *rest = NULL;
    struct buffer line;
    size_t count;

    buffer_init(&line);
    count = write_without(events, token, &line);
    if (!buffer_failed(&line) && count > 0 &&
        client_read_message((struct span){buffer_bytes(&line), line.length}, &rest) == 0) {
        STAILQ_INSERT_AFTER(&client->queue, queued, rest, entry);
        client->queued_bytes += rest->size;
    }
    if (rest || count == 0) {
        client_remove_message(client, queued);
        free(queued);
    }
    buffer_deinit(&line);
}

/* Drops queued events of the removed token, such as closed flags that the daemon has reported meanwhile. */
static void drop_events(struct minimio_client *client, uint64_t token)
{
    struct queued_message *queued, *next;
    size_t left = client->events_given;

    for (size_t i = client->events_given; i < client->event_count; i++)
        if (client->events[i].token != token)
            client->events[left++] = client->events[i];
    client->event_count = left;
    for (queued = STAILQ_FIRST(&client->queue); queued; queued = next) {
        struct span body = {queued->view.body, strlen(queued->view.body)}, events;

        next = STAILQ_NEXT(queued, entry);
        if (queued->view.kind == MINIMIO_CLIENT_READY && client_member(body, "events", &events) &&
            json_kind(events) == JSON_ARRAY && has_event_of(events, token))
            drop_from(client, queued, events, token);
    }
}

/* ---- The steps -------------------------------------------------------------------------------------------------- */

/* Whether the daemon is older than the parameter `keep`: the daemon has refused the request and changed nothing. */
static bool is_unknown_keep(const struct minimio_client *client)
{
    struct span fault, data, param;

    if (!client->fault || strcmp(client->fault_name, "INVALID_PARAMS") != 0)
        return false;
    fault = (struct span){client->fault, strlen(client->fault)};
    return client_member(fault, "data", &data) && client_member(data, "param", &param) && json_is_string(param) &&
           text_is(json_unquote(param), "keep");
}

/* Stores the registration for undo, before the first change. */
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

/* The daemon may still execute a request after a timeout, so the undo request is sent afterwards. */
static int ask_to_keep(struct minimio_client *client, int64_t deadline_ns)
{
    int result = remember_registration(client, deadline_ns);

    if (result < 0)
        return result;
    result = call_with_token(client, "take", ",\"keep\":true", false, deadline_ns);
    client->taking.token_kept = result == 0 || result == -ETIMEDOUT;
    return result;
}

static int fail_lost(struct minimio_client *client, bool was_kept)
{
    return client_fail(client, -ENOENT, "the descriptor of token %" PRIu64 " did not arrive; %s", client->taking.token,
                       was_kept ? "a forwarded socket passes none. The stream stays in its loop"
                                : "the daemon is too old to keep the stream, which is lost");
}

/* Undoes the take and returns the error. */
static int give_up(struct minimio_client *client, int error, int64_t deadline_ns)
{
    char told[sizeof client->error];

    memcpy(told, client->error, sizeof told);
    if (client->taking.token_kept)
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
        result = fail_lost(client, client->taking.token_kept);
    if (result < 0 && client->taking.token_kept)
        return give_up(client, result, deadline_ns);
    if (result < 0) {
        client_forget_taking(client);
        return result;
    }
    client->taking.begun = true;
    return client->fds[--client->fd_count]; /* the last received descriptor */
}

static int require_begun(struct minimio_client *client)
{
    client_begin(client);
    return client->taking.begun ? 0 : client_fail(client, -EINVAL, "no stream is being taken");
}

int minimio_client_take_commit(struct minimio_client *client, int64_t timeout_ns)
{
    int result = require_begun(client);

    if (result == 0 && client->taking.token_kept) {
        result = call_with_token(client, "deregister", "", false, deadline_in(timeout_ns));
        client->taking.token_kept = result < 0;
    }
    if (result == 0)
        drop_events(client, client->taking.token);
    return result;
}

int minimio_client_take_undo(struct minimio_client *client, int fd, int64_t timeout_ns)
{
    int64_t deadline_ns = deadline_in(timeout_ns);
    int result = require_begun(client);

    if (result == 0 && client->taking.token_kept) {
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

/* After the descriptor has arrived, the caller owns the stream, even if the session fails. */
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
