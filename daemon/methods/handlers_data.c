/* SPDX-License-Identifier: MIT */
/* The methods that move a stream's data: read, write, shutdown. */
#include "daemon/methods/handlers.h"

#include "daemon/loops/stream.h"
#include "daemon/methods/find_stream.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/context.h"
#include "proto/base64.h"
#include "proto/reply.h"

#include <errno.h>

/* `what`: the failed operation, e.g. "nothing could be read from". */
static void answer_io_failed(struct call *call, const struct stream *stream, int error, const char *what)
{
    struct fault fault;

    fault_set(&fault, FAULT_IO_FAILED, "%s token %llu: %s", what, (unsigned long long)stream->token, errno_name(error));
    fault.error = error;
    call_fault(call, &fault);
}

static void read_into(struct call *call, const struct params *params, struct stream *stream, char *bytes, size_t size)
{
    bool eof = false;
    ssize_t count = stream_read(stream, bytes, size, params->peek, &eof);

    if (count < 0 && count != -EAGAIN) {
        answer_io_failed(call, stream, (int)-count, "nothing could be read from");
        return;
    }
    reply_read(call_begin(call), call->id, (struct span){bytes, count > 0 ? (size_t)count : 0},
               (enum encoding)params->encoding, (struct reply_end){.eof = eof, .error = stream->error},
               call_budget(call));
    call_end(call);
}

void handle_read(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_data_stream(call, params->token);
    char bytes[READ_MAX_BYTES];
    size_t budget, size;

    if (!stream)
        return; /* answered; do not use the call */
    budget = call_budget(call);
    size = reply_read_room(call->id, budget);
    if (size == 0) {
        call_fault_too_long(call);
        return;
    }
    /* Read bytes have no other copy: reserve memory for the answer before the read. */
    if (!call_reserve(call, budget < context->turn.limits->line_bytes ? budget : context->turn.limits->line_bytes)) {
        answer_out_of_memory(call);
        return;
    }
    read_into(call, params, stream, bytes, size < params->max ? size : (size_t)params->max);
}

static void write_bytes(struct call *call, struct stream *stream, struct span data)
{
    ssize_t count = stream_write(stream, data);

    if (count < 0 && count != -EAGAIN) {
        answer_io_failed(call, stream, (int)-count, "nothing could be written to");
        return;
    }
    reply_written(call_begin(call), call->id, count > 0 ? (uint64_t)count : 0);
    call_end(call);
}

static void write_base64(struct call *call, struct stream *stream, struct span text)
{
    struct buffer bytes;
    int result;

    buffer_init(&bytes);
    result = base64_decode(&bytes, text);
    if (result < 0)
        answer_param_fault(call, "data", "data is not base64: RFC 4648, with padding and without line breaks");
    else if (buffer_failed(&bytes))
        answer_out_of_memory(call);
    else
        write_bytes(call, stream, (struct span){buffer_bytes(&bytes), bytes.length});
    buffer_deinit(&bytes);
}

void handle_write(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_data_stream(call, params->token);

    (void)context;
    if (!stream)
        return;
    if (params->encoding == ENCODING_BASE64)
        write_base64(call, stream, params->data);
    else
        write_bytes(call, stream, params->data);
}

void handle_shutdown(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_data_stream(call, params->token);
    int result;

    (void)context;
    if (!stream)
        return;
    result = stream_shutdown(stream, (enum direction)params->how);
    if (result < 0)
        answer_io_failed(call, stream, -result, "could not shut down");
    else
        answer_empty(call);
}
