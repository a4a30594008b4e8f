/* SPDX-License-Identifier: MIT */
/*
 * A sample of the daemon's counters and named loops, from the replies to `stats` and `loops`.
 *
 * Invariant: texts in a sample are printable ASCII; other bytes become \xNN, so that names cannot contain terminal
 * control sequences.
 */
#ifndef MINIMIO_CLIENT_CTL_TOP_SAMPLE_H
#define MINIMIO_CLIENT_CTL_TOP_SAMPLE_H

#include "proto/methods.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_LOOPS_MAX 100000 /* of a sample; further loops are dropped */
#define TOP_NAME_SIZE (4 * NAME_MAX_BYTES + 1)

enum counter {
    COUNTER_SESSIONS,
    COUNTER_LOOPS,
    COUNTER_REGISTRATIONS,
    COUNTER_UPTIME_MS,
    COUNTER_REQUESTS,
    COUNTER_EVENTS,
    COUNTER_BYTES_IN,
    COUNTER_BYTES_OUT,
    COUNTER_LEASES,
    COUNTER_WAITS,
    COUNTER_REDELIVERIES,
    COUNTERS
};

struct top_loop {
    char name[TOP_NAME_SIZE];
    double uid, streams, ready, linger_ms;
    double workers, guests;
    bool owner; /* known only if there are workers or guests */
    bool attached;
    int64_t slow_since_ns; /* start of the time with unfetched events and an attached session; 0: no */
};

struct top_sample {
    int64_t at_ns; /* 0: no sample */
    double counters[COUNTERS];
    struct top_loop *loops; /* by name, then uid */
    size_t count;
    bool cut; /* the daemon has more than TOP_LOOPS_MAX loops */
};

/* Reads a reply to `stats`. Errors: -EBADMSG, -ENOMEM. */
int top_sample_read_stats(struct top_sample *sample, const char *json);

/*
 * Reads a page of `loops`. `after` is the start of the page, and becomes the start of the next page. `before` is an
 * earlier sample of the same daemon, or zeros. Returns 1 if a further page follows. Errors: -EBADMSG, -ENOMEM.
 */
int top_sample_read_loops(struct top_sample *sample, const char *json, const struct top_sample *before,
                          char after[NAME_MAX_BYTES + 1]);

/* Frees the loops and zeroes the sample. */
void top_sample_free(struct top_sample *sample);

int top_loop_compare(const struct top_loop *left, const struct top_loop *right);

/* The growth of a counter per second between two samples; negative: no earlier sample. */
double top_rate(const struct top_sample *before, const struct top_sample *now, enum counter counter);

/* Duration of unfetched events in milliseconds; 0: no unfetched events. */
double top_slow_ms(const struct top_sample *now, const struct top_loop *loop);

/* Formats a duration without fractions: "0s", "12s", "3m20s". */
void top_seconds(double milliseconds, char *ret_text, size_t size);

#endif
