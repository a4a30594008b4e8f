/* SPDX-License-Identifier: MIT */
/*
 * What `top` shows, taken from the daemon at one moment: its counters and the named loops that the caller may see.
 */
#ifndef MINIMIO_CLIENT_TOP_SAMPLE_H
#define MINIMIO_CLIENT_TOP_SAMPLE_H

#include "client/client.h"
#include "proto/methods.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum counter {
    COUNTER_SESSIONS,
    COUNTER_LOOPS,
    COUNTER_REGISTRATIONS,
    COUNTER_REQUESTS,
    COUNTER_EVENTS,
    COUNTER_BYTES_IN,
    COUNTER_BYTES_OUT,
    COUNTERS
};

struct top_loop {
    char name[NAME_MAX_BYTES + 1];
    double uid, streams, ready;
    bool attached;
    int64_t slow_since_ns; /* since when a session is in it and leaves events lying; 0: it does not */
};

struct top_sample {
    int64_t at_ns;
    double counters[COUNTERS];
    struct top_loop *loops;
    size_t count;
};

/*
 * Takes a sample; `before` is an earlier one, or zeros. To be freed with top_sample_free. Errors: the client's, told by
 * minimio_client_error; -EBADMSG; -ENOMEM.
 */
int top_sample_take(struct minimio_client *client, int64_t timeout_ns, const struct top_sample *before,
                    struct top_sample *ret_sample);
void top_sample_free(struct top_sample *sample);

/* How much a counter grew a second from one sample to the next. */
double top_rate(const struct top_sample *before, const struct top_sample *now, enum counter counter);

#endif
