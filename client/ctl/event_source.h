/* SPDX-License-Identifier: MIT */
/*
 * The events of a session in a named loop, whichever way the loop delivers them, and the registrations they belong to.
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
    cJSON *registrations; /* as they were at the start; nobody else can add any meanwhile */
    const cJSON **by_token;
    size_t count;
    bool polled;
    int64_t deadline_ns;
    /* private: of event_source_next_ready */
    bool *given;    /* of each registration, by its place in by_token: an event was given */
    size_t asked;   /* how many events may still be asked for */
    bool listed;    /* the list has been asked for */
    bool new_given; /* since then, an event of a token that had none */
};

/* Opens a session in the loop of the options. Says what failed. Returns 0 or the exit code. To be ended either way. */
int event_source_begin(struct event_source *ret_source, const struct command *command, const struct options *options);
void event_source_end(struct event_source *source);

/* The token of a registration; UINT64_MAX, which is none: the daemon has sent no such number. */
uint64_t event_source_token(const cJSON *registration);

/* Waits for events, at most EVENTS_AT_ONCE. Returns how many, 0 at the deadline, or a negative exit code, told. */
int event_source_next(struct event_source *source, struct minimio_client_event *events);

/*
 * Likewise, those that are ready now: a loop with poll delivery is polled without waiting, of a loop with push delivery
 * the daemon's list tells which events are on their way. Returns 0 when all have been given. Call it until then.
 */
int event_source_next_ready(struct event_source *source, struct minimio_client_event *events);

/* What the loop had of this token at the start; NULL: nothing. */
const cJSON *event_source_find(const struct event_source *source, uint64_t token);

/* Where the token's stream leads: its address, else its peer, else "-". */
const char *event_source_address(const struct event_source *source, uint64_t token);

#endif
