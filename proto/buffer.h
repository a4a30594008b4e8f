/* SPDX-License-Identifier: MIT */
/*
 * A growing run of bytes, appended at the end and consumed from the front.
 *
 * A failed allocation is remembered, not returned by each append: a writer appends all that it has, and asks
 * buffer_failed once. Until then every later append does nothing, and buffer_truncate back to a known length makes
 * the buffer sound again.
 */
#ifndef MINIMIO_PROTO_BUFFER_H
#define MINIMIO_PROTO_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buffer {
    char *data;      /* the allocation */
    size_t start;    /* where the unconsumed bytes begin */
    size_t length;   /* how many there are */
    size_t capacity; /* of the allocation */
    bool failed;
};

/* A borrowed run of bytes; no NUL behind it. `data` NULL means absent. */
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

/* Where there is no room yet. */
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

/* Room for `length` more bytes at the end, to be written by the caller and then taken in by buffer_grew; NULL if there
 * is no memory. */
char *buffer_reserve(struct buffer *buffer, size_t length);
void buffer_grew(struct buffer *buffer, size_t length);

/* Drops all but the first `length` unconsumed bytes, and a remembered failure with them. */
void buffer_truncate(struct buffer *buffer, size_t length);

/* Drops `length` bytes from the front. An emptied buffer gives its memory back when that is more than a page. */
void buffer_consume(struct buffer *buffer, size_t length);

#endif
