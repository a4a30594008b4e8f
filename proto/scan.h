/* SPDX-License-Identifier: MIT */
/*
 * A strict incremental scanner for one JSON text (RFC 8259 and I-JSON): valid UTF-8, no BOM, the number grammar,
 * paired surrogates, no \u0000, no control characters in strings, no duplicate member names, and the limits on
 * length, depth and values. It builds nothing: what it accepts, request.c may read without checking again.
 *
 * The caller keeps the text's bytes together from the first one on and calls again with more of them; the scanner
 * remembers how far it looked, so every byte is looked at once however the input is cut.
 */
#ifndef MINIMIO_PROTO_SCAN_H
#define MINIMIO_PROTO_SCAN_H

#include "proto/fault.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>

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

/* How many bytes were looked at. */
size_t scan_offset(const struct scan *scan);

#endif
