/* SPDX-License-Identifier: MIT */
/*
 * `ping`: measures the round-trip time of a request to the daemon.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/output.h"
#include "client/lib/deadline.h"

#include <inttypes.h>
#include <stdio.h>

static int ping(const struct command *command, struct minimio_client *client, int64_t deadline_ns,
                int64_t *ret_round_trip_ns)
{
    int64_t began_ns = now_ns();
    int result = session_call(command, client, "ping", NULL, deadline_ns, NULL);

    if (result == 0)
        *ret_round_trip_ns = now_ns() - began_ns;
    return result;
}

static int ping_print(const struct options *options, int64_t round_trip_ns)
{
    if (options->json)
        printf("{\"round_trip_us\":%" PRId64 "}\n", round_trip_ns / 1000);
    else
        printf("minimiod answered in %" PRId64 " µs\n", round_trip_ns / 1000);
    return output_flush();
}

static int run_ping(const struct command *command, struct options *options, int argc, char **argv)
{
    struct minimio_client *client = NULL;
    int64_t patience_ns = 0, round_trip_ns = 0, deadline_ns;
    int letter, result;

    while ((letter = options_next(command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return options->exit_code;
        result = option_duration(command, "--wait", optarg, &patience_ns);
        if (result != 0)
            return result;
    }
    if (optind < argc)
        return unexpected_argument(command, argv[optind]);
    deadline_ns = deadline_in(options->timeout_ns);
    result = connection_await(command, options, patience_ns, deadline_ns, &client);
    if (result == 0)
        result = ping(command, client, deadline_ns, &round_trip_ns);
    if (result == 0)
        result = ping_print(options, round_trip_ns);
    minimio_client_free(client);
    return result;
}

static const struct option own_options[] = {{"wait", required_argument, NULL, 'w'}, {0}};

const struct command command_ping = {
    .options = own_options,
    .name = "ping",
    .arguments = "",
    .summary = "check that the daemon replies, and how fast",
    .help = "  --wait D           retry for this long if no daemon listens yet\n",
    .method = METHOD_COUNT,
    .run = run_ping,
};
