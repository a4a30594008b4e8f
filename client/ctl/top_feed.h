/* SPDX-License-Identifier: MIT */
/*
 * Samples of a daemon, one per interval, without blocking: whoever waits for the feed's descriptor and deadline can
 * wait for keys as well. A daemon that goes away is awaited: the feed reconnects, more seldom with every failed attempt
 * up to a bound, and its samples go on with those of the new daemon.
 *
 * What holds: the feed's own session, loop, requests and bytes are not in the samples, and a rate never spans two
 * sessions, as the counters of another daemon begin at zero.
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
    int64_t started_ns; /* when the sample under way began */
    int64_t asked_ns;   /* when the last request was sent */
    int64_t gone_ns;    /* since when there have been no samples, as the daemon was gone; 0: it is here */
    int64_t backoff_ns; /* before the next attempt but one */
    bool ever;          /* there has been a sample */
    bool same_session;  /* `now` is of the session that is asked */
    bool busy;          /* there may be more to do at once */
    struct {
        double requests, bytes_in, bytes_out;
    } own;                          /* of this session, as the daemon counts them */
    char after[NAME_MAX_BYTES + 1]; /* where the page that was asked for begins */
    struct top_sample before, now, next;
    char reason[512]; /* why the daemon is gone; printable ASCII */
};

/* `client` is connected, and outlives the feed. */
void top_feed_init(struct top_feed *feed, struct minimio_client *client, int64_t interval_ns);
void top_feed_deinit(struct top_feed *feed);

/*
 * Does what can be done now. Returns 1 where `now` is a new sample, else 0. Errors, told in `reason`: -ENOMEM; and
 * before the first sample whatever makes it impossible to take.
 */
int top_feed_step(struct top_feed *feed);

/* What to wait for before the next step: the descriptor, which may be -1, or the deadline. */
int top_feed_fd(const struct top_feed *feed, short *ret_events);
int64_t top_feed_due_ns(const struct top_feed *feed);

/* The daemon is gone, or has not answered for a while: writes how to say so. False: all is well. */
bool top_feed_is_stuck(const struct top_feed *feed, char *ret_text, size_t size);

#endif
