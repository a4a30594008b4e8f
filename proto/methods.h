/* SPDX-License-Identifier: MIT */
/*
 * The table of methods and parameters, generated from method_rows.h. The decoder, rpc.discover and minimioctl read
 * names, positions, ranges, defaults and summaries of parameters from the table.
 */
#ifndef MINIMIO_PROTO_METHODS_H
#define MINIMIO_PROTO_METHODS_H

#include "proto/buffer.h"
#include "proto/method_rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTEGER_MAX UINT64_C(9007199254740991) /* 2^53 - 1, the largest integer that every JSON reader preserves */

#define METHOD_SYMBOL(symbol, function, name, loop, effect, cost, params, summary, result) METHOD_##symbol,
enum method {
    METHOD_ROWS(METHOD_SYMBOL) METHOD_COUNT,
};
#undef METHOD_SYMBOL

/* Interests and readiness of the protocol, as a bit set. */
enum {
    READY_READABLE = 1 << 0,
    READY_WRITABLE = 1 << 1,
    READY_READ_CLOSED = 1 << 2,
    READY_WRITE_CLOSED = 1 << 3,
    READY_ERROR = 1 << 4,
    READY_REDELIVERED = 1 << 5, /* of an event: the last holder of the token did not end the lease */
};

enum mode { MODE_ONESHOT, MODE_EDGE, MODE_LEVEL };
enum delivery { DELIVERY_PUSH, DELIVERY_POLL };
enum role { ROLE_OWNER, ROLE_GUEST, ROLE_WORKER };
enum encoding { ENCODING_TEXT, ENCODING_BASE64 }; /* `read`: ENCODING_TEXT is used only for bytes that are text */
enum direction { DIRECTION_READ, DIRECTION_WRITE, DIRECTION_BOTH };

#define NAME_MAX_BYTES 64     /* of a loop's name */
#define READ_MAX_BYTES 32768  /* of a `read`: fits in a line as base64 */
#define READ_BYTES     16384  /* default of `max` */
#define POLL_EVENTS    256    /* maximum and default of a `poll` */
#define LIST_ENTRIES   100    /* maximum and default of `list` and `loops` */
#define CONNECT_MS     30000  /* default timeout of a `register` by address */
#define LINGER_MS      600000 /* default linger time of a named loop */
#define PREFETCH_MAX   256    /* leases of a worker */

enum param_type {
    PARAM_INTEGER,   /* uint64_t, min to max */
    PARAM_BOOLEAN,   /* bool */
    PARAM_TEXT,      /* struct span of NUL-free text, min to max bytes; owned by the request */
    PARAM_NAME,      /* struct span of 1 to NAME_MAX_BYTES of A-Z a-z 0-9 . _ -; owned by the request */
    PARAM_CHOICE,    /* uint8_t, index into choices */
    PARAM_INTERESTS, /* uint8_t, READY_ bits; an array of names */
    PARAM_ID,        /* struct span of an id as written, which may be null; within the message */
};

/* Sentinel: the parameter is absent, keep the current value. Not a valid choice or set of interests. */
#define PARAM_UNCHANGED 0xff

/* The decoded parameters of a method; members of other methods are undefined. */
struct params {
    uint32_t given; /* bit i: parameter i of the method's table was given and not null */
    uint8_t interests;
    uint8_t mode;
    uint8_t delivery;
    uint8_t encoding;
    uint8_t how;  /* enum direction */
    uint8_t role; /* enum role */
    bool fd;
    bool nodelay;
    bool keepalive;
    bool takeover;
    bool peek;
    bool keep;
    bool create;
    bool ensure;
    uint64_t token;
    uint64_t timeout_ms;
    uint64_t linger_ms;
    uint64_t prefetch;
    uint64_t wait_ms;
    uint64_t max;
    uint64_t after;
    uint64_t limit;
    struct span address;
    struct span name;
    struct span after_name;
    struct span data;
    struct span id;
};

#define PARAMS_MAX 16 /* of a method */

struct param_info {
    const char *name;
    size_t name_length;
    enum param_type type;
    bool required;
    bool unchanged_if_absent;   /* default_value is PARAM_UNCHANGED */
    size_t offset;              /* in struct params */
    uint64_t min, max;          /* of an integer, or of the length of a text */
    uint64_t default_value;     /* unused for texts */
    const char *const *choices; /* NULL-terminated */
    const char *summary;        /* one line for people */
};

struct method_info {
    const char *name;
    size_t name_length;
    bool needs_loop;   /* LOOP_CLOSED if the session has no loop */
    bool only_answers; /* as a notification, the method does nothing */
    uint8_t cost;      /* maximum, in units of a ping */
    const struct param_info *params;
    size_t param_count;
    const char *summary; /* one line for people */
};

extern const struct method_info method_table[METHOD_COUNT];
extern const char *const mode_names[];      /* by enum mode, ends with NULL */
extern const char *const delivery_names[];  /* by enum delivery, ends with NULL */
extern const char *const role_names[];      /* by enum role, ends with NULL */
extern const char *const interest_names[];  /* "readable", "writable", by bit number, ends with NULL */
extern const char *const readiness_names[]; /* all of READY_, by bit number, ends with NULL */

/* Returns the enum method of a name, or -ENOENT. */
int method_find(struct span name);

/* Sets each parameter of the method to the default. */
void params_set_defaults(enum method method, struct params *ret_params);

/* Whether the request contains the parameter that is stored at `offset` of struct params. */
bool params_given(enum method method, const struct params *params, size_t offset);

#endif
