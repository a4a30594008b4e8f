/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the request decoder. The input is a client's output. Each message is decoded by the product, by the product's
 * fast path for common requests, and from the second reader's tree. All three must agree on acceptance, on the fault,
 * and on every value. cJSON, which accepts more than JSON, must build the same tree.
 */
#include "fuzz/expect.h"
#include "fuzz/require.h"
#include "fuzz/target.h"

#include "proto/frame.h"
#include "proto/request_fast.h"
#include "proto/request.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

/* ---- cJSON ------------------------------------------------------------------------------------------------------ */

#define CJSON_NUMBER_MAX 63 /* cJSON reads no longer number */

static bool is_readable_by_cjson(const struct node *node)
{
    if (node->kind == NODE_NUMBER && node->length > CJSON_NUMBER_MAX)
        return false;
    for (const struct node *inner = node->first; inner; inner = inner->next)
        if (!is_readable_by_cjson(inner))
            return false;
    return true;
}

static double number_of(const char *text, const struct node *node)
{
    char written[CJSON_NUMBER_MAX + 1] = "";

    memcpy(written, text + node->at, node->length);
    return strtod(written, NULL);
}

static void require_same_tree(const char *text, const struct node *node, const cJSON *item)
{
    static const int types[] = {
        [NODE_OBJECT] = cJSON_Object, [NODE_ARRAY] = cJSON_Array, [NODE_STRING] = cJSON_String,
        [NODE_NUMBER] = cJSON_Number, [NODE_TRUE] = cJSON_True,   [NODE_FALSE] = cJSON_False,
        [NODE_NULL] = cJSON_NULL,
    };
    const cJSON *other = item->child;

    REQUIRE((item->type & 0xff) == types[node->kind], "cJSON: different kind of value");
    REQUIRE(node->kind != NODE_STRING || node_is_text(node, item->valuestring), "cJSON: different string");
    REQUIRE(node->kind != NODE_NUMBER || number_of(text, node) == item->valuedouble, "cJSON: different number");
    for (const struct node *inner = node->first; inner; inner = inner->next, other = other->next) {
        REQUIRE(other, "cJSON: fewer values");
        REQUIRE(!inner->name || strcmp(inner->name, other->string) == 0, "cJSON: different name");
        require_same_tree(text, inner, other);
    }
    REQUIRE(!other, "cJSON: more values");
}

static void require_known_to_cjson(const char *text, size_t length, const struct node *root)
{
    cJSON *item;

    if (!is_readable_by_cjson(root))
        return;
    item = cJSON_ParseWithLength(text, length);
    REQUIRE(item, "cJSON rejects the text");
    require_same_tree(text, root, item);
    cJSON_Delete(item);
}

/* ---- Requests --------------------------------------------------------------------------------------------------- */

static void require_text(struct span text, const struct expected_value *value)
{
    REQUIRE(!text.data == !value->given, "%s text", text.data ? "unexpected" : "missing");
    if (text.data)
        REQUIRE(text.length == value->length && memcmp(text.data, value->text, value->length) == 0, "wrong text");
}

static void require_value(const struct param_info *info, const struct params *params,
                          const struct expected_value *value)
{
    const void *at = (const char *)params + info->offset;
    uint64_t integer = 0;

    switch (info->type) {
    case PARAM_TEXT:
    case PARAM_NAME:
    case PARAM_ID:
        require_text(*(const struct span *)at, value);
        return;
    case PARAM_INTEGER:
        integer = *(const uint64_t *)at;
        break;
    case PARAM_BOOLEAN:
        integer = *(const bool *)at;
        break;
    case PARAM_CHOICE:
    case PARAM_INTERESTS:
        integer = *(const uint8_t *)at;
        break;
    }
    REQUIRE(integer == value->integer, "%s is %" PRIu64 ", not %" PRIu64, info->name, integer, value->integer);
}

/* With INVALID_PARAMS, valid parameters still have their values. */
static void require_params(const struct request *request, const struct expected_request *expected)
{
    const struct method_info *method = &method_table[request->method];

    for (size_t i = 0; i < method->param_count; i++) {
        bool given = request->params.given >> i & 1;

        REQUIRE(given == expected->values[i].given, "%s is %sgiven", method->params[i].name, given ? "" : "not ");
        if (given || expected->accepted)
            require_value(&method->params[i], &request->params, &expected->values[i]);
    }
}

static void require_id(struct span id, const char *text, const struct expected_request *expected)
{
    if (expected->id_length)
        REQUIRE(id.length == expected->id_length && memcmp(id.data, text + expected->id_at, id.length) == 0,
                "wrong id: %.*s", (int)id.length, id.data);
    else if (expected->id_is_null)
        REQUIRE(id.data && id.length == 4 && memcmp(id.data, "null", 4) == 0, "the id is not null");
    else
        REQUIRE(!id.data, "unexpected id");
}

