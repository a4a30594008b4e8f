/* SPDX-License-Identifier: MIT */
/*
 * `list`, page by page.
 */
#include "client/command.h"

#include <inttypes.h>
#include <stdio.h>

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
    cJSON *page;
    bool found;
    int r;

    snprintf(params, sizeof(params), "{\"after\":%" PRIu64 ",\"limit\":1}", token - 1);
    r = session_call(command, client, "list", token == 0 ? "{\"limit\":1}" : params, deadline_ns, &page);
    if (r != 0)
        return r;
    first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(page, "registrations"), 0);
    found = first && cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(first, "token")) == (double)token;
    cJSON_Delete(page);
    return found ? 0 : tell_unknown_token(command, token);
}

int fetch_registrations(const struct command *command, struct minimio_client *client, int64_t deadline_ns, cJSON *all)
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
