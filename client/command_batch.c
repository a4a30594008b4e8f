/* SPDX-License-Identifier: MIT */
/*
 * `batch`: requests from standard input to the daemon as they are, and all that it says to standard output, a line
 * each, until it has nothing more to say.
 */
#include "client/deadline.h"
#include "client/command.h"
#include "client/output.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES 65536

struct batch {
    const struct command *command;
    struct minimio_client *client;
    int64_t deadline_ns;
    bool input_ended;
    bool any_fault;
};

/* One read of standard input, sent on. */
static int pass_input(struct batch *batch)
{
    static char bytes[PIECE_BYTES];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
    int r;

    if (n < 0)
        return errno == EINTR ? 0 : failed(batch->command, "cannot read standard input: %s", strerror(errno));
    r = n > 0 ? minimio_client_send_bytes(batch->client, bytes, (size_t)n) : 0;
    if (n == 0) {
        batch->input_ended = true;
        r = minimio_client_finish(batch->client, deadline_left_ns(batch->deadline_ns));
    }
    /* A daemon that closed the session may have said why, which is read before the closing is told. */
    return r < 0 && r != -ECONNRESET ? connection_failed(batch->command, batch->client, r) : 0;
}

static void print(struct batch *batch, const struct minimio_client_message *message)
{
    if (message->kind == MINIMIO_CLIENT_FAULT ||
        (message->kind == MINIMIO_CLIENT_BATCH && strstr(message->body, "\"error\":")))
        batch->any_fault = true;
    output_json_text(message->json);
}

/* Prints what is there. Returns 0, the exit code, or -ECONNRESET at the session's end. */
static int pass_output(struct batch *batch)
{
    struct minimio_client_message message;
    int r;

    while ((r = minimio_client_next(batch->client, &message, 0)) > 0)
        print(batch, &message);
    if (output_flush() != 0)
        return EXIT_FAILED;
    if (r == -ECONNRESET && batch->input_ended)
        return r;
    return r < 0 ? connection_failed(batch->command, batch->client, r) : 0;
}

/* Waits until there is something to pass on; requests are not read while earlier ones wait to be sent. */
static int wait_for_either(struct batch *batch)
{
    short wants = minimio_client_wants(batch->client);
    bool reads = !batch->input_ended && !(wants & POLLOUT);
    struct pollfd fds[] = {{.fd = minimio_client_fd(batch->client), .events = wants},
                           {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN}};
    int64_t left = deadline_left_ns(batch->deadline_ns);
    struct timespec timeout = deadline_timespec(left);
    int n = ppoll(fds, 2, left < 0 ? NULL : &timeout, NULL);

    if (n == 0 && deadline_left_ns(batch->deadline_ns) == 0)
        return failed(batch->command, "the daemon did not end the session in time"), EXIT_TIMED_OUT;
    return n > 0 && fds[1].revents ? pass_input(batch) : 0;
}

static int pass_all(struct batch *batch)
{
    for (;;) {
        int r = pass_output(batch);

        if (r == -ECONNRESET)
            return batch->any_fault ? EXIT_FAILED : EXIT_DONE;
        if (r == 0)
            r = wait_for_either(batch);
        if (r != 0)
            return r;
    }
}

static int run(const struct command *command, struct options *options, int argc, char **argv)
{
    struct batch batch = {.command = command};
    int r;

    if (options_next(command, options, argc, argv) != OPTIONS_END)
        return options->exit_code;
    if (optind < argc)
        return wrong_usage(command, "unexpected argument '%s': requests come from standard input", argv[optind]);
    batch.deadline_ns = deadline_in(options->timeout_ns);
    r = connection_open(command, options, batch.deadline_ns, &batch.client);
    if (r == 0)
        r = pass_all(&batch);
    minimio_client_free(batch.client);
    return r;
}

const struct command command_batch = {
    .name = "batch",
    .arguments = "<REQUESTS",
    .summary = "send requests from standard input, print what comes",
    .help = "\nJSON-RPC requests in, replies and events out, one per line. At the end of the input it prints what\n"
            "is still to come and ends: with 1 if one of the replies was an error.\n",
    .takes_loop = true,
    .makes_loop = true,
    .method = METHODS,
    .run = run,
};
