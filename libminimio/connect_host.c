/* SPDX-License-Identifier: MIT */
/*
 * Connects to a name: the addresses race on a private queue (RFC 8305, section 5). Attempts start one after another,
 * ATTEMPT_DELAY_NS apart, or as soon as the previous attempt has failed. The first attempt that connects wins; the rest
 * is closed. Portable.
 */
#include "libminimio/minimio.h"

#include "libminimio/resolve.h"
#include "libminimio/selector.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define ATTEMPT_DELAY_NS INT64_C(250000000)
#define EVENTS_A_WAIT    16

struct race {
    struct addresses addresses;
    struct minimio_poll *poll;
    struct minimio_registrator *registrator;
    struct minimio_tcp_stream **streams; /* by address; NULL: not started, or finished */
    size_t started;
    size_t running;
    size_t last_failed; /* the highest index among the failed attempts; `error` is the reason of this attempt */
    int error;
    int64_t next_start_ns;
    int64_t deadline_ns;
};

static int race_init(struct race *race, const char *host_port)
{
    /* The queue comes first, because on Windows the queue initializes Winsock, which the lookup needs. */
    int result = minimio_poll_new(&race->poll);
    if (result < 0)
        return result;
    result = addresses_resolve(host_port, &race->addresses);
    if (result < 0)
        return result;
    race->streams = calloc(race->addresses.count, sizeof *race->streams);
    if (!race->streams)
        return -ENOMEM;
    race->registrator = minimio_poll_registrator(race->poll);
    return race->registrator ? 0 : -ENOMEM;
}

static void race_deinit(struct race *race)
{
    for (size_t i = 0; race->streams && i < race->started; i++)
        minimio_tcp_stream_free(race->streams[i]);
    free(race->streams);
    minimio_registrator_free(race->registrator);
    minimio_poll_free(race->poll);
    addresses_deinit(&race->addresses);
}

static void note_failure(struct race *race, size_t index, int error)
{
    if (index >= race->last_failed) {
        race->last_failed = index;
        race->error = error;
    }
    race->next_start_ns = monotonic_ns();
}

static void start_attempt(struct race *race)
{
    size_t index = race->started++;
    const struct addrinfo *address = race->addresses.order[index];
    struct minimio_tcp_stream **stream = &race->streams[index];

    race->next_start_ns = monotonic_ns() + ATTEMPT_DELAY_NS;
    int result = minimio_tcp_stream_connect(address->ai_addr, (socklen_t)address->ai_addrlen, stream);
    if (result == 0)
        result = minimio_registrator_register(race->registrator, *stream, index, MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    if (result == 0) {
        race->running++;
        return;
    }
    *stream = minimio_tcp_stream_free(*stream);
    note_failure(race, index, result);
}

static void start_attempts(struct race *race)
{
    while (race->started < race->addresses.count && (race->running == 0 || monotonic_ns() >= race->next_start_ns))
        start_attempt(race);
}

/* Handles the result of an attempt. 0: the attempt won; -EINPROGRESS: the race continues. */
static int finish_attempt(struct race *race, size_t index, struct minimio_tcp_stream **ret_stream)
{
    struct minimio_tcp_stream *stream = race->streams[index];

    int result = minimio_tcp_stream_finish_connect(stream);
    if (result == -EINPROGRESS)
        result = minimio_registrator_reregister(race->registrator, stream, index, MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    else if (result == 0) {
        minimio_registrator_deregister(race->registrator, stream);
        race->streams[index] = NULL;
        *ret_stream = stream;
        return 0;
    }
    if (result < 0) {
        race->streams[index] = minimio_tcp_stream_free(stream);
        race->running--;
        note_failure(race, index, result);
    }
    return -EINPROGRESS;
}

/* How long to wait for an event; negative: no limit. */
static int64_t race_time_left(const struct race *race, int64_t now_ns)
{
    int64_t until_ns = race->deadline_ns;

    if (race->started < race->addresses.count && race->next_start_ns < until_ns)
        until_ns = race->next_start_ns;
    if (until_ns == INT64_MAX)
        return MINIMIO_FOREVER;
    return until_ns > now_ns ? until_ns - now_ns : 0;
}

static int race_run(struct race *race, struct minimio_tcp_stream **ret_stream)
{
    struct minimio_event events[EVENTS_A_WAIT];

    for (;;) {
        start_attempts(race);
        if (race->running == 0)
            return race->error;
        int64_t now_ns = monotonic_ns();
        int count = minimio_poll_poll(race->poll, events, EVENTS_A_WAIT, race_time_left(race, now_ns));
        if (count < 0)
            return count;
        for (int i = 0; i < count; i++)
            if (finish_attempt(race, (size_t)minimio_event_id(&events[i]), ret_stream) == 0)
                return 0;
        if (count == 0 && now_ns >= race->deadline_ns)
            return -ETIMEDOUT;
    }
}

int minimio_tcp_stream_connect_host(const char *host_port, int64_t timeout_ns, struct minimio_tcp_stream **ret_stream)
{
    struct race race = {.deadline_ns = INT64_MAX};

    assert(host_port && ret_stream);
    int result = race_init(&race, host_port);
    if (result < 0)
        goto out;
    /* The system's name lookup has no timeout, so the time starts after the lookup. */
    int64_t now_ns = monotonic_ns();
    if (timeout_ns >= 0 && timeout_ns < INT64_MAX - now_ns)
        race.deadline_ns = now_ns + timeout_ns;
    result = race_run(&race, ret_stream);
out:
    race_deinit(&race);
    return result;
}
