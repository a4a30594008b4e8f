/* SPDX-License-Identifier: MIT */
/*
 * Parses lines from the daemon. Validates a line with the same scanner as the daemon, then reads the line in place. The
 * file has no state.
 */
#include "client/lib/client_message.h"

#include "proto/methods.h"
#include "proto/number.h"
#include "proto/scan.h"
#include "proto/text.h"
#include "proto/json_cursor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Whether the text is a complete JSON value, which a json_cursor can read. */
static bool is_json(struct span text)
{
    struct limits limits = {.message_bytes = SCAN_BYTES_MAX, .message_depth = 32, .message_values = UINT32_MAX};
    struct fault fault;
    struct scan scan;
    bool whole;

    scan_init(&scan);
    whole = scan_run(&scan, text.data, text.length, &limits, &fault) == SCAN_DONE && scan_offset(&scan) == text.length;
    scan_deinit(&scan);
    return whole;
}

bool client_member(struct span object, const char *name, struct span *ret_value)
{
    struct json_cursor cursor;
    struct span written, value;

    if (json_kind(object) != JSON_OBJECT)
        return false;
    json_cursor_init(&cursor, object);
    while (json_cursor_member(&cursor, &written, &value))
        if (text_is(written, name)) {
            *ret_value = value;
            return true;
        }
    return false;
}

static bool all_objects(struct span array)
{
    struct json_cursor cursor;
    struct span element;

    json_cursor_init(&cursor, array);
    while (json_cursor_element(&cursor, &element))
        if (json_kind(element) != JSON_OBJECT)
            return false;
    return true;
}

static uint64_t read_id(struct span object)
{
    struct span id;
    uint64_t number;

    if (client_member(object, "id", &id) && json_kind(id) == JSON_NUMBER && number_to_integer(id, &number) == 0)
        return number;
    return MINIMIO_CLIENT_NO_ID;
}

/* Classifies a message. `*ret_method` is as written; data NULL: no method. */
static int sort(struct span line, enum minimio_client_kind *ret_kind, struct span *ret_method, struct span *ret_body)
{
    static const struct span null = {"null", 4};
    struct span method = {0};

    if (json_kind(line) == JSON_ARRAY) {
        *ret_kind = MINIMIO_CLIENT_BATCH;
        *ret_body = line;
        return all_objects(line) ? 0 : -EBADMSG;
    }
    if (json_kind(line) != JSON_OBJECT)
        return -EBADMSG;
    if (client_member(line, "method", &method)) {
        if (!json_is_string(method))
            return -EBADMSG;
        *ret_method = json_unquote(method);
        if (!client_member(line, "params", ret_body))
            *ret_body = null;
        *ret_kind = text_is(*ret_method, "ready") ? MINIMIO_CLIENT_READY : MINIMIO_CLIENT_NOTIFICATION;
    } else if (client_member(line, "result", ret_body)) {
        *ret_kind = MINIMIO_CLIENT_RESULT;
    } else if (client_member(line, "error", ret_body)) {
        *ret_kind = MINIMIO_CLIENT_FAULT;
    } else {
        return -EPROTO;
    }
    return 0;
}

static char *put(char *at, struct span text)
{
    memcpy(at, text.data, text.length);
    at[text.length] = '\0';
    return at + text.length + 1;
}

int client_read_message(struct span line, struct queued_message **ret_message)
{
    struct span method = {0}, body;
    enum minimio_client_kind kind;
    struct queued_message *queued;
    size_t size;
    int result = is_json(line) ? sort(line, &kind, &method, &body) : -EBADMSG;

    if (result < 0)
        return result;
    size = line.length + body.length + method.length + 3;
    queued = malloc(sizeof *queued + size);
    if (!queued)
        return -ENOMEM;
    queued->size = sizeof *queued + size;
    queued->view = (struct minimio_client_message){.kind = kind, .id = read_id(line), .json = queued->text};
    queued->view.body = put(queued->text, line);
    queued->view.method = put((char *)queued->view.body, body);
    if (method.data)
        text_decode(method, (char *)queued->view.method, method.length + 1);
    else
        queued->view.method = NULL;
    *ret_message = queued;
    return 0;
}

static void read_text(struct span object, const char *name, char *ret_text, size_t size)
{
    struct span value;

    ret_text[0] = '\0';
    if (client_member(object, name, &value) && json_is_string(value))
        text_decode(json_unquote(value), ret_text, size);
}

void client_explain_fault(const char *fault, char *ret_text, size_t size, char *ret_name, size_t name_size)
{
    struct span object = {fault, strlen(fault)}, data = {0};
    char message[400], error[32] = "";

    read_text(object, "message", message, sizeof message);
    ret_name[0] = '\0';
    if (client_member(object, "data", &data)) {
        read_text(data, "name", ret_name, name_size);
        read_text(data, "errno", error, sizeof error);
    }
    if (strstr(message, error)) /* the message contains the error already */
        error[0] = '\0';
    snprintf(ret_text, size, "%s (%s%s%s)", *message ? message : "an error without a message",
             *ret_name ? ret_name : "an error without a name", *error ? ", " : "", error);
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

static int read_event(struct span text, struct minimio_client_event *ret_event)
{
    struct minimio_client_event event = {0};
    struct span value;

    if (!client_member(text, "token", &value) || json_kind(value) != JSON_NUMBER ||
        number_to_integer(value, &event.token) < 0)
        return -EBADMSG;
    for (unsigned bit = 0; readiness_names[bit]; bit++)
        if (client_member(text, readiness_names[bit], &value) && value.data[0] == 't')
            event.readiness |= 1u << bit;
    *ret_event = event;
    return 0;
}

int minimio_client_read_events(const char *json, struct minimio_client_event *events, size_t capacity)
{
    struct span text = {json, strlen(json)}, array, element;
    struct json_cursor cursor;
    int count = 0;

    if (!is_json(text) || !client_member(text, "events", &array) || json_kind(array) != JSON_ARRAY)
        return -EBADMSG;
    json_cursor_init(&cursor, array);
    for (; json_cursor_element(&cursor, &element); count++)
        if ((size_t)count < capacity && read_event(element, &events[count]) < 0)
            return -EBADMSG;
    return count;
}
