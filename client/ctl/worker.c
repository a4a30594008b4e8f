/* SPDX-License-Identifier: MIT */
/*
 * Events of a worker, one at a time. The state is in struct worker.
 */
#include "client/ctl/worker.h"

#include "client/ctl/connection.h"
#include "client/ctl/json.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FINISHING_NS (10 * NS_PER_S)

int worker_begin(struct worker *ret_worker, const struct command *command, const struct options *options,
                 int64_t deadline_ns)
{
    uint64_t registrations;

    *ret_worker = (struct worker){.command = command, .loop = options->loop, .deadline_ns = deadline_ns};
    return connection_open_loop(command, options, deadline_ns, &ret_worker->client, &ret_worker->polled,
                                &registrations);
}

void worker_end(struct worker *worker)
{
    worker->client = minimio_client_free(worker->client);
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

static int fail_fault(const struct worker *worker, const char *body)
{
    cJSON *fault = json_parse(body);
    char text[512] = "out of memory";

    if (fault)
        explain_fault(fault, NULL, text, sizeof text);
    cJSON_Delete(fault);
    return -failed(worker->command, "%s", text);
}

/* Returns as worker_next; 0: the message has no event. */
static int take_polled(struct worker *worker, const struct minimio_client_message *message,
                       struct minimio_client_event *ret_event)
{
    int count;

    if ((message->kind != MINIMIO_CLIENT_RESULT && message->kind != MINIMIO_CLIENT_FAULT) ||
        message->id != worker->poll_id)
        return 0;
    worker->polling = false;
    if (message->kind == MINIMIO_CLIENT_FAULT)
        return fail_fault(worker, message->body);
    count = minimio_client_read_events(message->body, ret_event, 1);
    return count < 0 ? -failed(worker->command, "the daemon sent no events") : count > 0;
}

static int next_polled(struct worker *worker, struct minimio_client_event *ret_event)
{
    struct minimio_client_message message;
    int result = 0, event = 0;

    while (event == 0) {
        if (!worker->polling)
            result = minimio_client_send(worker->client, "poll", "{\"max\":1}", &worker->poll_id);
        if (result >= 0) {
            worker->polling = true;
            result = minimio_client_next(worker->client, &message, 0);
        }
        if (result <= 0)
            return result < 0 ? -connection_failed(worker->command, worker->client, result) : 0;
        event = take_polled(worker, &message, ret_event);
    }
    return event;
}

int worker_next(struct worker *worker, struct minimio_client_event *ret_event)
{
    int result;

    if (worker->polled)
        return next_polled(worker, ret_event);
    result = minimio_client_events(worker->client, ret_event, 1, 0);
    return result < 0 ? -connection_failed(worker->command, worker->client, result) : result;
}

int worker_await(struct worker *worker, struct minimio_client_event *ret_event, int64_t until_ns)
{
    int result, waited = 0;

    while ((result = worker_next(worker, ret_event)) == 0 && waited != -ETIMEDOUT) {
        waited = deadline_wait_fd(until_ns, minimio_client_fd(worker->client), minimio_client_wants(worker->client));
        if (waited < 0 && waited != -ETIMEDOUT)
            return -failed(worker->command, "cannot wait for the daemon: %s", strerror(-waited));
    }
    return result;
}

/* ---- Registrations ---------------------------------------------------------------------------------------------- */

int worker_find(struct worker *worker, uint64_t token, cJSON **ret_registration)
{
    cJSON *page = NULL, *first;
    char params[64] = "{\"limit\":1}";
    uint64_t found;
    int result;

    if (token > 0)
        snprintf(params, sizeof params, "{\"after\":%" PRIu64 ",\"limit\":1}", token - 1);
    result = session_call(worker->command, worker->client, "list", params, worker->deadline_ns, &page);
    if (result != 0)
        return result;
    first = cJSON_DetachItemFromArray(cJSON_GetObjectItemCaseSensitive(page, "registrations"), 0);
    if (!json_integer(cJSON_GetObjectItemCaseSensitive(first, "token"), &found) || found != token) {
        cJSON_Delete(first);
        first = NULL;
    }
    cJSON_Delete(page);
    *ret_registration = first;
    return 0;
}

/* ---- Streams ---------------------------------------------------------------------------------------------------- */

int worker_take(struct worker *worker, uint64_t token)
{
    int stream = minimio_client_take_begin(worker->client, token, deadline_left_ns(worker->deadline_ns));
    const char *name = minimio_client_fault_name(worker->client);

    if (stream >= 0)
        return stream;
    if (name && strcmp(name, "TOKEN_UNKNOWN") == 0)
        return -ENOENT;
    connection_failed(worker->command, worker->client, stream);
    return -EIO;
}

int worker_give_back(struct worker *worker, int stream)
{
    int result = minimio_client_take_undo(worker->client, stream, FINISHING_NS);

    return result == 0 ? 0 : connection_failed(worker->command, worker->client, result);
}

int worker_drop(struct worker *worker)
{
    int result = minimio_client_take_commit(worker->client, FINISHING_NS);

    return result == 0 || result == -ECONNRESET ? 0 : connection_failed(worker->command, worker->client, result);
}

/* ---- Leaving ---------------------------------------------------------------------------------------------------- */

/* Appends a request that the message owns. */
static bool add_request(cJSON *batch, const char *method, cJSON *params)
{
    cJSON *request = cJSON_CreateObject();

    return json_add(request, "params", params) && cJSON_AddStringToObject(request, "jsonrpc", "2.0") &&
           cJSON_AddStringToObject(request, "id", method) && cJSON_AddStringToObject(request, "method", method) &&
           cJSON_AddItemToArray(batch, request);
}

static cJSON *end_params(uint64_t token, const cJSON *registration)
{
    static const char *const names[] = {"interests", "mode"};
    cJSON *params = cJSON_CreateObject();
    bool whole = json_add_integer(params, "token", token);

    for (size_t i = 0; registration && i < 2; i++)
        whole = whole && json_add(params, names[i],
                                  cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(registration, names[i]), true));
    if (whole)
        return params;
    cJSON_Delete(params);
    return NULL;
}

