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
    struct options *options;
    struct minimio_client *client;
    int64_t deadline_ns;
    struct answers answers;
    struct buffer unsent; /* whole messages are sent, so that the role can change between messages */
    uint64_t answered;
    bool input_ended;
    bool cut; /* part of the input has not reached the daemon */
    bool any_fault;
};

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

/* Waits until all requests sent so far are answered. */
static int await_answers(struct batch *batch)
{
    int result = pass_output(batch);

    while (result == 0 && unanswered(batch) > 0 && deadline_left_ns(batch->deadline_ns) != 0) {
        struct minimio_client_message message;

        result = minimio_client_next(batch->client, &message, deadline_left_ns(batch->deadline_ns));
        if (result > 0)
            batch_print(batch, &message);
        result = result < 0 ? connection_failed(batch->command, batch->client, result) : 0;
    }
    if (result == 0 && unanswered(batch) > 0)
        result = time_out(batch);
    return result;
}

/* Sends `length` bytes of the unsent input. */
static int send_unsent(struct batch *batch, size_t length)
{
    int result = length > 0 ? minimio_client_send_bytes(batch->client, buffer_bytes(&batch->unsent), length) : 0;

    buffer_consume(&batch->unsent, length);
    return result;
}

static int end_input(struct batch *batch)
{
    int result = send_unsent(batch, batch->unsent.length);

    batch->input_ended = true;
    answers_end(&batch->answers);
    return result < 0 ? result : minimio_client_finish(batch->client, deadline_left_ns(batch->deadline_ns));
}

/* A daemon that closed the session may have sent an error: read the error before reporting the close. */
static int check_sent(struct batch *batch, int result)
{
    batch->cut = batch->cut || result == -ECONNRESET;
    return result < 0 && result != -ECONNRESET ? connection_failed(batch->command, batch->client, result) : 0;
}

/* Only an owner may poll. The ids of open requests could equal the id of open_loop, so no request is open. */
static int become_owner(struct batch *batch)
{
    int result = await_answers(batch);

    batch->options->role = ROLE_OWNER;
    if (result == 0)
        result = session_open_loop(batch->command, batch->options, batch->deadline_ns, batch->client, NULL);
    return result;
}

static bool must_become_owner(const struct batch *batch)
{
    const struct options *options = batch->options;

    return batch->answers.polls && options->loop && !options->role_given && options->role == ROLE_GUEST;
}

/* Reads standard input once and sends the messages that are complete. */
static int pass_input(struct batch *batch)
{
    static char bytes[PIECE_BYTES];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    uint64_t expected = batch->answers.expected, more;
    int result = 0;

    if (n < 0)
        return errno == EINTR ? 0 : failed(batch->command, "cannot read standard input: %s", strerror(errno));
    if (n == 0)
        return check_sent(batch, end_input(batch));
    buffer_append(&batch->unsent, bytes, (size_t)n);
    if (answers_feed(&batch->answers, bytes, (size_t)n) < 0 || buffer_failed(&batch->unsent))
        return failed(batch->command, "out of memory");
    more = batch->answers.expected - expected;
    batch->answers.expected = expected;
    if (must_become_owner(batch))
        result = become_owner(batch);
    batch->answers.expected += more;
    if (result != 0)
        return result;
    return check_sent(batch, send_unsent(batch, batch->unsent.length - answers_incomplete(&batch->answers)));
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
    struct batch batch = {.command = command, .options = options};
    int result;

    if (!options_read_role(command, options, argc, argv))
        return options->exit_code;
    if (optind < argc)
        return wrong_usage(command, "unexpected argument '%s': requests come from standard input", argv[optind]);
    answers_init(&batch.answers);
    buffer_init(&batch.unsent);
    batch.deadline_ns = deadline_in(options->timeout_ns);
    result = connection_open(command, options, batch.deadline_ns, &batch.client);
    if (result == 0)
        result = fetch_limits(&batch);
    if (result == 0)
        result = pass_all(&batch);
    minimio_client_free(batch.client);
    answers_deinit(&batch.answers);
    buffer_deinit(&batch.unsent);
    return result;
}

static const struct option own_options[] = {{"role", required_argument, NULL, 'r'}, {0}};

const struct command command_batch = {
    .options = own_options,
    .name = "batch",
    .arguments = "<REQUESTS",
    .summary = "send requests from standard input, print the replies",
    .help =
        ROLE_HELP "\nReads JSON-RPC requests and prints replies and events, one per line. Exits when the input has\n"
                  "ended and all requests are answered: with status 1 if a reply is an error.\n",
    .takes_loop = true,
    .is_guest = true,
    .makes_loop = true,
    .method = METHOD_COUNT,
    .run = run_batch,
};
