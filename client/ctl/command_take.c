/* SPDX-License-Identifier: MIT */
/*
 * `take` and `run`: take streams out of the daemon, as standard input and output of a program. `run` waits for ready
 * tokens and serves the tokens one after the other, as inetd does for incoming connections.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/event_source.h"
#include "client/ctl/output.h"
#include "client/ctl/program.h"
#include "client/ctl/registrations.h"
#include "client/ctl/run_workers.h"
#include "client/lib/deadline.h"
#include "proto/number.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FINISHING_NS INT64_C(10000000000)

/* The deadline for requests that commit or undo a take. The grace period applies even after the command's deadline,
 * because a stream that does not return to the loop would be lost. */
static int64_t finishing_ns(int64_t deadline_ns)
{
    int64_t left_ns = deadline_left_ns(deadline_ns);

    return left_ns >= 0 && left_ns < FINISHING_NS ? FINISHING_NS : left_ns;
}

/* Removes the token. A lost connection is no error: this process owns the stream. Returns 0 or the exit code. */
static int commit(const struct command *command, struct minimio_client *client, int64_t deadline_ns)
{
    int result = minimio_client_take_commit(client, finishing_ns(deadline_ns));

    return result == 0 || result == -ECONNRESET ? 0 : connection_failed(command, client, result);
}

/* Registers the stream again, as before. Returns 0 or the exit code. */
static int undo(const struct command *command, struct minimio_client *client, int stream, int64_t deadline_ns)
{
    int result = minimio_client_take_undo(client, stream, finishing_ns(deadline_ns));

    return result == 0 ? 0 : connection_failed(command, client, result);
}

/* ---- take ------------------------------------------------------------------------------------------------------- */

/* Removes the token before exec, so that the program never finds its own stream registered. The session stays open
 * until exec closes the socket, so that the stream can be registered again if exec fails. */
static int take_become(const struct command *command, struct minimio_client *client, int stream, char **program,
                       int64_t deadline_ns)
{
    int result = commit(command, client, deadline_ns);

    if (result == 0)
        result = program_become_with(command, program, stream);
    (void)undo(command, client, stream, deadline_ns);
    return result;
}

static int take(const struct command *command, const struct options *options, uint64_t token, char **program)
{
    int64_t deadline_ns = deadline_in(options->timeout_ns);
    struct minimio_client *client = NULL;
    int result = program_find(command, program[0]);
    int stream;

    if (result == 0)
        result = connection_open(command, options, deadline_ns, &client);
    if (result != 0)
        return result;
    stream = minimio_client_take_begin(client, token, deadline_left_ns(deadline_ns));
    if (stream < 0) {
        result = connection_failed(command, client, stream);
    } else {
        program_tell(client, options->loop, token, "", 0);
        result = take_become(command, client, stream, program, deadline_ns);
        close(stream);
    }
    minimio_client_free(client);
    return result;
}

static int run_take(const struct command *command, struct options *options, int argc, char **argv)
{
    char **program = program_cut(&argc, argv);
    uint64_t token;
    int result;

    if (options_next(command, options, argc, argv) != OPTIONS_END)
        return options->exit_code;
    result = require_loop(command, options);
    if (result == 0 && optind + 1 != argc)
        result =
            optind == argc ? wrong_usage(command, "missing token") : unexpected_argument(command, argv[optind + 1]);
    if (result == 0)
        result = argument_token(command, argv[optind], &token);
    if (result == 0)
        result = program_require(command, program);
    return result == 0 ? take(command, options, token, program) : result;
}

/* ---- run -------------------------------------------------------------------------------------------------------- */

struct serving {
    const struct command *command;
    struct options *options;
    struct event_source source;
    char **program;
    bool back;
    bool worker;
    size_t workers; /* 0: not given */
    bool one;       /* serve only `token` */
    uint64_t token;
    uint64_t left;    /* number of commands until exit */
    uint64_t streams; /* number of streams in the loop */
    int exit_code;    /* of the last failed command */
};

static int parse_workers(const struct command *command, const char *text, size_t *ret_workers)
{
    uint64_t number;

    if (number_parse(text, 10, WORKERS_MAX, &number) < 0 || number == 0)
        return wrong_usage(command, "invalid --workers '%s': an integer from 1 to %d", text, WORKERS_MAX);
    *ret_workers = (size_t)number;
    return 0;
}

