/* SPDX-License-Identifier: MIT */
/*
 * Named loops that survive the daemon. Where a service manager keeps descriptors for us, each open stream of a named
 * loop and the ledger that describes them all are kept there as they change, so that even a daemon that was killed
 * finds them again. Else the same is handed to the next binary when one is asked for (SIGUSR2).
 */
#ifndef MINIMIO_DAEMON_DURABLE_H
#define MINIMIO_DAEMON_DURABLE_H

#include "daemon/ledger.h"
#include "daemon/service.h"

#include <stdbool.h>
#include <stdint.h>

struct closer;
struct loop;
struct context;
struct stream;

struct durable {
    struct service *service;
    struct ledger *ledger;      /* NULL: nothing is kept */
    struct closer *closer;      /* for what nobody owns */
    struct depositor depositor; /* of the ledger, and of that */
    uint64_t last_id;
};

/* Keeps nothing yet. */
void durable_init(struct durable *durable, struct closer *closer);

/*
 * Takes over what the manager has kept, or what the binary before has left in the ledger of this descriptor (-1: there
 * was none), and begins to keep. What is lost or cannot be read is said in the log, never guessed. Errors: -ENOMEM,
 * -EMFILE: the daemon must not start, as it would lose what it was given.
 */
int durable_start(struct context *context, struct service *service, int handed_over);

/* Writes all named loops into a new ledger, for a binary that is to read it now. Errors: -ENOMEM, -EMFILE. */
int durable_write(struct context *context);

/* Keeps nothing from here on, and leaves what is kept as it is. */
void durable_stop(struct context *context);

/* No loop or stream is in a ledger any more. */
void durable_forget_entries(struct context *context);

/* A named loop is new, was set up anew, or is about to go. */
void durable_loop_added(struct durable *durable, struct loop *loop);
void durable_loop_changed(struct durable *durable, const struct loop *loop);
void durable_loop_gone(struct durable *durable, const struct loop *loop);

/* Likewise an open stream of a named loop. */
void durable_stream_added(struct durable *durable, struct stream *stream);
void durable_stream_changed(struct durable *durable, const struct stream *stream);
void durable_stream_adopted(struct durable *durable, const struct stream *stream);

/*
 * Likewise one that is about to go. True: the manager has a duplicate of its descriptor, and `fd`, a copy that is the
 * caller's, was taken to be closed when the manager has closed that one. False: `fd` is the caller's still.
 */
bool durable_stream_gone(struct durable *durable, const struct stream *stream, int fd);

/* Whether the manager has a duplicate of its descriptor. */
bool durable_stream_is_deposited(const struct durable *durable, const struct stream *stream);

/* Whether the loop would be there again if the daemon were killed now. */
bool durable_is_kept(const struct durable *durable, const struct loop *loop);

#endif
