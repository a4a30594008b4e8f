/* SPDX-License-Identifier: MIT */
/*
 * A growing byte array: bytes are appended at the end and consumed from the front.
 *
 * A failed allocation sets a sticky flag: later appends do nothing, and the writer tests buffer_failed once, at the
 * end. buffer_truncate to an earlier length clears the flag.
 */
#ifndef MINIMIO_PROTO_BUFFER_H
#define MINIMIO_PROTO_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buffer {
    char *data;      /* the allocation */
    size_t start;    /* where the unconsumed bytes begin */
    size_t length;   /* number of unconsumed bytes */
    size_t capacity; /* of the allocation */
    bool failed;
};

/* Borrowed bytes without a terminating NUL. `data` NULL means absent. */
struct span {
    const char *data;
    size_t length;
};

void buffer_init(struct buffer *buffer);
void buffer_deinit(struct buffer *buffer);

/* The unconsumed bytes; valid until the next append. */
static inline char *buffer_bytes(const struct buffer *buffer)
{
    return buffer->start ? buffer->data + buffer->start : buffer->data;
}

static inline bool buffer_failed(const struct buffer *buffer)
{
    return buffer->failed;
}

/* The slow path of buffer_append: the capacity is too small. */
void buffer_append_slowly(struct buffer *buffer, const void *data, size_t length);

static inline void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    if (length && !buffer->failed && length <= buffer->capacity - buffer->start - buffer->length) {
        memcpy(buffer->data + buffer->start + buffer->length, data, length);
        buffer->length += length;
    } else {
        buffer_append_slowly(buffer, data, length);
    }
}

void buffer_append_text(struct buffer *buffer, const char *text);

/* Reserves `length` bytes at the end. The caller writes bytes and then calls buffer_commit. NULL: out of memory. */
char *buffer_reserve(struct buffer *buffer, size_t length);
void buffer_commit(struct buffer *buffer, size_t length);

/* Keeps the first `length` unconsumed bytes, and clears the flag of a failed allocation. */
void buffer_truncate(struct buffer *buffer, size_t length);

/* Consumes `length` bytes. An empty buffer frees an allocation of more than a page. */
void buffer_consume(struct buffer *buffer, size_t length);

#endif
