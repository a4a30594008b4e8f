/* SPDX-License-Identifier: MIT */
/* The wait of a selector: rounds of sending requests and fetching completions, until all results are known.
 * Stateless; the state is in struct requests. */
#include "libminimio/requests_windows.h"

#include "libminimio/selector.h"

/* How long a wait waits for a cancelled request, which completes at once. */
#define CANCEL_NS INT64_C(10000000)

/* Limit of rounds in one wait, for threads that change registrations faster than the wait can follow. */
#define TURNS_MAX 64

/* Fetches and handles packets, waiting up to `timeout_ns`. Returns the number of packets, or -EINTR. */
static int fetch_packets(struct requests *requests, int64_t timeout_ns)
{
    OVERLAPPED_ENTRY packets[PACKETS_MAX];

    requests->is_waiting = timeout_ns != 0;
    ReleaseSRWLockExclusive(&requests->lock);
    int count = port_wait(&requests->port, packets, PACKETS_MAX, timeout_ns);
    AcquireSRWLockExclusive(&requests->lock);
    requests->is_waiting = false;
    requests_complete(requests, packets, count);
    return count;
}

static int deliver_events(struct requests *requests, struct minimio_event *events, size_t capacity)
{
    int count = 0;

    while ((size_t)count < capacity && count < INT32_MAX && requests->ready_count > 0) {
        struct watch *watch = WATCH_OF(requests->readying.next, readying);
        events[count++] = (struct minimio_event){.token = watch->token, .readiness = watch_deliver(watch)};
        requests_list_ready(requests, watch);
        if (watch->mode == MINIMIO_LEVEL)
            requests_schedule(requests, watch);
    }
    return count;
}

/* How long this round of a wait may block. */
static int64_t turn_ns(struct requests *requests, int64_t timeout_ns, int64_t deadline_ns, int turn)
{
    int64_t left_ns = timeout_ns;

    if (requests->ready_count > 0 || requests->is_kicked)
        left_ns = 0;
    else if (turn > 0 && timeout_ns > 0)
        left_ns = deadline_ns - monotonic_ns();
    if (timeout_ns > 0 && left_ns < 0)
        left_ns = 0;
    return left_ns == 0 && requests->cancelling > 0 ? CANCEL_NS : left_ns;
}

/* Waits until an event is ready or the timeout has passed, and all results of cancelled requests are known. */
static int wait_turns(struct requests *requests, size_t capacity, int64_t timeout_ns)
{
    int64_t now_ns = timeout_ns > 0 ? monotonic_ns() : 0;
    int64_t deadline_ns = timeout_ns < INT64_MAX - now_ns ? now_ns + timeout_ns : INT64_MAX;
    int result = 0;

    for (int turn = 0; turn < TURNS_MAX; turn++) {
        requests->must_turn = false;
        result = requests_update(requests);
        if (result < 0)
            break;
        result = fetch_packets(requests, turn_ns(requests, timeout_ns, deadline_ns, turn));
        if (result < 0)
            break;
        /* A packet still in the port may report the close of a ready socket. */
        if (result == PACKETS_MAX)
            continue;
        if (requests->ready_count >= capacity || (!requests->must_turn && requests->cancelling == 0))
            break;
    }
    return result < 0 ? result : 0;
}

int requests_wait(struct requests *requests, struct minimio_event *events, size_t capacity, int64_t timeout_ns)
{
    int result = wait_turns(requests, capacity, timeout_ns);

    requests->is_kicked = false;
    int count = deliver_events(requests, events, capacity);
    return count > 0 ? count : result;
}
