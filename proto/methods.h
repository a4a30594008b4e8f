/* SPDX-License-Identifier: MIT */
/*
 * The one table of methods and their parameters, made from method_rows.h. From it come the checks of parameters, their
 * positions, the defaults, the description of the protocol and the help of the command line.
 */
#ifndef MINIMIO_PROTO_METHODS_H
#define MINIMIO_PROTO_METHODS_H

#include "proto/buffer.h"
#include "proto/method_rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTEGER_MAX UINT64_C(9007199254740991) /* 2^53 - 1, the largest integer that every JSON reader keeps */

#define METHOD_SYMBOL(symbol, function, name, loop, effect, cost, params, summary, result) METHOD_##symbol,
enum method {
    METHOD_ROWS(METHOD_SYMBOL) METHOD_COUNT, /* how many there are */
};
#undef METHOD_SYMBOL

/* Interests and readiness as the wire has them; bits, so that they can be gathered. */
enum {
    READY_READABLE = 1 << 0,
    READY_WRITABLE = 1 << 1,
    READY_READ_CLOSED = 1 << 2,
    READY_WRITE_CLOSED = 1 << 3,
    READY_ERROR = 1 << 4,
};

enum mode { MODE_ONESHOT, MODE_EDGE, MODE_LEVEL };
enum delivery { DELIVERY_PUSH, DELIVERY_POLL };
enum encoding { ENCODING_TEXT, ENCODING_BASE64 }; /* for `read`, text is where the bytes are such */
enum direction { DIRECTION_READ, DIRECTION_WRITE, DIRECTION_BOTH };

#define NAME_MAX_BYTES 64    /* of a loop's name */
#define READ_MAX_BYTES 32768 /* of one `read`: in base64 it fits a line */
#define READ_BYTES     16384 /* unless `max` says otherwise */
#define POLL_EVENTS    256   /* of one `poll` at most, and by default */
#define LIST_ENTRIES   100   /* of one `list` or `loops`, likewise */
#define CONNECT_MS     30000 /* of one `register` by address, unless it says otherwise */
#define LINGER_MS      60000 /* of a named loop, likewise */

enum param_type {
    PARAM_INTEGER,   /* uint64_t, min to max */
    PARAM_BOOLEAN,   /* bool */
    PARAM_TEXT,      /* struct span of NUL-free text, min to max bytes; owned by the request */
    PARAM_NAME,      /* likewise, 1 to NAME_MAX_BYTES of A-Z a-z 0-9 . _ - */
    PARAM_CHOICE,    /* uint8_t, index into choices */
    PARAM_INTERESTS, /* uint8_t, READY_ bits; an array of names */
};

/* In the place of a parameter that is absent, and then what it was before: no choice, and no set of interests. */
#define PARAM_KEPT 0xff

/* The decoded parameters of any method; those of other methods are untouched. */
struct params {
    uint32_t given; /* bit i: parameter i of the method's table was given and not null */
    uint8_t interests;
    uint8_t mode;
    uint8_t delivery;
    uint8_t encoding;
    uint8_t how; /* enum direction */
    bool fd;
    bool nodelay;
    bool keepalive;
    bool takeover;
    bool peek;
    bool keep;
    uint64_t token;
    uint64_t timeout_ms;
    uint64_t linger_ms;
    uint64_t max;
    uint64_t after;
    uint64_t limit;
    struct span address;
    struct span name;
    struct span after_name;
    struct span data;
};

#define PARAMS_MAX 16 /* of one method: more than any has */

struct param_info {
    const char *name;
    size_t name_length;
    enum param_type type;
    bool required;
    bool kept;                  /* absent: what it was before; the fallback is PARAM_KEPT */
    size_t offset;              /* in struct params */
    uint64_t min, max;          /* of an integer, or of a text's length */
    uint64_t fallback;          /* when absent; for a text: none */
    const char *const *choices; /* ends with NULL */
    const char *summary;        /* one line for people */
};

struct method_info {
    const char *name;
    size_t name_length;
    bool needs_loop;   /* LOOP_CLOSED where the session has none */
    bool only_answers; /* as a notification, the method does nothing */
    uint8_t cost;      /* at most, in units of a ping */
    const struct param_info *params;
    size_t param_count;
    const char *summary; /* one line for people */
};

extern const struct method_info method_table[METHOD_COUNT];
extern const char *const mode_names[];      /* by enum mode, ends with NULL */
extern const char *const delivery_names[];  /* by enum delivery, ends with NULL */
extern const char *const interest_names[];  /* "readable", "writable", by bit number, ends with NULL */
extern const char *const readiness_names[]; /* all of READY_, by bit number, ends with NULL */

/* Which method has this name, or -ENOENT. */
int method_find(struct span name);

/* Each parameter of the method has its default. */
void params_set_fallbacks(enum method method, struct params *ret_params);

/* Was the parameter stored at `offset` of struct params given? */
bool params_given(enum method method, const struct params *params, size_t offset);

#endif
