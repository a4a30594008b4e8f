/* SPDX-License-Identifier: MIT */
#include "client/event_source.h"

#include "client/deadline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static double token_of(const cJSON *registration)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(registration, "token"));
}

/* The registrations come in ascending order of their tokens. */
static int index_registrations(struct event_source *source)
{
    const cJSON *registration;

    source->by_token = calloc((size_t)cJSON_GetArraySize(source->registrations) + 1, sizeof(const cJSON *));
    if (!source->by_token)
        return failed(source->command, "out of memory");
    cJSON_ArrayForEach(registration, source->registrations) source->by_token[source->count++] = registration;
    return 0;
}

int event_source_begin(struct event_source *ret_source, const struct command *command, const struct options *options)
{
    struct event_source *source = ret_source;
    uint64_t registrations;
    int r;

    *source = (struct event_source){.command = command, .deadline_ns = deadline_in(options->timeout_ns)};
    source->registrations = cJSON_CreateArray();
    if (!source->registrations)
        return failed(command, "out of memory");
    r = connection_open_loop(command, options, source->deadline_ns, &source->client, &source->polled, &registrations);
    if (r == 0)
        r = fetch_registrations(command, source->client, source->deadline_ns, source->registrations);
    return r == 0 ? index_registrations(source) : r;
}

void event_source_end(struct event_source *source)
{
    minimio_client_free(source->client);
    cJSON_Delete(source->registrations);
    free(source->by_token);
}

/* The daemon keeps the time, to the millisecond; 0 events are its answer at the end. */
static int poll_events(struct event_source *source, struct minimio_client_event *events)
{
    int64_t left_ns = deadline_left_ns(source->deadline_ns);
    char params[80] = "{}";
    const char *result;
    int r;

    if (left_ns >= 0)
        snprintf(params, sizeof(params), "{\"timeout_ms\":%.0f}", (double)milliseconds_of(left_ns));
    r = minimio_client_call(source->client, "poll", params, MINIMIO_CLIENT_FOREVER, &result);
    return r < 0 ? r : minimio_client_read_events(result, events, EVENTS_AT_ONCE);
}

int event_source_next(struct event_source *source, struct minimio_client_event *events)
{
    int r;

    if (source->polled)
        r = poll_events(source, events);
    else
        r = minimio_client_events(source->client, events, EVENTS_AT_ONCE, deadline_left_ns(source->deadline_ns));
    return r < 0 ? -connection_failed(source->command, source->client, r) : r;
}

static int compare(const void *token, const void *registration)
{
    double wanted = *(const double *)token, has = token_of(*(const cJSON *const *)registration);

    return (wanted > has) - (wanted < has);
}

const cJSON *event_source_find(const struct event_source *source, uint64_t token)
{
    double wanted = (double)token;
    const cJSON *const *found =
        bsearch(&wanted, (const void *)source->by_token, source->count, sizeof(const cJSON *), compare);

    return found ? *found : NULL;
}

const char *event_source_address(const struct event_source *source, uint64_t token)
{
    const cJSON *registration = event_source_find(source, token);
    const char *address = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(registration, "address"));

    if (!address)
        address = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(registration, "peer"));
    return address ? address : "-";
}
