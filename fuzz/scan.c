/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the scanner and the framing, with the text cut at arbitrary places. The bytes after the last byte ff of the
 * input are the sizes of the pieces; the rest is the text. A text may therefore hold any byte, and a text without ff is
 * cut into single bytes. With any cuts, the result must equal the result of the second reader, which reads the whole
 * text.
 */
#include "fuzz/expect.h"
#include "fuzz/require.h"
#include "fuzz/target.h"

#include "proto/frame.h"
#include "proto/scan.h"

#include <inttypes.h>
#include <string.h>

/* ---- Cuts ------------------------------------------------------------------------------------------------------- */

struct cuts {
    const uint8_t *sizes;
    size_t count, next;
};

/* The number of bytes available after the next cut; the last piece extends to the end. */
static size_t next_cut(struct cuts *cuts, size_t at, size_t length)
{
    size_t size = cuts->next < cuts->count ? cuts->sizes[cuts->next] : cuts->count ? length : 1;

    cuts->next++;
    return size < length - at ? at + size : length;
}

/* A copy of the first bytes, in a block of exactly this size, so that a read past the bytes is a read past the
 * block. */
static char *exact_copy(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);

    REQUIRE(copy, "out of memory");
    if (length)
        memcpy(copy, text, length);
    return copy;
}

/* ---- One text --------------------------------------------------------------------------------------------------- */

static enum scan_status scan_cut(const char *text, size_t length, struct cuts cuts, const struct limits *limits,
                                 size_t *ret_offset, struct fault *ret_fault)
{
    enum scan_status status = SCAN_MORE;
    struct scan scan;
    size_t at = 0;

    scan_init(&scan);
    do {
        char *piece;

        at = next_cut(&cuts, at, length);
        piece = exact_copy(text, at);
        status = scan_run(&scan, piece, at, limits, ret_fault);
        free(piece);
    } while (status == SCAN_MORE && at < length);
    *ret_offset = scan_offset(&scan);
    if (status == SCAN_MORE) {
        status = scan_end(&scan, ret_fault);
        REQUIRE(status != SCAN_MORE, "scan_end needs more bytes");
    }
    scan_deinit(&scan);
    return status;
}

static void require_fault(const struct fault *fault, enum fault_name name, int64_t offset, const char *limit)
{
    REQUIRE(fault->name == name, "%s, not %s", fault_text(fault->name), fault_text(name));
    REQUIRE(fault->offset == offset, "offset %" PRId64 ", not %" PRId64, fault->offset, offset);
    REQUIRE(!limit == !fault->limit && (!limit || strcmp(limit, fault->limit) == 0), "limit %s, not %s",
            fault->limit ? fault->limit : "none", limit ? limit : "none");
    REQUIRE(*fault->message, "a fault without a message");
}

static void scan_text(const char *text, size_t length, struct cuts cuts, const struct limits *limits)
{
    struct reading reading;
    struct fault fault;
    size_t offset;
    enum scan_status status = scan_cut(text, length, cuts, limits, &offset, &fault);

    reading_init(&reading, text, length, limits);
    REQUIRE(offset == reading.used, "scanned %zu bytes, not %zu", offset, reading.used);
    switch (reading.status) {
    case READING_WHOLE:
    case READING_NUMBER:
        REQUIRE(status == SCAN_DONE, "refused: %s", fault.message);
        break;
    case READING_OPEN:
    case READING_WRONG:
        REQUIRE(status == SCAN_FAULT, "accepted");
        require_fault(&fault, FAULT_PARSE_ERROR, (int64_t)reading.offset, NULL);
        break;
    case READING_LIMIT:
        REQUIRE(status == SCAN_FAULT, "accepted");
        require_fault(&fault, FAULT_INVALID_REQUEST, -1, reading.limit);
        break;
    }
    reading_deinit(&reading);
}

/* ---- A stream of them ------------------------------------------------------------------------------------------- */

/* The bytes of a session, and the state of feeding the bytes. */
struct feed {
    struct frame frame;
    const char *bytes;
    size_t length;
    size_t done, there; /* offsets: bytes consumed, bytes available */
    char *kept;         /* the available bytes that were not consumed */
    struct cuts cuts;
    const struct limits *limits;
};

static enum frame_status feed_kept(struct feed *feed, size_t *ret_begin, size_t *ret_length, struct fault *ret_fault)
{
    size_t length = feed->there - feed->done, used;
    struct span text = {0};
    enum frame_status status;

