/* SPDX-License-Identifier: MIT */
/*
 * The number of expected replies: frames and decodes sent bytes as the daemon does. The state is in struct answers.
 */
#include "client/ctl/answers.h"

#include "proto/request.h"

#include <errno.h>

void answers_init(struct answers *ret_answers)
{
    *ret_answers = (struct answers){.expected = 0};
    limits_init(&ret_answers->limits);
    frame_init(&ret_answers->frame);
    buffer_init(&ret_answers->begun);
    answers_feed(ret_answers, " ", 1);
}

void answers_deinit(struct answers *answers)
{
    frame_deinit(&answers->frame);
    buffer_deinit(&answers->begun);
}

/* A notification has no reply, even if invalid. */
static bool has_answer(struct answers *answers, struct span text)
{
    struct request request;
    struct fault fault;
    bool answered;

    if (request_decode(text, &answers->limits, &request, &fault) == 0)
        answers->polls |= request.method == METHOD_POLL;
    answered = request.id.data != NULL;
    request_deinit(&request);
    return answered;
}

static bool message_has_answer(struct answers *answers, struct span message)
{
    struct request_reader reader;
    struct fault fault;
    struct span text;
    bool any = false;

    if (request_reader_init(&reader, message, &answers->limits, &fault) < 0)
        return true;
    while (request_reader_next(&reader, &text))
        any = has_answer(answers, text) || any;
    return any;
}

int answers_feed(struct answers *answers, const char *bytes, size_t length)
{
    struct buffer *begun = &answers->begun;

    buffer_append(begun, bytes, length);
    if (buffer_failed(begun))
        return -ENOMEM;
    for (;;) {
        struct span text;
        struct fault fault;
        size_t used;
        enum frame_status status =
            frame_next(&answers->frame, buffer_bytes(begun), begun->length, &answers->limits, &used, &text, &fault);

        if (status == FRAME_TEXT)
            answers->expected += message_has_answer(answers, text);
        else if (status != FRAME_MORE)
            answers->expected++;
        buffer_consume(begun, used);
        if (status == FRAME_MORE)
            return 0;
    }
}

void answers_end(struct answers *answers)
{
    struct fault fault;

    if (frame_end(&answers->frame, &fault) == FRAME_FAULT)
        answers->expected++;
}
