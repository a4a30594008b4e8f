/* SPDX-License-Identifier: MIT */
/*
 * `loops`: prints the caller's named loops (for root, all loops) as a table, fetched page by page.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/output.h"
#include "client/lib/deadline.h"

#include <stdio.h>
#include <string.h>

/* Moves the loops of a page to the end of `all`. Returns the `after` of the next page; NULL: last page. */
static const char *take_page(cJSON *page, cJSON *all, char *ret_next, size_t size)
{
    cJSON *loops = cJSON_GetObjectItemCaseSensitive(page, "loops");
    const char *next = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(page, "next"));
    cJSON *first;

    while ((first = cJSON_DetachItemFromArray(loops, 0)))
        cJSON_AddItemToArray(all, first);
    if (!next || strcmp(next, ret_next) <= 0)
        return NULL;
    snprintf(ret_next, size, "%s", next);
    return ret_next;
}

static int fetch(const struct command *command, struct minimio_client *client, int64_t deadline_ns, cJSON *all)
{
    char next[NAME_MAX_BYTES + 1] = "";
    const char *after = NULL;

    do {
        cJSON *params = cJSON_CreateObject();
        cJSON *page;
        int result;

        if (after && !cJSON_AddStringToObject(params, "after", after)) {
            cJSON_Delete(params);
            return failed(command, "out of memory");
        }
        result = session_call_with(command, client, "loops", params, deadline_ns, &page);
        if (result != 0)
            return result;
        after = take_page(page, all, next, sizeof next);
        cJSON_Delete(page);
    } while (after);
    return 0;
}

/* Loops of several users may have the same name, which root sees in adjacent rows. */
static void print_names(const cJSON *all)
{
    const char *last = "";
    const cJSON *loop;

    cJSON_ArrayForEach(loop, all) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(loop, "name"));

        if (name && strcmp(name, last) != 0) {
            output_text(stdout, name);
            putchar('\n');
        }
        last = name ? name : last;
    }
}

static double count_of(const cJSON *loop, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(loop, name);

    return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

/* For the table: who is in the loop. Without workers and guests, `attached` says all. */
static bool show_members(cJSON *all)
{
    cJSON *loop;

    cJSON_ArrayForEach(loop, all) {
        char text[64];

        if (!cJSON_HasObjectItem(loop, "workers"))
            continue;
        output_members_of_loop(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(loop, "owner")), count_of(loop, "workers"),
                               count_of(loop, "guests"), text, sizeof text);
        cJSON_DeleteItemFromObjectCaseSensitive(loop, "attached");
        if (!cJSON_AddStringToObject(loop, "attached", text))
            return false;
    }
    return true;
}

static int loops_print(const struct command *command, const struct options *options, cJSON *all, bool names)
{
    static const struct output_column columns[] = {
        {"LOOP", "name", OUTPUT_TEXT},
        {"UID", "uid", OUTPUT_NUMBER},
        {"STREAMS", "registrations", OUTPUT_NUMBER},
        {"READY", "pending", OUTPUT_NUMBER},
        {"ATTACHED", "attached", OUTPUT_TEXT},
        {"LINGER", "linger_ms", OUTPUT_DURATION},
    };
    const cJSON *loop;

    if (names)
        print_names(all);
    else if (options->json)
        cJSON_ArrayForEach(loop, all)
            output_json_line(loop);
    else if (!show_members(all) || output_table(all, columns, sizeof columns / sizeof columns[0]) < 0)
        return failed(command, "out of memory");
    return output_flush();
}

static int loops_show(const struct command *command, const struct options *options, bool names)
{
    int64_t deadline_ns = deadline_in(options->timeout_ns);
    struct minimio_client *client = NULL;
    cJSON *all = cJSON_CreateArray();
    int result = all ? connection_open(command, options, deadline_ns, &client) : failed(command, "out of memory");

    if (result == 0)
        result = fetch(command, client, deadline_ns, all);
    if (result == 0)
        result = loops_print(command, options, all, names);
    minimio_client_free(client);
    cJSON_Delete(all);
    return result;
}

static int run_loops(const struct command *command, struct options *options, int argc, char **argv)
{
    bool names = false;
    int letter;

    while ((letter = options_next(command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return options->exit_code;
        names = true;
    }
    if (names && options->json)
        return wrong_usage(command, "--names and --json are mutually exclusive");
    if (optind < argc)
        return unexpected_argument(command, argv[optind]);
    return loops_show(command, options, names);
}

static const struct option own_options[] = {{"names", no_argument, NULL, 'n'}, {0}};

const struct command command_loops = {
    .options = own_options,
    .name = "loops",
    .arguments = "",
    .summary = "list your named loops (root: those of all users)",
    .help = "  --names            print only the names, one per line\n",
    .method = METHOD_COUNT,
    .run = run_loops,
};