    free(feed->kept);
    feed->kept = exact_copy(feed->bytes + feed->done, length);
    status = frame_next(&feed->frame, feed->kept, length, feed->limits, &used, &text, ret_fault);
    REQUIRE(used <= length, "consumed more bytes than available");
    if (status == FRAME_TEXT) {
        REQUIRE(text.data >= feed->kept && text.data + text.length <= feed->kept + used,
                "a text outside of the consumed bytes");
        *ret_begin = feed->done + (size_t)(text.data - feed->kept);
        *ret_length = text.length;
    }
    feed->done += used;
    return status;
}

static enum frame_status feed_next(struct feed *feed, size_t *ret_begin, size_t *ret_length, struct fault *ret_fault)
{
    for (;;) {
        enum frame_status status = feed_kept(feed, ret_begin, ret_length, ret_fault);

        if (status != FRAME_MORE || feed->there == feed->length)
            return status;
        feed->there = next_cut(&feed->cuts, feed->there, feed->length);
    }
}

static enum expected_kind require_next(struct feed *feed, struct expected_stream *stream)
{
    struct expected_message expected;
    struct fault fault;
    size_t begin = 0, length = 0;
    enum frame_status status = feed_next(feed, &begin, &length, &fault);

    expected_stream_next(stream, &expected);
    switch (expected.kind) {
    case EXPECT_MORE:
        REQUIRE(status == FRAME_MORE, "a result without a complete message");
        break;
    case EXPECT_MESSAGE:
        REQUIRE(status == FRAME_TEXT, "no message: %s", status == FRAME_MORE ? "more" : fault.message);
        REQUIRE(begin == expected.begin && length == expected.reading.used,
                "a message at %zu of %zu, not at %zu of %zu", begin, length, expected.begin, expected.reading.used);
        break;
    case EXPECT_FAULT:
    case EXPECT_CLOSE:
        REQUIRE(status == (expected.kind == EXPECT_FAULT ? FRAME_FAULT : FRAME_CLOSE), "no fault");
        require_fault(&fault, expected.fault, expected.offset, expected.limit);
        break;
    }
    reading_deinit(&expected.reading);
    return expected.kind;
}

static void require_end(struct feed *feed, const struct expected_stream *stream)
{
    enum fault_name name = FAULT_COUNT;
    struct fault fault;
    bool faulty = expected_stream_end(stream, &name);
    enum frame_status status = frame_end(&feed->frame, &fault);

    REQUIRE(status == (faulty ? FRAME_FAULT : FRAME_MORE), "wrong result at the end of the input");
    REQUIRE(!faulty || fault.name == name, "%s at the end, not %s", fault_text(fault.name), fault_text(name));
}

static void frame_stream(const char *bytes, size_t length, struct cuts cuts, const struct limits *limits)
{
    struct feed feed = {.bytes = bytes, .length = length, .cuts = cuts, .limits = limits};
    struct expected_stream stream;
    enum expected_kind kind;

    frame_init(&feed.frame);
    expected_stream_init(&stream, bytes, length, limits);
    do
        kind = require_next(&feed, &stream);
    while (kind == EXPECT_MESSAGE || kind == EXPECT_FAULT);
    if (kind == EXPECT_MORE)
        require_end(&feed, &stream);
    free(feed.kept);
    frame_deinit(&feed.frame);
}

/* ---- The target ------------------------------------------------------------------------------------------------- */

static void try_limits(const char *text, size_t length, struct cuts cuts, const struct limits *limits)
{
    static const struct cuts bytewise = {0};

    scan_text(text, length, cuts, limits);
    frame_stream(text, length, cuts, limits);
    if (cuts.count && length <= 256)
        scan_text(text, length, bytewise, limits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *mark = size ? memrchr(data, 0xff, size) : NULL;
    struct limits limits, narrow;
    struct cuts cuts = {0};
    size_t length = size;

    if (mark) {
        length = (size_t)(mark - data);
        cuts = (struct cuts){.sizes = mark + 1, .count = size - length - 1};
    }
    limits_init(&limits);
    narrow = limits;
    narrow.message_bytes = 256;
    narrow.message_depth = 4;
    narrow.message_values = 16;
    try_limits((const char *)data, length, cuts, &limits);
    try_limits((const char *)data, length, cuts, &narrow);
    return 0;
}
