/* SPDX-License-Identifier: MIT */
/*
 * `connect`: relays standard input and output over a stream of the daemon, like nc. Invariant: the command calls `read`
 * only while the stream may have data, and `write` only while the stream may have room; edge-triggered events report
 * changes.
 */
#include "client/ctl/bytes.h"
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/ctl/target.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TOKEN 1

struct relay {
    const struct command *command;
    struct minimio_client *client;
    int64_t deadline_ns;
    bool may_read, may_write; /* of the stream, by the last event or call */
    bool input_ended, peer_ended;
    size_t start, end; /* of the bytes read and not yet written */
    char bytes[BYTES_WRITE_MAX];
};

static int connect_stream(struct relay *relay, const struct options *options, const char *address)
{
    static const char *const interests[] = {"readable", "writable"};
    cJSON *params = cJSON_CreateObject();
    bool whole = json_add_integer(params, "token", TOKEN) && cJSON_AddStringToObject(params, "address", address) &&
                 cJSON_AddStringToObject(params, "mode", "edge") &&
                 json_add(params, "interests", cJSON_CreateStringArray(interests, 2));

    if (whole && options->timeout_ns >= 0)
        whole = json_add_integer(params, "timeout_ms", (uint64_t)milliseconds_of(options->timeout_ns + 1));
    if (!whole) {
        cJSON_Delete(params);
        return failed(relay->command, "out of memory");
    }
    return session_call_with(relay->command, relay->client, "register", params, relay->deadline_ns, NULL);
}

/* Copies once from the stream to standard output. */
static int pass_out(struct relay *relay)
{
    struct buffer bytes;
    cJSON *result;
    int r = session_call(relay->command, relay->client, "read", "{\"token\":1,\"max\":32768,\"encoding\":\"base64\"}",
                         relay->deadline_ns, &result);

    if (r != 0)
        return r;
    buffer_init(&bytes);
    if (bytes_of_result(result, &bytes, &relay->peer_ended) < 0)
        r = failed(relay->command, "the daemon sent no bytes");
    else
        r = bytes_put(relay->command, STDOUT_FILENO, (struct span){buffer_bytes(&bytes), bytes.length},
                      relay->deadline_ns);
    relay->may_read = bytes.length > 0 && !relay->peer_ended;
    buffer_deinit(&bytes);
    cJSON_Delete(result);
    return r;
}

/* Writes the buffered bytes once to the stream. */
static int pass_in(struct relay *relay)
{
    struct span rest = {relay->bytes + relay->start, relay->end - relay->start};
    size_t written = 0;
    int result = bytes_write(relay->command, relay->client, TOKEN, rest, relay->deadline_ns, &written);

    relay->start += written;
    relay->may_write = written == rest.length;
    if (relay->start == relay->end)
        relay->start = relay->end = 0;
    return result;
}

static int read_input(struct relay *relay)
{
    ssize_t n = read(STDIN_FILENO, relay->bytes, sizeof relay->bytes);

    if (n < 0)
        return errno == EINTR ? 0 : failed(relay->command, "cannot read standard input: %s", strerror(errno));
    relay->end = (size_t)n;
    if (n > 0)
        return 0;
    relay->input_ended = true;
    return session_call(relay->command, relay->client, "shutdown", "[1,\"write\"]", relay->deadline_ns, NULL);
}

/* Reads all pending events. Returns 0 or the exit code. */
static int take_events(struct relay *relay)
{
    struct minimio_client_event event;
    int n;

    while ((n = minimio_client_events(relay->client, &event, 1, 0)) > 0) {
        if (event.readiness & ~(uint32_t)MINIMIO_CLIENT_WRITABLE)
            relay->may_read = true;
        if (event.readiness & (MINIMIO_CLIENT_WRITABLE | MINIMIO_CLIENT_ERROR))
            relay->may_write = true;
    }
    return n < 0 ? connection_failed(relay->command, relay->client, n) : 0;
}

static int wait_for_either(struct relay *relay)
{
    bool reads = !relay->input_ended && relay->end == 0;
    struct pollfd fds[] = {{.fd = minimio_client_fd(relay->client), .events = POLLIN},
                           {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN}};
    int64_t left = deadline_left_ns(relay->deadline_ns);
    struct timespec timeout = deadline_timespec(left);
    int n = ppoll(fds, 2, left < 0 ? NULL : &timeout, NULL);

    if (n == 0 && deadline_left_ns(relay->deadline_ns) == 0)
        return EXIT_TIMED_OUT;
    return n > 0 && fds[1].revents ? read_input(relay) : 0;
}

/* Relays until the peer closes, like nc. */
static int pass_all(struct relay *relay)
{
    while (!relay->peer_ended) {
        int result = take_events(relay);

        if (result == 0 && relay->may_read)
            result = pass_out(relay);
        else if (result == 0 && relay->may_write && relay->end > 0)
            result = pass_in(relay);
        else if (result == 0)
            result = wait_for_either(relay);
        if (result != 0)
            return result;
    }
    return EXIT_DONE;
}

static int run_connect(const struct command *command, struct options *options, int argc, char **argv)
{
    static struct relay relay;
    const char *fault;
    int result;

    if (!options_read(command, options, argc, argv))
        return options->exit_code;
    if (optind == argc)
        return wrong_usage(command, "missing address: HOST:PORT");
    if (optind + 1 < argc)
        return unexpected_argument(command, argv[optind + 1]);
    fault = target_fault(argv[optind]);
    if (fault)
        return wrong_usage(command, "invalid address '%s': %s", argv[optind], fault);
    relay = (struct relay){.command = command, .deadline_ns = deadline_in(options->timeout_ns), .may_write = true};
    result = connection_open(command, options, relay.deadline_ns, &relay.client);
    if (result == 0)
        result = connect_stream(&relay, options, argv[optind]);
    if (result == 0)
        result = pass_all(&relay);
    minimio_client_free(relay.client);
    return result;
}

const struct command command_connect = {
    .name = "connect",
    .arguments = "HOST:PORT",
    .summary = "copy standard input and output through a stream, like nc",
    .help = "\nThe end of the input shuts down that direction; the end of the stream ends the command.\n",
    .method = METHOD_COUNT,
    .run = run_connect,
};
