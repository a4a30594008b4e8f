/* SPDX-License-Identifier: MIT */
/*
 * The decoder of requests: batches, methods and parameters. The scanner has accepted the text, so the decoder reads the
 * text in place: ids are spans of the text, member names are compared after decoding, and only texts are copied. The
 * file has no state.
 */
#include "proto/request.h"
#include "proto/envelope.h"
#include "proto/number.h"
#include "proto/text.h"
#include "proto/json_cursor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request_text {
    struct request_text *next;
    char bytes[]; /* NUL-terminated */
};

/* ---- Messages --------------------------------------------------------------------------------------------------- */

static size_t count_elements(struct span array)
{
    struct span element;
    struct json_cursor cursor;
    size_t count = 0;

    json_cursor_init(&cursor, array);
    while (json_cursor_element(&cursor, &element))
        count++;
    return count;
}

static int check_batch(size_t count, const struct limits *limits, struct fault *ret_fault)
{
    if (!count) {
        fault_set(ret_fault, FAULT_INVALID_REQUEST, "a batch must have at least one request");
        return -EBADMSG;
    }
    if (count > limits->batch) {
        fault_set_limit(ret_fault, FAULT_INVALID_REQUEST, "batch", limits->batch,
                        "a batch may have at most %" PRIu32 " requests", limits->batch);
        return -EBADMSG;
    }
    return 0;
}

int request_reader_init(struct request_reader *ret_reader, struct span message, const struct limits *limits,
                        struct fault *ret_fault)
{
    struct span text = json_trim(message);
    size_t count;
    int result;

    if (json_kind(text) != JSON_ARRAY) {
        *ret_reader = (struct request_reader){.rest = text, .count = 1};
        return 0;
    }
    count = count_elements(text);
    result = check_batch(count, limits, ret_fault);
    if (result < 0)
        return result;
    *ret_reader = (struct request_reader){.rest = text, .batch = true, .count = count};
    ret_reader->rest.data++;
    ret_reader->rest.length -= 2;
    return 0;
}

bool request_reader_next(struct request_reader *reader, struct span *ret_text)
{
    struct json_cursor cursor = {reader->rest.data, reader->rest.data + reader->rest.length};

    if (!reader->batch) {
        if (!reader->rest.length)
            return false;
        *ret_text = reader->rest;
        reader->rest.length = 0;
        return true;
    }
    if (!json_cursor_element(&cursor, ret_text))
        return false;
    reader->rest = (struct span){cursor.at, (size_t)(cursor.end - cursor.at)};
    return true;
}

/* ---- The method ------------------------------------------------------------------------------------------------- */

static int find_method(struct span written, enum method *ret_method, struct fault *ret_fault)
{
    char name[80];
    size_t length = text_decode(written, name, sizeof name);
    int method = method_find((struct span){name, length});

    if (method < 0) {
        fault_set(ret_fault, FAULT_METHOD_NOT_FOUND, "there is no method \"%s\"", name);
        return -EBADMSG;
    }
    *ret_method = (enum method)method;
    return 0;
}

/* ---- Values ----------------------------------------------------------------------------------------------------- */

/* Writes the names as `"a", "b" or "c"`. */
static void describe_choices(const char *const *choices, const char *last_word, char *ret_text, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; choices[i] && length < size; i++) {
        const char *before = i == 0 ? "" : choices[i + 1] ? ", " : last_word;
        int written = snprintf(ret_text + length, size - length, "%s\"%s\"", before, choices[i]);

        length += written > 0 ? (size_t)written : 0;
    }
}

/* Describes the valid values of a parameter, for people. */
static void describe_param(const struct param_info *info, char *ret_text, size_t size)
{
    switch (info->type) {
    case PARAM_INTEGER:
        snprintf(ret_text, size, "an integer from %" PRIu64 " to %" PRIu64, info->min, info->max);
        break;
    case PARAM_BOOLEAN:
        snprintf(ret_text, size, "true or false");
        break;
    case PARAM_TEXT:
        if (info->max == UINT32_MAX)
            snprintf(ret_text, size, "a string");
        else
            snprintf(ret_text, size, "a string of %" PRIu64 " to %" PRIu64 " bytes", info->min, info->max);
        break;
    case PARAM_NAME:
        snprintf(ret_text, size, "a name of 1 to %d letters, digits, dots, underscores and hyphens", NAME_MAX_BYTES);
        break;
    case PARAM_CHOICE:
        describe_choices(info->choices, " or ", ret_text, size);
        break;
    case PARAM_INTERESTS:
        snprintf(ret_text, size, "an array of ");
        describe_choices(info->choices, " and ", ret_text + strlen(ret_text), size - strlen(ret_text));
        break;
    case PARAM_ID:
        snprintf(ret_text, size, "a string, a number or null");
        break;
    }
}

