/* SPDX-License-Identifier: MIT */
/*
 * What the scanner's files share: scan.c has structure, literals and numbers, scan_string.c what is between quotes.
 *
 * A state machine. Each state's function takes as many bytes as belong to it and leaves at the first that does not;
 * between two calls of scan_run nothing is kept but struct scan.
 */
#ifndef MINIMIO_PROTO_SCAN_STATE_H
#define MINIMIO_PROTO_SCAN_STATE_H

#include "proto/scan.h"

enum state {
    STATE_VALUE,         /* a value must come */
    STATE_FIRST_ELEMENT, /* behind `[`: a value or `]` */
    STATE_FIRST_NAME,    /* behind `{`: a name or `}` */
    STATE_NAME,          /* behind a comma in an object */
    STATE_COLON,
    STATE_BEHIND_VALUE, /* a comma or a closing bracket */
    STATE_STRING,
    STATE_UTF8,    /* inside a character of more than a byte */
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
    STATE_WRONG, /* from a function that tells the next state: there is none */
};

enum problem { PROBLEM_NONE, PROBLEM_BYTE, PROBLEM_DUPLICATE, PROBLEM_DEPTH, PROBLEM_VALUES, PROBLEM_MEMORY };

/* One call of scan_run. */
struct run {
    struct scan *scan;
    const struct limits *limits;
    const unsigned char *text, *at, *end;
    enum problem problem;
    const char *wrong; /* about PROBLEM_BYTE, for people */
};

static inline void scan_wrong(struct run *run, const char *message)
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

/* Goes on in a string, of which at least one more byte is there. */
void scan_string(struct run *run);

#endif
