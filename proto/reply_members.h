/* SPDX-License-Identifier: MIT */
/*
 * Members of replies, shared by reply.c and reply_entries.c. `name` must need no escapes.
 */
#ifndef MINIMIO_PROTO_REPLY_MEMBERS_H
#define MINIMIO_PROTO_REPLY_MEMBERS_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends a string literal. */
#define REPLY_PUT(out, text) buffer_append(out, text, sizeof(text) - 1)

/* Appends the start of a reply, up to the value of `id`; data NULL: null. */
void reply_put_head(struct buffer *out, struct span id);

/* Appends `"name":`, after a comma unless the member is the first. */
void reply_put_name(struct buffer *out, const char *name, bool first);

/* Append a comma and a member. */
void reply_put_number(struct buffer *out, const char *name, uint64_t value);
void reply_put_boolean(struct buffer *out, const char *name, bool value);
void reply_put_text(struct buffer *out, const char *name, const char *text);

/* As reply_put_text. Appends nothing if `text` is NULL or empty. */
void reply_put_text_if(struct buffer *out, const char *name, const char *text);

/* Appends a value: a string, or null if `text` is NULL. */
void reply_put_text_or_null(struct buffer *out, const char *text);

#endif
