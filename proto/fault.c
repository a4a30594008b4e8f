/* SPDX-License-Identifier: MIT */
/*
 * The table of error names and codes, and the functions that fill a struct fault.
 */
#include "proto/fault.h"
#include "proto/text.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct fault_info {
    const char *text;
    int code;
};

static const struct fault_info fault_table[FAULT_COUNT] = {
    [FAULT_PARSE_ERROR] = {"PARSE_ERROR", -32700},
    [FAULT_INVALID_REQUEST] = {"INVALID_REQUEST", -32600},
    [FAULT_METHOD_NOT_FOUND] = {"METHOD_NOT_FOUND", -32601},
    [FAULT_INVALID_PARAMS] = {"INVALID_PARAMS", -32602},
    [FAULT_INTERNAL] = {"INTERNAL", -32603},
    [FAULT_LOOP_CLOSED] = {"LOOP_CLOSED", 1},
    [FAULT_LOOP_OPEN] = {"LOOP_OPEN", 2},
    [FAULT_LOOP_BUSY] = {"LOOP_BUSY", 3},
    [FAULT_WRONG_DELIVERY] = {"WRONG_DELIVERY", 4},
    [FAULT_TOKEN_EXISTS] = {"TOKEN_EXISTS", 5},
    [FAULT_TOKEN_UNKNOWN] = {"TOKEN_UNKNOWN", 6},
    [FAULT_NOT_CONNECTED] = {"NOT_CONNECTED", 7},
    [FAULT_RESOLVE_FAILED] = {"RESOLVE_FAILED", 8},
    [FAULT_CONNECT_FAILED] = {"CONNECT_FAILED", 9},
    [FAULT_TIMED_OUT] = {"TIMED_OUT", 10},
    [FAULT_CANCELLED] = {"CANCELLED", 11},
    [FAULT_DENIED] = {"DENIED", 12},
    [FAULT_LIMIT_EXCEEDED] = {"LIMIT_EXCEEDED", 13},
    [FAULT_IO_FAILED] = {"IO_FAILED", 14},
    [FAULT_FD_MISSING] = {"FD_MISSING", 15},
    [FAULT_FD_UNSUITABLE] = {"FD_UNSUITABLE", 16},
    [FAULT_POLL_PENDING] = {"POLL_PENDING", 17},
    [FAULT_LEASED] = {"LEASED", 19},
    [FAULT_LOOP_UNKNOWN] = {"LOOP_UNKNOWN", 21},
};

/* Write only the first byte of each text: clearing half a kilobyte for each fault would be slower. */
static void fault_clear(struct fault *fault, enum fault_name name)
{
    fault->name = name;
    fault->message[0] = '\0';
    fault->offset = -1;
    fault->expired_ms = -1;
    fault->limit = NULL;
    fault->max = 0;
    fault->param[0] = '\0';
    fault->reason[0] = '\0';
    fault->address[0] = '\0';
    fault->rule[0] = '\0';
    fault->error = 0;
}

__attribute__((format(printf, 2, 0))) static void write_message(struct fault *fault, const char *format,
                                                                va_list arguments)
{
    int length = vsnprintf(fault->message, sizeof fault->message, format, arguments);

    if (length < 0)
        fault->message[0] = '\0';
    else if ((size_t)length >= sizeof fault->message)
        fault->message[text_cut(fault->message, sizeof fault->message - 1)] = '\0';
}

void fault_set(struct fault *ret_fault, enum fault_name name, const char *format, ...)
{
    va_list arguments;

    fault_clear(ret_fault, name);
    va_start(arguments, format);
    write_message(ret_fault, format, arguments);
    va_end(arguments);
}

void fault_set_limit(struct fault *ret_fault, enum fault_name name, const char *limit, uint64_t max, const char *format,
                     ...)
{
    va_list arguments;

    fault_clear(ret_fault, name);
    ret_fault->limit = limit;
    ret_fault->max = max;
    va_start(arguments, format);
    write_message(ret_fault, format, arguments);
    va_end(arguments);
}

void fault_set_param(struct fault *ret_fault, const char *param, const char *format, ...)
{
    size_t length = strlen(param);
    va_list arguments;

    fault_clear(ret_fault, FAULT_INVALID_PARAMS);
    if (length >= sizeof ret_fault->param)
        length = text_cut(param, sizeof ret_fault->param - 1);
    memcpy(ret_fault->param, param, length);
    ret_fault->param[length] = '\0';
    va_start(arguments, format);
    write_message(ret_fault, format, arguments);
    va_end(arguments);
}

const char *fault_text(enum fault_name name)
{
    return fault_table[name].text;
}

int fault_code(enum fault_name name)
{
    return fault_table[name].code;
}
