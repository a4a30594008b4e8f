/* SPDX-License-Identifier: MIT */
/*
 * `events`: prints each event of a named loop as a line, or runs a command for each event.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/event_source.h"
#include "client/ctl/output.h"
#include "client/ctl/program.h"
#include "client/lib/deadline.h"
#include "proto/number.h"

#include <inttypes.h>
#include <stdio.h>

struct following {
    const struct command *command;
    struct options *options;
    struct event_source source;
    struct output_event_layout layout;
    const char *line; /* shell command; NULL: print */
    bool rearm;
    bool worker;
    bool now; /* print the current events, then exit */
    bool any_event;
    bool any_failed;
    uint64_t left; /* number of events until exit */
};

static int parse_prefetch(const struct command *command, const char *text, uint64_t *ret_prefetch)
{
    if (number_parse(text, 10, PREFETCH_MAX, ret_prefetch) == 0 && *ret_prefetch > 0)
        return 0;
    return wrong_usage(command, "invalid --prefetch '%s': an integer from 1 to %d", text, PREFETCH_MAX);
}

static int check_options(const struct following *following)
{
    if (following->now && following->rearm)
        return wrong_usage(following->command, "--now and --rearm are mutually exclusive");
    if (following->now && following->worker)
        return wrong_usage(following->command, "--now and --worker are mutually exclusive");
    if (following->options->prefetch > 0 && !following->worker)
        return wrong_usage(following->command, "--prefetch needs --worker");
    return 0;
}

static int parse_options(struct following *following, int argc, char **argv)
{
    const struct command *command = following->command;
    struct options *options = following->options;
    int letter, result = 0;

    while (result == 0 && (letter = options_next(command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return OPTIONS_EXIT;
        following->rearm |= letter == 'r';
        following->now |= letter == 'n';
        following->worker |= letter == 'w';
        if (letter == 'e')
            result = option_line(command, optarg, &following->line);
        else if (letter == 'c')
            result = option_count(command, optarg, &following->left);
        else if (letter == 'p')
            result = parse_prefetch(command, optarg, &options->prefetch);
    }
    if (result == 0)
        result = check_options(following);
    if (following->worker)
        options->role = ROLE_WORKER;
    options->exit_code = result;
    return result == 0 ? 0 : OPTIONS_EXIT;
}

/* Sets the column widths for the loop's registrations. */
static void lay_out(struct following *following)
{
    struct event_source *source = &following->source;

    following->layout.json = following->options->json;
    for (size_t i = 0; i < source->count; i++) {
        uint64_t token = event_source_token(source->by_token[i]);
        int width = output_address_width(event_source_address(source, token));

        if (width > following->layout.address_width)
            following->layout.address_width = width;
        following->layout.token_width = snprintf(NULL, 0, "%" PRIu64, token);
    }
}

static int rearm(struct following *following, uint64_t token)
{
    char params[48];
    int result;

    snprintf(params, sizeof params, "[%" PRIu64 "]", token);
    result = minimio_client_send(following->source.client, "reregister", params, NULL);
    return result < 0 ? connection_failed(following->command, following->source.client, result) : 0;
}

static int take_event(struct following *following, const struct minimio_client_event *event)
{
    const char *address = event_source_address(&following->source, event->token);

    following->left--;
    following->any_event = true;
    if (following->line) {
        program_tell(following->source.client, following->options->loop, event->token, address, event->readiness);
        if (program_run_shell(following->command, following->line) != 0)
            following->any_failed = true;
    } else {
        output_event(&following->layout, event->token, address, event->readiness);
        if (output_flush() != 0)
            return EXIT_FAILED;
    }
    /* A closed stream stays ready: rearming would report the stream repeatedly. */
    return following->rearm && !(event->readiness & MINIMIO_CLIENT_READ_CLOSED) ? rearm(following, event->token) : 0;
}

static int follow(struct following *following)
{
    struct minimio_client_event events[EVENTS_AT_ONCE];

    for (;;) {
        int n = following->now ? event_source_next_ready(&following->source, events)
                               : event_source_next(&following->source, events);

        if (n < 0)
            return -n;
        if (n == 0 && following->now)
            return following->any_event && !following->any_failed ? EXIT_DONE : EXIT_FAILED;
        if (n == 0)
            return EXIT_TIMED_OUT;
        for (int i = 0; i < n; i++) {
            int result = take_event(following, &events[i]);

            if (result != 0)
                return result;
            if (following->left == 0)
                return following->any_failed ? EXIT_FAILED : EXIT_DONE;
        }
    }
}

static int run_events(const struct command *command, struct options *options, int argc, char **argv)
{
    struct following following = {.command = command, .options = options, .left = UINT64_MAX};
    int result;

    if (parse_options(&following, argc, argv) == OPTIONS_EXIT)
        return options->exit_code;
    result = require_loop(command, options);
    if (result == 0 && optind < argc)
        result = unexpected_argument(command, argv[optind]);
    if (result != 0)
        return result;
    result = event_source_begin(&following.source, command, options);
    if (result == 0) {
        lay_out(&following);
        result = follow(&following);
    }
    event_source_end(&following.source);
    return result;
}

static const struct option own_options[] = {
    {"count", required_argument, NULL, 'c'},
    {"exec", required_argument, NULL, 'e'},
    {"now", no_argument, NULL, 'n'},
    {"prefetch", required_argument, NULL, 'p'},
    {"rearm", no_argument, NULL, 'r'},
    {"worker", no_argument, NULL, 'w'},
    {0},
};

const struct command command_events = {
    .options = own_options,
    .name = "events",
    .arguments = "--loop NAME",
    .summary = "follow the events of a loop",
    .help = "  --count N          exit after N events\n"
            "  --exec COMMAND     run a shell command per event, sequentially, instead of printing\n"
            "                     the event; MINIMIO_TOKEN, MINIMIO_READINESS and MINIMIO_ADDRESS are set\n"
            "  --now              print the tokens that are ready now, then exit: with 1 if none is\n"
            "  --rearm            rearm a token after its event, until its stream ends\n"
            "  --worker           share the events with other workers: a token of an event is leased until\n"
            "                     it is reregistered, deregistered or taken, or the command exits\n"
            "  --prefetch N       as worker, up to N tokens leased at the same time (1)\n"
            "\n"
            "Prints a line per event: the token, the address, the readiness. With --exec the exit\n"
            "status is 1 if a command failed.\n",
    .takes_loop = true,
    .method = METHOD_COUNT,
    .run = run_events,
};
