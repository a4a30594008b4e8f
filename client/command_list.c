/* SPDX-License-Identifier: MIT */
/*
 * `list`: the registrations of this session's loop, fetched page by page and printed as one table.
 */
#include "client/command.h"

#include "client/deadline.h"
#include "client/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN, STATE, INTERESTS, MODE, PENDING, ADDRESS, LOCAL, PEER, COLUMNS };

static const char *const members[COLUMNS] = {"token",   "state",   "interests", "mode",
                                             "pending", "address", "local",     "peer"};
static const char *const titles[COLUMNS] = {"TOKEN",   "STATE",   "INTERESTS", "MODE",
                                            "PENDING", "ADDRESS", "LOCAL",     "PEER"};

/* ---- Fetching --------------------------------------------------------------------------------------------------- */

/* Moves the registrations of one page to the end of `all`. Returns 1 where another page follows `*token`. */
static int take_page(cJSON *page, cJSON *all, double *token)
{
    cJSON *registrations = cJSON_GetObjectItemCaseSensitive(page, "registrations");
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(page, "next");
    cJSON *first;

    while ((first = cJSON_DetachItemFromArray(registrations, 0)))
        cJSON_AddItemToArray(all, first);
    if (!cJSON_IsNumber(next) || next->valuedouble <= *token)
        return 0;
    *token = next->valuedouble;
    return 1;
}

/* Returns 0 or the exit code. */
static int fetch(const struct command *command, struct minimio_client *client, int64_t deadline_ns, cJSON *all)
{
    double token = -1;
    int r;

    do {
        char params[48];
        cJSON *page;

        snprintf(params, sizeof(params), "{\"after\":%.0f}", token);
        r = session_call(command, client, "list", token < 0 ? NULL : params, deadline_ns, &page);
        if (r != 0)
            return r;
        r = take_page(page, all, &token);
        cJSON_Delete(page);
    } while (r > 0);
    return 0;
}

/* ---- Printing --------------------------------------------------------------------------------------------------- */

/* The names in an array, or those that are true in an object, with commas between; freed by the caller. */
static char *join_names(const cJSON *container)
{
    char text[128] = "";
    size_t length = 0;
    const cJSON *item;

    cJSON_ArrayForEach(item, container)
    {
        const char *name = cJSON_IsArray(container) ? cJSON_GetStringValue(item) : item->string;

        if (name && !cJSON_IsFalse(item) && length + strlen(name) + 2 <= sizeof(text))
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", length > 0 ? "," : "", name);
    }
    return strdup(length > 0 ? text : "-");
}

static char *cell(const cJSON *registration, const char *member)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(registration, member);
    char number[32];

    if (cJSON_IsArray(value) || cJSON_IsObject(value))
        return join_names(value);
    if (cJSON_IsNumber(value)) {
        snprintf(number, sizeof(number), "%.0f", value->valuedouble);
        return strdup(number);
    }
    return strdup(cJSON_IsString(value) ? value->valuestring : "-");
}

static int fill_rows(const cJSON *all, char **cells)
{
    const cJSON *registration;

    cJSON_ArrayForEach(registration, all)
    {
        for (size_t column = 0; column < COLUMNS; column++) {
            *cells = cell(registration, members[column]);
            if (!*cells++)
                return -ENOMEM;
            output_make_printable(cells[-1]);
        }
    }
    return 0;
}

static int print_table(const cJSON *all)
{
    size_t rows = (size_t)cJSON_GetArraySize(all) + 1;
    char **cells = calloc(rows * COLUMNS, sizeof(*cells));
    int r = -ENOMEM;

    if (!cells)
        return r;
    memcpy(cells, titles, sizeof(titles));
    r = fill_rows(all, cells + COLUMNS);
    if (r == 0)
        output_table((const char *const *)cells, rows, COLUMNS);
    for (size_t i = COLUMNS; i < rows * COLUMNS; i++)
        free(cells[i]);
    free(cells);
    return r;
}

static int print(const struct command *command, const struct options *options, const cJSON *all)
{
    const cJSON *registration;

    if (options->json)
        cJSON_ArrayForEach(registration, all) output_json_line(registration);
    else if (print_table(all) < 0)
        return failed(command, "out of memory");
    return output_flush();
}

static int run(const struct command *command, struct options *options, int argc, char **argv)
{
    struct minimio_client *client = NULL;
    cJSON *all = NULL;
    int64_t deadline_ns;
    int r;

    if (!options_read(command, options, argc, argv))
        return options->exit_code;
    if (optind < argc)
        return wrong_usage(command, "'%s' is too much", argv[optind]);
    deadline_ns = deadline_in(options->timeout_ns);
    r = connection_open(command, options, deadline_ns, &client);
    if (r != 0)
        goto out;
    all = cJSON_CreateArray();
    r = all ? fetch(command, client, deadline_ns, all) : failed(command, "out of memory");
    if (r == 0)
        r = print(command, options, all);
out:
    cJSON_Delete(all);
    minimio_client_free(client);
    return r;
}

const struct command command_list = {
    .name = "list",
    .arguments = "",
    .summary = "list the registrations of the session's loop",
    .help = "With --json one registration a line.\n",
    .run = run,
};