static int parse_options(struct serving *serving, int argc, char **argv)
{
    const struct command *command = serving->command;
    struct options *options = serving->options;
    int letter, result = 0;

    while (result == 0 && (letter = options_next(command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return OPTIONS_EXIT;
        if (letter == 'b')
            serving->back = true;
        else if (letter == 'w')
            serving->worker = true;
        else if (letter == 'n')
            result = parse_workers(command, optarg, &serving->workers);
        else if (letter == 'c')
            result = option_count(command, optarg, &serving->left);
        else {
            result = option_token(command, optarg, &serving->token);
            serving->one = true;
        }
    }
    if (result == 0 && (serving->worker || serving->workers > 0) && (serving->back || serving->one))
        result = wrong_usage(command, "--worker and --workers are mutually exclusive with --token and --back");
    options->exit_code = result;
    return result == 0 ? 0 : OPTIONS_EXIT;
}

/* Waits for the program, which has the stream, and registers the stream again if needed. */
static int await_end(struct serving *serving, int stream, int flags, pid_t child)
{
    struct event_source *source = &serving->source;
    int result = commit(serving->command, source->client, source->deadline_ns);
    int code = program_await(serving->command, serving->program[0], child);

    if (code != 0)
        serving->exit_code = code;
    serving->left--;
    if (result == 0 && serving->back && !program_stream_has_ended(stream)) {
        program_restore_flags(stream, flags);
        return undo(serving->command, source->client, stream, source->deadline_ns);
    }
    serving->streams--;
    return result;
}

static int serve_stream(struct serving *serving, int stream)
{
    struct event_source *source = &serving->source;
    int flags = fcntl(stream, F_GETFL), result;
    pid_t child;

    result = program_start(serving->command, serving->program, stream, &child);
    if (result == 0)
        return await_end(serving, stream, flags, child);
    (void)undo(serving->command, source->client, stream, source->deadline_ns);
    return result;
}

/* Whether the token is unknown: the event may be older than the last service of the stream. */
static bool is_gone(const struct minimio_client *client)
{
    const char *name = minimio_client_fault_name(client);

    return name && strcmp(name, "TOKEN_UNKNOWN") == 0;
}

static int serve(struct serving *serving, const struct minimio_client_event *event)
{
    struct event_source *source = &serving->source;
    int stream = minimio_client_take_begin(source->client, event->token, deadline_left_ns(source->deadline_ns));
    int result;

    if (stream < 0 && is_gone(source->client))
        return 0;
    if (stream < 0)
        return connection_failed(serving->command, source->client, stream);
    program_tell(source->client, serving->options->loop, event->token, event_source_address(source, event->token),
                 event->readiness);
    result = serve_stream(serving, stream);
    close(stream);
    return result;
}

/* Whether streams are left. Guests may have registered streams since the start. */
static bool has_streams(struct serving *serving)
{
    const struct event_source *source = &serving->source;
    cJSON *page = NULL;

    if (serving->streams > 0 || serving->one)
        return serving->streams > 0;
    if (session_call(serving->command, source->client, "list", "{\"limit\":1}", source->deadline_ns, &page) == 0)
        serving->streams = (uint64_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(page, "registrations"));
    cJSON_Delete(page);
    return serving->streams > 0;
}

/* Ignores events of other tokens with --token: the daemon reports the events again to the next session. */
static int serve_all(struct serving *serving)
{
    struct minimio_client_event events[EVENTS_AT_ONCE];

    if (serving->one && !event_source_find(&serving->source, serving->token))
        return tell_unknown_token(serving->command, serving->token);
    serving->streams = serving->one ? 1 : serving->source.count;
    while (serving->left > 0 && has_streams(serving)) {
        int n = event_source_next(&serving->source, events);

        if (n <= 0)
            return n < 0 ? -n : EXIT_TIMED_OUT;
        for (int i = 0; i < n && serving->left > 0; i++) {
            int result = serving->one && events[i].token != serving->token ? 0 : serve(serving, &events[i]);

            if (result != 0)
                return result;
        }
    }
    return serving->exit_code;
}

static int run_run(const struct command *command, struct options *options, int argc, char **argv)
{
    struct serving serving = {.command = command, .options = options, .left = UINT64_MAX};
    int result;

    serving.program = program_cut(&argc, argv);
    if (parse_options(&serving, argc, argv) == OPTIONS_EXIT)
        return options->exit_code;
    result = require_loop(command, options);
    if (result == 0 && optind < argc)
        result = wrong_usage(command, "unexpected argument '%s': the command follows --", argv[optind]);
    if (result == 0)
        result = program_require(command, serving.program);
    if (result == 0)
        result = program_find(command, serving.program[0]);
    if (result != 0)
        return result;
    if (serving.worker || serving.workers > 0) {
        options->role = ROLE_WORKER;
        return run_workers(&(struct run_plan){.command = command,
                                              .options = options,
                                              .program = serving.program,
                                              .workers = serving.workers > 0 ? serving.workers : 1,
                                              .left = serving.left});
    }
    result = event_source_begin(&serving.source, command, options);
    if (result == 0)
        result = serve_all(&serving);
    event_source_end(&serving.source);
    return result;
}

const struct command command_take = {
    .name = "take",
    .arguments = "--loop NAME TOKEN -- COMMAND...",
    .summary = "take a stream out of a loop and exec a command with it",
    .help = "\nThe stream is the standard input and output of the command. It stays in the loop if the\n"
            "command cannot be run.\n",
    .takes_loop = true,
    .is_guest = true,
    .method = METHOD_TAKE,
    .positional = "token keep",
    .run = run_take,
};

static const struct option own_options[] = {
    {"token", required_argument, NULL, 't'},   {"back", no_argument, NULL, 'b'},
    {"count", required_argument, NULL, 'c'},   {"worker", no_argument, NULL, 'w'},
    {"workers", required_argument, NULL, 'n'}, {0},
};

const struct command command_run = {
    .options = own_options,
    .name = "run",
    .arguments = "--loop NAME [--token N] -- COMMAND...",
    .summary = "run a command with each stream that becomes ready",
    .help = "  --token N          serve only this token\n"
            "  --back             register the stream again when the command has exited, unless the\n"
            "                     peer has closed\n"
            "  --count N          exit after N commands\n"
            "  --worker           share the streams with other workers in the loop: see below\n"
            "  --workers N        as N workers, with N commands at the same time\n"
            "\n"
            "Takes each stream out of the daemon and runs the command with the stream as its standard\n"
            "input and output, sequentially, until no stream is left. MINIMIO_TOKEN, MINIMIO_READINESS\n"
            "and MINIMIO_ADDRESS are set. Exit status is that of the last failing command.\n"
            "A worker registers the stream again if the command exits with status 0 and the peer has not\n"
            "closed, and closes the stream otherwise. If a worker dies, another worker gets the stream, and\n"
            "MINIMIO_READINESS has 'redelivered'. A worker runs until --count, --timeout, or the loop is closed.\n",
    .takes_loop = true,
    .method = METHOD_COUNT,
    .run = run_run,
};
