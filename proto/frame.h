/* SPDX-License-Identifier: MIT */
/*
 * Framing: cuts a client's bytes into messages. White space between messages is skipped, after a fault the rest of
 * the line is, and a peer that speaks HTTP or LSP's header is told so.
 *
 * A message is an object or an array. A scalar in its place is a fault as soon as its last byte is known, and so is a
 * byte that is no JSON: nothing waits for the newline. What comes out depends on the bytes alone, not on their cuts.
 */
#ifndef MINIMIO_PROTO_FRAME_H
#define MINIMIO_PROTO_FRAME_H

#include "proto/buffer.h"
#include "proto/fault.h"
#include "proto/limits.h"
#include "proto/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_status {
    FRAME_MORE,  /* nothing more in these bytes */
    FRAME_TEXT,  /* one whole message */
    FRAME_FAULT, /* reply this fault with id null, and go on */
    FRAME_CLOSE, /* reply this fault with id null, and end the session: its peer speaks something else */
};

struct frame; /* see the end of this file; embedded by its user, private to frame.c */

void frame_init(struct frame *frame);
void frame_deinit(struct frame *frame);

/*
 * Takes the next message out of the `length` bytes at `data`. `*ret_used` is how many of them are done with: the
 * caller drops these and calls again with the rest; with FRAME_MORE it keeps the rest (the begun message) and calls
 * again when more bytes stand behind it. With FRAME_TEXT `*ret_text` lies within the used bytes.
 */
enum frame_status frame_next(struct frame *frame, const char *data, size_t length, const struct limits *limits,
                             size_t *ret_used, struct span *ret_text, struct fault *ret_fault);

/*
 * Whether a message is to begin here, and its first byte is there. `*ret_space` bytes before it are done with, also
 * where there is nothing behind them. A message that the caller then takes by other means than frame_next is none of
 * the frame's business.
 */
bool frame_begins(struct frame *frame, const char *data, size_t length, size_t *ret_space);

/* The client stopped writing: FRAME_FAULT where a message was still open, else FRAME_MORE. */
enum frame_status frame_end(struct frame *frame, struct fault *ret_fault);

/* ---- Private ---------------------------------------------------------------------------------------------------- */

struct frame {
    struct scan scan;
    uint8_t state; /* enum state in frame.c */
};

#endif
