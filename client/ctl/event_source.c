/* SPDX-License-Identifier: MIT */
#include "client/ctl/event_source.h"

#include "client/ctl/json.h"
#include "client/ctl/registrations.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t event_source_token(const cJSON *registration)
{
    uint64_t token;

    return json_integer(cJSON_GetObjectItemCaseSensitive(registration, "token"), &token) ? token : UINT64_MAX;
}

/* The daemon lists registrations by ascending token. */
static int index_registrations(struct event_source *source)
{
    const cJSON *registration;

    source->by_token = calloc((size_t)cJSON_GetArraySize(source->registrations) + 1, sizeof(const cJSON *));
    source->given = calloc((size_t)cJSON_GetArraySize(source->registrations) + 1, sizeof *source->given);
    if (!source->by_token || !source->given)
        return failed(source->command, "out of memory");
    cJSON_ArrayForEach(registration, source->registrations)
        source->by_token[source->count++] = registration;
    source->asked = source->count;
    return 0;
}

int event_source_begin(struct event_source *ret_source, const struct command *command, const struct options *options)
{
    struct event_source *source = ret_source;
    uint64_t registrations;
    int result;

    *source = (struct event_source){.command = command, .deadline_ns = deadline_in(options->timeout_ns)};
    source->registrations = cJSON_CreateArray();
    if (!source->registrations)
        return failed(command, "out of memory");
    result =
        connection_open_loop(command, options, source->deadline_ns, &source->client, &source->polled, &registrations);
    if (result == 0 && options->role == ROLE_OWNER) /* other workers change what there is */
        result = fetch_registrations(command, source->client, source->deadline_ns, source->registrations);
    return result == 0 ? index_registrations(source) : result;
}

void event_source_end(struct event_source *source)
{
    minimio_client_free(source->client);
    cJSON_Delete(source->registrations);
    cJSON_Delete(source->fetched);
    free(source->by_token);
    free(source->given);
}

/* The daemon enforces the timeout, in milliseconds, and replies without events at the end. */
static int poll_events(struct event_source *source, struct minimio_client_event *events, int64_t left_ns, size_t max)
{
    char params[96];
    const char *result;
    int length = snprintf(params, sizeof params, "{\"max\":%zu", max), r;

    if (left_ns >= 0)
        length += snprintf(params + length, sizeof params - (size_t)length, ",\"timeout_ms\":%" PRIi64,
                           milliseconds_of(left_ns));
    snprintf(params + length, sizeof params - (size_t)length, "}");
    r = minimio_client_call(source->client, "poll", params, MINIMIO_CLIENT_FOREVER, &result);
    if (r == 0)
        r = minimio_client_read_events(result, events, EVENTS_AT_ONCE);
    return r > EVENTS_AT_ONCE ? EVENTS_AT_ONCE : r; /* more than requested */
}

int event_source_next(struct event_source *source, struct minimio_client_event *events)
{
    int64_t left_ns = deadline_left_ns(source->deadline_ns);
    int result;

    if (source->polled)
        result = poll_events(source, events, left_ns, EVENTS_AT_ONCE);
    else
        result = minimio_client_events(source->client, events, EVENTS_AT_ONCE, left_ns);
    return result < 0 ? -connection_failed(source->command, source->client, result) : result;
}

static int compare_token(const void *token, const void *registration)
{
    uint64_t wanted = *(const uint64_t *)token, has = event_source_token(*(const cJSON *const *)registration);

    return (wanted > has) - (wanted < has);
}

static const cJSON *const *place_of(const struct event_source *source, uint64_t token)
{
    return bsearch(&token, (const void *)source->by_token, source->count, sizeof(const cJSON *), compare_token);
}

const cJSON *event_source_find(const struct event_source *source, uint64_t token)
{
    const cJSON *const *found = place_of(source, token);

    return found ? *found : NULL;
}

