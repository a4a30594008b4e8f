/* SPDX-License-Identifier: MIT */
/*
 * Opens sessions and loops, calls methods, and prints errors. The file has one variable, the name of the loop for
 * hints.
 */
#include "client/ctl/connection.h"

#include "client/ctl/hint.h"
#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/lib/deadline.h"
#include "proto/fault.h"
#include "proto/socket_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS (10 * NS_PER_MS)

static const char *joined_loop; /* for hints; NULL: no loop */

static bool is_absent(int error)
{
    return error == -ENOENT || error == -ECONNREFUSED;
}

static void explain(const struct command *command, const char *path, int error)
{
    if (error == -ETIMEDOUT)
        failed(command, "the daemon at %s did not answer in time", path);
    else if (error == -ECONNREFUSED && !hint_is_socket(path)) /* connect() of a file that is not a socket */
        failed(command, "cannot connect to %s: it exists and is not a socket", path);
    else
        failed(command, "cannot connect to %s: %s", path, strerror(-error));
    if (error == -EACCES)
        fputs("Only the owner and the group of the socket may connect; ls -l shows them.\n", stderr);
    else if (is_absent(error) && hint_is_socket(path))
        hint_start(path);
}

/* A starting daemon creates the socket file before listening: ECONNREFUSED counts as absent. */
static int connect_patiently(const char *path, int64_t patience_end_ns, int64_t deadline_ns,
                             struct minimio_client **ret_client)
{
    int result;

    for (;;) {
        result = minimio_client_connect(path, deadline_left_ns(deadline_ns), ret_client);
        if (!is_absent(result) || deadline_left_ns(patience_end_ns) == 0)
            return result;
        deadline_pause(patience_end_ns, RETRY_NS);
    }
}

int connection_await(const struct command *command, const struct options *options, int64_t patience_ns,
                     int64_t deadline_ns, struct minimio_client **ret_client)
{
    char path[SOCKET_PATH_SIZE];
    const char *variable = getenv("MINIMIO_SOCKET");
    int result = socket_path(options->socket, path, sizeof path);

    /* An empty variable of a script counts as unset, and not as a request for another daemon. */
    if (!options->socket && variable && !*variable)
        return wrong_usage(command, "MINIMIO_SOCKET is empty: set a path, or unset the variable");
    if (result == -ENAMETOOLONG)
        return wrong_usage(command, "the path of the socket is too long: at most %d bytes fit", SOCKET_PATH_SIZE - 1);
    result = connect_patiently(path, deadline_sooner(deadline_in(patience_ns), deadline_ns), deadline_ns, ret_client);
    if (result == 0)
        return 0;
    explain(command, path, result);
    return result == -ETIMEDOUT || (is_absent(result) && patience_ns > 0) ? EXIT_TIMED_OUT : EXIT_FAILED;
}

static bool add_times(cJSON *params, const struct options *options, int64_t deadline_ns)
{
    int64_t left_ns = deadline_left_ns(deadline_ns), wait_ns = options->wait_ns;
    bool whole = true;

    if (left_ns >= 0 && left_ns < wait_ns)
        wait_ns = left_ns;
    if (options->linger_ns >= 0)
        whole = json_add_integer(params, "linger_ms", (uint64_t)milliseconds_of(options->linger_ns));
    if (wait_ns > 0 && options->role != ROLE_GUEST)
        whole = whole && json_add_integer(params, "wait_ms", (uint64_t)milliseconds_of(wait_ns));
    return whole;
}

/* A guest takes no loop over: the loop is never busy for a guest. */
static bool add_role(cJSON *params, const struct options *options)
{
    bool whole = true;

    if (options->role != ROLE_OWNER)
        whole = cJSON_AddStringToObject(params, "role", role_names[options->role]) != NULL;
    if (options->role == ROLE_WORKER && options->prefetch > 0)
        whole = whole && json_add_integer(params, "prefetch", options->prefetch);
    if (options->takeover && options->role != ROLE_GUEST)
        whole = whole && cJSON_AddTrueToObject(params, "takeover");
    return whole;
}