/* The index of the choice that equals `value`; negative: not a choice. */
static int find_choice(struct span value, const char *const *choices)
{
    if (!json_is_string(value))
        return -ENOENT;
    for (int i = 0; choices[i]; i++) {
        if (text_is(json_unquote(value), choices[i]))
            return i;
    }
    return -ENOENT;
}

static int decode_integer(const struct param_info *info, struct span value, uint64_t *ret_integer)
{
    uint64_t integer;

    if (json_kind(value) != JSON_NUMBER || number_to_integer(value, &integer) < 0)
        return -EINVAL;
    if (integer < info->min || integer > info->max)
        return -EINVAL;
    *ret_integer = integer;
    return 0;
}

static int decode_boolean(struct span value, bool *ret_boolean)
{
    if (json_kind(value) != JSON_BOOLEAN)
        return -EINVAL;
    *ret_boolean = *value.data == 't';
    return 0;
}

static int decode_choice(const struct param_info *info, struct span value, uint8_t *ret_choice)
{
    int choice = find_choice(value, info->choices);

    if (choice < 0)
        return -EINVAL;
    *ret_choice = (uint8_t)choice;
    return 0;
}

static int decode_interests(const struct param_info *info, struct span value, uint8_t *ret_interests)
{
    uint8_t interests = 0;
    struct span element;
    struct json_cursor cursor;

    if (json_kind(value) != JSON_ARRAY)
        return -EINVAL;
    json_cursor_init(&cursor, value);
    while (json_cursor_element(&cursor, &element)) {
        int bit = find_choice(element, info->choices);

        if (bit < 0)
            return -EINVAL;
        interests |= (uint8_t)(1u << bit);
    }
    *ret_interests = interests;
    return 0;
}

/* Copies a parameter's text; the request owns the copy. A decoded text is never longer than the written text, and has
 * no NUL, because the scanner refuses \u0000. */
static int decode_text(const struct param_info *info, struct span value, struct request_text **owned,
                       struct span *ret_text)
{
    struct request_text *text;
    struct span written;
    size_t length;

    if (json_kind(value) != JSON_STRING)
        return -EINVAL;
    written = json_unquote(value);
    text = malloc(sizeof *text + written.length + 1);
    if (!text)
        return -ENOMEM;
    text->next = *owned;
    *owned = text;
    length = text_decode(written, text->bytes, written.length + 1);
    if (length < info->min || length > info->max)
        return -EINVAL;
    *ret_text = (struct span){text->bytes, length};
    return 0;
}

static int decode_name(const struct param_info *info, struct span value, struct request_text **owned,
                       struct span *ret_name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    int result = decode_text(info, value, owned, ret_name);

    return result == 0 && strspn(ret_name->data, allowed) != ret_name->length ? -EINVAL : result;
}

/* Ids are compared as written. */
static int decode_id(struct span value, struct span *ret_id)
{
    enum json_kind kind = json_kind(value);

    if (kind != JSON_STRING && kind != JSON_NUMBER && kind != JSON_NULL)
        return -EINVAL;
    *ret_id = value;
    return 0;
}

static int decode_value(const struct param_info *info, struct span value, struct request *request)
{
    void *at = (char *)&request->params + info->offset;

    switch (info->type) {
    case PARAM_INTEGER:
        return decode_integer(info, value, at);
    case PARAM_BOOLEAN:
        return decode_boolean(value, at);
    case PARAM_TEXT:
        return decode_text(info, value, &request->owned, at);
    case PARAM_NAME:
        return decode_name(info, value, &request->owned, at);
    case PARAM_CHOICE:
        return decode_choice(info, value, at);
    case PARAM_INTERESTS:
        return decode_interests(info, value, at);
    case PARAM_ID:
        return decode_id(value, at);
    }
    return -EINVAL;
}

/* ---- Parameters ------------------------------------------------------------------------------------------------- */

