/* SPDX-License-Identifier: MIT */
/*
 * A strict incremental scanner for one JSON text (RFC 8259 and I-JSON): valid UTF-8, no BOM, the number grammar,
 * paired surrogates, no \u0000, no control characters in strings, no duplicate member names, and the limits on
 * length, depth and values. It builds nothing: what it accepts, request.c may read without checking again.
 *
 * The caller keeps the text's bytes together from the first one on and calls again with more of them; the scanner
 * remembers how far it looked, so every byte is looked at once however the input is cut.
 *
 * The offset of a fault is that of the first byte with which the text can no longer become a whole one: of a duplicate
 * name its opening quote, of a text still open at the end of input the number of bytes there were.
 */
#ifndef MINIMIO_PROTO_SCAN_H
#define MINIMIO_PROTO_SCAN_H

#include "proto/fault.h"
#include "proto/limits.h"
#include "proto/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_DEPTH_MAX 128               /* the largest message_depth */
#define SCAN_BYTES_MAX (4 * 1024 * 1024) /* the largest message_bytes */

enum scan_status {
    SCAN_MORE,  /* all bytes were looked at, the text goes on */
    SCAN_DONE,  /* one whole text, of scan_offset bytes */
    SCAN_FAULT, /* not JSON, or past a limit */
};

struct scan; /* the state: see the end of this file; embedded by its user, private to scan.c */

void scan_init(struct scan *scan);   /* cheap: allocates nothing */
void scan_deinit(struct scan *scan); /* also makes it ready for the next text */

/*
 * Goes on with the text that begins at `text` and of which `length` bytes are there, earlier ones included.
 * A number at the top level is done only when the byte behind it, or scan_end, shows its end.
 * With SCAN_FAULT `*ret_fault` is a PARSE_ERROR with its offset from the text's start, an INVALID_REQUEST naming the
 * limit, or INTERNAL where memory ran out.
 */
enum scan_status scan_run(struct scan *scan, const char *text, size_t length, const struct limits *limits,
                          struct fault *ret_fault);

/* The input ended. SCAN_DONE for a whole number at the top level, else SCAN_FAULT: the text was still open. */
enum scan_status scan_end(struct scan *scan, struct fault *ret_fault);

/* How many bytes were looked at; the one that is a fault is not among them. */
size_t scan_offset(const struct scan *scan);

/* ---- Private ---------------------------------------------------------------------------------------------------- */

/* Every idle session holds one of these, so it is small: a bit for each open object or array, offsets of 32 bits. */
struct scan {
    uint32_t offset;
    uint32_t values;
    uint32_t string_at;                    /* the open string's opening quote */
    uint16_t unit;                         /* of a \u escape, as far as it was read; of a literal, which one */
    uint8_t state;                         /* enum state in scan.c */
    uint8_t depth;                         /* how many objects and arrays are open */
    uint8_t count;                         /* \u: digits read; a literal: letters read; UTF-8: bytes still to come */
    uint8_t low, high;                     /* the next UTF-8 byte's bounds */
    bool is_name;                          /* the open string is a member's name */
    bool is_escaped;                       /* it has an escape */
    bool is_low_half;                      /* the \u escape must be the second of a pair */
    uint64_t objects[SCAN_DEPTH_MAX / 64]; /* bit of depth - 1: an object, not an array */
    struct names names;
};

#endif