static void require_same_fault(const struct fault *fault, const struct expected_request *expected)
{
    REQUIRE(fault->name == expected->fault, "%s, not %s: %s", fault_text(fault->name), fault_text(expected->fault),
            fault->message);
    REQUIRE(!expected->limit == !fault->limit && (!fault->limit || strcmp(fault->limit, expected->limit) == 0),
            "wrong limit: %s", fault->message);
    /* A name too long for data.param is cut at the end of a character. */
    REQUIRE(*fault->param ? strncmp(fault->param, expected->param, strlen(fault->param)) == 0 : !*expected->param,
            "param %s, not %s", fault->param, expected->param);
}

static void require_request(const char *text, struct span written, const struct node *node, const struct limits *limits)
{
    struct expected_request expected;
    struct request request;
    struct fault fault;
    int result = request_decode(written, limits, &request, &fault);

    expect_request(text, node, limits, &expected);
    REQUIRE((result == 0) == expected.accepted, "%s", result == 0 ? "accepted an invalid request" : fault.message);
    require_id(request.id, text, &expected);
    if (result < 0)
        require_same_fault(&fault, &expected);
    if (result == 0 || fault.name == FAULT_INVALID_PARAMS) {
        REQUIRE((int)request.method == expected.method, "wrong method");
        require_params(&request, &expected);
    }
    request_deinit(&request);
}

static void require_message(const char *text, size_t length, const struct node *root, const struct limits *limits)
{
    const struct node *node = root->kind == NODE_ARRAY ? root->first : root;
    struct request_reader reader;
    struct span written;
    struct fault fault;
    const char *limit;
    enum fault_name whole = expect_whole(root, limits, &limit);
    int result = request_reader_init(&reader, (struct span){text, length}, limits, &fault);

    REQUIRE((result == 0) == (whole == FAULT_COUNT), "wrong verdict on the whole message");
    if (result < 0) {
        REQUIRE(fault.name == whole && !fault.limit == !limit, "wrong fault: %s", fault.message);
        return;
    }
    REQUIRE(reader.batch == (root->kind == NODE_ARRAY), "wrong verdict on batch");
    for (; request_reader_next(&reader, &written); node = node->next) {
        REQUIRE(node, "too many requests");
        REQUIRE(written.data == text + node->at && written.length == node->length, "wrong request");
        require_request(text, written, node, limits);
        if (!reader.batch)
            return;
    }
    REQUIRE(!node, "too few requests");
}

/* ---- The shortcut ----------------------------------------------------------------------------------------------- */

/* The fast path may decline any request, but must accept only valid requests. */
static void require_request_fast(const char *text, size_t length, const struct expected_message *message,
                                 const struct limits *limits)
{
    struct expected_request expected;
    struct request request;
    size_t used;

    if (!request_decode_fast(text, length, limits, &request, &used))
        return;
    REQUIRE(message->kind == EXPECT_MESSAGE && message->reading.root->kind == NODE_OBJECT, "not a message");
    REQUIRE(used == message->reading.used, "the fast path used %zu bytes, not %zu", used, message->reading.used);
    expect_request(text, message->reading.root, limits, &expected);
    REQUIRE(expected.accepted, "the fast path accepted an invalid request");
    REQUIRE((int)request.method == expected.method, "wrong method");
    require_id(request.id, text, &expected);
    require_params(&request, &expected);
}

/* ---- The target ------------------------------------------------------------------------------------------------- */

static enum expected_kind require_next(struct expected_stream *stream, struct frame *frame)
{
    size_t before = stream->at, used, space = 0;
    const char *bytes = stream->bytes + before;
    struct expected_message message;
    struct span text = {0};
    struct fault fault;
    bool begins = frame_begins(frame, bytes, stream->length - before, &space);
    enum frame_status status = frame_next(frame, bytes, stream->length - before, stream->limits, &used, &text, &fault);

    expected_stream_next(stream, &message);
    REQUIRE(space <= used, "white space beyond the frame");
    if (begins)
        require_request_fast(bytes + space, stream->length - before - space, &message, stream->limits);
    REQUIRE((status == FRAME_TEXT) == (message.kind == EXPECT_MESSAGE), "wrong kind of message");
    if (message.kind == EXPECT_MESSAGE) {
        require_message(text.data, text.length, message.reading.root, stream->limits);
        require_known_to_cjson(text.data, text.length, message.reading.root);
    }
    reading_deinit(&message.reading);
    return message.kind;
}

static void require_stream(const char *bytes, size_t length, const struct limits *limits)
{
    struct expected_stream stream;
    enum expected_kind kind;
    struct frame frame;

    frame_init(&frame);
    expected_stream_init(&stream, bytes, length, limits);
    do
        kind = require_next(&stream, &frame);
    while (kind == EXPECT_MESSAGE || kind == EXPECT_FAULT);
    frame_deinit(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct limits limits;

    limits_init(&limits);
    require_stream((const char *)data, size, &limits);
    limits.message_values = 16;
    limits.message_depth = 4;
    limits.batch = 2;
    limits.id_bytes = 16;
    require_stream((const char *)data, size, &limits);
    return 0;
}