/* Without the registration, and after an error, the address is unknown: the event is printed all the same. */
static const cJSON *fetch_registration(struct event_source *source, uint64_t token)
{
    char params[64] = "{\"limit\":1}";
    const char *result;
    cJSON *page;

    cJSON_Delete(source->fetched);
    source->fetched = NULL;
    if (token > 0)
        snprintf(params, sizeof params, "{\"after\":%" PRIu64 ",\"limit\":1}", token - 1);
    if (minimio_client_call(source->client, "list", params, deadline_left_ns(source->deadline_ns), &result) < 0)
        return NULL;
    page = json_parse(result);
    source->fetched = cJSON_DetachItemFromArray(cJSON_GetObjectItemCaseSensitive(page, "registrations"), 0);
    cJSON_Delete(page);
    return event_source_token(source->fetched) == token ? source->fetched : NULL;
}

const char *event_source_address(struct event_source *source, uint64_t token)
{
    const cJSON *registration = event_source_find(source, token);

    return registration_address(registration ? registration : fetch_registration(source, token));
}

/* ---- What is ready now ------------------------------------------------------------------------------------------ */

/* The daemon reports tokens round-robin, so that as many events as registrations cover each token, level tokens too. */
static int poll_ready(struct event_source *source, struct minimio_client_event *events)
{
    size_t max = source->asked < EVENTS_AT_ONCE ? source->asked : EVENTS_AT_ONCE;
    int n = max > 0 ? poll_events(source, events, 0, max) : 0;

    if (n >= 0)
        source->asked = (size_t)n < max ? 0 : source->asked - max;
    return n;
}

static bool is_pending(const cJSON *registration)
{
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(registration, "pending")) > 0;
}

/* Whether the daemon has unsent events of tokens without a returned event. */
static int ask_pending(struct event_source *source, bool *ret_pending)
{
    cJSON *all = cJSON_CreateArray();
    const cJSON *registration;
    int result = all ? fetch_registrations(source->command, source->client, source->deadline_ns, all)
                     : failed(source->command, "out of memory");

    *ret_pending = false;
    cJSON_ArrayForEach(registration, all) {
        const cJSON *const *place = place_of(source, event_source_token(registration));

        if (place && !source->given[place - source->by_token] && is_pending(registration))
            *ret_pending = true;
    }
    cJSON_Delete(all);
    return result;
}

/* Fetches or awaits events. Returns as event_source_next. */
static int take_pushed(struct event_source *source, struct minimio_client_event *events, int64_t timeout_ns)
{
    int count = minimio_client_events(source->client, events, EVENTS_AT_ONCE, timeout_ns);

    if (count < 0)
        return -connection_failed(source->command, source->client, count);
    for (int i = 0; i < count; i++) {
        const cJSON *const *place = place_of(source, events[i].token);

        if (!place || source->given[place - source->by_token])
            continue;
        source->given[place - source->by_token] = true;
        source->new_given = true;
    }
    source->asked -= source->asked < (size_t)count ? source->asked : (size_t)count;
    return count;
}

/*
 * On open_loop, the daemon queries the kernel about each stream. The reply to a later `list` comes after the events of
 * ready streams, or shows the events as pending. For many ready streams the daemon queries the kernel in portions, so
 * lists are requested until a list brings no event of a new token. Between two lists, at most as many events as
 * registrations are read, so that streams which become ready repeatedly cannot prolong the loop.
 */
static int next_pushed(struct event_source *source, struct minimio_client_event *events)
{
    for (;;) {
        bool pending;
        int result = source->asked > 0 ? take_pushed(source, events, 0) : 0;

        if (result != 0)
            return result;
        if (source->listed && !source->new_given)
            return 0;
        source->listed = true;
        source->new_given = false;
        source->asked = source->count;
        result = ask_pending(source, &pending);
        if (result != 0)
            return -result;
        if (!pending)
            continue;
        result = take_pushed(source, events, deadline_left_ns(source->deadline_ns));
        return result == 0 ? -EXIT_TIMED_OUT : result;
    }
}

int event_source_next_ready(struct event_source *source, struct minimio_client_event *events)
{
    int result;

    if (!source->polled)
        return next_pushed(source, events);
    result = poll_ready(source, events);
    return result < 0 ? -connection_failed(source->command, source->client, result) : result;
}
