/* SPDX-License-Identifier: MIT */
/*
 * The bits of an event's readiness. Selectors set the bits; event.c and the inline accessors of minimio.h test the
 * bits.
 */
#ifndef MINIMIO_EVENT_H
#define MINIMIO_EVENT_H

enum {
    READINESS_READABLE = 1 << 0,
    READINESS_PRIORITY = 1 << 1,
    READINESS_WRITABLE = 1 << 2,
    READINESS_ERROR = 1 << 3,
    READINESS_READ_CLOSED = 1 << 4,
    READINESS_WRITE_CLOSED = 1 << 5,
};

#endif
