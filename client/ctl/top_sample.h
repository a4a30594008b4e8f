/* SPDX-License-Identifier: MIT */
/*
 * The daemon's counters and named loops at one moment, as the replies to `stats` and `loops` have them.
 *
 * What holds: every text in a sample is printable ASCII. A daemon of ours sends no other names; other bytes are written
 * as \xNN, so that no name steers the terminal.
 */
#ifndef MINIMIO_CLIENT_CTL_TOP_SAMPLE_H
#define MINIMIO_CLIENT_CTL_TOP_SAMPLE_H

#include "proto/methods.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_LOOPS_MAX 100000 /* of a sample; the loops behind them are left out */
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
    COUNTERS
};

struct top_loop {
    char name[TOP_NAME_SIZE];
    double uid, streams, ready, linger_ms;
    bool attached;
    int64_t slow_since_ns; /* since when a session is attached and leaves events unfetched; 0: none does */
};

struct top_sample {
    int64_t at_ns; /* 0: there is none */
    double counters[COUNTERS];
    struct top_loop *loops; /* by name, then uid */
    size_t count;
    bool cut; /* there are more than TOP_LOOPS_MAX */
};

/* Reads a reply to `stats`. Errors: -EBADMSG, -ENOMEM. */
int top_sample_read_stats(struct top_sample *sample, const char *json);

/*
 * Reads a page of `loops`. `after` is where the page began, and is replaced by where the next one does. `before` is an
 * earlier sample of the same daemon, or zeros. Returns 1 where another page follows. Errors: -EBADMSG, -ENOMEM.
 */
int top_sample_read_loops(struct top_sample *sample, const char *json, const struct top_sample *before,
                          char after[NAME_MAX_BYTES + 1]);

/* Frees the loops and leaves zeros. */
void top_sample_free(struct top_sample *sample);

int top_loop_compare(const struct top_loop *left, const struct top_loop *right);

/* How much a counter grew a second between two samples; negative: unknown, as there is no earlier one. */
double top_rate(const struct top_sample *before, const struct top_sample *now, enum counter counter);

/* For how long events have been unfetched, in milliseconds; 0: they are not. */
double top_slow_ms(const struct top_sample *now, const struct top_loop *loop);

/* "0s", "12s", "3m20s": a duration without fractions, of a counter that runs. */
void top_seconds(double milliseconds, char *ret_text, size_t size);

#endif
