/* SPDX-License-Identifier: MIT */
/*
 * Returns messages to the caller: replies to calls, events in batches, other messages one by one. The state is in
 * struct minimio_client.
 */
#include "client/lib/client_exchange.h"
#include "client/lib/client_message.h"
#include "client/lib/client_receive.h"
#include "client/lib/client_send.h"
#include "client/lib/deadline.h"
#include "proto/json_cursor.h"
#include "proto/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

/* An error without an id concerns the session, and answers every call. */
static bool is_reply_to(const struct queued_message *queued, uint64_t id)
{
    const struct minimio_client_message *view = &queued->view;

    if (view->kind != MINIMIO_CLIENT_RESULT && view->kind != MINIMIO_CLIENT_FAULT)
        return false;
    return view->id == id || (view->id == MINIMIO_CLIENT_NO_ID && view->kind == MINIMIO_CLIENT_FAULT);
}

static struct queued_message *find_reply(struct minimio_client *client, uint64_t id)
{
    struct queued_message *queued;

    STAILQ_FOREACH(queued, &client->queue, entry)
        if (is_reply_to(queued, id))
            return queued;
    return NULL;
}

static int take_reply(struct minimio_client *client, struct queued_message *queued, const char **ret_result)
{
    client_remove_message(client, queued);
    client->current = queued;
    if (queued->view.kind == MINIMIO_CLIENT_RESULT) {
        if (ret_result)
            *ret_result = queued->view.body;
        return 0;
    }
    client->fault = strdup(queued->view.body);
    client_explain_fault(queued->view.body, client->error, sizeof client->error, client->fault_name,
                         sizeof client->fault_name);
    return client->fault ? -EREMOTEIO : client_fail_no_memory(client);
}

static int await_reply(struct minimio_client *client, uint64_t id, int64_t deadline_ns, const char **ret_result)
{
    struct queued_message *queued;
    int result;

    for (;;) {
        queued = find_reply(client, id);
        if (queued)
            return take_reply(client, queued, ret_result);
        result = client_exchange(client, deadline_ns);
        queued = result < 0 ? find_reply(client, id) : NULL;
        if (queued) /* received before the failure */
            return take_reply(client, queued, ret_result);
        if (result < 0)
            return result;
    }
}

int minimio_client_call(struct minimio_client *client, const char *method, const char *params, int64_t timeout_ns,
                        const char **ret_result)
{
    int64_t deadline_ns = deadline_in(timeout_ns);
    uint64_t id = ++client->last_id;
    int result;

    client_begin(client);
    result = client_queue_request(client, method, params, id);
    if (result == 0)
        result = client_send_now(client);
    if (result == -ECONNRESET) /* a daemon that refuses a session sends an error before the close: read the error */
        client_forget_outgoing(client);
    else if (result < 0 && result != -EAGAIN)
        return result;
    return await_reply(client, id, deadline_ns, ret_result);
}

/* ---- Messages --------------------------------------------------------------------------------------------------- */

int minimio_client_next(struct minimio_client *client, struct minimio_client_message *ret_message, int64_t timeout_ns)
{
    int64_t deadline_ns = deadline_in(timeout_ns);
    int result;

    client_begin(client);
    while ((result = client_take_message(client, &client->current)) == -EAGAIN) {
        result = client_exchange(client, deadline_ns);
        if (result < 0)
            break;
    }
    if (result == -ETIMEDOUT) {
        client_begin(client);
        return 0;
    }
    if (result < 0)
        return result;
    *ret_message = client->current->view;
    return 1;
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

/* Reads the events of a `ready`, which the caller still owns. */
static int open_events(struct minimio_client *client, const char *body)
{
    int count = minimio_client_read_events(body, NULL, 0);

    if (count < 0)
        return client_fail(client, count, "the daemon sent a 'ready' without events");
    client->events = calloc((size_t)count + 1, sizeof *client->events);
    if (!client->events)
        return client_fail_no_memory(client);
    client->event_count = (size_t)count;
    client->events_given = 0;
    count = minimio_client_read_events(body, client->events, client->event_count);
    if (count >= 0)
        return 0;
    client->event_count = 0;
    return client_fail(client, count, "the daemon sent an event without a token");
}

/* Returns events of the current `ready`; 0: no further events. */
static int give_events(struct minimio_client *client, struct minimio_client_event *events, size_t capacity)
{
    size_t left = client->event_count - client->events_given;
    size_t given = left < capacity ? left : capacity;

    if (given > 0)
        memcpy(events, client->events + client->events_given, given * sizeof *events);
    client->events_given += given;
    if (client->events_given == client->event_count) {
        free(client->events);
        client->events = NULL;
        client->event_count = client->events_given = 0;
    }
    return (int)given;
}

static bool ends_the_loop(const struct queued_message *queued)
{
    return queued->view.kind == MINIMIO_CLIENT_NOTIFICATION &&
           (strcmp(queued->view.method, "loop_detached") == 0 || strcmp(queued->view.method, "loop_closed") == 0);
}

static int fail_loop_ended(struct minimio_client *client, const struct minimio_client_message *view)
{
    struct span reason;
    const char *text = "the daemon is shutting down";

    if (strcmp(view->method, "loop_closed") != 0)
        text = "the loop was taken over by another session";
    else if (client_member((struct span){view->body, strlen(view->body)}, "reason", &reason) &&
             json_is_string(reason) && text_is(json_unquote(reason), "closed"))
        text = "the loop was closed by another session";
    return client_fail(client, -ECANCELED, "%s", text);
}

/* Opens the first queued `ready`. Errors: -EAGAIN, no `ready` is queued; -ECANCELED, the loop is closed. */
static int take_ready(struct minimio_client *client)
{
    struct queued_message *queued;

    STAILQ_FOREACH(queued, &client->queue, entry)
        if (queued->view.kind == MINIMIO_CLIENT_READY || ends_the_loop(queued))
            break;
    if (!queued)
        return -EAGAIN;
    client_remove_message(client, queued);
    client->current = queued;
    if (queued->view.kind != MINIMIO_CLIENT_READY)
        return fail_loop_ended(client, &queued->view);
    return open_events(client, queued->view.body);
}

int minimio_client_events(struct minimio_client *client, struct minimio_client_event *events, size_t capacity,
                          int64_t timeout_ns)
{
    int64_t deadline_ns = deadline_in(timeout_ns);
    int result;

    if (capacity == 0)
        return client_fail(client, -EINVAL, "the capacity for events is 0");
    for (;;) {
        client_begin(client);
        result = give_events(client, events, capacity);
        if (result != 0)
            return result;
        result = take_ready(client);
        if (result == -EAGAIN)
            result = client_exchange(client, deadline_ns);
        if (result == -ETIMEDOUT) {
            client_begin(client);
            return 0;
        }
        if (result < 0)
            return result;
    }
}
