/* SPDX-License-Identifier: MIT */
/*
 * Derives messages, requests and faults from the trees of the second reader, by the rules of PROTOCOL.md. Stateless.
 */
#include "fuzz/expect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Messages --------------------------------------------------------------------------------------------------- */

static const char *const foreign_prefixes[] = {"GET ",     "POST ",  "PUT ",     "HEAD ",  "DELETE ",
                                               "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI "};

enum sniff { SNIFF_JSON, SNIFF_FOREIGN, SNIFF_UNKNOWN };

static enum sniff sniff_stream(const struct expected_stream *stream)
{
    static const char header[] = "Content-Length:";
    size_t length = stream->length < strlen(header) ? stream->length : strlen(header);

    for (size_t i = 0; i < sizeof foreign_prefixes / sizeof *foreign_prefixes; i++) {
        size_t whole = strlen(foreign_prefixes[i]), known = stream->length < whole ? stream->length : whole;

        if (memcmp(stream->bytes, foreign_prefixes[i], known) == 0)
            return known < whole ? SNIFF_UNKNOWN : SNIFF_FOREIGN;
    }
    if (strncasecmp(stream->bytes, header, length) != 0)
        return SNIFF_JSON;
    return length < strlen(header) ? SNIFF_UNKNOWN : SNIFF_FOREIGN;
}

void expected_stream_init(struct expected_stream *ret_stream, const char *bytes, size_t length,
                          const struct limits *limits)
{
    *ret_stream = (struct expected_stream){.bytes = bytes, .length = length, .limits = limits};
}