static cJSON *guest_params(const struct worker *worker)
{
    cJSON *params = cJSON_CreateObject();

    if (cJSON_AddStringToObject(params, "name", worker->loop) &&
        cJSON_AddStringToObject(params, "role", role_names[ROLE_GUEST]))
        return params;
    cJSON_Delete(params);
    return NULL;
}

/* Both requests in one message, so that the daemon carries out both before it delivers events. */
static char *leave_text(const struct worker *worker, uint64_t token, const cJSON *registration)
{
    cJSON *batch = cJSON_CreateArray();
    char *text = NULL;

    if (add_request(batch, registration ? "reregister" : "deregister", end_params(token, registration)) &&
        add_request(batch, "open_loop", guest_params(worker)))
        text = cJSON_PrintUnformatted(batch);
    cJSON_Delete(batch);
    return text;
}

/* The replies come in the order of the requests. */
static int check_replies(const struct worker *worker, const char *body)
{
    cJSON *replies = json_parse(body);
    const cJSON *fault = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(replies, 0), "error");
    char text[512];
    int result = 0;

    if (fault) {
        explain_fault(fault, NULL, text, sizeof text);
        result = failed(worker->command, "%s", text);
    }
    cJSON_Delete(replies);
    return result;
}

int worker_leave(struct worker *worker, uint64_t token, const cJSON *registration)
{
    int64_t deadline_ns = deadline_in(FINISHING_NS);
    struct minimio_client_message message = {0};
    char *text = leave_text(worker, token, registration);
    int result;

    if (!text)
        return failed(worker->command, "out of memory");
    result = minimio_client_send_bytes(worker->client, text, strlen(text));
    cJSON_free(text);
    if (result == 0)
        do
            result = minimio_client_next(worker->client, &message, deadline_left_ns(deadline_ns));
        while (result > 0 && message.kind != MINIMIO_CLIENT_BATCH);
    if (result > 0)
        return check_replies(worker, message.body);
    return connection_failed(worker->command, worker->client, result < 0 ? result : -ETIMEDOUT);
}
