/* SPDX-License-Identifier: MIT */
/*
 * The set of member names of the open objects, for the detection of duplicates. Names are compared after decoding: "a"
 * equals "\u0061".
 *
 * The first KEY_SET_INLINE names are stored in the struct and compared linearly. More names go into a hash table on the
 * heap, so that the cost per name stays constant for objects of thousands of members. The hash has a random secret, so
 * that a client cannot choose names that collide.
 */
#ifndef MINIMIO_PROTO_KEY_SET_H
#define MINIMIO_PROTO_KEY_SET_H

#include <stdint.h>

#define KEY_SET_INLINE 12 /* more than the members of any request */
#define KEY_LENGTH_MAX ((UINT32_C(1) << 23) - 1)

/* A name within the caller's text. `depth` is the nesting depth of the object. */
struct key {
    uint32_t offset; /* of the byte after the opening quote */
    uint32_t length : 23;
    uint32_t escaped : 1;
    uint32_t depth : 8;
};

struct key_table;

struct key_set {
    uint32_t count;
    struct key_table *table; /* NULL while the names fit into `inline_keys` */
    struct key inline_keys[KEY_SET_INLINE];
};

void key_set_init(struct key_set *set);
void key_set_deinit(struct key_set *set); /* the set is then empty and usable */

/* `key.depth` must not be below the depth of any key in the set. Errors: -EEXIST, the object has the name already;
 * -ENOMEM. */
int key_set_add(struct key_set *set, const char *text, struct key key);

/* Removes the names of the object at `depth`, which has been closed. */
void key_set_remove_object(struct key_set *set, unsigned depth);

#endif
