/* SPDX-License-Identifier: MIT */
/* Parses and classifies "host:port". Stateless and portable. */
#include "libminimio/host_port.h"

#include "libminimio/minimio.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <arpa/inet.h>
#include <netinet/in.h>
#endif

#define DIGITS     "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
#define ZONE_MAX   15 /* bytes of a network interface's name */

/* An integer of `length` digits from `min` to `max`, without a sign, space or leading zeros. */
static bool is_integer(const char *text, size_t length, unsigned long min, unsigned long max)
{
    unsigned long long number;

    if (length == 0 || length > 10 || strspn(text, DIGITS) < length || (length > 1 && text[0] == '0'))
        return false;
    number = strtoull(text, NULL, 10);
    return number >= min && number <= max;
}

static bool is_dotted_quad(const char *host)
{
    for (int i = 0; i < 4; i++) {
        size_t length = strspn(host, DIGITS);

        if (!is_integer(host, length, 0, 255) || host[length] != (i < 3 ? '.' : '\0'))
            return false;
        host += length + 1;
    }
    return true;
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* Printable ASCII, without the bytes that a URL forbids in a host; no label is empty. */
static bool is_name(const char *name, size_t length)
{
    char before = '.';

    for (size_t i = 0; i < length; before = name[i++])
        if (name[i] <= ' ' || name[i] >= 127 || strchr("\"#%/:<>?@[\\]^|", name[i]) ||
            (name[i] == '.' && before == '.'))
            return false;
    return length > 0 && before != '.';
}

/* Does the label look like a number, by the rule of the URL standard: only digits, or 0x and hexadecimal digits? */
static bool is_numeric_label(const char *label, size_t length)
{
    if (length >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
        return strspn(label + 2, HEX_DIGITS) >= length - 2;
    return strspn(label, DIGITS) >= length;
}

static bool is_localhost_label(const char *label, size_t length)
{
    static const char localhost[] = "localhost";

    if (length != sizeof localhost - 1)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((label[i] | 0x20) != localhost[i])
            return false;
    return true;
}

static int classify_unbracketed(struct host_port *parsed)
{
    const char *host = parsed->host;
    size_t length = strlen(host);

    if (length > 0 && host[length - 1] == '.')
        length--;
    if (!is_name(host, length) || length > HOST_MAX - 1)
        return -EINVAL;
    size_t label = length;
    while (label > 0 && host[label - 1] != '.')
        label--;
    if (is_numeric_label(host + label, length - label)) {
        parsed->kind = HOST_V4;
        return is_dotted_quad(host) ? 0 : -EINVAL;
    }
    parsed->kind = is_localhost_label(host + label, length - label) ? HOST_LOCALHOST : HOST_NAME;
    return 0;
}

/* ---- Literals in brackets --------------------------------------------------------------------------------------- */

/* A number, or a possible name of a network interface. */
static bool is_zone(const char *zone)
{
    size_t length = strlen(zone);

    if (length > ZONE_MAX || !is_name(zone, length))
        return false;
    return strspn(zone, DIGITS) < length || is_integer(zone, length, 1, UINT32_MAX);
}

static int classify_bracketed(struct host_port *parsed)
{
    const char *percent = strchr(parsed->host, '%');
    size_t length = percent ? (size_t)(percent - parsed->host) : strlen(parsed->host);
    char digits[INET6_ADDRSTRLEN];
    struct in6_addr address;

    parsed->kind = HOST_V6;
    if (length >= sizeof digits)
        return -EINVAL;
    memcpy(digits, parsed->host, length);
    digits[length] = '\0';
    if (inet_pton(AF_INET6, digits, &address) != 1)
        return -EINVAL;
    /* Only a link-local address needs a zone. */
    return !percent || (IN6_IS_ADDR_LINKLOCAL(&address) && is_zone(percent + 1)) ? 0 : -EINVAL;
}

int host_port_parse(const char *text, struct host_port *ret_parsed)
{
    bool is_bracketed = text[0] == '[';
    const char *host = is_bracketed ? text + 1 : text;
    const char *end = strchr(host, is_bracketed ? ']' : ':');
    const char *colon = end && is_bracketed ? end + 1 : end;

    /* With a second colon outside brackets, the text after the first colon is no port. */
    if (!end || end - host > HOST_MAX || *colon != ':' || !is_integer(colon + 1, strlen(colon + 1), 1, UINT16_MAX))
        return -EINVAL;
    memcpy(ret_parsed->host, host, (size_t)(end - host));
    ret_parsed->host[end - host] = '\0';
    strcpy(ret_parsed->port, colon + 1);
    return is_bracketed ? classify_bracketed(ret_parsed) : classify_unbracketed(ret_parsed);
}
