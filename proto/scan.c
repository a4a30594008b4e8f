/* SPDX-License-Identifier: MIT */
/*
 * A state machine. Each state's function takes as many bytes as belong to it and leaves at the first that does not;
 * between two calls of scan_run nothing is kept but struct scan.
 */
#include "proto/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum state {
    STATE_VALUE,         /* a value must come */
    STATE_FIRST_ELEMENT, /* behind `[`: a value or `]` */
    STATE_FIRST_NAME,    /* behind `{`: a name or `}` */
    STATE_NAME,          /* behind a comma in an object */
    STATE_COLON,
    STATE_BEHIND_VALUE, /* a comma or a closing bracket */
    STATE_STRING,
    STATE_UTF8,    /* inside a character of more than a byte */
    STATE_ESCAPE,  /* behind a backslash */
    STATE_HEX,     /* inside a \u escape's four digits */
    STATE_PAIR,    /* behind a high surrogate: the backslash */
    STATE_PAIR_U,  /* and the u */
    STATE_LITERAL, /* inside true, false or null */
    STATE_MINUS,   /* numbers: named by what was taken last */
    STATE_ZERO,    /* may end here */
    STATE_INTEGER, /* may end here */
    STATE_POINT,
    STATE_FRACTION, /* may end here */
    STATE_EXPONENT,
    STATE_EXPONENT_SIGN,
    STATE_EXPONENT_DIGITS, /* may end here */
    STATE_DONE,
    STATE_WRONG, /* from a function that tells the next state: there is none */
};

enum problem { PROBLEM_NONE, PROBLEM_BYTE, PROBLEM_DUPLICATE, PROBLEM_DEPTH, PROBLEM_VALUES, PROBLEM_MEMORY };

/* One call of scan_run. */
struct run {
    struct scan *scan;
    const struct limits *limits;
    const unsigned char *text, *at, *end;
    enum problem problem;
    const char *wrong; /* about PROBLEM_BYTE, for people */
};

enum byte_class {
    PLAIN, /* stands for itself in a string */
    QUOTE,
    BACKSLASH,
    CONTROL,
    LEAD_2, /* first bytes of UTF-8, by how many follow and what they may be */
    LEAD_E0,
    LEAD_3,
    LEAD_ED,
    LEAD_F0,
    LEAD_4,
    LEAD_F4,
    NO_LEAD,
};

#define TIMES_4(x)  x, x, x, x
#define TIMES_16(x) TIMES_4(x), TIMES_4(x), TIMES_4(x), TIMES_4(x)

/* clang-format off */
static const uint8_t byte_classes[256] = { /* what is not named is PLAIN */
    [0x00] = TIMES_16(CONTROL), TIMES_16(CONTROL),
    ['"'] = QUOTE,
    ['\\'] = BACKSLASH,
    [0x80] = TIMES_16(NO_LEAD), TIMES_16(NO_LEAD), TIMES_16(NO_LEAD), TIMES_16(NO_LEAD),
    [0xc0] = NO_LEAD, NO_LEAD, LEAD_2, LEAD_2, TIMES_4(LEAD_2), TIMES_4(LEAD_2), TIMES_4(LEAD_2),
    [0xd0] = TIMES_16(LEAD_2),
    [0xe0] = LEAD_E0, LEAD_3, LEAD_3, LEAD_3, TIMES_4(LEAD_3), TIMES_4(LEAD_3), LEAD_3, LEAD_ED, LEAD_3, LEAD_3,
    [0xf0] = LEAD_F0, LEAD_4, LEAD_4, LEAD_4, LEAD_F4, NO_LEAD, NO_LEAD, NO_LEAD, TIMES_4(NO_LEAD), TIMES_4(NO_LEAD),
};
/* clang-format on */

static const struct {
    uint8_t count, low, high; /* how many bytes follow, and the bounds of the first of them */
} leads[] = {
    [LEAD_2] = {1, 0x80, 0xbf},  [LEAD_E0] = {2, 0xa0, 0xbf}, [LEAD_3] = {2, 0x80, 0xbf},  [LEAD_ED] = {2, 0x80, 0x9f},
    [LEAD_F0] = {3, 0x90, 0xbf}, [LEAD_4] = {3, 0x80, 0xbf},  [LEAD_F4] = {3, 0x80, 0x8f},
};

