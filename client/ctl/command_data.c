/* SPDX-License-Identifier: MIT */
/*
 * `read` and `write`: transfer the bytes of a stream in a named loop to standard output and from standard input.
 */
#include "client/ctl/bytes.h"
#include "client/ctl/commands.h"
#include "client/ctl/json.h"
#include "client/ctl/method_options.h"
#include "client/ctl/output.h"
#include "client/ctl/registrations.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* `write` retries a full stream after pauses: an event for free room would require a change of the registration's
 * interests. */
#define FIRST_PAUSE_NS NS_PER_MS
#define LAST_PAUSE_NS  (50 * NS_PER_MS)

/* Parses options and the token, a parameter of the method. Returns 0, the exit code, or OPTIONS_EXIT. */
static int take_arguments(const struct command *command, struct options *options, int argc, char **argv, cJSON *params,
                          uint64_t *ret_token)
{
    int result;

    if (method_options_read(command, options, argc, argv, params) == OPTIONS_EXIT)
        return OPTIONS_EXIT;
    result = require_loop(command, options);
    if (result == 0 && optind + 1 != argc)
        result =
            optind == argc ? wrong_usage(command, "missing token") : unexpected_argument(command, argv[optind + 1]);
    if (result == 0)
        result = argument_token(command, argv[optind], ret_token);
    if (result == 0)
        json_add_integer(params, "token", *ret_token);
    return result;
}

/* ---- read ------------------------------------------------------------------------------------------------------- */

static int print_bytes(const struct command *command, const cJSON *result, int64_t deadline_ns)
{
    struct buffer bytes;
    bool eof;
    int r;

    buffer_init(&bytes);
    r = bytes_of_result(result, &bytes, &eof);
    if (r < 0)
        r = failed(command, r == -ENOMEM ? "out of memory" : "the daemon sent no bytes");
    else
        r = bytes_put(command, STDOUT_FILENO, (struct span){buffer_bytes(&bytes), bytes.length}, deadline_ns);
    buffer_deinit(&bytes);
    return r;
}

static int read_once(const struct command *command, const struct options *options, cJSON *params)
{
    int64_t deadline_ns = deadline_in(options->timeout_ns);
    struct minimio_client *client = NULL;
    cJSON *result = NULL;
    int r = connection_open(command, options, deadline_ns, &client);

    if (r == 0)
        r = session_call_with(command, client, "read", cJSON_Duplicate(params, true), deadline_ns, &result);
    if (r == 0 && options->json)
        output_json_line(result);
    else if (r == 0)
        r = print_bytes(command, result, deadline_ns);
    cJSON_Delete(result);
    minimio_client_free(client);
    return r == 0 ? output_flush() : r;
}

static int run_read(const struct command *command, struct options *options, int argc, char **argv)
{
    cJSON *params = cJSON_CreateObject();
    uint64_t token;
    int result = take_arguments(command, options, argc, argv, params, &token);

    if (result == 0)
        result = read_once(command, options, params);
    cJSON_Delete(params);
    return result == OPTIONS_EXIT ? options->exit_code : result;
}

/* ---- write ------------------------------------------------------------------------------------------------------ */

struct writing {
    const struct command *command;
    struct minimio_client *client;
    uint64_t token;
    int64_t deadline_ns;
    uint64_t written;
};

static int give_up(const struct writing *writing)
{
    failed(writing->command, "the stream took %" PRIu64 " bytes and then no more in time", writing->written);
    return EXIT_TIMED_OUT;
}

/* The deadline of a call: a call in progress at the deadline may still complete. */
static int64_t call_deadline(const struct writing *writing)
{
    return writing->deadline_ns == DEADLINE_NEVER ? DEADLINE_NEVER : writing->deadline_ns + NS_PER_S;
}

static int write_chunk(struct writing *writing, struct span bytes)
{
    int64_t pause_ns = FIRST_PAUSE_NS;

    while (bytes.length > 0) {
        size_t n = 0;
        int result = bytes_write(writing->command, writing->client, writing->token, bytes, call_deadline(writing), &n);

        if (result != 0)
            return result;
        bytes.data += n;
        bytes.length -= n;
        writing->written += n;
        if (bytes.length > 0 && deadline_left_ns(writing->deadline_ns) == 0)
            return give_up(writing);
        if (n > 0) {
            pause_ns = FIRST_PAUSE_NS;
            continue;
        }
        deadline_pause(writing->deadline_ns, pause_ns);
        pause_ns = deadline_sooner(pause_ns * 2, LAST_PAUSE_NS);
    }
    return 0;
}

static int write_input(struct writing *writing)
{
    char bytes[BYTES_WRITE_MAX];
    ssize_t n;
    int result = 0;

    while (result == 0 && ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0)
            result = write_chunk(writing, (struct span){bytes, (size_t)n});
    if (result == 0 && n < 0)
        return failed(writing->command, "cannot read standard input: %s", strerror(errno));
    return result;
}

static int run_write(const struct command *command, struct options *options, int argc, char **argv)
{
    struct writing writing = {.command = command};
    cJSON *params = cJSON_CreateObject();
    int result = take_arguments(command, options, argc, argv, params, &writing.token);

    cJSON_Delete(params);
    if (result == OPTIONS_EXIT)
        return options->exit_code;
    writing.deadline_ns = deadline_in(options->timeout_ns);
    if (result == 0)
        result = connection_open(command, options, writing.deadline_ns, &writing.client);
    if (result == 0)
        result = write_input(&writing);
    if (result == 0 && writing.written == 0) /* no call has proved that the token exists */
        result = require_token(command, writing.client, writing.token, call_deadline(&writing));
    if (result == 0 && options->json)
        printf("{\"bytes\":%" PRIu64 "}\n", writing.written);
    minimio_client_free(writing.client);
    return result == 0 ? output_flush() : result;
}

const struct command command_read = {
    .name = "read",
    .arguments = "--loop NAME TOKEN",
    .summary = "print the data that a stream has now",
    .help = "\nPrints the bytes as they came, to a terminal too; with --json the reply of the daemon, which also\n"
            "tells whether the stream has ended.\n",
    .takes_loop = true,
    .is_guest = true,
    .method = METHOD_READ,
    .positional = "token",
    .run = run_read,
};

const struct command command_write = {
    .name = "write",
    .arguments = "--loop NAME TOKEN <DATA",
    .summary = "write standard input to a stream",
    .help = "\nWaits while the stream is full. With --json prints the number of bytes written.\n",
    .takes_loop = true,
    .is_guest = true,
    .method = METHOD_WRITE,
    .positional = "token data encoding",
    .run = run_write,
};
