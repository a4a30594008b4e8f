/* SPDX-License-Identifier: MIT */
/*
 * The scanner: structure, literals, numbers, faults. The state is in struct scan; scan_string.c scans strings.
 */
#include "proto/scan.h"
#include "proto/scan_state.h"

#include <inttypes.h>

static const char *const literals[] = {"true", "false", "null"};

static bool is_space(unsigned char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool in_object(const struct scan *scan)
{
    unsigned bit = scan->depth - 1u;

    return scan->depth && (scan->objects[bit / 64] >> bit % 64 & 1);
}

/* ---- Structure -------------------------------------------------------------------------------------------------- */

static void open_bracket(struct scan_run_state *run, bool object)
{
    struct scan *scan = run->scan;
    unsigned bit = scan->depth;
    uint64_t mask = UINT64_C(1) << bit % 64;

    if (scan->depth >= run->limits->message_depth || scan->depth >= SCAN_DEPTH_MAX) {
        run->problem = PROBLEM_DEPTH;
        return;
    }
    if (object)
        scan->objects[bit / 64] |= mask;
    else
        scan->objects[bit / 64] &= ~mask;
    scan->depth++;
    scan->state = object ? STATE_FIRST_NAME : STATE_FIRST_ELEMENT;
    run->at++;
}

static void close_bracket(struct scan_run_state *run)
{
    struct scan *scan = run->scan;

    if (in_object(scan))
        key_set_remove_object(&scan->keys, scan->depth);
    scan->depth--;
    run->at++;
    scan_end_value(scan);
}

static void open_string(struct scan_run_state *run, bool is_name)
{
    struct scan *scan = run->scan;

    scan->string_at = (uint32_t)(run->at - run->text);
    scan->is_name = is_name;
    scan->is_escaped = false;
    scan->state = STATE_STRING;
    run->at++;
}

static void open_literal(struct scan_run_state *run, uint16_t which)
{
    run->scan->unit = which;
    run->scan->count = 1;
    run->scan->state = STATE_LITERAL;
    run->at++;
}

static void open_number(struct scan_run_state *run, enum scan_state state)
{
    run->scan->state = (uint8_t)state;
    run->at++;
}

static bool begins_value(unsigned char byte)
{
    return byte == '"' || byte == '{' || byte == '[' || byte == '-' || scan_is_digit(byte) || byte == 't' ||
           byte == 'f' || byte == 'n';
}

static void open_value(struct scan_run_state *run)
{
    unsigned char byte = *run->at;

    if (!begins_value(byte)) {
        scan_wrong(run, "a value must stand here");
        return;
    }
    if (run->scan->values >= run->limits->message_values) {
        run->problem = PROBLEM_VALUES;
        return;
    }
    run->scan->values++;
    switch (byte) {
    case '"':
        open_string(run, false);
        break;
    case '{':
    case '[':
        open_bracket(run, byte == '{');
        break;
    case '-':
        open_number(run, STATE_MINUS);
        break;
    case 't':
    case 'f':
    case 'n':
        open_literal(run, byte == 't' ? 0 : byte == 'f' ? 1 : 2);
        break;
    default:
        open_number(run, byte == '0' ? STATE_ZERO : STATE_INTEGER);
    }
}

static void open_name(struct scan_run_state *run)
{
    if (*run->at == '"')
        open_string(run, true);
    else
        scan_wrong(run, "a member name in quotes must stand here");
}

static void scan_after_value(struct scan_run_state *run)
{
    bool object = in_object(run->scan);

    if (*run->at == ',') {
        run->scan->state = object ? STATE_NAME : STATE_VALUE;
        run->at++;
    } else if (*run->at == (object ? '}' : ']')) {
        close_bracket(run);
    } else {
        scan_wrong(run, object ? "a comma or a closing brace must stand here"
                               : "a comma or a closing bracket must stand here");
    }
}

static void scan_colon(struct scan_run_state *run)
{
    if (*run->at != ':') {
        scan_wrong(run, "a colon must stand here");
        return;
    }
    run->scan->state = STATE_VALUE;
    run->at++;
}

static void scan_structure(struct scan_run_state *run)
{
    if (is_space(*run->at)) {
        run->at++;
        return;
    }
    switch (run->scan->state) {
    case STATE_FIRST_ELEMENT:
        if (*run->at == ']')
            close_bracket(run);
        else
            open_value(run);
        break;
    case STATE_FIRST_NAME:
        if (*run->at == '}')
            close_bracket(run);
        else
            open_name(run);
        break;
    case STATE_NAME:
        open_name(run);
        break;
    case STATE_COLON:
        scan_colon(run);
        break;
    case STATE_BEHIND_VALUE:
        scan_after_value(run);
        break;
    default:
        open_value(run);
    }
}

/* ---- Literals and numbers --------------------------------------------------------------------------------------- */

static void scan_literal(struct scan_run_state *run)
{
    struct scan *scan = run->scan;
    const char *letters = literals[scan->unit];

    if (*run->at != (unsigned char)letters[scan->count]) {
        scan_wrong(run, "a value without quotes must be a number, true, false or null");
        return;
    }
    run->at++;
    if (!letters[++scan->count])
        scan_end_value(scan);
}

static enum scan_state exponent_or_end(unsigned char byte)
{
    return byte == 'e' || byte == 'E' ? STATE_EXPONENT : STATE_DONE;
}

/* Returns STATE_DONE if the number ends before `byte`. */
static enum scan_state scan_number_step(enum scan_state state, unsigned char byte)
{
    bool digit = scan_is_digit(byte);

    switch (state) {
    case STATE_MINUS:
        return !digit ? STATE_WRONG : byte == '0' ? STATE_ZERO : STATE_INTEGER;
    case STATE_ZERO:
        return byte == '.' ? STATE_POINT : exponent_or_end(byte);
    case STATE_INTEGER:
        return digit ? STATE_INTEGER : byte == '.' ? STATE_POINT : exponent_or_end(byte);
    case STATE_POINT:
        return digit ? STATE_FRACTION : STATE_WRONG;
    case STATE_FRACTION:
        return digit ? STATE_FRACTION : exponent_or_end(byte);
    case STATE_EXPONENT:
        return digit ? STATE_EXPONENT_DIGITS : byte == '+' || byte == '-' ? STATE_EXPONENT_SIGN : STATE_WRONG;
    case STATE_EXPONENT_SIGN:
        return digit ? STATE_EXPONENT_DIGITS : STATE_WRONG;
    default:
        return digit ? STATE_EXPONENT_DIGITS : STATE_DONE;
    }
}

static void scan_number(struct scan_run_state *run)
{
    enum scan_state state = run->scan->state;

    while (run->at < run->end) {
        enum scan_state next = scan_number_step(state, *run->at);

        if (next == STATE_DONE) {
            scan_end_value(run->scan);
            return;
        }
        if (next == STATE_WRONG) {
            scan_wrong(run, "a number must have a digit here");
            break;
        }
        state = next;
        run->at++;
    }
    run->scan->state = (uint8_t)state;
}

/* ---- The scanner --------------------------------------------------------------------------------------------------
 */

static void scan_step(struct scan_run_state *run)
{
    switch (run->scan->state) {
    case STATE_STRING:
    case STATE_UTF8:
    case STATE_ESCAPE:
    case STATE_HEX:
    case STATE_PAIR:
    case STATE_PAIR_U:
        scan_string(run);
        break;
    case STATE_LITERAL:
        scan_literal(run);
        break;
    case STATE_MINUS:
    case STATE_ZERO:
    case STATE_INTEGER:
    case STATE_POINT:
    case STATE_FRACTION:
    case STATE_EXPONENT:
    case STATE_EXPONENT_SIGN:
    case STATE_EXPONENT_DIGITS:
        scan_number(run);
        break;
    default:
        scan_structure(run);
    }
}

static void set_parse_error(struct fault *ret_fault, size_t offset, const char *message)
{
    fault_set(ret_fault, FAULT_PARSE_ERROR, "not JSON at byte %zu: %s", offset, message);
    ret_fault->offset = (int64_t)offset;
}

static void set_fault(const struct scan_run_state *run, struct fault *ret_fault)
{
    const struct limits *limits = run->limits;

    switch (run->problem) {
    case PROBLEM_DUPLICATE:
        set_parse_error(ret_fault, run->scan->string_at, "this object has a member of the same name already");
        break;
    case PROBLEM_DEPTH:
        fault_set_limit(ret_fault, FAULT_INVALID_REQUEST, "message_depth", limits->message_depth,
                        "a message may nest at most %" PRIu32 " objects and arrays", limits->message_depth);
        break;
    case PROBLEM_VALUES:
        fault_set_limit(ret_fault, FAULT_INVALID_REQUEST, "message_values", limits->message_values,
                        "a message may have at most %" PRIu32 " values", limits->message_values);
        break;
    case PROBLEM_MEMORY:
        fault_set(ret_fault, FAULT_INTERNAL, "out of memory; try again later");
        break;
    default:
        set_parse_error(ret_fault, run->scan->offset, run->wrong);
    }
}

void scan_init(struct scan *scan)
{
    scan->offset = 0;
    scan->values = 0;
    scan->state = STATE_VALUE;
    scan->depth = 0;
    key_set_init(&scan->keys);
}

void scan_deinit(struct scan *scan)
{
    if (!scan)
        return;
    key_set_deinit(&scan->keys);
    scan_init(scan);
}

enum scan_status scan_run(struct scan *scan, const char *text, size_t length, const struct limits *limits,
                          struct fault *ret_fault)
{
    size_t seen = length < limits->message_bytes ? length : limits->message_bytes;
    const unsigned char *bytes = (const unsigned char *)text;
    struct scan_run_state run = {
        .scan = scan, .limits = limits, .text = bytes, .at = bytes + scan->offset, .end = bytes + seen};

    while (run.at < run.end && !run.problem && scan->state != STATE_DONE)
        scan_step(&run);
    scan->offset = (uint32_t)(run.at - run.text);
    if (run.problem) {
        set_fault(&run, ret_fault);
        return SCAN_FAULT;
    }
    if (scan->state == STATE_DONE)
        return SCAN_DONE;
    if (length > seen) {
        fault_set_limit(ret_fault, FAULT_INVALID_REQUEST, "message_bytes", limits->message_bytes,
                        "a message may have at most %" PRIu32 " bytes", limits->message_bytes);
        return SCAN_FAULT;
    }
    return SCAN_MORE;
}

static bool may_end(const struct scan *scan)
{
    return !scan->depth && (scan->state == STATE_ZERO || scan->state == STATE_INTEGER ||
                            scan->state == STATE_FRACTION || scan->state == STATE_EXPONENT_DIGITS);
}

enum scan_status scan_end(struct scan *scan, struct fault *ret_fault)
{
    if (scan->state == STATE_DONE || may_end(scan)) {
        scan->state = STATE_DONE;
        return SCAN_DONE;
    }
    set_parse_error(ret_fault, scan->offset, "the text ends before it is whole");
    return SCAN_FAULT;
}

size_t scan_offset(const struct scan *scan)
{
    return scan->offset;
}
