/* SPDX-License-Identifier: MIT */
/*
 * What can be wrong, by the names of PROTOCOL.md, and what a reply tells about it.
 */
#ifndef MINIMIO_PROTO_FAULT_H
#define MINIMIO_PROTO_FAULT_H

#include <stdint.h>

enum fault_name {
    FAULT_PARSE_ERROR,
    FAULT_INVALID_REQUEST,
    FAULT_METHOD_NOT_FOUND,
    FAULT_INVALID_PARAMS,
    FAULT_INTERNAL,
    FAULT_LOOP_CLOSED,
    FAULT_LOOP_OPEN,
    FAULT_LOOP_BUSY,
    FAULT_WRONG_DELIVERY,
    FAULT_TOKEN_EXISTS,
    FAULT_TOKEN_UNKNOWN,
    FAULT_NOT_CONNECTED,
    FAULT_RESOLVE_FAILED,
    FAULT_CONNECT_FAILED,
    FAULT_TIMED_OUT,
    FAULT_CANCELLED,
    FAULT_DENIED,
    FAULT_LIMIT_EXCEEDED,
    FAULT_IO_FAILED,
    FAULT_FD_MISSING,
    FAULT_FD_UNSUITABLE,
    FAULT_POLL_PENDING,
    FAULT_COUNT, /* how many there are */
};

/* Plain data; its texts are cut at a character's end where they would not fit, so a fault is always small. */
struct fault {
    enum fault_name name;
    char message[192]; /* for people: what is wrong and what to do */
    int64_t offset;    /* data.offset; negative: none */
    const char *limit; /* data.limit, a constant; NULL: no limit and no max */
    uint64_t max;      /* data.max */
    char param[68];    /* data.param of INVALID_PARAMS, which may be "" */
    char reason[68];   /* data.reason; "": none */
    char address[72];  /* data.address, numeric; "": none */
    char rule[72];     /* data.rule; "": none */
    int error;         /* data.errno, a positive errno; 0: none */
};

/* Fills in name and message (printf's way); all else says "none" from then on, until the caller sets it. */
void fault_set(struct fault *ret_fault, enum fault_name name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A fault of a limit: LIMIT_EXCEEDED or INVALID_REQUEST, with data.limit and data.max. `limit` is kept, not copied. */
void fault_set_limit(struct fault *ret_fault, enum fault_name name, const char *limit, uint64_t max, const char *format,
                     ...) __attribute__((format(printf, 5, 6)));

/* A fault of a parameter: INVALID_PARAMS with data.param. */
void fault_set_param(struct fault *ret_fault, const char *param, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const char *fault_text(enum fault_name name); /* "PARSE_ERROR" */
int fault_code(enum fault_name name);         /* -32700 */

/* "ECONNREFUSED" for ECONNREFUSED; "E1234" for a number without a name, from a buffer of the calling thread's. */
const char *errno_name(int error);

/* The error of that name on this platform; 0: none has it. */
int errno_of_name(const char *name);

#endif
