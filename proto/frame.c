/* SPDX-License-Identifier: MIT */
#include "proto/frame.h"

#include <string.h>
#include <strings.h>

enum state {
    STATE_FIRST,   /* nothing was used yet: the peer may speak something else */
    STATE_FOREIGN, /* likewise, and what came so far is the beginning of it */
    STATE_BETWEEN,
    STATE_TEXT, /* the scanner is inside a text, whose first byte is the data's first */
    STATE_SKIP, /* a fault was told: the rest of its line is not read */
};

/* One call of frame_next. */
struct run {
    struct frame *frame;
    const char *data;
    size_t length;
    size_t used;
};

/* How others begin: HTTP's methods, HTTP/2's preface, and the header of the language servers' framing. */
static const struct opening {
    const char *text;
    bool any_case;
} openings[] = {
    {"GET ", false},    {"POST ", false},    {"PUT ", false},           {"HEAD ", false},
    {"DELETE ", false}, {"OPTIONS ", false}, {"PATCH ", false},         {"CONNECT ", false},
    {"TRACE ", false},  {"PRI ", false},     {"Content-Length:", true},
};

void frame_init(struct frame *frame)
{
    scan_init(&frame->scan);
    frame->state = STATE_FIRST;
}

void frame_deinit(struct frame *frame)
{
    if (frame)
        scan_deinit(&frame->scan);
}

static bool same_bytes(const struct opening *opening, const char *data, size_t length)
{
    if (opening->any_case)
        return strncasecmp(opening->text, data, length) == 0;
    return memcmp(opening->text, data, length) == 0;
}

/* STATE_FOREIGN: data is the beginning of an opening; STATE_SKIP: it has a whole one; STATE_BETWEEN: neither. */
static enum state recognize(const char *data, size_t length)
{
    for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
        size_t whole = strlen(openings[i].text);

        if (same_bytes(&openings[i], data, length < whole ? length : whole))
            return length < whole ? STATE_FOREIGN : STATE_SKIP;
    }
    return STATE_BETWEEN;
}

static void set_parse_error_at_start(struct fault *ret_fault, const char *message)
{
    fault_set(ret_fault, FAULT_PARSE_ERROR, "%s", message);
    ret_fault->offset = 0;
}

static enum frame_status first(struct run *run, struct fault *ret_fault)
{
    if (!run->length)
        return FRAME_MORE;
    run->frame->state = (uint8_t)recognize(run->data, run->length);
    if (run->frame->state != STATE_SKIP)
        return FRAME_MORE;
    run->used = run->length;
    set_parse_error_at_start(ret_fault, "this socket speaks JSON-RPC 2.0, one JSON text after another without headers; "
                                        "it does not speak HTTP or Content-Length framing");
    return FRAME_CLOSE;
}

static bool skip_line(struct run *run)
{
    const char *begin = run->data + run->used;
    const char *line_feed = memchr(begin, '\n', run->length - run->used);

    run->used = line_feed ? (size_t)(line_feed + 1 - run->data) : run->length;
    return line_feed;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool skip_space(struct run *run)
{
    while (run->used < run->length && is_space(run->data[run->used]))
        run->used++;
    return run->used < run->length;
}

static void set_scalar_fault(struct fault *ret_fault)
{
    fault_set(ret_fault, FAULT_INVALID_REQUEST, "a message must be an object, or an array of objects");
}

static enum frame_status scan_text(struct run *run, const struct limits *limits, struct span *ret_text,
                                   struct fault *ret_fault)
{
    struct scan *scan = &run->frame->scan;
    const char *text = run->data + run->used;
    enum scan_status status = scan_run(scan, text, run->length - run->used, limits, ret_fault);
    size_t length = scan_offset(scan);

    if (status == SCAN_MORE)
        return FRAME_MORE;
    scan_deinit(scan);
    run->used += length;
    if (status == SCAN_DONE && (*text == '{' || *text == '[')) {
        run->frame->state = STATE_BETWEEN;
        *ret_text = (struct span){text, length};
        return FRAME_TEXT;
    }
    if (status == SCAN_DONE)
        set_scalar_fault(ret_fault);
    run->frame->state = STATE_SKIP;
    return FRAME_FAULT;
}

static enum frame_status next(struct run *run, const struct limits *limits, struct span *ret_text,
                              struct fault *ret_fault)
{
    struct frame *frame = run->frame;

    if (frame->state == STATE_FIRST || frame->state == STATE_FOREIGN) {
        enum frame_status status = first(run, ret_fault);

        if (status == FRAME_CLOSE || frame->state != STATE_BETWEEN)
            return status;
    }
    if (frame->state == STATE_SKIP) {
        if (!skip_line(run))
            return FRAME_MORE;
        frame->state = STATE_BETWEEN;
    }
    if (frame->state == STATE_BETWEEN) {
        if (!skip_space(run))
            return FRAME_MORE;
        frame->state = STATE_TEXT;
    }
    return scan_text(run, limits, ret_text, ret_fault);
}

enum frame_status frame_next(struct frame *frame, const char *data, size_t length, const struct limits *limits,
                             size_t *ret_used, struct span *ret_text, struct fault *ret_fault)
{
    struct run run = {.frame = frame, .data = data, .length = length};
    enum frame_status status = next(&run, limits, ret_text, ret_fault);

    *ret_used = run.used;
    return status;
}

bool frame_begins(struct frame *frame, const char *data, size_t length, size_t *ret_space)
{
    struct run run = {.frame = frame, .data = data, .length = length};
    bool begins;

    /* A brace begins nobody else's messages. */
    if (frame->state == STATE_FIRST && length && *data == '{')
        frame->state = STATE_BETWEEN;
    begins = frame->state == STATE_BETWEEN && skip_space(&run);
    *ret_space = run.used;
    return begins;
}

enum frame_status frame_end(struct frame *frame, struct fault *ret_fault)
{
    enum state state = frame->state;

    frame->state = STATE_BETWEEN;
    if (state == STATE_FOREIGN) {
        /* No JSON begins with any of their letters. */
        set_parse_error_at_start(ret_fault, "not JSON at byte 0: a value must stand here");
        return FRAME_FAULT;
    }
    if (state != STATE_TEXT)
        return FRAME_MORE;
    if (scan_end(&frame->scan, ret_fault) == SCAN_DONE)
        set_scalar_fault(ret_fault);
    scan_deinit(&frame->scan);
    return FRAME_FAULT;
}
