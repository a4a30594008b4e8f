/* SPDX-License-Identifier: MIT */
/*
 * `hello` and `stats`: what the daemon tells of itself, one `name  value` line each.
 */
#include "client/command.h"

#include "client/output.h"

static int run(const struct command *command, struct options *options, int argc, char **argv)
{
    cJSON *result;
    int r;

    if (!options_read(command, options, argc, argv))
        return options->exit_code;
    if (optind < argc)
        return wrong_usage(command, "'%s' is too much", argv[optind]);
    r = connection_call(command, options, command->name, NULL, &result);
    if (r != 0)
        return r;
    if (options->json)
        output_json_line(result);
    else
        output_members(result);
    cJSON_Delete(result);
    return output_flush();
}

const struct command command_hello = {
    .name = "hello",
    .arguments = "",
    .summary = "show the daemon's version and limits",
    .help = "",
    .run = run,
};

const struct command command_stats = {
    .name = "stats",
    .arguments = "",
    .summary = "show the daemon's counters",
    .help = "",
    .run = run,
};