static int find_param(const struct method_info *method, struct span name)
{
    for (size_t i = 0; i < method->param_count; i++) {
        if (text_is(name, method->params[i].name))
            return (int)i;
    }
    return -ENOENT;
}

static void set_unknown_param(const struct method_info *method, struct span written, struct fault *ret_fault)
{
    char name[sizeof ret_fault->param];

    text_decode(written, name, sizeof name);
    fault_set_param(ret_fault, name, "%s has no parameter \"%s\"", method->name, name);
}

static int collect_named(const struct method_info *method, struct span params, struct span *ret_values,
                         struct fault *ret_fault)
{
    struct span name, value;
    struct json_cursor cursor;
    int result = 0;

    json_cursor_init(&cursor, params);
    while (json_cursor_member(&cursor, &name, &value)) {
        int index = find_param(method, name);

        if (index >= 0) {
            ret_values[index] = value;
        } else if (!result) {
            set_unknown_param(method, name, ret_fault);
            result = -EBADMSG;
        }
    }
    return result;
}

static int collect_positional(const struct method_info *method, struct span params, struct span *ret_values,
                              struct fault *ret_fault)
{
    struct span value;
    struct json_cursor cursor;

    json_cursor_init(&cursor, params);
    for (size_t i = 0; json_cursor_element(&cursor, &value); i++) {
        if (i == method->param_count) {
            fault_set_param(ret_fault, "params", "%s takes at most %zu parameters", method->name, method->param_count);
            return -EBADMSG;
        }
        ret_values[i] = value;
    }
    return 0;
}

/* Finds the value of each parameter. After an unknown parameter the search continues, so that all values are found. */
static int collect_values(const struct method_info *method, struct span params, struct span *ret_values,
                          struct fault *ret_fault)
{
    if (!params.data || json_kind(params) == JSON_NULL)
        return 0;
    if (json_kind(params) == JSON_OBJECT)
        return collect_named(method, params, ret_values, ret_fault);
    if (json_kind(params) == JSON_ARRAY)
        return collect_positional(method, params, ret_values, ret_fault);
    fault_set_param(ret_fault, "params", "params must be an object, an array or null");
    return -EBADMSG;
}

static int decode_param(const struct param_info *info, uint32_t bit, struct span value, struct request *request,
                        struct fault *ret_fault)
{
    bool given = value.data && (info->type == PARAM_ID || json_kind(value) != JSON_NULL);
    char expected[120];
    int result;

    if (!given && !info->required)
        return 0;
    result = given ? decode_value(info, value, request) : -ENODATA;
    if (result == 0) {
        request->params.given |= bit;
        return 0;
    }
    if (result == -ENOMEM) {
        fault_set(ret_fault, FAULT_INTERNAL, "out of memory; try again later");
        return -EBADMSG;
    }
    describe_param(info, expected, sizeof expected);
    fault_set_param(ret_fault, info->name, result == -ENODATA ? "%s is missing: it must be %s" : "%s must be %s",
                    info->name, expected);
    return -EBADMSG;
}

/* Decodes all parameters; `*ret_fault` is the first fault. */
static int decode_params(const struct method_info *method, struct span params, struct request *request,
                         struct fault *ret_fault)
{
    struct span values[PARAMS_MAX] = {0};
    struct fault later;
    int result = collect_values(method, params, values, ret_fault);

    request->params.given = 0;
    params_set_defaults(request->method, &request->params);
    for (size_t i = 0; i < method->param_count; i++) {
        int error = decode_param(&method->params[i], 1u << i, values[i], request, result < 0 ? &later : ret_fault);

        if (result == 0)
            result = error;
    }
    return result;
}

int request_decode(struct span text, const struct limits *limits, struct request *ret_request, struct fault *ret_fault)
{
    struct envelope envelope;
    int result;

    ret_request->owned = NULL;
    result = envelope_decode(json_trim(text), limits, &envelope, &ret_request->id, ret_fault);
    if (result == 0)
        result = find_method(json_unquote(envelope.method), &ret_request->method, ret_fault);
    if (result == 0)
        result = decode_params(&method_table[ret_request->method], envelope.params, ret_request, ret_fault);
    return result;
}

void request_deinit(struct request *request)
{
    while (request && request->owned) {
        struct request_text *text = request->owned;

        request->owned = text->next;
        free(text);
    }
}
