/* SPDX-License-Identifier: MIT */
/* Converts between interests, AFD's events and readiness, in each mode. Owns the readiness part of struct watch. */
#include "libminimio/watch_windows.h"

#include "libminimio/event.h"

/* Always requested, as poll(2) always reports hang-ups. */
#define ENDS (AFD_POLL_DISCONNECT | AFD_POLL_ABORT | AFD_POLL_CONNECT_FAIL)

static uint32_t events_of(minimio_interests interests)
{
    return (interests & MINIMIO_READABLE ? AFD_POLL_RECEIVE | AFD_POLL_ACCEPT : 0) |
           (interests & MINIMIO_WRITABLE ? AFD_POLL_SEND : 0) |
           (interests & MINIMIO_PRIORITY ? AFD_POLL_RECEIVE_EXPEDITED : 0);
}

/* Removes from `events` the events that the program's own shutdown already implies. */
static uint32_t askable(const struct watch *watch, uint32_t events)
{
    if (watch->closed & READINESS_READ_CLOSED)
        events &= ~(uint32_t)(AFD_POLL_RECEIVE | AFD_POLL_DISCONNECT);
    if (watch->closed & READINESS_WRITE_CLOSED)
        events &= ~(uint32_t)AFD_POLL_SEND;
    return events;
}

/* The readiness that an end implies: in a closed direction, calls return at once. */
static uint32_t implied_readiness(const struct watch *watch, uint32_t closed)
{
    uint32_t bits = 0;

    if ((closed & READINESS_READ_CLOSED) && (watch->interests & MINIMIO_READABLE))
        bits |= READINESS_READABLE;
    if ((closed & READINESS_WRITE_CLOSED) && (watch->interests & MINIMIO_WRITABLE))
        bits |= READINESS_WRITABLE;
    return bits;
}

static uint32_t readiness_of(const struct watch *watch, uint32_t events)
{
    uint32_t closed = 0;

    if (events & AFD_POLL_DISCONNECT)
        closed |= READINESS_READ_CLOSED;
    if (events & (AFD_POLL_ABORT | AFD_POLL_CONNECT_FAIL))
        closed |= READINESS_READ_CLOSED | READINESS_WRITE_CLOSED | READINESS_ERROR;
    return closed | implied_readiness(watch, closed) |
           (events & (AFD_POLL_RECEIVE | AFD_POLL_ACCEPT) ? READINESS_READABLE : 0) |
           (events & AFD_POLL_RECEIVE_EXPEDITED ? READINESS_PRIORITY : 0) |
           (events & AFD_POLL_SEND ? READINESS_WRITABLE : 0);
}

/* The closed flags that the interests cover. */
static uint32_t awaited_closed(const struct watch *watch)
{
    if (watch->interests & MINIMIO_CLOSED)
        return READINESS_READ_CLOSED | READINESS_WRITE_CLOSED;
    return (watch->interests & MINIMIO_READABLE ? READINESS_READ_CLOSED : 0) |
           (watch->interests & MINIMIO_WRITABLE ? READINESS_WRITE_CLOSED : 0);
}

/* Adds readiness to be returned. A oneshot is then disarmed. */
static void add_ready(struct watch *watch, uint32_t bits)
{
    watch->ready |= bits;
    if (watch->mode == MINIMIO_ONESHOT)
        watch->wanted = 0;
}

void watch_repeat(struct watch *watch)
{
    if ((watch->closed & (awaited_closed(watch) | ~watch->delivered)) != 0)
        add_ready(watch, watch->closed | implied_readiness(watch, watch->closed));
}

void watch_arm(struct watch *watch, minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    watch->token = token;
    watch->interests = interests;
    watch->mode = mode;
    watch->wanted = askable(watch, events_of(interests) | ENDS);
    watch->ready = 0;
    watch->delivered = 0;
    watch->is_dead = false;
    watch->is_outdated = watch->request.pending;
    watch_repeat(watch);
}

/* Under LEVEL, an end outside the interests is not requested again until another event has arrived. */
static void apply_level_events(struct watch *watch, uint32_t events)
{
    uint32_t bits = readiness_of(watch, events);
    uint32_t awaited = awaited_closed(watch) | READINESS_READABLE | READINESS_WRITABLE | READINESS_PRIORITY;

    if (bits & awaited)
        watch->wanted = askable(watch, events_of(watch->interests) | ENDS);
    else
        watch->wanted &= ~events;
    add_ready(watch, bits | watch->closed);
}

void watch_apply_events(struct watch *watch, uint32_t events)
{
    events &= watch->wanted;
    if (events == 0)
        return;
    if (events & (AFD_POLL_ABORT | AFD_POLL_CONNECT_FAIL))
        watch->is_dead = true;
    if (watch->mode == MINIMIO_LEVEL) {
        apply_level_events(watch, events);
        return;
    }
    if (watch->mode == MINIMIO_EDGE)
        watch->wanted = watch->is_dead ? 0 : watch->wanted & ~events;
    add_ready(watch, readiness_of(watch, events));
}

void watch_shut(struct watch *watch, uint32_t closed)
{
    bool is_disarmed = watch->mode == MINIMIO_ONESHOT && watch->wanted == 0;

    if ((closed & ~watch->closed) == 0)
        return;
    watch->delivered &= ~(closed & ~watch->closed); /* a local shutdown is new after the peer's end */
    watch->closed |= closed;
    watch->wanted = askable(watch, watch->wanted);
    if (!is_disarmed || watch->ready != 0)
        watch_repeat(watch);
}

void watch_rearm(struct watch *watch, minimio_interests interests)
{
    minimio_interests both = interests & watch->interests;

    if (watch->mode != MINIMIO_EDGE || watch->is_dead)
        return;
    watch->wanted |= askable(watch, events_of(both));
    /* Pending readiness has been consumed as well, except an end. */
    if ((both & MINIMIO_READABLE) && !(watch->ready & READINESS_READ_CLOSED))
        watch->ready &= ~READINESS_READABLE;
    if ((both & MINIMIO_WRITABLE) && !(watch->ready & READINESS_WRITE_CLOSED))
        watch->ready &= ~READINESS_WRITABLE;
}

uint32_t watch_deliver(struct watch *watch)
{
    uint32_t bits = watch->ready;

    watch->ready = 0;
    watch->delivered |= bits;
    return bits;
}
