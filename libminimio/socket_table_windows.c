/* SPDX-License-Identifier: MIT */
/* Owns the process-wide hash table of sockets: shards of chains, whose number grows with the entries. */
#include "libminimio/socket_table_windows.h"

#include <windows.h>

#include <stdlib.h>

#define SHARD_BITS   6
#define FIRST_CHAINS 16

struct shard {
    SRWLOCK lock;
    size_t count;
    size_t chain_count; /* a power of two; 0: only the chain `only` */
    struct socket_entry **chains;
    struct socket_entry *only;
};

/* Zeroes are the initial state of an SRWLOCK (SRWLOCK_INIT). */
static struct shard shards[1 << SHARD_BITS];

/* Handles are multiples of four. The multiplication moves the varying bits to the top. */
static uint64_t hash_socket(SOCKET socket)
{
    return ((uint64_t)socket >> 2) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct shard *shard_of(SOCKET socket)
{
    return &shards[hash_socket(socket) >> (64 - SHARD_BITS)];
}

static struct socket_entry **chain_of(struct shard *shard, SOCKET socket)
{
    if (shard->chain_count == 0)
        return &shard->only;
    return &shard->chains[(hash_socket(socket) >> 16) & (shard->chain_count - 1)];
}

static void move_chain(struct shard *shard, struct socket_entry *chain)
{
    while (chain) {
        struct socket_entry *entry = chain;
        struct socket_entry **place = chain_of(shard, entry->socket);
        chain = entry->next;
        entry->next = *place;
        *place = entry;
    }
}

/* Out of memory: the chains only become longer. */
static void grow_shard(struct shard *shard)
{
    struct shard old = *shard;
    size_t chain_count = old.chain_count == 0 ? FIRST_CHAINS : old.chain_count * 2;
    struct socket_entry **chains = calloc(chain_count, sizeof(struct socket_entry *));

    if (!chains)
        return;
    shard->only = NULL;
    shard->chains = chains;
    shard->chain_count = chain_count;
    move_chain(shard, old.only);
    for (size_t i = 0; i < old.chain_count; i++)
        move_chain(shard, old.chains[i]);
    free(old.chains);
}

void socket_table_add(struct socket_entry *entry)
{
    struct shard *shard = shard_of(entry->socket);

    AcquireSRWLockExclusive(&shard->lock);
    if (shard->count >= shard->chain_count)
        grow_shard(shard);
    struct socket_entry **chain = chain_of(shard, entry->socket);
    entry->next = *chain;
    *chain = entry;
    shard->count++;
    ReleaseSRWLockExclusive(&shard->lock);
}

static void free_chains(struct shard *shard)
{
    free(shard->chains);
    shard->chains = NULL;
    shard->chain_count = 0;
}

void socket_table_remove(struct socket_entry *entry)
{
    struct shard *shard = shard_of(entry->socket);

    AcquireSRWLockExclusive(&shard->lock);
    struct socket_entry **place = chain_of(shard, entry->socket);
    while (*place != entry)
        place = &(*place)->next;
    *place = entry->next;
    if (--shard->count == 0)
        free_chains(shard);
    ReleaseSRWLockExclusive(&shard->lock);
}

struct socket_entry *socket_table_find(SOCKET socket, const void *owner)
{
    struct shard *shard = shard_of(socket);

    AcquireSRWLockShared(&shard->lock);
    struct socket_entry *entry = *chain_of(shard, socket);
    while (entry && (entry->socket != socket || entry->owner != owner))
        entry = entry->next;
    ReleaseSRWLockShared(&shard->lock);
    return entry;
}

void *socket_table_next_owner(SOCKET socket, const void *previous, void (*retain)(void *owner))
{
    struct shard *shard = shard_of(socket);
    void *found = NULL;

    AcquireSRWLockShared(&shard->lock);
    for (struct socket_entry *entry = *chain_of(shard, socket); entry; entry = entry->next)
        if (entry->socket == socket && (uintptr_t)entry->owner > (uintptr_t)previous &&
            (!found || (uintptr_t)entry->owner < (uintptr_t)found))
            found = entry->owner;
    if (found)
        retain(found);
    ReleaseSRWLockShared(&shard->lock);
    return found;
}
