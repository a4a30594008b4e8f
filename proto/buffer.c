/* SPDX-License-Identifier: MIT */
/*
 * A growing byte array with a sticky flag for a failed allocation.
 */
#include "proto/buffer.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_CAPACITY 256
#define KEPT_CAPACITY     4096 /* an idle session retains at most a page */

void buffer_init(struct buffer *buffer)
{
    *buffer = (struct buffer){0};
}

void buffer_deinit(struct buffer *buffer)
{
    if (!buffer)
        return;
    free(buffer->data);
    buffer_init(buffer);
}

/* Returns 0 if the capacity would overflow. */
static size_t grown_capacity(size_t needed)
{
    size_t capacity = SMALLEST_CAPACITY;

    while (capacity < needed) {
        if (capacity > SIZE_MAX / 2)
            return 0;
        capacity *= 2;
    }
    return capacity;
}

/* Copies the unconsumed bytes only. */
static bool move_to(struct buffer *buffer, size_t capacity)
{
    char *data = capacity ? malloc(capacity) : NULL;

    if (!data)
        return false;
    if (buffer->length)
        memcpy(data, buffer_bytes(buffer), buffer->length);
    free(buffer->data);
    buffer->data = data;
    buffer->start = 0;
    buffer->capacity = capacity;
    return true;
}

static bool has_room(const struct buffer *buffer, size_t length)
{
    return buffer->data && length <= buffer->capacity - buffer->start - buffer->length;
}

static bool make_room(struct buffer *buffer, size_t length)
{
    if (length > SIZE_MAX - buffer->length)
        return false;
    /* The move costs at most as much as the bytes consumed before, so that appending stays linear. */
    if (buffer->data && buffer->start >= buffer->length && length <= buffer->capacity - buffer->length) {
        memmove(buffer->data, buffer_bytes(buffer), buffer->length);
        buffer->start = 0;
        return true;
    }
    return move_to(buffer, grown_capacity(buffer->length + length));
}

char *buffer_reserve(struct buffer *buffer, size_t length)
{
    if (!buffer->failed && !has_room(buffer, length))
        buffer->failed = !make_room(buffer, length);
    return buffer->failed ? NULL : buffer_bytes(buffer) + buffer->length;
}

void buffer_commit(struct buffer *buffer, size_t length)
{
    assert(length <= buffer->capacity - buffer->start - buffer->length);
    buffer->length += length;
}

void buffer_append_slowly(struct buffer *buffer, const void *data, size_t length)
{
    char *end;

    if (!length)
        return;
    end = buffer_reserve(buffer, length);
    if (!end)
        return;
    memcpy(end, data, length);
    buffer->length += length;
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_truncate(struct buffer *buffer, size_t length)
{
    assert(length <= buffer->length);
    buffer->length = length;
    buffer->failed = false;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    assert(length <= buffer->length);
    buffer->start += length;
    buffer->length -= length;
    if (buffer->length)
        return;
    buffer->start = 0;
    if (buffer->capacity > KEPT_CAPACITY) {
        free(buffer->data);
        buffer->data = NULL;
        buffer->capacity = 0;
    }
}