/* The parameters of open_loop, owned by the caller; NULL: out of memory. */
static cJSON *loop_params(const struct command *command, const struct options *options, int64_t deadline_ns)
{
    cJSON *params = cJSON_CreateObject();
    bool whole = cJSON_AddStringToObject(params, "name", options->loop) && add_role(params, options) &&
                 add_times(params, options, deadline_ns);

    if (!command->makes_loop)
        whole = whole && cJSON_AddFalseToObject(params, "create");
    if (whole)
        return params;
    cJSON_Delete(params);
    return NULL;
}

/* open_loop waits up to --wait, and the reply comes later. */
#define REPLY_NS (1 * NS_PER_S)

int session_open_loop(const struct command *command, const struct options *options, int64_t deadline_ns,
                      struct minimio_client *client, cJSON **ret_result)
{
    cJSON *params = loop_params(command, options, deadline_ns);
    bool waits = options->wait_ns > 0 && deadline_ns != DEADLINE_NEVER;
    int result = session_call_with(command, client, "open_loop", params, waits ? deadline_ns + REPLY_NS : deadline_ns,
                                   ret_result);

    if (result == 0 || options->wait_ns == 0)
        return result;
    return minimio_client_fault_name(client) && !strcmp(minimio_client_fault_name(client), "LOOP_BUSY") ? EXIT_TIMED_OUT
                                                                                                        : result;
}

static int open_loop(const struct command *command, const struct options *options, int64_t deadline_ns,
                     struct minimio_client *client, bool *ret_polled, uint64_t *ret_registrations)
{
    cJSON *result = NULL;
    const char *delivery;
    int r = session_open_loop(command, options, deadline_ns, client, &result);

    if (r != 0)
        return r;
    delivery = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "delivery"));
    *ret_polled = delivery && strcmp(delivery, "poll") == 0;
    if (!json_integer(cJSON_GetObjectItemCaseSensitive(result, "registrations"), ret_registrations))
        *ret_registrations = 0;
    cJSON_Delete(result);
    return 0;
}

int connection_open_loop(const struct command *command, const struct options *options, int64_t deadline_ns,
                         struct minimio_client **ret_client, bool *ret_polled, uint64_t *ret_registrations)
{
    struct minimio_client *client = NULL;
    int result = connection_await(command, options, 0, deadline_ns, &client);

    if (result != 0)
        return result;
    *ret_polled = false;
    *ret_registrations = 0;
    joined_loop = options->loop;
    if (options->loop)
        result = open_loop(command, options, deadline_ns, client, ret_polled, ret_registrations);
    if (result == 0)
        *ret_client = client;
    else
        minimio_client_free(client);
    return result;
}

int connection_open(const struct command *command, const struct options *options, int64_t deadline_ns,
                    struct minimio_client **ret_client)
{
    uint64_t registrations;
    bool polled;

    return connection_open_loop(command, options, deadline_ns, ret_client, &polled, &registrations);
}

int session_call(const struct command *command, struct minimio_client *client, const char *method, const char *params,
                 int64_t deadline_ns, cJSON **ret_result)
{
    const char *text;
    int result = minimio_client_call(client, method, params, deadline_left_ns(deadline_ns), &text);

    if (result < 0)
        return connection_failed(command, client, result);
    if (ret_result) {
        *ret_result = json_parse(text);
        if (!*ret_result)
            return failed(command, "out of memory");
    }
    return 0;
}

int session_call_with(const struct command *command, struct minimio_client *client, const char *method, cJSON *params,
                      int64_t deadline_ns, cJSON **ret_result)
{
    char *text = params ? cJSON_PrintUnformatted(params) : NULL;
    int result;

    cJSON_Delete(params);
    if (!text)
        return failed(command, "out of memory");
    result = session_call(command, client, method, text, deadline_ns, ret_result);
    cJSON_free(text);
    return result;
}

int connection_call(const struct command *command, const struct options *options, const char *method,
                    const char *params, cJSON **ret_result)
{
    int64_t deadline_ns = deadline_in(options->timeout_ns);
    struct minimio_client *client = NULL;
    int result = connection_open(command, options, deadline_ns, &client);

    if (result != 0)
        return result;
    result = session_call(command, client, method, params, deadline_ns, ret_result);
    minimio_client_free(client);
    return result;
}

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

