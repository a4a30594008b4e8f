/* SPDX-License-Identifier: MIT */
/*
 * A strict incremental scanner for one JSON text (RFC 8259 and I-JSON): valid UTF-8, no BOM, the number grammar,
 * paired surrogates, no \u0000, no control characters in strings, no duplicate member names, and the limits on
 * length, depth and values. The scanner builds no tree: request.c reads the accepted text without further checks.
 *
 * The caller keeps the bytes of the text contiguous and calls again when more bytes have arrived. The scanner stores
 * the offset of the next byte, so that each byte is examined once however the input is cut.
 *
 * The offset of a fault is the offset of the first byte after which the text cannot become valid. For a duplicate name
 * the offset is the name's opening quote; for an incomplete text at the end of input, the number of bytes.
 */
#ifndef MINIMIO_PROTO_SCAN_H
#define MINIMIO_PROTO_SCAN_H

#include "proto/fault.h"
#include "proto/limits.h"
#include "proto/key_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_DEPTH_MAX 128               /* the largest message_depth */
#define SCAN_BYTES_MAX (4 * 1024 * 1024) /* the largest message_bytes */

enum scan_status {
    SCAN_MORE,  /* all bytes scanned, the text is incomplete */
    SCAN_DONE,  /* a complete text of scan_offset bytes */
    SCAN_FAULT, /* not JSON, or above a limit */
};

struct scan; /* defined at the end of the file; embedded by the user, private to the scanner */

void scan_init(struct scan *scan);   /* cheap: allocates nothing */
void scan_deinit(struct scan *scan); /* the scanner is then ready for the next text */

/*
 * Continues to scan `text`, of which `length` bytes have arrived, including the bytes of earlier calls. A number at the
 * top level is complete when the next byte, or scan_end, ends the number. With SCAN_FAULT `*ret_fault` is a PARSE_ERROR
 * with the offset in the text, an INVALID_REQUEST with the limit, or INTERNAL if memory ran out.
 */
enum scan_status scan_run(struct scan *scan, const char *text, size_t length, const struct limits *limits,
                          struct fault *ret_fault);

/* End of input. SCAN_DONE for a number at the top level; SCAN_FAULT for an incomplete text. */
enum scan_status scan_end(struct scan *scan, struct fault *ret_fault);

/* The number of bytes scanned, without the faulty byte. */
size_t scan_offset(const struct scan *scan);

/* ---- Private ---------------------------------------------------------------------------------------------------- */

/* Each idle session has a struct scan, so the struct is small: one bit for each open object or array, 32-bit offsets.
 */
struct scan {
    uint32_t offset;
    uint32_t values;
    uint32_t string_at;                    /* offset of the open string's quote */
    uint16_t unit;                         /* \u: the value so far; a literal: the index of the literal */
    uint8_t state;                         /* enum scan_state */
    uint8_t depth;                         /* number of open objects and arrays */
    uint8_t count;                         /* \u: digits read; a literal: letters read; UTF-8: bytes missing */
    uint8_t low, high;                     /* bounds of the next UTF-8 byte */
    bool is_name;                          /* the open string is a member name */
    bool is_escaped;                       /* the open string has an escape */
    bool is_low_half;                      /* the \u escape must be a low surrogate */
    uint64_t objects[SCAN_DEPTH_MAX / 64]; /* bit depth - 1 is set: an object, not an array */
    struct key_set keys;
};

#endif
