/* SPDX-License-Identifier: MIT */
/*
 * Writes what the next daemon needs to know of named loops and their streams: the ledger has an entry for each, and the
 * service manager, where it keeps descriptors, has the ledger and a duplicate of each stream's descriptor.
 *
 * Owns the ledger and the ids of descriptors. Calls the ledger, the service manager and accounts; knows neither loops
 * nor streams.
 */
#ifndef MINIMIO_DAEMON_KEEP_RECORDER_H
#define MINIMIO_DAEMON_KEEP_RECORDER_H

#include "daemon/accounts/accounts.h"
#include "daemon/keep/ledger.h"
#include "daemon/manager/manager.h"

#include <stdbool.h>
#include <stdint.h>

struct recorder {
    struct manager *service;
    struct ledger *ledger;       /* NULL: nothing is recorded */
    struct async_closer *closer; /* for descriptors that nobody owns */
    struct depositor depositor;  /* of the ledger, and of such descriptors */
    uint64_t last_id;
};

/* Records nothing yet. */
void recorder_init(struct recorder *recorder, struct async_closer *closer);

/* Each of these needs a ledger. Errors of the first two: -ENOMEM, -ENOSPC: the manager's store is full. */
int recorder_add_loop(struct recorder *recorder, const struct ledger_loop *loop, uint32_t *ret_entry);

/* Gives the stream an id, and the manager a duplicate of the descriptor `stream->fd`. */
int recorder_add_stream(struct recorder *recorder, struct account *account, struct ledger_stream *stream,
                        uint32_t *ret_entry);

/* Whether the manager has a duplicate of the descriptor of this stream's entry. */
bool recorder_has_deposit(const struct recorder *recorder, uint32_t entry);

/*
 * Removes the entry of a stream. True: the manager has a duplicate of its descriptor, and `fd` (-1: none), a copy that
 * is the caller's, was taken to be closed when the manager has closed its own. False: `fd` is the caller's still.
 */
bool recorder_remove_stream(struct recorder *recorder, struct account *account, uint32_t entry, int fd);

/* Whether the manager has all that was given to it for this account. */
bool recorder_is_synced(const struct recorder *recorder, const struct account *account);

#endif