static const char *member(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* open_loop found no loop: never opened, closed, or expired some time ago. */
static void explain_no_loop(const cJSON *fault, char *ret_text, size_t size)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(fault, "data");
    const cJSON *expired_ms = cJSON_GetObjectItemCaseSensitive(data, "expired_ms");
    char duration[32];

    if (cJSON_IsNumber(expired_ms)) {
        output_duration(expired_ms->valuedouble, duration, sizeof duration);
        snprintf(ret_text, size, "loop '%s' expired %s ago", joined_loop, duration);
    } else {
        snprintf(ret_text, size, "there is no loop '%s'", joined_loop);
    }
}

/* Prints what to do about an error of the daemon. */
static void print_remedy(const cJSON *fault)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(fault, "data");
    const char *name = member(data, "name"), *message = member(fault, "message");

    if (!name)
        return;
    if (strcmp(name, "LOOP_BUSY") == 0)
        fputs("Use --wait 10s to wait for that session, or --takeover to take the loop over.\n", stderr);
    else if (strcmp(name, "LOOP_UNKNOWN") == 0)
        fputs(cJSON_HasObjectItem(data, "expired_ms")
                  ? "A loop ends with its streams when no session was in it for its linger time; see --linger.\n"
                  : "'minimioctl loops' lists the loops that exist.\n",
              stderr);
    else if (strcmp(name, "TOKEN_UNKNOWN") == 0 && joined_loop)
        fprintf(stderr, "'minimioctl list --loop %s' lists the tokens that exist.\n", joined_loop);
    else if (strcmp(name, "LEASED") == 0)
        fputs("The worker that has the event holds the token; reregister or deregister ends the lease.\n", stderr);
    else if (message && strstr(message, "open_loop has no parameter"))
        fputs("The daemon is older than this minimioctl: restart the daemon.\n", stderr);
}

int connection_failed(const struct command *command, const struct minimio_client *client, int error)
{
    const char *name = minimio_client_fault_name(client);
    cJSON *fault = name ? json_parse(minimio_client_fault(client)) : NULL;
    char text[512];

    if (fault && joined_loop && strcmp(name, "LOOP_UNKNOWN") == 0)
        explain_no_loop(fault, text, sizeof text);
    else if (fault)
        explain_fault(fault, NULL, text, sizeof text);
    failed(command, "%s", fault ? text : minimio_client_error(client));
    print_remedy(fault);
    cJSON_Delete(fault);
    return error == -ETIMEDOUT || (name && strcmp(name, "TIMED_OUT") == 0) ? EXIT_TIMED_OUT : EXIT_FAILED;
}

/* Replaces the name of the errno in the message by the text of strerror. */
static void explain_errno(const char *message, const char *name, int error, char *ret_text, size_t size)
{
    const char *at = strstr(message, name);

    if (at)
        snprintf(ret_text, size, "%.*s%s%s", (int)(at - message), message, strerror(error), at + strlen(name));
    else
        snprintf(ret_text, size, "%s: %s", message, strerror(error));
}

void explain_fault(const cJSON *fault, const char *address, char *ret_text, size_t size)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(fault, "data");
    const char *message = member(fault, "message"), *name = member(data, "name");
    const char *error_name = member(data, "errno"), *last = member(data, "address"), *reason = member(data, "reason");
    int error = error_name ? errno_of_name(error_name) : 0;

    if (!name)
        name = "an error without a name";
    if (!message)
        message = "an error without a message";
    if (error > 0 && strcmp(name, "CONNECT_FAILED") == 0 && last && address)
        snprintf(ret_text, size, "%s%s%s", strcmp(last, address) == 0 ? "" : last,
                 strcmp(last, address) == 0 ? "" : ": ", strerror(error));
    else if (error > 0)
        explain_errno(message, error_name, error, ret_text, size);
    else if (strcmp(name, "RESOLVE_FAILED") == 0 && reason && address)
        snprintf(ret_text, size, "%s", reason);
    else if (strcmp(name, "TIMED_OUT") == 0)
        snprintf(ret_text, size, "%.*s", (int)strcspn(message, address ? ":;" : ";"), message);
    else
        snprintf(ret_text, size, "%s (%s)", message, name);
}
