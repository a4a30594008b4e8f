/* SPDX-License-Identifier: MIT */
/*
 * The events and registrations of a named loop, for both kinds of delivery.
 */
#ifndef MINIMIO_CLIENT_CTL_EVENT_SOURCE_H
#define MINIMIO_CLIENT_CTL_EVENT_SOURCE_H

#include "client/ctl/command.h"
#include "client/ctl/options.h"
#include "client/lib/minimio-client.h"

#include <cjson/cJSON.h>
#include <stdint.h>

#define EVENTS_AT_ONCE 256

struct event_source {
    const struct command *command;
    struct minimio_client *client;
    cJSON *registrations; /* of an owner, at the start; guests can add and remove registrations later */
    const cJSON **by_token;
    size_t count;
    cJSON *fetched; /* the registration of the last address that was not there at the start */
    bool polled;
    int64_t deadline_ns;
    /* private: of event_source_next_ready */
    bool *given;    /* by index in by_token: an event has been returned */
    size_t asked;   /* number of events that may still be requested */
    bool listed;    /* the list has been requested */
    bool new_given; /* since then, an event of a new token */
};

/* Opens a session in the loop of the options. Prints the error. Returns 0 or the exit code; call _end in both cases. */
int event_source_begin(struct event_source *ret_source, const struct command *command, const struct options *options);
void event_source_end(struct event_source *source);

/* The token of a registration; UINT64_MAX, not a valid token: the daemon has sent an invalid number. */
uint64_t event_source_token(const cJSON *registration);

/* Waits for at most EVENTS_AT_ONCE events. Returns the number of events, 0 at the deadline, or a negative exit code
 * after printing the error. */
int event_source_next(struct event_source *source, struct minimio_client_event *events);

/*
 * Returns the current events without waiting. A loop with poll delivery is polled; for push delivery, `list` shows the
 * events that the daemon has yet to send. Call until the result is 0.
 */
int event_source_next_ready(struct event_source *source, struct minimio_client_event *events);

/* The registration of a token at the start; NULL: not registered. */
const cJSON *event_source_find(const struct event_source *source, uint64_t token);

/* The address of the token: the address of the registration, else the peer, else "-". Fetches a registration that was
 * not there at the start. Valid until the next call. */
const char *event_source_address(struct event_source *source, uint64_t token);

#endif
