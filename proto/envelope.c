/* SPDX-License-Identifier: MIT */
/*
 * Checks of jsonrpc, id and method. The file has no state.
 */
#include "proto/envelope.h"
#include "proto/text.h"
#include "proto/json_cursor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

static void read_envelope(struct span text, struct envelope *ret_envelope)
{
    struct {
        const char *name;
        struct span *value;
    } members[] = {
        {"jsonrpc", &ret_envelope->version},
        {"id", &ret_envelope->id},
        {"method", &ret_envelope->method},
        {"params", &ret_envelope->params},
    };
    struct span name, value;
    struct json_cursor cursor;

    json_cursor_init(&cursor, text);
    while (json_cursor_member(&cursor, &name, &value)) {
        for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
            if (text_is(name, members[i].name)) {
                *members[i].value = value;
                break;
            }
        }
    }
}

static bool is_id_kind(struct span id)
{
    enum json_kind kind = json_kind(id);

    return kind == JSON_STRING || kind == JSON_NUMBER || kind == JSON_NULL;
}

static int check_id(struct span id, const struct limits *limits, struct fault *ret_fault)
{
    if (!is_id_kind(id)) {
        fault_set(ret_fault, FAULT_INVALID_REQUEST, "id must be a string, a number or null");
        return -EBADMSG;
    }
    if (id.length > limits->id_bytes) {
        fault_set_limit(ret_fault, FAULT_INVALID_REQUEST, "id_bytes", limits->id_bytes,
                        "id may have at most %" PRIu32 " bytes as written", limits->id_bytes);
        return -EBADMSG;
    }
    return 0;
}

static int check_version_and_method(const struct envelope *envelope, struct fault *ret_fault)
{
    if (!json_is_string(envelope->version) || !text_is(json_unquote(envelope->version), "2.0")) {
        fault_set(ret_fault, FAULT_INVALID_REQUEST, "jsonrpc must be \"2.0\"");
        return -EBADMSG;
    }
    if (!json_is_string(envelope->method)) {
        fault_set(ret_fault, FAULT_INVALID_REQUEST, "method must be a string, the method's name");
        return -EBADMSG;
    }
    return 0;
}

/* Check the id first, because replies to faults of jsonrpc and method contain the id. */
int envelope_decode(struct span text, const struct limits *limits, struct envelope *ret_envelope, struct span *ret_id,
                    struct fault *ret_fault)
{
    int id_error = 0, r;

    *ret_envelope = (struct envelope){0};
    *ret_id = (struct span){"null", 4};
    if (json_kind(text) != JSON_OBJECT) {
        fault_set(ret_fault, FAULT_INVALID_REQUEST, "a request must be an object");
        return -EBADMSG;
    }
    read_envelope(text, ret_envelope);
    if (ret_envelope->id.data) {
        id_error = check_id(ret_envelope->id, limits, ret_fault);
        if (!id_error)
            *ret_id = ret_envelope->id;
    }
    r = check_version_and_method(ret_envelope, ret_fault);
    if (r < 0 || id_error < 0)
        return r < 0 ? r : id_error;
    *ret_id = ret_envelope->id;
    return 0;
}
