/* SPDX-License-Identifier: MIT */
/*
 * Records named loops and their streams for the next daemon. The ledger has an entry for each loop and stream. The
 * service manager, if it has a store, keeps the ledger and a duplicate of each stream's descriptor.
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
    struct manager *manager;
    struct ledger *ledger;       /* NULL: nothing is recorded */
    struct async_closer *closer; /* for descriptors without an owner */
    struct depositor depositor;  /* for the ledger, and for descriptors without an owner */
    uint64_t last_id;
};

/* Initializes a recorder without a ledger, which records nothing. */
void recorder_init(struct recorder *recorder, struct async_closer *closer);

/* All functions below need a ledger. Errors of recorder_add_loop and recorder_add_stream: -ENOMEM; -ENOSPC, the
 * manager's store is full. */
int recorder_add_loop(struct recorder *recorder, const struct ledger_loop *loop, uint32_t *ret_entry);

/* Gives the stream an id, and the manager a duplicate of the descriptor `stream->fd`. */
int recorder_add_stream(struct recorder *recorder, struct account *account, struct ledger_stream *stream,
                        uint32_t *ret_entry);

/* Whether the manager has a duplicate of the descriptor of this stream's entry. */
bool recorder_has_deposit(const struct recorder *recorder, uint32_t entry);

/*
 * Removes the entry of a stream. True: the manager has a duplicate of the descriptor, and the recorder has taken `fd`
 * (-1: none), the caller's copy, to close `fd` after the manager has closed the duplicate. False: `fd` stays with the
 * caller.
 */
bool recorder_remove_stream(struct recorder *recorder, struct account *account, uint32_t entry, int fd);

/* Whether the manager has processed all messages of this account. */
bool recorder_is_synced(const struct recorder *recorder, const struct account *account);

#endif