static bool skip_line(struct expected_stream *stream)
{
    while (stream->skipping && stream->at < stream->length)
        stream->skipping = stream->bytes[stream->at++] != '\n';
    return !stream->skipping;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void expect_fault(struct expected_stream *stream, struct expected_message *message, enum fault_name name)
{
    message->kind = EXPECT_FAULT;
    message->fault = name;
    stream->at += message->reading.used;
    stream->skipping = true;
}

static void expect_text(struct expected_stream *stream, struct expected_message *message)
{
    const struct reading *reading = &message->reading;

    switch (reading->status) {
    case READING_OPEN:
    case READING_NUMBER:
        return;
    case READING_WRONG:
        message->offset = (int64_t)reading->offset;
        expect_fault(stream, message, FAULT_PARSE_ERROR);
        return;
    case READING_LIMIT:
        message->limit = reading->limit;
        expect_fault(stream, message, FAULT_INVALID_REQUEST);
        return;
    case READING_WHOLE:
        if (reading->root->kind != NODE_OBJECT && reading->root->kind != NODE_ARRAY) {
            expect_fault(stream, message, FAULT_INVALID_REQUEST);
            return;
        }
        message->kind = EXPECT_MESSAGE;
        stream->at += reading->used;
    }
}

void expected_stream_next(struct expected_stream *stream, struct expected_message *ret_message)
{
    enum sniff sniff = stream->length && !stream->at ? sniff_stream(stream) : SNIFF_JSON;

    *ret_message = (struct expected_message){.kind = EXPECT_MORE, .offset = -1};
    if (sniff == SNIFF_FOREIGN) {
        ret_message->kind = EXPECT_CLOSE;
        ret_message->fault = FAULT_PARSE_ERROR;
        ret_message->offset = 0;
    }
    if (sniff != SNIFF_JSON || !skip_line(stream))
        return;
    while (stream->at < stream->length && is_space(stream->bytes[stream->at]))
        stream->at++;
    if (stream->at == stream->length)
        return;
    ret_message->begin = stream->at;
    reading_init(&ret_message->reading, stream->bytes + stream->at, stream->length - stream->at, stream->limits);
    expect_text(stream, ret_message);
}

bool expected_stream_end(const struct expected_stream *stream, enum fault_name *ret_fault)
{
    struct reading reading;

    if (stream->skipping || stream->at == stream->length)
        return false;
    *ret_fault = FAULT_PARSE_ERROR;
    reading_init(&reading, stream->bytes + stream->at, stream->length - stream->at, stream->limits);
    if (reading.status == READING_NUMBER)
        *ret_fault = FAULT_INVALID_REQUEST;
    reading_deinit(&reading);
    return true;
}

/* ---- Values ----------------------------------------------------------------------------------------------------- */

static bool is_integral(const char *digits, long long exponent)
{
    return exponent >= 0 && strlen(digits) + (unsigned long long)exponent <= 16;
}

/* Strips zeros on both sides of the digits, and adjusts the power of ten. */
static void normalize(char *digits, long long *exponent)
{
    size_t length = strlen(digits), zeros = strspn(digits, "0");

    while (length > zeros && digits[length - 1] == '0') {
        digits[--length] = '\0';
        ++*exponent;
    }
    memmove(digits, digits + zeros, length - zeros + 1);
}

/* Splits a number into all its digits and the power of ten. */
static void split_number(const char *written, size_t length, char *ret_digits, long long *ret_exponent)
{
    size_t count = 0;
    bool behind_point = false;

    *ret_exponent = 0;
    for (size_t i = 0; i < length; i++) {
        if (written[i] == 'e' || written[i] == 'E') {
            long long exponent = strtoll(written + i + 1, NULL, 10);

            if (exponent > 1000000000000)
                exponent = 1000000000000;
            if (exponent < -1000000000000)
                exponent = -1000000000000;
            *ret_exponent += exponent;
            break;
        }
        if (written[i] == '.')
            behind_point = true;
        if (written[i] < '0' || written[i] > '9')
            continue;
        ret_digits[count++] = written[i];
        *ret_exponent -= behind_point;
    }
    ret_digits[count] = '\0';
}

/* Converts exactly, from the written digits, without a double. */
static bool to_integer(const char *written, size_t length, uint64_t *ret_integer)
{
    char *copy = strndup(written, length), *digits = malloc(length + 17);
    long long exponent;
    bool fits = true;

    if (!copy || !digits)
        abort();
    split_number(copy, length, digits, &exponent);
    normalize(digits, &exponent);
    if (!*digits) {
        *ret_integer = 0;
    } else if (*copy == '-' || !is_integral(digits, exponent)) {
        fits = false;
    } else {
        for (; exponent; exponent--)
            strcat(digits, "0");
        *ret_integer = strtoull(digits, NULL, 10);
    }
    free(copy);
    free(digits);
    return fits && *ret_integer < UINT64_C(1) << 53;
}

static bool parse_choice(const struct node *node, const char *const *choices, uint64_t *ret_choice)
{
    for (uint64_t i = 0; choices[i]; i++) {
        if (node_is_text(node, choices[i])) {
            *ret_choice = i;
            return true;
        }
    }
    return false;
}

static bool parse_interests(const struct node *node, const char *const *choices, uint64_t *ret_bits)
{
    uint64_t bit;

    *ret_bits = 0;
    if (node->kind != NODE_ARRAY)
        return false;
    for (const struct node *element = node->first; element; element = element->next) {
        if (!parse_choice(element, choices, &bit))
            return false;
        *ret_bits |= UINT64_C(1) << bit;
    }
    return true;
}

static bool is_name(const char *text)
{
    for (; *text; text++)
        if (!(*text >= 'a' && *text <= 'z') && !(*text >= 'A' && *text <= 'Z') && !(*text >= '0' && *text <= '9') &&
            *text != '.' && *text != '_' && *text != '-')
            return false;
    return true;
}

static bool parse_text(const struct param_info *info, const struct node *node, struct expected_value *value)
{
    if (node->kind != NODE_STRING || node->text_length < info->min || node->text_length > info->max)
        return false;
    value->text = node->text;
    value->length = node->text_length;
    return info->type == PARAM_TEXT || is_name(node->text);
}

static bool parse_value(const char *text, const struct param_info *info, const struct node *node,
                        struct expected_value *value)
{
    switch (info->type) {
    case PARAM_INTEGER:
        return node->kind == NODE_NUMBER && to_integer(text + node->at, node->length, &value->integer) &&
               value->integer >= info->min && value->integer <= info->max;
    case PARAM_BOOLEAN:
        value->integer = node->kind == NODE_TRUE;
        return node->kind == NODE_TRUE || node->kind == NODE_FALSE;
    case PARAM_TEXT:
    case PARAM_NAME:
        return parse_text(info, node, value);
    case PARAM_CHOICE:
        return parse_choice(node, info->choices, &value->integer);
    case PARAM_INTERESTS:
        return parse_interests(node, info->choices, &value->integer);
    case PARAM_ID:
        value->text = text + node->at;
        value->length = node->length;
        return node->kind == NODE_STRING || node->kind == NODE_NUMBER || node->kind == NODE_NULL;
    }
    return false;
}

/* ---- Requests --------------------------------------------------------------------------------------------------- */

static void refuse(struct expected_request *request, enum fault_name fault)
{
    if (request->accepted)
        request->fault = fault;
    request->accepted = false;
}

static void refuse_param(struct expected_request *request, const char *param)
{
    if (!request->accepted)
        return;
    refuse(request, FAULT_INVALID_PARAMS);
    snprintf(request->param, sizeof request->param, "%s", param);
}

static void match_named_params(const struct method_info *method, const struct node *params,
                               const struct node **ret_nodes, struct expected_request *request)
{
    for (const struct node *member = params->first; member; member = member->next) {
        size_t i = 0;

        while (i < method->param_count && strcmp(method->params[i].name, member->name) != 0)
            i++;
        if (i < method->param_count)
            ret_nodes[i] = member;
        else
            refuse_param(request, member->name);
    }
}

static void match_params(const struct method_info *method, const struct node *params, const struct node **ret_nodes,
                         struct expected_request *request)
{
    if (!params || params->kind == NODE_NULL)
        return;
    if (params->kind == NODE_OBJECT) {
        match_named_params(method, params, ret_nodes, request);
    } else if (params->kind == NODE_ARRAY) {
        const struct node *element = params->first;

        for (size_t i = 0; element && i < method->param_count; element = element->next)
            ret_nodes[i++] = element;
        if (params->count > method->param_count)
            refuse_param(request, "params");
    } else {
        refuse_param(request, "params");
    }
}

static void parse_params(const char *text, const struct node *params, struct expected_request *request)
{
    const struct method_info *method = &method_table[request->method];
    const struct node *nodes[PARAMS_MAX] = {0};

    match_params(method, params, nodes, request);
    for (size_t i = 0; i < method->param_count; i++) {
        const struct param_info *info = &method->params[i];
        struct expected_value *value = &request->values[i];

        if (!nodes[i] || (nodes[i]->kind == NODE_NULL && info->type != PARAM_ID)) {
            value->integer = info->default_value;
            if (info->required)
                refuse_param(request, info->name);
        } else if (parse_value(text, info, nodes[i], value)) {
            value->given = true;
        } else {
            refuse_param(request, info->name);
        }
    }
}

static void parse_id(const struct node *id, const struct limits *limits, struct expected_request *request)
{
    bool kind = id->kind == NODE_STRING || id->kind == NODE_NUMBER || id->kind == NODE_NULL;

    if (kind && id->length <= limits->id_bytes) {
        request->id_at = id->at;
        request->id_length = id->length;
        return;
    }
    request->id_is_null = true;
    if (kind && request->accepted)
        request->limit = "id_bytes";
    refuse(request, FAULT_INVALID_REQUEST);
}

static void parse_method(const struct node *name, struct expected_request *request)
{
    for (int i = 0; i < METHOD_COUNT && request->method < 0; i++)
        if (node_is_text(name, method_table[i].name))
            request->method = i;
    if (request->method < 0)
        refuse(request, FAULT_METHOD_NOT_FOUND);
}

enum fault_name expect_whole(const struct node *message, const struct limits *limits, const char **ret_limit)
{
    *ret_limit = NULL;
    if (message->kind != NODE_ARRAY || (message->count && message->count <= limits->batch))
        return FAULT_COUNT;
    if (message->count)
        *ret_limit = "batch";
    return FAULT_INVALID_REQUEST;
}

void expect_request(const char *text, const struct node *node, const struct limits *limits,
                    struct expected_request *ret_request)
{
    const struct node *id = node->kind == NODE_OBJECT ? node_member(node, "id") : NULL;
    const struct node *method = node->kind == NODE_OBJECT ? node_member(node, "method") : NULL;

    *ret_request = (struct expected_request){.accepted = true, .method = -1};
    if (node->kind != NODE_OBJECT || !node_is_text(node_member(node, "jsonrpc"), "2.0") || !method ||
        method->kind != NODE_STRING)
        refuse(ret_request, FAULT_INVALID_REQUEST);
    if (id)
        parse_id(id, limits, ret_request);
    if (ret_request->accepted)
        parse_method(method, ret_request);
    if (ret_request->accepted)
        parse_params(text, node_member(node, "params"), ret_request);
    /* A message whose validity is unknown is answered even without an id. */
    ret_request->has_answer = id || ret_request->fault == FAULT_INVALID_REQUEST;
    if (!ret_request->accepted && ret_request->fault == FAULT_INVALID_REQUEST && !ret_request->id_length)
        ret_request->id_is_null = true;
}
