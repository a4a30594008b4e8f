/* SPDX-License-Identifier: MIT */
/*
 * The part of the scanner for strings: UTF-8, escapes, surrogate pairs, and the insertion of member names into the key
 * set. The state is in struct scan.
 */
#include "proto/scan_state.h"

#include <errno.h>
#include <string.h>

enum byte_class {
    PLAIN, /* needs no escape */
    QUOTE,
    BACKSLASH,
    CONTROL,
    LEAD_2, /* lead bytes of UTF-8, by number and range of the following bytes */
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
static const uint8_t byte_classes[256] = { /* all other bytes are PLAIN */
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
    uint8_t count, low, high; /* number of following bytes; bounds of the first following byte */
} leads[] = {
    [LEAD_2] = {1, 0x80, 0xbf},  [LEAD_E0] = {2, 0xa0, 0xbf}, [LEAD_3] = {2, 0x80, 0xbf},  [LEAD_ED] = {2, 0x80, 0x9f},
    [LEAD_F0] = {3, 0x90, 0xbf}, [LEAD_4] = {3, 0x80, 0xbf},  [LEAD_F4] = {3, 0x80, 0x8f},
};

static void close_name(struct scan_run_state *run)
{
    struct scan *scan = run->scan;
    uint32_t begin = scan->string_at + 1;
    struct key name = {
        .offset = begin,
        .length = ((uint32_t)(run->at - run->text) - begin) & KEY_LENGTH_MAX,
        .escaped = scan->is_escaped,
        .depth = scan->depth,
    };
    int result = key_set_add(&scan->keys, (const char *)run->text, name);

    if (result < 0)
        run->problem = result == -EEXIST ? PROBLEM_DUPLICATE : PROBLEM_MEMORY;
    else
        scan->state = STATE_COLON;
}

static void close_string(struct scan_run_state *run)
{
    if (run->scan->is_name)
        close_name(run);
    else
        scan_end_value(run->scan);
    run->at++;
}

static void open_character(struct scan_run_state *run, enum byte_class lead)
{
    run->scan->count = leads[lead].count;
    run->scan->low = leads[lead].low;
    run->scan->high = leads[lead].high;
    run->scan->state = STATE_UTF8;
    run->at++;
}

static void scan_unescaped(struct scan_run_state *run)
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
        scan_wrong(run, "a control character in a string must be escaped");
        break;
    case NO_LEAD:
        scan_wrong(run, "a string must be valid UTF-8");
        break;
    default:
        open_character(run, byte_classes[*at]);
    }
}

static void scan_utf8(struct scan_run_state *run)
{
    struct scan *scan = run->scan;

    if (*run->at < scan->low || *run->at > scan->high) {
        scan_wrong(run, "a string must be valid UTF-8");
        return;
    }
    scan->low = 0x80;
    scan->high = 0xbf;
    if (--scan->count == 0)
        scan->state = STATE_STRING;
    run->at++;
}

static void open_hex(struct scan_run_state *run, bool low_half)
{
    run->scan->unit = 0;
    run->scan->count = 0;
    run->scan->is_low_half = low_half;
    run->scan->state = STATE_HEX;
    run->at++;
}

static void scan_escape(struct scan_run_state *run)
{
    if (*run->at == 'u') {
        open_hex(run, false);
    } else if (*run->at && strchr("\"\\/bfnrt", *run->at)) {
        run->scan->state = STATE_STRING;
        run->at++;
    } else {
        scan_wrong(run, "no such escape: there are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four digits");
    }
}

static int hex_value(unsigned char byte)
{
    unsigned char lower = byte | 0x20;

    if (scan_is_digit(byte))
        return byte - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The error of a \u escape after `count` digits; NULL if the escape can still be valid. */
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

static void scan_hex(struct scan_run_state *run)
{
    struct scan *scan = run->scan;
    int value = hex_value(*run->at);
    const char *message;

    if (value < 0) {
        scan_wrong(run, "\\u must have four hex digits");
        return;
    }
    scan->unit = (uint16_t)(scan->unit << 4 | value);
    scan->count++;
    message = wrong_unit(scan->unit, scan->count, scan->is_low_half);
    if (message) {
        scan_wrong(run, message);
        return;
    }
    if (scan->count == 4)
        scan->state = scan->unit >= 0xd800 && scan->unit <= 0xdbff ? STATE_PAIR : STATE_STRING;
    run->at++;
}

static void scan_pair(struct scan_run_state *run)
{
    if (*run->at != (run->scan->state == STATE_PAIR ? '\\' : 'u'))
        scan_wrong(run, "a high surrogate must have a low one behind it");
    else if (run->scan->state == STATE_PAIR_U)
        open_hex(run, true);
    else {
        run->scan->state = STATE_PAIR_U;
        run->at++;
    }
}

void scan_string(struct scan_run_state *run)
{
    switch (run->scan->state) {
    case STATE_UTF8:
        scan_utf8(run);
        break;
    case STATE_ESCAPE:
        scan_escape(run);
        break;
    case STATE_HEX:
        scan_hex(run);
        break;
    case STATE_PAIR:
    case STATE_PAIR_U:
        scan_pair(run);
        break;
    default:
        scan_unescaped(run);
    }
}
