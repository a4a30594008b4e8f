/* SPDX-License-Identifier: MIT */
/*
 * Streams that were armed again are looked at together, once a turn: one call for all of them, where having the reactor
 * say what is ready takes one each.
 */
#ifndef MINIMIO_DAEMON_LOOK_H
#define MINIMIO_DAEMON_LOOK_H

#include <poll.h>

struct stream;

#define LOOK_MAX 512 /* streams at once; with more, the call itself costs nothing any more */

struct look {
    nfds_t count;
    struct pollfd asked[LOOK_MAX];
    struct stream *streams[LOOK_MAX];
};

/* The stream, which is open and watched, has what is ready reported, in this turn or the next. */
void look_add(struct look *look, struct stream *stream);

/* It is looked at no more, if it was to be. */
void look_remove(struct look *look, struct stream *stream);

/* Looks at those that were added. */
void look_finish(struct look *look);

#endif
