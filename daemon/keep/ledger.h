/* SPDX-License-Identifier: MIT */
/*
 * What named loops and streams there are, in memory that outlives the process: a file without a name that is mapped,
 * and whose descriptor somebody else keeps. Writing to it is writing to memory, no system call and no copy, so that it
 * is whole at any moment at which the process may die.
 *
 * An entry is valid or not by one word that is written last and cleared first. What was written is checked when it is
 * read by another process: a sum over each entry, ranges of all numbers, the file's own heading.
 */
#ifndef MINIMIO_DAEMON_KEEP_LEDGER_H
#define MINIMIO_DAEMON_KEEP_LEDGER_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_TEXT_MAX 300 /* of a stream's address; a loop's name is shorter */
#define LEDGER_NO_ENTRY 0   /* no entry has this number */

struct ledger;

struct ledger_loop {
    struct span name;
    uint32_t uid;
    uint64_t linger_ms;
    uint8_t delivery;
};

struct ledger_stream {
    uint32_t loop; /* the loop's entry */
    uint64_t id;   /* of its descriptor, wherever that is kept; never 0 */
    uint64_t token;
    struct span address; /* "" where there is none */
    uint8_t interests, mode, kind;
    bool adopted;
    int fd; /* the descriptor's number, for a process that becomes another binary; -1: not said */
};

/* A new, empty one. Errors: -ENOMEM, -EMFILE, -ENFILE. */
int ledger_new(struct ledger **ret_ledger);

/*
 * Takes over one that another process has written. Errors: -EBADMSG, it is not one, or not of this version; -ENOMEM;
 * `fd` is then the caller's still.
 */
int ledger_open(int fd, struct ledger **ret_ledger);

/* Unmaps and closes; what was written stays for whoever has a descriptor. NULL is accepted; returns NULL. */
struct ledger *ledger_free(struct ledger *ledger);

/* Its descriptor; borrowed. */
int ledger_fd(const struct ledger *ledger);

/* Adds an entry and returns its number. Error: -ENOMEM. */
int ledger_add_loop(struct ledger *ledger, const struct ledger_loop *loop, uint32_t *ret_entry);
int ledger_add_stream(struct ledger *ledger, const struct ledger_stream *stream, uint32_t *ret_entry);

/* Changes what may change of an entry. */
void ledger_set_loop(struct ledger *ledger, uint32_t entry, uint8_t delivery, uint64_t linger_ms);
void ledger_set_stream(struct ledger *ledger, uint32_t entry, uint8_t interests, uint8_t mode);
void ledger_set_adopted(struct ledger *ledger, uint32_t entry); /* from here on */
void ledger_set_fd(struct ledger *ledger, uint32_t entry, int fd);

void ledger_remove(struct ledger *ledger, uint32_t entry);

/*
 * What an entry says; its texts lie in the ledger. Errors: -ENOENT, it is none, or one of the other kind; -EBADMSG, it
 * cannot be right. Entries are numbered from 1 to ledger_count.
 */
int ledger_get_loop(const struct ledger *ledger, uint32_t entry, struct ledger_loop *ret_loop);
int ledger_get_stream(const struct ledger *ledger, uint32_t entry, struct ledger_stream *ret_stream);
uint32_t ledger_count(const struct ledger *ledger);

#endif
