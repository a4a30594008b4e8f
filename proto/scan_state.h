/* SPDX-License-Identifier: MIT */
/*
 * The state machine of the scanner, shared by scan.c (structure, literals, numbers) and scan_string.c (strings).
 *
 * The function of a state consumes all bytes of the state, up to the first byte of another state. Between calls of
 * scan_run the complete state is in struct scan.
 */
#ifndef MINIMIO_PROTO_SCAN_STATE_H
#define MINIMIO_PROTO_SCAN_STATE_H

#include "proto/scan.h"

enum scan_state {
    STATE_VALUE,         /* a value must come */
    STATE_FIRST_ELEMENT, /* behind `[`: a value or `]` */
    STATE_FIRST_NAME,    /* behind `{`: a name or `}` */
    STATE_NAME,          /* behind a comma in an object */
    STATE_COLON,
    STATE_BEHIND_VALUE, /* a comma or a closing bracket */
    STATE_STRING,
    STATE_UTF8,    /* inside a character of several bytes */
    STATE_ESCAPE,  /* behind a backslash */
    STATE_HEX,     /* inside a \u escape's four digits */
    STATE_PAIR,    /* behind a high surrogate: the backslash */
    STATE_PAIR_U,  /* and the u */
    STATE_LITERAL, /* inside true, false or null */
    STATE_MINUS,   /* numbers: named by what was taken last */
    STATE_ZERO,    /* may end here */
    STATE_INTEGER, /* may end here */
    STATE_POINT,
    STATE_FRACTION, /* may end here */
    STATE_EXPONENT,
    STATE_EXPONENT_SIGN,
    STATE_EXPONENT_DIGITS, /* may end here */
    STATE_DONE,
    STATE_WRONG, /* a result of scan_number_step: invalid byte */
};

enum scan_problem { PROBLEM_NONE, PROBLEM_BYTE, PROBLEM_DUPLICATE, PROBLEM_DEPTH, PROBLEM_VALUES, PROBLEM_MEMORY };

/* A call of scan_run. */
struct scan_run_state {
    struct scan *scan;
    const struct limits *limits;
    const unsigned char *text, *at, *end;
    enum scan_problem problem;
    const char *wrong; /* message of PROBLEM_BYTE, for people */
};

static inline void scan_wrong(struct scan_run_state *run, const char *message)
{
    run->problem = PROBLEM_BYTE;
    run->wrong = message;
}

static inline void scan_end_value(struct scan *scan)
{
    scan->state = scan->depth ? STATE_BEHIND_VALUE : STATE_DONE;
}

static inline bool scan_is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Scans a string from the current byte. Requires at least one unscanned byte. */
void scan_string(struct scan_run_state *run);

#endif
