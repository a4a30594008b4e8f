/* SPDX-License-Identifier: MIT */
/*
 * `batch`: copies requests from standard input to the daemon unchanged, and messages of the daemon to standard output
 * as lines, until all requests are answered.
 */
#include "client/ctl/answers.h"
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES 65536

struct batch {
    const struct command *command;
    struct minimio_client *client;
    int64_t deadline_ns;
    struct answers answers;
    uint64_t answered;
    bool input_ended;
    bool cut; /* part of the input has not reached the daemon */
    bool any_fault;
};

/* Reads standard input once and sends the bytes. */
static int pass_input(struct batch *batch)
{
    static char bytes[PIECE_BYTES];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    int result;

    if (n < 0)
        return errno == EINTR ? 0 : failed(batch->command, "cannot read standard input: %s", strerror(errno));
    if (n > 0 && answers_feed(&batch->answers, bytes, (size_t)n) < 0)
        return failed(batch->command, "out of memory");
    result = n > 0 ? minimio_client_send_bytes(batch->client, bytes, (size_t)n) : 0;
    if (n == 0) {
        batch->input_ended = true;
        answers_end(&batch->answers);
        result = minimio_client_finish(batch->client, deadline_left_ns(batch->deadline_ns));
    }
    /* A daemon that closed the session may have sent an error: read the error before reporting the close. */
    batch->cut = batch->cut || result == -ECONNRESET;
    return result < 0 && result != -ECONNRESET ? connection_failed(batch->command, batch->client, result) : 0;
}

static void batch_print(struct batch *batch, const struct minimio_client_message *message)
{
    if (message->kind == MINIMIO_CLIENT_FAULT ||
        (message->kind == MINIMIO_CLIENT_BATCH && strstr(message->body, "\"error\":")))
        batch->any_fault = true;
    if (message->kind != MINIMIO_CLIENT_READY && message->kind != MINIMIO_CLIENT_NOTIFICATION)
        batch->answered++;
    output_json_text(message->json);
}

static uint64_t unanswered(const struct batch *batch)
{
    uint64_t expected = batch->answers.expected;

    return expected > batch->answered ? expected - batch->answered : 0;
}

static bool is_done(const struct batch *batch)
{
    return batch->input_ended && !batch->cut && unanswered(batch) == 0;
}

static const char *requests_text(uint64_t count)
{
    return count == 1 ? "request was" : "requests were";
}

/* Prints all received messages. Returns 0 or the exit code. */
static int pass_output(struct batch *batch)
{
    struct minimio_client_message message;
    int result = 0;

    while (!is_done(batch) && (result = minimio_client_next(batch->client, &message, 0)) > 0)
        batch_print(batch, &message);
    if (output_flush() != 0)
        return EXIT_FAILED;
    if (result == -ECONNRESET && unanswered(batch) > 0)
        return failed(batch->command, "the daemon closed the connection: %" PRIu64 " %s not answered",
                      unanswered(batch), requests_text(unanswered(batch)));
    return result < 0 ? connection_failed(batch->command, batch->client, result) : 0;
}

static int time_out(const struct batch *batch)
{
    uint64_t count = unanswered(batch);

    if (batch->input_ended)
        failed(batch->command, "%" PRIu64 " %s not answered in time", count, requests_text(count));
    else
        failed(batch->command, "standard input did not end in time");
    return EXIT_TIMED_OUT;
}

/* Waits for input or output. Reads no further requests while earlier requests are unsent. */
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
        return time_out(batch);
    return n > 0 && fds[1].revents ? pass_input(batch) : 0;
}

static int pass_all(struct batch *batch)
{
    for (;;) {
        int result = pass_output(batch);

        if (result == 0 && is_done(batch))
            return batch->any_fault ? EXIT_FAILED : EXIT_DONE;
        if (result == 0)
            result = wait_for_either(batch);
        if (result != 0)
            return result;
    }
}

/* The framing of requests depends on the limits of the daemon. The call also proves that the session was accepted. */
static int fetch_limits(struct batch *batch)
{
    cJSON *hello;
    const cJSON *limit;
    uint64_t number;
    int result = session_call(batch->command, batch->client, "hello", NULL, batch->deadline_ns, &hello);

    if (result != 0)
        return result;
    cJSON_ArrayForEach(limit, cJSON_GetObjectItemCaseSensitive(hello, "limits")) {
        if (json_integer(limit, &number) && number <= UINT32_MAX)
            limits_set(&batch->answers.limits, (struct span){limit->string, strlen(limit->string)}, number);
    }
    cJSON_Delete(hello);
    return 0;
}

static int run_batch(const struct command *command, struct options *options, int argc, char **argv)
{
    struct batch batch = {.command = command};
    int result;

    if (options_next(command, options, argc, argv) != OPTIONS_END)
        return options->exit_code;
    if (optind < argc)
        return wrong_usage(command, "unexpected argument '%s': requests come from standard input", argv[optind]);
    answers_init(&batch.answers);
    batch.deadline_ns = deadline_in(options->timeout_ns);
    result = connection_open(command, options, batch.deadline_ns, &batch.client);
    if (result == 0)
        result = fetch_limits(&batch);
    if (result == 0)
        result = pass_all(&batch);
    minimio_client_free(batch.client);
    answers_deinit(&batch.answers);
    return result;
}

const struct command command_batch = {
    .name = "batch",
    .arguments = "<REQUESTS",
    .summary = "send requests from standard input, print the replies",
    .help = "\nReads JSON-RPC requests and prints replies and events, one per line. Exits when the input has\n"
            "ended and all requests are answered: with status 1 if a reply is an error.\n",
    .takes_loop = true,
    .makes_loop = true,
    .method = METHOD_COUNT,
    .run = run_batch,
};
