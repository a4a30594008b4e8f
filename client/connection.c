/* SPDX-License-Identifier: MIT */
#include "client/command.h"

#include "client/deadline.h"
#include "client/output.h"
#include "proto/socket_path.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RETRY_NS (10 * NS_PER_MS)

int failed(const struct command *command, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    output_make_printable(text);
    fprintf(stderr, "minimioctl %s: %s\n", command->name, text);
    return EXIT_FAILED;
}

static void explain(const struct command *command, const char *path, int error)
{
    if (error == -ETIMEDOUT) {
        failed(command, "the daemon at %s did not answer in time", path);
        return;
    }
    failed(command, "cannot connect to %s: %s", path, strerror(-error));
    if (error == -ENOENT || error == -ECONNREFUSED)
        fprintf(stderr, "Is minimiod running? Start it with: minimiod --socket %s\n", path);
    else if (error == -EACCES)
        fputs("Only the socket's owner and group may connect: see who they are with ls -l.\n", stderr);
}

static bool is_absent(int error)
{
    return error == -ENOENT || error == -ECONNREFUSED;
}

/* A daemon that starts makes its socket file first and listens then; until both are done it counts as absent. */
static int connect_patiently(const char *path, int64_t patience_end_ns, int64_t deadline_ns,
                             struct minimio_client **ret_client)
{
    int r;

    for (;;) {
        r = minimio_client_connect(path, deadline_left_ns(deadline_ns), ret_client);
        if (!is_absent(r) || deadline_left_ns(patience_end_ns) == 0)
            return r;
        deadline_pause(patience_end_ns, RETRY_NS);
    }
}

int connection_await(const struct command *command, const struct options *options, int64_t patience_ns,
                     int64_t deadline_ns, struct minimio_client **ret_client)
{
    char path[SOCKET_PATH_SIZE];
    int r = socket_path(options->socket, path, sizeof(path));

    if (r == -ENAMETOOLONG)
        return wrong_usage(command, "the socket's path is too long: at most %d bytes fit", SOCKET_PATH_SIZE - 1);
    if (r < 0)
        return wrong_usage(command, "--socket: the path is empty");
    r = connect_patiently(path, deadline_sooner(deadline_in(patience_ns), deadline_ns), deadline_ns, ret_client);
    if (r == 0)
        return 0;
    explain(command, path, r);
    return r == -ETIMEDOUT || (is_absent(r) && patience_ns > 0) ? EXIT_TIMED_OUT : EXIT_FAILED;
}

int connection_open(const struct command *command, const struct options *options, int64_t deadline_ns,
                    struct minimio_client **ret_client)
{
    return connection_await(command, options, 0, deadline_ns, ret_client);
}

int session_call(const struct command *command, struct minimio_client *client, const char *method, const char *params,
                 int64_t deadline_ns, cJSON **ret_result)
{
    const char *text;
    int r = minimio_client_call(client, method, params, deadline_left_ns(deadline_ns), &text);

    if (r < 0)
        return connection_failed(command, client, r);
    if (ret_result) {
        *ret_result = cJSON_Parse(text);
        if (!*ret_result)
            return failed(command, "out of memory");
    }
    return 0;
}

int connection_call(const struct command *command, const struct options *options, const char *method,
                    const char *params, cJSON **ret_result)
{
    int64_t deadline_ns = deadline_in(options->timeout_ns);
    struct minimio_client *client = NULL;
    int r = connection_open(command, options, deadline_ns, &client);

    if (r != 0)
        return r;
    r = session_call(command, client, method, params, deadline_ns, ret_result);
    minimio_client_free(client);
    return r;
}

int connection_failed(const struct command *command, const struct minimio_client *client, int error)
{
    failed(command, "%s", minimio_client_error(client));
    return error == -ETIMEDOUT ? EXIT_TIMED_OUT : EXIT_FAILED;
}

void explain_fault(const cJSON *fault, char *ret_text, size_t size)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(fault, "data");
    const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fault, "message"));
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(data, "name"));
    const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(data, "errno"));

    snprintf(ret_text, size, "%s (%s%s%s)", message ? message : "an error without a message",
             name ? name : "an error without a name", error ? ", " : "", error ? error : "");
}
