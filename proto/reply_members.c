/* SPDX-License-Identifier: MIT */
/*
 * The members that several replies have. The file has no state.
 */
#include "proto/reply_members.h"
#include "proto/json_write.h"

void reply_put_name(struct buffer *out, const char *name, bool first)
{
    buffer_append_text(out, first ? "\"" : ",\"");
    buffer_append_text(out, name);
    REPLY_PUT(out, "\":");
}

void reply_put_number(struct buffer *out, const char *name, uint64_t value)
{
    reply_put_name(out, name, false);
    json_write_unsigned(out, value);
}

void reply_put_boolean(struct buffer *out, const char *name, bool value)
{
    reply_put_name(out, name, false);
    if (value)
        REPLY_PUT(out, "true");
    else
        REPLY_PUT(out, "false");
}

void reply_put_text(struct buffer *out, const char *name, const char *text)
{
    reply_put_name(out, name, false);
    json_write_text(out, text);
}

void reply_put_text_if(struct buffer *out, const char *name, const char *text)
{
    if (text && *text)
        reply_put_text(out, name, text);
}

void reply_put_text_or_null(struct buffer *out, const char *text)
{
    if (text)
        json_write_text(out, text);
    else
        REPLY_PUT(out, "null");
}

void reply_put_head(struct buffer *out, struct span id)
{
    REPLY_PUT(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (id.data)
        buffer_append(out, id.data, id.length);
    else
        REPLY_PUT(out, "null");
}
