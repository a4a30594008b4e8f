/* SPDX-License-Identifier: MIT */
/*
 * Errors: the names of PROTOCOL.md, and the members of an error reply.
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
    FAULT_LEASED,
    FAULT_LOOP_UNKNOWN,
    FAULT_COUNT,
};

/* A fault owns no memory. Texts that do not fit are cut at the end of a character, so that every fault is small. */
struct fault {
    enum fault_name name;
    char message[192];  /* for people: the cause and the remedy */
    int64_t offset;     /* data.offset; negative: absent */
    const char *limit;  /* data.limit, a constant; NULL: limit and max are absent */
    uint64_t max;       /* data.max */
    char param[68];     /* data.param of INVALID_PARAMS; may be "" */
    char reason[68];    /* data.reason; "": absent */
    char address[72];   /* data.address, numeric; "": absent */
    char rule[72];      /* data.rule; "": absent */
    int error;          /* data.errno, a positive errno; 0: absent */
    int64_t expired_ms; /* data.expired_ms; negative: absent */
};

/* Sets name and message (printf format), and marks all other members as absent. */
void fault_set(struct fault *ret_fault, enum fault_name name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fault of a limit: LIMIT_EXCEEDED or INVALID_REQUEST, with data.limit and data.max. The pointer `limit` is stored. */
void fault_set_limit(struct fault *ret_fault, enum fault_name name, const char *limit, uint64_t max, const char *format,
                     ...) __attribute__((format(printf, 5, 6)));

/* Fault of a parameter: INVALID_PARAMS with data.param. */
void fault_set_param(struct fault *ret_fault, const char *param, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const char *fault_text(enum fault_name name); /* "PARSE_ERROR" */
int fault_code(enum fault_name name);         /* -32700 */

/* "ECONNREFUSED" for ECONNREFUSED; "E1234" for an unknown number, in a thread-local buffer. */
const char *errno_name(int error);

/* The number of an error on this platform; 0: unknown name. */
int errno_of_name(const char *name);

#endif
