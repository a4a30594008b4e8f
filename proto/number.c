/* SPDX-License-Identifier: MIT */
/*
 * Exact conversion of decimal numbers to integers. The file has no state.
 */
#include "proto/number.h"
#include "proto/methods.h"

#include <errno.h>
#include <stdbool.h>

#define DIGITS_MAX   16                 /* of INTEGER_MAX */
#define EXPONENT_MAX (INT64_C(1) << 40) /* above the number of digits in any message */

/* The number is `digits` times ten to the power of `exponent`. */
struct decimal {
    bool negative;
    uint64_t digits; /* the significant digits, at most the first DIGITS_MAX */
    int64_t count;   /* number of significant digits, without trailing zeros */
    int64_t zeros;   /* trailing zeros, which become significant if another digit follows */
    int64_t exponent;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static void take_digit(struct decimal *decimal, unsigned digit)
{
    if (!digit) {
        decimal->zeros += decimal->count > 0;
        return;
    }
    for (; decimal->zeros; decimal->zeros--, decimal->count++) {
        if (decimal->count < DIGITS_MAX)
            decimal->digits *= 10;
    }
    if (decimal->count < DIGITS_MAX)
        decimal->digits = 10 * decimal->digits + digit;
    decimal->count++;
}

static const char *take_digits(struct decimal *decimal, const char *at, const char *end, int exponent_step)
{
    for (; at < end && is_digit(*at); at++) {
        take_digit(decimal, (unsigned)(*at - '0'));
        decimal->exponent += exponent_step;
    }
    return at;
}

/* Parses the optional sign and the digits after `e`. Saturates at EXPONENT_MAX. */
static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = *at == '-';
    int64_t exponent = 0;

    if (!is_digit(*at))
        at++;
    for (; at < end && exponent < EXPONENT_MAX; at++)
        exponent = 10 * exponent + (*at - '0');
    return negative ? -exponent : exponent;
}

static struct decimal read_decimal(struct span written)
{
    const char *at = written.data, *end = written.data + written.length;
    struct decimal decimal = {.negative = *at == '-'};

    if (decimal.negative)
        at++;
    at = take_digits(&decimal, at, end, 0);
    if (at < end && *at == '.')
        at = take_digits(&decimal, at + 1, end, -1);
    if (at < end)
        decimal.exponent += read_exponent(at + 1, end);
    decimal.exponent += decimal.zeros;
    return decimal;
}

int number_to_integer(struct span written, uint64_t *ret_value)
{
    struct decimal decimal = read_decimal(written);
    uint64_t value = decimal.digits;

    if (!decimal.count) {
        *ret_value = 0;
        return 0;
    }
    if (decimal.negative || decimal.exponent < 0 || decimal.count + decimal.exponent > DIGITS_MAX)
        return -ERANGE;
    for (int64_t i = 0; i < decimal.exponent; i++)
        value *= 10;
    if (value > INTEGER_MAX)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

int number_parse(const char *text, unsigned base, uint64_t max, uint64_t *ret_value)
{
    bool is_too_large = false;
    uint64_t value = 0;
    const char *at;

    for (at = text; is_digit(*at) && (unsigned)(*at - '0') < base; at++) {
        unsigned digit = (unsigned)(*at - '0');

        is_too_large |= digit > max || value > (max - digit) / base;
        if (!is_too_large)
            value = value * base + digit;
    }
    if (at == text || *at)
        return -EINVAL;
    if (is_too_large)
        return -ERANGE;
    *ret_value = value;
    return 0;
}
