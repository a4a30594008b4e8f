/* SPDX-License-Identifier: MIT */
/*
 * The named limits. One table defines the defaults, the names and ranges of the settings, and the limits in `hello`.
 */
#ifndef MINIMIO_PROTO_LIMITS_H
#define MINIMIO_PROTO_LIMITS_H

#include "proto/buffer.h"

#include <stddef.h>
#include <stdint.h>

struct limits {
    uint32_t message_bytes;          /* length of a JSON text from a client */
    uint32_t message_depth;          /* nesting of arrays and objects in a message */
    uint32_t message_values;         /* values in a message, without member names */
    uint32_t batch;                  /* requests in a batch */
    uint32_t id_bytes;               /* an id as written, quotes included */
    uint32_t line_bytes;             /* exclusive maximum of a line from the daemon, with LF */
    uint32_t output_bytes;           /* unread output of a session */
    uint32_t sessions;               /* in total */
    uint32_t sessions_uid;           /* of a uid */
    uint32_t registrations;          /* in total; 0 until the descriptor limit is known */
    uint32_t registrations_uid;      /* of a uid; 0 likewise */
    uint32_t loops_uid;              /* named loops of a uid */
    uint32_t descriptors_message;    /* received with a message */
    uint32_t descriptors_unclaimed;  /* received and not yet claimed, of a session */
    uint32_t descriptors_uid;        /* all open descriptors of a uid; 0 until the descriptor limit is known */
    uint32_t descriptors_unread;     /* sent by `take` and not yet read, in total; 0 likewise */
    uint32_t descriptors_unread_uid; /* of a uid; 0 likewise */
    uint32_t lookups;                /* running lookups of names, in total */
    uint32_t lookups_uid;            /* of a uid; further lookups wait */
    uint32_t lookups_waiting_uid;    /* of a uid */
    uint32_t linger_ms;              /* maximum linger time of a named loop: uids are reused */
};

struct limit_info {
    const char *name;
    size_t offset; /* in struct limits, of a uint32_t */
    uint32_t default_value;
    uint32_t min, max;
};

extern const struct limit_info limit_table[];
extern const size_t limit_count;

void limits_init(struct limits *ret_limits);
uint32_t limits_get(const struct limits *limits, const struct limit_info *info);

/* NULL: unknown name. */
const struct limit_info *limits_find(struct span name);

/* Errors: -ENOENT, unknown name; -ERANGE, the value is outside of the range. */
int limits_set(struct limits *limits, struct span name, uint64_t value);

#endif
