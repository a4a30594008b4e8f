/* SPDX-License-Identifier: MIT */
/*
 * `list`: prints the registrations of a loop as a table.
 */
#include "client/ctl/commands.h"
#include "client/ctl/output.h"
#include "client/ctl/registrations.h"
#include "client/lib/deadline.h"

static const struct output_column columns[] = {
    {"TOKEN", "token", OUTPUT_NUMBER}, {"STATE", "state", OUTPUT_TEXT},     {"INTERESTS", "interests", OUTPUT_TEXT},
    {"MODE", "mode", OUTPUT_TEXT},     {"PENDING", "pending", OUTPUT_TEXT}, {"ADDRESS", "address", OUTPUT_TEXT},
    {"LOCAL", "local", OUTPUT_TEXT},   {"PEER", "peer", OUTPUT_TEXT},
};

/* For the table: a token of a worker has no other state of interest. */
static bool show_leases(cJSON *all)
{
    cJSON *registration;

    cJSON_ArrayForEach(registration, all) {
        if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(registration, "leased")))
            continue;
        cJSON_DeleteItemFromObjectCaseSensitive(registration, "state");
        if (!cJSON_AddStringToObject(registration, "state", "leased"))
            return false;
    }
    return true;
}

static int list_print(const struct command *command, const struct options *options, cJSON *all)
{
    const cJSON *registration;

    if (options->json)
        cJSON_ArrayForEach(registration, all)
            output_json_line(registration);
    else if (!show_leases(all) || output_table(all, columns, sizeof columns / sizeof columns[0]) < 0)
        return failed(command, "out of memory");
    return output_flush();
}

static int run_list(const struct command *command, struct options *options, int argc, char **argv)
{
    struct minimio_client *client = NULL;
    cJSON *all = NULL;
    int64_t deadline_ns;
    int result;

    if (options_next(command, options, argc, argv) != OPTIONS_END)
        return options->exit_code;
    if (optind < argc)
        return unexpected_argument(command, argv[optind]);
    deadline_ns = deadline_in(options->timeout_ns);
    result = connection_open(command, options, deadline_ns, &client);
    if (result != 0)
        goto out;
    all = cJSON_CreateArray();
    result = all ? fetch_registrations(command, client, deadline_ns, all) : failed(command, "out of memory");
    if (result == 0)
        result = list_print(command, options, all);
out:
    cJSON_Delete(all);
    minimio_client_free(client);
    return result;
}

const struct command command_list = {
    .name = "list",
    .arguments = "",
    .summary = "list the registrations of a loop",
    .help = "",
    .takes_loop = true,
    .is_guest = true,
    .method = METHOD_COUNT,
    .run = run_list,
};
