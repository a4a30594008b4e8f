/* SPDX-License-Identifier: MIT */
/*
 * The ledger: a table of the named loops and their streams, in memory that survives the process. The memory is a mapped
 * memfd, whose descriptor the service manager or the next binary keeps. A write to the table is a write to memory,
 * without a system call or copy, so the table is consistent whenever the process dies.
 *
 * One word of an entry says whether the entry is valid: written last, cleared first. A reader in another process checks
 * the table: a checksum of each entry, the range of all numbers, the header of the file.
 *
 * Owns the memfd and the mapping. Calls the kernel alone.
 */
#ifndef MINIMIO_DAEMON_KEEP_LEDGER_H
#define MINIMIO_DAEMON_KEEP_LEDGER_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_TEXT_MAX 300 /* longest address of a stream; the name of a loop is shorter */
#define LEDGER_NO_ENTRY 0   /* number of no entry */

struct ledger;

struct ledger_loop {
    struct span name;
    uint32_t uid;
    uint64_t linger_ms;
    uint8_t delivery;
};

struct ledger_stream {
    uint32_t loop; /* number of the loop's entry */
    uint64_t id;   /* id of the descriptor, with or without a store; never 0 */
    uint64_t token;
    struct span address; /* "": no address */
    uint8_t interests, mode, kind;
    bool adopted;
    bool leased; /* to a worker that has not ended the lease */
    int fd;      /* the descriptor's number, for an exec of another binary; -1: not set */
};

/* Creates an empty ledger. Errors: -ENOMEM, -EMFILE, -ENFILE. */
int ledger_new(struct ledger **ret_ledger);

/*
 * Opens a ledger that another process has written, and takes ownership of `fd`. Errors: -EBADMSG, the file is not a
 * ledger, or has another version; -ENOMEM. After an error `fd` stays with the caller.
 */
int ledger_open(int fd, struct ledger **ret_ledger);

/* Unmaps the table and closes the descriptor; the contents survive as long as another process has a descriptor.
 * Accepts NULL. Returns NULL. */
struct ledger *ledger_free(struct ledger *ledger);

/* The descriptor of the ledger; borrowed. */
int ledger_fd(const struct ledger *ledger);

/* Adds an entry and returns its number. Error: -ENOMEM. */
int ledger_add_loop(struct ledger *ledger, const struct ledger_loop *loop, uint32_t *ret_entry);
int ledger_add_stream(struct ledger *ledger, const struct ledger_stream *stream, uint32_t *ret_entry);

/* Changes the fields of an entry that may change. */
void ledger_set_loop(struct ledger *ledger, uint32_t entry, uint8_t delivery, uint64_t linger_ms);
void ledger_set_stream(struct ledger *ledger, uint32_t entry, uint8_t interests, uint8_t mode, bool leased);
void ledger_set_adopted(struct ledger *ledger, uint32_t entry); /* the client has the descriptor from now on */
void ledger_set_fd(struct ledger *ledger, uint32_t entry, int fd);

void ledger_remove(struct ledger *ledger, uint32_t entry);

/*
 * Reads an entry; the texts point into the ledger. Errors: -ENOENT, the entry is free, or of the other kind; -EBADMSG,
 * the entry is invalid. Entries have the numbers 1 to ledger_count.
 */
int ledger_get_loop(const struct ledger *ledger, uint32_t entry, struct ledger_loop *ret_loop);
int ledger_get_stream(const struct ledger *ledger, uint32_t entry, struct ledger_stream *ret_stream);
uint32_t ledger_count(const struct ledger *ledger);

#endif
