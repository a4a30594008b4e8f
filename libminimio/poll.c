/* SPDX-License-Identifier: MIT */
/* Poll and Selector: the two handles that own a queue and wait for events. Portable. */
#include "libminimio/minimio.h"

#include "libminimio/queue.h"
#include "libminimio/selector.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct minimio_selector {
    struct queue *queue;
};

struct minimio_poll {
    struct minimio_selector selector;
};

static int selector_handle_init(struct minimio_selector *selector)
{
    return queue_new(&selector->queue);
}

static void selector_handle_deinit(struct minimio_selector *selector)
{
    queue_destroy(selector->queue);
    queue_drop_handle(selector->queue);
}

/* ---- Selector --------------------------------------------------------------------------------------------------- */

int minimio_selector_new(struct minimio_selector **ret_selector)
{
    assert(ret_selector);
    struct minimio_selector *selector = malloc(sizeof *selector);
    if (!selector)
        return -ENOMEM;
    int result = selector_handle_init(selector);
    if (result < 0) {
        free(selector);
        return result;
    }
    *ret_selector = selector;
    return 0;
}

struct minimio_selector *minimio_selector_free(struct minimio_selector *selector)
{
    if (selector)
        selector_handle_deinit(selector);
    free(selector);
    return NULL;
}

struct minimio_registrator *minimio_selector_registrator(struct minimio_selector *selector)
{
    assert(selector);
    return queue_registrator(selector->queue);
}

int minimio_selector_select(struct minimio_selector *selector, struct minimio_event *events, size_t capacity,
                            int64_t timeout_ns)
{
    bool woken;

    assert(selector);
    if (capacity == 0)
        return -EINVAL;
    assert(events);
    return queue_wait(selector->queue, events, capacity, timeout_ns, &woken);
}

/* ---- Poll ------------------------------------------------------------------------------------------------------- */

int minimio_poll_new(struct minimio_poll **ret_poll)
{
    assert(ret_poll);
    struct minimio_poll *poll = malloc(sizeof *poll);
    if (!poll)
        return -ENOMEM;
    int result = selector_handle_init(&poll->selector);
    if (result < 0) {
        free(poll);
        return result;
    }
    *ret_poll = poll;
    return 0;
}

struct minimio_poll *minimio_poll_free(struct minimio_poll *poll)
{
    if (poll)
        selector_handle_deinit(&poll->selector);
    free(poll);
    return NULL;
}

struct minimio_registrator *minimio_poll_registrator(struct minimio_poll *poll)
{
    assert(poll);
    return queue_registrator(poll->selector.queue);
}

int minimio_poll_fd(const struct minimio_poll *poll)
{
    assert(poll);
    return queue_fd(poll->selector.queue);
}

static int64_t deadline_after(int64_t timeout_ns)
{
    int64_t now = monotonic_ns();

    return timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
}

int minimio_poll_poll(struct minimio_poll *poll, struct minimio_event *events, size_t capacity, int64_t timeout_ns)
{
    assert(poll);
    if (capacity == 0)
        return -EINVAL;
    assert(events);
    int64_t deadline_ns = timeout_ns > 0 ? deadline_after(timeout_ns) : 0;
    for (;;) {
        bool woken = false;
        int result = queue_wait(poll->selector.queue, events, capacity, timeout_ns, &woken);
        if (result > 0 || woken || (result < 0 && result != -EINTR))
            return result;
        /* A timeout, a signal, or an event without a registration. */
        if (timeout_ns > 0) {
            timeout_ns = deadline_ns - monotonic_ns();
            if (timeout_ns <= 0)
                return 0;
        } else if (timeout_ns == 0) {
            return 0;
        }
    }
}
