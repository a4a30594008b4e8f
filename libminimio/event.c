/* SPDX-License-Identifier: MIT */
/* Accessors of events and interests. Stateless and portable. */
#include "libminimio/event.h"

#include "libminimio/minimio.h"

#include <assert.h>

static bool has_bit(const struct minimio_event *event, uint32_t bit)
{
    assert(event);
    return (event->readiness & bit) != 0;
}

minimio_token minimio_event_id(const struct minimio_event *event)
{
    assert(event);
    return event->token;
}

bool minimio_event_is_readable(const struct minimio_event *event)
{
    return has_bit(event, READINESS_READABLE);
}

bool minimio_event_is_writable(const struct minimio_event *event)
{
    return has_bit(event, READINESS_WRITABLE);
}

bool minimio_event_is_read_closed(const struct minimio_event *event)
{
    return has_bit(event, READINESS_READ_CLOSED);
}

bool minimio_event_is_write_closed(const struct minimio_event *event)
{
    return has_bit(event, READINESS_WRITE_CLOSED);
}

bool minimio_event_is_error(const struct minimio_event *event)
{
    return has_bit(event, READINESS_ERROR);
}

bool minimio_event_is_priority(const struct minimio_event *event)
{
    return has_bit(event, READINESS_PRIORITY);
}

bool minimio_interests_is_readable(minimio_interests interests)
{
    return (interests & MINIMIO_READABLE) != 0;
}

bool minimio_interests_is_writable(minimio_interests interests)
{
    return (interests & MINIMIO_WRITABLE) != 0;
}

bool minimio_interests_is_priority(minimio_interests interests)
{
    return (interests & MINIMIO_PRIORITY) != 0;
}

bool minimio_interests_is_closed(minimio_interests interests)
{
    return (interests & MINIMIO_CLOSED) != 0;
}
