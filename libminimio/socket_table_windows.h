/* SPDX-License-Identifier: MIT */
/*
 * Which registrations a SOCKET has, in all queues of the process. SOCKETs are neither small nor dense, so it is a hash
 * table; it belongs to the process because a stream's own calls, which know the socket alone, re-arm what is edge-
 * triggered wherever it is registered.
 *
 * The table is cut into shards with a lock each, the innermost of the library's. An entry lies in what it stands for
 * and is its owner's, who adds it, removes it and changes what it lies in; adding therefore cannot fail.
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

/* An owner has at most one entry of a socket. */
void socket_table_add(struct socket_entry *entry);
void socket_table_remove(struct socket_entry *entry);

/* The entry, which is valid for as long as its owner keeps it from being removed; or NULL. */
struct socket_entry *socket_table_find(SOCKET socket, const void *owner);

/*
 * The owners with an entry of that socket, in the order of their addresses, so that none is missed while others come
 * and go: the first one after `previous`, or NULL. It is retained by that function before it could go away.
 */
void *socket_table_next_owner(SOCKET socket, const void *previous, void (*retain)(void *owner));

#endif
