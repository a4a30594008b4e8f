/* SPDX-License-Identifier: MIT */
#include "proto/names.h"
#include "proto/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SMALLEST_CAPACITY 64
#define HASH_PRIME        UINT64_C(4294967291) /* the largest prime below 2^32 */

struct table_entry {
    struct name name;
    uint32_t slot;
};

/*
 * Names in the order of their coming, and slots that point at them: an index plus one, 0 for none. Objects close in
 * the reverse order of their opening, so names leave in the reverse order of their coming; thereby an open-addressed
 * slot can simply be emptied, for no other name was put behind it since.
 */
struct name_table {
    uint64_t point, factor; /* the hash's key */
    uint32_t capacity;      /* of entries; there are twice as many slots */
    uint32_t *slots;
    struct table_entry entries[];
};

void names_init(struct names *names)
{
    names->count = 0;
    names->table = NULL;
}

void names_deinit(struct names *names)
{
    if (!names)
        return;
    free(names->table);
    names_init(names);
}

static struct span span_of(const char *text, struct name name)
{
    return (struct span){text + name.offset, name.length};
}

static bool same(const char *text, struct name a, struct name b)
{
    if (a.depth != b.depth)
        return false;
    if (a.escaped || b.escaped)
        return text_equal(span_of(text, a), span_of(text, b));
    return a.length == b.length && memcmp(text + a.offset, text + b.offset, a.length) == 0;
}

static bool is_near(const struct names *names, const char *text, struct name name)
{
    for (uint32_t i = names->count; i > 0 && names->near[i - 1].depth == name.depth; i--) {
        if (same(text, names->near[i - 1], name))
            return true;
    }
    return false;
}

/* A polynomial over the bytes that are meant, at a secret point: two names meet with a chance of length / 2^32. */
static uint64_t hash(const struct name_table *table, const char *text, struct name name)
{
    uint64_t sum = name.depth;
    struct text_reader reader;
    int byte;

    text_reader_init(&reader, span_of(text, name));
    while ((byte = text_reader_next(&reader)) != TEXT_END)
        sum = (sum * table->point + (uint64_t)byte + 1) % HASH_PRIME;
    return sum;
}

/* The slot that has this name, or the free one where it belongs. */
static uint32_t find_slot(const struct name_table *table, const char *text, struct name name)
{
    uint32_t mask = 2 * table->capacity - 1;
    uint32_t slot = (uint32_t)((hash(table, text, name) * table->factor) >> 32) & mask;

    while (table->slots[slot] && !same(text, table->entries[table->slots[slot] - 1].name, name))
        slot = (slot + 1) & mask;
    return slot;
}

static void put(struct name_table *table, uint32_t slot, uint32_t index, struct name name)
{
    table->entries[index] = (struct table_entry){.name = name, .slot = slot};
    table->slots[slot] = index + 1;
}

/* Where no randomness is at hand, early at boot, the addresses that the system gave us have to do. */
static void make_key(struct name_table *table)
{
    uint64_t random[2];

    if (getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random)) {
        random[0] = (uint64_t)(uintptr_t)table >> 4;
        random[1] = (uint64_t)(uintptr_t)&random * UINT64_C(0x9e3779b97f4a7c15);
    }
    table->point = 256 + random[0] % (HASH_PRIME - 256);
    table->factor = random[1] | 1;
}

static struct name_table *table_new(uint32_t capacity)
{
    struct name_table *table = calloc(1, sizeof(*table) + capacity * (sizeof(*table->entries) + 2 * sizeof(uint32_t)));

    if (!table)
        return NULL;
    table->capacity = capacity;
    table->slots = (uint32_t *)(table->entries + capacity);
    make_key(table);
    return table;
}

/* Moves all names into a table of twice the size, or into the first one. */
static int grow(struct names *names, const char *text)
{
    uint32_t capacity = names->table ? 2 * names->table->capacity : SMALLEST_CAPACITY;
    struct name_table *table = table_new(capacity);

    if (!table)
        return -ENOMEM;
    for (uint32_t i = 0; i < names->count; i++) {
        struct name name = names->table ? names->table->entries[i].name : names->near[i];

        put(table, find_slot(table, text, name), i, name);
    }
    free(names->table);
    names->table = table;
    return 0;
}

static int add_far(struct names *names, const char *text, struct name name)
{
    uint32_t slot;

    if (!names->table || names->count == names->table->capacity) {
        int r = grow(names, text);

        if (r < 0)
            return r;
    }
    slot = find_slot(names->table, text, name);
    if (names->table->slots[slot])
        return -EEXIST;
    put(names->table, slot, names->count++, name);
    return 0;
}

int names_add(struct names *names, const char *text, struct name name)
{
    if (names->table || names->count == NAMES_NEAR)
        return add_far(names, text, name);
    if (is_near(names, text, name))
        return -EEXIST;
    names->near[names->count++] = name;
    return 0;
}

void names_forget(struct names *names, unsigned depth)
{
    if (!names->table) {
        while (names->count && names->near[names->count - 1].depth == depth)
            names->count--;
        return;
    }
    while (names->count && names->table->entries[names->count - 1].name.depth == depth)
        names->table->slots[names->table->entries[--names->count].slot] = 0;
}
