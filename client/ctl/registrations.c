/* SPDX-License-Identifier: MIT */
/*
 * Fetches registrations by `list`, page by page.
 */
#include "client/ctl/registrations.h"

#include "client/ctl/json.h"

#include <inttypes.h>
#include <stdio.h>

/* Moves the registrations of a page to the end of `all`. Returns 1 if a further page follows `*token`. */
static int take_page(cJSON *page, cJSON *all, bool first_page, uint64_t *token)
{
    cJSON *registrations = cJSON_GetObjectItemCaseSensitive(page, "registrations");
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(page, "next");
    uint64_t after;
    cJSON *first;

    while ((first = cJSON_DetachItemFromArray(registrations, 0)))
        cJSON_AddItemToArray(all, first);
    if (!json_integer(next, &after) || (!first_page && after <= *token))
        return 0;
    *token = after;
    return 1;
}

int tell_unknown_token(const struct command *command, uint64_t token)
{
    failed(command, "token %" PRIu64 " is not registered in this loop (TOKEN_UNKNOWN)", token);
    fputs("minimioctl list --loop NAME shows the tokens there are.\n", stderr);
    return EXIT_FAILED;
}

int require_token(const struct command *command, struct minimio_client *client, uint64_t token, int64_t deadline_ns)
{
    const cJSON *first;
    char params[64];
    uint64_t other;
    cJSON *page;
    bool found;
    int result;

    snprintf(params, sizeof params, "{\"after\":%" PRIu64 ",\"limit\":1}", token - 1);
    result = session_call(command, client, "list", token == 0 ? "{\"limit\":1}" : params, deadline_ns, &page);
    if (result != 0)
        return result;
    first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(page, "registrations"), 0);
    found = json_integer(cJSON_GetObjectItemCaseSensitive(first, "token"), &other) && other == token;
    cJSON_Delete(page);
    return found ? 0 : tell_unknown_token(command, token);
}

int fetch_registrations(const struct command *command, struct minimio_client *client, int64_t deadline_ns, cJSON *all)
{
    bool first_page = true;
    uint64_t token = 0;
    int result;

    do {
        char params[48];
        cJSON *page;

        snprintf(params, sizeof params, "{\"after\":%" PRIu64 "}", token);
        result = session_call(command, client, "list", first_page ? NULL : params, deadline_ns, &page);
        if (result != 0)
            return result;
        result = take_page(page, all, first_page, &token);
        first_page = false;
        cJSON_Delete(page);
    } while (result > 0);
    return 0;
}

const char *registration_address(const cJSON *registration)
{
    const char *address = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(registration, "address"));

    if (!address)
        address = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(registration, "peer"));
    return address ? address : "-";
}
