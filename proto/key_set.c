/* SPDX-License-Identifier: MIT */
/*
 * The hash table of member names, for objects with many members.
 */
#include "proto/key_set.h"
#include "proto/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SMALLEST_CAPACITY 64
#define HASH_PRIME        UINT64_C(4294967291) /* the largest prime below 2^32 */

struct key_entry {
    struct key key;
    uint32_t slot;
};

/*
 * Keys in insertion order, and slots that contain the index of a key plus one, or 0. Objects close in the reverse order
 * of opening, so that keys are removed in the reverse order of insertion. A removed key's slot can therefore be cleared
 * without a tombstone: no later key has been probed past the slot.
 */
struct key_table {
    uint64_t point, factor; /* secret parameters of the hash */
    uint32_t capacity;      /* number of entries, and half the number of slots */
    uint32_t *slots;
    struct key_entry entries[];
};

void key_set_init(struct key_set *set)
{
    set->count = 0;
    set->table = NULL;
}

void key_set_deinit(struct key_set *set)
{
    if (!set)
        return;
    free(set->table);
    key_set_init(set);
}

static struct span key_span(const char *text, struct key key)
{
    return (struct span){text + key.offset, key.length};
}

static bool key_equal(const char *text, struct key a, struct key b)
{
    if (a.depth != b.depth)
        return false;
    if (a.escaped || b.escaped)
        return text_equal(key_span(text, a), key_span(text, b));
    return a.length == b.length && memcmp(text + a.offset, text + b.offset, a.length) == 0;
}

static bool is_inline(const struct key_set *set, const char *text, struct key key)
{
    for (uint32_t i = set->count; i > 0 && set->inline_keys[i - 1].depth == key.depth; i--) {
        if (key_equal(text, set->inline_keys[i - 1], key))
            return true;
    }
    return false;
}

/* A polynomial over the decoded bytes, at a secret point: two keys collide with probability length / 2^32. */
static uint64_t key_hash(const struct key_table *table, const char *text, struct key key)
{
    uint64_t sum = key.depth;
    struct text_reader reader;
    int byte;

    text_reader_init(&reader, key_span(text, key));
    while ((byte = text_reader_next(&reader)) != TEXT_END)
        sum = (sum * table->point + (uint64_t)byte + 1) % HASH_PRIME;
    return sum;
}

/* The slot of the key, or the free slot for an insertion. */
static uint32_t find_slot(const struct key_table *table, const char *text, struct key key)
{
    uint32_t mask = 2 * table->capacity - 1;
    uint32_t slot = (uint32_t)((key_hash(table, text, key) * table->factor) >> 32) & mask;

    while (table->slots[slot] && !key_equal(text, table->entries[table->slots[slot] - 1].key, key))
        slot = (slot + 1) & mask;
    return slot;
}

static void table_insert(struct key_table *table, uint32_t slot, uint32_t index, struct key key)
{
    table->entries[index] = (struct key_entry){.key = key, .slot = slot};
    table->slots[slot] = index + 1;
}

/* Without random bytes, early at boot, use the addresses that ASLR has chosen. */
static void table_randomize(struct key_table *table)
{
    uint64_t random[2];

    if (getrandom(random, sizeof random, GRND_NONBLOCK) != sizeof random) {
        random[0] = (uint64_t)(uintptr_t)table >> 4;
        random[1] = (uint64_t)(uintptr_t)&random * UINT64_C(0x9e3779b97f4a7c15);
    }
    table->point = 256 + random[0] % (HASH_PRIME - 256);
    table->factor = random[1] | 1;
}

static struct key_table *table_new(uint32_t capacity)
{
    struct key_table *table = calloc(1, sizeof *table + capacity * (sizeof *table->entries + 2 * sizeof(uint32_t)));

    if (!table)
        return NULL;
    table->capacity = capacity;
    table->slots = (uint32_t *)(table->entries + capacity);
    table_randomize(table);
    return table;
}

/* Moves all keys into a table of twice the size, or from the inline array into the first table. */
static int table_grow(struct key_set *set, const char *text)
{
    uint32_t capacity = set->table ? 2 * set->table->capacity : SMALLEST_CAPACITY;
    struct key_table *table = table_new(capacity);

    if (!table)
        return -ENOMEM;
    for (uint32_t i = 0; i < set->count; i++) {
        struct key key = set->table ? set->table->entries[i].key : set->inline_keys[i];

        table_insert(table, find_slot(table, text, key), i, key);
    }
    free(set->table);
    set->table = table;
    return 0;
}

static int table_add(struct key_set *set, const char *text, struct key key)
{
    uint32_t slot;

    if (!set->table || set->count == set->table->capacity) {
        int result = table_grow(set, text);

        if (result < 0)
            return result;
    }
    slot = find_slot(set->table, text, key);
    if (set->table->slots[slot])
        return -EEXIST;
    table_insert(set->table, slot, set->count++, key);
    return 0;
}

int key_set_add(struct key_set *set, const char *text, struct key key)
{
    if (set->table || set->count == KEY_SET_INLINE)
        return table_add(set, text, key);
    if (is_inline(set, text, key))
        return -EEXIST;
    set->inline_keys[set->count++] = key;
    return 0;
}

void key_set_remove_object(struct key_set *set, unsigned depth)
{
    if (!set->table) {
        while (set->count && set->inline_keys[set->count - 1].depth == depth)
            set->count--;
        return;
    }
    while (set->count && set->table->entries[set->count - 1].key.depth == depth)
        set->table->slots[set->table->entries[--set->count].slot] = 0;
}
