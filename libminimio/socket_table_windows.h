/* SPDX-License-Identifier: MIT */
/*
 * Maps a SOCKET to its registrations in all queues of the process. SOCKETs are neither small nor dense, so the table is
 * a hash table. The table is process-wide because a stream's calls, which know only the SOCKET, re-arm the
 * edge-triggered registrations in every queue.
 *
 * The table is divided into shards with a lock each, the innermost locks of the library. An entry is embedded in the
 * caller's struct, and the owner adds, removes and changes the entry; adding therefore cannot fail.
 */
#ifndef MINIMIO_SOCKET_TABLE_WINDOWS_H
#define MINIMIO_SOCKET_TABLE_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>
#include <winsock2.h>

struct socket_entry {
    SOCKET socket;
    void *owner;
    struct socket_entry *next;
};

/* An owner has at most one entry per socket. */
void socket_table_add(struct socket_entry *entry);
void socket_table_remove(struct socket_entry *entry);

/* Returns the entry, or NULL. The entry is valid while the owner prevents its removal. */
struct socket_entry *socket_table_find(SOCKET socket, const void *owner);

/*
 * Iterates over the owners of entries of `socket`, in the order of addresses, so that concurrent changes cause no
 * omission: returns the first owner after `previous`, or NULL. `retain` is called under the shard's lock, before the
 * owner can be freed.
 */
void *socket_table_next_owner(SOCKET socket, const void *previous, void (*retain)(void *owner));

#endif
