/* SPDX-License-Identifier: MIT */
/*
 * The named limits: one table from which come the defaults, the settings' names and ranges, and what `hello` tells.
 */
#ifndef MINIMIO_PROTO_LIMITS_H
#define MINIMIO_PROTO_LIMITS_H

#include "proto/buffer.h"

#include <stddef.h>
#include <stdint.h>

struct limits {
    uint32_t message_bytes;         /* one JSON text from a client */
    uint32_t message_depth;         /* nested arrays and objects in it */
    uint32_t message_values;        /* values in it, member names not counted */
    uint32_t batch;                 /* requests in a batch */
    uint32_t id_bytes;              /* an id as written, quotes included */
    uint32_t line_bytes;            /* a line from the daemon is shorter than this, its LF included */
    uint32_t output_bytes;          /* unread output kept for a session */
    uint32_t sessions;              /* in all */
    uint32_t sessions_uid;          /* of one uid */
    uint32_t registrations;         /* in all; 0 until the descriptor limit is known */
    uint32_t registrations_uid;     /* of one uid; 0 likewise */
    uint32_t loops_uid;             /* named loops of one uid */
    uint32_t descriptors_message;   /* received with one message */
    uint32_t descriptors_unclaimed; /* received and not yet claimed, a session */
    uint32_t descriptors_uid; /* of one uid, wherever they are in the daemon; 0 until the descriptor limit is known */
    uint32_t descriptors_unread;     /* taken and not yet read, in all; 0 likewise */
    uint32_t descriptors_unread_uid; /* of one uid; 0 likewise */
    uint32_t lookups;                /* of names, under way in all */
    uint32_t lookups_uid;            /* of one uid; more wait */
    uint32_t lookups_waiting_uid;    /* of one uid */
    uint32_t linger_ms;              /* how long a named loop may outlive its last session: uids are reused */
};

struct limit_info {
    const char *name;
    size_t offset; /* in struct limits, of a uint32_t */
    uint32_t fallback;
    uint32_t min, max;
};

extern const struct limit_info limit_table[];
extern const size_t limit_count;

void limits_init(struct limits *ret_limits);
uint32_t limits_get(const struct limits *limits, const struct limit_info *info);

/* NULL: there is none of that name. */
const struct limit_info *limits_find(struct span name);

/* Errors: -ENOENT, no limit of that name; -ERANGE, outside its min and max. */
int limits_set(struct limits *limits, struct span name, uint64_t value);

#endif
