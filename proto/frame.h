/* SPDX-License-Identifier: MIT */
/*
 * Framing: cuts a client's bytes into messages. The framer skips white space between messages and, after a fault, the
 * rest of the line. A peer that speaks HTTP or LSP gets an error that names the protocol.
 *
 * A message is an object or an array. A scalar is a fault as soon as the last byte of the scalar is known, and a byte
 * that is not JSON is a fault at once: no fault waits for the newline. The result does not depend on how the input is
 * cut.
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
    FRAME_MORE,  /* no complete message in the bytes */
    FRAME_TEXT,  /* a complete message */
    FRAME_FAULT, /* reply with the fault and id null, then continue */
    FRAME_CLOSE, /* reply with the fault and id null, then close: the peer speaks another protocol */
};

struct frame; /* defined at the end of the file; embedded by the user, private to frame.c */

void frame_init(struct frame *frame);
void frame_deinit(struct frame *frame);

/*
 * Reads the next message from the `length` bytes at `data`. `*ret_used` is the number of consumed bytes: the caller
 * drops the consumed bytes and calls again with the rest. With FRAME_MORE the rest is an incomplete message: the caller
 * calls again once more bytes have been appended. With FRAME_TEXT `*ret_text` is a part of the consumed bytes.
 */
enum frame_status frame_next(struct frame *frame, const char *data, size_t length, const struct limits *limits,
                             size_t *ret_used, struct span *ret_text, struct fault *ret_fault);

/*
 * Whether `data` contains the first byte of a new message. `*ret_space` is the number of space bytes before the
 * message; these bytes are consumed even if no message follows. The caller may decode a message without frame_next; the
 * frame then takes no note of the message.
 */
bool frame_begins(struct frame *frame, const char *data, size_t length, size_t *ret_space);

/* End of input: FRAME_FAULT if a message is incomplete, else FRAME_MORE. */
enum frame_status frame_end(struct frame *frame, struct fault *ret_fault);

/* ---- Private ---------------------------------------------------------------------------------------------------- */

struct frame {
    struct scan scan;
    uint8_t state; /* enum state in frame.c */
};

#endif
