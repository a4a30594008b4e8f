/* SPDX-License-Identifier: MIT */
/*
 * Non-blocking samples of a daemon's counters, one per interval. The caller waits for the feed's descriptor and
 * deadline. After a lost connection the feed reconnects, with exponential backoff up to a bound, and continues with
 * samples of the new daemon.
 *
 * Invariants: samples exclude the feed's own session, loop, requests and bytes. A rate never spans two sessions,
 * because the counters of a new daemon start at zero.
 */
#ifndef MINIMIO_CLIENT_CTL_TOP_FEED_H
#define MINIMIO_CLIENT_CTL_TOP_FEED_H

#include "client/ctl/top_sample.h"
#include "client/lib/minimio-client.h"

enum top_feed_state { FEED_RESTING, FEED_ASKING_STATS, FEED_ASKING_LOOPS, FEED_GONE };

struct top_feed {
    struct minimio_client *client; /* borrowed */
    int64_t interval_ns;
    enum top_feed_state state;
    int64_t due_ns;     /* of the next sample, or of the next attempt to connect */
    int64_t started_ns; /* start of the current sample */
    int64_t asked_ns;   /* time of the last request */
    int64_t gone_ns;    /* start of the daemon's absence; 0: present */
    int64_t backoff_ns; /* delay after the next attempt */
    bool ever;          /* at least one sample is complete */
    bool same_session;  /* `now` is of the current session */
    bool busy;          /* the next step may have work without waiting */
    struct {
        double requests, bytes_in, bytes_out;
    } own;                          /* counted by the daemon for this session */
    char after[NAME_MAX_BYTES + 1]; /* start of the requested page */
    struct top_sample before, now, next;
    char reason[512]; /* cause of the daemon's absence; printable ASCII */
};

/* `client` must be connected and must outlive the feed. */
void top_feed_init(struct top_feed *feed, struct minimio_client *client, int64_t interval_ns);
void top_feed_deinit(struct top_feed *feed);

/*
 * Works without blocking. Returns 1 if `now` is a new sample, else 0. Errors, with the text in `reason`: -ENOMEM;
 * before the first sample, every error.
 */
int top_feed_step(struct top_feed *feed);

/* The descriptor (or -1) and the deadline to wait for before the next step. */
int top_feed_fd(const struct top_feed *feed, short *ret_events);
int64_t top_feed_due_ns(const struct top_feed *feed);

/* Whether the daemon is absent or does not answer; writes a text for people. */
bool top_feed_is_stuck(const struct top_feed *feed, char *ret_text, size_t size);

#endif