static const char *const literals[] = {"true", "false", "null"};

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_space(unsigned char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static void wrong(struct run *run, const char *message)
{
    run->problem = PROBLEM_BYTE;
    run->wrong = message;
}

static bool in_object(const struct scan *scan)
{
    unsigned bit = scan->depth - 1u;

    return scan->depth && (scan->objects[bit / 64] >> bit % 64 & 1);
}

static void end_value(struct scan *scan)
{
    scan->state = scan->depth ? STATE_BEHIND_VALUE : STATE_DONE;
}

/* ---- Structure -------------------------------------------------------------------------------------------------- */

static void open_bracket(struct run *run, bool object)
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

static void close_bracket(struct run *run)
{
    struct scan *scan = run->scan;

    if (in_object(scan))
        names_forget(&scan->names, scan->depth);
    scan->depth--;
    run->at++;
    end_value(scan);
}

static void open_string(struct run *run, bool is_name)
{
    struct scan *scan = run->scan;

    scan->string_at = (uint32_t)(run->at - run->text);
    scan->is_name = is_name;
    scan->is_escaped = false;
    scan->state = STATE_STRING;
    run->at++;
}

static void open_literal(struct run *run, uint16_t which)
{
    run->scan->unit = which;
    run->scan->count = 1;
    run->scan->state = STATE_LITERAL;
    run->at++;
}

static void open_number(struct run *run, enum state state)
{
    run->scan->state = (uint8_t)state;
    run->at++;
}

static bool begins_value(unsigned char byte)
{
    return byte == '"' || byte == '{' || byte == '[' || byte == '-' || is_digit(byte) || byte == 't' || byte == 'f' ||
           byte == 'n';
}

static void open_value(struct run *run)
{
    unsigned char byte = *run->at;

    if (!begins_value(byte)) {
        wrong(run, "a value must stand here");
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

static void open_name(struct run *run)
{
    if (*run->at == '"')
        open_string(run, true);
    else
        wrong(run, "a member name in quotes must stand here");
}

static void behind_value(struct run *run)
{
    bool object = in_object(run->scan);

    if (*run->at == ',') {
        run->scan->state = object ? STATE_NAME : STATE_VALUE;
        run->at++;
    } else if (*run->at == (object ? '}' : ']')) {
        close_bracket(run);
    } else {
        wrong(run,
              object ? "a comma or a closing brace must stand here" : "a comma or a closing bracket must stand here");
    }
}

static void colon(struct run *run)
{
    if (*run->at != ':') {
        wrong(run, "a colon must stand here");
        return;
    }
    run->scan->state = STATE_VALUE;
    run->at++;
}

static void structure(struct run *run)
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
        colon(run);
        break;
    case STATE_BEHIND_VALUE:
        behind_value(run);
        break;
    default:
        open_value(run);
    }
}

/* ---- Strings ---------------------------------------------------------------------------------------------------- */

static void close_name(struct run *run)
{
    struct scan *scan = run->scan;
    uint32_t begin = scan->string_at + 1;
    struct name name = {
        .offset = begin,
        .length = ((uint32_t)(run->at - run->text) - begin) & NAMES_LENGTH_MAX,
        .escaped = scan->is_escaped,
        .depth = scan->depth,
    };
    int r = names_add(&scan->names, (const char *)run->text, name);

    if (r < 0)
        run->problem = r == -EEXIST ? PROBLEM_DUPLICATE : PROBLEM_MEMORY;
    else
        scan->state = STATE_COLON;
}

static void close_string(struct run *run)
{
    if (run->scan->is_name)
        close_name(run);
    else
        end_value(run->scan);
    run->at++;
}

static void open_character(struct run *run, enum byte_class lead)
{
    run->scan->count = leads[lead].count;
    run->scan->low = leads[lead].low;
    run->scan->high = leads[lead].high;
    run->scan->state = STATE_UTF8;
    run->at++;
}

static void string(struct run *run)
{
    const unsigned char *at = run->at;

    while (at < run->end && byte_classes[*at] == PLAIN)
        at++;
    run->at = at;
    if (at == run->end)
        return;
    switch (byte_classes[*at]) {
    case QUOTE:
        close_string(run);
        break;
    case BACKSLASH:
        run->scan->is_escaped = true;
        run->scan->state = STATE_ESCAPE;
        run->at++;
        break;
    case CONTROL:
        wrong(run, "a control character in a string must be escaped");
        break;
    case NO_LEAD:
        wrong(run, "a string must be valid UTF-8");
        break;
    default:
        open_character(run, byte_classes[*at]);
    }
}

static void utf8(struct run *run)
{
    struct scan *scan = run->scan;

    if (*run->at < scan->low || *run->at > scan->high) {
        wrong(run, "a string must be valid UTF-8");
        return;
    }
    scan->low = 0x80;
    scan->high = 0xbf;
    if (--scan->count == 0)
        scan->state = STATE_STRING;
    run->at++;
}

static void open_hex(struct run *run, bool low_half)
{
    run->scan->unit = 0;
    run->scan->count = 0;
    run->scan->is_low_half = low_half;
    run->scan->state = STATE_HEX;
    run->at++;
}

static void escape(struct run *run)
{
    if (*run->at == 'u') {
        open_hex(run, false);
    } else if (*run->at && strchr("\"\\/bfnrt", *run->at)) {
        run->scan->state = STATE_STRING;
        run->at++;
    } else {
        wrong(run, "no such escape: there are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four digits");
    }
}

static int hex_value(unsigned char byte)
{
    unsigned char lower = byte | 0x20;

    if (is_digit(byte))
        return byte - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* What is wrong with a \u escape of which `count` digits were read, as soon as no further digit can mend it. */
static const char *wrong_unit(unsigned unit, unsigned count, bool low_half)
{
    unsigned top = count == 1 ? unit << 4 : unit >> (4 * count - 8);

    if (low_half && (count == 1 ? top != 0xd0 : top < 0xdc || top > 0xdf))
        return "a high surrogate must have a low one behind it";
    if (!low_half && count > 1 && top >= 0xdc && top <= 0xdf)
        return "a low surrogate must have a high one before it";
    if (count == 4 && unit == 0)
        return "\\u0000 is not accepted";
    return NULL;
}

static void hex(struct run *run)
{
    struct scan *scan = run->scan;
    int value = hex_value(*run->at);
    const char *message;

    if (value < 0) {
        wrong(run, "\\u must have four hex digits");
        return;
    }
    scan->unit = (uint16_t)(scan->unit << 4 | value);
    scan->count++;
    message = wrong_unit(scan->unit, scan->count, scan->is_low_half);
    if (message) {
        wrong(run, message);
        return;
    }
    if (scan->count == 4)
        scan->state = scan->unit >= 0xd800 && scan->unit <= 0xdbff ? STATE_PAIR : STATE_STRING;
    run->at++;
}

static void pair(struct run *run)
{
    if (*run->at != (run->scan->state == STATE_PAIR ? '\\' : 'u'))
        wrong(run, "a high surrogate must have a low one behind it");
    else if (run->scan->state == STATE_PAIR_U)
        open_hex(run, true);
    else {
        run->scan->state = STATE_PAIR_U;
        run->at++;
    }
}

/* ---- Literals and numbers --------------------------------------------------------------------------------------- */

static void literal(struct run *run)
{
    struct scan *scan = run->scan;
    const char *letters = literals[scan->unit];

    if (*run->at != (unsigned char)letters[scan->count]) {
        wrong(run, "a value without quotes must be a number, true, false or null");
        return;
    }
    run->at++;
    if (!letters[++scan->count])
        end_value(scan);
}

static enum state exponent_or_end(unsigned char byte)
{
    return byte == 'e' || byte == 'E' ? STATE_EXPONENT : STATE_DONE;
}

/* STATE_DONE: the number ended before this byte. */
static enum state next_in_number(enum state state, unsigned char byte)
{
    bool digit = is_digit(byte);

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

static void number(struct run *run)
{
    enum state state = run->scan->state;

    while (run->at < run->end) {
        enum state next = next_in_number(state, *run->at);

        if (next == STATE_DONE) {
            end_value(run->scan);
            return;
        }
        if (next == STATE_WRONG) {
            wrong(run, "a number must have a digit here");
            break;
        }
        state = next;
        run->at++;
    }
    run->scan->state = (uint8_t)state;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

static void step(struct run *run)
{
    switch (run->scan->state) {
    case STATE_STRING:
        string(run);
        break;
    case STATE_UTF8:
        utf8(run);
        break;
    case STATE_ESCAPE:
        escape(run);
        break;
    case STATE_HEX:
        hex(run);
        break;
    case STATE_PAIR:
    case STATE_PAIR_U:
        pair(run);
        break;
    case STATE_LITERAL:
        literal(run);
        break;
    case STATE_MINUS:
    case STATE_ZERO:
    case STATE_INTEGER:
    case STATE_POINT:
    case STATE_FRACTION:
    case STATE_EXPONENT:
    case STATE_EXPONENT_SIGN:
    case STATE_EXPONENT_DIGITS:
        number(run);
        break;
    default:
        structure(run);
    }
}

static void set_parse_error(struct fault *ret_fault, size_t offset, const char *message)
{
    fault_set(ret_fault, FAULT_PARSE_ERROR, "not JSON at byte %zu: %s", offset, message);
    ret_fault->offset = (int64_t)offset;
}

static void set_fault(const struct run *run, struct fault *ret_fault)
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
    names_init(&scan->names);
}

void scan_deinit(struct scan *scan)
{
    if (!scan)
        return;
    names_deinit(&scan->names);
    scan_init(scan);
}

enum scan_status scan_run(struct scan *scan, const char *text, size_t length, const struct limits *limits,
                          struct fault *ret_fault)
{
    size_t seen = length < limits->message_bytes ? length : limits->message_bytes;
    const unsigned char *bytes = (const unsigned char *)text;
    struct run run = {.scan = scan, .limits = limits, .text = bytes, .at = bytes + scan->offset, .end = bytes + seen};

    while (run.at < run.end && !run.problem && scan->state != STATE_DONE)
        step(&run);
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
