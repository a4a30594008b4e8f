/* SPDX-License-Identifier: MIT */
/*
 * `hello`, `stats` and `discover`: print information about the daemon.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/metrics.h"
#include "client/ctl/output.h"

static void show_print(const struct options *options, const cJSON *result, bool metrics)
{
    if (metrics)
        metrics_print(result);
    else if (options->json)
        output_json_line(result);
    else
        output_members(result);
}

static int show_reply(const struct command *command, const struct options *options, int argc, char **argv, bool metrics)
{
    cJSON *result;
    int r;

    if (optind < argc)
        return unexpected_argument(command, argv[optind]);
    r = connection_call(command, options, command->name, NULL, &result);
    if (r != 0)
        return r;
    show_print(options, result, metrics);
    cJSON_Delete(result);
    return output_flush();
}

static int run_hello(const struct command *command, struct options *options, int argc, char **argv)
{
    if (!options_read(command, options, argc, argv))
        return options->exit_code;
    return show_reply(command, options, argc, argv, false);
}

static int run_stats(const struct command *command, struct options *options, int argc, char **argv)
{
    bool metrics = false;
    int letter;

    while ((letter = options_next(command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return options->exit_code;
        metrics = true;
    }
    if (metrics && options->json)
        return wrong_usage(command, "--openmetrics and --json are mutually exclusive");
    return show_reply(command, options, argc, argv, metrics);
}

/* Prints the document unchanged, with and without --json. */
static int run_discover(const struct command *command, struct options *options, int argc, char **argv)
{
    cJSON *result;
    int r;

    if (!options_read(command, options, argc, argv))
        return options->exit_code;
    if (optind < argc)
        return unexpected_argument(command, argv[optind]);
    r = connection_call(command, options, method_table[METHOD_DISCOVER].name, NULL, &result);
    if (r != 0)
        return r;
    output_json_line(result);
    cJSON_Delete(result);
    return output_flush();
}

const struct command command_hello = {
    .name = "hello",
    .arguments = "",
    .summary = "print the version and the limits of the daemon",
    .help = "",
    .method = METHOD_COUNT,
    .run = run_hello,
};

static const struct option own_options[] = {{"openmetrics", no_argument, NULL, 'o'}, {0}};

const struct command command_stats = {
    .options = own_options,
    .name = "stats",
    .arguments = "",
    .summary = "print the counters of the daemon",
    .help = "  --openmetrics      print the OpenMetrics text format\n",
    .method = METHOD_COUNT,
    .run = run_stats,
};

const struct command command_discover = {
    .name = "discover",
    .arguments = "",
    .summary = "print the protocol as an OpenRPC document",
    .help = "",
    .method = METHOD_COUNT,
    .run = run_discover,
};
