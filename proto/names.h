/* SPDX-License-Identifier: MIT */
/*
 * The member names of the objects that are open, to tell a duplicate from a new one. Names are compared by what they
 * mean: "a" is "\u0061".
 *
 * A few names are kept in place and compared one by one. From there on they go into a hash table on the heap, so that
 * sixteen thousand names in one object cost no more each than a few do. Its key is random, so that nobody can choose
 * names that collide.
 */
#ifndef MINIMIO_PROTO_NAMES_H
#define MINIMIO_PROTO_NAMES_H

#include <stdint.h>

#define NAMES_NEAR       12 /* more than a request has */
#define NAMES_LENGTH_MAX ((UINT32_C(1) << 23) - 1)

/* A name lies in the text, which the caller keeps; `depth` tells which of the open objects it belongs to. */
struct name {
    uint32_t offset; /* of the byte behind its opening quote */
    uint32_t length : 23;
    uint32_t escaped : 1;
    uint32_t depth : 8;
};

struct name_table;

struct names {
    uint32_t count;
    struct name_table *table; /* NULL as long as the names fit into `near` */
    struct name near[NAMES_NEAR];
};

void names_init(struct names *names);
void names_deinit(struct names *names); /* also makes it ready for the next text */

/* `name.depth` is at least that of every name that is there. Errors: -EEXIST, its object has it already; -ENOMEM. */
int names_add(struct names *names, const char *text, struct name name);

/* The object at `depth` was closed: its names are forgotten. */
void names_forget(struct names *names, unsigned depth);

#endif
