/* SPDX-License-Identifier: MIT */
/*
 * Framing of a client's bytes: the state machine around the scanner, and the detection of HTTP and LSP peers. The
 * state is in struct frame.
 */
#include "proto/frame.h"

#include <string.h>
#include <strings.h>

enum state {
    STATE_FIRST, /* no byte consumed: the peer may speak another protocol */
    STATE_SNIFF, /* no byte consumed, and the bytes so far are the start of a foreign prefix */
    STATE_BETWEEN,
    STATE_TEXT, /* the scanner is inside a text that starts at the first byte of the data */
    STATE_SKIP, /* after a fault: skip the rest of the line */
};

/* One call of frame_next. */
struct frame_run {
    struct frame *frame;
    const char *data;
    size_t length;
    size_t used;
};

/* First bytes of other protocols: HTTP's methods, HTTP/2's preface, and the header of the Language Server Protocol. */
static const struct foreign_prefix {
    const char *text;
    bool any_case;
} foreign_prefixes[] = {
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

static bool prefix_matches(const struct foreign_prefix *prefix, const char *data, size_t length)
{
    if (prefix->any_case)
        return strncasecmp(prefix->text, data, length) == 0;
    return memcmp(prefix->text, data, length) == 0;
}

/* STATE_SNIFF: data is the start of a foreign prefix; STATE_SKIP: data contains a complete prefix; STATE_BETWEEN: data
 * is not foreign. */
static enum state sniff(const char *data, size_t length)
{
    for (size_t i = 0; i < sizeof foreign_prefixes / sizeof *foreign_prefixes; i++) {
        size_t whole = strlen(foreign_prefixes[i].text);

        if (prefix_matches(&foreign_prefixes[i], data, length < whole ? length : whole))
            return length < whole ? STATE_SNIFF : STATE_SKIP;
    }
    return STATE_BETWEEN;
}

static void set_parse_error_at_start(struct fault *ret_fault, const char *message)
{
    fault_set(ret_fault, FAULT_PARSE_ERROR, "%s", message);
    ret_fault->offset = 0;
}

static enum frame_status frame_first(struct frame_run *run, struct fault *ret_fault)
{
    if (!run->length)
        return FRAME_MORE;
    run->frame->state = (uint8_t)sniff(run->data, run->length);
    if (run->frame->state != STATE_SKIP)
        return FRAME_MORE;
    run->used = run->length;
    set_parse_error_at_start(ret_fault, "this socket speaks JSON-RPC 2.0, one JSON text after another without headers; "
                                        "it does not speak HTTP or Content-Length framing");
    return FRAME_CLOSE;
}

static bool skip_line(struct frame_run *run)
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

static bool skip_space(struct frame_run *run)
{
    while (run->used < run->length && is_space(run->data[run->used]))
        run->used++;
    return run->used < run->length;
}

static void set_scalar_fault(struct fault *ret_fault)
{
    fault_set(ret_fault, FAULT_INVALID_REQUEST, "a message must be an object, or an array of objects");
}

static enum frame_status scan_text(struct frame_run *run, const struct limits *limits, struct span *ret_text,
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

static enum frame_status frame_step(struct frame_run *run, const struct limits *limits, struct span *ret_text,
                                    struct fault *ret_fault)
{
    struct frame *frame = run->frame;

    if (frame->state == STATE_FIRST || frame->state == STATE_SNIFF) {
        enum frame_status status = frame_first(run, ret_fault);

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
    struct frame_run run = {.frame = frame, .data = data, .length = length};
    enum frame_status status = frame_step(&run, limits, ret_text, ret_fault);

    *ret_used = run.used;
    return status;
}

bool frame_begins(struct frame *frame, const char *data, size_t length, size_t *ret_space)
{
    struct frame_run run = {.frame = frame, .data = data, .length = length};
    bool begins;

    /* No foreign prefix starts with a brace. */
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
    if (state == STATE_SNIFF) {
        /* No JSON value starts with the first letter of a foreign prefix. */
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
